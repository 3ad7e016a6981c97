"""acmec nginx parse and which, held against the real nginx: what it accepts, what it refuses and in which
words, how it splits words, and which server answers. Seeds are printed; ACMEC_SEED repeats a run."""
import concurrent.futures
import http.client
import os
import random
import re
import shutil
import socket
import ssl
import subprocess

import bed

SEED = int(os.environ.get("ACMEC_SEED") or random.randrange(1 << 32))
LUA = "/usr/lib/nginx/modules/ngx_http_lua_module.so"
NDK = "/usr/lib/nginx/modules/ndk_http_module.so"
# What nginx's lexer says; anything else is about the meaning of words.
LEXICAL = re.compile(r'unexpected |too long |Lua code block missing')


def nginx_says(path):
    """nginx -t on a file: None where it is content, else what it says, without the time and its pid."""
    done = subprocess.run(["nginx", "-t", "-q", "-e", "stderr", "-c", path, "-g", f"pid {path}.pid;"],
                          capture_output=True, check=False)
    found = re.search(rb"\[(?:emerg|crit)\] (?:\d+#\d+: )?(.*)\nnginx: configuration file", done.stderr, re.DOTALL)
    if not found and done.returncode:
        raise RuntimeError(done.stderr)
    return printable(found[1].decode("utf-8", "surrogateescape")) if found else None


def printable(text):
    """acmec escapes the byte that is unexpected."""
    return re.sub(r'unexpected "([^ -~]|\\.*)" in', 'unexpected "?" in', text.replace("\n", " "))


class Reader(bed.Case):
    def setUp(self):
        super().setUp()
        print(f"ACMEC_SEED={SEED}", flush=True)
        self.random = random.Random(SEED)

    def write(self, name, content):
        path = os.path.join(self.site.home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(content if isinstance(content, bytes) else content.encode())
        return path

    def parse(self, path):
        """(what is wrong or None, the document)"""
        result = self.acmec("nginx", "parse", path, code={0, 7, 8})
        document = result.json
        self.assertEqual(document["status"], "failed" if result.code else "ok")
        return (printable(document["error"]["message"]) if result.code else None), document

    def compare(self, number, text, count):
        """One file read by both. '' where they agree; None where nginx stopped at the meaning of a word."""
        path = self.write(f"case{number}/nginx.conf", text)
        theirs = nginx_says(path)
        if theirs and not LEXICAL.search(theirs):
            return None
        ours, _ = self.parse(path)
        os.remove(path)
        return "" if ours == theirs else f"{text[:count]!r}\n  nginx: {theirs}\n  acmec: {ours}"

    def compare_all(self, texts, may_stop=0.0):
        """may_stop: the share of cases whose words may make no sense to nginx."""
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda pair: self.compare(*pair, 400), enumerate(texts)))
        stopped = found.count(None)
        self.assertLessEqual(stopped, may_stop * len(texts))
        self.assert_none_wrong([text for text in found if text], len(texts))
        return len(texts) - stopped


# ---- words ----

# In `types` any words make sense to nginx.
HEAD = b"events {}\nhttp {\ntypes_hash_bucket_size 16384;\ntypes_hash_max_size 65536;\ntypes {\n"
TAIL = b"\n}\n}\n"
PIECES = [b"a", b"bc", b"text/x", b" ", b" ", b" ", b";", b";", b"; ", b"\n", b"\t", b"\r\n", b"\r", b"\\", b"\\\\",
          b"\\n", b"\\\n", b"\\;", b"\\\"", b"\"", b"\"", b"'", b"'", b"\"a b\"", b"'c;d'", b"\"\"", b"#", b"# x\n",
          b"#'\n", b"$", b"${", b"${x}", b"{", b"}", b")", b"(", b"\xc3\xa4", b"\xff", b"\x0b", b"\x0c", b"\xa0", b"\x00",
          b"\xef\xbb\xbf", b"]", b"*", b"~"]
RARE = {b"{", b"}", b"\\", b"\"", b"'"}


