"""Revocation in each way, and what follows."""
import json
import os
import subprocess
import unittest

import bed

NAME = "rev.example"


class Revoke(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def issue(self, name=NAME, *options, site=None, **more):
        return self.acmec("issue", *self.names(name), *self.ca(self.pebble), *self.standalone(self.pebble),
                          *options, site=site, **more)

    @staticmethod
    def accounts(site):
        return [name for _, _, files in os.walk(os.path.join(site.config, "accounts")) for name in files]

    def status(self, serial):
        return json.loads(self.pebble.get(
            f"https://localhost:{self.pebble.port + 1}/cert-status-by-serial/{serial}"))

    def test_by_the_account(self):
        serial = self.issue().certificate(NAME)["serial"]
        run = self.acmec("revoke", NAME, "--reason", "superseded", "--yes")
        row = run.certificate(NAME)
        self.assertEqual((row["action"], row["revoked"], row["serial"]), ("revoked", True, serial))
        self.assertEqual((self.status(serial)["Status"], self.status(serial)["Reason"]), ("Revoked", 4))
        self.assertTrue(self.acmec("list").certificate(NAME)["revoked"])
        self.assertIn("revoked", self.site.run("list").stdout)
        self.assertEqual(self.site.run("status").code, 1)
        # the next renew replaces it, also where the state is lost
        subprocess.run(["rm", "-r", self.site.state], check=True)
        again = self.acmec("renew").certificate(NAME)
        self.assertEqual(again["action"], "renewed")
        self.assertNotEqual(again["serial"], serial)
        self.assertFalse(self.acmec("list").certificate(NAME)["revoked"])
        self.assertEqual(self.site.run("status").code, 0)

    def test_needs_a_word(self):
        self.issue()
        run = self.acmec("revoke", NAME, code=2)
        self.assertIn("--yes", run.error()["hint"])
        self.assertFalse(self.acmec("list").certificate(NAME)["revoked"])

    def test_twice(self):
        self.issue()
        self.acmec("revoke", NAME, "--yes")
        run = self.acmec("revoke", NAME, "--yes")
        self.assertEqual(run.actions(), {NAME: "revoked"})

    def test_every_reason(self):
        """By both words; what Pebble refuses is its word, with its class."""
        words = {"unspecified": 0, "keyCompromise": 1, "key-compromise": 1, "affiliationChanged": 3,
                 "superseded": 4, "cessation-of-operation": 5, "cessationOfOperation": 5}
        for number in range(len(words)):
            self.site.write_conf(f"r{number}.example", domain=f"r{number}.example", standalone="yes",
                                 http_port=self.pebble.http_port)
        issued = self.acmec("renew", *self.ca(self.pebble))
        for number, (word, code) in enumerate(words.items()):
            name = f"r{number}.example"
            serial = issued.certificate(name)["serial"]
            run = self.acmec("revoke", name, "--reason", word, "--yes", *self.ca(self.pebble), code={0, 5})
            if run.code == 0:
                self.assertEqual(self.status(serial)["Reason"], code)
            else:
                self.assertIn("badRevocationReason", run.error()["acme_type"])
        self.acmec("revoke", NAME, "--reason", "because", "--yes", code=2)

    def test_by_the_certificates_key(self):
        """From another machine that has neither account nor certificate, only two files."""
        serial = self.issue().certificate(NAME)["serial"]
        other = self.new_site()
        ca = self.ca(self.pebble)
        files = ["--cert-file", self.site.live(NAME, "cert.pem")]
        self.issue("else.example")
        wrong = self.acmec("revoke", *files, "--key-file", self.site.live("else.example", "privkey.pem"), *ca,
                           "--yes", code=2, site=other)
        self.assertIn("not that of the certificate", wrong.error()["message"])
        self.assertIn("--key-file", self.acmec("revoke", *files, *ca, "--yes", code=2, site=other).error()["hint"])
        run = self.acmec("revoke", *files, "--key-file", self.site.live(NAME, "privkey.pem"), *ca, "--yes",
                         site=other)
        self.assertEqual(run.actions(), {NAME: "revoked"})
        self.assertEqual(self.status(serial)["Status"], "Revoked")
        self.assertEqual(self.accounts(other), [], "no account was made")
        # Renewal information says so to the machine that has it.
        self.assertEqual(self.acmec("renew", NAME).actions(), {NAME: "renewed"})

    def test_file_of_a_certificate_that_is_ours(self):
        self.issue()
        copy = os.path.join(self.site.home, "copy.pem")
        with open(copy, "w", encoding="utf-8") as file:
            file.write(bed.read(self.site.live(NAME)))
        run = self.acmec("revoke", "--cert-file", copy, *self.ca(self.pebble), "--yes")
        self.assertEqual(run.actions(), {NAME: "revoked"})
        self.assertEqual(self.acmec("renew").actions(), {NAME: "renewed"})

    def test_account_lost(self):
        """The certificate's own key is at hand."""
        serial = self.issue().certificate(NAME)["serial"]
        subprocess.run(["rm", "-r", os.path.join(self.site.config, "accounts")], check=True)
        self.acmec("revoke", NAME, "--yes")
        self.assertEqual(self.status(serial)["Status"], "Revoked")
        self.assertEqual(self.accounts(self.site), [])

    def test_foreign_certificate(self):
        """The CA decides whose it is."""
        self.issue()
        other = self.new_site()
        self.issue("mine.example", site=other)
        run = self.acmec("revoke", "--cert-file", self.site.live(NAME), *self.ca(self.pebble), "--yes", code=5,
                         site=other)
        self.assertEqual(run.json["certificates"][0]["action"], "failed")

    def test_compromised_key_is_never_used_again(self):
        self.issue(NAME, "--reuse-key")
        before = bed.read(self.site.live(NAME, "privkey.pem"))
        key = os.path.join(self.site.home, "old.key")
        with open(key, "w", encoding="utf-8") as file:
            file.write(before)
        self.acmec("renew", "--force")
        self.assertEqual(bed.read(self.site.live(NAME, "privkey.pem")), before)
        self.acmec("revoke", NAME, "--reason", "keyCompromise", "--yes")
        self.assertEqual(self.acmec("renew").actions(), {NAME: "renewed"})
        self.assertNotEqual(bed.read(self.site.live(NAME, "privkey.pem")), before)
        self.assert_whole(NAME)

    def test_both_pairs(self):
        self.issue(NAME, "--key-type", "ecdsa-p256,rsa-2048")
        serials = [self.openssl("x509", "-noout", "-serial", stdin=bed.read(self.site.live(NAME, file)))
                   .strip().split("=")[1].lower() for file in ("cert.pem", "cert.rsa.pem")]
        self.acmec("revoke", NAME, "--yes")
        self.assertEqual([self.status(serial)["Status"] for serial in serials], ["Revoked"] * 2)
        self.assertEqual(self.acmec("renew").actions(), {NAME: "renewed"})

    def test_wrong_arguments(self):
        self.issue()
        for args in ([], ["none.example"], [NAME, "--cert-file", self.site.live(NAME)], ["../x"]):
            self.acmec("revoke", *args, "--yes", code=2)
        self.acmec("revoke", "--cert-file", "/none.pem", "--yes", code=7)
        self.acmec("revoke", "--cert-file", self.site.live(NAME, "privkey.pem"), "--yes", code=2)


if __name__ == "__main__":
    bed.main()
