"""Where things are."""
import os

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "../../.."))
BUILD = os.path.realpath(os.environ.get("ACMEC_BUILD", os.path.join(ROOT, "build")))
ACMEC = os.path.join(BUILD, "acmec")
SCRIPTS = os.path.join(ROOT, "scripts/testbed")
CACHE = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
TESTBED = os.environ.get("ACMEC_TESTBED") or os.path.join(CACHE, "acmec-testbed")
PARALLEL = 16  # runs of acmec at once in one test: most of their time is waiting
CA_BIN = os.path.join(TESTBED, "ca/bin")


def _sanitized():
    try:
        with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as cache:
            return "ACMEC_SANITIZE:BOOL=ON" in cache.read()
    except OSError:
        return False


SANITIZED = _sanitized()
