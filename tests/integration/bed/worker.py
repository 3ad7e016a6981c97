"""The workers alone, spoken to as the keeper speaks to them: frames over a socketpair."""
import fcntl
import os
import socket
import struct
import subprocess

from .paths import ACMEC, BUILD

HELLO, CONFIG, REQUEST, CANCEL, PROBE, QUERY = 1, 2, 3, 4, 5, 6
REPLY, FAILED, LOG, SEEN, ANSWER = 64, 65, 66, 67, 68
VERSIONS = ["", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
TYPES = ["HOST", "A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "CAA"]
KEYS = {"any": 0, "ecdsa": 1, "rsa": 2}


def text(value):
    """As frame_put_text: None and "" are told apart."""
    return b"\0" if value is None else b"\1" + data(value.encode())


def data(value):
    return struct.pack(">I", len(value)) + value


class Reader:
    def __init__(self, payload):
        self.rest = payload

    def number(self, size):
        taken, self.rest = self.rest[:size], self.rest[size:]
        return int.from_bytes(taken, "big")

    def data(self):
        size = self.number(4)
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def text(self):
        return self.data().decode() if self.number(1) else None


def version():
    asked = subprocess.run([ACMEC, "--version"], capture_output=True, text=True, check=True)
    return asked.stdout.split()[-1]


class _Worker:
    """passed: sockets that it gets after its end of the socketpair."""

    def __init__(self, name, passed=()):
        ours, theirs = socket.socketpair()
        ours.settimeout(30)
        # It expects its end at descriptor 3, then what is passed, and to be a child of the pid it is told.
        given = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100) for one in (theirs, *passed)]
        moves = "".join(f"exec {3 + place}<&{fd} {fd}<&-; " for place, fd in enumerate(given))
        start = ["bash", "-c", moves + "exec \"$@\"", "bash",
                 os.path.join(BUILD, name), "-", "-", str(os.getpid())]
        self.process = subprocess.Popen(start, pass_fds=given, env={})
        theirs.close()
        for fd in given:
            os.close(fd)
        self.socket, self.kept = ours, b""

    def stop(self):
        self.socket.close()
        return self.process.wait(10)

    def send(self, kind, payload):
        self.socket.sendall(struct.pack(">IB", len(payload) + 1, kind) + payload)

    def receive(self):
        """(type, Reader) of the next frame; None when it has hung up."""
        def whole():
            if len(self.kept) < 4:
                return None
            size = struct.unpack(">I", self.kept[:4])[0]
            return size if len(self.kept) >= 4 + size else None
        while (size := whole()) is None:
            more = self.socket.recv(65536)
            if not more:
                return None
            self.kept += more
        frame, self.kept = self.kept[4:4 + size], self.kept[4 + size:]
        return frame[0], Reader(frame[1:])


class NetWorker(_Worker):
    def __init__(self):
        super().__init__("acmec-net")

    def greet(self):
        self.send(HELLO, text(version()))
        self.send(CONFIG, text("acmec-test") + data(b"") + text(None) + text(None))
        return self.receive()

    def probe(self, number, address, port, name=None, alpn=None, key="any", versions=("", ""),
              proxy_protocol=False, timeout_ms=0):
        self.send(PROBE, struct.pack(">Q", number) + text(address) + struct.pack(">I", port) + text(name)
                  + text(alpn) + struct.pack(">BBBBI", KEYS[key], VERSIONS.index(versions[0]),
                                             VERSIONS.index(versions[1]), proxy_protocol, timeout_ms))

    def query(self, number, name, kind, server=None, tcp=False, timeout_ms=0):
        self.send(QUERY, struct.pack(">Q", number) + text(name) + bytes([TYPES.index(kind)]) + text(server)
                  + bytes([tcp]) + struct.pack(">I", timeout_ms))

    def answer(self):
        """The next answer of the DNS; "failure" in it: there was none."""
        kind, reader = self.receive()
        number = reader.number(8)
        if kind == FAILED:
            return {"id": number, "failure": reader.number(1), "text": reader.text()}
        assert kind == ANSWER, kind
        found = {"id": number, "rcode": reader.number(4), "authoritative": reader.number(1), "records": []}
        for _ in range(reader.number(4)):
            record = {"type": TYPES[reader.number(1)], "authority": reader.number(1), "owner": reader.text(),
                      "ttl": reader.number(4), "flags": reader.number(1), "preference": reader.number(4)}
            record["tag"], record["data"] = reader.text(), reader.data()
            found["records"].append(record)
        return found

    def get(self, number, url, connect_to=None, insecure=False, proxy_protocol=False):
        self.send(REQUEST, struct.pack(">QB", number, 0) + text(url) + b"\0\0" + data(b"") + b"\0"
                  + text(connect_to) + bytes([insecure, proxy_protocol]) + struct.pack(">I", 5000))

    def reply(self):
        """(status, body) of the next reply, or what failed."""
        kind, reader = self.receive()
        reader.number(8)
        if kind == FAILED:
            reader.number(1)
            return reader.text()
        status, _ = reader.number(4), reader.data()
        return status, reader.data()

    def seen(self):
        """The next answer to a probe, as a dict; "failure" in it: there was no handshake."""
        kind, reader = self.receive()
        number = reader.number(8)
        if kind == FAILED:
            return {"id": number, "failure": reader.number(1), "text": reader.text()}
        assert kind == SEEN, kind
        found = {"id": number, "version": VERSIONS[reader.number(1)]}
        for name in ("cipher", "group", "signature", "alpn"):
            found[name] = reader.text()
        found["stapled"] = bool(reader.number(1))
        found["chain"] = [reader.data() for _ in range(reader.number(1))]
        found["hellos"] = reader.data(), reader.data()
        found["steps"] = [(reader.number(1), reader.number(1), reader.number(1), reader.number(4))
                          for _ in range(reader.number(1))]
        return found


class ResponderWorker(_Worker):
    """acmec-responder on listening sockets for HTTP and for TLS, greeted already."""
    HELLO, ADD, REMOVE, ADD_TLS, ACK, HIT = 1, 2, 3, 4, 64, 65

    def __init__(self, plain=(), tls=()):
        super().__init__("acmec-responder", [*plain, *tls])
        self.send(self.HELLO, text(version()) + struct.pack(">II", len(plain), len(tls)))
        assert self.receive()[0] == self.HELLO

    def add(self, token, authorization):
        self.send(self.ADD, text(token) + text(authorization))
        assert self.receive()[0] == self.ACK

    def add_tls(self, token, server_name, certificate, key):
        self.send(self.ADD_TLS, text(token) + text(server_name) + data(certificate) + data(key))
        assert self.receive()[0] == self.ACK

    def remove(self, token):
        self.send(self.REMOVE, text(token))

    def hit(self):
        """The token of the next visit that is told."""
        kind, reader = self.receive()
        assert kind == self.HIT, kind
        return reader.text()
