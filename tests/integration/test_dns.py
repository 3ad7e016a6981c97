"""Proof by DNS: every provider with real scripts of its form, several values at one name, many certificates at once,
what is taken away again after success, failure, a signal and a crash."""
import json
import os
import signal
import ssl
import stat
import time
import urllib.request

import bed

LEGO = """#!/bin/sh
echo "begin $*" >>%(log)s
[ %(delay)s = 0 ] || sleep %(delay)s
case $1 in present) verb=set ;; cleanup) verb=clear ;; *) exit 1 ;; esac
curl -sf -o /dev/null -d "{\\"host\\":\\"$2\\",\\"value\\":\\"$3\\"}" http://127.0.0.1:%(port)d/$verb-txt || exit 1
echo "end $*" >>%(log)s
"""


class DnsCase(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def setUp(self):
        super().setUp()
        self.log = os.path.join(self.site.home, "log")

    def script(self, name, text):
        path = os.path.join(self.site.home, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, 0o755)
        return path

    def lego(self, delay=0):
        return self.script("hook", LEGO % {"log": self.log, "port": self.pebble.dns_control, "delay": delay})

    def post(self, where, **what):
        url = f"http://127.0.0.1:{self.pebble.dns_control}/{where}"
        with urllib.request.urlopen(url, json.dumps(what).encode(), timeout=10) as reply:
            return reply.read()

    def lines(self):
        if not os.path.exists(self.log):
            return []
        return [line.split() for line in bed.read(self.log).splitlines()]

    def calls(self, action=None):
        """(action, name, value) of the calls that ended."""
        return [tuple(line[1:]) for line in self.lines() if line[0] == "end" and action in (None, line[1])]

    def at_once(self):
        """How many ran at the same time at most."""
        running, most = 0, 0
        for line in self.lines():
            running += 1 if line[0] == "begin" else -1
            most = max(most, running)
        return most

    def issue(self, *names, options=(), **more):
        return self.acmec("issue", *self.names(*names), *self.ca(self.pebble), "--dns-timeout", "0", *options, **more)

    def assert_nothing_left(self):
        put, taken = self.calls("present"), self.calls("cleanup")
        self.assertEqual(sorted(call[1:] for call in put), sorted(call[1:] for call in taken))
        journal = os.path.join(self.site.state, "journal")
        self.assertEqual(os.listdir(journal) if os.path.exists(journal) else [], [])


class Exec(DnsCase):
    def test_base_and_wildcard_have_two_values_at_one_name(self):
        hook = self.lego()
        self.issue("a.example", "*.a.example", options=["--dns", f"exec:{hook}"])
        self.assert_whole("a.example")
        self.assertIn("DNS:*.a.example", self.cert_text("a.example", "-ext", "subjectAltName"))
        put = self.calls("present")
        self.assertEqual({name for _, name, _ in put}, {"_acme-challenge.a.example."})
        self.assertEqual(len({value for _, _, value in put}), 2)
        self.assert_nothing_left()
        self.assertIn(f"dns = exec:{hook}", bed.read(self.site.config, "certs/a.example.conf").splitlines())
        self.assertEqual(self.acmec("renew", "--force").actions(), {"a.example": "renewed"})
        self.assert_nothing_left()

    def test_a_wildcard_by_dns_beside_a_name_by_http(self):
        self.issue("w.example", f"*.w.example=dns:exec:{self.lego()}", options=self.standalone(self.pebble))
        self.assert_whole("w.example")
        self.assertEqual(len(self.calls("present")), 1)
        self.assert_nothing_left()
        self.acmec("renew", "--force")

    def test_dns_account_01(self):
        self.issue("acc.example", "*.acc.example",
                   options=["--dns", f"exec:{self.lego()}", "--dns-type", "dns-account-01"])
        self.assert_whole("acc.example")
        for _, name, _ in self.calls("present"):
            self.assertRegex(name, r"^_[a-z2-7]{16}\._acme-challenge\.acc\.example\.$")
        self.assert_nothing_left()
        self.acmec("renew", "--force")

    def test_a_relative_path_is_stored_absolute(self):
        hook = self.lego()
        self.issue("rel.example", options=["--dns", "exec:./hook"])
        self.assertIn(f"dns = exec:{hook}", bed.read(self.site.config, "certs/rel.example.conf").splitlines())

    def test_20_certificates_take_the_time_of_a_few(self):
        hook = self.lego(delay=2)
        names = [f"n{i}.many.example" for i in range(20)]
        for name in names:
            self.site.write_conf(name, domain=name, server=self.pebble.url, ca_bundle=self.pebble.bundle,
                                 agree_tos="yes", dns=f"exec:{hook}", dns_timeout="0")
        result = self.acmec("renew")
        self.assertEqual(result.actions(), {name: "issued" for name in names})
        self.assertGreater(self.at_once(), 9)
        self.assertLess(result.seconds, 60, "one after the other they would take 80 s")
        self.assert_nothing_left()

    def test_100_names(self):
        self.issue(*(f"n{i}.hundred.example" for i in range(100)), options=["--dns", f"exec:{self.lego()}"])
        self.assertEqual(len(self.calls("present")), 100)
        self.assert_nothing_left()

    def test_one_name_is_changed_by_one_script_at_a_time(self):
        self.issue("o.example", "*.o.example", options=["--dns", f"exec:{self.lego(delay=0.3)}"])
        self.assertEqual(self.at_once(), 1)

    def test_what_cannot_be_proved_so(self):
        error = self.issue("*.x.example", options=["--standalone"], code=2).error()
        self.assertIn("--dns", error["hint"])
        error = self.issue("127.0.0.1", options=["--dns", f"exec:{self.lego()}"], code=2).error()
        self.assertIn("127.0.0.1", error["message"])
        self.assertEqual(self.lines(), [])

    def test_a_script_that_is_not_there_is_said_before_the_order(self):
        self.issue("warm.example", options=["--dns", f"exec:{self.lego()}"])
        self.pebble.clear()
        error = self.issue("y.example", options=["--dns", "exec:/nonexistent/hook"], code=7).error()
        self.assertIn("/nonexistent/hook", error["message"])
        self.assertNotIn("newOrder", self.pebble.calls())
        error = self.issue("y.example", options=["--dns", "smoke:signals"], code=2).error()
        self.assertIn("exec:PATH", error["hint"])


class CleanUp(DnsCase):
    def test_after_a_script_that_fails(self):
        good = self.lego()
        bad = self.script("bad", f"#!/bin/sh\n[ \"$1\" = cleanup ] && exec {good} \"$@\"\n"
                                 f"echo \"no $2 here\" >&2\nexit 3\n")
        result = self.issue("f.example", f"g.example=dns:exec:{bad}", options=["--dns", f"exec:{good}"], code=9)
        self.assertIn("status 3: no _acme-challenge.g.example. here", result.error()["message"])
        self.assertEqual(result.error()["class"], "hook")
        self.assertEqual(sorted(name for _, name, _ in self.calls("cleanup")),
                         ["_acme-challenge.f.example.", "_acme-challenge.g.example."])
        journal = os.path.join(self.site.state, "journal")
        self.assertEqual(os.listdir(journal), [])

    def test_after_the_ca_has_refused(self):
        hook = self.lego()
        lies = self.script("lies", f"#!/bin/sh\nexec {hook} \"$1\" \"$2\" wrong\n")
        error = self.issue("r.example", options=["--dns", f"exec:{lies}"], code=5).error()
        self.assertIn("'r.example' was not looked for", error["hint"])
        self.assert_nothing_left()
        self.assertEqual(len(self.calls("cleanup")), 1)

    def test_after_a_signal(self):
        hook = self.lego(delay=1)
        running = self.site.popen("issue", "-d", "s.example", *self.ca(self.pebble), "--dns", f"exec:{hook}", "--json")
        self.assertTrue(bed.wait_until(lambda: self.lines()))
        running.send_signal(signal.SIGTERM)
        result = bed.finish(running, time.monotonic())
        self.assertEqual(result.code, 143, str(result))
        self.assertLess(result.seconds, 20)
        self.assert_nothing_left()

    def test_after_a_crash(self):
        """kill -9 with the record in place; the next run takes it out, though its certificate is not due."""
        hook = self.lego(delay=0.5)
        self.issue("due.example", options=["--dns", f"exec:{hook}"])
        stuck = self.script("stuck", f"#!/bin/sh\n{hook} \"$@\"\n[ \"$1\" = cleanup ] || sleep 60\n")
        for next_run in (["renew"], ["renew", "--force", "due.example"],
                         ["issue", "-d", "crash.example", *self.ca(self.pebble), "--dns", f"exec:{hook}",
                          "--dns-timeout", "0"]):
            os.remove(self.log)
            running = self.site.popen("issue", "-d", "crash.example", *self.ca(self.pebble), "--dns", f"exec:{stuck}")
            self.assertTrue(bed.wait_until(lambda: self.calls("present")))
            os.killpg(running.pid, signal.SIGKILL)
            running.communicate()
            journal = os.path.join(self.site.state, "journal/crash.example.proofs.json")
            self.assertTrue(os.path.exists(journal))
            self.assertEqual(stat.S_IMODE(os.stat(journal).st_mode), 0o600)
            self.acmec(*next_run)
            self.assert_nothing_left()

    def test_a_clean_up_that_fails_is_a_warning_and_tried_again(self):
        hook = self.lego()
        mark = os.path.join(self.site.home, "broken")
        once = self.script("once", f"#!/bin/sh\n[ \"$1\" = cleanup ] && [ -e {mark} ] && echo closed && exit 1\n"
                                   f"exec {hook} \"$@\"\n")
        open(mark, "w", encoding="utf-8").close()
        result = self.issue("c.example", options=["--dns", f"exec:{once}"])
        self.assertIn("could not be taken away", result.stderr)
        self.assertIn("closed", result.stderr)
        self.assertEqual(self.calls("cleanup"), [])
        os.remove(mark)
        self.acmec("renew")
        self.assert_nothing_left()

    def test_a_clean_up_that_never_works_is_given_up(self):
        never = self.script("never", f"#!/bin/sh\n[ \"$1\" = cleanup ] && exit 1\nexec {self.lego()} \"$@\"\n")
        self.issue("n.example", options=["--dns", f"exec:{never}"])
        for _ in range(2):
            self.assertIn("could not be taken away", self.acmec("renew").stderr)
        self.assertEqual(self.acmec("renew").stderr, "")


class IntoNginx(DnsCase):
    """Proved by DNS, and installed all the same."""

    SITES = {
        "stars": "server {\n    listen {http};\n    server_name *.w.example;\n    return 200 stars;\n}\n",
        "dot": "server {\n    listen {http};\n    server_name .w.example;\n    return 200 dot;\n}\n",
        "own": "server {\n    listen {http};\n    server_name own.w.example;\n    return 200 own;\n}\n",
    }

    def nginx(self, *sites):
        nginx = bed.SiteNginx(os.path.join(self.site.home, "nginx"), bed.free_port(), bed.free_port(),
                              {site: self.SITES[site] for site in sites})
        nginx.start()
        self.addCleanup(nginx.stop)
        return nginx

    def install(self, nginx, *names, args=(), **more):
        return self.issue(*names, options=["--dns", f"exec:{self.lego()}", "--install", "nginx", "--nginx-conf",
                                           nginx.conf, "--http-port", str(nginx.http), "--tls-port", str(nginx.tls),
                                           *args], **more)

    def leaf(self):
        return ssl.PEM_cert_to_DER_cert(bed.read(self.site.live("w.example", "cert.pem")))

    def test_a_wildcard_goes_where_it_stands(self):
        for site, names in (("stars", ["*.w.example"]), ("dot", ["w.example", "*.w.example"])):
            self.site = self.new_site()
            nginx = self.nginx(site, "own")
            own = nginx.read("own")
            self.install(nginx, *names)
            self.assertEqual(nginx.leaf("any.w.example"), self.leaf())
            self.assertEqual(nginx.get("any.w.example", "/", tls=True)[2], site)
            self.assertEqual(nginx.read("own"), own)
            self.assertEqual(nginx.get("own.w.example", "/")[2], "own")
            edited = nginx.sites()
            self.acmec("renew", "--force")
            self.assertEqual(nginx.leaf("any.w.example"), self.leaf())
            self.assertEqual(nginx.sites(), edited)

    def test_another_server_by_its_name(self):
        nginx = self.nginx("own")
        error = self.install(nginx, "*.w.example", code=8).error()
        self.assertIn("--server-block", error["message"] + error["hint"])
        self.assertEqual(self.lines(), [], "nothing is put in the DNS for what cannot be installed")
        self.install(nginx, "*.w.example", args=["--server-block", "own.w.example"])
        self.assertEqual(nginx.leaf("own.w.example"), self.leaf())
        self.acmec("renew", "--force")
        self.assertEqual(nginx.leaf("own.w.example"), self.leaf())


class Forms(DnsCase):
    """Scripts as other clients call them."""

    def control(self):
        return f"http://127.0.0.1:{self.pebble.dns_control}"

    def test_certbot(self):
        auth = self.script("auth.sh", f"""#!/bin/sh
echo "noise" >&2
curl -s -d "{{\\"host\\":\\"_acme-challenge.$CERTBOT_DOMAIN.\\",\\"value\\":\\"$CERTBOT_VALIDATION\\"}}" \
    {self.control()}/set-txt || exit 1
echo "  id of $CERTBOT_DOMAIN $1"
echo "put $CERTBOT_DOMAIN $CERTBOT_ALL_DOMAINS $CERTBOT_REMAINING_CHALLENGES $CERTBOT_VALIDATION" >>{self.log}.txt
""")
        clean = self.script("clean.sh", f"""#!/bin/sh
curl -s -d "{{\\"host\\":\\"_acme-challenge.$CERTBOT_DOMAIN.\\"}}" {self.control()}/clear-txt || exit 1
echo "clean $CERTBOT_DOMAIN <${{CERTBOT_AUTH_OUTPUT?unset}}> $CERTBOT_REMAINING_CHALLENGES $CERTBOT_VALIDATION" \
    >>{self.log}.txt
""")
        self.issue("c.example", "*.c.example", options=["--dns", f"certbot:{auth} zone,{clean}"])
        rows = [line.split() for line in bed.read(self.log + ".txt").splitlines()]
        put, cleaned = [row for row in rows if row[0] == "put"], [row for row in rows if row[0] == "clean"]
        self.assertEqual([row[1:4] for row in put],
                         [["c.example", "c.example,c.example", "1"], ["c.example", "c.example,c.example", "0"]])
        self.assertEqual([" ".join(row[1:-2]) for row in cleaned], ["c.example <id of c.example zone>"] * 2)
        self.assertEqual([row[-2] for row in cleaned], ["1", "0"], "as they were told when they put it")
        self.assertEqual({row[-1] for row in put}, {row[-1] for row in cleaned})
        self.acmec("renew", "--force")

    def test_certbot_counts_what_it_has_to_prove(self):
        """Names that are proved already, or otherwise, are none of the script's."""
        auth = self.script("count.sh", f"""#!/bin/sh
curl -s -d "{{\\"host\\":\\"_acme-challenge.$CERTBOT_DOMAIN.\\",\\"value\\":\\"$CERTBOT_VALIDATION\\"}}" \
    {self.control()}/set-txt || exit 1
echo "$CERTBOT_DOMAIN $CERTBOT_ALL_DOMAINS $CERTBOT_REMAINING_CHALLENGES" >>{self.log}.txt
""")
        pebble = self.start_pebble(authz_reuse=100, dns=f"127.0.0.1:{self.pebble.dns_port}")
        issue = ["issue", *self.ca(pebble), "--dns-timeout", "0", "--dns", f"certbot:{auth}"]
        self.acmec(*issue, *self.names("one.count.example", "two.count.example"))
        os.remove(self.log + ".txt")
        self.acmec(*issue, *self.standalone(pebble)[1:], *self.names(
            "one.count.example", "two.count.example", "three.count.example", "four.count.example",
            "web.count.example=standalone"))
        rows = sorted((line.split() for line in bed.read(self.log + ".txt").splitlines()), key=lambda row: -int(row[2]))
        self.assertEqual([row[2] for row in rows], ["1", "0"])
        self.assertEqual({row[1] for row in rows}, {",".join(row[0] for row in rows)})
        self.assertEqual({row[0] for row in rows}, {"three.count.example", "four.count.example"})

    def test_scripts_that_make_the_name_themselves_prove_by_dns_01_alone(self):
        for form in ("certbot", "dehydrated"):
            error = self.issue("own.example", code=2, options=["--dns", f"{form}:{self.lego()}", "--dns-type",
                                                               "dns-account-01"]).error()
            self.assertIn("dns-01 only", error["message"])

    def test_certbot_without_a_second_script(self):
        auth = self.script("only.sh", f"""#!/bin/sh
exec curl -s -d "{{\\"host\\":\\"_acme-challenge.$CERTBOT_DOMAIN.\\",\\"value\\":\\"$CERTBOT_VALIDATION\\"}}" \
    {self.control()}/set-txt
""")
        self.issue("only.example", options=["--dns", f"certbot:{auth}"])
        self.assert_whole("only.example")
        self.assertEqual(os.listdir(os.path.join(self.site.state, "journal")), [])

    def test_dehydrated(self):
        hook = self.script("dehydrated.sh", f"""#!/usr/bin/env bash
deploy_challenge() {{
    local DOMAIN="${{1}}" TOKEN_FILENAME="${{2}}" TOKEN_VALUE="${{3}}"
    curl -s -d "{{\\"host\\":\\"_acme-challenge.${{DOMAIN}}.\\",\\"value\\":\\"${{TOKEN_VALUE}}\\"}}" {self.control()}/set-txt
    echo "deploy $DOMAIN $TOKEN_FILENAME $TOKEN_VALUE" >>{self.log}.txt
}}
clean_challenge() {{
    local DOMAIN="${{1}}" TOKEN_FILENAME="${{2}}" TOKEN_VALUE="${{3}}"
    curl -s -d "{{\\"host\\":\\"_acme-challenge.${{DOMAIN}}.\\"}}" {self.control()}/clear-txt
    echo "clean $DOMAIN $TOKEN_FILENAME $TOKEN_VALUE" >>{self.log}.txt
}}
HANDLER="$1"; shift
if [[ "${{HANDLER}}" =~ ^(deploy_challenge|clean_challenge)$ ]]; then
    "$HANDLER" "$@"
fi
""")
        self.issue("d.example", "*.d.example", options=["--dns", f"dehydrated:{hook}"])
        rows = [line.split() for line in bed.read(self.log + ".txt").splitlines()]
        self.assertEqual(sorted(row[1:] for row in rows if row[0] == "deploy"),
                         sorted(row[1:] for row in rows if row[0] == "clean"))
        self.assertEqual(len(rows), 4)

    def test_acme_sh(self):
        """acme.sh as far as its scripts know it: functions of its own, and a main that runs what it is told."""
        home = os.path.join(self.site.home, ".acme.sh")
        os.makedirs(os.path.join(home, "dnsapi"))
        with open(os.path.join(home, "acme.sh"), "w", encoding="utf-8") as out:
            out.write("""#!/usr/bin/env sh
_initpath() { . "$LE_WORKING_DIR/account.conf"; }
_readaccountconf_mutable() { eval "printf '%s' \\"\\$SAVED_$1\\""; }
_post() { printf '%s' "$HTTP_HEADER" >/dev/null; curl -s -d "$1" "$2"; }
main() { if [ -z "$1" ]; then echo help; exit 1; fi; "$@"; }
main "$@"
""")
        with open(os.path.join(home, "account.conf"), "w", encoding="utf-8") as out:
            out.write(f"SAVED_MINE_Url='{self.control()}'\n")
        with open(os.path.join(home, "dnsapi/dns_mine.sh"), "w", encoding="utf-8") as out:
            out.write(f"""#!/usr/bin/env sh
dns_mine_add() {{
  fulldomain=$1
  txtvalue=$2
  MINE_Url="${{MINE_Url:-$(_readaccountconf_mutable MINE_Url)}}"
  echo "add $fulldomain $txtvalue" >>{self.log}.txt
  _post "{{\\"host\\":\\"$fulldomain.\\",\\"value\\":\\"$txtvalue\\"}}" "$MINE_Url/set-txt"
}}
dns_mine_rm() {{
  MINE_Url="${{MINE_Url:-$(_readaccountconf_mutable MINE_Url)}}"
  echo "rm $1 $2" >>{self.log}.txt
  _post "{{\\"host\\":\\"$1.\\"}}" "$MINE_Url/clear-txt"
}}
""")
        self.issue("m.example", "*.m.example", options=["--dns", "acme.sh:mine"])
        rows = [line.split() for line in bed.read(self.log + ".txt").splitlines()]
        self.assertEqual(sorted(row[1:] for row in rows if row[0] == "add"),
                         sorted(row[1:] for row in rows if row[0] == "rm"))
        self.assertEqual(len(rows), 4)
        self.assertIn("dns = acme.sh:dns_mine", bed.read(self.site.config, "certs/m.example.conf"))
        error = self.issue("other.example", options=["--dns", "acme.sh:dns_other"], code=7).error()
        self.assertIn("dnsapi/dns_other.sh", error["message"])


if __name__ == "__main__":
    bed.main()
