"""acmec preflight: red exactly where issuance would fail, in a network of its own with the real ports."""
import os
import subprocess
import unittest

import bed

PRIVATE = bed.private_network() if __name__ == "__main__" else bool(os.environ.get("ACMEC_PRIVATE_NETWORK"))
STRANGER = "198.51.100.7"  # an address that another server answers at


@unittest.skipUnless(PRIVATE, "no private network here")
class PreflightTest(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dns = bed.DnsServer(port=53)
        cls.addClassCleanup(cls.dns.stop)
        cls.pebble = cls.start_pebble(http_port=80, dns=cls.dns.address)

    def setUp(self):
        super().setUp()
        self.dns.records.clear()
        self.dns.rcodes.clear()
        self.dns.records[("a.example", "A")] = ["127.0.0.1"]

    def preflight(self, *args, code=0, **more):
        """{check: [row, ...]} of the JSON document."""
        document = self.acmec("preflight", *self.ca(self.pebble), *args, code=code, **more).json
        self.assertEqual(document["error"] is None, code == 0, document)
        if code == 5:
            self.assertEqual(document["error"]["class"], "refused")
        rows = {}
        for row in document["checks"]:
            self.assertEqual(list(row), ["name", "check", "ok", "detail", "hint"])
            rows.setdefault(row["check"], []).append(row)
        return rows

    def red(self, *args):
        """The red rows, of which there is at least one."""
        rows = self.preflight(*args, code=5)
        return [row for group in rows.values() for row in group if not row["ok"]]

    def test_all_green(self):
        accounts = self.pebble.accounts()
        rows = self.preflight(*self.names("a.example"), "--standalone")
        self.assertEqual({check for check in rows}, {"ca", "rate-limit", "address", "caa", "port-80"})
        self.assertEqual(rows["address"][0]["detail"], "leads to 127.0.0.1 (this machine)")
        self.assertIn("a self-made proof is served at 127.0.0.1", rows["port-80"][0]["detail"])
        self.assertFalse(os.path.exists(os.path.join(self.site.config, "accounts")), "nothing is registered")
        self.assertEqual(self.pebble.accounts(), accounts)
        self.acmec("issue", *self.names("a.example"), *self.ca(self.pebble), "--standalone")
        self.preflight(*self.names("a.example"), "--standalone")

    def test_both_families(self):
        self.dns.records[("a.example", "AAAA")] = ["::1"]
        rows = self.preflight(*self.names("a.example"), "--standalone")
        self.assertEqual(len(rows["port-80"]), 2)
        # IPv6 leads here, but nobody listens: a CA would ask there first.
        red = self.red(*self.names("a.example"), "--standalone", "--http-address", "127.0.0.1")
        self.assertEqual([row["check"] for row in red], ["port-80"])
        self.assertIn("cannot be used at ::1", red[0]["detail"])
        self.assertIn("IPv6", red[0]["hint"])

    def test_names_that_lead_nowhere(self):
        self.dns.rcodes["broken.example"] = "SERVFAIL"
        self.dns.records[("empty.example", "TXT")] = ["x"]
        for name, part in (("none.example", "NXDOMAIN"), ("empty.example", "neither A nor AAAA"),
                           ("broken.example", "SERVFAIL")):
            red = self.red(*self.names(name), "--standalone")
            self.assertIn("address", [row["check"] for row in red])
            self.assertIn(part, red[0]["detail"], red)

    def test_another_server(self):
        """An address that is none of this machine's interfaces, and yet somebody answers there."""
        subprocess.run(["ip", "route", "add", "local", STRANGER, "dev", "lo"], check=True)
        self.addCleanup(subprocess.run, ["ip", "route", "del", "local", STRANGER, "dev", "lo"], check=True)
        folder = os.path.join(self.folder, "stranger")
        os.makedirs(folder)
        nginx = bed.Nginx(folder, f"server {{ listen {STRANGER}:80; return 200 hello; }}")
        self.addCleanup(nginx.stop)
        self.dns.records[("a.example", "A")] = [STRANGER]
        red = self.red(*self.names("a.example"), "--standalone", "--http-address", "127.0.0.1")
        self.assertEqual([row["detail"] for row in red],
                         [f"port 80 of a.example answers from another server: {STRANGER}"])

        # `issue` finds the same by itself, and says it as the hint of the CA's refusal.
        self.dns.records[("b.example", "A")] = ["127.0.0.1"]
        result = self.acmec("issue", *self.names("b.example", "a.example"), *self.ca(self.pebble), "--standalone",
                            "--http-address", "127.0.0.1", code=5)
        self.assertIn("a.example", result.error()["message"])
        self.assertEqual(result.error()["hint"],
                         f"port 80 of a.example answers from another server: {STRANGER}")

    def test_what_issue_finds(self):
        """A CA's refusal gets the likely cause as its hint; one that has none keeps its own."""
        self.dns.records[("a.example", "AAAA")] = ["::1"]
        result = self.acmec("issue", *self.names("a.example"), *self.ca(self.pebble), "--standalone",
                            "--http-address", "127.0.0.1", code={0, 5})
        if result.code == 5:  # Pebble asked over IPv6 first
            self.assertIn("cannot be used at ::1", result.error()["hint"])
        result = self.acmec("issue", *self.names("none.example"), *self.ca(self.pebble), "--standalone", code=5)
        self.assertEqual(result.error()["hint"], "the DNS does not know it (NXDOMAIN)")

    def test_another_server_here(self):
        port = bed.free_port()
        folder = self.start_webroot(port)
        nginx_folder = os.path.join(self.folder, "nginx")
        os.makedirs(nginx_folder, exist_ok=True)
        nginx = bed.Nginx(nginx_folder, """
            server { listen 127.0.0.1:80; return 301 https://$host$request_uri; }""")
        self.addCleanup(nginx.stop)
        red = self.red(*self.names("a.example"), "--webroot", folder, "--http-port", str(port))
        self.assertEqual([row["check"] for row in red], ["port-80"])
        self.assertIn("cannot be used at 127.0.0.1", red[0]["detail"])  # nobody on port 443

    def test_redirects_are_followed(self):
        port = bed.free_port()
        folder = self.start_webroot(port)
        chain, key = bed.make_certificate(self.folder, "self", ["other.example"])
        nginx_folder = os.path.join(self.folder, "nginx-redirect")
        os.makedirs(nginx_folder)
        nginx = bed.Nginx(nginx_folder, f"""
            server {{ listen 127.0.0.1:80; return 301 https://$host$request_uri; }}
            server {{ listen 127.0.0.1:443 ssl; ssl_certificate {chain}; ssl_certificate_key {key};
                     root {folder}; }}
            server {{ listen 127.0.0.2:80; return 302 http://far.example$request_uri; }}""")
        self.addCleanup(nginx.stop)
        rows = self.preflight(*self.names("a.example"), "--webroot", folder, "--http-port", str(port))
        self.assertIn("is served at 127.0.0.1", rows["port-80"][0]["detail"])
        self.dns.records[("a.example", "A")] = ["127.0.0.2"]
        rows = self.preflight(*self.names("a.example"), "--webroot", folder, "--http-port", str(port))
        self.assertIn("redirects to http://far.example/.well-known/", rows["port-80"][0]["detail"])
        self.assertEqual(os.listdir(folder), [], "nothing is left in the webroot")

    def test_a_port_that_80_is_led_to(self):
        port = bed.free_port()
        rows = self.preflight(*self.names("a.example"), "--standalone", "--http-port", str(port))
        self.assertIn(f"on port {port}; nothing answers on port 80", rows["port-80"][0]["detail"])

    def test_a_port_that_is_taken(self):
        self.start_webroot(8081)
        red = self.red(*self.names("a.example"), "--standalone", "--http-port", "8081")
        self.assertEqual([row["check"] for row in red], ["proof"])
        self.assertIn("8081", red[0]["detail"])

    def test_caa(self):
        for name, kind, value, part in (
                ("example", "CAA", [(0, "issue", "other.test")], "only 'other.test' may issue"),
                ("a.example", "CAA", [(0, "issue", ";")], "no CA may issue"),
                ("a.example", "CAA", [(128, "unheard", "x")], "'unheard'"),
                ("a.example", "CAA", [(0, "issue", "pebble.letsencrypt.org; validationmethods=dns-01")],
                 "only by dns-01")):
            self.dns.records[(name, kind)] = value
            red = self.red(*self.names("a.example"), "--standalone")
            self.assertEqual([row["check"] for row in red], ["caa"], red)
            self.assertIn(part, red[0]["detail"])
            del self.dns.records[(name, kind)]
        self.dns.records[("a.example", "CAA")] = [(0, "issue", "pebble.letsencrypt.org")]
        self.dns.records[("example", "CAA")] = [(0, "issue", ";")]  # a name's own records count, not its parents'
        self.assertIn("name this CA", self.preflight(*self.names("a.example"), "--standalone")["caa"][0]["detail"])

    def test_caa_of_this_account(self):
        self.acmec("account", "register", *self.ca(self.pebble))
        url = self.acmec("account", "show").json["accounts"][0]["url"]
        for uri, code in ((url, 0), (url + "0", 5)):
            self.dns.records[("a.example", "CAA")] = [(0, "issue", f"pebble.letsencrypt.org; accounturi={uri}")]
            row = self.preflight(*self.names("a.example"), "--standalone", code=code)["caa"][0]
        record = f'a.example. CAA 0 issue "pebble.letsencrypt.org; accounturi={url}"'
        self.assertIn(record, row["hint"])
        self.dns.records.pop(("a.example", "CAA"))
        row = self.preflight(*self.names("*.a.example"), "--dns", "exec:/bin/true")["caa"][0]
        self.assertIn(record, row["hint"])

    def test_caa_that_cannot_be_asked_for(self):
        self.dns.rcodes["example"] = "SERVFAIL"
        red = self.red(*self.names("a.example"), "--standalone")
        self.assertEqual([row["check"] for row in red], ["caa"])
        self.assertIn("fails for CAA of example: SERVFAIL", red[0]["detail"])

    def test_tls_alpn(self):
        rows = self.preflight(*self.names("a.example"), "--tls-alpn")
        self.assertIn("is served at 127.0.0.1", rows["port-443"][0]["detail"])
        chain, key = bed.make_certificate(self.folder, "alpn", ["a.example"])
        folder = os.path.join(self.folder, "nginx-alpn")
        os.makedirs(folder)
        nginx = bed.Nginx(folder, f"server {{ listen 127.0.0.1:443 ssl; ssl_certificate {chain};"
                                  f" ssl_certificate_key {key}; }}")
        self.addCleanup(nginx.stop)
        red = self.red(*self.names("a.example"), "--tls-alpn", "--tls-port", str(bed.free_port()))
        self.assertEqual([row["check"] for row in red], ["port-443"])

    def nginx(self, name, site):
        nginx = bed.SiteNginx(os.path.join(self.site.home, name), 80, 443, {"site": site})
        nginx.start()
        self.addCleanup(nginx.stop)
        return nginx

    def test_through_nginx(self):
        """What issue would edit stays as it is; nothing is made, and no lock is taken."""
        nginx = self.nginx("through", "server { listen {http}; server_name a.example; return 301 https://$host/; }\n")
        before = nginx.sites()
        for how in (["--nginx"], []):
            rows = self.preflight(*self.names("a.example"), "--nginx-conf", nginx.conf, *how)
            self.assertIn("issue lets nginx serve the proof there", rows["port-80"][0]["detail"])
            self.assertIn(f"nginx answers by *:80 {nginx.path('site')}:1 (exact)", rows["web-server"][0]["detail"])
        self.assertEqual(nginx.sites(), before)
        self.assertFalse(os.path.exists(self.site.config) or os.path.exists(self.site.state))
        self.acmec("issue", *self.names("a.example"), *self.ca(self.pebble), "--nginx", "--nginx-conf", nginx.conf)
        after = nginx.sites()
        rows = self.preflight(*self.names("a.example"), "--nginx-conf", nginx.conf, "--nginx")
        self.assertIn("a self-made proof is served at 127.0.0.1", rows["port-80"][0]["detail"])
        self.assertEqual(nginx.sites(), after)
        self.assertEqual([files for _, _, files in os.walk(os.path.join(self.site.state, "webroot")) if files], [])

    def test_what_nginx_would_refuse(self):
        nginx = self.nginx("refuse", "server { listen {http}; server_name ~^a\\.; }\n")
        red = self.red(*self.names("a.example"), "--nginx-conf", nginx.conf, "--nginx")
        self.assertEqual([row["check"] for row in red], ["web-server"])
        self.assertIn("server_name a.example", red[0]["hint"])
        failed = self.acmec("issue", *self.names("a.example"), *self.ca(self.pebble), "--nginx", "--nginx-conf",
                            nginx.conf, code=8).error()
        self.assertEqual(failed["message"], red[0]["detail"])
        nginx.write("site", "server { listen {http}; server_name a.example; nonsense; }\n")
        red = self.red(*self.names("a.example"), "--nginx-conf", nginx.conf, "--nginx")
        self.assertIn("nonsense", red[0]["detail"])

    def test_a_hook_is_not_run(self):
        """It may publish anywhere, and what it leaves must be known to be taken away: that is for issue."""
        hook = os.path.join(self.site.home, "hook")
        with open(hook, "w", encoding="utf-8") as out:
            out.write(f"#!/bin/sh\necho $1 >>{hook}.log\nexit 0\n")
        red = self.red(*self.names("a.example"), "--http-hook", hook)
        self.assertEqual([row["check"] for row in red], ["proof"])
        os.chmod(hook, 0o755)
        red = self.red(*self.names("a.example"), "--http-hook", hook)
        self.assertIn("cannot be used at 127.0.0.1", red[0]["detail"])
        nginx = self.nginx("hook-site", "server { listen {http}; }\n")
        rows = self.preflight(*self.names("a.example"), "--http-hook", hook)
        self.assertIn("--http-hook is to publish the proof there", rows["port-80"][0]["detail"])
        self.assertFalse(os.path.exists(f"{hook}.log") or os.path.exists(self.site.state))
        error = self.acmec("issue", *self.names("a.example"), *self.ca(self.pebble), "--http-hook", hook, code=5).error()
        self.assertIn("answers 404 where the proof should be", error["hint"])
        self.assertEqual(bed.read(hook + ".log").split(), ["present", "cleanup"])
        nginx.stop()

    def test_a_rate_limit_that_is_remembered(self):
        proxy = bed.FaultProxy(self.pebble, lambda exchange: "429-long" if exchange.role == "newOrder" else None)
        self.addCleanup(proxy.stop)
        command = [*self.names("a.example"), "--standalone", *self.ca(self.pebble, proxy.url)]
        self.acmec("issue", *command, code=6)
        red = [row for row in self.acmec("preflight", *command, code=5).json["checks"] if not row["ok"]]
        self.assertEqual([row["check"] for row in red], ["rate-limit"])
        self.assertRegex(red[0]["hint"], r"^not before 20\d\d-")

    def test_a_standing_record(self):
        red = self.red(*self.names("a.example"), "--dns-persist")
        self.assertEqual([row["check"] for row in red], ["proof"])
        self.assertIn("before there is one", red[0]["detail"])
        [record] = self.acmec("dns-persist", "show", *self.names("*.a.example"), *self.ca(self.pebble)).json["records"]
        red = self.red(*self.names("*.a.example"), "--dns-persist")
        self.assertIn(record["line"], red[0]["hint"])
        self.dns.records[(record["name"], "TXT")] = [record["value"]]
        rows = self.preflight(*self.names("*.a.example"), "--dns-persist")
        self.assertEqual([row["ok"] for row in rows["proof"] + rows["dns"]], [True, True])

    def test_a_ca_that_is_gone(self):
        document = self.acmec("preflight", *self.names("a.example"), "--standalone", "--server",
                              f"https://localhost:{bed.free_port()}/dir", code=5).json
        red = [row for row in document["checks"] if not row["ok"]]
        self.assertEqual([row["check"] for row in red], ["ca"])

    def test_another_ca_stands_in(self):
        dead = f"https://localhost:{bed.free_port()}/dir"
        command = ["preflight", *self.names("a.example"), "--standalone", "--ca-bundle", self.pebble.bundle,
                   "--agree-tos", "--server", dead, "--server"]
        rows = [row for row in self.acmec(*command, self.pebble.url).json["checks"] if row["check"] == "ca"]
        self.assertEqual([(row["name"], row["ok"]) for row in rows], [(dead, True), (self.pebble.url, True)])
        self.assertIn("cannot", rows[0]["detail"])
        self.assertEqual(rows[0]["hint"], "the next CA stands in for it")
        other = dead.replace("/dir", "/other")
        rows = [row for row in self.acmec(*command, other, code=5).json["checks"] if row["check"] == "ca"]
        self.assertEqual([row["ok"] for row in rows], [False, False])

    def test_text(self):
        said = self.site.run("preflight", *self.ca(self.pebble), *self.names("a.example"), "--standalone")
        self.assertEqual((said.code, said.stderr), (0, ""), str(said))
        self.assertIn("issuance should work", said.stdout)
        said = self.site.run("preflight", *self.ca(self.pebble), *self.names("no.example"), "--standalone")
        self.assertEqual(said.code, 5, str(said))
        self.assertIn("FAIL  address", said.stdout)
        self.assertIn("issuance would fail: 1 of ", said.stdout)
        said = self.site.run("preflight", *self.ca(self.pebble), *self.names("no.example"), "--standalone", "-q")
        self.assertEqual((said.code, said.stdout), (5, ""), str(said))
        self.assertIn("no.example: the DNS does not know it", said.stderr)
        self.acmec("preflight", code=2)


if __name__ == "__main__":
    bed.main()
