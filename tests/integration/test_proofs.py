"""Ways of proof beside each other: each name of a certificate has its own, in the files and on the command line."""
import os
import tempfile

import bed


class Proofs(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        port = bed.free_port()
        cls.pebble = cls.start_pebble(http_port=port)
        cls.folders = {name: tempfile.mkdtemp(prefix="www-", dir=cls.folder) for name in ("a", "b")}
        for folder in cls.folders.values():
            os.chmod(folder, 0o755)
        cls.server = bed.HostServer(port, {"a.example": cls.folders["a"], "b.example": cls.folders["b"]})
        cls.addClassCleanup(cls.server.stop)

    def conf(self, name):
        return bed.read(self.site.config, "certs", name + ".conf").splitlines()

    def test_a_folder_for_each_name(self):
        a, b = self.folders["a"], self.folders["b"]
        self.acmec("issue", *self.ca(self.pebble), "--http-port", str(self.pebble.http_port),
                   "--webroot", a, "-d", f"a.example,b.example=webroot:{b}")
        self.assert_whole("a.example")
        self.assertIn(f"domain = b.example=webroot:{b}", self.conf("a.example"))
        self.assertIn(f"webroot = {a}", self.conf("a.example"))
        before = self.conf("a.example")
        self.acmec("renew", "--force")
        again = self.acmec("issue", *self.names("a.example", "b.example"))
        self.assertEqual(again.actions(), {"a.example": "not-due"})
        self.assertEqual(self.conf("a.example"), before)

    def test_the_wrong_folder_is_found_out_at_home(self):
        self.pebble.clear()
        self.site.write_conf("a.example", domain=f"a.example, b.example = webroot:{self.folders['a']}",
                             server=self.pebble.url, ca_bundle=self.pebble.bundle, agree_tos="yes",
                             webroot=self.folders["a"], http_port=self.pebble.http_port)
        failed = self.acmec("renew", code=5)
        self.assertIn("'b.example'", failed.error()["message"])
        self.assertLessEqual(self.pebble.calls().count("challenge"), 1, "the CA is not asked to see b.example")
        for folder in self.folders.values():
            self.assertEqual(os.listdir(folder), [])

    def test_what_is_wrong_is_said_with_file_and_line(self):
        self.site.write_conf("a.example", domain="a.example=smoke:signals", server=self.pebble.url)
        failed = self.acmec("renew", code=3)
        self.assertRegex(failed.error()["message"], r"a\.example\.conf:1: domain: 'smoke' is no way")


if __name__ == "__main__":
    bed.main()
