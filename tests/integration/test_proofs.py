"""Ways of proof beside each other: each name of a certificate has its own, in the files and on the command line."""
import http.server
import os
import tempfile
import threading

import bed


class Proofs(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        port = bed.free_port()
        cls.pebble = cls.start_pebble(http_port=port)
        cls.folders = {name: tempfile.mkdtemp(prefix="www-", dir=cls.folder) for name in ("a", "b")}
        for folder in cls.folders.values():
            os.chmod(folder, 0o755)
        cls.server = bed.HostServer(port, {"a.example": cls.folders["a"], "b.example": cls.folders["b"]})
        cls.addClassCleanup(cls.server.stop)

    def conf(self, name):
        return bed.read(self.site.config, "certs", name + ".conf").splitlines()

    def test_a_folder_for_each_name(self):
        a, b = self.folders["a"], self.folders["b"]
        self.acmec("issue", *self.ca(self.pebble), "--http-port", str(self.pebble.http_port),
                   "--webroot", a, "-d", f"a.example,b.example=webroot:{b}")
        self.assert_whole("a.example")
        self.assertIn(f"domain = b.example=webroot:{b}", self.conf("a.example"))
        self.assertIn(f"webroot = {a}", self.conf("a.example"))
        before = self.conf("a.example")
        self.acmec("renew", "--force")
        again = self.acmec("issue", *self.names("a.example", "b.example"))
        self.assertEqual(again.actions(), {"a.example": "not-due"})
        self.assertEqual(self.conf("a.example"), before)

    def test_the_wrong_folder_is_found_out_at_home(self):
        self.pebble.clear()
        self.site.write_conf("a.example", domain=f"a.example, b.example = webroot:{self.folders['a']}",
                             server=self.pebble.url, ca_bundle=self.pebble.bundle, agree_tos="yes",
                             webroot=self.folders["a"], http_port=self.pebble.http_port)
        failed = self.acmec("renew", code=5)
        self.assertIn("'b.example'", failed.error()["message"])
        self.assertLessEqual(self.pebble.calls().count("challenge"), 1, "the CA is not asked to see b.example")
        for folder in self.folders.values():
            self.assertEqual(os.listdir(folder), [])

    def test_what_is_wrong_is_said_with_file_and_line(self):
        self.site.write_conf("a.example", domain="a.example=smoke:signals", server=self.pebble.url)
        failed = self.acmec("renew", code=3)
        self.assertRegex(failed.error()["message"], r"a\.example\.conf:1: domain: 'smoke' is no way")


class Thumbprint(http.server.BaseHTTPRequestHandler):
    """Answers every token by itself, as a web server with one line of configuration does."""
    thumbprint = ""

    def do_GET(self):
        body = (self.path.rsplit("/", 1)[1] + "." + self.thumbprint).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class WithoutFiles(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = bed.free_port()
        cls.pebble = cls.start_pebble(http_port=cls.port)

    def serve(self, port, handler):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        self.addCleanup(lambda: (server.shutdown(), server.server_close(), thread.join()))

    def test_stateless(self):
        Thumbprint.thumbprint = "not-the-right-one"
        port = bed.free_port()
        pebble = self.start_pebble(http_port=port)
        self.serve(port, Thumbprint)
        self.acmec("account", "register", *self.ca(pebble))
        command = ["issue", *self.names("s.example", "www.s.example", "127.0.0.1"), *self.ca(pebble),
                   "--stateless", "--http-port", str(port)]
        pebble.clear()
        error = self.acmec(*command, code=5).error()
        self.assertIn("account thumbprint", error["hint"])
        self.assertNotIn("challenge", pebble.calls(), "the CA is not asked to see a wrong answer")
        Thumbprint.thumbprint = self.acmec("account", "show").json["accounts"][0]["thumbprint"]
        self.acmec(*command)
        self.assert_whole("s.example")
        self.assertIn("stateless = yes", bed.read(self.site.config, "certs/s.example.conf").splitlines())
        self.acmec("renew", "--force")
        self.assertEqual(self.site.run("account", "thumbprint").stdout, Thumbprint.thumbprint + "\n")

        # Another key has another thumbprint: said when it changes, and by the local server before the CA is asked.
        rolled = self.acmec("account", "rollover", *self.ca(pebble))
        thumbprint = rolled.json["accounts"][0]["thumbprint"]
        self.assertIn(f"s.example: --stateless: its web server must answer with the new thumbprint {thumbprint}",
                      rolled.stderr)
        self.acmec("renew", "--force", code=5)
        Thumbprint.thumbprint = thumbprint
        self.acmec("renew", "--force")

    def script(self, text):
        path = os.path.join(self.site.home, "publish")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, 0o755)
        return path

    def test_http_hook(self):
        folder = self.start_webroot(self.port)
        hook = self.script(f"""#!/bin/sh
file={folder}/.well-known/acme-challenge/$3
echo "$*" >>{self.site.home}/log
[ "$2.$3.$4" = "$ACMEC_DOMAIN.$ACMEC_TOKEN.$ACMEC_KEY_AUTHORIZATION" ] || exit 1
case $1 in
present) mkdir -p "${{file%/*}}" && printf %s "$4" >"$file" ;;
cleanup) rm "$file" ;;
*) exit 2 ;;
esac
""")
        self.acmec("issue", *self.names("h.example", "127.0.0.1"), *self.ca(self.pebble), "--http-hook", hook)
        self.assert_whole("h.example")
        calls = [line.split() for line in bed.read(self.site.home, "log").splitlines()]
        self.assertEqual(sorted(call[1:] for call in calls if call[0] == "present"),
                         sorted(call[1:] for call in calls if call[0] == "cleanup"))
        self.assertEqual({call[1] for call in calls}, {"h.example", "127.0.0.1"})
        self.assertEqual(os.listdir(os.path.join(folder, ".well-known/acme-challenge")), [])
        self.acmec("renew", "--force")

    def test_a_hook_that_fails(self):
        hook = self.script("#!/bin/sh\necho no disk; exit 5\n")
        error = self.acmec("issue", "-d", "f.example", *self.ca(self.pebble), "--http-hook", hook, code=9).error()
        self.assertIn("status 5: no disk", error["message"])


class Names(bed.Case):
    """What -d takes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def test_forms(self):
        given = ["WWW.A.Example.,b.example", "b\u00fccher.example", "xn--bcher-kva.example,127.0.0.1", "[::1]", "b.example"]
        self.acmec("issue", *self.names(*given), *self.ca(self.pebble), *self.standalone(self.pebble))
        text = self.cert_text("www.a.example", "-ext", "subjectAltName").replace(", ", "\n").split("\n")
        found = sorted(line.strip() for line in text if ":" in line and "X509v3" not in line)
        self.assertEqual(found, ["DNS:b.example", "DNS:www.a.example", "DNS:xn--bcher-kva.example",
                                 "IP Address:0:0:0:0:0:0:0:1", "IP Address:127.0.0.1"])
        self.assertEqual(self.acmec("issue", *self.names(*given)).actions(), {"www.a.example": "not-due"})

    def test_what_is_no_name(self):
        for text, words in {"a": "single label", "a b.example": "no host name", "https://a.example/": "URL",
                            "a.example:443": "port", "*.*.example": "'*'", "": "missing", "a..example": "empty label",
                            "1.2.3.400": "IPv4", "x" * 64 + ".example": "63"}.items():
            error = self.acmec("issue", "-d", text, *self.ca(self.pebble), code=2).error()
            self.assertIn(words, error["message"], text)


if __name__ == "__main__":
    bed.main()
