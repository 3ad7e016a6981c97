"""The CA's outage over 50 certificates: one error, the rest deferred, nobody punished."""
import os

import bed

COUNT = 50


class Outage(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()
        cls.forwarder = bed.Forwarder(cls.pebble.port)
        cls.addClassCleanup(cls.forwarder.stop)

    def setUp(self):
        super().setUp()
        self.names_due = [f"c{i}.example" for i in range(COUNT)]
        for name in self.names_due:
            self.site.write_conf(name, domain=name, server=self.forwarder.url("/dir"), standalone="yes",
                                 ca_bundle=self.pebble.bundle, agree_tos="yes",
                                 http_port=self.pebble.http_port)

    def assert_one_error(self, run):
        error = run.json["error"]
        self.assertEqual(error["class"], "network", str(run))
        for row in run.json["certificates"]:
            if row["action"] == "deferred":
                self.assertIsNone(row["error"], row)
            self.assertIn(row["action"], ("deferred", "issued", "renewed"), row)

    def assert_no_memory(self):
        """The next run takes up all of them at once."""
        actions = self.acmec("renew", "--force").actions()
        self.assertEqual(len(actions), COUNT)
        self.assertNotIn("held-back", actions.values())
        for name in self.names_due:
            self.assert_whole(name)

    def test_gone_from_the_start(self):
        self.forwarder.refuse()
        try:
            run = self.acmec("renew", code=4)
            text = self.site.run("renew")
        finally:
            self.forwarder.accept()
        self.assertLess(run.seconds, 10)
        self.assertEqual(set(run.actions().values()), {"deferred"})
        self.assertEqual(len(run.actions()), COUNT)
        self.assert_one_error(run)
        self.assertLessEqual(len(text.stderr.splitlines()), 4, f"one error, not fifty: {text}")
        actions = self.acmec("renew").actions()
        self.assertEqual(actions, {name: "issued" for name in self.names_due})

    def test_gone_in_the_middle(self):
        process = self.site.popen("renew", "--json")
        live = os.path.join(self.site.config, "live")
        self.assertTrue(bed.wait_until(
            lambda: os.path.isdir(live) and len(os.listdir(live)) >= 3, step=0.002))
        self.forwarder.refuse()
        try:
            run = bed.finish(process, 0)
        finally:
            self.forwarder.accept()
        self.assertIn(run.code, (1, 4), str(run))
        self.assertIn("deferred", run.actions().values())
        self.assert_one_error(run)
        self.assert_no_memory()


if __name__ == "__main__":
    bed.main()
