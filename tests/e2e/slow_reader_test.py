#!/usr/bin/env python3
"""Clients that stop reading: they cost nobody else anything, what they miss is counted, and what
they read later is whole messages in order."""

import contextlib
import socket
import time

import goim
import harness
from goim import TcpClient
from harness import DEADLINE_S, GatewayTest, wait_until
from push_port import QUEUE_FULL, Pusher, bytes_field, push_keys, STATUS
from stream import pump_all
from websocket import WsClient

ROOM = "slow://1"
BODY_BYTES = 500
MESSAGES = 1500
WINDOW = 20
# Little room everywhere, so that little traffic fills it.
FLAGS = ("--push.body_bytes", "4096", "--room.log_bytes", "32768",
         "--listen.send_buffer_bytes", "4096", "--listen.notsent_lowat_bytes", "4096",
         "--client.personal_queue_bytes", "16384")


def numbered(number):
    return b"%08d" % number + b"." * (BODY_BYTES - 8)


def numbers_of(frames):
    """The numbers of pushed messages; each must be whole."""
    numbers = []
    for frame in frames:
        number = int(frame.body[:8])
        assert frame.body == numbered(number) and frame.op == 1000, frame
        numbers.append(number)
    return numbers


class SlowReaderTest(GatewayTest):
    flags = FLAGS

    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))
        addresses = ((TcpClient, self.gateway.tcp), (WsClient, self.gateway.ws))
        self.healthy = [self.keep(kind(address)).login(room_id=ROOM)
                        for kind, address in addresses * 2]
        # Their kernel takes little for them.
        self.slow = [self.keep(kind(address, receive_buffer_bytes=4096))
                     .login(room_id=ROOM, key=f"slow-{kind.__name__}", accepts=[1000])
                     for kind, address in addresses]

    def push_to_room(self, count=MESSAGES):
        """Pushes numbered messages, no faster than the healthy clients read; each gets them all."""
        received = {client: [] for client in self.healthy}
        for begin in range(0, count, WINDOW):
            end = min(begin + WINDOW, count)
            for number in range(begin, end):
                self.pusher.push_rooms([ROOM], numbered(number))

            def all_have_it():
                for client in self.healthy:
                    received[client] += client.take()
                return all(len(frames) >= end for frames in received.values())
            pump_all(self.healthy, all_have_it, f"message {end} at the healthy clients")
        for frames in received.values():
            self.assertEqual(numbers_of(frames), list(range(count)))

    def read_slowly(self, last):
        """What each of the slow clients has and gets, up to the message with that number."""
        received = {client: [] for client in self.slow}

        def all_have_it():
            for client in self.slow:
                received[client] += numbers_of(client.take())
            return all(numbers and numbers[-1] == last for numbers in received.values())
        pump_all(self.slow, all_have_it, "the slow clients to catch up")
        for numbers in received.values():
            self.assertEqual(numbers, sorted(set(numbers)))
        return received.values()

    def at_rest(self):
        return wait_until(lambda: (status := self.pusher.status()).at_rest() and status,
                          "the books to balance")


