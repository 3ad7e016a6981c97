"""Accounts: binding, contacts, key change, deactivation, recovery, several of them; against Pebble and Caddy."""
import base64
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import bed

PRIVATE = bed.private_network() if __name__ == "__main__" else bool(os.environ.get("ACMEC_PRIVATE_NETWORK"))
KID = "kid-1"
SECRET = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ1-_zWNDZM6eQGHWpSRTPal5eA"
# Every way to change a file or to speak (as in test_kill).
OPERATIONS = ("write", "pwrite64", "fsync", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir",
              "fchmod", "ftruncate", "flock", "sendmsg", "sendto")


def role(word, fault, first=1, last=99):
    """A fault for the first to last exchange of a role."""
    return lambda exchange: fault if exchange.role == word and first <= exchange.nth <= last else None


def problem(status, suffix, detail="no", **headers):
    def answer(_status, upstream, _body):
        nonce = {name: value for name, value in upstream.items() if name.lower() == "replay-nonce"}
        return status, {**nonce, "Content-Type": "application/problem+json",
                        **{name.replace("_", "-"): value for name, value in headers.items()}}, json.dumps(
            {"type": f"urn:ietf:params:acme:error:{suffix}", "detail": detail,
             "instance": "https://ca.example/agree?token=1"}).encode()
    return answer


class AccountCase(bed.Case):
    def folder_of(self, site, account="default"):
        """The one account folder of that name."""
        root = os.path.join(site.config, "accounts")
        found = [os.path.join(root, ca, account) for ca in os.listdir(root)
                 if os.path.isdir(os.path.join(root, ca, account))]
        self.assertEqual(len(found), 1, found)
        return found[0]

    def account(self, word, *more, code=0, site=None, url=None):
        """acmec account WORD; gives its one account, or the error."""
        run = self.acmec("account", word, *self.ca(self.pebble, url), *more, code=code, site=site)
        self.assertEqual(run.json["command"], f"account {word}")
        return run.json["accounts"][0] if code == 0 else run.json["error"]

    def issue(self, name, *more, code=0, site=None, url=None):
        return self.acmec("issue", *self.names(name), *self.ca(self.pebble, url), *self.standalone(self.pebble),
                          *more, code=code, site=site)

    def with_proxy(self, fault=lambda exchange: None):
        proxy = bed.FaultProxy(self.pebble, fault)
        self.addCleanup(proxy.stop)
        return proxy


