"""Every exchange of an issuance failed in turn, in every way, through the real three programs."""
import concurrent.futures

import bed

# What one fault, once, may lead to. 0: survived.
SURVIVED = {0}
REFUSED = {4, 5}  # network or refused: a reply that makes no sense
OUTCOMES = {
    "lost": SURVIVED, "lost-reply": SURVIVED, "cut-connection": SURVIVED, "500": SURVIVED,
    "503": SURVIVED, "429": SURVIVED, "badNonce": SURVIVED, "429-long": {6},
    "cut-off": {0} | REFUSED, "malformed": {0} | REFUSED, "wrong-types": {0} | REFUSED,
    "no-headers": {0} | REFUSED, "50-MB": {0} | REFUSED, "endless": {0} | REFUSED,
}
# Replies whose body is not read, or which have none, may be damaged without harm; these may not.
NEVER_SURVIVED = {("directory", fault)
                  for fault in ("cut-off", "malformed", "wrong-types", "50-MB", "endless")}
NEVER_SURVIVED |= {("certificate", fault) for fault in ("malformed", "cut-off")}
EXCHANGES = 11  # of an issuance with a fresh account
# After these the order is stored and the CA still has it: the next run must go on with it.
ORDER_KNOWN = {"authorization", "challenge", "order", "finalize", "certificate"}


class Faults(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        port = bed.free_port()
        cls.pebble = cls.start_pebble(http_port=port)
        cls.folder_www = cls.start_webroot(port)

    def run_one(self, name, fault):
        """fault(exchange) -> word or None. Returns (run, exchanges, second run, exchanges)."""
        site = self.new_site()
        proxy = bed.FaultProxy(self.pebble, fault)
        try:
            args = ["issue", *self.names(name), *self.ca(self.pebble, proxy.url),
                    "--webroot", self.folder_www, "--json"]
            first, seen = site.run(*args), list(proxy.exchanges)
            proxy.fault = lambda exchange: None
            proxy.exchanges = []
            if first.code == 6:  # a person knows better than the CA's Retry-After
                args.append("--force-rate-limit")
            second = site.run(*args)
            if second.code == 0:
                self.assert_whole(name, site)
            return first, seen, second, list(proxy.exchanges)
        finally:
            proxy.stop()

    def judge(self, fault, number, first, seen, second, after):
        """What is wrong with it, or None."""
        if len(seen) < number:
            return None if first.code == 0 else f"no such exchange, yet it failed: {first}"
        role = seen[number - 1].role
        what = f"{fault} at exchange {number} ({role})"
        allowed = OUTCOMES[fault]
        if (role, fault) in NEVER_SURVIVED:
            allowed = allowed - SURVIVED
        if first.code not in allowed:
            return f"{what}: exit {first.code}, allowed {sorted(allowed)}: {first}"
        if first.code and '"message"' not in first.stdout:
            return f"{what}: failed without a message: {first}"
        if second.code:
            return f"{what}: the next run failed: {second}"
        if first.code and role in ORDER_KNOWN and any(e.role == "newOrder" for e in after):
            return f"{what}: the next run made a second order instead of taking up the first"
        return None

    def test_each_exchange_fails_once(self):
        cases = [(fault, number) for fault in bed.FaultProxy.FAULTS for number in range(1, EXCHANGES + 1)]

        def one(case):
            fault, number = case
            name = f"{fault.lower()}-{number}.example"
            runs = self.run_one(name, lambda e: fault if e.number == number else None)
            return self.judge(fault, number, *runs)
        with concurrent.futures.ThreadPoolExecutor(bed.PARALLEL) as pool:
            self.assert_none_wrong(pool.map(one, cases), len(cases))

    def test_a_role_that_always_fails_ends_within_its_deadline(self):
        roles = ["directory", "newNonce", "newAccount", "newOrder", "authorization", "challenge",
                 "finalize", "order", "certificate"]
        cases = [(role, fault) for role in roles for fault in ("500", "lost")]

        def one(case):
            role, fault = case
            name = f"{fault}-{role.lower()}.example"
            first, _, second, _ = self.run_one(name, lambda e: fault if e.role == role else None)
            if first.code not in (4, 5) or first.seconds > 60 or second.code:
                return f"{role} always {fault}: {first}\nthen {second}"
            return None
        with concurrent.futures.ThreadPoolExecutor(bed.PARALLEL) as pool:
            self.assert_none_wrong(pool.map(one, cases), len(cases))

    def test_bad_nonces_up_to_the_limit(self):
        def rejected(count):
            return lambda e: "badNonce" if e.role == "newOrder" and e.nth <= count else None
        for name, count, codes in (("sixty.example", 60, {0}), ("endless.example", 10000, {4, 5})):
            run = self.run_one(name, rejected(count))[0]
            self.assertIn(run.code, codes, str(run))


if __name__ == "__main__":
    bed.main()
