"""A table of configurations: each with a real nginx that is asked before and after acmec has worked on it.

For each row that is edited: the new leaf for every name of the certificate at every TLS address, the proof's file at
every plain one; for all other names and for requests by address exactly the answer of before; `nginx -t` is content
after every single file operation; installing again changes nothing; uninstall gives the old bytes.
"""
import os
import re
import subprocess
import tempfile
import unittest

import bed
from bed.row_case import RowCase
from bed.site_row import SiteRow

PRIVATE = bed.private_network() if __name__ == "__main__" else bool(os.environ.get("ACMEC_PRIVATE_NETWORK"))


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
CERTBOT = '''server {
    listen {http};
    server_name one.example;
    rewrite ^ https://$server_name$request_uri? permanent;
}

server {
    listen {tls};
    ssl on;
    ssl_certificate OLD/ecdsa.pem; # managed by Certbot
    ssl_certificate_key OLD/ecdsa.key; # managed by Certbot
    include FOLDER/certbot.conf; # managed by Certbot
    server_name one.example;
    location / { return 200 "secure $host"; }
}
'''
CERTBOT_NOW = '''server {
    server_name one.example;
    location / { return 200 "secure $host"; }

    listen {tls} ssl; # managed by Certbot
    ssl_certificate OLD/ecdsa.pem; # managed by Certbot
    ssl_certificate_key OLD/ecdsa.key; # managed by Certbot

}
server {
    if ($host = one.example) {
        return 301 https://$host$request_uri;
    } # managed by Certbot


    listen {http};
    server_name one.example;
    return 404; # managed by Certbot


}
'''
CERTBOT_OPTIONS = "ssl_session_timeout 1440m;\nssl_protocols TLSv1.2 TLSv1.3;\n"
FORBIDDEN = server("one.example", more="    deny all;\n    auth_basic who;\n    auth_basic_user_file FOLDER/users;\n"
                                       "    location ~ /\\. { return 403; }\n    location ~ ^/\\.well-known { return 404; }\n")
LUA_MODULE = "load_module modules/ndk_http_module.so;\nload_module modules/ngx_http_lua_module.so;\n"
STREAM = "load_module modules/ngx_stream_module.so;\n"
LUA = '''    location = /lua {
        content_by_lua_block {
            local text = "} -- }" --[[ } ]]
            -- it's }
            ngx.say(text)
        }
    }
'''


def site(text, default=DEFAULT, **more):
    return {"sites/00": default, "sites/site": text, **more}


def secure(text, **more):
    return site(text, OTHER_TLS, **more)


def protect(nginx):
    os.chmod(nginx.path("site"), 0o440)
    os.chown(nginx.path("site"), 0, 4)


def command(*words):
    return subprocess.run(words, stderr=subprocess.DEVNULL).returncode == 0


def mount(nginx, what="sites/site", how="rw"):
    path = os.path.join(nginx.folder, what)
    return command("mount", "--bind", path, path) and command("mount", "-o", f"remount,bind,{how}", path)


def unmount(nginx):
    for line in bed.read("/proc/self/mounts").splitlines():
        path = line.split()[1]
        if path.startswith(nginx.folder + "/"):
            command("umount", path)