class Words(Reader):
    def random_words(self):
        """Mostly statements that end well, now and then with something that does not."""
        out = []
        for _ in range(self.random.randrange(1, 12)):
            for _ in range(self.random.randrange(1, 6)):
                piece = self.random.choice(PIECES)
                if piece not in RARE or self.random.random() < 0.3:
                    out.append(piece)
            out.append(self.random.choice([b" a;", b";\n", b" ;", b"'a';", b""]))
        return b"".join(out)

    def test_what_is_accepted_and_refused(self):
        texts = [HEAD + self.random_words() + self.random.choice([TAIL, TAIL, TAIL, b"", b"\n}\n"])
                 for _ in range(700)]
        texts = [text for text in texts if b"include" not in text]
        told = self.compare_all(texts, may_stop=0.25)
        self.assertGreater(told, 400)

    def test_what_fits_the_buffer(self):
        texts = []
        for length in (4092, 4093, 4094, 4095, 4096, 4097):
            for before, after in (("", ";"), ("", " ;"), ("", "\n;"), ("'", "';"), ("'", "' ;"), ("\"", "\")a;"),
                                  ("a; #", "\n"), ("#", ""), ("\\", ";"), ("a '\n", "\n';")):
                texts.append(HEAD + f"{before}{'x' * length}{after}".encode() + TAIL)
                texts.append(b"#" * 97 + b"\n" + HEAD + b"\n" + f"a {before}{'x' * length}{after}".encode() + TAIL)
            texts.append(HEAD + TAIL + b"#" + b"x" * length)
        self.assertEqual(self.compare_all(texts), len(texts))

    def test_words_have_the_same_values(self):
        """`return` serves its argument back."""
        pieces = [b"a", b" ", b"\\ ", b"\\n", b"\\t", b"\\r", b"\\\\", b"\\\"", b"\\'", b"\\;", b"\\{", b"\\.", b"}",
                  b"#", b"\xc3\xa4", b"(", b"\"", b"'", b"=", b"\n", b";", b"{", b"\x0b"]
        words = []
        while len(words) < 250:
            quote = self.random.choice([b"", b"\"", b"'"])
            body = b"".join(self.random.choices(pieces, k=self.random.randrange(1, 8)))
            if quote:
                if re.search(rb"(?<!\\)" + quote, re.sub(rb"\\\\", b"", body)) or not body:
                    continue
            elif re.search(rb"(?<!\\)[\s;{]", re.sub(rb"\\\\", b"", body)) or body[:1] in b"\"'#};{":
                continue
            if len(re.search(rb"\\*$", body)[0]) % 2 == 0:
                words.append(quote + body + quote)
        port = bed.free_port()
        servers = b"server { listen 127.0.0.1:%d; default_type a/b;\n" % port
        for number, word in enumerate(words):
            servers += b"location = /%d { return 200 %s; }\n" % (number, word)
        server = bed.Nginx(self.site.home, servers.decode() + "}")
        self.addCleanup(server.stop)
        _, document = self.parse(server.conf)
        http_block = next(row for row in document["config"][0]["parsed"] if row["directive"] == "http")
        block = next(row for row in http_block["block"] if row["directive"] == "server")["block"]
        ours = [row["block"][0]["args"][1] for row in block if row["directive"] == "location"]
        connection = http.client.HTTPConnection("127.0.0.1", port)
        wrong = []
        for number, word in enumerate(words):
            connection.request("GET", f"/{number}")
            theirs = connection.getresponse().read().decode()
            if theirs != ours[number]:
                wrong.append(f"{word!r}: nginx {theirs!r}, acmec {ours[number]!r}")
        connection.close()
        self.assertEqual(len(ours), len(words))
        self.assert_none_wrong(wrong, len(words))

    def test_lua_blocks_end_at_the_same_brace(self):
        if not os.path.exists(LUA):
            self.skipTest("nginx has no Lua module here")
        pieces = [b"{", b"}", b"{ }", b"'", b"\"", b"'}'", b"\"{\"", b"\\", b"\\'", b"\n", b"\n", b"--", b"-- }", b"--[[", b"]]",
                  b"[[", b"[=[", b"]=]", b"--[=[", b"[", b"]", b"=", b"a", b" ", b"it's", b"\xc3\xa4", b"\r\n", b"-", b"\\\n"]
        head = f"load_module {NDK};\nload_module {LUA};\n".encode() + HEAD.replace(b"types {\n", b"") + b"server {\nlocation / {\n"
        texts = []
        for _ in range(400):
            lua = b"".join(self.random.choices(pieces, k=self.random.randrange(1, 14)))
            texts.append(head + b"content_by_lua_block {x" + lua + b"\n}\ntypes { a b; }\n}\n}\n}\n")
        told = self.compare_all(texts, may_stop=0.75)
        self.assertGreater(told, 100)


