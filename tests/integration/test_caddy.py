"""The main job against Caddy's acme_server, a CA of another code base, on the real port 80."""
import os
import unittest

import bed

PRIVATE = bed.private_network() if __name__ == "__main__" else bool(os.environ.get("ACMEC_PRIVATE_NETWORK"))


@unittest.skipUnless(PRIVATE, "no network namespace here: Caddy needs ports 53 and 80 of its own")
class Caddy(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caddy = cls.start_caddy()

    def test_standalone(self):
        for count in (1, 30, 100):
            names = [f"n{i}.c{count}.example" for i in range(count)]
            self.acmec("issue", *self.names(*names), *self.ca(self.caddy), "--standalone")
            self.assert_whole(names[0])
        self.assertEqual(set(self.acmec("renew", "--force").actions().values()), {"renewed"})

    def test_webroot(self):
        folder = self.start_webroot(80)
        self.acmec("issue", *self.names("web.example"), *self.ca(self.caddy), "--webroot", folder)
        self.acmec("renew", "--force")
        self.assert_whole("web.example")
        self.assertEqual(os.listdir(folder), [])

    def test_tls_alpn(self):
        self.acmec("issue", *self.names("tls.example", "127.0.0.1"), *self.ca(self.caddy), "--tls-alpn")
        self.acmec("renew", "--force")
        self.assert_whole("tls.example")

    def test_50_certificates_in_one_run(self):
        names = [f"c{i}.example" for i in range(50)]
        for name in names:
            self.site.write_conf(name, domain=name, server=self.caddy.url, standalone="yes",
                                 ca_bundle=self.caddy.bundle, agree_tos="yes")
        self.assertEqual(self.acmec("renew").actions(), {name: "issued" for name in names})
        self.assertEqual(self.acmec("renew", "--force").actions(), {name: "renewed" for name in names})


if __name__ == "__main__":
    bed.main()
