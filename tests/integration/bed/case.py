"""Case: a test with a run folder, the real acmec, and the assertions that many tests share."""
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from .ca import Caddy, Pebble
from .paths import ACMEC, SCRIPTS
from .web import StaticServer

LIMIT = 90  # seconds: no run of acmec here may take longer, else it hangs


def read(*path, encoding="utf-8"):
    with open(os.path.join(*path), encoding=encoding) as text:
        return text.read()


class Result:
    """What a run of acmec gave. json: the parsed document of --json."""

    def __init__(self, command, code, stdout, stderr, seconds):
        self.command, self.code, self.stdout, self.stderr = command, code, stdout, stderr
        self.seconds = seconds

    @property
    def json(self):
        return json.loads(self.stdout)

    def certificate(self, name):
        return next(row for row in self.json["certificates"] if row["name"] == name)

    def actions(self):
        return {row["name"]: row["action"] for row in self.json["certificates"]}

    def error(self):
        """The run's own error, else that of the first certificate with one."""
        return self.json["error"] or next(row["error"] for row in self.json["certificates"] if row["error"])

    def __str__(self):
        return f"{' '.join(self.command)}\nexit {self.code} after {self.seconds:.1f} s\n" \
               f"{self.stdout[-3000:]}{self.stderr[-3000:]}"


class Site:
    """A CONFIG_DIR and STATE_DIR of their own, and a way to run acmec on them."""

    def __init__(self, folder):
        self.config, self.state = os.path.join(folder, "etc"), os.path.join(folder, "state")
        self.home = folder
        os.makedirs(folder, exist_ok=True)

    def command(self, *args):
        """The folders come last but before `--`, so that args may begin with the command."""
        return [ACMEC, *args, "--config-dir", self.config, "--state-dir", self.state]

    def environment(self, **env):
        keep = {name: value for name, value in os.environ.items()
                if name in ("PATH", "TMPDIR") or name.startswith(("ASAN_", "UBSAN_", "LSAN_"))}
        return {**keep, "HOME": self.home, "LANG": "C.UTF-8", **env}

    def popen(self, *args, prefix=(), env=None, **more):
        more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen([*prefix, *self.command(*args)], env=self.environment(**(env or {})),
                                cwd=self.home, start_new_session=True, text=True, **more)

    def run(self, *args, **more):
        started = time.monotonic()
        process = self.popen(*args, **more)
        return finish(process, started)

    def peak_memory(self, *args):
        """Bytes at most resident in such a run. By time(1): the kernel counts what a child was before its
        exec, and as a child of Python's that is more than all of acmec."""
        with tempfile.NamedTemporaryFile("r") as report:
            run = self.run(*args, prefix=["/usr/bin/time", "-f", "%M", "-o", report.name])
            if run.code:
                raise RuntimeError(str(run))
            return int(report.read()) * 1024

    def live(self, name, file="fullchain.pem"):
        return os.path.join(self.config, "live", name, file)

    def copy(self, folder):
        """Another site with the same files."""
        other = Site(folder)
        for mine, theirs in ((self.config, other.config), (self.state, other.state)):
            if os.path.exists(mine):
                shutil.copytree(mine, theirs, symlinks=True)
        return other

    def write_conf(self, name, **keys):
        """certs/NAME.conf as a person would write it; '_' in a key stands for '-'."""
        folder = os.path.join(self.config, "certs")
        os.makedirs(folder, mode=0o755, exist_ok=True)
        with open(os.path.join(folder, name + ".conf"), "w", encoding="utf-8") as conf:
            for key, value in keys.items():
                conf.write(f"{key.replace('_', '-')} = {value}\n")


