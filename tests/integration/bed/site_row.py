"""SiteRow: one configuration of nginx's, what acmec is to make of it, and the checks that hold for every such row."""
import dataclasses
import difflib
import glob
import os
import re
import socket
import ssl
import subprocess
import typing

from .ca import wait_until
from .nginx import NGINX, SiteNginx
from .ports import free_port

NAMES = {"one.example": ["one.example"], "two.example": ["two.example", "www.two.example"],
         "wild.example": ["wild.example", "*.wild.example"], "rsa.example": ["rsa.example"],
         "both.example": ["both.example"]}
KINDS = {  # of edits, by what there is more of afterwards
    "listen": r"^[^#\n]*\blisten\s[^;]*ssl", "pair": r"^[^#\n]*\bssl_certificate ",
    "policy": r"\binclude [^;]*/options-ssl\.conf",
    "challenge": r"\blocation \^~ /\.well-known/acme-challenge/", "guard": r"\brewrite \^\(/\\\.well-known",
    "if": r"\bif \(\$acmec_plain ~ \"\^http:", "server": r"\bserver \{ # managed|\bserver \{ *listen[^}]*return 301",
    "hsts": r"add_header Strict-Transport-Security"}
HSTS = "Strict-Transport-Security: max-age=63072000"
MODULES = "/usr/lib/nginx/modules"
TOKEN = "/.well-known/acme-challenge/token-of-a-test"


@dataclasses.dataclass
class SiteRow:
    """FOLDER in a text is the row's own folder, OLD that of certificates which are none of acmec's, LIVE that of the
    row's certificate. A file's path is relative to FOLDER; sites/* is what nginx includes."""
    title: str
    files: dict
    cert: str = "one.example"
    edits: typing.Optional[str] = None  # kinds, in order of the alphabet; "replace": a pair's paths
    edited: tuple = ("sites/site",)  # files
    refused: typing.Optional[str] = None  # a regular expression of the message
    code: int = 8
    redirect: typing.Union[bool, tuple] = True  # plain requests are led to https afterwards; or: of these names
    names: tuple = ()  # of the certificate, which are looked at; default: all
    others: tuple = ("other.example",)  # names that are none of its
    at: tuple = ("127.0.0.1",)
    not_at: tuple = ()  # (name, address) where the certificate is not served
    unproved: tuple = ()  # addresses at which challenges are not answered
    args: tuple = ()
    http: str = ""  # lines of http { }
    main: str = ""  # lines before all others of nginx.conf
    tail: str = ""  # lines behind them
    module: str = ""  # of nginx's, that must be there
    hsts: bool = False  # https has one more header
    catches_all: bool = False  # other names that had a leaf by TLS get the certificate's
    as_plain: bool = False  # https gives what http gave, not what https gave to strangers
    says: str = ""  # a regular expression of something that is told
    proxy: bool = False  # all listeners want the PROXY protocol
    running: bool = True  # while acmec works
    workers: str = "root"  # whose nginx's workers are
    prefix: bool = False  # nginx is started with one, and a relative path
    user: int = 0  # acmec's, and that of its files
    own: bool = False  # nginx is that user's as well
    ports: tuple = ()  # of HTTP and TLS; default: some free ones
    loops: bool = False  # the application leads from https to http
    taken_back: bool = False  # refused only after nginx was reloaded
    prepare: typing.Optional[typing.Callable] = None  # of the row's nginx, before it starts; False: not possible here
    then: typing.Optional[typing.Callable] = None  # after it has started
    undo: typing.Optional[typing.Callable] = None  # at the end

    def can_be_run(self):
        return not self.module or bool(glob.glob(f"{MODULES}/*{self.module}_module.so"))


def as_user(uid):
    """What stands before a command that is to run as somebody."""
    return ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups"] if uid else []


def certificate_names(row):
    names = row.names or NAMES[row.cert]
    return [("below" + name[1:]) if name.startswith("*") else name for name in names]


