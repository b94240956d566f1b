#!/usr/bin/env python3
"""Pushes whose reply waits for their deliveries: how many got it, how many never will, how many have
yet to."""

import threading
import time

import harness
from goim import TcpClient
from harness import GatewayTest
from push_port import INVALID_ARGUMENT, Pusher, push_all
from websocket import WsClient

ROOM = "confirm://1"
SLOW_FLAGS = ("--push.body_bytes", "4096", "--room.log_bytes", "32768",
              "--listen.send_buffer_bytes", "4096", "--listen.notsent_lowat_bytes", "4096")


class ConfirmTest(GatewayTest):
    shards = 4
    flags = SLOW_FLAGS

    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))

    def clients(self, count, **token):
        return [self.keep(kind(address)).login(key=f"{kind.__name__}-{index}", mid=77, **token)
                for index in range(count // 2)
                for kind, address in ((TcpClient, self.gateway.tcp), (WsClient, self.gateway.ws))]

    def slow_client(self):
        """One that reads nothing, and has more waiting for it than its sockets hold."""
        client = self.keep(TcpClient(self.gateway.tcp, receive_buffer_bytes=4096))
        client.login(key="slow", room_id="clog://1", accepts=[1000])
        while self.pusher.push_rooms(["clog://1"], b"x" * 4000, confirm_ms=50).deliveries[0] == 1:
            pass
        return client


class Delivered(ConfirmTest):
    def test_to_all_on_every_shard(self):
        self.clients(20, room_id=ROOM, accepts=[1000])
        keys = [f"{kind}-{index}" for kind in ("TcpClient", "WsClient") for index in range(10)]
        for pushed, taken in ((self.pusher.push_rooms([ROOM], "x", confirm_ms=20000), 20),
                              (self.pusher.push_rooms([ROOM, ROOM], "x", confirm_ms=20000), 40),
                              (self.pusher.push_keys(keys, "x", confirm_ms=20000), 20),
                              (self.pusher.push_mids([77], "x", confirm_ms=20000), 20),
                              (self.pusher.push_all("x", confirm_ms=20000), 20)):
            self.assertEqual((pushed.taken, pushed.deliveries), (taken, (taken, 0, 0)))

    def test_nobody_is_waited_for_where_nobody_is(self):
        begin = time.monotonic()
        self.assertEqual(self.pusher.push_rooms(["nobody"], "x", confirm_ms=20000).deliveries,
                         (0, 0, 0))
        self.assertEqual(self.pusher.push_all("x", op=7000, confirm_ms=20000).deliveries, (0, 0, 0))
        self.assertLess(time.monotonic() - begin, 10)

    def test_without_it_nothing_is_said(self):
        self.clients(2, room_id=ROOM)
        self.assertIsNone(self.pusher.push_rooms([ROOM], "x").deliveries)

    def test_it_has_a_limit(self):
        self.assertEqual(self.pusher.push_all("x", confirm_ms=60000).deliveries, (0, 0, 0))
        reply = self.pusher.call(push_all("x", confirm_ms=60001))
        self.assertEqual(reply.code, INVALID_ARGUMENT)
        self.assertIn("60000", reply.error)

    def test_a_paced_broadcast_is_done_when_it_is(self):
        self.clients(20, accepts=[1000])
        begin = time.monotonic()
        pushed = self.pusher.push_all("x", pace=40, confirm_ms=20000)
        self.assertEqual(pushed.deliveries, (20, 0, 0))
        self.assertGreater(time.monotonic() - begin, 0.2)


class Pending(ConfirmTest):
    def test_the_reply_comes_in_time_and_says_who_has_it_not(self):
        self.clients(4, room_id=ROOM, accepts=[1000])
        self.slow_client().send_frame(12, 9, ROOM.encode())
        harness.wait_until(lambda: self.pusher.push_rooms([ROOM], "probe", op=1).taken == 5,
                           "the slow one to join")
        begin = time.monotonic()
        pushed = self.pusher.push_rooms([ROOM], "x" * 100, confirm_ms=300)
        self.assertEqual((pushed.taken, pushed.deliveries), (5, (4, 0, 1)))
        self.assertGreaterEqual(time.monotonic() - begin, 0.3)
        # Others do not wait with it.
        self.assertEqual(self.pusher.push_keys(["TcpClient-0"], "x", confirm_ms=20000).deliveries,
                         (1, 0, 0))

    def test_who_goes_will_never_get_it(self):
        slow = self.slow_client()
        other = self.keep(Pusher(self.gateway))
        results = []
        waiting = threading.Thread(target=lambda: results.append(
            other.push_keys(["slow"], "x" * 100, confirm_ms=30000)))
        waiting.start()
        harness.wait_until(lambda: self.pusher.status().books["pending"] > 1, "the push to wait")
        self.assertEqual(self.pusher.kick_keys("slow").taken, 1)
        waiting.join(harness.DEADLINE_S)
        self.assertEqual([each.deliveries for each in results], [(0, 1, 0)])
        slow.drain()


if __name__ == "__main__":
    harness.main()
