"""renew with 1,000 certificates and nothing due, against certbot renew: at most 1/50 of its time (aim: 1/100)."""
import os

import timing
import bed

COUNT, LIMIT = 1000, 1 / 50

RENEWAL = """version = 2.1.0
archive_dir = {0}/archive/{1}
cert = {0}/live/{1}/cert.pem
privkey = {0}/live/{1}/privkey.pem
chain = {0}/live/{1}/chain.pem
fullchain = {0}/live/{1}/fullchain.pem

[renewalparams]
account = 0123456789abcdef0123456789abcdef
authenticator = standalone
server = https://acme.invalid/directory
key_type = ecdsa
"""


def make_certbot_tree(folder, live):
    """COUNT lineages of the real certificate in live, as certbot keeps them."""
    kinds = ("cert", "privkey", "chain", "fullchain")
    pem = {kind: bed.read(live, kind + ".pem") for kind in kinds}
    os.makedirs(os.path.join(folder, "renewal"))
    for number in range(COUNT):
        name = f"c{number}.example"
        for part in ("archive", "live"):
            os.makedirs(os.path.join(folder, part, name))
        for kind in kinds:
            with open(os.path.join(folder, "archive", name, kind + "1.pem"), "w", encoding="ascii") as out:
                out.write(pem[kind])
            os.symlink(f"../../archive/{name}/{kind}1.pem", os.path.join(folder, "live", name, kind + ".pem"))
        with open(os.path.join(folder, "renewal", name + ".conf"), "w", encoding="ascii") as out:
            out.write(RENEWAL.format(folder, name))


class Idle(bed.Case):
    def test_idle(self):
        pebble = self.start_pebble()
        self.acmec("issue", *self.names("idle.example"), "--name", "c0", *self.ca(pebble),
                   *self.standalone(pebble))
        bed.make_idle(self.site, COUNT)
        self.acmec("renew")
        theirs = os.path.join(self.folder, "certbot")
        make_certbot_tree(theirs, os.path.join(self.site.config, "live/c0"))
        certbot = ["certbot", "renew", "--no-random-sleep-on-renew", "--config-dir", theirs,
                   "--work-dir", theirs + "-work", "--logs-dir", theirs + "-logs"]
        ours, other = timing.medians(
            3, lambda: timing.seconds(self.site.command("renew"), env=self.site.environment()),
            lambda: timing.seconds(certbot))
        print(f"renew, {COUNT} certificates, nothing due: {ours * 1000:.1f} ms; certbot {other:.2f} s (medians)")
        self.assertTrue(timing.verdict("renew with nothing due, against certbot", ours / other, LIMIT))
        memory = self.site.peak_memory("renew") / (1 << 20)
        self.assertTrue(timing.verdict("its memory, MB", memory, 8))


if __name__ == "__main__":
    bed.main()
