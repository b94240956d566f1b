#!/usr/bin/env python3
"""halley-load against the gateway: its report is clean, and agrees with the gateway's own books."""

import json
import re
import subprocess

import harness
from harness import GatewayTest, wait_until
from push_port import Pusher

# Instrumented programs are many times slower.
MANY = 20000 if harness.SANITIZE == "none" else 2000
LOAD_DEADLINE_S = 100


class LoadTest(GatewayTest):
    shards = 4

    @classmethod
    def setUpClass(cls):
        harness.raise_descriptor_limit()
        super().setUpClass()

    def load(self, *options, tcp=False):
        """The report of a run that ended well, whose figures are those of the gateway."""
        pusher = self.keep(Pusher(self.gateway))
        before = wait_until(lambda: (status := pusher.status()).at_rest() and status, "rest")
        where = ("--tcp", self.gateway.tcp) if tcp else ("--ws", self.gateway.ws)
        command = [harness.program("HALLEY_LOAD_BIN"), where[0], "%s:%d" % where[1],
                   "--push", "%s:%d" % self.gateway.push, "--json", "--quiet", *options]
        process = harness.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            out, err = process.communicate(timeout=LOAD_DEADLINE_S)
        finally:
            process.kill()
            process.communicate()
        self.assertEqual(process.returncode, 0, out + err)
        self.assertNotRegex(err, harness.SANITIZER)
        report = json.loads(out)
        self.assertTrue(report["ok"])
        self.assertEqual(report["failures"], [])
        self.assertEqual((report["lost"], report["duplicates"], report["reordered"],
                          report["order_differs"], report["foreign"]), (0, 0, 0, 0, 0))
        after = wait_until(lambda: (status := pusher.status()).connections == 0 and
                           status.at_rest() and status, "rest")
        self.assertEqual(after.books["expected"] - before.books["expected"],
                         report["server_expected"])
        self.assertEqual(after.books["delivered"] - before.books["delivered"],
                         report["server_delivered"])
        return report

    def test_many_clients_in_one_room_and_four_pushers(self):
        fit = int(re.search(r"up to (\d+) connections", self.gateway.printed)[1])
        many = min(MANY, fit)
        report = self.load("--clients", str(many), "--pushers", "4", "--count", "40", "--window",
                           "8")
        self.assertEqual((report["expected"], report["received"]), (many * 40, many * 40))
        self.assertEqual(report["server_delivered"], many * 40)

    def test_many_rooms_over_tcp(self):
        report = self.load("--clients", "1000", "--rooms", "100", "--pushers", "4", "--count",
                           "2000", "--window", "16", tcp=True)
        self.assertEqual((report["expected"], report["received"]), (20000, 20000))

    def test_all_keys_and_mids(self):
        for tcp in (True, False):
            for to, expected in (("all", 60000), ("key", 200), ("mid", 2000)):
                report = self.load("--clients", "300", "--mids", "30", "--count", "200", "--window",
                                   "4", "--to", to, tcp=tcp)
                self.assertEqual((report["expected"], report["received"]), (expected, expected))

    def test_clients_that_come_and_go_and_stall(self):
        report = self.load("--clients", "300", "--rate", "100", "--churn", "100", "--stalled", "5",
                           "--count", "200")
        self.assertGreater(report["reconnects"], 50)
        self.assertEqual(report["push_failed"], 0)


if __name__ == "__main__":
    harness.main()
