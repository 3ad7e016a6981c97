"""What the benchmarks share: the bed of the integration tests, medians, and a verdict."""
import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "../integration"))


def seconds(command, **more):
    started = time.perf_counter()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, **more)
    return time.perf_counter() - started


def medians(runs, *functions):
    """The median of each function's answer, called in turn so that a slow moment hits all alike."""
    for function in functions:
        function()
    rows = [[function() for function in functions] for _ in range(runs)]
    return [statistics.median(column) for column in zip(*rows)]


def verdict(what, ratio, limit):
    """True if it holds."""
    good = ratio <= limit
    print(f"{what}: {ratio:.4f}, limit {limit:.4f}: {'ok' if good else 'TOO SLOW'}", flush=True)
    return good
