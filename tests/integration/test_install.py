"""What `cmake --install` puts where, and that it works from there."""
import os
import subprocess

import bed

FILES = {
    "bin/acmec": 0o755,
    "libexec/acmec/acmec-net": 0o755,
    "libexec/acmec/acmec-responder": 0o755,
    "lib/systemd/system/acmec.service": 0o644,
    "lib/systemd/system/acmec.timer": 0o644,
    "lib/sysusers.d/acmec.conf": 0o644,
    "share/man/man1/acmec.1": 0o644,
    "share/man/man5/acmec.conf.5": 0o644,
    "share/doc/acmec/acmec.conf": 0o644,
    "share/doc/acmec/README.md": 0o644,
    "share/bash-completion/completions/acmec": 0o644,
    "share/zsh/site-functions/_acmec": 0o644,
    "share/fish/vendor_completions.d/acmec.fish": 0o644,
}


class Install(bed.Case):
    def test_installed_acmec_works(self):
        prefix = os.path.join(self.folder, "prefix")
        subprocess.run(["cmake", "--install", bed.BUILD, "--prefix", prefix], check=True,
                       stdout=subprocess.DEVNULL)
        for path, mode in FILES.items():
            self.assert_mode(os.path.join(prefix, path), mode)
            self.assertGreater(os.path.getsize(os.path.join(prefix, path)), 0, path)
        pebble = self.start_pebble()
        acmec = os.path.join(prefix, "bin/acmec")
        command = ["issue", *self.names("installed.example"), *self.ca(pebble), *self.standalone(pebble),
                   "--config-dir", self.site.config, "--state-dir", self.site.state]
        done = subprocess.run([acmec, *command], env=self.site.environment(), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_whole("installed.example")


if __name__ == "__main__":
    bed.main()
