"""A table of configurations: each with a real nginx that is asked before and after acmec has worked on it.

For each row that is edited: the new leaf for every name of the certificate at every TLS address, the proof's file at
every plain one; for all other names and for requests by address exactly the answer of before; `nginx -t` is content
after every single file operation; installing again changes nothing; uninstall gives the old bytes.
ACMEC_ROWS, a regular expression of titles, picks some.
"""
import concurrent.futures
import os
import re
import ssl
import threading
import unittest

import bed
from bed.site_row import NAMES, SiteRow, TOKEN, RowNginx, kinds_of_edits, unmarked, wrong_answers, wrong_proofs

def server(names, which="site", listen="listen {http};", more=""):
    """An ordinary server that says which it is."""
    return f"server {{\n    {listen}\n    server_name {names};\n{more}    location / {{\n" \
           f"        return 200 \"{which} $host\";\n    }}\n}}\n"


DEFAULT = server("_", "default", "listen {http} default_server;")
DEFAULTS = server("_", "default", "listen {http} default_server; listen [::]:{http} default_server;")
NEW = "challenge listen pair policy server"  # a second server redirects
NEW_IF = "challenge if listen pair policy"
OLD_PAIR = "    ssl_certificate OLD/ecdsa.pem;\n    ssl_certificate_key OLD/ecdsa.key;\n"
OLD_RSA = OLD_PAIR.replace("ecdsa", "rsa")
TLS = server("one.example", "secure", "listen {tls} ssl;", OLD_PAIR)
OTHER_TLS = server("other.example", "other", "listen {tls} ssl default_server; listen {http} default_server;", OLD_PAIR)
BOTH = ("127.0.0.1", "::1")


def site(text, default=DEFAULT, **more):
    return {"sites/00": default, "sites/site": text, **more}


