"""INT, TERM, HUP and a closed pipe at any moment: proofs are taken down, the next run is fine."""
import os
import signal
import subprocess
import time

import bed

MOMENTS = (0.02, 0.1, 0.2, 0.35, 0.5, 0.8, 1.2)


class Signals(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.port = bed.free_port()
        # A slow CA on a slow line: each moment falls into another step.
        cls.pebble = cls.start_pebble(http_port=cls.port, no_sleep=False)
        cls.forwarder = bed.Forwarder(cls.pebble.port, delay=0.03)
        cls.addClassCleanup(cls.forwarder.stop)
        cls.www = cls.start_webroot(cls.port)

    def issue(self, name):
        return ["issue", *self.names(name), *self.ca(self.pebble, self.forwarder.url("/dir")),
                "--webroot", self.www]

    def interrupt(self, name, number, after):
        site = self.new_site()
        started = time.monotonic()
        process = site.popen(*self.issue(name), "--json")
        time.sleep(after)
        process.send_signal(number)
        run = bed.finish(process, started)
        self.assertLess(run.seconds, after + 20, str(run))
        self.assertIn(run.code, (0, 128 + number, 130, 143), str(run))
        self.assert_nobody_left(process.pid, f"{number} after {after} s")
        self.assertEqual(os.listdir(self.www), [], f"a proof was left behind: {run}")
        self.acmec(*self.issue(name), site=site)
        self.assert_whole(name, site)
        return run.code

    def test_interrupted_at_any_moment(self):
        codes = [self.interrupt(f"{number.name.lower()}{int(after * 100)}.example", number, after)
                 for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) for after in MOMENTS[1::2]]
        codes += [self.interrupt(f"int{int(after * 100)}.example", signal.SIGINT, after)
                  for after in MOMENTS[::2]]
        self.assertTrue(any(codes), "no run was interrupted at all")

    def test_reader_of_the_output_goes_away(self):
        for close_after in (0.0, 0.3):
            name = f"pipe{int(close_after * 10)}.example"
            site = self.new_site()
            process = site.popen(*self.issue(name), "--verbose", stderr=subprocess.DEVNULL)
            time.sleep(close_after)
            process.stdout.close()
            process.stdout = None
            self.assertIn(process.wait(60), (0, 7))
            self.assertEqual(os.listdir(self.www), [])
            self.acmec(*self.issue(name), site=site)
            self.assert_whole(name, site)

    def test_keeper_killed_takes_its_workers_along(self):
        process = self.site.popen(*self.issue("gone.example"))
        self.assertTrue(bed.wait_until(lambda: len(bed.session_processes(process.pid)) > 1))
        process.kill()
        bed.finish(process, time.monotonic())
        self.assert_nobody_left(process.pid, "kill -9 of the keeper")


if __name__ == "__main__":
    bed.main()
