#!/usr/bin/env python3
"""Traces: what the log tells of a key, a mid or an address while that is asked for, and of nobody else."""

import json
import signal
import time

import goim
import harness
from admin_test import Admin
from goim import TcpClient
from harness import wait_until
from push_port import Pusher
from websocket import WsClient

harness.need_admin()

TOKEN_WORD = "nobody-may-read-this"


class TraceTest(harness.OwnGatewayTest):
    def told(self, gateway, line):
        """Waits for such a line of the log."""
        return wait_until(lambda: next((each for each in gateway.stderr().splitlines() if line in each), None), line)

    def login(self, gateway, **fields):
        return self.keep(TcpClient(gateway.tcp)).login(**fields)


class Tells(TraceTest):
    def test_of_a_key_everything_and_of_its_neighbours_nothing(self):
        gateway = self.start()
        self.assertEqual(self.ctl(gateway, "trace", "key", "ann"), "key ann: 300 s left\n")
        ann = self.login(gateway, key="ann", mid=7, room_id="live://1", accepts=[1000], word=TOKEN_WORD)
        bob = self.login(gateway, key="bob", mid=8, room_id="live://1", accepts=[1000])
        pusher = self.keep(Pusher(gateway))
        ann.call(goim.HEARTBEAT, 1)
        bob.call(goim.HEARTBEAT, 1)
        for client in (ann, bob):
            client.call(4242, 2, b"words of its own")
        pusher.push_rooms(["live://1"], "hello all")
        pusher.push_keys(["ann", "bob"], "hello", op=1000)
        pusher.push_keys(["ann", "bob"], "hello", op=1001)
        pusher.push_all("hello", op=1000)
        ann.close()
        self.told(gateway, "trace of key ann, from 127.0.0.1:")
        self.told(gateway, "logged in with key ann, mid 7, room live://1; speaks goim_tcp")
        self.told(gateway, ": heartbeat")
        self.told(gateway, ": message from it: op 4242, 16 bytes")
        self.told(gateway, ": push to room live://1: op 1000, 9 bytes")
        self.told(gateway, ": push to its key: op 1000, 5 bytes")
        self.told(gateway, ": push to its key: op 1001, 5 bytes; skipped, for it does not watch that op")
        self.told(gateway, ": push to all: op 1000, 5 bytes")
        self.told(gateway, ": ended: peer_")  # with or without what it has not read
        bob.close()
        gateway.process.send_signal(signal.SIGHUP)  # what follows in the log is behind all that
        self.told(gateway, "SIGHUP: no option has changed")
        log = gateway.stderr()
        self.assertNotIn("bob", log)
        self.assertEqual(log.count("heartbeat"), 1)
        self.assertNotIn(TOKEN_WORD, log)
        self.assertNotIn("words of its own", log)
        self.assertNotIn("hello", log)

    def test_of_a_mid_and_an_address_those_that_are_here(self):
        gateway = self.start()
        live = self.keep(WsClient(gateway.ws)).login(key="ann", mid=7, room_id="live://1")
        for words, what in ((("mid", "7"), "mid 7"), (("ip", "127.0.0.1"), "ip 127.0.0.1")):
            self.ctl(gateway, "trace", *words, "--seconds", "60")
            self.told(gateway, f"trace of {what}: begins, for 60 s")
            line = self.told(gateway, f"trace of {what}, from 127.0.0.1:")
            self.assertIn("is here with key ann, mid 7, room live://1; speaks goim_ws", line)
            self.assertEqual(self.ctl(gateway, "trace", "off", *words), "no trace is on\n")
            self.told(gateway, f"trace of {what}: ends, as was asked for")
        live.call(goim.HEARTBEAT, 1)
        time.sleep(0.3)
        self.assertNotIn("heartbeat", gateway.stderr())

    def test_a_login_that_is_refused_says_why(self):
        gateway = self.start("--client.duplicate_key", "refuse")
        self.ctl(gateway, "trace", "ip", "127.0.0.1")
        self.login(gateway, key="ann")
        other = self.keep(TcpClient(gateway.tcp))
        other.send(goim.login_frame(key="ann"))
        self.told(gateway, ": accepted, on tcp")
        self.told(gateway, ": ended without a login: duplicate_refused")

    def test_a_key_that_is_no_word_makes_no_line_of_its_own(self):
        gateway = self.start()
        self.ctl(gateway, "trace", "key", "a\nb")
        self.login(gateway, key="a\nb")
        self.told(gateway, "trace of key a\\nb, from ")
        self.assertEqual(json.loads(self.ctl(gateway, "trace", "list", "--json"))["traces"][0]["key"], "a\nb")