EDITED = [
    # ---- addresses and who is chosen ----
    SiteRow("another server is the default", site(server("one.example")), edits=NEW),
    SiteRow("the only server is the default", {"sites/site": server("one.example")}, edits=NEW_IF),
    SiteRow("it is the default, and says so",
            {"sites/00": server("other.example", "other"),
             "sites/site": server("one.example", listen="listen {http} default_server;")}, edits=NEW_IF),
    SiteRow("IPv4 and IPv6", site(server("one.example", listen="listen {http};\n    listen [::]:{http};"), DEFAULTS),
            edits=NEW, at=BOTH),
    SiteRow("two addresses of its own",
            site(server("one.example", listen="listen 127.0.0.1:{http};\n    listen 127.0.0.2:{http};"),
                 server("_", "default", "listen 127.0.0.1:{http} default_server; "
                                        "listen 127.0.0.2:{http} default_server;")),
            edits=NEW, at=("127.0.0.1", "127.0.0.2")),
    SiteRow("a server of another address is nothing to it",
            {"sites/00": server("one.example", "elsewhere", "listen 127.0.0.2:{http};"),
             "sites/site": server("one.example", listen="listen 127.0.0.1:{http};")},
            edited=("sites/00", "sites/site"), edits=NEW_IF, at=("127.0.0.1", "127.0.0.2")),
    SiteRow("IPv4 here, IPv6 there",
            {"sites/00": DEFAULTS, "sites/six": server("one.example", "six", "listen [::]:{http};"),
             "sites/site": server("one.example")},
            edited=("sites/six", "sites/site"), edits=NEW, at=BOTH),
    SiteRow("others have TLS on the port, with http2",
            site(server("one.example"), OTHER_TLS.replace("ssl ", "ssl http2 ", 1)), edits=NEW,
            as_plain=True),
    SiteRow("others refuse handshakes of strangers",
            site(server("one.example"), DEFAULT + "server {\n    listen {tls} ssl default_server;\n"
                                                  "    ssl_reject_handshake on;\n}\n"), edits=NEW),
    SiteRow("all listeners want the PROXY protocol",
            site(server("one.example", listen="listen {http} proxy_protocol;"),
                 server("_", "default", "listen {http} default_server proxy_protocol;")), edits=NEW, proxy=True),
    SiteRow("a socket file is no public address",
            site(server("one.example", listen="listen {http};\n    listen unix:FOLDER/socket;")), edits=NEW),
    SiteRow("socket options are not copied",
            site(server("one.example"), server("_", "default", "listen {http} default_server backlog=64 so_keepalive=on;")),
            edits=NEW),
    # ---- names ----
    SiteRow("names that the certificate does not cover",
            site(server("one.example extra.example")), edits=NEW_IF, others=("extra.example",), says="extra.example"),
    SiteRow("several lines of names, in capitals and quotes",
            site(server("WWW.two.Example;\n    server_name \"two.example\"")), cert="two.example", edits=NEW),
    SiteRow("names in two servers",
            {"sites/00": DEFAULT, "sites/site": server("two.example"), "sites/www": server("www.two.example", "www")},
            cert="two.example", edited=("sites/site", "sites/www"), edits=NEW),
    SiteRow("a wildcard server, all covered", site(server("*.wild.example wild.example")), cert="wild.example", edits=NEW),
    SiteRow("a name with a dot before it", site(server(".wild.example")), cert="wild.example", edits=NEW),
    SiteRow("an exact name beats wildcard and regular expression",
            {"sites/00": DEFAULT, "sites/05": server("*.example ~^one", "pattern"), "sites/site": server("one.example")},
            edits=NEW),
    SiteRow("the first of two servers of one name",
            {"sites/00": DEFAULT, "sites/site": server("one.example"), "sites/zz": server("one.example", "second")},
            edits=NEW),
    # ---- style ----
    SiteRow("one line", site('server { listen {http}; server_name one.example; '
                             'location / { return 200 "site $host"; } }\n'), edits=NEW),
    SiteRow("one line, the default", {"sites/site": 'server{listen {http};server_name one.example;'
                                                    'location /{return 200 "site $host";}}'}, edits=NEW_IF),
    SiteRow("tabs", site(server("one.example").replace("    ", "\t")), edits=NEW),
    SiteRow("CR LF", site(server("one.example").replace("\n", "\r\n")), edits=NEW),
    SiteRow("no newline at the end", site(server("one.example").rstrip("\n")), edits=NEW),
    SiteRow("braces in comments and quotes",
            site("# } server {\nserver # {\n{ # }\n    listen {http}; # ; }\n    server_name one.example; # it's {\n"
                 "    set $brace \"}\";\n    location / { return 200 \"{ $host }\"; }\n}\n# {"), edits=NEW),
    SiteRow("names of other blocks' entries",
            site("map $host $x { server y; listen z; default 1; }\nupstream u { server 127.0.0.1:1; }\n" +
                 server("one.example")), edits=NEW),
    # ---- files ----
    SiteRow("files by a pattern, one below the other",
            {"sites/00": DEFAULT, "sites/all": "include FOLDER/more/*.conf;\n", "more/site.conf": server("one.example"),
             "more/.hidden.conf": "nonsense"}, edited=("more/site.conf",), edits=NEW),
    SiteRow("listens from a snippet",
            site(server("one.example", listen="include FOLDER/listens;"), **{"listens": "listen {http};\n"}), edits=NEW_IF),
    SiteRow("a snippet that others include, too",
            site(server("one.example", more="    include FOLDER/common;\n"),
                 server("_", "default", "listen {http} default_server;", "    include FOLDER/common;\n"),
                 common="location /a { return 200 a; }\n"), edits=NEW),
]


