"""Proving and installing through a real nginx: the founding scene, and what must hold around it."""
import os
import ssl

import bed

DJANGO = """server {
    listen {http};
    listen [::]:{http};
    server_name site.example;

    location = /favicon.ico { access_log off; log_not_found off; }
    location /static {
        alias FOLDER/static;
    }

    location / {
        proxy_set_header Host $http_host;
        proxy_pass http://unix:FOLDER/gunicorn.sock;
        proxy_buffers 4 256k;
    }
}
"""
DEFAULT = """server {
    listen {http} default_server;
    listen [::]:{http} default_server;
    server_name _;
    return 200 "default $host";
}
"""
MARK = "# managed by acmec: site.example"


class NginxCase(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def setUp(self):
        super().setUp()
        self.home = os.path.join(self.folder, f"nginx-{self.id().rsplit('.', 1)[1]}")
        os.makedirs(os.path.join(self.home, "static"))
        with open(os.path.join(self.home, "static", "a.css"), "w", encoding="utf-8") as text:
            text.write("css")
        app = bed.App(os.path.join(self.home, "gunicorn.sock"))
        self.addCleanup(app.stop)

    def nginx(self, sites, start=True, **more):
        sites = {name: text.replace("FOLDER", self.home) for name, text in sites.items()}
        nginx = bed.SiteNginx(self.home, self.pebble.http_port, bed.free_port(), sites, **more)
        self.addCleanup(nginx.stop)
        if start:
            nginx.start()
        return nginx

    def ports(self, nginx):
        return ["--nginx-conf", nginx.conf, "--http-port", str(nginx.http), "--tls-port", str(nginx.tls)]

    def issue(self, nginx, *names, args=("--nginx",), **more):
        return self.acmec("issue", *self.names(*names), *self.ca(self.pebble), *args, *self.ports(nginx), **more)

    def der(self, name):
        return ssl.PEM_cert_to_DER_cert(bed.read(self.site.live(name, "cert.pem")))


class FoundingScene(NginxCase):
    def test_django_behind_nginx(self):
        nginx = self.nginx({"00-default": DEFAULT, "site": DJANGO})
        before = nginx.sites()
        result = self.issue(nginx, "site.example")
        self.assertEqual(result.actions(), {"site.example": "issued"})
        self.assertEqual(result.certificate("site.example")["installed"], [{"nginx": nginx.path("site")}])
        for address in ("127.0.0.1", "::1"):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                self.assertEqual(nginx.leaf("site.example", address, version=version), self.der("site.example"))
            self.assertEqual(nginx.get("site.example", "/x?y=1", address=address)[:2],
                             (301, f"https://site.example:{nginx.tls}/x?y=1"))
            self.assertEqual(nginx.get("other.example", address=address)[2], "default other.example")
        self.assertEqual(nginx.get("site.example", "/page", tls=True)[2], "app site.example /page")
        self.assertEqual(nginx.get("site.example", "/static/a.css", tls=True)[2], "css")
        self.assertTrue(nginx.is_valid())
        self.assertEqual(nginx.read("00-default"), before["00-default"])
        kept = [line for line in nginx.read("site").splitlines() if MARK not in line]
        for line in before["site"].splitlines():
            if not line.startswith("    listen"):
                self.assertIn(line, kept)

        # twice: no change
        sites, reloads = nginx.sites(), nginx.reloads()
        self.acmec("install", "site.example", "--nginx")
        self.assertEqual((nginx.sites(), nginx.reloads()), (sites, reloads))

        # a renewal edits nothing: one reload
        old = self.der("site.example")
        result = self.acmec("renew", "--force")
        self.assertEqual(result.actions(), {"site.example": "renewed"})
        self.assertNotEqual(self.der("site.example"), old)
        self.assertEqual(nginx.leaf("site.example"), self.der("site.example"))
        self.assertEqual((nginx.sites(), nginx.reloads()), (sites, reloads + 1))

        # out again: byte for byte
        self.acmec("uninstall", "site.example", "--nginx")
        self.assertEqual(nginx.sites(), before)
        self.assertEqual(nginx.get("site.example", "/x")[2], "app site.example /x")

    def test_only_server_is_the_default(self):
        nginx = self.nginx({"site": DJANGO})
        before = nginx.sites()
        self.issue(nginx, "site.example")
        self.assertEqual(nginx.leaf("site.example"), self.der("site.example"))
        self.assertEqual(nginx.get("site.example", "/x")[:2], (301, f"https://site.example:{nginx.tls}/x"))
        self.assertEqual(nginx.get("127.0.0.1", "/x")[2], "app 127.0.0.1 /x")
        self.acmec("uninstall", "site.example", "--nginx")
        self.assertEqual(nginx.sites(), before)

    def test_application_that_leads_back_to_http(self):
        """A redirect before it would close a circle: it is taken out again, and that is said."""
        site = ("server {\n\tlisten {http};\n\tserver_name site.example;\n\tlocation / {\n"
                "\t\tif ($scheme = https) { return 302 http://$host:{http}$request_uri; }\n"
                "\t\treturn 200 plain;\n\t}\n}\n")
        nginx = self.nginx({"00-default": DEFAULT, "site": site})
        before = nginx.sites()
        result = self.issue(nginx, "site.example", args=("--nginx", "--verbose"))
        self.assertIn(f"'https://site.example:{nginx.tls}/' leads back to http", result.stderr)
        self.assertEqual(result.actions(), {"site.example": "issued"})
        self.assertEqual(nginx.leaf("site.example"), self.der("site.example"))
        self.assertEqual(nginx.get("site.example", "/x")[::2], (200, "plain"))
        self.assertNotIn("return 301", nginx.read("site"))
        sites = nginx.sites()
        self.acmec("install", "site.example", "--nginx")
        self.assertEqual(nginx.sites(), sites)
        self.acmec("uninstall", "site.example", "--nginx")
        self.assertEqual(nginx.sites(), before)

    def test_rehearsals_change_nothing(self):
        """--dry-run before and after the first certificate, and --diff: nginx's files and CONFIG_DIR stay."""
        nginx = self.nginx({"00-default": DEFAULT, "site": DJANGO})
        before = nginx.sites()
        result = self.issue(nginx, "site.example", args=("--nginx", "--dry-run"))
        self.assertEqual(result.actions(), {"site.example": "would-issue"})
        self.assertEqual(nginx.sites(), before)
        self.issue(nginx, "site.example", args=("--nginx", "--no-install"))
        proved, config = nginx.sites(), self.files(self.site.config)
        diff = self.site.run("install", "site.example", "--nginx", "--diff")
        self.assertEqual(diff.code, 0, str(diff))
        self.assertIn(f"+++ {nginx.path('site')}", diff.stdout)
        self.assertIn(f"+    listen {nginx.tls} ssl; {MARK}", diff.stdout)
        self.acmec("renew", "--dry-run", "--install", "nginx")
        self.assertEqual((nginx.sites(), self.files(self.site.config)), (proved, config))
        self.acmec("install", "site.example", "--nginx")
        with open(nginx.path("site"), "a", encoding="utf-8") as site:
            site.write("nonsense;\n")
        broken = self.acmec("renew", "--dry-run", code=8)
        self.assertIn("nonsense", broken.error()["message"])

    @staticmethod
    def files(folder):
        return {os.path.join(where, name): bed.read(where, name)
                for where, _, names in os.walk(folder) for name in names}

    def test_first_order_that_fails(self):
        """Its way to the proofs stays for the next try, and can be taken out without a certificate."""
        nginx = bed.SiteNginx(self.home, bed.free_port(), bed.free_port(),
                              {"site": DJANGO.replace("FOLDER", self.home)})
        self.addCleanup(nginx.stop)
        nginx.start()
        before = nginx.sites()
        self.issue(nginx, "site.example", code=5)
        self.assertIn("acme-challenge", nginx.read("site"))
        self.acmec("delete", "site.example", "--yes", code={2, 8})
        result = self.acmec("uninstall", "site.example", "--nginx", "--nginx-conf", nginx.conf)
        self.assertEqual(result.actions(), {"site.example": "uninstalled"})
        self.assertEqual(nginx.sites(), before)
        again = self.acmec("uninstall", "site.example", "--nginx", "--nginx-conf", nginx.conf, code=2)
        self.assertIn("has put nothing into nginx", again.error()["message"])


class Many(NginxCase):
    """A hoster's nginx: one certificate for each site."""
    NAMES = [f"n{number}.example" for number in range(7)]
    SITE = "server {\n    listen {http};\n    server_name NAME;\n    return 200 NAME;\n}\n"

    def setUp(self):
        super().setUp()
        self.sites = self.nginx({"00-default": DEFAULT,
                                 **{name: self.SITE.replace("NAME", name) for name in self.NAMES}})
        for name in self.NAMES:
            self.issue(self.sites, name)
        self.assert_served(self.NAMES)

    def assert_served(self, names):
        for name in names:
            self.assertEqual(self.sites.leaf(name), self.der(name), name)

    def leaves(self):
        return {name: self.sites.leaf(name) for name in self.NAMES}

    def test_one_pair_that_nginx_refuses(self):
        """A person has nginx take a copy of one key: after the renewal it does not fit any more."""
        odd = self.NAMES[4]
        copy = os.path.join(self.home, "copy.pem")
        with open(copy, "w", encoding="utf-8") as key:
            key.write(bed.read(self.site.live(odd, "privkey.pem")))
        text = self.sites.read(odd).replace(self.site.live(odd, "privkey.pem"), copy)
        self.sites.write(odd, text)
        before, files = self.leaves(), self.sites.sites()
        result = self.acmec("renew", "--force", code=1)
        self.assertEqual(result.actions(), dict.fromkeys(self.NAMES, "renewed"))
        wrong = [row["name"] for row in result.json["certificates"] if row["error"]]
        self.assertEqual(wrong, [odd])
        self.assertIn("key values mismatch", result.certificate(odd)["error"]["message"])
        self.assertTrue(result.certificate(odd)["deploy_pending"])
        self.assertTrue(self.sites.is_valid())
        self.assertEqual(self.sites.sites(), files)
        after = self.leaves()
        self.assert_served(self.NAMES)
        self.assertEqual([name for name in self.NAMES if after[name] == before[name]], [odd])

        # nothing is due, and the one is tried again: put right, it is served
        self.acmec("renew", code=8)
        self.sites.write(odd, text.replace(copy, self.site.live(odd, "privkey.pem")))
        result = self.acmec("renew")
        self.assert_served(self.NAMES)
        self.assertNotEqual(self.sites.leaf(odd), before[odd])
        self.assertFalse(result.certificate(odd)["deploy_pending"])

    def test_nginx_is_broken_before(self):
        """Certificates are issued and wait: nothing is switched, and nginx's own words are passed on."""
        before, reloads = self.leaves(), self.sites.reloads()
        good = self.sites.read(self.NAMES[2])
        self.sites.write(self.NAMES[2], good + "nonsense;\n")
        result = self.acmec("renew", "--force", code=8)
        for row in result.json["certificates"]:
            self.assertEqual((row["action"], row["deploy_pending"]), ("renewed", True), str(result))
            self.assertIn(f'unknown directive "nonsense" in {self.sites.path(self.NAMES[2])}:', row["error"]["message"])
        self.assert_served(self.NAMES)
        self.assertEqual((self.leaves(), self.sites.reloads()), (before, reloads))
        self.sites.write(self.NAMES[2], good)
        self.acmec("renew")  # without an order: what the proofs would need is not put in either
        self.assert_served(self.NAMES)
        self.assertEqual(self.sites.reloads(), reloads + 1)
        self.assertEqual(set(before.values()) & set(self.leaves().values()), set())


if __name__ == "__main__":
    bed.main()
