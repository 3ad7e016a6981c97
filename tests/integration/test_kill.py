"""Killed at every file operation of an issue and of a renewal: nothing half done, nothing lost."""
import concurrent.futures
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import bed

# Every way to change a file or to speak. A kill before operation N+1 is a kill after operation N.
OPERATIONS = ("write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2", "unlink",
              "unlinkat", "mkdir", "mkdirat", "symlink", "symlinkat", "link", "linkat", "fchmod",
              "fchmodat", "fchown", "fchownat", "ftruncate", "flock", "sendmsg", "sendto")
MANY = 24  # of calls of one kind: at most so many points, evenly spread


@unittest.skipIf(bed.SANITIZED, "the sanitizers' own calls would be counted")
@unittest.skipUnless(shutil.which("strace"), "needs strace")
class Kill(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = bed.free_port()
        cls.pebble = cls.start_pebble(http_port=cls.port)
        cls.www = cls.start_webroot(cls.port)

    def command(self, kind, name):
        if kind == "renew":
            return ["renew", "--force"]
        return ["issue", *self.names(name), *self.ca(self.pebble), "--webroot", self.www]

    def points(self, kind, site, name):
        """[(operation, n)]: where an undisturbed run of the keeper can be killed."""
        with tempfile.NamedTemporaryFile("r") as trace:
            run = site.run(*self.command(kind, name), prefix=[
                "strace", "-qq", "-o", trace.name, "-e", "trace=" + ",".join(OPERATIONS)])
            self.assertEqual(run.code, 0, str(run))
            seen = re.findall(r"^(\w+)\(", trace.read(), re.MULTILINE)
        for operation in OPERATIONS:
            count = seen.count(operation)
            for n in range(1, count + 1, max(1, count // MANY)):
                yield operation, n

    def kill_at(self, kind, site, name, operation, n):
        """What is wrong after a kill there and the run that follows, or None."""
        killed = site.popen(*self.command(kind, name), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            prefix=["strace", "-qq", "-o", "/dev/null", "-e", "trace=" + operation,
                                    "-e", f"inject={operation}:signal=KILL:when={n}"])
        code = killed.wait(60)
        try:
            self.assert_nobody_left(killed.pid, f"{operation} {n}")
            self.assert_old_or_new(name, site)
            after = site.run(*self.command(kind, name), "--json")
            self.assertEqual(after.code, 0, str(after))
            self.assert_whole(name, site)
            left = [path for folder, folders, files in os.walk(site.home) for path in folders + files
                    if path.endswith(".partial") or ".tmp" in path]
            self.assertEqual(left, [])
        except AssertionError as wrong:
            return f"{kind}, killed at {operation} {n} (exit {code}): {wrong}"
        return None

    def at_every_point(self, kind, prepare):
        points = list(self.points(kind, prepare("count.example"), "count.example"))
        self.assertGreater(len(points), 30, points)

        def one(numbered):
            number, (operation, n) = numbered
            name = f"k{number}.{kind}.example"
            return self.kill_at(kind, prepare(name), name, operation, n)
        with concurrent.futures.ThreadPoolExecutor(bed.PARALLEL) as pool:
            self.assert_none_wrong(pool.map(one, enumerate(points)), len(points))
        return len(points) + 1

    def test_issue(self):
        before = self.pebble.accounts()
        runs = self.at_every_point("issue", lambda name: self.new_site())
        self.assertLessEqual(self.pebble.accounts() - before, runs, "a run made a second account")

    def test_renew(self):
        def prepare(name):
            site = self.new_site()
            done = site.run(*self.command("issue", name))
            self.assertEqual(done.code, 0, str(done))
            return site
        before = self.pebble.accounts()
        runs = self.at_every_point("renew", prepare)
        self.assertLessEqual(self.pebble.accounts() - before, runs, "a run made a second account")


if __name__ == "__main__":
    bed.main()
