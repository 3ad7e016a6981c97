"""Several CAs: the next one is asked within the same run where one cannot or will not, and only then.

One Pebble behind two proxies is two CAs: each has its own directory, and its own account.
"""
import concurrent.futures
import json
import os

import bed


def problem(status, suffix, detail="no", **more):
    """The CA's reply becomes this problem; its nonce stays."""
    def answer(_status, headers, _body):
        kept = {name: value for name, value in headers.items() if name.lower() == "replay-nonce"}
        return status, {**kept, "Content-Type": "application/problem+json"}, json.dumps(
            {"type": f"urn:ietf:params:acme:error:{suffix}", "detail": detail, **more}).encode()
    return answer


def at(role, fault):
    return lambda exchange: fault if exchange.role == role else None


class Fallback(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = bed.free_port()
        cls.pebble = cls.start_pebble(http_port=cls.port)
        cls.www = cls.start_webroot(cls.port)
        cls.first, cls.second = bed.FaultProxy(cls.pebble), bed.FaultProxy(cls.pebble)
        cls.addClassCleanup(cls.first.stop)
        cls.addClassCleanup(cls.second.stop)

    def setUp(self):
        super().setUp()
        for proxy in (self.first, self.second):
            proxy.fault, proxy.exchanges = (lambda exchange: None), []

    def issue(self, name, *more, servers=None, code=0, site=None):
        servers = servers or [self.first.url, self.second.url]
        return self.acmec("issue", *self.names(name), *(word for url in servers for word in ("--server", url)),
                          "--ca-bundle", self.pebble.bundle, "--agree-tos", "--webroot", self.www, *more, code=code, site=site)

    def orders(self, proxy):
        return len([e for e in proxy.exchanges if e.role == "newOrder"])

    def assert_from(self, run, name, url, *before):
        """Issued by the CA at url, after the others failed with these classes."""
        row = run.certificate(name)
        self.assertIn(row["action"], ("issued", "renewed"), str(run))
        self.assertEqual(row["ca"], url)
        self.assertIsNone(row["error"])
        self.assertEqual([one["error"]["class"] for one in row["ca_errors"]], list(before), str(run))
        self.assertIsNone(run.json["error"])
        self.assert_whole(name)

    # ---- the next one is asked ----

    def test_the_first_does_it(self):
        self.assert_from(self.issue("one.example"), "one.example", self.first.url)
        self.assertEqual(self.second.exchanges, [])

    def test_out_of_reach(self):
        dead = f"https://localhost:{bed.free_port()}/dir"
        run = self.issue("gone.example", servers=[dead, self.second.url])
        self.assert_from(run, "gone.example", self.second.url, "network")
        self.assertEqual(run.certificate("gone.example")["ca_errors"][0]["ca"], dead)
        self.assertIn(dead, run.stderr)
        # The list is remembered, and a certificate from any of its CAs is as good.
        self.assertIn(f"server = {dead}", bed.read(self.site.config, "certs", "gone.example.conf"))
        self.assertEqual(self.acmec("renew").actions(), {"gone.example": "not-due"})
        self.assertEqual(self.issue("gone.example", servers=[dead, self.second.url]).actions(),
                         {"gone.example": "not-due"})
        listed = self.acmec("list", "gone.example").certificate("gone.example")
        self.assertEqual(listed["ca"], self.second.url)

    def test_its_own_reasons(self):
        """At whatever exchange, and in whatever words."""
        cases = [
            ("newOrder", problem(403, "rejectedIdentifier"), "refused"),
            ("newOrder", problem(400, "unsupportedIdentifier"), "refused"),
            ("newOrder", problem(403, "userActionRequired"), "usage"),
            ("newOrder", problem(403, "unauthorized", "account is deactivated"), "refused"),
            ("newOrder", problem(500, "serverInternal"), "network"),
            ("newOrder", problem(503, "serverInternal"), "network"),
            ("finalize", problem(403, "caa"), "refused"),
            ("finalize", problem(400, "badCSR"), "refused"),
            ("directory", problem(503, "serverInternal"), "network"),
            ("certificate", problem(500, "serverInternal"), "network"),
        ]

        def one(numbered):
            number, (role, fault, code) = numbered
            proxy = bed.FaultProxy(self.pebble, at(role, fault))
            try:
                run = self.issue(f"own{number}.example", servers=[proxy.url, self.second.url], site=self.new_site())
                row = run.certificate(f"own{number}.example")
                found = row["ca"], [failed["error"]["class"] for failed in row["ca_errors"]]
                wrong = found != (self.second.url, [code]) or run.json["error"]
                return f"{role}, case {number}: {run}" if wrong else None
            except AssertionError as error:
                return f"{role}, case {number}: {error}"
            finally:
                proxy.stop()
        with concurrent.futures.ThreadPoolExecutor(bed.PARALLEL) as pool:
            self.assert_none_wrong(pool.map(one, enumerate(cases)), len(cases))

    def test_a_rate_limit_is_remembered(self):
        self.first.fault = at("newOrder", "429-long")
        self.assert_from(self.issue("limit.example"), "limit.example", self.second.url, "rate-limited")
        self.first.fault, self.first.exchanges = (lambda exchange: None), []
        run = self.acmec("renew", "--force", "limit.example")
        self.assert_from(run, "limit.example", self.second.url, "rate-limited")
        self.assertEqual(self.first.exchanges, [], "it said to wait")
        self.assert_from(self.acmec("renew", "--force", "--force-rate-limit", "limit.example"),
                         "limit.example", self.first.url)

    def test_many_certificates(self):
        """The CA's outage is met once, and said once."""
        dead = f"https://localhost:{bed.free_port()}/dir"
        names = [f"m{i}.example" for i in range(10)]
        for name in names:
            self.site.write_conf(name, domain=name, server=f"{dead}, {self.second.url}", webroot=self.www,
                                 ca_bundle=self.pebble.bundle, agree_tos="yes")
        run = self.acmec("renew")
        self.assertEqual(run.actions(), {name: "issued" for name in names})
        self.assertEqual(run.stderr.count(dead), 1, run.stderr)

    def test_dry_run(self):
        self.first.fault = at("newOrder", problem(403, "rejectedIdentifier"))
        row = self.issue("dry.example", "--dry-run").certificate("dry.example")
        self.assertEqual((row["action"], len(row["ca_errors"])), ("would-issue", 1))

    # ---- the next one is not asked ----

    def test_a_proof_that_fails(self):
        run = self.acmec("issue", *self.names("proof.example"), "--server", self.first.url, "--server",
                         self.second.url, "--ca-bundle", self.pebble.bundle, "--agree-tos", "--standalone",
                         "--http-port", str(bed.free_port()), code=5)
        self.assertEqual(run.certificate("proof.example")["ca_errors"], [])
        self.assertEqual(self.orders(self.second), 0)

    def test_terms_that_nobody_agreed_to(self):
        """That is for the person to do, not for another CA."""
        self.acmec("issue", *self.names("terms.example"), "--server", self.first.url, "--server", self.second.url,
                   "--ca-bundle", self.pebble.bundle, "--webroot", self.www, code=2)
        self.assertEqual(self.second.exchanges, [])

    # ---- none is left ----

    def test_all_out_of_reach(self):
        dead = [f"https://localhost:{bed.free_port()}/dir" for _ in range(2)]
        run = self.issue("none.example", servers=dead, code=4)
        self.assertEqual(run.actions(), {"none.example": "deferred"})
        self.assertIn(dead[0], run.json["error"]["message"])
        self.assertIn(dead[1], run.stderr)
        self.assertEqual([one["ca"] for one in run.certificate("none.example")["ca_errors"]], dead)

    def test_all_refuse(self):
        self.first.fault = at("newOrder", problem(403, "rejectedIdentifier", "not by the first"))
        self.second.fault = at("newOrder", problem(403, "rejectedIdentifier", "not by the second"))
        row = self.issue("all.example", code=5).certificate("all.example")
        self.assertEqual(row["action"], "failed")
        self.assertIn("not by the second", row["error"]["message"])
        self.assertIn("not by the first", row["ca_errors"][0]["error"]["message"])

    def test_refused_by_one_and_the_other_gone(self):
        self.first.fault = at("newOrder", problem(403, "rejectedIdentifier", "not by the first"))
        dead = f"https://localhost:{bed.free_port()}/dir"
        row = self.issue("half.example", servers=[self.first.url, dead], code=5).certificate("half.example")
        self.assertIn("not by the first", row["error"]["message"])
        self.assertEqual([one["error"]["class"] for one in row["ca_errors"]], ["refused", "network"])

    # ---- a CA that is not wanted ----

    def test_a_certificate_from_elsewhere_is_due(self):
        self.issue("else.example", servers=[self.first.url])
        path = os.path.join(self.site.config, "certs", "else.example.conf")
        text = bed.read(path).replace(self.first.url, self.second.url)
        with open(path, "w", encoding="utf-8") as conf:
            conf.write(text)
        self.assert_from(self.acmec("renew"), "else.example", self.second.url)
        self.assertEqual(self.acmec("renew").actions(), {"else.example": "not-due"})


if __name__ == "__main__":
    bed.main()
