"""20 certificates in one run over a line of 50 ms round trip: less than three times as long as one."""
import statistics

import timing
import bed

COUNT, LIMIT, RUNS = 20, 3.0, 3


class Latency(bed.Case):
    def test_latency(self):
        pebble = self.start_pebble()
        forwarder = bed.Forwarder(pebble.port, delay=0.025)
        self.addCleanup(forwarder.stop)
        for number in range(COUNT):
            self.site.write_conf(f"c{number}.example", domain=f"c{number}.example", agree_tos="yes",
                                 server=forwarder.url("/dir"), ca_bundle=pebble.bundle, standalone="yes",
                                 http_port=pebble.http_port)
        self.acmec("renew")
        one = statistics.median(self.acmec("renew", "--force", "c0.example").seconds for _ in range(RUNS))
        many = statistics.median(self.acmec("renew", "--force").seconds for _ in range(RUNS))
        print(f"one certificate {one:.2f} s, {COUNT} certificates {many:.2f} s (medians, 50 ms round trip)")
        self.assertTrue(timing.verdict(f"{COUNT} certificates, against one", many / one, LIMIT))


if __name__ == "__main__":
    bed.main()
