"""acmec-net alone: what it sees of TLS servers, and what it does with frames that nobody should send."""
import os
import random
import socket
import subprocess
import threading

import bed

NAME = "a.example"


def der(path):
    return subprocess.run(["openssl", "x509", "-in", path, "-outform", "DER"], capture_output=True,
                          check=True).stdout


class NetTest(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port, cls.plain, cls.proxied = bed.free_port(), bed.free_port(), bed.free_port()
        cls.ecdsa, ecdsa_key = bed.make_certificate(cls.folder, "ecdsa", [NAME])
        cls.rsa, rsa_key = bed.make_certificate(cls.folder, "rsa", [NAME], kind="rsa")
        pair = f"ssl_certificate {cls.ecdsa}; ssl_certificate_key {ecdsa_key};"
        cls.nginx = bed.Nginx(cls.folder, f"""
            server {{ listen 127.0.0.1:{cls.port} ssl http2; server_name {NAME}; {pair}
                     ssl_certificate {cls.rsa}; ssl_certificate_key {rsa_key};
                     ssl_protocols TLSv1.2 TLSv1.3; }}
            server {{ listen 127.0.0.1:{cls.proxied} ssl proxy_protocol; {pair} ssl_protocols TLSv1.2; }}
            server {{ listen 127.0.0.1:{cls.plain}; }}""")
        cls.addClassCleanup(cls.nginx.stop)

    def setUp(self):
        self.worker = bed.NetWorker()
        self.addCleanup(self.worker.stop)
        self.worker.greet()

    def look(self, port, **more):
        self.worker.probe(1, "127.0.0.1", port, **more)
        found = self.worker.seen()
        self.assertEqual(found["id"], 1)
        return found

    def test_what_a_browser_gets(self):
        found = self.look(self.port, name=NAME, alpn="h2,http/1.1")
        self.assertEqual(found["version"], "TLSv1.3")
        self.assertTrue(found["cipher"].startswith("TLS_"), found)
        self.assertEqual(found["group"], "x25519")
        self.assertEqual(found["signature"], "ECDSA-SHA256")
        self.assertEqual(found["alpn"], "h2")
        self.assertFalse(found["stapled"])
        self.assertEqual(found["chain"], [der(self.ecdsa)])
        client, server = found["hellos"]
        self.assertEqual((client[0], server[0]), (1, 2))
        self.assertIn(NAME.encode(), client)
        self.assertIn(bytes.fromhex("002b00050403040303"), client, "supported_versions: 1.3 and 1.2")
        names = [(sent, kind) for sent, is_alert, kind, _ in found["steps"] if not is_alert]
        self.assertEqual(names[:6], [(1, 1), (0, 2), (0, 8), (0, 11), (0, 15), (0, 20)], found["steps"])

    def test_both_certificates(self):
        for versions in (("TLSv1.2", "TLSv1.2"), ("TLSv1.3", "TLSv1.3")):
            for key, path in (("ecdsa", self.ecdsa), ("rsa", self.rsa)):
                found = self.look(self.port, name=NAME, key=key, versions=versions)
                self.assertEqual(found.get("version"), versions[0], found)
                self.assertEqual(found["chain"], [der(path)], key)

    def test_versions_that_are_not_offered(self):
        found = self.look(self.port, versions=("TLSv1", "TLSv1.1"))
        self.assertIn("failure", found)
        self.assertIn("protocol version", found["text"])

    def test_proxy_protocol(self):
        self.assertIn("failure", self.look(self.proxied))
        found = self.look(self.proxied, proxy_protocol=True)
        self.assertEqual(found.get("version"), "TLSv1.2", found)

    def test_what_does_not_speak_tls(self):
        self.assertEqual(self.look(self.plain)["text"], "what answers does not speak TLS")

    def test_nobody_there(self):
        found = self.look(bed.free_port())
        self.assertEqual(found["text"], "Connection refused")

    def test_silence_ends_in_time(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            found = self.look(silent.getsockname()[1], timeout_ms=300)
            self.assertIn("in time", found["text"])

    def test_many_at_once(self):
        """More than it works on at a time, among them one that was cancelled."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            self.worker.probe(999, "127.0.0.1", silent.getsockname()[1])
            for number in range(1, 151):
                self.worker.probe(number, "127.0.0.1", self.port, name=NAME)
            self.worker.send(4, (999).to_bytes(8, "big"))
            found = [self.worker.seen() for _ in range(150)]
        self.assertEqual(sorted(one["id"] for one in found), list(range(1, 151)))
        self.assertEqual({one.get("version") for one in found}, {"TLSv1.3"})

    def test_servers_that_send_anything(self):
        """Random bytes, and a handshake that stops at any point: always an answer, never an end."""
        random.seed(8446)
        greeting = bytes.fromhex("16030300")

        def serve(listener):
            for _ in range(60):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(greeting + random.randbytes(random.randrange(400)))

        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=serve, args=[listener])
            thread.start()
            for number in range(1, 61):
                self.worker.probe(number, "127.0.0.1", listener.getsockname()[1], timeout_ms=2000)
                self.assertIn("failure", self.worker.seen())
            thread.join()
        self.assertIsNone(self.worker.process.poll())


class HomeTest(bed.Case):
    """Requests to servers of our own: by the address given, with any certificate where that is asked for."""

    def setUp(self):
        super().setUp()
        self.port, self.proxied = bed.free_port(), bed.free_port()
        chain, key = bed.make_certificate(self.folder, "home", [NAME])
        pair = f"ssl_certificate {chain}; ssl_certificate_key {key};"
        os.makedirs(os.path.join(self.folder, "nginx"), exist_ok=True)
        nginx = bed.Nginx(os.path.join(self.folder, "nginx"), f"""
            server {{ listen 127.0.0.1:{self.port} ssl; {pair} location / {{ return 200 $host; }} }}
            server {{ listen 127.0.0.1:{self.proxied} ssl proxy_protocol; {pair}
                     location / {{ return 200 $proxy_protocol_addr; }} }}""")
        self.addCleanup(nginx.stop)
        self.worker = bed.NetWorker()
        self.addCleanup(self.worker.stop)
        self.worker.greet()

    def test_insecure_only_where_asked_for(self):
        home = f"127.0.0.1:{self.port}"
        self.worker.get(1, f"https://{NAME}/", connect_to=home, insecure=True)
        self.assertEqual(self.worker.reply(), (200, NAME.encode()))
        self.worker.get(2, f"https://{NAME}/", connect_to=home)
        self.assertIn("certificate", self.worker.reply())

    def test_insecure_without_an_address_is_no_request(self):
        self.worker.get(1, f"https://{NAME}/", insecure=True)
        self.assertEqual(self.worker.process.wait(10), 1)

    def test_proxy_line(self):
        home = f"127.0.0.1:{self.proxied}"
        self.worker.get(1, f"https://{NAME}/", connect_to=home, insecure=True, proxy_protocol=True)
        self.assertEqual(self.worker.reply(), (200, b"127.0.0.1"))


class DnsTest(bed.Case):
    RECORDS = {
        ("a.example", "A"): ["192.0.2.1", "192.0.2.2"],
        ("a.example", "AAAA"): ["2001:db8::1"],
        ("a.example", "CAA"): [(0, "issue", "ca.example; validationmethods=http-01"), (128, "iodef", "mailto:x")],
        ("a.example", "TXT"): ["x" * 300, "two"],
        ("a.example", "SOA"): ["ns.a.example"],
        ("a.example", "MX"): [(10, "mail.a.example")],
        ("www.a.example", "CNAME"): ["a.example"],
        ("old.example", "CNAME"): ["old.example"],
    }

    def setUp(self):
        super().setUp()
        self.server = bed.DnsServer(self.RECORDS)
        self.addCleanup(self.server.stop)
        self.worker = bed.NetWorker()
        self.addCleanup(self.worker.stop)
        self.worker.greet()

    def ask(self, name, kind, **more):
        self.worker.query(1, name, kind, server=more.pop("server", self.server.address), **more)
        return self.worker.answer()

    def data(self, name, kind):
        return [record["data"] for record in self.ask(name, kind)["records"]]

    def test_records(self):
        found = self.ask("a.example", "A")
        self.assertEqual((found["rcode"], found["authoritative"]), (0, 1))
        self.assertEqual([one["data"] for one in found["records"]], [b"192.0.2.1", b"192.0.2.2"])
        self.assertEqual(self.data("a.example.", "AAAA"), [b"2001:db8::1"])
        self.assertEqual(self.data("a.example", "TXT"), [b"x" * 300, b"two"])
        self.assertEqual(self.data("a.example", "SOA"), [b"ns.a.example"])
        self.assertEqual(self.data("a.example", "MX"), [b"mail.a.example"])
        caa = self.ask("a.example", "CAA")["records"]
        self.assertEqual([(one["flags"], one["tag"], one["data"]) for one in caa],
                         [(0, "issue", b"ca.example; validationmethods=http-01"), (128, "iodef", b"mailto:x")])
        self.assertEqual(self.data("www.a.example", "A"), [b"a.example", b"192.0.2.1", b"192.0.2.2"])
        self.assertEqual({how for _, _, how in self.server.asked}, {"udp"})

    def test_host(self):
        found = sorted(self.data("a.example", "HOST"))
        self.assertEqual(found, [b"192.0.2.1", b"192.0.2.2", b"2001:db8::1"])
        self.assertIn(b"127.0.0.1", [one["data"] for one in self.ask("localhost", "HOST", server=None)["records"]])

    def test_no_records(self):
        self.server.rcodes = {"broken.example": "SERVFAIL", "closed.example": "REFUSED"}
        for name, kind, rcode in (("a.example", "NS", 0), ("no.example", "A", 3), ("no.example", "HOST", 3),
                                  ("broken.example", "CAA", 2), ("closed.example", "CAA", 5)):
            found = self.ask(name, kind)
            self.assertEqual((found.get("rcode"), found.get("records")), (rcode, []), f"{name} {kind}: {found}")

    def test_tcp(self):
        found = self.ask("a.example", "TXT", tcp=True)
        self.assertEqual(len(found["records"]), 2)
        self.assertEqual({how for _, _, how in self.server.asked}, {"tcp"})

    def test_cut_answers_go_on_over_tcp(self):
        self.server.cut_udp = True
        self.assertEqual(len(self.ask("a.example", "TXT")["records"]), 2)
        self.assertEqual([how for _, _, how in self.server.asked], ["udp", "tcp"])

    def test_silence_and_nobody(self):
        self.server.silent = True
        self.assertIn("no DNS server answers", self.ask("a.example", "A", timeout_ms=700)["text"])
        nobody = f"127.0.0.1:{bed.free_port()}"
        self.assertIn("failure", self.ask("a.example", "A", server=nobody, timeout_ms=3000))
        self.assertIn("no address", self.ask("a.example", "A", server="ns.example")["text"])

    def test_many_at_once(self):
        self.server.silent = True
        self.worker.query(999, "a.example", "A", server=self.server.address)
        self.worker.send(4, (999).to_bytes(8, "big"))
        self.server.silent = False
        for number in range(1, 201):
            self.worker.query(number, "a.example", "A", server=self.server.address)
        found = [self.worker.answer() for _ in range(200)]
        self.assertEqual(sorted(one["id"] for one in found), list(range(1, 201)))
        self.assertEqual({len(one.get("records", [])) for one in found}, {2})


class HostileKeeperTest(bed.Case):
    def test_frames_that_are_none(self):
        """Whatever comes, it answers or ends with 1; it never crashes."""
        random.seed(2026)
        for turn in range(40):
            worker = bed.NetWorker()
            if turn % 2:
                worker.greet()
            try:
                for _ in range(20):
                    worker.send(random.choice([1, 2, 3, 4, 5, 6, 7, 66, 200]),
                                random.randbytes(random.randrange(60)))
            except OSError:
                pass  # it has hung up already
            try:
                code = worker.process.wait(10)
            finally:
                worker.stop()
            self.assertEqual(code, 1, f"turn {turn}")


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    bed.main()
