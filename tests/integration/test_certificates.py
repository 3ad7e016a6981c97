"""What a certificate can be: profiles, chains, keys, requests of one's own, dates, two pairs."""
import datetime
import os
import re
import socket
import ssl
import subprocess

import bed

PROFILES = {"classic": {"description": "90 days", "validityPeriod": 7776000},
            "shortlived": {"description": "160 hours", "validityPeriod": 576000}}


class Profiles(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble(extra={"profiles": PROFILES})
        cls.other = cls.start_pebble(extra={"profiles": {"classic": PROFILES["classic"]}})

    def issue(self, name, *options, pebble=None, **more):
        pebble = pebble or self.pebble
        return self.acmec("issue", *self.names(name), *self.ca(pebble), *self.standalone(pebble),
                          *options, **more)

    def test_list_of_profiles(self):
        self.pebble.clear()
        run = self.acmec("profiles", *self.ca(self.pebble))
        self.assertEqual(run.json["ca"], self.pebble.url)
        self.assertEqual({row["name"]: row["description"] for row in run.json["profiles"]},
                         {name: row["description"] for name, row in PROFILES.items()})
        self.assertEqual(self.pebble.calls(), ["directory"], "no account is needed")
        text = self.site.run("profiles", *self.ca(self.pebble))
        self.assertIn("shortlived  160 hours\n", text.stdout)
        self.assertFalse(os.path.exists(os.path.join(self.site.config, "accounts")))

    def test_required(self):
        for profile, hours in (("shortlived", 160), ("classic", 2160)):
            name = f"{profile}.example"
            row = self.issue(name, "--profile", profile).certificate(name)
            self.assertEqual(row["profile"], profile)
            self.assertEqual(self.hours(name), hours)
            self.assertEqual(self.acmec("list").certificate(name)["profile"], profile)

    def test_required_but_not_offered(self):
        self.pebble.clear()
        error = self.issue("none.example", "--profile", "tlsclient", code=5).error()
        self.assertIn("tlsclient", error["message"])
        self.assertIn("shortlived", error["hint"])
        self.assertNotIn("newOrder", self.pebble.calls())

    def test_preferred(self):
        self.assertEqual(self.issue("soft.example", "--preferred-profile", "shortlived")
                         .certificate("soft.example")["profile"], "shortlived")
        run = self.issue("gone.example", "--preferred-profile", "tlsclient")
        self.assertEqual(run.actions(), {"gone.example": "issued"})
        self.assertIn("tlsclient", run.stderr)

    def test_profile_vanishes(self):
        """The next renewal reads what is offered then."""
        for option, code in (("--profile", 5), ("--preferred-profile", 0)):
            name = f"vanish{code}.example"
            self.issue(name, option, "shortlived")
            conf = os.path.join(self.site.config, "certs", name + ".conf")
            text = bed.read(conf)
            with open(conf, "w", encoding="utf-8") as file:
                file.write(text.replace(self.pebble.url, self.other.url)
                           .replace(self.pebble.bundle, self.other.bundle)
                           .replace(f"= {self.pebble.http_port}", f"= {self.other.http_port}"))
            self.acmec("renew", "--force", name, code=code)

    def test_another_profile_is_another_certificate(self):
        self.issue("change.example", "--profile", "classic")
        self.assertEqual(self.issue("change.example", "--profile", "classic").actions(),
                         {"change.example": "not-due"})
        self.assertEqual(self.issue("change.example", "--profile", "shortlived").actions(),
                         {"change.example": "renewed"})
        self.assertEqual(self.acmec("renew").actions(), {"change.example": "not-due"})

    def hours(self, name):
        row = self.acmec("list").certificate(name)
        begin, end = (self.epoch(row[key]) for key in ("not_before", "not_after"))
        return round((end - begin) / 3600)

    @staticmethod
    def epoch(text):
        return int(subprocess.run(["date", "-d", text, "+%s"], capture_output=True, check=True).stdout)

    def test_dates(self):
        """Asked for from each order on."""
        self.issue("dates.example", "--profile", "classic", "--not-after", "48h")
        self.assertEqual(self.hours("dates.example"), 48)
        self.acmec("renew", "--force", "dates.example")
        self.assertEqual(self.hours("dates.example"), 48)
        # A date is of this certificate alone: those that renew it begin and end when they are ordered.
        soon, later = (datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=days)
                       for days in (2, 4))
        row = self.issue("begin.example", "--not-before", str(soon), "--not-after",
                         f"{later}T06:00:00Z").certificate("begin.example")
        self.assertEqual((row["not_before"], row["not_after"]), (f"{soon}T00:00:00Z", f"{later}T06:00:00Z"))
        self.assertNotIn(str(soon), bed.read(self.site.config, "certs/begin.example.conf"))
        error = self.issue("past.example", "--not-after", "2026-01-01", code=2).error()
        self.assertIn("--not-after", error["message"])