class Skip(SlowReaderTest):
    def test_the_healthy_get_all_and_the_slow_go_on_at_the_oldest_kept(self):
        self.push_to_room()
        status = self.pusher.status()
        self.assertEqual(status.connections, 6)
        self.assertTrue(all(shard.identity_holds() for shard in status.shards))
        self.assertGreater(status.skipped["overflow"], 0)
        self.assertLess(status.books["log_bytes"], 8 * 32768)
        received = self.read_slowly(MESSAGES - 1)
        skipped = self.at_rest().skipped["overflow"]
        self.assertGreater(skipped, 0)
        self.assertEqual(sum(len(numbers) for numbers in received) + skipped, 2 * MESSAGES)
        for numbers in received:
            # What the log kept came too, not only the newest.
            self.assertGreater(len(numbers), 32768 // 4 // BODY_BYTES)
        for client in self.slow:
            wait_until(lambda: client.online() == 6, "the room's count", pause_s=0.05)

    def test_personal_pushes_are_refused_when_the_queue_is_full(self):
        keys = ["slow-TcpClient", "slow-WsClient"]
        taken = {key: [] for key in keys}
        refused = set()
        for number in range(10000):
            result = self.pusher.push_keys(keys, numbered(number))
            for index, key in enumerate(keys):
                if index in result.refused:
                    self.assertEqual(result.refused[index], QUEUE_FULL)
                    refused.add(key)
                else:
                    taken[key].append(number)
            if len(refused) == 2:
                break
        self.assertEqual(len(refused), 2)
        self.assertGreater(self.pusher.status().books["refused"], 0)
        received = {key: [] for key in keys}

        def all_came():
            for key, client in zip(keys, self.slow):
                received[key] += numbers_of(client.take())
            return all(len(received[key]) >= len(taken[key]) for key in keys)
        pump_all(self.slow, all_came, "what was taken")
        self.assertEqual(received, taken)
        self.at_rest()

    def test_replies_wait_for_who_does_not_read(self):
        """A client that asks and does not read is not read either, and loses nothing."""
        client = self.slow[0]
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        asked = 3000
        unsent = b"".join(goim.frame(goim.SUB, seq, b"-" * 400) for seq in range(asked))
        answers = []

        def send_some():
            nonlocal unsent
            client.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                unsent = unsent[client.socket.send(unsent):]

        # Until nothing has moved for a while.
        still = 0
        while still < 50:
            before = len(unsent)
            send_some()
            still = still + 1 if len(unsent) == before else 0
            self.healthy[0].online()
        self.assertTrue(unsent, "everything was taken from a client that reads nothing")

        def all_answered():
            if unsent:
                send_some()
            answers.extend(client.take())
            return len(answers) == asked
        pump_all([client], all_answered, "the answers")
        self.assertEqual([(each.op, each.seq) for each in answers],
                         [(goim.SUB_REPLY, seq) for seq in range(asked)])


class Latest(SlowReaderTest):
    flags = (*FLAGS, "--room.overflow", "latest")

    def test_the_slow_go_on_at_the_newest(self):
        self.push_to_room()
        received = self.read_slowly(MESSAGES - 1)
        skipped = self.at_rest().skipped["overflow"]
        self.assertEqual(sum(len(numbers) for numbers in received) + skipped, 2 * MESSAGES)


class Close(SlowReaderTest):
    flags = (*FLAGS, "--room.overflow", "close")

    def test_the_slow_are_closed(self):
        self.push_to_room()
        for client in self.slow:
            client.drain()
            numbers = numbers_of(client.take())
            self.assertEqual(numbers, list(range(len(numbers))))
        status = self.at_rest()
        self.assertEqual(status.closed["slow_consumer"], 2)
        self.assertEqual(status.connections, 4)


class Stalled(SlowReaderTest):
    flags = FLAGS + ("--client.stall_timeout_ms", "500")

    def test_who_takes_nothing_for_too_long_is_closed(self):
        self.push_to_room()
        wait_until(lambda: self.pusher.status().closed["stalled"] == 2,
                   "the slow clients to be closed")
        for client in self.slow:
            client.drain()
            numbers = numbers_of(client.take())
            self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual(self.at_rest().connections, len(self.healthy))


class Moving(SlowReaderTest):
    def test_leaving_a_room_that_one_lags_in(self):
        """What the log kept for it when it left still comes, whole, before what came later."""
        kept = 32768 // 2 // BODY_BYTES
        self.push_to_room(kept)
        other = "slow://2"
        for client in self.slow:
            client.send_frame(goim.CHANGE_ROOM, 7, other.encode())
        # Their answers wait behind all the rest; that the room takes them in can be seen like this.
        wait_until(lambda: self.pusher.push_rooms([other], "probe", op=1).taken == 2,
                   "the slow ones to move")
        self.assertEqual(self.pusher.push_rooms([ROOM, other], b"later").taken, 6)
        wanted = [goim.pushed(numbered(number)) for number in range(kept)]
        reply = goim.Frame(goim.CHANGE_ROOM_REPLY, 7, other.encode(), 1)
        for client in self.slow:
            frames = []

            def all_came():
                frames.extend(client.take())
                return goim.pushed(b"later") in frames
            pump_all([client], all_came, "what was kept, the answer and the last message")
            self.assertEqual([frame for frame in frames if frame.op == 1000],
                             [*wanted, goim.pushed(b"later")])
            self.assertLess(frames.index(reply), frames.index(goim.pushed(b"later")))
        self.assertEqual(self.at_rest().skipped["overflow"], 0)


class Ended(SlowReaderTest):
    def test_kicking_one_that_does_not_read(self):
        self.push_to_room(300)
        began = time.monotonic()
        self.assertEqual(self.pusher.kick_keys("slow-TcpClient", "slow-WsClient").taken, 2)
        wait_until(lambda: self.pusher.status().connections == 4, "the slow ones to be gone")
        self.assertEqual(self.pusher.push_rooms([ROOM], numbered(0)).taken, 4)
        for client in self.slow:
            client.drain()
            numbers = numbers_of(client.take())
            self.assertEqual(numbers, sorted(set(numbers)))
        self.assertLess(time.monotonic() - began, DEADLINE_S)
        self.at_rest()

    def test_replacing_one_that_does_not_read(self):
        """Its queues are full, and neither the newcomer nor anybody else waits for it."""
        self.push_to_room(300)
        for kind, address in ((TcpClient, self.gateway.tcp), (WsClient, self.gateway.ws)):
            self.keep(kind(address)).login(key=f"slow-{kind.__name__}", room_id=ROOM)
        wait_until(lambda: self.pusher.status().closed["replaced"] == 2, "the old ones to be gone")
        self.assertEqual(self.pusher.push_rooms([ROOM], numbered(0)).taken, 6)
        self.at_rest()

    def test_one_that_goes_away(self):
        self.push_to_room(300)
        self.slow[0].reset()
        self.slow[1].close()
        self.push_to_room(300)
        wait_until(lambda: self.pusher.status().connections == 4, "the slow ones to be gone")
        status = self.at_rest()
        self.assertGreater(sum(status.skipped.values()), 0)


class SlowPusher(GatewayTest):
    def test_a_pusher_that_reads_its_replies_late(self):
        pusher, other = (self.keep(Pusher(self.gateway)) for _ in range(2))
        client = self.keep(TcpClient(self.gateway.tcp)).login(key="k", accepts=[1000])
        requests = [pusher.submit(bytes_field(STATUS, b"")) for _ in range(1000)]
        requests += [pusher.submit(push_keys(["k"], str(number))) for number in range(1000)]
        for _ in range(50):
            self.assertEqual(other.push_keys(["k"], "other").taken, 1)
        replies = [pusher.receive() for _ in requests]
        self.assertEqual(sorted(reply.id for reply in replies), requests)
        self.assertTrue(all(reply.code == 0 for reply in replies))
        bodies = [client.receive().body for _ in range(1050)]
        self.assertEqual([body for body in bodies if body != b"other"],
                         [b"%d" % number for number in range(1000)])


if __name__ == "__main__":
    harness.main()
