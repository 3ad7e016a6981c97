"""tls-alpn-01: against Pebble, by name and by address (Caddy: test_caddy.py); and the responder alone, asked by
strangers."""
import os
import re
import socket
import ssl
import subprocess

import bed


class Issue(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def issue(self, *names, options=(), **more):
        return self.acmec("issue", *self.names(*names), *self.ca(self.pebble), "--tls-alpn",
                          "--tls-port", str(self.pebble.tls_port), *options, **more)

    def test_names(self):
        self.issue("a.example", "www.a.example")
        self.assert_whole("a.example")
        self.assertIn("tls-alpn = yes", bed.read(self.site.config, "certs/a.example.conf").splitlines())
        self.assertEqual(self.acmec("renew", "--force").actions(), {"a.example": "renewed"})

    def test_addresses(self):
        self.issue("127.0.0.1", "::1")
        text = self.cert_text("127.0.0.1", "-ext", "subjectAltName")
        self.assertIn("IP Address:127.0.0.1", text)
        self.assertIn("IP Address:0:0:0:0:0:0:0:1", text)

    def test_beside_http_in_one_certificate(self):
        self.acmec("issue", "-d", "c.example,tls.c.example=tls-alpn", *self.ca(self.pebble),
                   *self.standalone(self.pebble), "--tls-port", str(self.pebble.tls_port))
        self.assert_whole("c.example")
        self.assertEqual(self.acmec("renew", "--force").actions(), {"c.example": "renewed"})

    def test_many_names(self):
        # Pebble comes thrice for each, all at once, and waits 5 s: some 5 ms of a processor for each of 90 handshakes.
        self.issue(*(f"n{i}.many.example" for i in range(30)))
        self.assertEqual(self.cert_text("n0.many.example", "-ext", "subjectAltName").count("DNS:"), 30)

    def test_a_taken_port_is_named_before_any_order(self):
        with socket.create_server(("127.0.0.1", self.pebble.tls_port)):
            self.pebble.clear()
            error = self.issue("taken.example", code=8).error()
        self.assertRegex(error["message"], rf"port {self.pebble.tls_port} is taken by python")
        self.assertIn("--dns", error["hint"])
        self.assertNotIn("newOrder", self.pebble.calls())

    def test_wildcards_cannot(self):
        error = self.issue("*.a.example", code=2).error()
        self.assertIn("tls-alpn-01", error["message"])


def make_answer(folder, name, digest):
    """A certificate and a key for a name, by openssl."""
    key, cert = os.path.join(folder, "k.pem"), os.path.join(folder, "c.der")
    run = lambda *words: subprocess.run(["openssl", *words], check=True, capture_output=True).stdout
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
        "-subj", "/CN=x", "-addext", f"subjectAltName=DNS:{name}", "-addext",
        f"1.3.6.1.5.5.7.1.31=critical,DER:0420{digest.hex()}", "-outform", "DER", "-out", cert)
    with open(cert, "rb") as der:
        return der.read(), run("pkcs8", "-topk8", "-nocrypt", "-in", key, "-outform", "DER")


class Strangers(bed.Case):
    """The responder itself, on a port where it serves x.example."""

    def setUp(self):
        super().setUp()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.worker = bed.ResponderWorker(tls=[self.listener])
        self.addCleanup(self.listener.close)
        self.addCleanup(self.worker.stop)
        self.certificate, self.key = make_answer(self.site.home, "x.example", bytes(range(32)))
        self.worker.add_tls("token-x", "x.example", self.certificate, self.key)

    def shake(self, name, protocols, highest=None, lowest=None):
        """The certificate that is served, or the reason why none is."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if protocols:
            context.set_alpn_protocols(protocols)
        if highest:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = highest
        with socket.create_connection(("127.0.0.1", self.port), 10) as plain:
            try:
                with context.wrap_socket(plain, server_hostname=name) as tls:
                    return tls.getpeercert(binary_form=True), tls.selected_alpn_protocol(), tls.recv(1)
            except (ssl.SSLError, ConnectionError) as error:
                return str(error)

    def test_who_asks_rightly(self):
        for name in ("x.example", "X.Example"):
            self.assertEqual(self.shake(name, ["acme-tls/1"]), (self.certificate, "acme-tls/1", b""))
            self.assertEqual(self.worker.hit(), "token-x")
        self.assertEqual(self.shake("x.example", ["h2", "acme-tls/1"])[1], "acme-tls/1")

    def test_who_does_not(self):
        wrong = {("x.example", ("h2", "http/1.1")): "no application protocol",
                 ("y.example", ("acme-tls/1",)): "unrecognized name",
                 (None, ("acme-tls/1",)): "handshake failure"}
        for (name, protocols), reason in wrong.items():
            self.assertRegex(str(self.shake(name, list(protocols))), re.compile(reason, re.I))
        self.assertIn("VERSION", str(self.shake("x.example", ["acme-tls/1"], ssl.TLSVersion.TLSv1_1)).upper())
        # Without any protocol the handshake is through before anybody can object; nothing follows it, and no visit
        # is told: the next one told is the right one.
        self.shake("x.example", [])
        self.worker.add_tls("token-y", "y.example", *make_answer(self.site.home, "y.example", bytes(32)))
        self.shake("y.example", ["acme-tls/1"])
        self.assertEqual(self.worker.hit(), "token-y")

    def test_what_is_taken_away_is_gone(self):
        half = socket.create_connection(("127.0.0.1", self.port), 10)  # in the middle of nothing
        self.addCleanup(half.close)
        self.worker.remove("token-x")
        self.worker.remove("token-x")
        self.assertRegex(str(self.shake("x.example", ["acme-tls/1"])), re.compile("unrecognized", re.I))

    def test_rubbish_and_silence(self):
        rubbish = [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"a" * 5000, os.urandom(3000), b"\x16"]
        sockets = []
        for number in range(1100):  # more than are kept at a time
            plain = socket.create_connection(("127.0.0.1", self.port), 10)
            sockets.append(plain)
            try:
                plain.sendall(rubbish[number % len(rubbish)])
            except OSError:
                pass  # made room for the next ones already
        self.assertEqual(self.shake("x.example", ["acme-tls/1"])[1], "acme-tls/1")
        for plain in sockets:
            plain.close()
        self.assertIsNone(self.worker.process.poll())

    def test_a_broken_answer_ends_it(self):
        self.worker.send(self.worker.ADD_TLS, b"\1\0\0\0\1a" + b"\1\0\0\0\1b" + b"\0\0\0\1c" + b"\0\0\0\1d")
        self.assertIsNone(self.worker.receive())
        self.assertEqual(self.worker.process.wait(10), 1)


if __name__ == "__main__":
    bed.main()