# ---- files ----

class Files(Reader):
    def both(self, files, main="nginx.conf"):
        """(what nginx says, what acmec says), the folder written @."""
        for name, text in files.items():
            self.write(name, text.replace("@", self.site.home))
        path = os.path.join(self.site.home, main)
        says = [nginx_says(path), self.parse(path)[0]]
        return [text and text.replace(self.site.home, "@") for text in says]

    CASES = [
        {"nginx.conf": "events {} include a/*.conf;", "a/b.conf": "", "a/.c.conf": "}"},
        {"nginx.conf": "events {} include '@/a';", "a": "http { }"},
        {"nginx.conf": "events {} include a\\ b;", "a\\ b": "http { }"},
        {"nginx.conf": "events {} include a;"},
        {"nginx.conf": "events {}\n\ninclude a\n ;"},
        {"nginx.conf": "events {} include a*;"},
        {"nginx.conf": "events {} include d/a;", "d/a": "include b;", "b": "http {}", "d/b": "}"},
        {"nginx.conf": "events {} include d;", "d/a": ""},
        {"nginx.conf": "events {} include d*;", "d/a": ""},
        {"nginx.conf": "events {} include a b;", "a": ""},
        {"nginx.conf": "events {} include;"},
        {"nginx.conf": "events {} include a {}", "a": ""},
        {"nginx.conf": "events {} http { include a; ", "a": "server { }"},
        {"nginx.conf": "events {} http { include a; }", "a": "server {"},
        {"nginx.conf": "events {} http { include a; }", "a": "server { }\n}\n"},
        {"nginx.conf": "events {} http { include a; include b; }", "a": ";", "b": "}"},
        {"nginx.conf": "events {} http {\n map $uri $a { include a; } }", "a": "b c;"},
        {"nginx.conf": "events {} http {\n map $uri $a { include a; } }", "a": "b { }"},
        {"nginx.conf": "events {} http {\n types { include a; } geo $a { include b; } }", "a": "a/b b;", "b": "127.0.0.1 2;"},
        {"nginx.conf": "events {} http {\n types { b { c; } } }"},
        {"nginx.conf": "events {} http {\n geo $a { b { c; } } }"},
        {"nginx.conf": "events {} http {\n split_clients $uri $a { 1% {} } }"},
        {"nginx.conf": "events {} http { server { include a; } server { include a; location / { include a; } } }",
         "a": "default_type a/b;"},
        {"nginx.conf": "events {} http { server; }"},
        {"nginx.conf": ""},
    ]

    def test_includes(self):
        wrong = []
        for number, files in enumerate(self.CASES):
            self.site.home = os.path.join(self.folder, f"includes{number}")
            theirs, ours = self.both(files)
            if theirs and not LEXICAL.search(theirs) and "include" not in theirs and " failed (" not in theirs:
                theirs = None  # the meaning of words is not for a reader
            if theirs and "Is a directory" in theirs:
                ours = ours and ours.split(" in @")[0]  # nginx does not say where
            if theirs != ours:
                wrong.append(f"{files}\n  nginx: {theirs}\n  acmec: {ours}")
        self.assert_none_wrong(wrong, len(self.CASES))

    def test_what_would_hang_or_never_end(self):
        self.write("nginx.conf", "events {} http { include sites/*; }")
        os.makedirs(os.path.join(self.site.home, "sites"))
        os.mkfifo(os.path.join(self.site.home, "sites/fifo"))
        error, document = self.parse(os.path.join(self.site.home, "nginx.conf"))
        self.assertIn("is not a plain file", error)
        self.assertEqual([row["file"] for row in document["config"]], [os.path.join(self.site.home, "nginx.conf")])
        self.write("loop.conf", "events {}\ninclude a;")
        self.write("a", "include loo*.conf;")
        error, document = self.parse(os.path.join(self.site.home, "loop.conf"))
        self.assertIn(f"includes itself in {self.site.home}/a:1", error)
        self.assertEqual(document["errors"][0]["file"], os.path.join(self.site.home, "a"))
        self.assertEqual(document["errors"][0]["line"], 1)

    def test_errors_and_files_as_crossplane_lists_them(self):
        self.write("nginx.conf", "events {}\nhttp {\ninclude gone.conf;\ninclude sites/*;\n}\n")
        self.write("sites/a", "server { listen 80; }\n# \xff\n")
        self.write("sites/b", "server {\n")
        result = self.acmec("nginx", "parse", "nginx.conf", code={7})
        document = result.json
        home = self.site.home
        self.assertEqual(document["errors"], [
            {"file": "nginx.conf", "line": 3,
             "error": 'open() "gone.conf" failed (2: No such file or directory) in nginx.conf:3'},
            {"file": "sites/b", "line": 2, "error": 'unexpected end of file, expecting "}" in sites/b:2'}])
        self.assertEqual([(row["file"], row["status"]) for row in document["config"]],
                         [("nginx.conf", "failed"), ("sites/a", "ok"), ("sites/b", "failed")])
        plain = self.site.run("nginx", "parse", "nginx.conf")
        self.assertEqual(plain.json, document)
        self.assertIn("gone.conf", plain.stderr)
        self.assertEqual(sorted(os.listdir(home)), ["nginx.conf", "sites"])


