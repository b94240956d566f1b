#!/usr/bin/env python3
"""The memory budget: what the node does without as it fills up, and in which order."""

import harness
import goim
from goim import TcpClient
from harness import GatewayTest, wait_until
from push_port import Pusher
from stream import pump_all

BODY = b"m" * 4000
# One MiB for everything that waits.
FLAGS = ("--gateway.memory_mib", "1", "--push.body_bytes", "4096", "--room.log_bytes", "4MiB",
         "--listen.send_buffer_bytes", "4096", "--listen.notsent_lowat_bytes", "4096")


class MemoryTest(GatewayTest):
    flags = FLAGS
    shards = 1

    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))

    def join(self, room, **options):
        client = self.keep(TcpClient(self.gateway.tcp, **options))
        client.login(room_id=room, accepts=[1000])
        return client

    def push_while_one_reads(self, room, count):
        """Everything reaches the one who reads, and nobody else is waited for."""
        reader = self.join(room)
        slow = self.join(room, receive_buffer_bytes=4096)
        received = []
        for number in range(count):
            self.assertEqual(self.pusher.push_rooms([room], b"%08d" % number + BODY).taken,
                             2 if slow else 1)

            def has_it(number=number):
                received.extend(reader.take())
                return len(received) > number
            pump_all([reader], has_it, f"message {number}")
            if self.status().closed["slow_consumer"]:
                slow = None
        self.assertEqual([int(frame.body[:8]) for frame in received], list(range(count)))
        return slow

    def status(self):
        return self.pusher.status()


class LowClass(MemoryTest):
    flags = FLAGS + ("--room.low.class", "low")

    def test_who_lags_in_a_room_of_the_low_class_skips(self):
        slow = self.push_while_one_reads("low://1", 600)
        self.assertIsNotNone(slow, "the slow one was closed")
        status = self.status()
        self.assertGreater(status.skipped["memory"], 100)
        self.assertEqual(status.closed["slow_consumer"], 0)
        self.assertLess(status.figures["buffer_bytes"], 1 << 20)


class Normal(MemoryTest):
    def test_logs_get_short_and_then_the_slowest_are_closed(self):
        self.push_while_one_reads("normal://1", 600)
        status = wait_until(lambda: (status := self.status()).at_rest() and status, "rest")
        self.assertEqual(status.closed["slow_consumer"], 1)
        self.assertLess(status.figures["buffer_bytes"], 1 << 20)


class Connects(MemoryTest):
    # Logs alone bring the node to three quarters of its budget, and no further.
    flags = FLAGS + ("--room.log_bytes", "3400KiB", "--client.stall_timeout_ms", "0")

    def test_newcomers_are_turned_away_until_there_is_room(self):
        slow = self.join("full://1", receive_buffer_bytes=4096)
        while self.status().stages != {"no_connects"}:
            self.assertEqual(self.pusher.push_rooms(["full://1"], BODY).taken, 1)
        refused = self.status().closed["server_full"]
        client = self.keep(TcpClient(self.gateway.tcp))
        self.assertEqual(client.read_all(), b"")
        self.assertEqual(self.status().closed["server_full"], refused + 1)
        slow.close()
        wait_until(lambda: self.status().stages == {"plenty"}, "the log to be let go")
        self.assertEqual(self.join("full://1").call(goim.HEARTBEAT, 1).op, goim.HEARTBEAT_REPLY)


if __name__ == "__main__":
    harness.main()
