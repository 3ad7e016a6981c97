"""Killed at every file operation of an install: nginx's configuration stays valid, the next run settles it."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import bed

# Every way to change a file or a process. A kill before operation N+1 is a kill after operation N.
OPERATIONS = ("write", "pwrite64", "fsync", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "linkat",
              "symlinkat", "fchmod", "fchown", "fsetxattr", "ftruncate", "clone", "clone3", "vfork", "kill", "sendto",
              "sendmsg")
MANY = 6  # of calls of one kind: at most so many points, evenly spread
SITE = """server {
    listen {http};
    server_name NAME;
    location / {
        return 200 "NAME\\n";
    }
}
"""
NAMES = ("a.example", "b.example")
PERSON = "# a person was here\n"


@unittest.skipIf(bed.SANITIZED, "the sanitizers' own calls would be counted")
@unittest.skipUnless(shutil.which("strace"), "needs strace")
class NginxKill(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        pebble = cls.start_pebble()
        home = os.path.join(cls.folder, "nginx")
        os.makedirs(home)
        sites = {name: SITE.replace("NAME", name) for name in NAMES}
        cls.nginx = bed.SiteNginx(home, pebble.http_port, bed.free_port(),
                                  {"00-default": SITE.replace("NAME", "_").replace("listen {http}",
                                                                                   "listen {http} default_server"),
                                   **sites})
        cls.addClassCleanup(cls.nginx.stop)
        cls.nginx.start()
        cls.pristine = cls.nginx.sites()
        cls.work = bed.Site(os.path.join(cls.folder, "work"))
        done = cls.work.run("issue", *cls.names(*NAMES), *cls.ca(pebble), "--nginx", "--no-install",
                              "--nginx-conf", cls.nginx.conf, "--http-port", str(cls.nginx.http),
                              "--tls-port", str(cls.nginx.tls))
        if done.code:
            raise RuntimeError(str(done))
        cls.before = cls.nginx.sites()
        cls.issued = cls.work.copy(os.path.join(cls.folder, "issued"))

    def prepare(self):
        """The site and nginx's files as they were, always in the same place: its path goes into the configuration."""
        for name, text in self.before.items():
            if self.nginx.read(name) != text:
                self.nginx.write(name, text)
        shutil.rmtree(self.work.home)
        return self.issued.copy(self.work.home)

    def points(self, *command):
        with tempfile.NamedTemporaryFile("r") as trace:
            run = self.prepare().run(*command, prefix=["strace", "-qq", "-o", trace.name, "-e",
                                                       "trace=" + ",".join(OPERATIONS)])
            self.assertEqual(run.code, 0, str(run))
            seen = re.findall(r"^(\w+)\(", trace.read(), re.MULTILINE)
        self.installed = self.nginx.sites()
        self.assertNotEqual(self.installed, self.before)
        return [(operation, n) for operation in OPERATIONS
                for n in range(1, seen.count(operation) + 1, max(1, seen.count(operation) // MANY))]

    def kill(self, site, operation, n, *command):
        killed = site.popen(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            prefix=["strace", "-qq", "-o", "/dev/null", "-e", "trace=" + operation,
                                    "-e", f"inject={operation}:signal=KILL:when={n}"])
        killed.wait(60)
        self.assert_nobody_left(killed.pid, f"{operation} {n}")

    @staticmethod
    def journal(site, ending=""):
        return [name for name in os.listdir(os.path.join(site.state, "journal")) if name.endswith(ending)]

    def kill_at(self, operation, n, edits):
        """What is wrong after a kill there and the runs that follow, or None. edits: a person changes a file between."""
        site = self.prepare()
        try:
            self.kill(site, operation, n, "install", "a.example", "--nginx")
            self.assertTrue(self.nginx.is_valid(), "after the kill")
            left = self.nginx.sites()
            for name in NAMES:
                self.assertIn(left[name], (self.before[name], self.installed[name]))
            if edits:
                with open(self.nginx.path("b.example"), "a", encoding="utf-8") as text:
                    text.write(PERSON)
            after = site.run("renew")
            self.assertEqual(after.code, 0, str(after))
            self.assertTrue(self.nginx.is_valid(), "after the next run")
            self.assertEqual(self.journal(site, ".json"), [])
            self.assert_settled(edits)
            self.acmec("install", "a.example", "--nginx", site=site)
            for name in NAMES:
                self.assertEqual(self.nginx.leaf(name), self.nginx.leaf("a.example"))
            self.acmec("uninstall", "a.example", "--nginx", site=site)
            self.assertEqual(self.journal(site), [])
            self.assertEqual(self.nginx.sites(),
                             {**self.pristine, "b.example": self.pristine["b.example"] + PERSON * edits})
        except AssertionError as wrong:
            return f"killed at {operation} {n}{', a person edits' if edits else ''}: {wrong}"
        return None

    def assert_settled(self, edits):
        """All old or all new, and what a person has edited has the edit."""
        added = {"b.example": PERSON if edits else ""}
        self.assertIn(self.nginx.sites(), [{name: text + added.get(name, "") for name, text in files.items()}
                                           for files in (self.before, self.installed)])

    def test_install(self):
        points = self.points("install", "a.example", "--nginx")
        self.assertGreater(len(points), 40, points)
        wrong = [self.kill_at(operation, n, number % 3 == 0) for number, (operation, n) in enumerate(points)]
        self.assert_none_wrong(wrong, len(points))


if __name__ == "__main__":
    bed.main()
