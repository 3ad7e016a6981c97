"""What goes wrong says so once: exit code, class, one line of cause, and a hint where one helps."""
import os
import shutil
import socket

import bed


class Errors(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble(extra={"domainBlocklist": ["blocked.example"]})

    def issue(self, *names):
        return ["issue", *self.names(*names), *self.ca(self.pebble), *self.standalone(self.pebble)]

    def failed(self, *args, code, word, message="", hint="", **more):
        """Runs it as text and as JSON: same code, one error line, words that must be there."""
        error = self.acmec(*args, code=code, **more).error()
        self.assertEqual(error["class"], word, error)
        self.assertIn(message, error["message"])
        self.assertIn(hint, error["hint"] or "")
        self.assertNotIn("\n", error["message"])
        self.assertFalse(error["message"].endswith("."), error)
        text = self.site.run(*args, **more)
        self.assertEqual(text.code, code, str(text))
        self.assertEqual(text.stdout, "")
        self.assertIn(message, text.stderr)
        return error

    def test_wrong_arguments(self):
        cases = {
            "nothing": [], "unknown command": ["isue"], "unknown option": ["renew", "--forse"],
            "no name": ["issue"], "value missing": ["issue", "-d"],
            "bad name": ["issue", "-d", "a..example"], "long label": ["issue", "-d", "a" * 64 + ".example"],
            "long name": ["issue", "-d", ".".join(["a" * 60] * 5)],
            "bad key type": ["issue", "-d", "a.example", "--key-type", "rsa-1"],
            "bad port": ["issue", "-d", "a.example", "--standalone", "--http-port", "70000"],
            "unknown certificate": ["renew", "nobody.example"],
            "bad CERT": ["issue", "-d", "a.example", "--name", "../up"],
            "line end in a value": ["issue", "-d", "a.example", "--email", "a@b.example\ndeploy-hook = x"],
            "two proofs": ["issue", "-d", "a.example", "--standalone", "--webroot", "/tmp"],
        }
        for what, args in cases.items():
            with self.subTest(what):
                run = self.site.run(*args)
                self.assertEqual(run.code, 2, str(run))
                self.assertTrue(run.stderr.strip(), "said nothing")
                self.assertFalse(os.path.exists(self.site.config), "wrote something")

    def test_nearest_word_is_named(self):
        self.assertIn("issue", self.site.run("isue").stderr)
        self.assertIn("--force", self.site.run("renew", "--forse").stderr)
        self.site.write_conf("a.example", domain="a.example", webrot="/tmp")
        error = self.failed("renew", code=3, word="config", message="a.example.conf:2")
        self.assertIn("webroot", error["message"] + (error["hint"] or ""))

    def test_wildcard_cannot_be_proved_over_http(self):
        self.failed(*self.issue("*.wild.example"), code=2, word="usage", message="*.wild.example")

    def test_unreachable_ca(self):
        port = bed.free_port()
        run = self.acmec("issue", *self.names("a.example"), "--server", f"https://localhost:{port}/dir",
                         "--agree-tos", "--standalone", "--http-port", str(self.pebble.http_port), code=4)
        self.assertLess(run.seconds, 6)
        self.assertEqual(run.json["error"]["class"], "network")
        self.assertIn(str(port), run.json["error"]["message"])

    def test_silent_ca(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"https://localhost:{silent.getsockname()[1]}/dir"
            run = self.acmec("issue", *self.names("a.example"), *self.ca(self.pebble, url),
                             *self.standalone(self.pebble), code=4)
        self.assertLess(run.seconds, 60)

    def test_untrusted_ca(self):
        self.failed("issue", *self.names("a.example"), "--server", self.pebble.url, "--agree-tos",
                    *self.standalone(self.pebble), code=4, word="network", hint="--ca-bundle")

    def test_refused_name(self):
        self.failed(*self.issue("blocked.example"), code=5, word="refused", message="blocked.example")

    def test_proof_that_fails(self):
        """Another server answers where Pebble looks: everybody is told 404."""
        port = bed.free_port()
        pebble = self.start_pebble(http_port=port)
        self.start_webroot(port)
        elsewhere = self.new_site().home
        self.failed("issue", *self.names("a.example"), *self.ca(pebble), "--webroot", elsewhere,
                    code=5, word="refused", message="a.example")
        self.assertEqual(os.listdir(elsewhere), [])

    def test_port_taken(self):
        with socket.create_server(("0.0.0.0", self.pebble.http_port)):
            self.pebble.clear()
            error = self.failed(*self.issue("a.example"), code=8, word="web-server",
                                message=str(self.pebble.http_port))
            self.assertNotIn("newOrder", self.pebble.calls())
        self.assertIn("python3", error["message"] + (error["hint"] or ""), "names the process")
        self.assertIn(str(os.getpid()), error["message"] + (error["hint"] or ""))

    def test_terms_not_agreed(self):
        args = [word for word in self.issue("a.example") if word != "--agree-tos"]
        self.pebble.clear()
        self.failed(*args, code=2, word="usage", hint="--agree-tos")
        self.assertNotIn("newAccount", self.pebble.calls())

    def test_webroot_missing(self):
        self.failed("issue", *self.names("a.example"), *self.ca(self.pebble), "--webroot", "/nonexistent/www",
                    code=7, word="files", message="/nonexistent/www")

    def test_unreadable_files(self):
        bundle = os.path.join(self.site.home, "no-bundle.pem")
        self.failed("issue", *self.names("a.example"), "--server", self.pebble.url, "--ca-bundle", bundle,
                    "--agree-tos", *self.standalone(self.pebble), code=7, word="files", message=bundle)
        certs = os.path.join(self.site.config, "certs")
        conf = os.path.join(certs, "a.example.conf")
        for make in (os.mkdir, os.mkfifo):
            os.makedirs(certs)
            make(conf)
            self.failed("renew", code=7, word="files", message=conf)
            shutil.rmtree(certs)

    def test_one_failure_does_not_stop_the_others(self):
        common = {"server": self.pebble.url, "ca_bundle": self.pebble.bundle, "agree_tos": "yes",
                  "standalone": "yes", "http_port": self.pebble.http_port}
        for name in ("blocked.example", "good1.example", "good2.example"):
            self.site.write_conf(name, domain=name, **common)
        with open(os.path.join(self.site.config, "certs/broken.example.conf"), "w", encoding="utf-8") as conf:
            conf.write("this is no key\n")
        run = self.acmec("renew", code=1)
        self.assertEqual(run.actions(), {"blocked.example": "failed", "broken.example": "failed",
                                         "good1.example": "issued", "good2.example": "issued"})
        self.assertIn("broken.example.conf:1", run.certificate("broken.example")["error"]["message"])
        again = self.acmec("renew", code={1, 5})
        self.assertEqual(again.actions()["blocked.example"], "held-back")

    def test_locked(self):
        slow = self.start_pebble(no_sleep=False)
        args = ["issue", *self.names("lock.example"), *self.ca(slow), *self.standalone(slow)]
        first = self.site.popen(*args)
        locks = os.path.join(self.site.state, "locks")
        self.assertTrue(bed.wait_until(lambda: os.path.isdir(locks) and os.listdir(locks)))
        self.assertTrue(bed.wait_until(lambda: "newOrder" in slow.calls()))
        error = self.acmec(*args, code=75).error()
        self.assertEqual(error["class"], "locked")
        self.assertIn(str(first.pid), error["message"] + (error["hint"] or ""))
        waited = self.site.popen(*args, "--wait", "60")
        self.assertEqual(first.wait(60), 0)
        self.assertEqual(waited.wait(60), 0)
        for process in (first, waited):
            process.stdout.close()
            process.stderr.close()


if __name__ == "__main__":
    bed.main()
