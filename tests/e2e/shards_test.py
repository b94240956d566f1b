#!/usr/bin/env python3
"""Eight shards: every member of a room gets everything, all in the same order, whatever shard it is
on and whatever shard the message came in by; and the figures add up."""

import collections
import random
import time

import goim
import harness
from goim import TcpClient
from harness import GatewayTest, wait_until
from push_port import OFFLINE, Pusher, push_rooms
from stream import pump_all
from websocket import WsClient

SHARDS = 8
CLIENTS = 300
ROOMS = 10  # every client is in one of them; the shared room is one more
SHARED = "shared://room"
PUSHERS = 4
MESSAGES = 50  # of each pusher


class ShardsTest(GatewayTest):
    shards = SHARDS

    def setUp(self):
        harness.raise_descriptor_limit()
        self.pushers = [self.keep(Pusher(self.gateway)) for _ in range(PUSHERS)]
        self.pusher = self.pushers[0]
        self.assert_gone()  # those of the test before

    def connect(self, index):
        kind, address = ((TcpClient, self.gateway.tcp), (WsClient, self.gateway.ws))[index % 2]
        return self.keep(kind(address))

    def log_in(self, count, **fields_of):
        """`count` clients; each of the fields is a function of the client's index."""
        clients = [self.connect(index) for index in range(count)]
        for index, client in enumerate(clients):
            login = goim.login_frame(**{name: make(index) for name, make in fields_of.items()})
            client.send_message(login) if index % 2 else client.send(login)
        for client in clients:
            self.assertEqual(client.receive(), goim.Frame(goim.AUTH_REPLY, 1, b"", 1))
        return clients

    def collect(self, clients, count):
        """What each client gets, until each has `count` pushes; none gets more."""
        received = {client: [] for client in clients}

        def enough():
            for client in clients:
                received[client] += client.take()
            return all(len(frames) >= count for frames in received.values())
        pump_all(clients, enough, f"{count} messages at each of {len(clients)} clients")
        for client in clients:
            self.assertEqual(len(received[client]), count)
        return received.values()

    def at_rest(self):
        status = wait_until(lambda: (status := self.pusher.status()).at_rest() and status,
                            "the books to balance")
        self.assertEqual(len(status.shards), SHARDS)
        return status

    def assert_gone(self):
        wait_until(lambda: self.pusher.status().connections == 0, "the clients to be gone")