def chattr(nginx, how):
    return command("chattr", how, nginx.path("site"))


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
    SiteRow("one socket for IPv4 and IPv6",
            site(server("one.example", listen="listen [::]:{http};"),
                 server("_", "default", "listen [::]:{http} default_server ipv6only=off;")), edits=NEW, at=BOTH),
    SiteRow("one socket for IPv4 and IPv6, and it says so",
            {"sites/site": server("one.example", listen="listen [::]:{http} ipv6only=off;")}, edits=NEW_IF, at=BOTH),
    SiteRow("TLS on IPv6 alone",
            {"sites/00": DEFAULTS, "sites/six": server("one.example", "six", "listen [::]:{http};\n    listen [::]:{tls} ssl;", OLD_PAIR),
             "sites/site": server("one.example")}, edited=("sites/six", "sites/site"),
            edits="challenge if listen pair policy replace", at=BOTH, catches_all=True),
    SiteRow("a name of the machine in the place of an address", site(server("one.example", listen="listen localhost:{http};"),
            server("_", "default", "listen localhost:{http} default_server;")), edits=NEW),
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
    SiteRow("a wildcard's two servers, plain and TLS",
            secure(server("*.wild.example wild.example") + TLS.replace("one.example", "wild.example *.wild.example")),
            cert="wild.example", edits="challenge if policy replace"),
    SiteRow("an exact name beats wildcard and regular expression",
            {"sites/00": DEFAULT, "sites/05": server("*.example ~^one", "pattern"), "sites/site": server("one.example")},
            edits=NEW),
    SiteRow("a name that an earlier TLS server has",
            {"sites/00": TLS.replace("one.example", "extra.example"), "sites/site": server("one.example extra.example")},
            edits="challenge if listen pair policy", others=("extra.example",), as_plain=True, says="extra.example"),
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
    SiteRow("statements that share lines", site(
        "server { listen {http}; server_name one.example; # both\n    location / { return 200 \"site $host\"; } }\n"),
            edits=NEW),
    SiteRow("comments behind statements, and blanks", site(
        server("one.example;   # the name  ", listen="listen\t{http}  ; # the port").replace("  ;\n", "\n")), edits=NEW),
    SiteRow("the brace on the last line", site(
        "server {\n  location / { return 200 \"site $host\"; }\n  listen {http};\n  server_name one.example; }\n"), edits=NEW),
    SiteRow("bytes that are no UTF-8", site("# Caf\udce9\n" + server("one.example", "caf\udce9")), edits=NEW),
    # ---- files ----
    SiteRow("all in the main file", {}, http=DEFAULT + server("one.example"), edited=("nginx.conf",), edits=NEW),
    SiteRow("a pattern with a blank in quotes",
            {"sites/00": DEFAULT, "sites/all": "include \"FOLDER/more sites/*.conf\";\n",
             "more sites/site.conf": server("one.example")}, edited=("more sites/site.conf",), edits=NEW),
    SiteRow("files by a pattern, one below the other",
            {"sites/00": DEFAULT, "sites/all": "include FOLDER/more/*.conf;\n", "more/site.conf": server("one.example"),
             "more/.hidden.conf": "nonsense"}, edited=("more/site.conf",), edits=NEW),
    SiteRow("listens from a snippet",
            site(server("one.example", listen="include FOLDER/listens;"), **{"listens": "listen {http};\n"}), edits=NEW_IF),
    SiteRow("a snippet that others include, too",
            site(server("one.example", more="    include FOLDER/common;\n"),
                 server("_", "default", "listen {http} default_server;", "    include FOLDER/common;\n"),
                 common="location /a { return 200 a; }\n"), edits=NEW),
    # ---- TLS is there already ----
    SiteRow("a certificate of the same kind of key", secure(server("one.example") + TLS), edits="challenge if policy replace"),
    SiteRow("a certificate of a server that is the first there", site(server("one.example") + TLS),
            edits="challenge if policy replace", catches_all=True),
    SiteRow("a certificate of another kind of key", secure(server("one.example") + TLS.replace("ecdsa", "rsa")),
            edits="challenge if policy replace"),
    SiteRow("two certificates, one of our kind",
            secure(server("one.example") + TLS.replace(OLD_PAIR, OLD_RSA + OLD_PAIR)), edits="challenge if policy replace"),
    SiteRow("both kinds of key for a server that has one",
            secure(server("both.example") + TLS.replace("one.example", "both.example")), cert="both.example",
            edits="challenge if pair policy replace"),
    SiteRow("an RSA certificate for a server without one", site(server("rsa.example")), cert="rsa.example", edits=NEW),
    SiteRow("TLS and plain in one server",
            secure(server("one.example", listen="listen {http};\n    listen {tls} ssl http2;", more=OLD_PAIR)),
            edits="challenge if policy replace"),
    SiteRow("a pair in a snippet of its own",
            secure(server("one.example") + TLS.replace(OLD_PAIR, "    include FOLDER/pair;\n"), pair=OLD_PAIR),
            edited=("pair", "sites/site"), edits="challenge if policy replace"),
    SiteRow("a certificate for all in http", secure(server("one.example") + TLS.replace(OLD_PAIR, "")), http=OLD_PAIR,
            edits="challenge if pair policy"),
    SiteRow("TLS by `ssl on`", secure(server("one.example") + TLS.replace("{tls} ssl;", "{tls};\n    ssl on;")),
            edits="challenge if policy replace"),
    SiteRow("TLS 1.3 alone", secure(server("one.example") + TLS.replace(OLD_PAIR, OLD_PAIR + "    ssl_protocols TLSv1.3;\n")),
            edits="challenge if replace"),
    SiteRow("clients must have certificates",
            secure(server("one.example") + TLS.replace(OLD_PAIR, OLD_PAIR + "    ssl_verify_client on;\n"
                                                               "    ssl_client_certificate OLD/ecdsa.pem;\n")),
            edits="challenge if policy replace"),
    SiteRow("as Certbot left it",
            secure(CERTBOT, **{"certbot.conf": CERTBOT_OPTIONS}),
            edits="challenge guard replace", redirect=False, says="Certbot"),
    # ---- requests that end early, or are forbidden ----
    SiteRow("a return for all to https",
            secure(server("one.example", more="    return 301 https://$host$request_uri;\n") + TLS),
            edits="challenge guard policy replace", redirect=False),
    SiteRow("a rewrite of all", site(server("one.example", more="    rewrite ^/(.*) /new/$1;\n")), edits=NEW),
    SiteRow("a rewrite of all, at the default server",
            {"sites/site": server("one.example", more="    rewrite ^/(.*) /new/$1;\n")},
            edits="challenge guard if listen pair policy"),
    SiteRow("an `if` for a name", {"sites/site": server(
        "one.example", more="    if ($host = other.example) { return 403; }\n")},
            edits="challenge guard if listen pair policy"),
    SiteRow("a redirect in the location of all",
            secure(TLS + "server {\n    listen {http};\n    server_name one.example;\n"
                 "    location / { return 301 https://$host$request_uri; }\n}\n"),
            edits="challenge policy replace", redirect=False),
    SiteRow("as Certbot leaves it today", secure(CERTBOT_NOW), edits="challenge guard policy replace", redirect=False,
            says="Certbot"),
    SiteRow("a server that leads to another name", site(
        server("www.two.example", more="    return 301 https://two.example$request_uri;\n") + server("two.example")),
            cert="two.example", edits="challenge guard listen pair policy server", redirect=("two.example",)),
    SiteRow("a redirect to https, where nobody is",
            site(server("one.example", more="    return 301 https://$host$request_uri;\n")),
            edits="challenge guard listen pair policy", redirect=False, says="site:4: this leads https to https again"),
    SiteRow("another request decides who may", {"sites/site": server(
        "one.example", more="    auth_request /may;\n    location = /may { return 403; }\n")}, edits=NEW_IF),
    SiteRow("nothing is allowed", {"sites/site": FORBIDDEN}, edits=NEW_IF),
    SiteRow("challenges are answered from a folder", {"sites/site": server(
        "one.example", more="    location ^~ /.well-known/acme-challenge/ { root FOLDER/www; }\n")},
            edits="if listen pair policy"),
    SiteRow("challenges are answered from a folder, another is the default", site(server(
        "one.example", more="    location ^~ /.well-known/acme-challenge/ {\n"
                            "        alias FOLDER/www/.well-known/acme-challenge/;\n    }\n")),
            edits="if listen pair policy"),
    SiteRow("an application that leads from https to http", site(
        server("one.example", more="    if ($scheme = https) { return 302 http://$host$request_uri; }\n")),
            edits="challenge guard listen pair policy", redirect=False, loops=True, says="http"),
    # ---- wishes ----
    SiteRow("no redirect wanted", site(server("one.example")), args=("--no-redirect",), redirect=False,
            edits="challenge listen pair policy"),
    SiteRow("HSTS wanted", site(server("one.example")), args=("--hsts",),
            edits="challenge hsts listen pair policy server", hsts=True),
    SiteRow("HSTS wanted, for one name of several", {"sites/site": server("one.example extra.example")}, args=("--hsts",),
            edits="challenge hsts if listen pair policy", hsts=True, others=("extra.example",)),
    SiteRow("HSTS wanted, without a redirect", site(server("one.example")), args=("--hsts", "--no-redirect"),
            redirect=False, edits="challenge hsts listen pair policy", hsts=True),
    SiteRow("HSTS wanted, where that would take other headers away", site(server("one.example")), args=("--hsts",), edits=NEW,
            http="add_header X-Test yes;\n", says="would switch off"),
    SiteRow("the wildcard's own server, by name", site(server("all.wild.example b.wild.example") + server("wild.example")),
            cert="wild.example", args=("--server-block", "all.wild.example"), edits=NEW,
            names=("all.wild.example", "b.wild.example", "wild.example")),
    # ---- whose file it is ----
    SiteRow("a symlink leads to the file", {"sites/00": DEFAULT, "available/site": server("one.example")},
            edited=("available/site",), edits=NEW, prepare=lambda nginx: os.symlink("../available/site", nginx.path("site"))),
    SiteRow("a second name of the file, in place", {"sites/00": DEFAULT, "sites/site": server("one.example")},
            args=("--in-place",), edits=NEW, prepare=lambda nginx: os.link(nginx.path("site"), nginx.folder + "/second")),
    SiteRow("a tenant's file beside it", site(server("one.example") + "include FOLDER/tenant/*;\n",
                                              **{"tenant/site": server("other.example", "tenant")}), edits=NEW,
            prepare=lambda nginx: os.chown(nginx.folder + "/tenant", 65534, 65534)),
    SiteRow("a prefix, and paths below it", {"more/site": server("one.example"), "sites/00": DEFAULT}, prefix=True,
            http="include more/*;\n", edited=("more/site",), edits=NEW),
    SiteRow("mode and group of the file", site(server("one.example")), edits=NEW, prepare=protect),
    SiteRow("a mount of its own, in place", site(server("one.example")), args=("--in-place",), edits=NEW, prepare=mount,
            undo=unmount),
    SiteRow("an ordinary user's own nginx", site(server("one.example")), edits=NEW, user=65534, own=True),
    SiteRow("Ansible's, but we are to", site("# Ansible managed: do not edit\n" + server("one.example")),
            args=("--edit-managed",), edits=NEW),
    SiteRow("nginx does not run", site(server("one.example")), edits=NEW, running=False, says="next start serves it"),
    SiteRow("Lua with braces beside it", site(server("one.example", more=LUA)), main=LUA_MODULE, edits=NEW, module="lua"),
    SiteRow("streams have servers, too", site(server("one.example")), edits=NEW, module="stream", main=STREAM,
            tail="stream {\n    server {\n        listen unix:FOLDER/stream;\n        proxy_pass 127.0.0.1:{http};\n"
                 "    }\n}\n"),
]

