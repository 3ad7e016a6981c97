"""A clock of 1970 or 2040: said, nothing ordered, nothing stored."""
import os
import shutil
import unittest

import bed


def tree(folder):
    """Every file with its bytes and every link with its target."""
    found = {}
    for where, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(where, name)
            found[path] = os.readlink(path) if os.path.islink(path) else bed.read(path)
    return found


@unittest.skipIf(bed.SANITIZED, "faketime cannot be preloaded under AddressSanitizer")
@unittest.skipUnless(shutil.which("faketime"), "needs faketime")
class Clock(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def issue(self, *names):
        return ["issue", *self.names(*names), *self.ca(self.pebble), *self.standalone(self.pebble)]

    def at(self, date, *args, code):
        return self.acmec(*args, code=code, prefix=["faketime", "-f", date])

    def test_first_issue(self):
        for date in ("@1970-01-02 00:00:00", "@2040-06-01 00:00:00"):
            self.pebble.clear()
            run = self.at(date, *self.issue("clock.example"), code=3)
            self.assertEqual(run.json["error"]["class"], "config", str(run))
            self.assertIn("clock", run.json["error"]["message"])
            self.assertNotIn("newOrder", self.pebble.calls())
            self.assertNotIn("newAccount", self.pebble.calls())

    def test_renew(self):
        self.acmec(*self.issue("clock.example"))
        self.acmec("renew")
        before = {**tree(self.site.config), **tree(self.site.state)}
        self.pebble.clear()
        self.assertEqual(self.at("@1970-01-02 00:00:00", "renew", code={0, 3}).actions(),
                         {"clock.example": "not-due"})
        self.at("@2040-06-01 00:00:00", "renew", code=3)
        self.at("@1970-01-02 00:00:00", "renew", "--force", code=3)
        self.assertNotIn("newOrder", self.pebble.calls())
        self.assertEqual({**tree(self.site.config), **tree(self.site.state)}, before)
        self.acmec("renew", "--force")

    def test_due_by_time(self):
        """Nine tenths of the lifetime later it is due; the CA's Date is then within a year."""
        self.acmec(*self.issue("later.example"))
        run = self.at("+70d", "renew", code=0)
        self.assertEqual(run.actions(), {"later.example": "renewed"})


if __name__ == "__main__":
    bed.main()
