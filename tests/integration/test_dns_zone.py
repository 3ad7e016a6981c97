"""Proof by DNS in a real zone: BIND as the primary server, updated by nsupdate with a TSIG key (rfc2136), looked at by
acmec where the zone says it is served, with a CNAME to another zone, and a second server that lags behind."""
import os
import shutil
import socket
import struct
import subprocess
import threading
import time
import unittest

import bed

PRIVATE = bed.private_network() if __name__ == "__main__" else bool(os.environ.get("ACMEC_PRIVATE_NETWORK"))
NAMED = shutil.which("named", path="/usr/sbin:/usr/local/sbin:/usr/bin")

ZONE = """$TTL 1
@ IN SOA ns1 root 1 60 60 60 1
@ IN NS ns1
%(more)s
ns1 IN A 127.0.0.1
ns2 IN A 127.0.0.2
* IN A 127.0.0.1
_acme-challenge.moved IN CNAME moved.proofs.test.
_acme-challenge.twice IN CNAME _acme-challenge.moved
"""


class LaggingServer:
    """127.0.0.2: shows a TXT record so many seconds after it was asked for first; else as 127.0.0.1 does."""

    def __init__(self):
        self.lag, self.first, self.asked = 0, None, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.2", 53))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def begin(self, lag):
        self.lag, self.first, self.asked = lag, None, 0

    def _serve(self):
        while True:
            query, client = self.socket.recvfrom(4096)
            end = 12
            while query[end]:
                end += query[end] + 1
            kind = struct.unpack(">H", query[end + 1:end + 3])[0]
            if kind == 16:
                self.asked += 1
                self.first = self.first or time.monotonic()
                if time.monotonic() < self.first + self.lag:
                    empty = query[:2] + struct.pack(">HHHHH", 0x8400, 1, 0, 0, 0) + query[12:end + 5]
                    self.socket.sendto(empty, client)
                    continue
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as relay:
                relay.settimeout(5)
                relay.sendto(query, ("127.0.0.1", 53))
                self.socket.sendto(relay.recv(4096), client)