class Ends(TraceTest):
    def test_by_itself(self):
        gateway = self.start()
        client = self.login(gateway, key="ann")
        self.ctl(gateway, "trace", "key", "ann", "--seconds", "1")
        self.told(gateway, "trace of key ann: its time is over")
        client.call(goim.HEARTBEAT, 1)
        self.assertEqual(self.ctl(gateway, "trace", "list"), "no trace is on\n")
        time.sleep(0.3)
        self.assertNotIn("heartbeat", gateway.stderr())

    def test_the_seventeenth_is_refused(self):
        gateway = self.start()
        for mid in range(1, 17):
            self.ctl(gateway, "trace", "mid", str(mid))
        told = self.ctl(gateway, "trace", "mid", "17", code=4)
        self.assertEqual(told, "halleyctl: this node has 16 traces, which is as many as it may: end one of them "
                               "first (halleyctl trace off)\n")
        self.assertEqual(len(self.ctl(gateway, "trace", "list").splitlines()), 16)
        self.ctl(gateway, "trace", "off", "mid", "16")
        self.ctl(gateway, "trace", "mid", "17")

    def test_what_is_none_is_said(self):
        gateway = self.start()
        for words, why in ((("mid", "0"), "a mid that is not 0"), (("ip", "127.0.0.1:80"), "no address"),
                           (("key", "a", "--seconds", "3601"), "above the limit of 3600"),
                           (("off", "key", "a"), "there is no trace of key a")):
            self.assertIn(why, self.ctl(gateway, "trace", *words, code=4))

    def test_over_http(self):
        gateway = self.start()
        admin = Admin(gateway.admin)
        status, answer = admin.post("/v1/trace", {"key": "ann", "seconds": 60})
        self.assertEqual((status, answer), (200, {"traces": [{"key": "ann", "seconds_left": 60}]}))
        admin.post("/v1/trace", {"mid": "7"})
        admin.post("/v1/trace", {"ip": "::1"})
        status, answer = admin.get("/v1/trace")
        self.assertEqual([{name: value for name, value in each.items() if name != "seconds_left"}
                          for each in answer["traces"]], [{"key": "ann"}, {"mid": "7"}, {"ip": "::1"}])
        for query in ("key=ann", "mid=7", "ip=::1"):
            status, answer = admin.ask("DELETE", f"/v1/trace?{query}")
            self.assertEqual(status, 200, answer)
        self.assertEqual(answer, {"traces": []})
        self.assertEqual(admin.ask("DELETE", "/v1/trace?key=ann")[0], 409)
        self.assertEqual(admin.ask("DELETE", "/v1/trace?mid=x")[0], 400)
        self.assertEqual(admin.post("/v1/trace", {"key": "a", "mid": 5})[0], 400)
        self.assertEqual(admin.post("/v1/trace", {"room": "a"})[0], 400)

    def test_that_is_no_storm(self):
        gateway = self.start()
        self.login(gateway, key="ann", room_id="live://1")
        self.ctl(gateway, "trace", "key", "ann")
        pusher = self.keep(Pusher(gateway))
        # A room that is named so often is pushed to as often.
        pusher.push_rooms(["live://1"] * 400, "x")
        self.told(gateway, "lines were left out in a second on shard")
        self.assertLess(gateway.stderr().count("push to room"), 400)


if __name__ == "__main__":
    harness.main()
