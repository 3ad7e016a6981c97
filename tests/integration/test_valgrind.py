"""One issue and one renew under valgrind, workers included: no error, no leak."""
import shutil
import unittest

import bed

VALGRIND = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full",
            "--errors-for-leak-kinds=definite,indirect", "--trace-children=yes", "--track-fds=no"]


@unittest.skipIf(bed.SANITIZED, "the sanitizers look themselves")
@unittest.skipUnless(shutil.which("valgrind"), "needs valgrind")
class Valgrind(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def clean(self, *args):
        run = self.acmec(*args, prefix=VALGRIND)
        self.assertNotIn("==", run.stderr, str(run))

    def test_issue_and_renew(self):
        self.clean("issue", *self.names("a.example", "b.example"), *self.ca(self.pebble),
                   *self.standalone(self.pebble))
        self.assert_whole("a.example")
        self.clean("renew", "--force")
        self.clean("renew")


if __name__ == "__main__":
    bed.main()