class Rooms(ShardsTest):
    def test_one_room_from_four_pushers(self):
        before = self.at_rest().books
        clients = self.log_in(CLIENTS, room_id=lambda _: SHARED, key=lambda index: f"k{index}")
        # All at once, and each without waiting for its answers.
        sent = {pusher: {} for pusher in self.pushers}
        for number in range(MESSAGES):
            for index, pusher in enumerate(self.pushers):
                body = f"{index}:{number}"
                sent[pusher][pusher.submit(push_rooms([SHARED], body))] = body.encode()
        received = self.collect(clients, PUSHERS * MESSAGES)

        orders = {tuple(frame.body for frame in frames) for frames in received}
        self.assertEqual(len(orders), 1, "members saw different orders")
        order = orders.pop()
        self.assertEqual(len(set(order)), PUSHERS * MESSAGES)
        sequences = {}
        for index, pusher in enumerate(self.pushers):
            mine = [body for body in order if body.startswith(b"%d:" % index)]
            self.assertEqual(mine, list(sent[pusher].values()))
            for _ in range(MESSAGES):
                reply = pusher.receive()
                result = reply.pushed()
                self.assertEqual((result.taken, result.refused), (CLIENTS, {}))
                sequences[result.sequence[0]] = sent[pusher][reply.id]
        # The numbers that the pushers were told are the order that the members saw.
        self.assertEqual(tuple(sequences[number] for number in sorted(sequences)), order)

        status = self.at_rest()
        delivered = CLIENTS * PUSHERS * MESSAGES
        self.assertEqual(status.books["expected"] - before["expected"], delivered)
        self.assertEqual(status.books["delivered"] - before["delivered"], delivered)
        self.assertTrue(all(shard.figures["channels"] > 0 for shard in status.shards))

    def test_many_rooms(self):
        room_of = "many://{}".format
        clients = self.log_in(CLIENTS, room_id=lambda index: room_of(index % ROOMS))
        rng = random.Random(1)
        members = collections.Counter(room_of(index % ROOMS) for index in range(CLIENTS))
        self.assertEqual(self.pusher.rooms("many://"), (members, ROOMS))
        self.assertEqual(self.pusher.rooms("many://1", limit=5),
                         ({"many://1": CLIENTS // ROOMS}, 1))
        expected = {room: [] for room in members}
        for number in range(100):
            rooms = rng.sample(sorted(members), rng.randrange(1, ROOMS))
            result = rng.choice(self.pushers).push_rooms([*rooms, "many://none"], str(number))
            self.assertEqual(result.taken, len(rooms) * CLIENTS // ROOMS)
            self.assertEqual(result.refused, {len(rooms): OFFLINE})
            for room in rooms:
                expected[room].append(b"%d" % number)
        for room, bodies in expected.items():
            inside = [client for index, client in enumerate(clients)
                      if room_of(index % ROOMS) == room]
            for frames in self.collect(inside, len(bodies)):
                self.assertEqual([frame.body for frame in frames], bodies)
        self.at_rest()

    def test_online_counts_follow_members_on_all_shards(self):
        clients = self.log_in(40, room_id=lambda _: "count://1")

        def all_count(some, wanted):
            wait_until(lambda: {client.online() for client in some} == {wanted},
                       f"everybody to count {wanted}", pause_s=0.05)
        all_count(clients, 40)
        for client in clients[:15]:
            self.assertEqual(client.call(goim.CHANGE_ROOM, 0, b"count://2").op,
                             goim.CHANGE_ROOM_REPLY)
        all_count(clients[15:], 25)
        all_count(clients[:15], 15)
        self.assertEqual(self.pusher.rooms("count://"), ({"count://1": 25, "count://2": 15}, 2))
        for client in clients[20:]:
            client.close()
        all_count(clients[15:20], 5)
        for client in clients[:20]:
            client.close()
        self.assert_gone()
        self.assertEqual(self.pusher.rooms(), ({}, 0))
        self.assertEqual(self.pusher.status().rooms, 0)

    def test_rooms_that_are_joined_and_left_while_pushed_to(self):
        """Who has been told that it is in gets all that is pushed after; who has left, nothing."""
        rng = random.Random(2)
        clients = self.log_in(24, key=lambda index: f"hop{index}")
        inside = [None] * len(clients)
        number = 0
        for _ in range(150):
            index = rng.randrange(len(clients))
            room = rng.choice((None, "hop://1", "hop://2", "hop://3"))
            self.assertEqual(clients[index].call(goim.CHANGE_ROOM, 0, (room or "").encode()).op,
                             goim.CHANGE_ROOM_REPLY)
            inside[index] = room
            room = rng.choice(("hop://1", "hop://2", "hop://3"))
            members = [client for client, is_in in zip(clients, inside) if is_in == room]
            result = rng.choice(self.pushers).push_rooms([room], str(number))
            self.assertEqual(result.taken, len(members))
            for client in members:
                self.assertEqual(client.receive(), goim.pushed(b"%d" % number))
            number += 1
        for client in clients:
            client.online()  # the next thing it gets: there was nothing else


class Keys(ShardsTest):
    def test_keys_and_mids_are_found_wherever_they_are(self):
        before = self.pusher.status()
        clients = self.log_in(CLIENTS, key=lambda index: f"key-{index}",
                              mid=lambda index: 1 + index % 7, accepts=lambda _: [1000])
        keys = [f"key-{index}" for index in range(CLIENTS)]
        self.assertEqual(self.pusher.online("nobody", *keys, "key-x"), keys)
        status = self.pusher.status()
        spread = [shard.figures["channels"] for shard in status.shards]
        self.assertEqual(sum(spread), CLIENTS)
        self.assertGreater(min(spread), CLIENTS / SHARDS / 4)
        # The kernel spreads accepts, the key's hash decides: most have moved, none was lost.
        moved = status.moved_in - before.moved_in
        self.assertEqual(moved, status.moved_out - before.moved_out)
        self.assertGreater(moved, CLIENTS / 2)

        result = self.pusher.push_keys(["nobody", *keys], "to keys")
        self.assertEqual((result.taken, result.refused), (CLIENTS, {0: OFFLINE}))
        result = self.pushers[1].push_mids([99, *range(1, 8)], "to mids")
        self.assertEqual((result.taken, result.refused), (CLIENTS, {0: OFFLINE}))
        self.assertEqual(self.pushers[2].push_all("to all").taken, CLIENTS)
        for frames in self.collect(clients, 3):
            self.assertEqual(sorted(frame.body for frame in frames),
                             [b"to all", b"to keys", b"to mids"])
        self.assertEqual(self.pusher.kick_mids(3).taken, len(range(2, CLIENTS, 7)))
        self.assertEqual(self.pusher.kick_keys(*keys).taken,
                         CLIENTS - len(range(2, CLIENTS, 7)))
        for client in clients:
            client.drain()
        self.assert_gone()
        self.at_rest()

    def test_messages_to_one_key_keep_their_order(self):
        client = self.log_in(1, key=lambda _: "ordered", accepts=lambda _: [1000])[0]
        for pusher in self.pushers:
            for number in range(200):
                pusher.push_keys(["ordered"], str(number))
        self.assertEqual([client.receive().body for _ in range(200 * PUSHERS)],
                         [b"%d" % number for number in range(200)] * PUSHERS)

    def test_a_paced_broadcast_reaches_everybody_and_not_at_once(self):
        clients = self.log_in(60, accepts=lambda _: [1000])
        began = time.monotonic()
        self.assertEqual(self.pusher.push_all("paced", pace=120).taken, 60)
        # It does not hold up the others.
        self.assertEqual(self.pushers[1].push_keys(["nobody"], "x").refused, {0: OFFLINE})
        for frames in self.collect(clients, 1):
            self.assertEqual(frames[0].body, b"paced")
        self.assertGreater(time.monotonic() - began, 0.2)

    def test_the_same_key_from_many_sides(self):
        """Whatever shard they come in by, the connections of a key meet, and one is left."""
        clients = self.log_in(40, key=lambda _: "one", accepts=lambda _: [1000])
        wait_until(lambda: self.pusher.status().connections == 1, "all but one to be replaced")
        self.assertEqual(self.pusher.push_keys(["one"], "x").taken, 1)
        pump_all(clients, lambda: sum(client.ended for client in clients) == 39, "39 ends")
        left = [client for client in clients if not client.ended]
        self.assertEqual(left[0].receive(), goim.pushed(b"x"))


if __name__ == "__main__":
    harness.main()