def finish(process, started, limit=LIMIT):
    """Waits for a process of Site.popen; kills its whole session when it hangs."""
    texts = {"stdout": "", "stderr": ""}
    readers = [threading.Thread(target=lambda n=n: texts.update({n: getattr(process, n).read()}))
               for n in texts if getattr(process, n)]
    for reader in readers:
        reader.start()
    try:
        process.wait(limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        texts["stderr"] += f"\nbed: killed after {limit} s"
    for reader in readers:
        reader.join()
    for name in texts:
        if getattr(process, name):
            getattr(process, name).close()
    return Result(process.args, process.returncode, texts["stdout"], texts["stderr"],
                  time.monotonic() - started)


def session_processes(session):
    """Pids that belong to a session, zombies not counted."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat_file:
                fields = stat_file.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(pid))
    return found


class Case(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if not os.access(ACMEC, os.X_OK):
            raise RuntimeError(f"no {ACMEC}: build first, or set ACMEC_BUILD")
        cls.folder = tempfile.mkdtemp(prefix="acmec-test-")
        os.chmod(cls.folder, 0o755)
        cls.addClassCleanup(cls._remove, cls.folder)

    @staticmethod
    def _remove(folder):
        if os.environ.get("ACMEC_KEEP"):
            print(f"kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)

    @classmethod
    def start_pebble(cls, **options):
        """One for the whole class; stopped with it."""
        pebble = Pebble(tempfile.mkdtemp(prefix="pebble-", dir=cls.folder), **options)
        cls.addClassCleanup(pebble.stop)
        return pebble

    @classmethod
    def start_caddy(cls):
        caddy = Caddy(tempfile.mkdtemp(prefix="caddy-", dir=cls.folder))
        cls.addClassCleanup(caddy.stop)
        return caddy

    @classmethod
    def start_webroot(cls, port):
        """A web server at port; returns its folder."""
        folder = tempfile.mkdtemp(prefix="www-", dir=cls.folder)
        os.chmod(folder, 0o755)
        cls.addClassCleanup(StaticServer(port, folder).stop)
        return folder

    def setUp(self):
        self.site = self.new_site()

    def new_site(self):
        folder = tempfile.mkdtemp(prefix="site-", dir=self.folder)
        os.chmod(folder, 0o755)
        return Site(folder)

    # ---- options that nearly every run needs ----

    @staticmethod
    def ca(authority, url=None):
        return ["--server", url or authority.url, "--ca-bundle", authority.bundle, "--agree-tos"]

    @staticmethod
    def standalone(authority):
        return ["--standalone", "--http-port", str(authority.http_port)]

    @staticmethod
    def names(*names):
        return [word for name in names for word in ("-d", name)]

    def acmec(self, *args, code=0, site=None, **more):
        """Runs it with --json and holds the exit code against code (a number or a set)."""
        result = (site or self.site).run(*args, "--json", **more)
        allowed = {code} if isinstance(code, int) else set(code)
        self.assertIn(result.code, allowed, str(result))
        for word in ("Sanitizer", "runtime error:"):
            self.assertNotIn(word, result.stderr, str(result))
        try:
            document = result.json
        except ValueError:
            self.fail(f"no JSON document: {result}")
        self.assertEqual(list(document)[:6],
                         ["acmec", "command", "ok", "exit_code", "certificates", "error"], str(result))
        self.assertEqual(document["exit_code"], result.code, str(result))
        self.assertEqual(document["ok"], result.code in (0, 10), str(result))
        return result

    # ---- assertions ----

    def assert_none_wrong(self, wrong, count):
        """wrong: a text for each of count cases that failed."""
        wrong = [text for text in wrong if text]
        if wrong:
            self.fail(f"{len(wrong)} of {count}:\n" + "\n\n".join(wrong[:8]))

    def assert_mode(self, path, mode):
        self.assertEqual(oct(stat.S_IMODE(os.lstat(path).st_mode)), oct(mode), path)

    def assert_whole(self, name, site=None):
        """live/NAME: key and chain belong together, all files there, with their modes."""
        site = site or self.site
        live = os.path.join(site.config, "live", name)
        self.assertTrue(os.path.islink(live), live)
        self.assertTrue(os.readlink(live).startswith(f"../archive/{name}/"), os.readlink(live))
        text = {file: read(live, file) for file in ("privkey.pem", "cert.pem", "chain.pem", "fullchain.pem")}
        self.assertEqual(text["fullchain.pem"], text["cert.pem"] + text["chain.pem"])
        of_key = self.openssl("pkey", "-pubout", stdin=text["privkey.pem"])
        of_cert = self.openssl("x509", "-pubkey", "-noout", stdin=text["fullchain.pem"])
        self.assertEqual(of_key, of_cert, f"{live}: key and certificate do not belong together")
        self.assert_mode(os.path.realpath(live), 0o755)
        self.assert_mode(os.path.join(live, "privkey.pem"), 0o600)
        for file in ("cert.pem", "chain.pem", "fullchain.pem"):
            self.assert_mode(os.path.join(live, file), 0o644)

    def assert_old_or_new(self, name, site):
        """After a kill: either nothing live yet, or whole."""
        if os.path.lexists(os.path.join(site.config, "live", name)):
            self.assert_whole(name, site)

    def assert_nobody_left(self, session, what):
        end = time.monotonic() + 5
        while (left := session_processes(session)) and time.monotonic() < end:
            time.sleep(0.02)
        self.assertEqual(left, [], f"processes left behind: {what}")

    @staticmethod
    def openssl(*args, stdin):
        return subprocess.run(["openssl", *args], input=stdin, capture_output=True, text=True,
                              check=True).stdout

    def cert_text(self, name, *what, site=None):
        return self.openssl("x509", "-noout", *what, stdin=read((site or self.site).live(name)))

    def orders_to_replace(self, *names, site=None):
        """How many newOrder requests Pebble 2.10 gets when these certificates are renewed. It does not find one by
        its ARI identifier where the serial number needs a leading zero, and says serverInternal three times."""
        serials = [int(self.cert_text(name, "-serial", site=site).split("=")[1], 16) for name in names]
        return sum(4 if serial.bit_length() % 8 == 0 else 1 for serial in serials)

    def generation(self, name, site=None):
        return os.readlink(os.path.join((site or self.site).config, "live", name)).rsplit("/", 1)[1]


def private_network():
    """Runs the calling script again inside a network namespace of its own, once. False: not possible."""
    if os.environ.get("ACMEC_PRIVATE_NETWORK"):
        return True
    wrapper = os.path.join(SCRIPTS, "in-netns")
    if subprocess.run([wrapper, "true"], stderr=subprocess.DEVNULL).returncode:
        return False
    os.environ["ACMEC_PRIVATE_NETWORK"] = "1"
    os.execv(wrapper, [wrapper, sys.executable, *sys.argv])
    return False


def main():
    """As root in a network of its own, so that no other test and no other server takes its ports."""
    if os.geteuid() == 0:
        private_network()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    done = unittest.main(verbosity=2, exit=False)
    if not done.result.wasSuccessful() and Pebble.wedged and not os.environ.get("ACMEC_SECOND_TRY"):
        print("bed: Pebble was caught in its own locks: once more", file=sys.stderr, flush=True)
        os.environ["ACMEC_SECOND_TRY"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.argv])
    sys.exit(not done.result.wasSuccessful())