REFUSED = [
    SiteRow("a name that a later TLS server has",
            {"sites/site": server("one.example extra.example"), "sites/zz": TLS.replace("one.example", "extra.example")},
            refused=r"FOLDER/sites/site:1: on \*:\d+ this server takes 'extra\.example' from the one at FOLDER/sites/zz:1"),
    SiteRow("a line that ends within a value", site(
        "server {\n    listen {http};\n    server_name one.example; return 200 \"a\nb\";\n}\n"),
            refused="FOLDER/sites/site:3: cannot be edited with certainty: the line ends within a value"),
    SiteRow("no server has the name", {"sites/00": DEFAULT},
            refused=r"nginx has no server of its own for one\.example\n.*server \{ listen \d+"),
    SiteRow("a server without names", {"sites/site": "server {\n    listen {http};\n    return 200 x;\n}\n"},
            refused="no server of its own for one.example"),
    SiteRow("a regular expression", site(server("~^one\\.", "pattern")), refused="no server of its own for one.example"),
    SiteRow("a wildcard that is not covered", site(server("*.example", "pattern")),
            refused="no server of its own for one.example"),
    SiteRow("only half of the names", site(server("two.example")), cert="two.example",
            refused=r"no server of its own for www\.two\.example"),
    SiteRow("a server in a file that is included twice",
            {"sites/00": DEFAULT + "include FOLDER/common;\n", "sites/site": "include FOLDER/common;\n",
             "common": server("one.example")}, refused="FOLDER/common:2: this file is included in several places"),
    SiteRow("a pair that servers share",
            site(server("one.example") + TLS.replace(OLD_PAIR, "    include FOLDER/pair;\n") +
                 server("other.example", "other", "listen {tls} ssl;", "    include FOLDER/pair;\n"), pair=OLD_PAIR),
            refused="FOLDER/pair:1: this file is included in several places"),
    SiteRow("a certificate in a variable",
            site(server("one.example") + TLS.replace("OLD/ecdsa.pem", "OLD/$ssl_server_name.pem")),
            refused="FOLDER/sites/site:11: something else chooses this server's certificates"),
    SiteRow("a certificate by Lua",
            site(server("one.example") +
                 TLS.replace(OLD_PAIR, OLD_PAIR + "    ssl_certificate_by_lua_block { local x = '}' }\n")),
            main=LUA_MODULE, refused="FOLDER/sites/site:13: something else chooses this server's certificates", module="lua"),
    SiteRow("a server that refuses every handshake",
            site(server("one.example") + TLS.replace(OLD_PAIR, "    ssl_reject_handshake on;\n")),
            refused="FOLDER/sites/site:11: this server refuses every handshake"),
    SiteRow("challenges are answered by a program", site(server(
        "one.example", more="    location ^~ /.well-known/acme-challenge/ { proxy_pass http://127.0.0.1:1; }\n")),
            refused="FOLDER/sites/site:4: challenges are answered here already, not from files"),
    SiteRow("others speak plain on the port of TLS",
            site(server("one.example") + server("other.example", listen="listen {tls};")),
            refused=r"FOLDER/sites/site:2: needs TLS on \*:\d+, where other servers speak plain HTTP"),
    SiteRow("an address of its own on the port of TLS",
            site(server("one.example") + TLS.replace("one.example", "other.example").replace("{tls}", "127.0.0.1:{tls}")),
            refused=r"FOLDER/sites/site:2: needs \*:\d+, which a running nginx cannot bind beside 127\.0\.0\.1"),
    SiteRow("the address is a stream's: what was written is taken back", site(server("one.example")), module="stream",
            main=STREAM, tail="stream {\n    server {\n        listen 127.0.0.3:{tls};\n        return x;\n    }\n}\n",
            refused=r"bind\(\) to 0\.0\.0\.0:\d+ failed \(98: Address already in use\)", taken_back=True),
    SiteRow("a second name of the file", {"sites/00": DEFAULT, "sites/site": server("one.example")},
            refused=r"'FOLDER/sites/site'.*several names \(hard links\)", code=7,
            prepare=lambda nginx: os.link(nginx.path("site"), nginx.folder + "/second")),
    SiteRow("a mount of its own", site(server("one.example")), code=7, prepare=mount, undo=unmount,
            refused="'FOLDER/sites/site' is mounted by itself"),
    SiteRow("a folder that cannot be written", site(server("one.example")), code=7, undo=unmount, refused="FOLDER/sites/site",
            prepare=lambda nginx: mount(nginx, "sites", "ro")),
    SiteRow("a file that nobody may change", site(server("one.example")), code=7, prepare=lambda nginx: chattr(nginx, "+i"),
            undo=lambda nginx: chattr(nginx, "-i"), refused="'FOLDER/sites/site' is immutable"),
    SiteRow("root's nginx, for an ordinary user", site(server("one.example")), user=65534,
            refused=r"nginx\.pid.*Permission denied\)\nonly root can test this nginx; .*--diff"),
    SiteRow("a pipe among the files", site(server("one.example")), refused=r"FOLDER/sites/zz\" is not a plain file in "
            "FOLDER/nginx.conf:11", then=lambda nginx: os.mkfifo(nginx.path("zz"))),
    SiteRow("Ansible writes the file", site("# Ansible managed: do not edit\n" + server("one.example")),
            refused="FOLDER/sites/site:3: another tool writes this file"),
    SiteRow("Puppet writes the file", site("# This file is managed by Puppet\n" + server("one.example")),
            refused="FOLDER/sites/site:3: another tool writes this file"),
    SiteRow("a file of a tenant", site("include FOLDER/tenant/*;\n", **{"tenant/site": server("one.example")}),
            refused="FOLDER/tenant/site:2: others may change this file",
            prepare=lambda nginx: os.chown(nginx.folder + "/tenant", 65534, 65534)),
    SiteRow("a folder that all may write", site("include FOLDER/tenant/*;\n", **{"tenant/site": server("one.example")}),
            refused="FOLDER/tenant/site:2: others may change this file",
            prepare=lambda nginx: os.chmod(nginx.folder + "/tenant", 0o777)),
    SiteRow("a byte order mark makes the file invalid", site(server("one.example")), code=8, refused="FOLDER/sites/site:1",
            then=lambda nginx: nginx.put("sites/site", "\ufeff" + server("one.example"))),
    SiteRow("a file is broken already", site(server("one.example")), refused="FOLDER/sites/zz:1",
            then=lambda nginx: nginx.put("sites/zz", "nonsense;\n")),
]


