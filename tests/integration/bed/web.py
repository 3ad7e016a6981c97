"""A plain web server over a folder, for --webroot."""
import functools
import http.server
import threading


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


class _ByHost(_Quiet):
    """A folder for each Host; 404 for others."""

    def __init__(self, *args, folders, **more):
        self.folders = folders
        super().__init__(*args, **more)

    def translate_path(self, path):
        host = (self.headers.get("Host") or "").split(":")[0]
        self.directory = self.folders.get(host, "/nonexistent")
        return super().translate_path(path)


class StaticServer:
    def __init__(self, port, folder):
        self._serve(port, functools.partial(_Quiet, directory=folder))

    def _serve(self, port, handler):
        self.server = _Server(("127.0.0.1", port), handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class HostServer(StaticServer):
    """folders: host name -> folder."""

    def __init__(self, port, folders):
        self._serve(port, functools.partial(_ByHost, folders=folders))
