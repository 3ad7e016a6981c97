"""--allow-subset: a certificate without the names that the CA refuses or cannot prove."""
import json
import os
import shutil
import urllib.request

import bed


class Subset(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = bed.free_port()
        cls.pebble = cls.start_pebble(http_port=cls.port, extra={"domainBlocklist": ["blocked.example"]})
        cls.www = cls.start_webroot(cls.port)

    def dns(self, action, host):
        """challtestsrv's management: a name that cannot be resolved cannot be proved."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.pebble.port + 5}/{action}",
                                         json.dumps({"host": host}).encode())
        urllib.request.urlopen(request, timeout=10).close()

    def fails(self, host):
        self.dns("set-servfail", host)
        self.addCleanup(self.dns, "clear-servfail", host)

    def issue(self, *names, more=("--allow-subset",), code=0):
        return self.acmec("issue", *self.names(*names), *self.ca(self.pebble), "--webroot", self.www, *more,
                          code=code)

    def assert_has(self, run, name, domains, dropped):
        row = run.certificate(name)
        self.assertEqual((sorted(row["domains"]), sorted(row["dropped"])), (sorted(domains), sorted(dropped)), str(run))
        text = self.cert_text(name, "-ext", "subjectAltName")
        for one in domains:
            self.assertIn("DNS:" + one, text)
        for one in dropped:
            self.assertNotIn(one, text)
        self.assert_whole(name)

    def test_not_unless_it_is_said(self):
        row = self.issue("a.example", "www.blocked.example", more=(), code=5).certificate("a.example")
        self.assertEqual((row["action"], row["dropped"]), ("failed", []))

    def test_a_name_that_the_ca_refuses(self):
        run = self.issue("a.example", "www.blocked.example", "b.example")
        self.assert_has(run, "a.example", ["a.example", "b.example"], ["www.blocked.example"])
        self.assertIn("www.blocked.example", run.stderr)
        conf = bed.read(self.site.config, "certs", "a.example.conf")
        self.assertIn("www.blocked.example", conf)
        self.assertIn("allow-subset = yes", conf)
        # It is what was asked for: nothing is due, also when the state is gone.
        self.pebble.clear()
        self.assertEqual(self.acmec("renew").actions(), {"a.example": "not-due"})
        again = self.issue("a.example", "www.blocked.example", "b.example").certificate("a.example")
        self.assertEqual((again["action"], again["dropped"]), ("not-due", ["www.blocked.example"]))
        shutil.rmtree(self.site.state)
        row = self.acmec("renew").certificate("a.example")
        self.assertEqual((row["action"], row["dropped"]), ("not-due", ["www.blocked.example"]))
        self.assertEqual(self.pebble.calls(), [])
        self.assertEqual(self.acmec("list", "a.example").certificate("a.example")["dropped"], ["www.blocked.example"])
        # Where it may no longer be left out, it is due, and fails.
        self.site.write_conf("a.example", **{"domain": "a.example, www.blocked.example, b.example"},
                             server=self.pebble.url, webroot=self.www, ca_bundle=self.pebble.bundle)
        self.assertEqual(self.acmec("renew", code=5).actions(), {"a.example": "failed"})

    def test_a_proof_that_fails_and_the_next_renewal(self):
        self.fails("bad.example")
        run = self.issue("good.example", "bad.example", "fine.example")
        self.assert_has(run, "good.example", ["good.example", "fine.example"], ["bad.example"])
        self.dns("clear-servfail", "bad.example")
        run = self.acmec("renew", "--force")
        self.assert_has(run, "good.example", ["good.example", "fine.example", "bad.example"], [])
        self.fails("bad.example")
        run = self.acmec("renew", "--force")
        for _ in range(20):  # now and then Pebble takes an old proof
            if not run.certificate("good.example")["reused_proof"]:
                break
            run = self.acmec("renew", "--force")
        self.assert_has(run, "good.example", ["good.example", "fine.example"], ["bad.example"])

    def test_one_after_the_other(self):
        self.fails("one.example")
        self.fails("two.example")
        run = self.issue("x.example", "one.example", "x.blocked.example", "two.example")
        self.assert_has(run, "x.example", ["x.example"], ["one.example", "two.example", "x.blocked.example"])

    def test_never_without_the_last(self):
        for names in (["y.blocked.example"], ["y.blocked.example", "z.blocked.example"]):
            self.assertEqual(self.issue(*names, code=5).actions(), {"y.blocked.example": "failed"})
        self.fails("u.example")
        self.fails("v.example")
        self.assertEqual(self.issue("u.example", "v.example", code=5).actions(), {"u.example": "failed"})
        self.assertFalse(os.path.lexists(self.site.live("u.example")))

    def test_what_is_about_no_name(self):
        """A refusal of the order as a whole drops nothing."""
        proxy = bed.FaultProxy(self.pebble, lambda exchange: "429-long" if exchange.role == "newOrder" else None)
        self.addCleanup(proxy.stop)
        run = self.acmec("issue", *self.names("q.example", "r.example"), *self.ca(self.pebble, proxy.url),
                         "--webroot", self.www, "--allow-subset", code=6)
        self.assertEqual(run.certificate("q.example")["dropped"], [])
        self.assertEqual(len([e for e in proxy.exchanges if e.role == "newOrder"]), 1)

    def test_dry_run(self):
        row = self.issue("d.example", "e.blocked.example", more=("--allow-subset", "--dry-run")).certificate("d.example")
        self.assertEqual((row["action"], row["dropped"]), ("would-issue", ["e.blocked.example"]))


if __name__ == "__main__":
    bed.main()
