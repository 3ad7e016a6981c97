"""Revocation in each way, and what follows; deletion, and what forbids it."""
import itertools
import json
import os
import shutil
import subprocess
import unittest

import bed

PRIVATE = bed.private_network() if __name__ == "__main__" else bool(os.environ.get("ACMEC_PRIVATE_NETWORK"))
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
        self.assertIsNone(row["next_renewal"], "it is due at once")
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

    def test_somebody_else_is_at_work(self):
        """On this certificate: neither is revoked or deleted under a run's feet; --wait waits for its end."""
        self.issue()
        path = os.path.join(self.site.state, "locks", NAME + ".lock")
        holder = subprocess.Popen(["flock", "--no-fork", path, "sh", "-c", "echo held; exec sleep 600"],
                                  stdout=subprocess.PIPE)
        try:
            self.assertEqual(holder.stdout.readline(), b"held\n")
            for word in ("revoke", "delete"):
                self.assertEqual(self.site.run(word, NAME, "--yes").code, 75)
            self.assertFalse(self.acmec("list").certificate(NAME)["revoked"])
            waiting = self.site.popen("revoke", NAME, "--yes", "--wait", "60", stdout=subprocess.PIPE)
        finally:
            holder.kill()
            holder.wait()
            holder.stdout.close()
        self.assertEqual(waiting.communicate()[0], f"revoked {NAME}\n")

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
        # nor when it comes back in a request, for another name, after the certificate is gone
        self.acmec("delete", NAME, "--yes")
        csr = os.path.join(self.site.home, "old.csr")
        subprocess.run(["openssl", "req", "-new", "-key", key, "-out", csr, "-subj", "/CN=new.example"], check=True)
        self.pebble.clear()
        run = self.acmec("issue", "--csr", csr, *self.ca(self.pebble), *self.standalone(self.pebble), code=5)
        self.assertIn("compromised", run.error()["message"])
        self.assertNotIn("newOrder", self.pebble.calls())

    def serial(self, name, file="cert.pem"):
        return self.openssl("x509", "-noout", "-serial", stdin=bed.read(self.site.live(name, file))) \
            .strip().split("=")[1].lower()

    def issue_pairs(self):
        """The serial numbers of the ECDSA and the RSA certificate."""
        self.issue(NAME, "--key-type", "ecdsa-p256,rsa-2048")
        return self.serial(NAME), self.serial(NAME, "cert.rsa.pem")

    def assert_revoked(self, *serials):
        self.assertEqual([self.status(serial)["Status"] for serial in serials], ["Revoked"] * len(serials))

    def test_both_pairs(self):
        serials = self.issue_pairs()
        self.acmec("revoke", NAME, "--yes")
        self.assert_revoked(*serials)
        self.assertEqual(self.acmec("renew").actions(), {NAME: "renewed"})

    def test_both_pairs_without_the_account(self):
        """Each by its own key."""
        serials = self.issue_pairs()
        subprocess.run(["rm", "-r", os.path.join(self.site.config, "accounts")], check=True)
        self.acmec("revoke", NAME, "--yes")
        self.assert_revoked(*serials)

    def test_one_of_both_pairs(self):
        """By its file or its key; then both are replaced."""
        for more in (["--cert-file", "cert.rsa.pem", *self.ca(self.pebble)], [NAME, "--key-file", "privkey.rsa.pem"]):
            ecdsa, rsa = self.issue_pairs()
            args = [self.site.live(NAME, word) if word.endswith(".rsa.pem") else word for word in more]
            self.acmec("revoke", *args, "--yes")
            self.assert_revoked(rsa)
            self.assertEqual(self.status(ecdsa)["Status"], "Valid")
            self.assertEqual(self.acmec("renew").actions(), {NAME: "renewed"})
            self.assertFalse({ecdsa, rsa} & {self.serial(NAME), self.serial(NAME, "cert.rsa.pem")})

    def test_a_ca_that_cannot_be_heard(self):
        """A reply that is lost is no failure; a CA that is away is one, and revokes nothing."""
        proxy = bed.FaultProxy(self.pebble)
        self.addCleanup(proxy.stop)
        self.acmec("issue", *self.names(NAME), *self.ca(self.pebble, proxy.url), *self.standalone(self.pebble))
        proxy.fault = lambda exchange: "lost" if exchange.role == "revokeCert" else None
        run = self.acmec("revoke", NAME, "--yes", code=4)
        self.assertEqual(run.actions(), {NAME: "failed"})
        self.assertFalse(self.acmec("list").certificate(NAME)["revoked"])
        proxy.fault = lambda exchange: "lost-reply" if exchange.role == "revokeCert" and exchange.nth == 1 else None
        proxy.exchanges = []
        self.assertEqual(self.acmec("revoke", NAME, "--yes").actions(), {NAME: "revoked"})
        self.assert_revoked(self.serial(NAME))

    def test_a_ca_that_revokes_nothing(self):
        def without(status, headers, body):
            document = json.loads(body)
            del document["revokeCert"]
            return status, headers, json.dumps(document).encode()
        proxy = bed.FaultProxy(self.pebble, lambda exchange: without if exchange.role == "directory" else None)
        self.addCleanup(proxy.stop)
        self.acmec("issue", *self.names(NAME), *self.ca(self.pebble, proxy.url), *self.standalone(self.pebble))
        error = self.acmec("revoke", NAME, "--reason", "keyCompromise", "--yes", code=5).error()
        self.assertIn("does not offer to revoke", error["message"])

    def test_wrong_arguments(self):
        self.issue()
        for args in ([], ["none.example"], [NAME, "--cert-file", self.site.live(NAME)], ["../x"]):
            self.acmec("revoke", *args, "--yes", code=2)
        self.acmec("revoke", "--cert-file", "/none.pem", "--yes", code=7)
        self.acmec("revoke", "--cert-file", self.site.live(NAME, "privkey.pem"), "--yes", code=2)