class Chains(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.environ.update(PEBBLE_ALTERNATE_ROOTS="2", PEBBLE_CHAIN_LENGTH="2")
        cls.addClassCleanup(os.environ.pop, "PEBBLE_ALTERNATE_ROOTS")
        cls.addClassCleanup(os.environ.pop, "PEBBLE_CHAIN_LENGTH")
        cls.pebble = cls.start_pebble()
        cls.roots = [cls.common_name(cls.pebble.get(
            f"https://localhost:{cls.pebble.port + 1}/roots/{i}").decode()) for i in range(3)]

    @classmethod
    def common_name(cls, pem, what="-subject"):
        return re.search(r"CN ?= ?(.*)", cls.openssl("x509", "-noout", what, stdin=pem))[1]

    def top_issuer(self, name):
        last = bed.read(self.site.live(name)).split("-----BEGIN CERTIFICATE-----")[-1]
        return self.common_name("-----BEGIN CERTIFICATE-----" + last, "-issuer")

    def issue(self, name, *options):
        self.pebble.clear()
        run = self.acmec("issue", *self.names(name), *self.ca(self.pebble), *self.standalone(self.pebble),
                         *options)
        return run, self.pebble.calls().count("certificate")

    def test_each_chain(self):
        _, asked = self.issue("default.example")
        self.assertEqual((self.top_issuer("default.example"), asked), (self.roots[0], 1))
        for number, root in enumerate(self.roots):
            name = f"root{number}.example"
            _, asked = self.issue(name, "--preferred-chain", root)
            self.assertEqual(self.top_issuer(name), root)
            self.assertEqual(asked, 1 + number, "no more than are needed to find it")
            self.assert_whole(name)
        self.acmec("renew", "--force", "root2.example")
        self.assertEqual(self.top_issuer("root2.example"), self.roots[2])

    def test_unknown_chain(self):
        run, asked = self.issue("nochain.example", "--preferred-chain", "Nobody's Root")
        self.assertEqual((self.top_issuer("nochain.example"), asked), (self.roots[0], 3))
        self.assertIn("Nobody's Root", run.stderr)


class Keys(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def issue(self, name, *options, **more):
        return self.acmec("issue", *self.names(*([name] if name else [])), *self.ca(self.pebble),
                          *self.standalone(self.pebble), *options, **more)

    def key(self, name, file="privkey.pem"):
        return bed.read(self.site.live(name, file))

    def test_reuse_key(self):
        self.issue("reuse.example", "--reuse-key")
        before = self.key("reuse.example")
        self.acmec("renew", "--force", "reuse.example")
        self.assertEqual(self.key("reuse.example"), before)
        self.assert_whole("reuse.example")
        self.issue("reuse.example", "--key-type", "rsa-2048")
        self.assertIn("rsaEncryption", self.cert_text("reuse.example", "-text"), "another type, another key")
        self.issue("fresh.example")
        before = self.key("fresh.example")
        self.acmec("renew", "--force", "fresh.example")
        self.assertNotEqual(self.key("fresh.example"), before)

    def test_must_staple(self):
        self.issue("staple.example", "--must-staple")
        self.assertEqual(self.site.run("list").code, 0)
        # Pebble does not copy the feature; that it is asked for is held by unit.csr.
        self.assertIn("must-staple = yes", bed.read(self.site.config, "certs/staple.example.conf"))

    def request(self, subject, extension, file="mine"):
        """(path of a request, path of its key)"""
        csr, key = (os.path.join(self.site.home, f"{file}.{end}") for end in ("csr", "key"))
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", key, "-out", csr, "-subj", subject, "-addext", extension],
                       check=True, capture_output=True)
        return csr, key

    def test_csr(self):
        csr, key = self.request("/CN=www.csr.example", "subjectAltName=DNS:csr.example,DNS:www.csr.example")
        os.unlink(key)
        row = self.issue(None, "--csr", csr).certificate("www.csr.example")
        self.assertEqual(set(row["domains"]), {"csr.example", "www.csr.example"})
        files = set(os.listdir(self.site.live("www.csr.example", "")))
        self.assertEqual(files, {"cert.pem", "chain.pem", "fullchain.pem", "meta.json"})
        conf = bed.read(self.site.config, "certs/www.csr.example.conf")
        self.assertIn(f"csr = {csr}", conf)
        self.assertNotIn("domain", conf)
        self.assertEqual(self.issue(None, "--csr", csr).actions(), {"www.csr.example": "not-due"})
        again = self.acmec("renew", "--force").certificate("www.csr.example")
        self.assertNotEqual(again["serial"], row["serial"])
        self.assertEqual(self.acmec("list").certificate("www.csr.example")["serial"], again["serial"])
        # another request for the same names, another certificate
        csr, _ = self.request("/CN=www.csr.example", "subjectAltName=DNS:csr.example,DNS:www.csr.example")
        self.assertEqual(self.issue(None, "--csr", csr).actions(), {"www.csr.example": "renewed"})
        os.unlink(csr)
        self.assertIn(csr, self.acmec("renew", "--force", code=7).error()["message"])

    def test_csr_state_lost(self):
        csr, _ = self.request("/CN=lost.example", "subjectAltName=DNS:lost.example", "lost")
        self.issue(None, "--csr", csr)
        subprocess.run(["rm", "-r", self.site.state], check=True)
        os.unlink(os.path.join(self.site.config, "live/lost.example"))
        self.acmec("renew", "--force")
        self.assertEqual(self.acmec("renew").actions(), {"lost.example": "not-due"})

    def test_wrong_csr(self):
        csr, _ = self.request("/CN=ok.example", "subjectAltName=DNS:ok.example", "ok")
        for options in (["-d", "a.example"], ["--key-type", "rsa-2048"], ["--reuse-key"], ["--must-staple"]):
            self.assertIn("csr", self.issue(None, "--csr", csr, *options, code=2).error()["message"])
        with open(csr, "a", encoding="utf-8") as file:
            file.write("x")
        self.issue(None, "--csr", csr, code=2)
        self.issue(None, "--csr", csr + ".none", code=7)

    def test_csr_with_the_account_key(self):
        self.issue("account.example")
        account = next(os.path.join(folder, "key.pem") for folder, _, files in
                       os.walk(os.path.join(self.site.config, "accounts")) if "key.pem" in files)
        csr = os.path.join(self.site.home, "account.csr")
        subprocess.run(["openssl", "req", "-new", "-key", account, "-out", csr, "-subj", "/CN=b.example"], check=True)
        self.pebble.clear()
        self.assertIn("account", self.issue(None, "--csr", csr, code=2).error()["message"])
        self.assertNotIn("newOrder", self.pebble.calls())


class TwoPairs(bed.Case):
    """ECDSA and RSA side by side: two orders, one generation."""
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble(authz_reuse=100)

    def issue(self, name, *options, **more):
        return self.acmec("issue", *self.names(name), *self.ca(self.pebble), *self.standalone(self.pebble),
                          *options, **more)

    def assert_pair(self, name, suffix, algorithm):
        chain = bed.read(self.site.live(name, f"fullchain{suffix}.pem"))
        of_cert = self.openssl("x509", "-pubkey", "-noout", stdin=chain)
        of_key = self.openssl("pkey", "-pubout", stdin=bed.read(self.site.live(name, f"privkey{suffix}.pem")))
        self.assertEqual(of_cert, of_key)
        self.assertIn(algorithm, self.openssl("x509", "-noout", "-text", stdin=chain))
        self.assert_mode(self.site.live(name, f"privkey{suffix}.pem"), 0o600)
        return chain

    def test_both(self):
        self.pebble.clear()
        self.issue("two.example", "--key-type", "ecdsa-p256,rsa-2048")
        calls = self.pebble.calls()
        self.assertEqual((calls.count("newOrder"), calls.count("challenge")), (2, 1), calls)
        first = self.assert_pair("two.example", "", "id-ecPublicKey"), \
            self.assert_pair("two.example", ".rsa", "rsaEncryption")
        self.acmec("renew", "--force")
        second = self.assert_pair("two.example", "", "id-ecPublicKey"), \
            self.assert_pair("two.example", ".rsa", "rsaEncryption")
        self.assertFalse(set(first) & set(second), "both are renewed together")
        self.assertEqual(self.acmec("renew").actions(), {"two.example": "not-due"})
        self.issue("two.example", "--key-type", "rsa-2048,ecdsa-p256")
        self.assert_pair("two.example", "", "rsaEncryption")
        self.assert_pair("two.example", ".ecdsa", "id-ecPublicKey")
        self.issue("two.example", "--key-type", "ecdsa-p384")
        self.assertEqual({file for file in os.listdir(self.site.live("two.example", "")) if "." in file},
                         {"privkey.pem", "cert.pem", "chain.pem", "fullchain.pem", "meta.json"})

    def served(self, nginx, algorithms):
        """The certificate for a client of TLS 1.2 that takes only these."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(algorithms)
        with socket.create_connection(("127.0.0.1", nginx.tls), timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname="both.example") as secure:
                return secure.getpeercert(binary_form=True)

    def test_both_in_nginx(self):
        """Each client gets the one that it can use, also after a renewal."""
        folder = os.path.join(self.folder, "nginx-both")
        os.makedirs(folder)
        nginx = bed.SiteNginx(folder, self.pebble.http_port, bed.free_port(), {
            "site": "server { listen {http}; server_name both.example; return 200 x; }\n"})
        self.addCleanup(nginx.stop)
        nginx.start()
        before = nginx.sites()
        self.acmec("issue", *self.names("both.example"), *self.ca(self.pebble), "--key-type", "ecdsa-p256,rsa-2048",
                   "--nginx", "--nginx-conf", nginx.conf, "--http-port", str(nginx.http), "--tls-port", str(nginx.tls))
        for renewed in (False, True):
            if renewed:
                self.acmec("renew", "--force")
            for algorithms, file in (("ECDHE-ECDSA-AES128-GCM-SHA256", "cert.pem"),
                                     ("ECDHE-RSA-AES128-GCM-SHA256", "cert.rsa.pem")):
                self.assertEqual(self.served(nginx, algorithms),
                                 ssl.PEM_cert_to_DER_cert(bed.read(self.site.live("both.example", file))), algorithms)
        self.acmec("uninstall", "both.example", "--nginx")
        self.assertEqual(nginx.sites(), before)

    def test_said_once(self):
        run = self.issue("said.example", "--key-type", "ecdsa-p256,rsa-2048", "--preferred-profile", "gone")
        self.assertEqual(run.stderr.count("'gone'"), 1, run.stderr)

    def test_state_lost_and_resumed(self):
        """Killed between both orders: the first one's certificate is not ordered again."""
        self.issue("kill.example", "--key-type", "ecdsa-p256,rsa-2048")
        before = self.generation("kill.example")
        subprocess.run(["rm", "-r", self.site.state], check=True)
        self.assertEqual(self.acmec("renew").actions(), {"kill.example": "not-due"})
        self.assertEqual(self.generation("kill.example"), before)
        for when in range(1, 40, 4):
            self.site.run("renew", "--force", prefix=["strace", "-f", "-qq", "-o", "/dev/null",
                          "-e", f"inject=fsync:signal=KILL:when={when}"])
            self.assert_pair("kill.example", "", "id-ecPublicKey")
            self.assert_pair("kill.example", ".rsa", "rsaEncryption")
        self.acmec("renew", "--force")
        self.assert_pair("kill.example", ".rsa", "rsaEncryption")


if __name__ == "__main__":
    bed.main()
