"""The main job against Pebble: both proofs, any number of names, its built-in faults, many at once."""
import os

import bed


class Pebble(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def issue(self, *names, options=(), **more):
        return self.acmec("issue", *self.names(*names), *self.ca(self.pebble),
                          *self.standalone(self.pebble), *options, **more)

    def test_issue_renew_and_renew_by_force(self):
        first = self.issue("one.example").certificate("one.example")
        self.assert_whole("one.example")
        self.assertEqual(first["action"], "issued")
        self.assertEqual(first["domains"], ["one.example"])
        self.assertEqual(first["live"], os.path.join(self.site.config, "live/one.example"))
        self.assertIsNone(first["error"])
        self.assertIn("DNS:one.example", self.cert_text("one.example", "-ext", "subjectAltName"))
        self.assertEqual(self.acmec("renew").actions(), {"one.example": "not-due"})
        self.assertEqual(self.issue("one.example").actions(), {"one.example": "not-due"})
        again = self.acmec("renew", "--force").certificate("one.example")
        self.assertEqual(again["action"], "renewed")
        self.assertNotEqual(again["serial"], first["serial"])
        self.assert_whole("one.example")
        listed = self.acmec("list").certificate("one.example")
        self.assertEqual(listed["serial"], again["serial"])

    def test_modes_and_configuration_that_is_kept(self):
        self.issue("modes.example", options=["--key-type", "ecdsa-p384"])
        config = self.site.config
        for path in (config, "live", "archive", "archive/modes.example"):
            self.assert_mode(os.path.join(config, path), 0o755)
        accounts = [os.path.join(folder, name)
                    for folder, _, files in os.walk(os.path.join(config, "accounts")) for name in files]
        self.assertEqual({os.path.basename(path) for path in accounts}, {"key.pem", "account.json"})
        for path in accounts:
            self.assert_mode(path, 0o600)
            self.assert_mode(os.path.dirname(path), 0o700)
        self.assert_mode(self.site.state, 0o711)
        lines = bed.read(config, "certs/modes.example.conf").splitlines()
        self.assertIn("key-type = ecdsa-p384", lines)
        self.assertIn("domain = modes.example", lines)
        self.assertIn("secp384r1", self.cert_text("modes.example", "-text"))

    def test_webroot(self):
        port = bed.free_port()
        pebble, folder = self.start_pebble(http_port=port), self.start_webroot(port)
        self.acmec("issue", *self.names("web.example", "www.web.example"), *self.ca(pebble),
                   "--webroot", folder)
        self.assert_whole("web.example")
        self.assertEqual(os.listdir(folder), [], "folders that acmec made are taken down again")
        self.acmec("renew", "--force")

    def test_30_and_100_names(self):
        for count in (30, 100):
            names = [f"n{i}.many{count}.example" for i in range(count)]
            self.issue(*names)
            text = self.cert_text(names[0], "-ext", "subjectAltName")
            self.assertEqual(text.count("DNS:"), count)

    def test_ip_address_and_international_name(self):
        self.issue("127.0.0.1")
        self.assertIn("IP Address:127.0.0.1", self.cert_text("127.0.0.1", "-ext", "subjectAltName"))
        self.issue("b\u00fccher.example")
        self.assert_whole("xn--bcher-kva.example")

    def test_every_key_type(self):
        types = {"ecdsa-p256": "prime256v1", "ecdsa-p384": "secp384r1", "rsa-2048": "2048 bit",
                 "rsa-3072": "3072 bit", "rsa-4096": "4096 bit"}
        for word, sign in types.items():
            self.issue(f"{word}.example", options=["--key-type", word])
            self.assert_whole(f"{word}.example")
            self.assertIn(sign, self.cert_text(f"{word}.example", "-text"))

    def test_names_added_and_removed(self):
        self.issue("a.set.example")
        added = self.issue("a.set.example", "b.set.example")
        self.assertEqual(added.certificate("a.set.example")["domains"], ["a.set.example", "b.set.example"])
        self.assertEqual(self.issue("a.set.example", code=2).error()["class"], "usage")
        self.issue("a.set.example", options=["--yes"])
        self.assertEqual(self.cert_text("a.set.example", "-ext", "subjectAltName").count("DNS:"), 1)

    def test_dry_run_leaves_everything_as_it_was(self):
        self.issue("dry.example")
        before = self.generation("dry.example")
        self.assertEqual(self.acmec("renew", "--dry-run").actions(), {"dry.example": "would-renew"})
        self.assertEqual(self.generation("dry.example"), before)
        self.issue("dry2.example", options=["--dry-run"])
        self.assertFalse(os.path.exists(os.path.join(self.site.config, "certs/dry2.example.conf")))

    def test_five_generations_are_kept(self):
        self.issue("old.example")
        for _ in range(6):
            self.acmec("renew", "--force", "old.example")
        self.assertEqual(len(os.listdir(os.path.join(self.site.config, "archive/old.example"))), 5)
        self.assert_whole("old.example")


class PebbleFaults(bed.Case):
    def round_trip(self, names=3, **options):
        pebble = self.start_pebble(**options)
        names = [f"n{i}.fault.example" for i in range(names)]
        self.acmec("issue", *self.names(*names), *self.ca(pebble), *self.standalone(pebble))
        self.acmec("renew", "--force")
        self.assert_whole(names[0])

    def test_half_of_all_nonces_rejected(self):
        self.round_trip(nonce_reject=50, names=10)

    def test_every_authorization_reused(self):
        self.round_trip(authz_reuse=100)

    def test_strict(self):
        self.round_trip(strict=True)

    def test_slow_validation(self):
        self.round_trip(no_sleep=False)

    def test_shared_account_of_50_certificates(self):
        pebble = self.start_pebble(nonce_reject=5)
        names = [f"c{i}.example" for i in range(50)]
        common = {"server": pebble.url, "ca_bundle": pebble.bundle, "agree_tos": "yes",
                  "standalone": "yes", "http_port": pebble.http_port}
        for name in names:
            self.site.write_conf(name, domain=name, **common)
        self.assertEqual(self.acmec("renew").actions(), {name: "issued" for name in names})
        self.assertEqual(self.acmec("renew", "--force").actions(), {name: "renewed" for name in names})
        for name in names:
            self.assert_whole(name)
        self.assertEqual(pebble.accounts(), 1)


if __name__ == "__main__":
    bed.main()