class Accounts(AccountCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble(http_port=bed.free_port())

    # ---- show, contacts, deactivation ----

    def test_show_and_update(self):
        made = self.account("register", "--email", "a@b.example")
        self.assertEqual((made["status"], made["contact"], made["account"]), ("valid", "a@b.example", "default"))
        self.assertEqual(made["caa"], [f'0 issue "pebble.letsencrypt.org; accounturi={made["url"]}"'])
        changed = self.account("update", "--email", "c@d.example, e@f.example")
        self.assertEqual(changed["contact"], "c@d.example,e@f.example")
        self.assertEqual(self.account("update", code=2)["class"], "usage")
        for i in range(4):  # Pebble lists three orders on a page
            self.issue(f"n{i}.example")
        self.pebble.clear()
        stored = self.acmec("account", "show").json["accounts"]
        self.assertEqual(self.pebble.calls(), [], "show without --server asks nobody")
        self.assertEqual(stored, [{**changed, "orders": None}])
        asked = self.account("show")
        self.assertEqual(len(set(asked["orders"])), 4)
        self.assertEqual({**asked, "orders": None}, stored[0])
        self.assertEqual(self.pebble.calls().count("orders"), 2)
        text = self.site.run("account", "show")
        self.assertIn('CAA 0 issue "pebble.letsencrypt.org; accounturi=', text.stdout)

    def test_show_without_the_ca(self):
        made = self.account("register")
        run = self.site.run("account", "show", "--server", self.pebble.url, "--json")  # does not trust it
        self.assertEqual(run.code, 0, str(run))
        self.assertEqual(run.json["accounts"][0], {**made, "orders": None})
        self.assertIn("shown as stored", run.stderr)

    def test_thumbprint(self):
        self.assertEqual(self.acmec("account", "thumbprint", code=2).json["error"]["class"], "usage")
        made = self.account("register")
        run = self.site.run("account", "thumbprint")
        self.assertEqual((run.code, run.stdout, run.stderr), (0, made["thumbprint"] + "\n", ""))
        self.account("register", "--account", "other")
        self.assertEqual(self.acmec("account", "thumbprint", code=2).json["accounts"], [])
        run = self.site.run("account", "thumbprint", "--server", self.pebble.url)
        self.assertEqual(run.stdout, made["thumbprint"] + "\n")

    def test_deactivate(self):
        self.account("register")
        elsewhere = self.site.copy(os.path.join(self.folder, "elsewhere"))
        refused = self.account("deactivate", code=2)
        self.assertIn("--yes", refused["hint"])
        self.assertEqual(self.account("show")["status"], "valid")
        self.assertEqual(self.account("deactivate", "--yes")["status"], "deactivated")
        self.pebble.clear()
        for run in (self.issue("x.example", code=5), self.acmec("account", "register", *self.ca(self.pebble), code=5)):
            self.assertIn("deactivated", run.error()["message"])
            self.assertIn("--account", run.error()["hint"])
        self.assertNotIn("newOrder", self.pebble.calls())
        self.assertEqual(self.account("show")["status"], "deactivated")
        # Where nobody knows of it yet, the CA says so: no fault of any certificate.
        run = self.issue("x.example", code=5, site=elsewhere)
        self.assertEqual(run.actions(), {"x.example": "deferred"})
        self.assertIn("account 'default' cannot be used", run.json["error"]["message"])
        self.issue("x.example", "--account", "second")

    def test_none_to_change(self):
        for word in ("update", "rollover", "deactivate", "show"):
            error = self.account(word, "--email", "a@b.example", "--yes", code=2)
            self.assertIn("no account", error["message"], word)
            self.assertIn("register", error["hint"])
        self.assertFalse(os.path.exists(os.path.join(self.site.config, "accounts")))

    # ---- recovery, several accounts, keys of all kinds ----

    def test_recovery_by_the_key_alone(self):
        made = self.account("register", "--email", "a@b.example")
        before = self.pebble.accounts()
        os.unlink(os.path.join(self.folder_of(self.site), "account.json"))
        self.acmec("issue", *self.names("r.example"), "--server", self.pebble.url, "--ca-bundle",
                   self.pebble.bundle, *self.standalone(self.pebble))  # terms were agreed to long ago
        found = self.account("show")
        self.assertEqual((found["url"], found["contact"]), (made["url"], made["contact"]))
        self.assertEqual(self.pebble.accounts(), before)

    def test_a_ca_that_forgot_the_account(self):
        """The same key is registered again, on a person's word only."""
        made = self.account("register", "--email", "a@b.example")
        path = os.path.join(self.folder_of(self.site), "key.pem")
        with open(path, "w", encoding="utf-8") as key:
            key.write(self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", stdin=""))
        error = self.account("show", code=5)
        self.assertIn("no longer knows", error["message"])
        self.assertIn("account register", error["hint"])
        again = self.account("register")
        self.assertNotEqual(again["url"], made["url"])
        self.assertEqual(again["contact"], "a@b.example")

    def test_several_accounts(self):
        urls = {self.account("register", "--account", name)["url"] for name in ("one", "two")}
        self.assertEqual(len(urls), 2)
        self.issue("a.example", "--account", "one")
        self.assertEqual(len(self.account("show", "--account", "one")["orders"]), 1)
        names = {row["account"] for row in self.acmec("account", "show").json["accounts"]}
        self.assertEqual(names, {"one", "two"})

    def test_keys_of_all_kinds(self):
        """A person may put any key in place; a key change keeps its type."""
        kinds = {"rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
                 "p384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"]}
        probe = self.account("register")
        root = os.path.dirname(self.folder_of(self.site))
        for name, kind in kinds.items():
            folder = os.path.join(root, name)
            os.mkdir(folder, 0o700)
            path = os.path.join(folder, "key.pem")
            with open(path, "w", encoding="utf-8") as key:
                key.write(self.openssl("genpkey", "-algorithm", *kind, stdin=""))
            os.chmod(path, 0o600)
            made = self.account("register", "--account", name)
            self.issue(f"{name}.example", "--account", name)
            rolled = self.account("rollover", "--account", name)
            self.assertEqual(rolled["url"], made["url"])
            self.assertNotEqual(rolled["thumbprint"], made["thumbprint"])
            text = self.openssl("pkey", "-in", path, "-noout", "-text", stdin="")
            self.assertIn({"rsa": "2048 bit", "p384": "384 bit"}[name], text)
        self.assertEqual(self.acmec("account", "show").json["accounts"][0]["url"], probe["url"])

    # ---- key change ----

    def test_rollover(self):
        before = self.account("register")
        self.pebble.clear()
        self.assertNotEqual(self.account("rollover")["thumbprint"], before["thumbprint"])
        self.assertEqual(self.pebble.calls().count("keyChange"), 1)
        after = self.account("show")
        self.assertEqual(after["url"], before["url"])
        self.assertNotEqual(after["thumbprint"], before["thumbprint"])
        self.issue("rolled.example")
        self.assert_mode(os.path.join(self.folder_of(self.site), "key.pem"), 0o600)

    def test_rollover_reply_lost(self):
        """Done at the CA, and nobody heard of it: the CA is asked with the next key."""
        proxy = self.with_proxy(role("keyChange", "lost-reply"))
        before = self.account("register", url=proxy.url)
        after = self.account("rollover", url=proxy.url)
        self.assertEqual(after["url"], before["url"])
        self.assertNotEqual(after["thumbprint"], before["thumbprint"])

    def test_rollover_reply_lost_and_then_the_ca(self):
        """The next run of whatever kind finds out which key the CA knows."""
        proxy = self.with_proxy()
        before = self.account("register", url=proxy.url)
        proxy.exchanges = []
        proxy.fault = lambda exchange: ("lost-reply" if exchange.role == "keyChange" else
                                        "lost" if exchange.role == "newAccount" and exchange.nth > 1 else None)
        error = self.account("rollover", code=4, url=proxy.url)
        self.assertIn("next run", error["hint"])
        self.assertIn("key.next.pem", os.listdir(self.folder_of(self.site)))
        proxy.fault = lambda exchange: None
        self.issue("later.example", url=proxy.url)
        after = self.account("show", url=proxy.url)
        self.assertEqual(after["url"], before["url"])
        self.assertNotEqual(after["thumbprint"], before["thumbprint"])
        self.assertEqual(sorted(os.listdir(self.folder_of(self.site))), ["account.json", "key.pem"])

    def test_rollover_that_never_reached_the_ca(self):
        proxy = self.with_proxy(role("keyChange", "lost"))
        before = self.account("register", url=proxy.url)
        self.account("rollover", code=4, url=proxy.url)
        after = self.account("show", url=proxy.url)
        self.assertEqual(after["thumbprint"], before["thumbprint"])
        self.assertIn("key.unused.pem", os.listdir(self.folder_of(self.site)))
        proxy.fault = lambda exchange: None
        self.assertNotEqual(self.account("rollover", url=proxy.url)["thumbprint"], before["thumbprint"])

    def test_rollover_answered_with_an_error(self):
        """The proxy lets the change happen and says otherwise: what counts is the key that the CA knows."""
        for answer in (problem(409, "malformed", Location="https://ca.example/other"),
                       problem(501, "serverInternal"), problem(400, "badPublicKey")):
            site = self.new_site()
            proxy = self.with_proxy(role("keyChange", answer))
            before = self.account("register", site=site, url=proxy.url)
            after = self.account("rollover", site=site, url=proxy.url)
            self.assertEqual(after["url"], before["url"])
            self.assertNotEqual(after["thumbprint"], before["thumbprint"])
            self.assertEqual(len([e for e in proxy.exchanges if e.role == "keyChange"]), 1)

    def test_rollover_refused(self):
        """The CA does not know the new key: the old one stays, the new one is set aside."""
        proxy = self.with_proxy()
        before = self.account("register", url=proxy.url)
        proxy.fault = role("keyChange", "500")
        error = self.account("rollover", code=4, url=proxy.url)
        self.assertIn("changing the account's key", error["message"])
        self.assertEqual(self.account("show", url=proxy.url)["thumbprint"], before["thumbprint"])
        self.assertEqual(sorted(os.listdir(self.folder_of(self.site))),
                         ["account.json", "key.pem", "key.unused.pem"])

    def test_rollover_not_offered(self):
        def without(status, headers, body):
            document = json.loads(body)
            del document["keyChange"]
            return status, headers, json.dumps(document).encode()
        proxy = self.with_proxy(role("directory", without))
        self.account("register", url=proxy.url)
        self.assertIn("does not offer", self.account("rollover", code=5, url=proxy.url)["message"])
        self.assertEqual(sorted(os.listdir(self.folder_of(self.site))), ["account.json", "key.pem"])

    def test_rollover_and_dns_persist(self):
        """From draft -02 on, records name the key: said where the CA has them so."""
        def with_prefix(status, headers, body):
            document = json.loads(body)
            document["meta"]["accountHashPrefix"] = "urn:ca:"
            return status, headers, json.dumps(document).encode()
        proxy = self.with_proxy(role("directory", with_prefix))
        self.account("register", url=proxy.url)
        run = self.acmec("account", "rollover", *self.ca(self.pebble, proxy.url))
        self.assertIn("dns-persist", run.stderr)
        self.account("register", site=(site := self.new_site()))
        self.assertNotIn("dns-persist", self.acmec("account", "rollover", *self.ca(self.pebble), site=site).stderr)

    def test_one_key_change_at_a_time(self):
        self.account("register")
        path = os.path.join(self.site.state, "locks", "account-change")
        holder = subprocess.Popen(["flock", "--no-fork", path, "sleep", "60"])
        try:
            self.assertTrue(bed.wait_until(lambda: os.path.exists(path)))
            self.assertTrue(bed.wait_until(
                lambda: self.site.run("account", "rollover", *self.ca(self.pebble)).code == 75))
        finally:
            holder.terminate()
            holder.wait()

    # ---- terms ----

    def test_terms_changed(self):
        """Said once with the link, and no other order is tried."""
        proxy = self.with_proxy()
        self.account("register", url=proxy.url)
        names = [f"t{i}.example" for i in range(5)]
        for name in names:
            self.site.write_conf(name, domain=name, server=proxy.url, standalone="yes",
                                 ca_bundle=self.pebble.bundle, http_port=self.pebble.http_port)
        proxy.fault = role("newOrder", problem(403, "userActionRequired", "Terms of service have changed",
                                               Link='<https://ca.example/terms2>;rel="terms-of-service"'))
        run = self.acmec("renew", "--jobs", "1", code=2)
        self.assertEqual(run.actions(), {name: "deferred" for name in names})
        error = run.json["error"]
        self.assertEqual(error["acme_type"], "urn:ietf:params:acme:error:userActionRequired")
        for link in ("https://ca.example/terms2", "https://ca.example/agree?token=1"):
            self.assertIn(link, error["hint"])
        self.assertEqual(len([e for e in proxy.exchanges if e.role == "newOrder"]), 1)
        proxy.fault = lambda exchange: None
        self.assertEqual(self.acmec("renew").actions(), {name: "issued" for name in names})

    def test_terms_not_agreed(self):
        run = self.acmec("account", "register", "--server", self.pebble.url, "--ca-bundle", self.pebble.bundle, code=2)
        self.assertIn("--agree-tos", run.error()["hint"])
        self.assertEqual(run.json["accounts"], [])


class Binding(AccountCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble(http_port=bed.free_port(), extra={
            "externalAccountBindingRequired": True, "externalAccountMACKeys": {KID: SECRET}})

    def key_file(self, text):
        path = os.path.join(self.site.home, "eab.key")
        with open(path, "w", encoding="utf-8") as key:
            key.write(text)
        return path

    def bound(self, text=SECRET, kid=KID):
        return ["--eab-kid", kid, "--eab-hmac-key-file", self.key_file(text)]

    def test_forms_of_the_key(self):
        padded = base64.b64encode(base64.urlsafe_b64decode(SECRET + "==")).decode() + "\r\n"
        for i, text in enumerate((SECRET, SECRET + "\n", padded, f"  {SECRET[:20]}\n{SECRET[20:]}\n",
                                  f"HS384 {SECRET}\n", f"HS512\n{SECRET}")):
            made = self.account("register", "--account", f"a{i}", *self.bound(text))
            self.assertEqual(made["status"], "valid", text)

    def test_issue_remembers_how(self):
        self.issue("first.example", *self.bound())
        self.assertIn("eab-kid = kid-1\n", bed.read(self.site.config, "certs", "first.example.conf"))

    def test_missing(self):
        for command in (["account", "register"], ["issue", *self.names("m.example"), *self.standalone(self.pebble)]):
            run = self.acmec(*command, *self.ca(self.pebble), code=2)
            self.assertIn("--eab-kid", run.error()["hint"])
        self.assertEqual(self.account("register", "--eab-kid", KID, code=2)["class"], "usage")
        self.assertEqual(self.acmec("account", "show").json["accounts"], [])

    def test_wrong(self):
        self.assertEqual(self.account("register", *self.bound(kid="kid-2"), code=5)["class"], "refused")
        self.assertEqual(self.account("register", *self.bound("AAAA"), code=5)["class"], "refused")
        error = self.account("register", *self.bound("not a key!"), code=3)
        self.assertIn("eab.key", error["message"])
        self.assertNotIn("not a key", json.dumps(error))
        self.assertEqual(self.account("register", "--eab-kid", KID, "--eab-hmac-key-file", "/nonexistent",
                                      code=7)["class"], "files")
        self.account("register", *self.bound())

    def test_a_directory_that_denies_it(self):
        """externalAccountRequired false cannot be trusted (SSL.com)."""
        def lie(status, headers, body):
            document = json.loads(body)
            document["meta"]["externalAccountRequired"] = False
            return status, headers, json.dumps(document).encode()
        proxy = self.with_proxy(role("directory", lie))
        error = self.account("register", code=2, url=proxy.url)
        self.assertIn("--eab-kid", error["hint"])
        self.account("register", *self.bound(), url=proxy.url)

    def test_no_secret_in_sight(self):
        run = self.site.run("account", "register", *self.ca(self.pebble), *self.bound(), "--verbose",
                            "--log", os.path.join(self.site.home, "log"))
        self.assertEqual(run.code, 0, str(run))
        self.assertNotIn(SECRET, run.stdout + run.stderr + bed.read(self.site.home, "log"))


@unittest.skipIf(bed.SANITIZED, "the sanitizers' own calls would be counted")
@unittest.skipUnless(shutil.which("strace"), "needs strace")
class KilledRollover(AccountCase):
    """Killed at every file operation of a key change: the account is never lost."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble(http_port=bed.free_port())

    def points(self, site):
        with tempfile.NamedTemporaryFile("r") as trace:
            run = site.run("account", "rollover", *self.ca(self.pebble), prefix=[
                "strace", "-qq", "-o", trace.name, "-e", "trace=" + ",".join(OPERATIONS)])
            self.assertEqual(run.code, 0, str(run))
            seen = re.findall(r"^(\w+)\(", trace.read(), re.MULTILINE)
        return [(operation, n) for operation in OPERATIONS for n in range(1, seen.count(operation) + 1)]

    def kill_at(self, operation, n):
        """What is wrong after a kill there and the run that follows, or None."""
        site = self.new_site()
        before = self.account("register", site=site)
        killed = site.popen("account", "rollover", *self.ca(self.pebble), stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, prefix=["strace", "-qq", "-o", "/dev/null", "-e",
                            "trace=" + operation, "-e", f"inject={operation}:signal=KILL:when={n}"])
        code = killed.wait(60)
        try:
            self.assert_nobody_left(killed.pid, f"{operation} {n}")
            after = self.account("show", site=site)
            self.assertEqual(after["url"], before["url"])
            rolled = self.account("rollover", site=site)
            self.assertEqual(rolled["url"], before["url"])
            self.assertNotEqual(rolled["thumbprint"], after["thumbprint"])
            left = set(os.listdir(self.folder_of(site))) - {"key.unused.pem"}
            self.assertEqual(left, {"account.json", "key.pem"})
        except AssertionError as wrong:
            return f"killed at {operation} {n} (exit {code}): {wrong}"
        return None

    def test_at_every_point(self):
        site = self.new_site()
        self.account("register", site=site)
        points = self.points(site)
        self.assertGreater(len(points), 15, points)
        before = self.pebble.accounts()
        with concurrent.futures.ThreadPoolExecutor(bed.PARALLEL) as pool:
            self.assert_none_wrong(pool.map(lambda point: self.kill_at(*point), points), len(points))
        self.assertEqual(self.pebble.accounts() - before, len(points), "a run made a second account")


@unittest.skipUnless(PRIVATE, "no network namespace here: Caddy needs ports 53 and 80 of its own")
class WithCaddy(bed.Case):
    """A CA without terms, binding, orders list or key change (advertised, but 501)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caddy = cls.start_caddy()

    def test_account(self):
        made = self.acmec("account", "register", *self.ca(self.caddy), "--email", "a@b.example").json["accounts"][0]
        self.assertEqual((made["status"], made["caa"]), ("valid", []))
        changed = self.acmec("account", "update", *self.ca(self.caddy), "--email", "c@d.example").json["accounts"][0]
        self.assertEqual(changed["contact"], "c@d.example")
        self.acmec("account", "rollover", *self.ca(self.caddy), code=5)
        shown = self.acmec("account", "show", *self.ca(self.caddy)).json["accounts"][0]
        self.assertEqual((shown["url"], shown["thumbprint"]), (made["url"], made["thumbprint"]))
        self.acmec("issue", *self.names("a.example"), *self.ca(self.caddy), "--standalone")
        self.acmec("account", "deactivate", *self.ca(self.caddy), "--yes")
        self.acmec("issue", *self.names("b.example"), *self.ca(self.caddy), "--standalone", code=5)


if __name__ == "__main__":
    bed.main()
