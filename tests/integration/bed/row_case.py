"""RowCase: what is done with each SiteRow. ACMEC_ROWS, a regular expression of titles, picks some."""
import concurrent.futures
import os
import re
import ssl
import subprocess
import tempfile
import unittest

from .case import Case, Site, read
from .paths import SANITIZED
from .site_row import NAMES, TOKEN, RowNginx, as_user, kinds_of_edits, unmarked, wrong_answers, wrong_proofs
from .steps import Steps, build_step
from .tls import make_certificate

# Changes that nginx cannot see: what a hidden file holds that no pattern meets, and acmec's own records.
UNSEEN = re.compile(r"^(write|fchmod|fchown) .*/\.[^/]*$|/nginx/installed/")


class RowCase(Case):
    """A class of tests on rows: the certificates, and what is done with one row."""
    authority = None  # each row gets its certificate from here, through nginx; None: all are there already

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.old = os.path.join(cls.folder, "old")
        os.mkdir(cls.old)
        for kind in ("ecdsa", "rsa"):
            make_certificate(cls.old, kind, ["old.example"], kind)
        cls.base = Site(os.path.join(cls.folder, "base"))
        cls.issue_all()
        cls.library = None if SANITIZED else build_step(cls.folder)

    @classmethod
    def issue_all(cls):
        """All certificates that rows use, in one run; afterwards each says that nginx is its way of proof."""
        pebble = cls.start_pebble(always_valid=True)
        keys = {"rsa.example": "rsa-2048", "both.example": "ecdsa-p256,rsa-2048"}
        for cert, names in NAMES.items():
            cls.base.write_conf(cert, domain=",".join(names), server=pebble.url, ca_bundle=pebble.bundle,
                                agree_tos="yes", dns="exec:/bin/true", dns_timeout=0,
                                **({"key_type": keys[cert]} if cert in keys else {}))
        done = cls.base.run("renew")
        if done.code:
            raise RuntimeError(str(done))
        for cert in NAMES:
            path = os.path.join(cls.base.config, "certs", cert + ".conf")
            text = re.sub(r"(?m)^dns.*\n", "", read(path)) + "nginx = yes\n"
            with open(path, "w", encoding="utf-8") as conf:
                conf.write(text)

    def run_rows(self, rows, check, at_once=6):
        rows = [row for row in rows if re.search(os.environ.get("ACMEC_ROWS", ""), row.title) and row.can_be_run()]

        def one(row):
            try:
                check(row)
            except unittest.SkipTest:
                return None
            except (AssertionError, OSError, RuntimeError) as wrong:
                return f"{row.title}: {type(wrong).__name__}: {wrong}"
            return None
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            self.assert_none_wrong(pool.map(one, rows), len(rows))

    # ---- one row ----

    def start(self, row):
        folder = tempfile.mkdtemp(prefix="row-", dir=self.folder)
        os.chmod(folder, 0o755)
        site = Site(folder) if self.authority else self.base.copy(folder)
        live = os.path.dirname(site.live(row.cert))
        nginx = RowNginx(os.path.join(site.home, "nginx"), row, {"OLD": self.old, "LIVE": live})
        for cert in [] if self.authority else NAMES:
            with open(os.path.join(site.config, "certs", cert + ".conf"), "a", encoding="utf-8") as conf:
                conf.write(f"nginx-conf = {nginx.conf}\nhttp-port = {nginx.http}\ntls-port = {nginx.tls}\n")
        self.put_proof(nginx.folder + "/www")
        if row.prepare and row.prepare(nginx) is False:
            raise unittest.SkipTest(row.title)
        if row.user:
            for folder in (site.config, site.state, *([site.home] if row.own else [])):
                subprocess.run(["chown", "-R", f"{row.user}:{row.user}", folder], check=True)
        nginx.start()
        if row.then:
            row.then(nginx)
        return site, nginx

    @staticmethod
    def put_proof(root):
        os.makedirs(root + os.path.dirname(TOKEN), exist_ok=True)
        with open(root + TOKEN, "w", encoding="utf-8") as token:
            token.write("the proof")

    @staticmethod
    def der(site, cert):
        return ssl.PEM_cert_to_DER_cert(read(site.live(cert, "cert.pem")))

    @staticmethod
    def end(nginx):
        nginx.stop()
        if nginx.row.undo:
            nginx.row.undo(nginx)

    def run_acmec(self, site, nginx, command, code=0):
        """Stopped after every change of a file: nginx must always be content."""
        words = [command, nginx.row.cert, "--nginx"]
        if command == "issue":
            words = [command, *self.names(*NAMES[nginx.row.cert]), *self.ca(self.authority), "--nginx",
                     "--nginx-conf", nginx.conf]
        if command != "uninstall":
            words += nginx.row.args
        if self.library is None or code:
            return self.acmec(*words, code=code, site=site, prefix=as_user(nginx.row.user))

        def look(change):
            if UNSEEN.search(change):
                return ""
            done = nginx.run("-t", "-q")
            return done.stderr if done.returncode else ""
        folders = [nginx.folder, *(os.path.join(site.config, name) for name in ("live", "archive", "nginx"))]
        steps = Steps(self.library, folders, look)
        try:
            result = self.acmec(*words, code=code, site=site, env=steps.env, prefix=as_user(nginx.row.user))
        finally:
            steps.stop()
        self.assertEqual([step for step in steps.steps if step[1]], [], "nginx is not content in between")
        self.assertGreater(len(steps.steps), 2, f"{command}: no change was seen")
        return result

    def edit(self, row):
        site, nginx = self.start(row)
        try:
            files, faces, names = nginx.bytes(), nginx.faces(), nginx.listing()
            before = nginx.observe()
            if not row.running:
                nginx.stop()
            result = self.run_acmec(site, nginx, "issue" if self.authority else "install")
            if not row.running:
                nginx.start()
            nginx.settle()
            self.assert_edited(row, nginx, files, result)
            self.assertEqual(nginx.faces(), faces)
            self.put_proof(site.state + "/webroot")
            leaf = self.der(site, row.cert)
            wrong = [*wrong_answers(nginx, before, nginx.observe(), leaf), *wrong_proofs(nginx, "the proof")]
            self.assertFalse(wrong, "\n".join(wrong[:4]))

            edited, reloads = nginx.bytes(), nginx.reloads()
            self.acmec("install", row.cert, "--nginx", site=site, prefix=as_user(row.user))
            self.assertEqual((nginx.bytes(), nginx.reloads()), (edited, reloads), "twice is not once")

            self.run_acmec(site, nginx, "uninstall")
            self.assertEqual(nginx.bytes(), files, "not the old bytes")
            self.assertEqual((nginx.listing(), nginx.faces()), (names, faces))
            nginx.settle()
            self.assertEqual(nginx.observe(), before, "something is served otherwise than it was at first")
        finally:
            self.end(nginx)

    def assert_edited(self, row, nginx, files, result):
        after = nginx.bytes()
        self.assertEqual([path for path in files if files[path] != after[path]], sorted(row.edited), str(result))
        texts = {path: [version[path].decode(errors="surrogateescape") for version in (files, after)]
                 for path in row.edited}
        kinds = set().union(*(kinds_of_edits(*text) for text in texts.values()))
        self.assertEqual(" ".join(sorted(kinds)), row.edits, str([text[1] for text in texts.values()]))
        for text in texts.values():
            self.assertEqual(unmarked(*text, row.cert), [])
        if row.says:
            self.assertRegex(result.stderr, row.says)

    def refuse(self, row):
        site, nginx = self.start(row)
        try:
            files, names = nginx.bytes(), nginx.listing()
            result = self.run_acmec(site, nginx, "install", code=row.code)
            place = row.refused.replace("FOLDER", re.escape(nginx.folder))
            error = result.error()
            self.assertRegex(f"{error['message']}\n{error['hint']}", place)
            self.assertEqual(nginx.bytes(), files)
            self.assertEqual(nginx.listing(), names)
            self.assertEqual(nginx.reloads() > 0, row.taken_back)
        finally:
            self.end(nginx)
