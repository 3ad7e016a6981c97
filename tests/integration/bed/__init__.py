"""bed: what every integration test stands on. Standard library only.

A test file holds `class X(bed.Case)`; a Case has a run folder of its own, starts what it needs (Pebble,
Caddy, nginx, proxies) and runs the real acmec. Whatever a Case started is stopped by its process id.

    ACMEC_BUILD    folder with acmec, acmec-net, acmec-responder   (default: build)
    ACMEC_TESTBED  where scripts/testbed/fetch-testca put the CAs  (default: ~/.cache/acmec-testbed)
"""
from .ca import Caddy, Pebble, wait_until
from .case import Case, Result, Site, finish, main, private_network, read, session_processes
from .dns import DnsServer
from .idle import make_idle
from .nginx import App, SiteNginx
from .paths import ACMEC, BUILD, CA_BIN, PARALLEL, ROOT, SANITIZED, TESTBED
from .ports import free_port
from .proxy import Exchange, FaultProxy, Forwarder
from .steps import Steps, build_step
from .tls import Nginx, make_certificate
from .web import HostServer, StaticServer
from .worker import NetWorker, ResponderWorker

# one a line, so that additions meet in no merge
__all__ = [
    "ACMEC",
    "App",
    "BUILD",
    "CA_BIN",
    "Caddy",
    "Case",
    "DnsServer",
    "Exchange",
    "FaultProxy",
    "Forwarder",
    "HostServer",
    "NetWorker",
    "Nginx",
    "PARALLEL",
    "Pebble",
    "ROOT",
    "ResponderWorker",
    "Result",
    "SANITIZED",
    "Site",
    "SiteNginx",
    "StaticServer",
    "Steps",
    "build_step",
    "TESTBED",
    "finish",
    "free_port",
    "main",
    "make_certificate",
    "make_idle",
    "private_network",
    "read",
    "session_processes",
    "wait_until",
]
