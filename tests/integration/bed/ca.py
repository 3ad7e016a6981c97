"""The certificate authorities: Pebble and Caddy, started by scripts/testbed."""
import atexit
import json
import os
import re
import signal
import ssl
import subprocess
import time
import urllib.request

from .paths import CA_BIN, SCRIPTS
from .ports import free_port

# "POST /my-order/xyz -> calling handler()", and the words that acmec's documents use for the paths.
CALL = re.compile(r"(GET|HEAD|POST) (/\S*) -> calling handler\(\)")
ROLES = [("/dir", "directory"), ("/nonce-plz", "newNonce"), ("/sign-me-up", "newAccount"),
         ("/my-account/", "account"), ("/order-plz", "newOrder"), ("/my-order/", "order"),
         ("/authZ/", "authorization"), ("/chalZ/", "challenge"), ("/finalize-order/", "finalize"),
         ("/certZ/", "certificate"), ("/revoke-cert", "revokeCert"), ("/rollover-account-key", "keyChange"),
         ("/list-orderz/", "orders"), ("/draft", "renewalInfo")]


def role_of(path):
    """What a path of Pebble's is for."""
    for prefix, role in ROLES:
        if path.startswith(prefix):
            return role
    return "other"


def stop(run):
    """Each by its process id; nothing when they have ended."""
    subprocess.run([os.path.join(SCRIPTS, "stop"), run], check=True)


class _Authority:
    """url: the directory. bundle: what acmec must trust to talk to it."""

    def _start(self, script, run, *args, **env):
        done = subprocess.run([os.path.join(SCRIPTS, script), run, *args],
                              env={**os.environ, "BIN": CA_BIN, **env}, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{script}: {done.stdout}{done.stderr}"
                               "\nscripts/testbed/fetch-testca fetches the CAs")
        self.run = run
        atexit.register(stop, run)  # for a run that is interrupted; to stop again does nothing
        self.bundle = os.path.join(run, "pki/minica.pem")
        self.certificate = os.path.join(run, "pki/cert.pem"), os.path.join(run, "pki/key.pem")

    def stop(self):
        stop(self.run)

    def get(self, url):
        trust = ssl.create_default_context(cafile=self.bundle)
        with urllib.request.urlopen(url, context=trust, timeout=10) as reply:
            return reply.read()


class Pebble(_Authority):
    """http_port: where it comes to see http-01 answers. dns: HOST:PORT of the DNS that it asks, instead of
    challtestsrv. extra: members of its configuration. always_valid: every proof is good."""

    wedged = False  # whether one of them was found to wait for a lock of its own for ever

    def __init__(self, run, *, nonce_reject=0, authz_reuse=0, no_sleep=True, strict=False,
                 http_port=None, dns=None, extra=None, always_valid=False):
        base = free_port(6)
        members = {"retryAfter": {"authz": 1, "order": 1}, **(extra or {})}
        if http_port:
            members["httpPort"] = http_port
        env = {"EXTRA": json.dumps(members)[1:-1], "PEBBLE_WFE_NONCEREJECT": str(nonce_reject),
               "PEBBLE_AUTHZREUSE": str(authz_reuse), "PEBBLE_VA_NOSLEEP": "1" if no_sleep else "", "DNS": dns or ""}
        if always_valid:
            env["PEBBLE_VA_ALWAYS_VALID"] = "1"
        if not no_sleep:
            env["PEBBLE_VA_SLEEPTIME"] = "1"
        self._start("start-pebble", run, str(base), *(["-strict"] if strict else []), **env)
        self.port = base
        self.http_port = http_port or base + 2
        self.tls_port = base + 3
        self.dns_port, self.dns_control = base + 4, base + 5  # challtestsrv and its management
        self.url = f"https://localhost:{base}/dir"
        self.mark = 0
        self.clear()

    def root(self):
        """The PEM of the root that its certificates lead to."""
        return self.get(f"https://localhost:{self.port + 1}/roots/0").decode()

    def manage(self, path, **members):
        """POSTs to its management interface."""
        trust = ssl.create_default_context(cafile=self.bundle)
        request = urllib.request.Request(f"https://localhost:{self.port + 1}{path}", json.dumps(members).encode())
        with urllib.request.urlopen(request, context=trust, timeout=10) as reply:
            return reply.read()

    def suggest(self, leaf, response):
        """What its renewalInfo says of a certificate (PEM) from now on: an object, or any text."""
        text = response if isinstance(response, str) else json.dumps(response)
        self.manage("/set-renewal-info/", certificate=leaf, ariResponse=text)

    def _log(self):
        with open(os.path.join(self.run, "pebble.log"), encoding="utf-8", errors="replace") as log:
            log.seek(self.mark)
            return log.read()

    def clear(self):
        """Forgets the calls so far."""
        self.mark = os.path.getsize(os.path.join(self.run, "pebble.log"))

    def calls(self):
        """The roles of the calls since clear(), in order."""
        return [role_of(path) for _, path in CALL.findall(self._log())]

    def accounts(self):
        """How many accounts it ever made."""
        with open(os.path.join(self.run, "pebble.log"), encoding="utf-8", errors="replace") as log:
            counts = re.findall(r"There are now (\d+) accounts", log.read())
        return int(counts[-1]) if counts else 0

    def signal(self, number):
        """SIGSTOP makes it hang, SIGCONT lets it go on."""
        with open(os.path.join(self.run, "pebble.pid"), encoding="utf-8") as pid:
            os.kill(int(pid.read()), number)

    def _tell_stacks(self):
        """Ends it with the stacks of all its routines in its log. A poll that comes while an order is completed can
        block Pebble 2.10 for good, and all that comes after it (letsencrypt/pebble issue 554)."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGQUIT)
        registers = re.compile(r"^(rflags|fault) ", re.M)  # come last
        if wait_until(lambda: registers.search(self._log()), 5):
            Pebble.wedged |= re.search(r"^goroutine \d+ .*\[sync\.RWMutex\.", self._log(), re.M) is not None

    def stop(self):
        try:
            self._tell_stacks()
        except OSError:
            pass  # it has ended before
        super().stop()


class Caddy(_Authority):
    """Validates on the real port 80 by system DNS: only inside a private network (Case.private_network)."""

    def __init__(self, run):
        port = free_port(3)
        self._start("start-caddy", run, str(port))
        self.dns_control = port + 2  # management of the challtestsrv that it asks
        self.url = f"https://localhost:{port}/acme/local/directory"


def wait_until(true, seconds=10.0, step=0.02):
    """Whether true() became true in time."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(step)
    return True
