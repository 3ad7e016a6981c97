"""Certificates made on the spot, and a real nginx that serves them."""
import os
import subprocess

from .ca import wait_until

KEYS = {"ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["-newkey", "rsa:2048"]}


def make_certificate(folder, stem, names, kind="ecdsa", days=30, extension=None):
    """Self-signed; returns the paths of chain and key. extension: one more, as openssl writes it."""
    chain, key = os.path.join(folder, stem + ".pem"), os.path.join(folder, stem + ".key")
    kinds = ",".join(("IP:" if name.replace(".", "").isdigit() or ":" in name else "DNS:") + name
                     for name in names)
    subprocess.run(["openssl", "req", "-x509", "-nodes", *KEYS[kind], "-keyout", key, "-out", chain,
                    "-days", str(days), "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={kinds}",
                    *(["-addext", extension] if extension else [])],
                   check=True, capture_output=True)
    return chain, key


class Nginx:
    """A master of its own below folder; `servers` is what stands in http { }."""

    def __init__(self, folder, servers):
        self.folder = folder
        self.conf = os.path.join(folder, "nginx.conf")
        self.write(servers)
        self.process = subprocess.Popen(["nginx", "-p", folder, "-c", self.conf, "-g", "daemon off;"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        pid = os.path.join(folder, "nginx.pid")
        if not wait_until(lambda: os.path.exists(pid) and os.path.getsize(pid)):
            raise RuntimeError(f"nginx does not start: {self.log()}")

    def write(self, servers):
        user = "user root;" if os.getuid() == 0 else ""
        temporary = "".join(f"{name}_temp_path {self.folder}/{name};" for name in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(self.conf, "w", encoding="utf-8") as conf:
            conf.write(f"{user}\nworker_processes 1;\npid {self.folder}/nginx.pid;\n"
                       f"error_log {self.folder}/error.log info;\nevents {{}}\n"
                       f"http {{\naccess_log off;\n{temporary}\n{servers}\n}}\n")

    def log(self):
        try:
            with open(os.path.join(self.folder, "error.log"), encoding="utf-8") as log:
                return log.read()
        except OSError:
            return ""

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