@unittest.skipUnless(PRIVATE, "no network namespace here: a zone needs port 53")
@unittest.skipUnless(NAMED, "no named here: scripts/setup installs it")
class Zone(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key = os.path.join(cls.folder, "tsig.key")
        with open(cls.key, "wb") as out:
            out.write(subprocess.run(["tsig-keygen", "acmec"], check=True, capture_output=True).stdout)
        os.chmod(cls.key, 0o600)
        port = bed.free_port()
        cls.start_named(port)
        cls.lagging = LaggingServer()
        cls.pebble = cls.start_pebble(dns=f"127.0.0.1:{port}")

    @classmethod
    def start_named(cls, port):
        zones = {"example.test": "", "proofs.test": "", "lag.test": "@ IN NS ns2"}
        conf = [f'include "{cls.key}";',
                f'options {{ directory "{cls.folder}"; pid-file none; session-keyfile none; recursion yes;'
                f' listen-on {{ 127.0.0.1; }}; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};'
                f' allow-query {{ any; }}; notify no; dnssec-validation no; }};', "controls { };"]
        for zone, more in zones.items():
            with open(os.path.join(cls.folder, zone), "w", encoding="utf-8") as out:
                out.write(ZONE % {"more": more})
            conf.append(f'zone "{zone}" {{ type primary; file "{cls.folder}/{zone}";'
                        f' update-policy {{ grant acmec zonesub TXT; }}; }};')
        # A root that knows nothing else: it follows CNAMEs from zone to zone, and asks nobody.
        with open(os.path.join(cls.folder, "root"), "w", encoding="utf-8") as out:
            out.write("$TTL 1\n@ IN SOA ns1.example.test. root 1 60 60 60 1\n@ IN NS ns1.example.test.\n")
        conf.append(f'zone "." {{ type primary; file "{cls.folder}/root"; }};')
        path = os.path.join(cls.folder, "named.conf")
        with open(path, "w", encoding="utf-8") as out:
            out.write("\n".join(conf) + "\n")
        with open(os.path.join(cls.folder, "named.log"), "wb") as log:
            server = subprocess.Popen([NAMED, "-g", "-c", path], stdout=log, stderr=log)
        cls.addClassCleanup(lambda: (server.terminate(), server.wait(10)))
        if not bed.wait_until(lambda: cls.dig("ns1.example.test", "A") == ["127.0.0.1"], 20):
            raise RuntimeError(bed.read(cls.folder, "named.log"))

    @staticmethod
    def dig(name, kind):
        return subprocess.run(["dig", "+short", "+tries=1", "+time=2", "@127.0.0.1", name, kind],
                              capture_output=True, text=True).stdout.split()

    def conf(self, **keys):
        path = os.path.join(self.site.home, "tsig.conf")
        with open(path, "w", encoding="utf-8") as out:
            for key, value in {"key-file": self.key, **keys}.items():
                out.write(f"{key} = {value}\n")
        return path

    def issue(self, *names, options=(), **more):
        return self.acmec("issue", *self.names(*names), *self.ca(self.pebble), *options, **more)

    def test_a_real_zone(self):
        result = self.issue("a.example.test", "*.a.example.test",
                            options=["--dns", f"rfc2136:{self.conf(server='127.0.0.1')}"])
        self.assert_whole("a.example.test")
        self.assertNotIn("all the same", result.stderr)
        self.assertEqual(self.dig("_acme-challenge.a.example.test", "TXT"), [])
        self.acmec("renew", "--force")

    def test_the_server_is_found_by_the_zone(self):
        self.issue("b.example.test", options=["--dns", f"rfc2136:{self.conf()}"])
        self.issue("c.example.test", options=["--dns", f"rfc2136:{self.conf(zone='example.test', ttl='5')}"])

    def test_a_wrong_key_is_said(self):
        other = os.path.join(self.site.home, "other.key")
        with open(other, "wb") as out:
            out.write(subprocess.run(["tsig-keygen", "other"], check=True, capture_output=True).stdout)
        conf = self.conf(server="127.0.0.1", **{"key-file": other})
        error = self.issue("w.example.test", options=["--dns", f"rfc2136:{conf}"], code=9).error()
        self.assertIn("_acme-challenge.w.example.test", error["message"])
        self.assertIn("tsig", error["message"].lower())

    def test_a_cname_leads_to_another_zone(self):
        conf = self.conf(server="127.0.0.1")
        for name in ("moved", "twice"):
            result = self.issue(f"{name}.example.test", options=["--dns", f"rfc2136:{conf}"])
            self.assertNotIn("all the same", result.stderr)
        self.assertEqual(self.dig("moved.proofs.test", "TXT"), [])

    def test_the_slowest_server_is_waited_for(self):
        self.lagging.begin(3)
        result = self.issue("s.lag.test", options=["--dns", f"rfc2136:{self.conf(server='127.0.0.1')}"])
        self.assertGreater(result.seconds, 3)
        self.assertGreater(self.lagging.asked, 1)
        self.assertNotIn("all the same", result.stderr)

    def test_after_the_timeout_it_is_tried_all_the_same(self):
        self.lagging.begin(60)
        result = self.issue("t.lag.test", options=["--dns", f"rfc2136:{self.conf(server='127.0.0.1')}",
                                                   "--dns-timeout", "3"])
        self.assertIn("_acme-challenge.t.lag.test is not seen", result.stderr)
        self.assertLess(result.seconds, 60)

    def test_a_record_that_never_comes_is_the_likely_cause(self):
        hook = os.path.join(self.site.home, "hook")
        with open(hook, "w", encoding="utf-8") as out:
            out.write("#!/bin/sh\n")
        os.chmod(hook, 0o755)
        error = self.issue("n.example.test", options=["--dns", f"exec:{hook}", "--dns-timeout", "2"], code=5).error()
        self.assertEqual(error["hint"], "the record that proves 'n.example.test' was not seen by the zone's name"
                                        " servers before the CA looked for it")

    def test_a_domain_that_our_dns_does_not_know_is_not_waited_for(self):
        hook = os.path.join(self.site.home, "hook")
        with open(hook, "w", encoding="utf-8") as out:
            out.write("#!/bin/sh\n")
        os.chmod(hook, 0o755)
        result = self.issue("x.unknown.example", options=["--dns", f"exec:{hook}"], code=5)
        self.assertIn("cannot be looked for", result.stderr)
        self.assertIn("could not be looked for", result.error()["hint"])
        self.assertLess(result.seconds, 60)


if __name__ == "__main__":
    bed.main()
