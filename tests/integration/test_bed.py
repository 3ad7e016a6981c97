"""The test bed itself: a fault that is not injected would let every other test pass."""
import http.client
import json
import ssl
import time

import bed


class Bed(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def fetch(self, port, path="/dir", method="GET", limit=1 << 20):
        trust = ssl.create_default_context(cafile=self.pebble.bundle)
        connection = http.client.HTTPSConnection("localhost", port, context=trust, timeout=20)
        self.addCleanup(connection.close)
        connection.request(method, path, headers={"User-Agent": "bed"})
        reply = connection.getresponse()
        return reply, reply.read(limit)

    def test_proxy_passes_on_and_urls_lead_through_it(self):
        proxy = bed.FaultProxy(self.pebble)
        self.addCleanup(proxy.stop)
        _, body = self.fetch(proxy.port)
        self.assertIn(f"https://localhost:{proxy.port}/", json.loads(body)["newOrder"])
        self.assertEqual([seen.role for seen in proxy.exchanges], ["directory"])

    def test_each_fault_shows(self):
        word = {}
        proxy = bed.FaultProxy(self.pebble, lambda exchange: word["fault"])
        self.addCleanup(proxy.stop)
        for word["fault"] in bed.FaultProxy.FAULTS:
            with self.subTest(word["fault"]):
                self.check_fault(word["fault"], proxy)

    def check_fault(self, fault, proxy):
        if fault in ("lost", "lost-reply", "cut-connection"):
            # Only a reader of all misses what the length promised: a part may end with the connection.
            with self.assertRaises((OSError, http.client.HTTPException)):
                self.fetch(proxy.port, limit=None)
            return
        reply, body = self.fetch(proxy.port)
        status = {"500": 500, "503": 503, "429": 429, "429-long": 429, "badNonce": 400}.get(fault, 200)
        self.assertEqual(reply.status, status)
        if fault in ("503", "429", "429-long"):
            self.assertEqual(reply.getheader("Retry-After"), "3600" if fault == "429-long" else "1")
        elif fault == "badNonce":
            self.assertTrue(reply.getheader("Replay-Nonce"))
        elif fault in ("cut-off", "malformed"):
            self.assertRaises(ValueError, json.loads, body)
        elif fault == "wrong-types":
            self.assertEqual(json.loads(body)["newOrder"], 7)
        elif fault == "no-headers":
            self.assertIsNone(reply.getheader("Content-Type"))
        elif fault in ("50-MB", "endless"):
            self.assertEqual(len(body), 1 << 20)

    def test_forwarder_counts_delays_and_refuses(self):
        forwarder = bed.Forwarder(self.pebble.port, delay=0.05)
        self.addCleanup(forwarder.stop)
        self.pebble.clear()
        started = time.monotonic()
        self.fetch(forwarder.port)
        self.assertGreater(time.monotonic() - started, 0.2, "two round trips of 0.1 s at least")
        self.fetch(forwarder.port)
        self.assertEqual(forwarder.connections, 2)
        self.assertEqual(self.pebble.calls(), ["directory", "directory"])
        forwarder.refuse()
        self.assertRaises(OSError, self.fetch, forwarder.port)
        forwarder.accept()
        self.fetch(forwarder.port)


if __name__ == "__main__":
    bed.main()
