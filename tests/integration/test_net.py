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