class RowNginx(SiteNginx):
    """The nginx of a row."""

    def __init__(self, folder, row, words):
        self.row, self.words = row, {"FOLDER": folder, **words}
        super().__init__(folder, *(row.ports or (free_port(), free_port())), {}, extra=row.http)
        for path, text in row.files.items():
            self.put(path, text)
        with open(self.conf, encoding="utf-8") as conf:
            rest = conf.read()
        rest = rest.replace("user root;", f"user {row.workers};")
        self.put("nginx.conf", row.main + rest + row.tail)

    def put(self, path, text):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        for word, meaning in self.words.items():
            text = text.replace(word, meaning)
        with open(path, "wb") as out:
            out.write(self.fill(text).encode(errors="surrogateescape"))

    def run(self, *args):
        where = ["-p", self.folder, "-c", "nginx.conf"] if self.row.prefix else ["-c", self.conf]
        return subprocess.run([*as_user(self.row.user if self.row.own else 0), NGINX, *where, *args],
                              capture_output=True, text=True)

    def faces(self):
        """{path: (mode, owner, group)} of all that was put there."""
        status = {path: os.stat(os.path.join(self.folder, path)) for path in self.row.files}
        return {path: (oct(of.st_mode), of.st_uid, of.st_gid) for path, of in status.items()}

    def bytes(self):
        """{path: what the file holds} of all that was put there."""
        found = {}
        for path in sorted({*self.row.files, "nginx.conf"}):
            if os.path.isfile(os.path.join(self.folder, path)):
                with open(os.path.join(self.folder, path), "rb") as file:
                    found[path] = file.read()
        return found

    def listing(self):
        """Everything in the folders of the configuration: no temporary file may stay."""
        return sorted(os.path.join(folder, name) for folder, _, names in os.walk(self.folder) for name in names
                      if not name.startswith(("nginx.pid", "error.log")))

    def is_settled(self):
        """No worker of an earlier configuration accepts connections."""
        master = self.master()
        with open(f"/proc/{master}/task/{master}/children", encoding="utf-8") as text:
            workers = text.read().split()
        accepting = 0
        for pid in workers:
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as text:
                    accepting += b"shutting down" not in text.read()
            except FileNotFoundError:
                pass
        return accepting == 1

    def settle(self):
        if not wait_until(self.is_settled):
            raise AssertionError("nginx's old workers do not end")

    # ---- as a client ----

    def connect(self, address, port, host, tls):
        stream = socket.create_connection((address, port), timeout=10)
        if self.row.proxy:
            stream.sendall(b"PROXY TCP4 127.0.0.1 127.0.0.1 1025 443\r\n")
        if not tls:
            return stream, None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        by_name = host and not host.replace(".", "").isdigit()
        secure = context.wrap_socket(stream, server_hostname=host if by_name else None)
        return secure, secure.getpeercert(binary_form=True)

    def ask(self, address, port, host, path, tls):
        """(answer, leaf); answer: (status, headers, body), or a word for what failed."""
        try:
            stream, leaf = self.connect(address, port, host, tls)
        except ssl.SSLError as error:
            return error.reason, None
        except ConnectionError as error:
            return type(error).__name__, None
        reply = b""
        with stream:
            try:
                stream.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                while data := stream.recv(65536):
                    reply += data
            except (ssl.SSLError, ConnectionError) as error:
                if not reply:
                    return type(error).__name__, leaf
        if not reply:
            return "closed", leaf
        head, _, body = reply.partition(b"\r\n\r\n")
        status, *headers = head.decode().split("\r\n")
        headers = sorted(line for line in headers if not line.startswith("Date:"))
        return (int(status.split()[1]), tuple(headers), body.decode(errors="replace")), leaf

    def observe(self):
        """{(name, address, tls, path): (answer, leaf)} for all names of the row, and some of nobody."""
        hosts = [*certificate_names(self.row), *self.row.others, "nobody.example", "127.0.0.1"]
        return {(host, address, tls, path): self.ask(address, self.tls if tls else self.http, host, path, tls)
                for host in hosts for address in self.row.at for tls in (False, True) for path in ("/", "/a/b?c=d")}


def kinds_of_edits(before, after):
    """The kinds that KINDS knows, of two texts."""
    kinds = {kind for kind, pattern in KINDS.items()
             if len(re.findall(pattern, after, re.MULTILINE)) > len(re.findall(pattern, before, re.MULTILINE))}
    paths = [re.findall(r"^[^#\n]*\bssl_certificate(?:_key)? [^;]*;", text, re.MULTILINE) for text in (before, after)]
    if set(paths[0]) - set(paths[1]):
        kinds.add("replace")
    return kinds


def unmarked(before, after, cert):
    """Lines that were added or changed without saying whose they are."""
    mark = re.compile(r"# managed by acmec: .*" + re.escape(cert) + r"\r?$")
    changed = [line[2:] for line in difflib.ndiff(before.split("\n"), after.split("\n")) if line.startswith("+ ")]
    return [line for line in changed if line.strip() not in ("{", "}") and not mark.search(line)]


def wrong_answers(nginx, before, after, leaf):
    """What is served otherwise than it should be, as texts. leaf: of the certificate's (DER)."""
    row, names = nginx.row, certificate_names(nginx.row)
    for question, (answer, served) in after.items():
        host, address, tls, path = question
        was, was_served = before[question]
        if host not in names:
            if row.catches_all and was_served:
                was_served = leaf
            if (answer, served) != (was, was_served) and was != "ConnectionRefusedError":
                yield f"{question}: {answer}, not {was} as before, or another leaf"
        elif tls:
            if (host, address) in row.not_at:
                continue
            if served != leaf:
                yield f"{question}: not the new leaf ({answer})"
            if row.as_plain or not isinstance(was, tuple):
                was = before[host, address, False, path][0]
            if row.loops:
                continue
            if row.hsts:
                if HSTS not in answer[1]:
                    yield f"{question}: {answer}, no HSTS"
                answer = (answer[0], tuple(line for line in answer[1] if line != HSTS), answer[2])
            if answer != was:
                yield f"{question}: {answer}, not {was}"
        elif row.redirect is True or (row.redirect and host in row.redirect):
            port = "" if nginx.tls == 443 else f":{nginx.tls}"
            goal = f"Location: https://{host}{port}{path}"
            if not (isinstance(answer, tuple) and answer[0] == 301 and goal in answer[1]):
                yield f"{question}: {answer}, no redirect"
        elif answer != was:
            yield f"{question}: {answer}, not {was} as before"


def wrong_proofs(nginx, text):
    """Plain addresses and names where a challenge is not answered."""
    for address in nginx.row.at:
        for host in certificate_names(nginx.row):
            if address in nginx.row.unproved:
                continue
            answer, _ = nginx.ask(address, nginx.http, host, TOKEN, False)
            if not isinstance(answer, tuple) or (answer[0], answer[2]) != (200, text):
                yield f"the proof at {address} for {host}: {answer}"
