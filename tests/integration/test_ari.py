"""Renewal information (RFC 9773) against Pebble: asked when it is time, obeyed, and never in the way."""
import collections
import datetime
import os
import re
import shutil
import unittest

import bed

NAME = "ari.example"


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def window(start, hours=48, **more):
    """A window that starts so many hours from now."""
    begin = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=start)
    end = begin + datetime.timedelta(hours=hours)
    return {"suggestedWindow": {"start": begin.strftime("%FT%TZ"), "end": end.strftime("%FT%TZ")}, **more}


@unittest.skipIf(bed.SANITIZED, "faketime cannot be preloaded under AddressSanitizer")
@unittest.skipUnless(shutil.which("faketime"), "needs faketime")
class Ari(bed.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pebble = cls.start_pebble()

    def issue(self, name=NAME, *options, pebble=None, **more):
        pebble = pebble or self.pebble
        return self.acmec("issue", *self.names(name), *self.ca(pebble), *self.standalone(pebble), *options, **more)

    def at(self, when, *args, **more):
        """A run so much later: (result, calls by role)"""
        self.pebble.clear()
        run = self.acmec(*(args or ["renew"]), prefix=["faketime", "-f", when], **more)
        return run, dict(collections.Counter(self.pebble.calls()))

    def leaf(self, name=NAME, site=None):
        return bed.read((site or self.site).live(name, "cert.pem"))

    def listed(self, name=NAME):
        return self.acmec("list").certificate(name)

    def test_asked_when_it_is_time_and_no_sooner(self):
        self.issue()
        self.assertEqual(self.at("+0d")[1], {})
        self.assertIsNone(self.listed()["renewal_window"])
        run, calls = self.at("+7h")
        self.assertEqual((run.actions(), calls), ({NAME: "not-due"}, {"directory": 1, "renewalInfo": 1}))
        self.assertEqual(self.at("+8h")[1], {}, "Pebble's Retry-After is six hours")
        self.assertEqual(self.at("+14h")[1], {"directory": 1, "renewalInfo": 1})

    def test_one_draw_for_each_window(self):
        self.issue()
        self.pebble.suggest(self.leaf(), window(240))
        chosen = set()
        for hours in range(7, 70, 13):
            self.at(f"+{hours}h")
            row = self.listed()
            chosen.add(row["next_renewal"])
            self.assertLessEqual(moment(row["renewal_window"]["start"]), moment(row["next_renewal"]))
            self.assertLessEqual(moment(row["next_renewal"]), moment(row["renewal_window"]["end"]))
        self.assertEqual(len(chosen), 1)
        self.pebble.suggest(self.leaf(), window(480))
        self.at("+80h")
        self.assertNotIn(self.listed()["next_renewal"], chosen)

    def test_window_in_the_past(self):
        self.issue()
        before = self.listed()["serial"]
        self.pebble.suggest(self.leaf(), window(-2, 1, explanationURL="https://ca.example/incident\u0007"))
        orders = self.orders_to_replace(NAME)
        run, calls = self.at("+7h")
        self.assertEqual(run.actions(), {NAME: "renewed"})
        self.assertEqual(calls["newOrder"], orders)
        self.assertIn("https://ca.example/incident", run.stderr)
        self.assertNotIn("\u0007", run.stderr)
        self.assertNotEqual(self.listed()["serial"], before)
        self.assert_whole(NAME)
        # ARI alone never renews twice within a twentieth of the lifetime
        self.pebble.suggest(self.leaf(), window(-2, 1))
        run, calls = self.at("+14h")
        self.assertEqual((run.actions(), calls), ({NAME: "not-due"}, {"directory": 1, "renewalInfo": 1}))
        self.assertEqual(self.at("+6d")[0].actions(), {NAME: "renewed"})

    def test_postpones_but_not_into_the_last_tenth(self):
        self.issue()
        self.pebble.suggest(self.leaf(), window(24 * 200))
        self.assertEqual(self.at("+70d")[0].actions(), {NAME: "renewed"}, "nothing was asked before")
        self.issue("late.example")
        self.pebble.suggest(self.leaf("late.example"), window(24 * 200))
        self.at("+1d")
        self.assertEqual(self.at("+70d")[0].actions()["late.example"], "not-due")
        self.assertEqual(self.at("+82d")[0].actions()["late.example"], "renewed")

    def test_explicit_renew_before_is_earlier(self):
        self.issue(NAME, "--renew-before", "80d")
        self.pebble.suggest(self.leaf(), window(24 * 60))
        self.at("+1d")
        self.assertEqual(self.at("+9d")[0].actions(), {NAME: "not-due"})
        self.assertEqual(self.at("+11d")[0].actions(), {NAME: "renewed"})

    def test_useless_answers(self):
        """Never an error, never in the way."""
        self.issue()
        for number, answer in enumerate(("{", "[]", "{}", '{"suggestedWindow": 7}', "x" * 2000000,
                                         '{"suggestedWindow": {"start": "soon", "end": "later"}}',
                                         window(48, -1), {"suggestedWindow": None})):
            self.pebble.suggest(self.leaf(), answer)
            run, calls = self.at(f"+{7 * (number + 1)}h")
            self.assertEqual((run.actions(), calls["renewalInfo"]), ({NAME: "not-due"}, 1), answer)
            self.assertIsNone(self.listed()["renewal_window"])
        self.assertEqual(self.at("+70d")[0].actions(), {NAME: "renewed"})

    def test_unknown_to_the_ca(self):
        """A CA that lost its memory says 404; the account is unknown too, so only asking is tried."""
        other = self.start_pebble()
        self.issue()
        conf = os.path.join(self.site.config, "certs", NAME + ".conf")
        state = os.path.join(self.site.state, "certs", NAME + ".json")
        for path in (conf, state):
            text = bed.read(path).replace(self.pebble.url, other.url).replace(self.pebble.bundle, other.bundle)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        other.clear()
        run, _ = self.at("+7h")
        self.assertEqual((run.actions(), other.calls()), ({NAME: "not-due"}, ["directory", "renewalInfo"]))

    def test_unreachable_ca(self):
        """Nothing is due: nothing is wrong, from cron nothing is said."""
        other = self.start_pebble()
        self.issue(pebble=other)
        other.stop()
        run = self.site.run("renew", prefix=["faketime", "-f", "+7h"])
        self.assertEqual((run.code, run.stdout, run.stderr), (0, "", ""), str(run))
        self.assertLess(run.seconds, 10)
        text = bed.read(self.site.state, "certs", NAME + ".json")
        self.assertIn('"failures": 1', text)

    def test_many_at_once(self):
        """One question for each, no nonce, no account, beside orders that wait for none of them."""
        self.issue("c0.example", "--name", "c0")
        bed.make_idle(self.site, 40)
        self.issue("due.example", "--renew-before", "89d")
        orders = self.orders_to_replace("due.example")
        run, calls = self.at("+30h")
        self.assertEqual(collections.Counter(run.actions().values()), {"not-due": 40, "renewed": 1})
        self.assertEqual((calls["directory"], calls["renewalInfo"], calls["newOrder"]), (1, 40, orders))
        self.assertNotIn("renewalInfo", self.at("+31h")[1])
        for number in range(40):
            text = bed.read(self.site.state, f"certs/c{number}.json")
            self.assertEqual(text.count('"chosen": "20'), 1)

    def test_named_and_never_asked(self):
        """A person who names a certificate wants to know now."""
        self.issue()
        self.pebble.suggest(self.leaf(), window(-2, 1))
        self.assertEqual(self.acmec("renew", NAME).actions(), {NAME: "renewed"})

    def test_replaced_by_another_machine(self):
        """Pebble 2.10 says alreadyReplaced; the order is made without."""
        self.issue()
        other = self.site.copy(os.path.join(self.folder, "other-machine"))
        self.acmec("renew", "--force")
        self.pebble.clear()
        orders = max(2, self.orders_to_replace(NAME, site=other))
        run = self.acmec("renew", "--force", site=other)
        self.assertEqual(run.actions(), {NAME: "renewed"})
        self.assertEqual(self.pebble.calls().count("newOrder"), orders)
        with open(os.path.join(self.pebble.run, "pebble.log"), encoding="utf-8", errors="replace") as log:
            self.assertRegex(log.read(), re.compile("replace", re.IGNORECASE))

    def test_state_lost(self):
        """What was asked is forgotten, and asked again when a fresh certificate would be."""
        self.issue()
        shutil.rmtree(self.site.state)
        self.assertEqual(self.at("+0d")[1], {})
        self.assertEqual(self.at("+7h")[1], {"directory": 1, "renewalInfo": 1})


@unittest.skipIf(bed.SANITIZED, "faketime cannot be preloaded under AddressSanitizer")
@unittest.skipUnless(shutil.which("faketime"), "needs faketime")
class Shortlived(bed.Case):
    """Certificates of 160 hours, and of minutes, renewed by a timer that comes every six hours."""
    def walk(self, seconds, step, steps):
        """The actions of a renew after each step, from issuance on."""
        pebble = self.start_pebble(extra={"profiles": {"short": {"description": "", "validityPeriod": seconds}}})
        self.acmec("issue", *self.names("short.example"), *self.ca(pebble), *self.standalone(pebble))
        # Pebble's own window spans the whole life of a short one.
        pebble.suggest(bed.read(self.site.live("short.example", "cert.pem")), window(seconds / 3600 * 0.75, hours=0.01))
        seen = []
        for number in range(1, steps + 1):
            site = self.site.copy(os.path.join(self.folder, f"{seconds}-{number}"))
            run = self.acmec("renew", site=site, prefix=["faketime", "-f", f"+{number * step}s"])
            seen.append(run.actions()["short.example"])
        return seen

    def test_160_hours(self):
        seen = self.walk(160 * 3600, 6 * 3600, 16)
        first = seen.index("renewed")
        self.assertIn((first + 1) * 6, range(72, 97), "about half of the lifetime is left")
        self.assertEqual(set(seen[:first]), {"not-due"})
        self.assertEqual(set(seen[first:]), {"renewed"})

    def test_minutes(self):
        seen = self.walk(600, 60, 9)
        self.assertEqual(seen[0], "not-due")
        self.assertEqual(seen[-1], "renewed")


if __name__ == "__main__":
    bed.main()