class Delete(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def issue(self, name):
        self.acmec("issue", *self.names(name), *self.ca(self.pebble), *self.standalone(self.pebble))

    def test_delete(self):
        self.issue("gone.example")
        self.issue("stays.example")
        self.acmec("renew", "--force", "gone.example")
        self.acmec("delete", "gone.example", code=2)
        run = self.acmec("delete", "gone.example", "--yes")
        self.assertEqual(run.actions(), {"gone.example": "deleted"})
        self.assertIsNone(run.certificate("gone.example")["live"])
        left = [os.path.join(folder, name) for top in (self.site.config, self.site.state)
                for folder, dirs, files in os.walk(top) for name in dirs + files if "gone.example" in name]
        self.assertEqual([path for path in left if "/locks/" not in path], [])
        self.assertEqual(list(self.acmec("list").actions()), ["stays.example"])
        self.assert_whole("stays.example")
        self.acmec("delete", "gone.example", "--yes", code=2)
        self.issue("gone.example")

    def test_nginx_still_uses_it(self):
        self.issue("used.example")
        folder = os.path.join(self.site.home, "nginx")
        os.mkdir(folder)
        conf, site = os.path.join(folder, "nginx.conf"), os.path.join(folder, "site")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(f"events {{}}\nhttp {{\n  include {site};\n}}\n")
        link = os.path.join(folder, "link.pem")
        os.symlink(self.site.live("used.example"), link)
        for path in (self.site.live("used.example"), os.path.realpath(self.site.live("used.example")),
                     "link.pem", os.path.relpath(self.site.live("used.example"), folder)):
            with open(site, "w", encoding="utf-8") as file:
                file.write(f"server {{\n  listen 443 ssl;\n  ssl_certificate {path};\n}}\n")
            error = self.acmec("delete", "used.example", "--yes", "--nginx-conf", conf, code=8).error()
            self.assertIn(f"{site}:3", error["message"])
            self.assert_whole("used.example")
        with open(site, "w", encoding="utf-8") as file:
            file.write(f"# {self.site.live('used.example')}\n")
        self.acmec("delete", "used.example", "--yes", "--nginx-conf", conf)

    def test_installed(self):
        """What acmec has put into nginx comes out first."""
        folder = os.path.join(self.folder, "nginx-installed")
        os.makedirs(folder)
        nginx = bed.SiteNginx(folder, self.pebble.http_port, bed.free_port(), {
            "site": "server { listen {http}; server_name in.example; return 200 x; }\n"})
        self.addCleanup(nginx.stop)
        nginx.start()
        before = nginx.sites()
        self.acmec("issue", *self.names("in.example"), *self.ca(self.pebble), "--nginx", "--nginx-conf", nginx.conf,
                   "--http-port", str(nginx.http), "--tls-port", str(nginx.tls))
        error = self.acmec("delete", "in.example", "--yes", code=8).error()
        self.assertIn("uninstall in.example", error["hint"])
        self.assert_whole("in.example")
        self.acmec("uninstall", "in.example", "--nginx")
        self.assertEqual(nginx.sites(), before)
        self.acmec("delete", "in.example", "--yes")

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    @unittest.skipIf(bed.SANITIZED, "the leak check does not work under strace")
    def test_killed_in_the_middle(self):
        """At each removal of a file, and at each flush; the second run removes what is left."""
        self.issue("kill.example")
        whole = self.site
        for operation in ("unlink", "unlinkat", "rmdir", "fsync"):
            for when in itertools.count(1):
                self.site = whole.copy(os.path.join(self.folder, f"{operation}-{when}"))
                run = self.site.run("delete", "kill.example", "--yes", prefix=[
                    "strace", "-qq", "-o", "/dev/null", "-e", "trace=" + operation,
                    "-e", f"inject={operation}:signal=KILL:when={when}"])
                if run.code == 0:
                    break
                self.assertEqual(run.code, -9, str(run))
                # 2: it was all gone already
                self.acmec("delete", "kill.example", "--yes", code={0, 2})
                self.assertEqual(self.acmec("list").actions(), {})
                self.assertEqual(os.listdir(os.path.join(self.site.config, "archive")), [])
            self.assertGreater(when, 1, operation)


@unittest.skipUnless(PRIVATE, "no network namespace here: Caddy needs ports 53 and 80 of its own")
class WithCaddy(bed.Case):
    """A CA that shares no code with Pebble."""

    def test_revoke(self):
        caddy = self.start_caddy()
        for name, more in (("a.example", []), ("b.example", ["--key-file", "b.example"])):
            self.acmec("issue", *self.names(name), *self.ca(caddy), "--standalone")
            more = [self.site.live(word, "privkey.pem") if word == name else word for word in more]
            for _ in range(2):
                self.assertEqual(self.acmec("revoke", name, *more, "--yes").actions(), {name: "revoked"})
        self.assertEqual(self.acmec("renew").actions(), {"a.example": "renewed", "b.example": "renewed"})


if __name__ == "__main__":
    bed.main()
