"""Ports that nobody uses, below the range from which the kernel takes them for outgoing connections."""
import random
import socket

LOW, HIGH = 15000, 32000
_given = set()  # what a test was given may be bound only later


def _is_free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                return False
    return True


def free_port(count=1):
    """The first of `count` free ports in a row; no port is given twice."""
    while True:
        base = random.randrange(LOW, HIGH - count)
        ports = range(base, base + count)
        if _given.isdisjoint(ports) and all(_is_free(port) for port in ports):
            _given.update(ports)
            return base