class Table(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.old = os.path.join(cls.folder, "old")
        os.mkdir(cls.old)
        for kind in ("ecdsa", "rsa"):
            bed.make_certificate(cls.old, kind, ["old.example"], kind)
        cls.base = bed.Site(os.path.join(cls.folder, "base"))
        cls.issue_all()
        cls.library = None if bed.SANITIZED else bed.build_step(cls.folder)

    @classmethod
    def issue_all(cls):
        """All certificates that rows use, in one run; afterwards each says that nginx is its way of proof."""
        pebble = cls.start_pebble(always_valid=True)
        keys = {"rsa.example": "rsa-2048", "both.example": "ecdsa-p256,rsa-2048"}
        for cert, names in NAMES.items():
            cls.base.write_conf(cert, domain=",".join(names), server=pebble.url, ca_bundle=pebble.bundle,
                                agree_tos="yes", dns="exec:/bin/true", dns_timeout=0,
                                **({"key_type": keys[cert]} if cert in keys else {}))
        done = cls.base.run("renew")
        if done.code:
            raise RuntimeError(str(done))
        for cert in NAMES:
            path = os.path.join(cls.base.config, "certs", cert + ".conf")
            text = re.sub(r"(?m)^dns.*\n", "", bed.read(path)) + "nginx = yes\n"
            with open(path, "w", encoding="utf-8") as conf:
                conf.write(text)

    # ---- one row ----

    def start(self, number, row):
        site = self.base.copy(os.path.join(self.folder, f"row-{number}"))
        live = os.path.dirname(site.live(row.cert))
        nginx = RowNginx(os.path.join(site.home, "nginx"), row, {"OLD": self.old, "LIVE": live})
        with open(os.path.join(site.config, "certs", row.cert + ".conf"), "a", encoding="utf-8") as conf:
            conf.write(f"nginx-conf = {nginx.conf}\nhttp-port = {nginx.http}\ntls-port = {nginx.tls}\n")
        if row.prepare:
            row.prepare(nginx)
        if row.running:
            nginx.start()
        if row.then:
            row.then(nginx)
        for root in (os.path.join(site.state, "webroot"), os.path.join(nginx.folder, "www")):
            os.makedirs(root + os.path.dirname(TOKEN))
            with open(root + TOKEN, "w", encoding="utf-8") as token:
                token.write("the proof")
        return site, nginx

    def run_acmec(self, site, nginx, command, code=0):
        """Stopped after every change of a file: nginx must always be content."""
        words = [command, nginx.row.cert, "--nginx", *(nginx.row.args if command == "install" else ())]
        if self.library is None or code:
            return self.acmec(*words, code=code, site=site)

        def look():
            done = nginx.run("-t", "-q")
            return done.stderr if done.returncode else ""
        folders = [nginx.folder, *(os.path.join(site.config, name) for name in ("live", "archive", "nginx"))]
        steps = bed.Steps(self.library, folders, look)
        try:
            result = self.acmec(*words, code=code, site=site, env=steps.env)
        finally:
            steps.stop()
        self.assertEqual([step for step in steps.steps if step[1]], [], "nginx is not content in between")
        self.assertGreater(len(steps.steps), 2, f"{command}: no change was seen")
        return result

    def edit(self, number, row):
        site, nginx = self.start(number, row)
        try:
            files, names = nginx.bytes(), nginx.listing()
            before = nginx.observe()
            result = self.run_acmec(site, nginx, "install")
            nginx.settle()
            self.assert_edited(row, nginx, files, result)
            leaf = ssl.PEM_cert_to_DER_cert(bed.read(site.live(row.cert, "cert.pem")))
            wrong = [*wrong_answers(nginx, before, nginx.observe(), leaf), *wrong_proofs(nginx, "the proof")]
            self.assertEqual(wrong, [], "\n".join(wrong))

            edited, reloads = nginx.bytes(), nginx.reloads()
            self.acmec("install", row.cert, "--nginx", site=site)
            self.assertEqual((nginx.bytes(), nginx.reloads()), (edited, reloads), "twice is not once")

            self.run_acmec(site, nginx, "uninstall")
            self.assertEqual(nginx.bytes(), files, "not the old bytes")
            self.assertEqual(nginx.listing(), names)
        finally:
            nginx.stop()

    def assert_edited(self, row, nginx, files, result):
        after = nginx.bytes()
        self.assertEqual([path for path in files if files[path] != after[path]], sorted(row.edited), str(result))
        texts = {path: (files[path].decode(), after[path].decode()) for path in row.edited}
        kinds = set().union(*(kinds_of_edits(*text) for text in texts.values()))
        self.assertEqual(" ".join(sorted(kinds)), row.edits, str([text[1] for text in texts.values()]))
        for text in texts.values():
            self.assertEqual(unmarked(*text, row.cert), [])
        if row.says:
            self.assertRegex(result.stderr, row.says)

    def refuse(self, number, row):
        site, nginx = self.start(number, row)
        try:
            files, names = nginx.bytes(), nginx.listing()
            result = self.run_acmec(site, nginx, "install", code=row.code)
            place = row.refused.replace("FOLDER", re.escape(nginx.folder))
            self.assertRegex(result.error()["message"] + "\n" + result.error().get("hint", ""), place)
            self.assertEqual(nginx.bytes(), files)
            self.assertEqual(nginx.listing(), names)
            if row.running:
                self.assertEqual(nginx.reloads(), 0)
        finally:
            nginx.stop()

    # ---- all rows ----

    def run_rows(self, rows, check):
        rows = [row for row in rows if re.search(os.environ.get("ACMEC_ROWS", ""), row.title)]
        counter, lock = iter(range(10000)), threading.Lock()

        def one(row):
            with lock:
                number = f"{self.id().rsplit('.', 1)[1]}-{next(counter)}"
            try:
                check(number, row)
            except (AssertionError, OSError, RuntimeError) as wrong:
                return f"{row.title}: {type(wrong).__name__}: {wrong}"
            return None
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            self.assert_none_wrong(pool.map(one, rows), len(rows))

    def test_edited(self):
        self.run_rows(EDITED, self.edit)


if __name__ == "__main__":
    bed.main()
