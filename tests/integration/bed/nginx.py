"""SiteNginx: a real nginx with sites of a test's own, on free ports, started and stopped by the test."""
import http.server
import os
import re
import signal
import socket
import socketserver
import ssl
import subprocess
import threading
import time

NGINX = "/usr/sbin/nginx"
MAIN = """daemon on;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
events {{ worker_connections 64; }}
http {{
    access_log off;
    default_type text/plain;
{http}
    include {folder}/sites/*;
}}
"""


class App:
    """An application that answers on a Unix socket with its name and what it was asked for."""

    def __init__(self, path, text="app"):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = f"{text} {self.headers['Host']} {self.path}".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def address_string(self):
                return "unix"

            def log_message(self, *args):
                pass

        self.server = socketserver.ThreadingUnixStreamServer(path, Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class SiteNginx:
    """folder/nginx.conf includes folder/sites/*; every site's text may use {http} and {tls} for the ports."""

    def __init__(self, folder, http, tls, sites, extra=""):
        self.folder, self.http, self.tls = folder, http, tls
        self.conf = os.path.join(folder, "nginx.conf")
        os.makedirs(os.path.join(folder, "sites"))
        with open(self.conf, "w", encoding="utf-8") as text:
            text.write(MAIN.format(folder=folder, http=extra))
        for name, text in sites.items():
            self.write(name, text)

    def path(self, name):
        return os.path.join(self.folder, "sites", name)

    def fill(self, text):
        return text.replace("{http}", str(self.http)).replace("{tls}", str(self.tls))

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8", newline="") as site:
            site.write(self.fill(text))

    def read(self, name):
        with open(self.path(name), encoding="utf-8", newline="") as site:
            return site.read()

    def sites(self):
        return {name: self.read(name) for name in sorted(os.listdir(os.path.join(self.folder, "sites")))}

    def run(self, *args):
        return subprocess.run([NGINX, "-c", self.conf, *args], capture_output=True, text=True)

    def start(self):
        done = self.run()
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        deadline = time.monotonic() + 10
        while not self.is_up():
            if time.monotonic() > deadline:
                raise RuntimeError("nginx did not start")
            time.sleep(0.02)

    def is_up(self):
        """Its master has taken the name by which it is known: later than the starting command returns."""
        try:
            with open(f"/proc/{self.master()}/cmdline", "rb") as text:
                return text.read().startswith(b"nginx: master process")
        except FileNotFoundError:
            return False

    def master(self):
        try:
            with open(os.path.join(self.folder, "nginx.pid"), encoding="utf-8") as text:
                return int(text.read() or 0)
        except FileNotFoundError:
            return 0

    def stop(self):
        pid = self.master()
        if not pid:
            return
        try:
            os.kill(pid, signal.SIGTERM)
            while True:
                os.kill(pid, 0)
                time.sleep(0.02)
        except ProcessLookupError:
            pass

    def is_valid(self):
        return self.run("-t").returncode == 0

    def log(self):
        with open(os.path.join(self.folder, "error.log"), encoding="utf-8", errors="replace") as text:
            return text.read()

    def reloads(self):
        return len(re.findall(r"signal 1 \(SIGHUP\) received", self.log()))

    # ---- as a client ----

    def leaf(self, name, address="127.0.0.1", port=None, version=None):
        """The certificate (DER) that is served to whoever asks for name."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if version:
            context.minimum_version = context.maximum_version = version
        with socket.create_connection((address, port or self.tls), timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname=name) as secure:
                return secure.getpeercert(binary_form=True)

    def get(self, host, path="/", tls=False, address="127.0.0.1"):
        """(status, location, body)"""
        with socket.create_connection((address, self.tls if tls else self.http), timeout=5) as plain:
            stream = plain
            if tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                stream = context.wrap_socket(plain, server_hostname=host)
            stream.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            reply = b""
            with stream:
                while True:
                    try:
                        data = stream.recv(65536)
                    except ssl.SSLError:
                        break
                    if not data:
                        break
                    reply += data
        head, _, body = reply.partition(b"\r\n\r\n")
        location = re.search(rb"\r\nLocation: ([^\r]*)", head)
        return int(head.split()[1]), location and location[1].decode(), body.decode()
