"""Steps: a program is stopped after every change of a file below some folders, for a look at how things are."""
import os
import socketserver
import subprocess
import tempfile
import threading

SOURCE = os.path.join(os.path.dirname(__file__), "step.c")


def build_step(folder):
    """The library that makes a program stop; its path."""
    library = os.path.join(folder, "step.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE], check=True)
    return library


class Steps:
    """look(change): called after each; what it returns is kept with it. steps: [(change, what look returned)]."""

    def __init__(self, library, folders, look):
        self.folder = tempfile.mkdtemp(prefix="steps-")
        self.steps = []
        path = os.path.join(self.folder, "socket")
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                change = self.rfile.read().decode(errors="replace")
                outer.steps.append((change, look(change)))
                self.wfile.write(b".")

        self.server = socketserver.UnixStreamServer(path, Handler)
        os.chmod(self.folder, 0o755)
        os.chmod(path, 0o666)  # an ordinary user's program may be stopped as well
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        self.env = {"LD_PRELOAD": library, "STEP_SOCKET": path, "STEP_BELOW": ":".join(folders)}

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        os.unlink(os.path.join(self.folder, "socket"))
        os.rmdir(self.folder)
