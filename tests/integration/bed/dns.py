"""A name server over UDP and TCP that says what a test wants, wrong things too. Standard library only."""
import ipaddress
import socketserver
import struct
import threading

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28, "CAA": 257}
RCODES = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "REFUSED": 5}
WORDS = {number: word for word, number in TYPES.items()}


def name(text):
    labels = [label.encode() for label in text.strip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def rdata(kind, value):
    """value: text; for CAA (flags, tag, value); for MX (preference, name)."""
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "TXT":
        value = value.encode()
        return b"".join(bytes([len(part)]) + part for part in
                        (value[at:at + 255] for at in range(0, len(value), 255)))
    if kind == "CAA":
        return bytes([value[0], len(value[1])]) + value[1].encode() + value[2].encode()
    if kind == "MX":
        return struct.pack(">H", value[0]) + name(value[1])
    if kind == "SOA":
        return name(value) + name("root." + value) + struct.pack(">5I", 1, 2, 3, 4, 5)
    return name(value)


class DnsServer:
    """records: {(name, type): [value, ...]}, changed at will. rcodes: {name: word}. A name with a CNAME is
    answered with it and what it leads to. Names that are nowhere are NXDOMAIN. asked: what was asked, in order."""

    def __init__(self, records=None, address="127.0.0.1", port=0, cut_udp=False):
        self.records, self.rcodes, self.asked = dict(records or {}), {}, []
        self.cut_udp, self.silent = cut_udp, False
        outer = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                message, sock = self.request
                reply = outer.answer(message, "udp")
                if reply:
                    sock.sendto(reply, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                while len(head := self.rfile.read(2)) == 2:
                    reply = outer.answer(self.rfile.read(struct.unpack(">H", head)[0]), "tcp")
                    if reply:
                        self.wfile.write(struct.pack(">H", len(reply)) + reply)

        class TcpServer(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads = True, True

        self.tcp = TcpServer((address, port), Tcp)
        self.port = self.tcp.server_address[1]
        self.udp = socketserver.ThreadingUDPServer((address, self.port), Udp)
        self.udp.daemon_threads = True
        self.address = f"{address}:{self.port}"
        for server in (self.tcp, self.udp):
            threading.Thread(target=server.serve_forever, args=[0.05], daemon=True).start()

    def stop(self):
        for server in (self.tcp, self.udp):
            server.shutdown()
            server.server_close()

    def _find(self, wanted, kind):
        """[(owner, type, value)]"""
        found, seen = [], set()
        while (alias := self.records.get((wanted, "CNAME"))) and kind != "CNAME" and wanted not in seen:
            seen.add(wanted)
            found.append((wanted, "CNAME", alias[0]))
            wanted = alias[0]
        return found + [(wanted, kind, value) for value in self.records.get((wanted, kind), [])]

    def _rcode(self, wanted, found):
        if wanted in self.rcodes:
            return RCODES[self.rcodes[wanted]]
        known = any(owner == wanted or owner.endswith("." + wanted) for owner, _ in self.records)
        return RCODES["NOERROR" if found or known else "NXDOMAIN"]

    def answer(self, message, how):
        at, labels = 12, []
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode())
            at += 1 + message[at]
        number = struct.unpack(">H", message[at + 1:at + 3])[0]
        wanted, kind = ".".join(labels).lower(), WORDS.get(number, str(number))
        self.asked.append((wanted, kind, how))
        if self.silent:
            return None
        found = [] if wanted in self.rcodes else self._find(wanted, kind)
        flags = 0x8580 | self._rcode(wanted, found)
        if how == "udp" and self.cut_udp:
            flags, found = flags | 0x0200, []
        head = message[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0)
        body = b"".join(name(owner) + struct.pack(">HHI", TYPES[type_], 1, 60) +
                        struct.pack(">H", len(data := rdata(type_, value))) + data
                        for owner, type_, value in found)
        return head + message[12:at + 5] + body
