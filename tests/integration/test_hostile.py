"""A hostile CA: every URL swapped with every other, POSTs redirected, paths in tokens, text for terminals."""
import concurrent.futures
import json
import os

import bed

# What may be signed for a URL of each role.
ALLOWED = {
    "newAccount": lambda payload: "termsOfServiceAgreed" in payload,
    "newOrder": lambda payload: "identifiers" in payload,
    "challenge": lambda payload: payload in ({}, ""),
    "finalize": lambda payload: "csr" in payload,
    "authorization": lambda payload: payload == "",
    "order": lambda payload: payload == "",
    "certificate": lambda payload: payload == "",
}

# (reply of which role, field): each a URL that the CA chooses.
FIELDS = [("directory", "newAccount"), ("directory", "newOrder"), ("newAccount", "Location"),
          ("newOrder", "Location"), ("newOrder", "finalize"), ("newOrder", "authorizations"),
          ("authorization", "challenges"), ("finalize", "certificate"), ("order", "finalize"),
          ("order", "certificate"), ("order", "authorizations")]


def urls_of(role, headers, document):
    """{role: URL} that a reply of the CA's names."""
    found = {}
    if role == "directory":
        found = {name: document[name] for name in ("newAccount", "newOrder", "revokeCert", "keyChange")}
    elif role in ("newAccount", "newOrder"):
        found[{"newAccount": "account", "newOrder": "order"}[role]] = headers["Location"]
    if "finalize" in document:
        found["finalize"], found["authorization"] = document["finalize"], document["authorizations"][0]
    if "challenges" in document:
        found["challenge"] = document["challenges"][0]["url"]
    if "certificate" in document:
        found["certificate"] = document["certificate"]
    return found


def swap(field, url, headers, document):
    """True if the field was there."""
    if field == "Location":
        headers["Location"] = url
    elif field not in document:
        return False
    elif field == "authorizations":
        document[field][0] = url
    elif field == "challenges":
        for challenge in document[field]:
            challenge["url"] = url
    else:
        document[field] = url
    return True


class Swapper:
    """Learns URLs from the replies that pass, and puts that of `source` where (role, field) is.

    Pebble may name the certificate while the order is still processing; acmec looks only once it is valid."""

    def __init__(self, role, field, source):
        self.role, self.field, self.source = role, field, source
        self.known, self.swapped = {}, False

    def __call__(self, exchange):
        return (lambda *reply: self.change(exchange, *reply)) if exchange.method != "HEAD" else None

    def change(self, exchange, status, headers, body):
        try:
            document = json.loads(body)
        except ValueError:
            return status, headers, body
        for role, url in urls_of(exchange.role, headers, document).items():
            self.known.setdefault(role, url)
        early = self.field == "certificate" and document.get("status") != "valid"
        if exchange.role == self.role and self.source in self.known and not early:
            self.swapped |= swap(self.field, self.known[self.source], headers, document)
            body = json.dumps(document).encode()
        return status, headers, body


class Hostile(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = bed.free_port()
        cls.pebble = cls.start_pebble(http_port=cls.port)
        cls.www = cls.start_webroot(cls.port)

    def run_against(self, fault, name):
        site = self.new_site()
        proxy = bed.FaultProxy(self.pebble, fault)
        try:
            run = site.run("issue", *self.names(name), *self.ca(self.pebble, proxy.url),
                           "--webroot", self.www, "--json")
            return run, proxy.exchanges, site
        finally:
            proxy.stop()

    def test_every_url_swapped_with_every_other(self):
        roles = ("newAccount", "newOrder", "revokeCert", "keyChange", "account", "order", "finalize",
                 "authorization", "challenge", "certificate")
        same = {"Location": {"newAccount": "account", "newOrder": "order"}, "challenges": "challenge",
                "authorizations": "authorization"}
        cases = []
        for role, field in FIELDS:
            own = same.get(field, field)
            own = own.get(role) if isinstance(own, dict) else own
            cases += [(role, field, source) for source in roles if source != own]

        def one(numbered):
            number, case = numbered
            swapper = Swapper(*case)
            run, exchanges, _ = self.run_against(swapper, f"swap{number}.example")
            if not swapper.swapped:
                return None if run.code == 0 else f"{case}: nothing swapped, yet: {run}"
            for exchange in exchanges:
                payload = exchange.payload()
                if payload is not None and not ALLOWED.get(exchange.role, lambda _: False)(payload):
                    return f"{case}: signed {str(payload)[:80]} for {exchange.role}: {run}"
            return None if run.code == 5 else f"{case}: exit {run.code}, 5 wanted: {run}"
        with concurrent.futures.ThreadPoolExecutor(bed.PARALLEL) as pool:
            self.assert_none_wrong(pool.map(one, enumerate(cases)), len(cases))

    def test_redirected_posts_are_refused(self):
        def redirect(exchange):
            if exchange.role != "newOrder":
                return None
            return lambda status, headers, body: (code, {**headers, "Location": "/order-plz/2"}, b"")
        for code in (301, 302, 307, 308):
            run, exchanges, _ = self.run_against(redirect, f"redirect{code}.example")
            self.assertIn(run.code, (4, 5), str(run))
            self.assertNotIn("/order-plz/2", [exchange.path for exchange in exchanges])

    def test_tokens_that_are_paths(self):
        outside = os.path.join(self.folder, "outside")
        for token in ("../../outside", "../../../outside", outside, "a/b", ".", "", "a\0b", "x" * 300, "a b"):
            def poison(exchange):
                if exchange.role != "authorization":
                    return None

                def change(status, headers, body):
                    document = json.loads(body)
                    for challenge in document["challenges"]:
                        challenge["token"] = token
                    return status, headers, json.dumps(document).encode()
                return change
            run, _, _ = self.run_against(poison, "token.example")
            self.assertIn(run.code, (4, 5), str(run))
            self.assertFalse(os.path.exists(outside), token)
            self.assertEqual(os.listdir(self.www), [], token)

    def test_text_for_terminals_is_escaped(self):
        evil = "\x1b]0;owned\x07\x1b[2J\r\n\u202egnp.exe\u2028second line\x9b31m" + "y" * 5000
        body = json.dumps({"type": "urn:ietf:params:acme:error:rejectedIdentifier", "status": 403,
                           "detail": evil, "subproblems": [{"detail": evil, "type": evil}]}).encode()

        def poison(exchange):
            if exchange.role != "newOrder":
                return None
            return lambda status, headers, _: (403, {**headers, "Content-Type": "application/problem+json"},
                                               body)
        proxy = bed.FaultProxy(self.pebble, poison)
        self.addCleanup(proxy.stop)
        for extra in ([], ["--json"], ["--verbose"]):
            run = self.site.run("issue", *self.names("text.example"), *self.ca(self.pebble, proxy.url),
                                "--webroot", self.www, *extra)
            self.assertEqual(run.code, 5, str(run))
            for character in "\x1b\x07\r\u202e\u2028\x9b":
                self.assertNotIn(character, run.stdout + run.stderr)
            self.assertIn("owned", run.stdout + run.stderr)
            self.assertLess(len(run.stderr), 8000)


if __name__ == "__main__":
    bed.main()
