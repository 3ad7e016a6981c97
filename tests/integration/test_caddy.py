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

    def test_with_a_web_server(self):
        folder = self.start_webroot(80)
        self.acmec("issue", *self.names("web.example"), *self.ca(self.caddy), "--webroot", folder)
        self.acmec("renew", "--force")
        self.assert_whole("web.example")
        self.assertEqual(os.listdir(folder), [])
        path = f"{folder}/.well-known/acme-challenge"
        hook = self.hook(f"""[ $1 = cleanup ] && exec rm "{path}/$3"
mkdir -p "{path}" && printf %s "$4" >"{path}/$3"
""")
        self.acmec("issue", *self.names("hook.example"), *self.ca(self.caddy), "--http-hook", hook)
        self.acmec("renew", "--force", "hook.example")
        self.assert_whole("hook.example")
        self.assertEqual(os.listdir(path), [])

    def test_tls_alpn(self):
        self.acmec("issue", *self.names("tls.example", "127.0.0.1"), *self.ca(self.caddy), "--tls-alpn")
        self.acmec("renew", "--force")
        self.assert_whole("tls.example")

    def hook(self, text):
        path = os.path.join(self.site.home, "hook")
        with open(path, "w", encoding="utf-8") as out:
            out.write("#!/bin/sh\n" + text)
        os.chmod(path, 0o755)
        return path

    def dns_hook(self):
        return self.hook(f"""case $1 in present) verb=set ;; *) verb=clear ;; esac
exec curl -sf -d "{{\\"host\\":\\"$2\\",\\"value\\":\\"$3\\"}}" http://127.0.0.1:{self.caddy.dns_control}/$verb-txt
""")

    def test_dns(self):
        result = self.acmec("issue", *self.names("d.example", "*.d.example"), *self.ca(self.caddy),
                            "--dns", f"exec:{self.dns_hook()}")
        self.assertNotIn("all the same", result.stderr)
        self.assert_whole("d.example")
        self.assertIn("DNS:*.d.example", self.cert_text("d.example", "-ext", "subjectAltName"))
        self.acmec("renew", "--force")

    def test_a_way_for_each_name(self):
        self.acmec("issue", *self.names("mix.example", "tls.mix.example=tls-alpn", "127.0.0.1",
                                        f"*.mix.example=dns:exec:{self.dns_hook()}"),
                   *self.ca(self.caddy), "--standalone")
        self.assert_whole("mix.example")
        self.acmec("renew", "--force")

    def test_a_type_that_it_does_not_offer(self):
        error = self.acmec("issue", *self.names("p.example"), *self.ca(self.caddy), "--dns-persist", code=5).error()
        self.assertIn("dns-persist-01", error["message"])
        self.assertIn("http-01", error["message"])

    def test_50_certificates_in_one_run(self):
        names = [f"c{i}.example" for i in range(50)]
        for name in names:
            self.site.write_conf(name, domain=name, server=self.caddy.url, standalone="yes",
                                 ca_bundle=self.caddy.bundle, agree_tos="yes")
        self.assertEqual(self.acmec("renew").actions(), {name: "issued" for name in names})
        self.assertEqual(self.acmec("renew", "--force").actions(), {name: "renewed" for name in names})


if __name__ == "__main__":
    bed.main()