# ---- servers ----

LABELS = ["a", "b", "www", "x-y", "deep"]


class Which(Reader):
    """Generated servers; each says its number when it is asked."""

    def random_host(self):
        return ".".join(self.random.choices(LABELS, k=self.random.randrange(1, 5)) +
                        [self.random.choice(["example", "test", "a"])])

    def random_name(self):
        host = self.random_host()
        kind = self.random.randrange(11)
        if kind < 3:
            return host
        if kind < 5:
            return "*." + host
        if kind == 5:
            return "." + host
        if kind == 6:
            return host.rsplit(".", 1)[0] + ".*"
        if kind == 7:
            return self.random.choice(['""', "_", "$hostname", host.upper(), "*." + host.title(), "localhost"])
        return self.random.choice([r"~^{0}\.", r"~{0}$", r"~^(?<n>.+)\.{0}\.{1}$", r'"~^[a-z]{{1,3}}\.{0}"', r"~^{1}.*A",
                                   r"~(^|\.){0}\.({1}|x)", r"'~^[^.]+\.{1}$'"]).format(*self.random.choices(LABELS, k=2))

    def random_servers(self, addresses, tls, count):
        """Their texts; addresses and tls are what may stand in `listen`."""
        servers, defaults = [], set()
        for number in range(count):
            lines = []
            chosen = self.random.sample(addresses + tls, self.random.randrange(0 if self.with_port_80 else 1, 4))
            for address in chosen:
                option = " ssl" if address in tls else ""
                if address not in defaults and self.random.random() < 0.08:
                    defaults.add(address)
                    option += self.random.choice([" default_server", " default"])
                lines.append(f"listen {address}{option};")
            for _ in range(self.random.choice([0, 1, 1, 1, 2])):
                names = dict.fromkeys(self.random_name() for _ in range(self.random.randrange(1, 5)))
                lines.append(f"server_name {' '.join(names)};")
            self.random.shuffle(lines)
            servers.append(f"server {{ {' '.join(lines)} {self.certificate} "
                           f"location / {{ return 200 '{number} '; }} }}\n")
        return servers

    def start(self, servers):
        """Several files, some lines of which are included from others."""
        folder = os.path.join(self.site.home, f"nginx{len(os.listdir(self.site.home))}")
        os.makedirs(os.path.join(folder, "sites"))
        for number, server in enumerate(servers):
            path = os.path.join(folder, "sites", f"{self.random.choice('ABcd_')}{number % 7}")
            if self.random.random() < 0.2:
                snippet = os.path.join(folder, f"snippet{number}")
                first, rest = server.split(";", 1)
                words = first.split("{ ", 1)
                with open(snippet, "w", encoding="utf-8") as out:
                    out.write(f"# of {number}\n{words[1]};")
                server = f"{words[0]}{{ include {os.path.basename(snippet)};{rest}"
            with open(path, "a", encoding="utf-8") as out:
                out.write(server)
        web = bed.Nginx(folder, "default_type a/b;\nserver_names_hash_bucket_size 256;\nkeepalive_requests 100000;\n"
                                "include sites/*;")
        return web

    def numbers(self, folder):
        """(file, line) -> the server's number"""
        found = {}
        for name in os.listdir(os.path.join(folder, "sites")):
            path = os.path.join(folder, "sites", name)
            for line, text in enumerate(bed.read(path).splitlines(), 1):
                found[path, line] = re.search(r"return 200 '(\d+) '", text)[1]
        return found

    @staticmethod
    def ask(address, tls, hosts):
        """What answers for each host there, over one connection, or one each for TLS."""
        host, port = address.rsplit(":", 1)
        target = ({"*": "127.0.0.9", "[::]": "::1"}.get(host) or host.strip("[]"), int(port))
        if not tls:
            wish = "".join(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n" for name in hosts)
            with socket.create_connection(target) as connection:
                return Which.read_answers(connection, wish, len(hosts))
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        answers = []
        for name in hosts:
            plain = socket.create_connection(target)
            with context.wrap_socket(plain, server_hostname=name) as connection:
                answers += Which.read_answers(connection, f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n", 1)
        return answers

    @staticmethod
    def read_answers(connection, wish, count):
        connection.settimeout(20)
        answers, data = [], b""
        at, wish = 0, wish.encode()
        while len(answers) < count:
            if at < len(wish) and len(answers) * 40 >= at - 4000:  # a window, so that neither side waits for the other
                connection.sendall(wish[at:at + 8000])
                at += 8000
            data += connection.recv(65536)
            *whole, rest = re.split(rb"\r\n\r\n(\d+) ", data)
            answers += [number.decode() for number in whole[1::2]]
            data = rest if len(whole) > 0 else data
        return answers

    def check_one(self, addresses, tls, count, questions):
        web = self.start(self.random_servers(addresses, tls, count))
        try:
            numbers = self.numbers(web.folder)
            hosts = sorted({self.random_host() for _ in range(questions)} | {socket.gethostname().lower(), "localhost", "_"})
            hosts = [host for host in hosts if re.fullmatch(r"[a-z0-9._-]+", host)]
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                ours = list(pool.map(lambda host: self.acmec("nginx", "which", host, "--nginx-conf", web.conf).json, hosts))
            wrong, asked = [], 0
            for number, row in enumerate(ours[0]["answers"]):
                self.assertEqual(row["tls"], row["address"] in tls)
                theirs = self.ask(row["address"], row["tls"], hosts)
                asked += len(hosts)
                for host, document, answer in zip(hosts, ours, theirs):
                    row = document["answers"][number]
                    if numbers[row["file"], row["line"]] != answer:
                        wrong.append(f"{host}: nginx {answer}, acmec {row} of {web.folder}")
            self.assert_none_wrong(wrong, asked)
            return asked
        finally:
            web.stop()

    def test_the_same_server_answers(self):
        base = bed.free_port(4)
        addresses = [f"127.0.0.1:{base}", f"*:{base}", f"[::]:{base}", f"127.0.0.2:{base}", f"[::1]:{base + 1}",
                     f"127.0.0.1:{base + 1}", f"*:{base + 2}"]
        tls = [f"127.0.0.1:{base + 3}"]
        chain, key = bed.make_certificate(self.site.home, "own", ["a.example"])
        self.certificate = f"ssl_certificate {chain}; ssl_certificate_key {key};"
        self.with_port_80 = bool(os.environ.get("ACMEC_PRIVATE_NETWORK"))
        asked = sum(self.check_one(addresses, tls if number % 4 == 0 else [], count, 110)
                    for number, count in enumerate([3, 8, 20, 60, 150, 40, 12, 5]))
        print(f"{asked} questions", flush=True)
        self.assertGreater(asked, 3000)

    def test_text_and_options(self):
        self.write("nginx.conf", "events {}\nhttp {\nserver {\n listen 80; listen [::]:443 ssl;\n"
                                 " server_name *.a.example ~^b;\n}\nserver { listen 80 default_server; }\n}\n")
        path = os.path.join(self.site.home, "nginx.conf")
        result = self.site.run("nginx", "which", "B.A.example.", "--nginx-conf", path)
        self.assertEqual(result.stdout, f"*:80 {path}:3 wildcard *.a.example\n[::]:443 {path}:3 wildcard *.a.example\n")
        result = self.site.run("nginx", "which", "a.example", "--nginx-conf", path)
        self.assertEqual(result.stdout, f"*:80 {path}:7 default -\n[::]:443 {path}:3 default -\n")
        os.makedirs(self.site.config)
        with open(os.path.join(self.site.config, "acmec.conf"), "w", encoding="utf-8") as conf:
            conf.write(f"nginx-conf = {path}\n")
        answers = self.acmec("nginx", "which", "b.example").json
        self.assertEqual(answers["name"], "b.example")
        self.assertEqual(answers["answers"][0], {
            "address": "*:80", "tls": False, "file": path, "line": 3, "by": "regex", "server_name": "~^b", "quic": False})
        self.assertEqual(self.acmec("nginx", "which", "*.a.example", code=2).json["answers"], [])
        self.assertEqual(self.acmec("nginx", "which", code=2).json["certificates"], [])
        self.write("nginx.conf", "http {\n;")
        broken = self.acmec("nginx", "which", "a.example", code=8).json
        self.assertEqual(broken["error"]["message"], f'unexpected ";" in {path}:2')
        self.assertEqual(broken["error"]["class"], "web-server")

    def test_the_nginx_that_runs_is_the_one_asked_about(self):
        """In namespaces of its own, where no other nginx runs."""
        private = ["unshare", "--net", "--pid", "--mount", "--fork", "--mount-proc", "sh", "-c"]
        if subprocess.run([*private, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("no namespaces here")
        path = self.write("nginx.conf", f"pid {self.site.home}/pid;\nerror_log {self.site.home}/log;\nevents {{}}\n"
                                        "http {\naccess_log off;\nserver { listen 80; server_name a.example; }\n}\n")
        # nginx's first process ends before its child has written the pid and called itself a master.
        script = ('nginx -c "$1" || exit 99; shift; tries=0\n'
                  'until grep -qs "^nginx: master process" "/proc/$(cat pid 2>/dev/null)/cmdline"; do\n'
                  'tries=$((tries + 1)); [ $tries -lt 1000 ] || exit 98; sleep 0.02; done\n'
                  '"$@"; code=$?; kill "$(cat pid)"; exit $code')
        run = self.site.run("nginx", "which", "a.example", prefix=[*private, script, "sh", path])
        self.assertEqual((run.code, run.stdout), (0, f"*:80 {path}:6 exact a.example\n"), str(run))


if __name__ == "__main__":
    if shutil.which("nginx") is None:
        raise SystemExit("no nginx here: scripts/setup installs it")
    bed.private_network()
    bed.main()
