"""A renew with 1,000 certificates and nothing due: no connection, no write, no worker, little memory."""
import os
import re
import shutil
import tempfile
import unittest

import bed

COUNT = 1000
MEMORY_MAX = 8 << 20
# Calls that change a file, reach out, or start a program. write is judged by its descriptor.
FORBIDDEN = ("connect,bind,listen,sendto,sendmsg,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,"
             "symlink,symlinkat,link,linkat,chmod,fchmod,fchmodat,chown,fchown,fchownat,ftruncate,truncate,"
             "pwrite64,fsync,fdatasync,fork,vfork,clone,clone3,execve,write,openat,open,creat,utimensat")


@unittest.skipUnless(shutil.which("strace"), "needs strace")
class Idle(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def make_many(self):
        """One real certificate under 1,000 names; the first renew settles their state files."""
        self.acmec("issue", *self.names("idle.example"), "--name", "c0", *self.ca(self.pebble),
                   *self.standalone(self.pebble))
        bed.make_idle(self.site, COUNT)
        actions = self.acmec("renew").actions()
        self.assertEqual((len(actions), set(actions.values())), (COUNT, {"not-due"}))

    @unittest.skipIf(bed.SANITIZED, "LeakSanitizer does not work under strace")
    def test_nothing_due_is_free(self):
        self.make_many()
        self.pebble.clear()
        run = self.site.run("renew")
        self.assertEqual((run.code, run.stdout, run.stderr), (0, "", ""))
        self.assertLess(self.site.peak_memory("renew"), MEMORY_MAX)
        with tempfile.NamedTemporaryFile("r") as trace:
            run = self.site.run("renew", prefix=["strace", "-f", "-qq", "-o", trace.name,
                                                 "-e", "trace=" + FORBIDDEN])
            self.assertEqual(run.code, 0, str(run))
            lines = trace.read().splitlines()
        execs = [line for line in lines if " execve(" in line]
        self.assertEqual(len(execs), 1, execs)
        reads = re.compile(r" open(at)?\(.*(O_RDONLY|O_PATH)")
        bad = [line for line in lines if line not in execs and not reads.search(line)]
        self.assertEqual(bad, [])
        self.assertEqual(self.pebble.calls(), [])

    def test_state_folder_may_vanish(self):
        self.make_many()
        shutil.rmtree(self.site.state)
        self.pebble.clear()
        self.assertEqual(set(self.acmec("renew").actions().values()), {"not-due"})
        self.assertEqual(self.pebble.calls(), [])
        self.assertEqual(len(os.listdir(os.path.join(self.site.state, "certs"))), COUNT, "the next run is slow again")


if __name__ == "__main__":
    bed.main()