MODULE = """#include <fcntl.h>
__attribute__((constructor)) static void taken(void)
{
    (void)creat("%s", 0600);
}
"""
MASTER = "daemon off;\npid {0}/nginx.pid;\nerror_log {0}/error.log;\nevents {{}}\n"


@unittest.skipUnless(os.geteuid() == 0, "files and processes of several users are needed")
class Installed(RowCase):
    def test_edited(self):
        self.run_rows(EDITED, self.edit)

    def test_refused(self):
        self.run_rows(REFUSED, self.refuse)

    # ---- what others do while acmec works ----

    PERSON = "\n# a person's\n"

    def start_one(self, row=None):
        place, nginx = self.start(row or SiteRow("", site(server("one.example"))))
        self.addCleanup(self.end, nginx)
        return place, nginx

    def install_and_meddle(self, place, nginx, moment, code):
        """A person appends to the file right after the change that moment, a regular expression, is found in."""
        done = []

        def look(change):
            if re.search(moment, change) and not done:
                done.append(change)
                with open(nginx.path("site"), "a", encoding="utf-8") as file:
                    file.write(self.PERSON)
        steps = bed.Steps(self.library, [nginx.folder, os.path.join(place.config, "nginx")], look)
        try:
            result = self.acmec("install", "one.example", "--nginx", site=place, env=steps.env, code=code)
        finally:
            steps.stop()
        self.assertTrue(done, steps.steps)
        self.assertTrue(nginx.is_valid())
        self.assertFalse([path for path in nginx.listing() if path.endswith("-tmp")])
        return result

    @unittest.skipIf(bed.SANITIZED, "the sanitizers' library comes first")
    def test_a_file_that_changes_meanwhile_is_left(self):
        for moment in (r"rename .*/options-ssl\.conf$", r"open .*\.acmec-tmp$", r"write .*\.acmec-tmp$"):
            with self.subTest(moment):
                place, nginx = self.start_one()
                text = nginx.read("site")
                result = self.install_and_meddle(place, nginx, moment, code=7)
                self.assertRegex(result.error()["message"], r"site' was changed meanwhile by somebody else")
                self.assertEqual(nginx.read("site"), text + self.PERSON)
                self.assertEqual(nginx.reloads(), 0)
                records = os.path.join(place.config, "nginx/installed")
                self.assertEqual(os.listdir(records) if os.path.exists(records) else [], [])
                self.end(nginx)

    @unittest.skipIf(bed.SANITIZED, "the sanitizers' library comes first")
    def test_a_persons_edit_behind_ours_survives(self):
        place, nginx = self.start_one()
        text = nginx.read("site")
        self.install_and_meddle(place, nginx, r"rename .*/sites/site$", code=0)
        self.assertTrue(nginx.read("site").endswith(self.PERSON))
        self.acmec("uninstall", "one.example", "--nginx", site=place)
        self.assertEqual(nginx.read("site"), text + self.PERSON)

    # ---- several certificates, and people ----

    def test_two_certificates_in_one_file(self):
        for first, second in (("one.example", "two.example"), ("two.example", "one.example")):
            text = server("one.example") + server("two.example www.two.example", "two")
            place, nginx = self.start_one(SiteRow("", site(text), cert="two.example"))
            files = nginx.bytes()
            self.acmec("install", "one.example", "--nginx", site=place)
            self.acmec("install", "two.example", "--nginx", site=place)
            both = nginx.bytes()
            for cert in ("one.example", "two.example", "one.example"):
                self.acmec("install", cert, "--nginx", site=place)
                self.assertEqual(nginx.bytes(), both, f"{cert} twice is not once")
            for cert in ("one.example", "two.example"):
                self.assertEqual(nginx.leaf(cert), self.der(place, cert))
            self.acmec("uninstall", first, "--nginx", site=place)
            nginx.settle()
            self.assertNotIn(f"# managed by acmec: {first}", nginx.read("site"))
            self.assertEqual(nginx.leaf(second), self.der(place, second))
            self.acmec("uninstall", second, "--nginx", site=place)
            self.assertEqual(nginx.bytes(), files)
            self.end(nginx)

    def test_lines_that_a_person_changed_are_named(self):
        place, nginx = self.start_one()
        text = nginx.read("site")
        self.acmec("install", "one.example", "--nginx", site=place)
        ours = nginx.read("site")
        nginx.put("sites/site", ours.replace("options-ssl.conf;", "options-ssl.conf ;"))
        refused = self.acmec("uninstall", "one.example", "--nginx", site=place, code=8)
        self.assertRegex(refused.error()["message"], re.escape(nginx.path("site")) + r":\d+")
        self.assertIn("options-ssl.conf ;", nginx.read("site"))
        nginx.put("sites/site", "# new\n" + ours.replace("location / {", "location /x { return 204; }\n    location / {", 1))
        self.acmec("install", "one.example", "--nginx", site=place)
        self.acmec("uninstall", "one.example", "--nginx", site=place)
        self.assertEqual(nginx.read("site"),
                         "# new\n" + text.replace("location / {", "location /x { return 204; }\n    location / {"))

    # ---- somebody else starts what looks like nginx's master, with a module in its configuration ----

    def start_decoys(self):
        self.evil = tempfile.mkdtemp(prefix="evil-", dir=self.folder)
        self.conf, self.taken = os.path.join(self.evil, "nginx.conf"), os.path.join(self.evil, "taken")
        source = os.path.join(self.evil, "module.c")
        self.write(source, MODULE % self.taken)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.evil + "/module.so", source], check=True)
        self.write(self.conf, MASTER.format(self.evil))
        subprocess.run(["chown", "-R", "65534:65534", self.evil], check=True)
        self.begin(["/usr/sbin/nginx", "-c", self.conf])
        self.begin(["nginx: master process /usr/sbin/nginx -c " + self.conf, "600"], executable="/bin/sleep")
        self.write(self.conf, f"load_module {self.evil}/module.so;\n" + MASTER.format(self.evil))

    @staticmethod
    def write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def begin(self, words, **more):
        process = subprocess.Popen(words, user=65534, group=65534, extra_groups=[], stderr=subprocess.DEVNULL, **more)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        title = f"/proc/{process.pid}/cmdline"
        self.assertTrue(bed.wait_until(lambda: bed.read(title).startswith("nginx: master process")))

    def test_nothing_of_a_decoy_is_executed(self):
        self.start_decoys()
        subprocess.run(["/usr/sbin/nginx", "-t", "-c", self.conf], capture_output=True, check=False)
        self.assertTrue(os.path.exists(self.taken), "the module does nothing")
        os.unlink(self.taken)

        place, nginx = self.start_one()
        path = os.path.join(place.config, "certs/one.example.conf")
        self.write(path, re.sub(r"(?m)^nginx-conf.*\n", "", bed.read(path)))
        self.acmec("install", "one.example", "--nginx", site=place)
        self.assertIn("# managed by acmec", nginx.read("site"))
        refused = self.acmec("install", "one.example", "--nginx", "--nginx-conf", self.conf, site=place, code=7)
        self.assertRegex(refused.error()["message"], re.escape(self.evil) + ".*belongs to user 65534")
        self.assertFalse(os.path.exists(self.taken), "its module was executed")


