"""Issue, renew, revoke and delete under valgrind, workers included: no error, no leak."""
import os
import re
import shutil
import tempfile
import unittest

import bed

VALGRIND = ["valgrind", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect",
            "--trace-children=yes", "--track-fds=no", "--vgdb=no"]


@unittest.skipIf(bed.SANITIZED, "the sanitizers look themselves")
@unittest.skipUnless(shutil.which("valgrind"), "needs valgrind")
class Valgrind(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def clean(self, programs, *args):
        """Each of the programs ran to its end, and valgrind's log of it has no complaint."""
        folder = tempfile.mkdtemp(prefix="valgrind-", dir=self.folder)
        run = self.acmec(*args, prefix=[*VALGRIND, f"--log-file={folder}/%p"])
        ran = []
        for name in os.listdir(folder):
            log = bed.read(folder, name)
            ran += re.findall(r"Command: \S*/(\S+)", log)
            self.assertIn("ERROR SUMMARY: 0 errors from 0 contexts", log, f"{log}\n{run}")
        self.assertEqual(set(ran), set(programs))

    def test_issue_and_renew(self):
        workers = ("acmec-net", "acmec-responder")
        self.clean(("acmec", *workers), "issue", *self.names("a.example", "b.example"), *self.ca(self.pebble),
                   *self.standalone(self.pebble))
        self.assert_whole("a.example")
        self.clean(("acmec", *workers), "renew", "--force")
        self.clean(("acmec",), "renew")
        live = self.site.live("a.example", "")
        self.clean(("acmec", "acmec-net"), "revoke", "--cert-file", live + "cert.pem", "--key-file",
                   live + "privkey.pem", *self.ca(self.pebble), "--yes")
        self.clean(("acmec",), "delete", "a.example", "--yes", "--nginx-conf", "/none/nginx.conf")


if __name__ == "__main__":
    bed.main()
