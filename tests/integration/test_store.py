"""The store when the machine is hostile: lost state, read-only and foreign folders, a full disk."""
import os
import shutil
import subprocess
import unittest

import bed

ROOT_USER = os.geteuid() == 0
MOUNTS = subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode == 0


class Store(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def issue(self, name):
        return ["issue", *self.names(name), *self.ca(self.pebble), *self.standalone(self.pebble)]

    def test_state_lost(self):
        self.acmec(*self.issue("lost.example"))
        shutil.rmtree(self.site.state)
        self.pebble.clear()
        self.assertEqual(self.acmec("renew").actions(), {"lost.example": "not-due"})
        self.assertEqual(self.pebble.calls(), [])

    def test_state_damaged(self):
        self.acmec(*self.issue("damaged.example"))
        path = os.path.join(self.site.state, "certs/damaged.example.json")
        for text in ("", "{", '{"format": 1, "order": 7}', "[]", "\0" * 100):
            with open(path, "w", encoding="utf-8") as state:
                state.write(text)
            self.assertEqual(self.acmec("renew").actions(), {"damaged.example": "not-due"}, text)

    def test_state_of_a_later_version(self):
        self.acmec(*self.issue("future.example"))
        path = os.path.join(self.site.state, "certs/future.example.json")
        with open(path, "w", encoding="utf-8") as state:
            state.write('{"format": 2}')
        self.acmec("renew", "--force", code=3)
        self.assertEqual(bed.read(path), '{"format": 2}')

    def test_live_lost(self):
        """As after a restore of an old backup."""
        self.acmec(*self.issue("back.example"))
        os.unlink(os.path.join(self.site.config, "live/back.example"))
        shutil.rmtree(self.site.state)
        self.pebble.clear()
        self.acmec("renew")
        self.assert_whole("back.example")

    def test_edited_configuration_is_kept(self):
        self.acmec(*self.issue("edit.example"))
        path = os.path.join(self.site.config, "certs/edit.example.conf")
        with open(path, "a", encoding="utf-8") as conf:
            conf.write("\n# a person's remark\nkey-type =   ecdsa-p384\n")
        text = bed.read(path)
        self.acmec("renew", "--force")
        self.assertEqual(bed.read(path), text)
        self.assertIn("secp384r1", self.cert_text("edit.example", "-text"))
        self.acmec(*self.issue("edit.example"))
        self.assertIn("# a person's remark\n", bed.read(path))

    # CONFIG_DIR on a mount that fails; then the mount is mended, the same run made again, and all copied out.
    ON_MOUNT = """
        target=$1 bad=$2 good=$3; shift 3
        mkdir -p "$target"
        mount -t tmpfs -o "$bad" none "$target"
        "$@"; code=$?
        mount -o "remount,$good" "$target"
        "$@" >&2 || exit 99
        cp -a "$target" "$target.out"
        exit $code"""

    def on_mount(self, bad, good, name):
        run = self.acmec(*self.issue(name), code=7, prefix=[
            "unshare", "-m", "sh", "-c", self.ON_MOUNT, "sh", self.site.config, bad, good])
        error = run.error()
        self.assertEqual(error["class"], "files")
        self.assertIn(self.site.config, error["message"])
        os.rmdir(self.site.config)
        os.rename(self.site.config + ".out", self.site.config)
        self.assert_whole(name)
        shutil.rmtree(self.site.config)
        return error["message"]

    @unittest.skipUnless(ROOT_USER and MOUNTS, "needs mounts")
    def test_read_only(self):
        self.assertIn("ead-only", self.on_mount("ro", "rw", "ro.example"))

    @unittest.skipUnless(ROOT_USER and MOUNTS, "needs mounts")
    def test_full_disk(self):
        """Each number of inodes fills the disk at another moment."""
        for inodes in range(2, 20, 3):
            message = self.on_mount(f"nr_inodes={inodes}", "nr_inodes=10000", f"full{inodes}.example")
            self.assertIn("No space left", message)

    @unittest.skipUnless(ROOT_USER, "needs root")
    def test_foreign_folder(self):
        self.acmec(*self.issue("foreign.example"))
        os.chown(os.path.join(self.site.config, "certs"), 65534, 65534)
        run = self.acmec("renew", "--force", code=7)
        self.assertIn(os.path.join(self.site.config, "certs"), run.stdout)
        os.chown(os.path.join(self.site.config, "certs"), 0, 0)
        os.chmod(self.site.config, 0o777)
        self.acmec("renew", "--force", code=7)
        os.chmod(self.site.config, 0o755)
        self.acmec("renew", "--force")

    @unittest.skipIf(ROOT_USER, "root reads everything")
    def test_unreadable_store(self):
        self.acmec(*self.issue("closed.example"))
        certs = os.path.join(self.site.config, "certs")
        os.chmod(certs, 0)
        self.addCleanup(os.chmod, certs, 0o755)
        self.acmec("renew", code=7)

    def test_umask(self):
        for mask in ("0000", "0077"):
            site = self.new_site()
            name = f"umask{mask}.example"
            self.acmec(*self.issue(name), site=site,
                       prefix=["sh", "-c", f'umask {mask}; exec "$@"', "sh"])
            self.assert_whole(name, site)
            self.assert_mode(site.config, 0o755)
            self.assert_mode(os.path.join(site.config, "accounts"), 0o700)


if __name__ == "__main__":
    bed.main()
