"""Proof by a TXT record that stands in the zone (dns-persist-01), as the drafts have it."""
import base64
import hashlib
import json
import os

import bed

ISSUER = "pebble.letsencrypt.org"


class Persist(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dns = bed.DnsServer()
        cls.addClassCleanup(cls.dns.stop)
        cls.pebble = cls.start_pebble(dns=cls.dns.address)

    def setUp(self):
        super().setUp()
        self.dns.records.clear()
        self.dns.asked.clear()

    def put(self, name, *texts):
        self.dns.records[(f"_validation-persist.{name}", "TXT")] = list(texts)
        self.dns.records[(name, "A")] = ["127.0.0.1"]

    def look(self):
        return ["--dns-server", self.dns.address]

    def run_on(self, *args, url=None, **more):
        return self.acmec(*args, *self.ca(self.pebble, url), *self.look(), **more)

    def issue(self, *names, options=(), **more):
        return self.run_on("issue", *self.names(*names), "--dns-persist", *options, **more)

    def show(self, *names, word="show", **more):
        return self.run_on("dns-persist", word, *self.names(*names), **more).json["records"]

    def account_url(self):
        return self.acmec("account", "show").json["accounts"][0]["url"]

    def test_a_record_is_shown_put_there_and_used_again_and_again(self):
        [record] = self.show("a.example", "*.a.example")
        self.assertEqual(record["name"], "_validation-persist.a.example")
        self.assertEqual(record["value"], f"{ISSUER}; accounturi={self.account_url()}; policy=wildcard")
        self.assertEqual(record["line"], f'_validation-persist.a.example. IN TXT "{record["value"]}"')
        self.assertIsNone(record["there"])
        self.put("a.example", "v=other", record["value"])
        self.issue("a.example", "*.a.example")
        self.assert_whole("a.example")
        self.assertIn("DNS:*.a.example", self.cert_text("a.example", "-ext", "subjectAltName"))
        self.assertIn("dns-persist = yes", bed.read(self.site.config, "certs/a.example.conf").splitlines())
        self.pebble.clear()
        orders = self.orders_to_replace("a.example")
        self.assertEqual(self.acmec("renew", "--force", *self.look()).actions(), {"a.example": "renewed"})
        calls = self.pebble.calls()
        self.assertEqual(calls.count("newOrder"), orders)
        self.assertLessEqual(calls.count("challenge"), 2)

    def test_check(self):
        [there] = self.show("a.example")
        self.put("a.example", there["value"])
        self.put("b.example", there["value"] + "0")
        self.assertEqual([row["there"] for row in self.show("a.example", word="check")], [True])
        result = self.run_on("dns-persist", "check", *self.names("a.example", "b.example"), code=5)
        self.assertEqual([row["there"] for row in result.json["records"]], [True, False])
        self.assertIn("1 of 2", result.error()["message"])
        plain = self.site.run("dns-persist", "check", "-d", "b.example", *self.ca(self.pebble), *self.look())
        self.assertEqual(plain.code, 5)
        self.assertTrue(plain.stdout.startswith("missing: _validation-persist.b.example. IN TXT"), str(plain))

    def test_check_and_show_all_certificates_that_are_proved_so(self):
        self.assertEqual(self.acmec("dns-persist", "show").json["records"], [])
        self.assertIn("-d NAME", self.site.run("dns-persist", "show").stdout)
        [record] = self.show("all.example")
        self.put("all.example", record["value"])
        self.issue("all.example")
        self.assertEqual(self.acmec("dns-persist", "show").json["records"], [record])
        self.acmec("dns-persist", "check", *self.look())
        self.put("all.example")
        self.acmec("dns-persist", "check", *self.look(), code=5)

    def test_a_missing_record_is_said_before_the_ca_looks(self):
        self.put("m.example", "nothing")
        self.pebble.clear()
        error = self.issue("m.example", code=5).error()
        self.assertIn("m.example", error["message"])
        self.assertIn(f'_validation-persist.m.example. IN TXT "{ISSUER}; accounturi=', error["hint"])
        self.assertNotIn("challenge", self.pebble.calls())

    def test_a_record_that_allows_no_wildcard_or_is_over(self):
        [record] = self.show("w.example")
        self.put("w.example", record["value"])
        self.assertIn("policy=wildcard", self.issue("*.w.example", code=5).error()["hint"])
        self.put("w.example", record["value"] + "; persistUntil=1000000000")
        self.issue("w.example", code=5)
        self.put("w.example", record["value"] + "; persistUntil=99999999999")
        self.issue("w.example")

    def test_a_cname_and_a_long_text(self):
        [record] = self.show("c.example")
        long = record["value"] + "; other=" + "x" * 300
        self.dns.records[("_validation-persist.c.example", "CNAME")] = ["proofs.other.example"]
        self.dns.records[("proofs.other.example", "TXT")] = [long]
        self.issue("c.example")

    def test_beside_another_proof_and_without_a_look(self):
        [record] = self.show("p.example")
        self.put("p.example", record["value"])
        self.dns.records[("q.example", "A")] = ["127.0.0.1"]
        self.run_on("issue", *self.names("p.example=dns-persist", "q.example"), *self.standalone(self.pebble))
        self.put("n.example")
        self.pebble.clear()
        self.issue("n.example", code=5, options=["--dns-timeout", "0"])
        self.assertIn("challenge", self.pebble.calls())

    def test_addresses_cannot_be_proved_so(self):
        self.assertIn("127.0.0.1", self.issue("127.0.0.1", code=2).error()["message"])
        error = self.run_on("dns-persist", "show", *self.names("a.example", "127.0.0.1"), code=2).error()
        self.assertIn("127.0.0.1", error["message"])

    def test_each_ca_wants_a_record_of_its_own(self):
        second = self.start_pebble(dns=self.dns.address)
        dead = f"https://localhost:{bed.free_port()}/dir"
        bundle = os.path.join(self.site.home, "bundle.pem")
        with open(bundle, "w", encoding="utf-8") as out:
            out.write(bed.read(self.pebble.bundle) + bed.read(second.bundle))
        servers = ["--server", self.pebble.url, "--server", dead, "--server", second.url]
        options = [*servers, "--ca-bundle", bundle, "--agree-tos", *self.look()]
        shown = self.acmec("dns-persist", "show", "-d", "two.example", *options)
        self.assertIn(f"{dead}: ", shown.stderr)
        values = [record["value"] for record in shown.json["records"]]
        urls = {row["ca"]: row["url"] for row in self.acmec("account", "show").json["accounts"]}
        self.assertEqual(values, [f"{ISSUER}; accounturi={urls[ca]}" for ca in (self.pebble.url, second.url)])
        self.put("two.example", *values)
        self.acmec("dns-persist", "check", "-d", "two.example", *options)
        self.acmec("issue", "-d", "two.example", "--dns-persist", "--server", dead, "--server", second.url,
                   "--ca-bundle", bundle, "--agree-tos", *self.look())
        self.acmec("dns-persist", "show", "-d", "two.example", "--server", dead, "--agree-tos", code=4)

    # ---- the drafts ----

    def with_challenge(self, change, meta=None):
        """A CA whose challenges of this kind are changed."""
        def directory(status, headers, body):
            document = json.loads(body)
            document["meta"].update(meta or {})
            return status, headers, json.dumps(document).encode()

        def authorization(status, headers, body):
            document = json.loads(body)
            for challenge in document["challenges"]:
                if challenge["type"] == "dns-persist-01":
                    change(challenge)
            return status, headers, json.dumps(document).encode()
        proxy = bed.FaultProxy(self.pebble, lambda exchange: {"directory": directory, "authorization": authorization}
                               .get(exchange.role))
        self.addCleanup(proxy.stop)
        return proxy

    def test_draft_00(self):
        proxy = self.with_challenge(lambda challenge: challenge.pop("accounturi", None))
        [record] = self.show("z.example", url=proxy.url)
        self.put("z.example", record["value"])
        self.issue("z.example", url=proxy.url)

    def test_draft_01_for_another_account(self):
        proxy = self.with_challenge(lambda challenge: challenge.update(accounturi="https://ca.example/other"))
        [record] = self.show("o.example", url=proxy.url)
        self.put("o.example", record["value"])
        self.assertIn("another account", self.issue("o.example", url=proxy.url, code=5).error()["message"])

    def test_draft_02(self):
        """The record names a digest of the domain, the account's key and its URL; the CA's own names win."""
        def change(challenge):
            challenge.pop("accounturi", None)
            challenge.pop("issuer-domain-names", None)
            challenge["issuerDomainNames"] = ["new.example", "newer.example"]
        proxy = self.with_challenge(change, {"accountHashPrefix": "https://ca.example/h/",
                                             "issuerDomainNames": ["newer.example"]})
        [record] = self.show("d.example", "*.d.example", url=proxy.url)
        account = self.acmec("account", "show").json["accounts"][0]
        digest = hashlib.sha256(bytes([9]) + b"d.example" + account["thumbprint"].encode() + account["url"].encode())
        text = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
        self.assertEqual(record["value"],
                         f"newer.example; accounturi=https://ca.example/h/sha-256/{text}; policy=wildcard")
        self.put("d.example", "nothing")
        self.assertIn("new.example; accounturi=https://ca.example/h/sha-256/" + text,
                      self.issue("d.example", url=proxy.url, code=5).error()["hint"])
        self.put("d.example", record["value"])
        self.pebble.clear()
        self.issue("d.example", url=proxy.url, code=5)  # Pebble speaks draft -01: it does not know such a record
        self.assertIn("challenge", self.pebble.calls())

    def test_an_offer_without_issuers_is_refused(self):
        proxy = self.with_challenge(lambda challenge: challenge.update({"issuer-domain-names": []}))
        self.put("i.example", "nothing")
        self.assertIn("0 issuer names", self.issue("i.example", url=proxy.url, code=5).error()["message"])


if __name__ == "__main__":
    bed.main()
