"""Ports that nobody uses, below the range from which the kernel takes them for outgoing connections."""
import random
import socket

LOW, HIGH = 15000, 32000


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
    """The first of `count` free ports in a row."""
    while True:
        base = random.randrange(LOW, HIGH - count)
        if all(_is_free(base + i) for i in range(count)):
            return base
