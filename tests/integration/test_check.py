"""acmec check: what it says of real servers, against what is known of them; exit codes for monitoring."""
import os
import subprocess
import unittest

import bed

PRIVATE = bed.private_network() if __name__ == "__main__" else bool(os.environ.get("ACMEC_PRIVATE_NETWORK"))
NAME = "www.a.example"


def sha256(path):
    said = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"],
                          capture_output=True, text=True, check=True).stdout
    return said.split("=")[1].strip().replace(":", "").lower()


def staple(folder, chain, key):
    """An OCSP reply that says that a self-signed certificate is good."""
    def openssl(*args):
        return subprocess.run(["openssl", *args], capture_output=True, text=True, check=True, cwd=folder).stdout
    serial = openssl("x509", "-in", chain, "-noout", "-serial").split("=")[1].strip()
    with open(os.path.join(folder, "index"), "w", encoding="utf-8") as index:
        index.write(f"V\t991231235959Z\t\t{serial}\tunknown\t/CN=x\n")
    openssl("ocsp", "-issuer", chain, "-cert", chain, "-reqout", "request", "-no_nonce")
    openssl("ocsp", "-index", "index", "-CA", chain, "-rsigner", chain, "-rkey", key, "-reqin", "request",
            "-ndays", "1", "-respout", "reply")
    return os.path.join(folder, "reply")