ISSUED = [
    SiteRow("no listen at all", {"sites/site": server("one.example", listen="")}, edits=NEW_IF, ports=(80, 443)),
    SiteRow("workers of an ordinary user", site(server("one.example")), edits=NEW, workers="nobody nogroup", ports=(80, 443)),
    SiteRow("nothing is allowed", {"sites/site": FORBIDDEN}, edits=NEW_IF, ports=(80, 443)),
    SiteRow("as Certbot left it", secure(CERTBOT, **{"certbot.conf": CERTBOT_OPTIONS}), edits="challenge guard replace",
            redirect=False, says="Certbot", ports=(80, 443)),
]


@unittest.skipUnless(PRIVATE, "needs port 80")
class Issued(RowCase):
    """Rows from the order to the handshake: the CA has only nginx to look at."""

    @classmethod
    def issue_all(cls):
        cls.authority = cls.start_pebble(http_port=80)

    def test_issued(self):
        self.run_rows(ISSUED, self.edit, at_once=1)

    def test_a_name_without_a_server_is_proved_all_the_same(self):
        place, nginx = self.start(SiteRow("", {"sites/00": DEFAULT}, ports=(80, 443)))
        self.addCleanup(self.end, nginx)
        files, before = nginx.bytes(), nginx.observe()
        self.acmec("issue", "-d", "one.example", *self.ca(self.authority), "--nginx", "--no-install", "--nginx-conf",
                   nginx.conf, site=place)
        self.assert_whole("one.example", place)
        nginx.settle()
        self.assertEqual((nginx.bytes(), nginx.observe()), (files, before))
        refused = self.acmec("issue", "-d", "two.example", *self.ca(self.authority), "--nginx", "--nginx-conf", nginx.conf,
                             site=place, code=8)
        self.assertIn("no server of its own for two.example", refused.error()["message"])
        self.assertEqual(nginx.bytes(), files)


if __name__ == "__main__":
    bed.main()
