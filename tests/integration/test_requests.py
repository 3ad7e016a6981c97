"""What acmec asks of a CA: requests counted by Pebble, connections by a forwarder before it."""
import collections

import bed

# design: existing account 9, fresh account 10; polls beyond these only where the CA asks for them
WITH_ACCOUNT = {"directory": 1, "newNonce": 1, "newOrder": 1, "authorization": 2, "challenge": 1,
                "finalize": 1, "order": 1, "certificate": 1}


class Requests(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()
        cls.forwarder = bed.Forwarder(cls.pebble.port)
        cls.addClassCleanup(cls.forwarder.stop)
        cls.url = cls.forwarder.url("/dir")

    def counted(self, *args, **more):
        """(calls by role, connections, calls in order)"""
        self.pebble.clear()
        before = self.forwarder.connections
        self.seconds = self.acmec(*args, **more).seconds
        calls = self.pebble.calls()
        return collections.Counter(calls), self.forwarder.connections - before, calls

    def assert_frugal(self, calls, wanted):
        """As wanted, plus at most two polls that Pebble's slowness asked for, and one for each second that it
        took. Which object the first poll reads, the order or the authorization, is the design's choice: they are
        counted together."""
        def folded(counter):
            counter = collections.Counter(counter)
            counter["reads"] = counter.pop("authorization", 0) + counter.pop("order", 0)
            return counter
        calls, wanted = folded(calls), folded(wanted)
        more = calls - wanted
        self.assertEqual(wanted - calls, {}, "fewer than the protocol needs: is the count right?")
        self.assertLessEqual(more.pop("reads", 0), 2 + int(self.seconds), calls)
        self.assertEqual(more, {}, calls)

    def issue(self, *names):
        return self.counted("issue", *self.names(*names), *self.ca(self.pebble, self.url),
                            *self.standalone(self.pebble))

    def test_one_name(self):
        calls, connections, _ = self.issue("fresh.example")
        self.assert_frugal(calls, {**WITH_ACCOUNT, "newAccount": 1})
        self.assertEqual(connections, 1)
        calls, connections, _ = self.issue("second.example")
        self.assert_frugal(calls, WITH_ACCOUNT)
        self.assertEqual(connections, 1)
        orders = self.orders_to_replace("second.example")
        calls, connections, _ = self.counted("renew", "--force", "second.example")
        # Though told never to, Pebble takes an old proof in one of a hundred orders.
        proof = {} if calls["challenge"] else {"challenge": 0, "authorization": 0}
        self.assert_frugal(calls, {**WITH_ACCOUNT, "newOrder": orders, **proof})
        self.assertEqual(connections, 1)

    def test_nothing_due_asks_nothing(self):
        self.issue("idle.example")
        for command in (["renew"], ["list"], ["issue", *self.names("idle.example"),
                                              *self.ca(self.pebble, self.url)]):
            calls, connections, _ = self.counted(*command)
            self.assertEqual((calls, connections), ({}, 0), command)

    def test_50_certificates(self):
        names = [f"c{i}.example" for i in range(50)]
        for name in names:
            self.site.write_conf(name, domain=name, server=self.url, ca_bundle=self.pebble.bundle,
                                 agree_tos="yes", standalone="yes", http_port=self.pebble.http_port)
        for command in (["renew"], ["renew", "--force"]):
            orders = self.orders_to_replace(*names) if "--force" in command else 50
            calls, connections, order = self.counted(*command)
            self.assertEqual(calls["newOrder"], orders, calls)
            self.assertEqual(calls["certificate"], 50)
            self.assertEqual(calls["directory"], 1)
            self.assertLessEqual(connections, 2)
            self.assertLessEqual(calls["newNonce"], 16)
            late = order[order.index("authorization"):]
            self.assertNotIn("newNonce", late, "a nonce was fetched after the first newOrder's reply")


if __name__ == "__main__":
    bed.main()