class CheckTest(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port, cls.other, cls.plain, cls.stapling, cls.bare = (bed.free_port() for _ in range(5))
        cls.ecdsa, ecdsa_key = bed.make_certificate(cls.folder, "ecdsa", [NAME, "127.0.0.1", "::1"])
        cls.rsa, rsa_key = bed.make_certificate(cls.folder, "rsa", [NAME], kind="rsa")
        one = f"ssl_certificate {cls.ecdsa}; ssl_certificate_key {ecdsa_key};"
        two = f"ssl_certificate {cls.rsa}; ssl_certificate_key {rsa_key};"
        cls.must, must_key = bed.make_certificate(cls.folder, "must", [NAME, "127.0.0.1"],
                                                  extension="tlsfeature=status_request")
        must = f"ssl_certificate {cls.must}; ssl_certificate_key {must_key};"
        nginx = bed.Nginx(cls.folder, f"""
            server {{ listen 127.0.0.1:{cls.port} ssl http2; listen [::1]:{cls.port} ssl http2;
                     {one} {two} ssl_protocols TLSv1.2 TLSv1.3;
                     add_header Strict-Transport-Security "max-age=100" always; }}
            server {{ listen 127.0.0.1:{cls.other} ssl; {two} ssl_protocols TLSv1.2; }}
            server {{ listen 127.0.0.1:{cls.stapling} ssl; {must} ssl_stapling on;
                     ssl_stapling_file {staple(cls.folder, cls.must, must_key)}; }}
            server {{ listen 127.0.0.1:{cls.bare} ssl; {must} }}
            server {{ listen 127.0.0.1:{cls.plain}; }}""")
        cls.addClassCleanup(nginx.stop)

    def setUp(self):
        super().setUp()
        self.dns = bed.DnsServer({(NAME, "A"): ["127.0.0.1"], (NAME, "AAAA"): ["::1"],
                                  ("four.example", "A"): ["127.0.0.1"]})
        self.addCleanup(self.dns.stop)

    def check(self, *places, code=0, **more):
        return self.acmec("check", *places, "--dns-server", self.dns.address, code=code, **more).json

    def test_every_address(self):
        found = self.check(f"{NAME}:{self.port}", "--ca-bundle", self.ecdsa)["targets"]
        self.assertEqual(sorted(row["address"] for row in found),
                         [f"127.0.0.1:{self.port}", f"[::1]:{self.port}"])
        for row in found:
            self.assertEqual((row["name"], row["port"], row["problems"], row["error"]),
                             (NAME, self.port, [], None))
            self.assertEqual((row["protocol"], row["group"], row["alpn"]), ("TLSv1.3", "x25519", "h2"))
            self.assertTrue(row["cipher"].startswith("TLS_"), row)
            self.assertEqual(row["versions"], ["TLSv1.2", "TLSv1.3"])
            self.assertEqual([cert["sha256"] for cert in row["chain"]], [sha256(self.ecdsa)])
            self.assertEqual(row["chain"][0]["names"], [NAME, "127.0.0.1", "::1"])
            self.assertEqual(row["second"]["sha256"], sha256(self.rsa))
            self.assertEqual((row["trusted"], row["trusted_by"], row["live"]), (True, NAME, None))
            self.assertEqual((row["stapled"], row["hsts"], row["redirect"]), (False, "max-age=100", None))

    def test_an_address_itself(self):
        found = self.check(f"127.0.0.1:{self.port}", "--ca-bundle", self.ecdsa)["targets"]
        self.assertEqual((found[0]["name"], found[0]["problems"]), ("127.0.0.1", []))
        self.assertEqual(self.dns.asked, [])

    def test_an_older_server(self):
        found = self.check(f"four.example:{self.other}", code=8)["targets"][0]
        self.assertEqual((found["protocol"], found["versions"]), ("TLSv1.2", ["TLSv1.2"]))
        self.assertEqual(found["cipher"], "ECDHE-RSA-AES256-GCM-SHA384")
        self.assertFalse(found["trusted"])
        self.assertEqual(len(found["problems"]), 2, found)
        self.assertIn(f"is for {NAME}, not for four.example", found["problems"][0])
        self.assertIn("signed by nobody but itself", found["problems"][1])

    def test_stapling(self):
        found = self.check(f"127.0.0.1:{self.stapling}", "--ca-bundle", self.must, "--explain")["targets"][0]
        self.assertEqual((found["stapled"], found["problems"]), (True, []))
        bare = self.check(f"127.0.0.1:{self.bare}", "--ca-bundle", self.must, code=8)["targets"][0]
        self.assertEqual((bare["stapled"], bare["problems"]),
                         (False, ["the certificate demands a stapled OCSP reply, and the server sends none"]))
        self.assertIn("the stapled OCSP response", "\n".join(found["explanation"]))

    def test_exit_codes(self):
        nobody = bed.free_port()
        document = self.check(f"127.0.0.1:{nobody}", code=4)
        self.assertEqual(document["error"]["class"], "network")
        self.assertIn("Connection refused", document["error"]["message"])
        self.assertIsNone(document["targets"][0]["protocol"])
        document = self.check("nowhere.example", code=4)
        self.assertEqual(document["targets"][0]["address"], None)
        self.assertIn("NXDOMAIN", document["targets"][0]["problems"][0])
        document = self.check(f"127.0.0.1:{self.plain}", code=8)
        self.assertEqual(document["error"]["class"], "web-server")
        self.assertIn("does not speak TLS", document["error"]["message"])
        self.check(f"127.0.0.1:{self.port}", f"127.0.0.1:{nobody}", "--ca-bundle", self.ecdsa, code=1)
        for wrong in (["check"], ["check", "*.a.example"], ["check", "a.example:0"], ["check", "https://a.example/"]):
            self.acmec(*wrong, code=2)
        self.acmec("check", "a.example", "--dns-server", "ns.example", code=2)
        self.acmec("check", f"127.0.0.1:{self.port}", "--ca-bundle", "/nowhere.pem", code=7)

    def test_text(self):
        """For people on standard output; with --quiet only problems, on standard error."""
        place = f"127.0.0.1:{self.port}"
        said = self.site.run("check", place, "--ca-bundle", self.ecdsa)
        self.assertEqual((said.code, said.stderr), (0, ""), str(said))
        for word in ("TLSv1.3", "x25519", NAME, "all well", "ECDSA, 256 bits"):
            self.assertIn(word, said.stdout)
        said = self.site.run("check", place, "--ca-bundle", self.ecdsa, "--quiet")
        self.assertEqual((said.code, said.stdout, said.stderr), (0, "", ""))
        said = self.site.run("check", place, "--quiet")
        self.assertEqual((said.code, said.stdout, said.stderr.count("\n")), (8, "", 1), str(said))
        self.assertFalse(os.path.exists(self.site.config), "check writes nothing")

    def test_explain(self):
        """The story agrees with what the rest of the document says of the same handshake."""
        for place, is_13 in ((f"127.0.0.1:{self.port}", True), (f"four.example:{self.other}", False)):
            found = self.check(place, "--explain", code={0, 8})["targets"][0]
            story = "\n".join(found["explanation"])
            order = ["-> ClientHello", "<- ServerHello", f"chooses {found['protocol']}", "<- Certificate",
                     "<- CertificateVerify" if is_13 else "<- ServerKeyExchange", "Finished", "judged as"]
            places = [story.find(word) for word in order]
            self.assertNotIn(-1, places, story)
            self.assertEqual(places, sorted(places), story)
            self.assertIn(found["group"], story)
            self.assertIn(found["problems"][0], story)
            self.assertEqual("ClientKeyExchange" in story, not is_13)


class LiveTest(bed.Case):
    """With a certificate of acmec's own, as long as the web server serves it and afterwards."""

    def test_live(self):
        pebble = self.start_pebble()
        port = bed.free_port()
        self.acmec("issue", *self.names("a.example"), *self.ca(pebble), *self.standalone(pebble))
        root = os.path.join(self.folder, "root.pem")
        with open(root, "w", encoding="utf-8") as pem:
            pem.write(pebble.root())
        pair = [self.site.live("a.example", file) for file in ("fullchain.pem", "privkey.pem")]
        folder = os.path.join(self.folder, "nginx")
        os.makedirs(folder)
        nginx = bed.Nginx(folder, f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {pair[0]};"
                                  f" ssl_certificate_key {pair[1]}; }}")
        self.addCleanup(nginx.stop)
        dns = bed.DnsServer({("a.example", "A"): ["127.0.0.1"]})
        self.addCleanup(dns.stop)
        args = ["check", f"a.example:{port}", "--dns-server", dns.address]
        found = self.acmec(*args, "--ca-bundle", root).json["targets"][0]
        self.assertEqual((found["live"], found["trusted"], found["problems"]), ("a.example", True, []))
        self.assertGreaterEqual(len(found["chain"]), 2)
        self.assertEqual(found["chain"][0]["serial"],
                         self.cert_text("a.example", "-serial").split("=")[1].strip().lower())
        untrusted = self.acmec(*args, code=8).json["targets"][0]
        self.assertIn("leads to no CA", untrusted["problems"][0])
        self.acmec("renew", "--force", *self.ca(pebble))
        stale = self.acmec(*args, "--ca-bundle", root, code=8).json["targets"][0]
        self.assertIsNone(stale["live"])
        self.assertIn("live/a.example", stale["problems"][0])


@unittest.skipUnless(PRIVATE, "no private network here")
class WebTest(bed.Case):
    """Redirect and HSTS on the real ports, in a network of its own."""

    def test_redirect(self):
        chain, key = bed.make_certificate(self.folder, "web", ["a.example"])
        nginx = bed.Nginx(self.folder, f"""
            server {{ listen 127.0.0.1:80; return 301 https://$host/; }}
            server {{ listen 127.0.0.1:443 ssl; ssl_certificate {chain}; ssl_certificate_key {key}; }}""")
        self.addCleanup(nginx.stop)
        dns = bed.DnsServer({("a.example", "A"): ["127.0.0.1"]}, port=53)
        self.addCleanup(dns.stop)
        found = self.acmec("check", "a.example", "--ca-bundle", chain).json["targets"][0]
        self.assertEqual((found["http_status"], found["redirect"], found["hsts"]),
                         (301, "https://a.example/", None))
        self.assertEqual(found["address"], "127.0.0.1:443")


if __name__ == "__main__":
    bed.main()
