#!/usr/bin/env python3
"""Clients that send rubbish, say nothing, vanish, and come back with the same key."""

import random
import time

import goim
import harness
import websocket
from goim import TcpClient, pushed
from harness import GatewayTest, wait_until
from push_port import INVALID_ARGUMENT, OFFLINE, Pusher, framed, push_all, push_keys, push_rooms
from stream import Ended, Stream
from websocket import WsClient

SEED = 20240607


class AbuseTest(GatewayTest):
    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))

    def addresses(self):
        return (self.gateway.tcp, self.gateway.ws, self.gateway.push)

    def assert_alone(self):
        """Nothing is left of the clients there were."""
        def figures():
            status = self.pusher.status()
            return (status.connections, status.channels, status.rooms, status.push_connections)
        wait_until(lambda: figures() == (0, 0, 0, 1), "all connections to be gone")
        self.assertTrue(wait_until(lambda: self.pusher.status().at_rest(), "the books to balance"))


class Rubbish(AbuseTest):
    def test_on_every_port(self):
        rng = random.Random(SEED)
        for address in self.addresses():
            for _ in range(60):
                stream = self.keep(Stream(address))
                try:
                    for _ in range(rng.randrange(1, 6)):
                        stream.send(rng.randbytes(rng.choice((1, 3, 16, 200, 5000, 70000))))
                except ConnectionError:
                    pass
                if rng.random() < 0.3:
                    stream.reset()
                else:
                    stream.end()
                    stream.read_all()
        self.assert_alone()

    def test_other_protocols(self):
        tls = bytes.fromhex("1603010200010001fc0303") + bytes(64)
        http = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        for address in self.addresses():
            for data in (tls, http, b"SSH-2.0-OpenSSH_9.2\r\n", b"*1\r\n$4\r\nPING\r\n", b"\0" * 64,
                         b"\xff" * 64, websocket.request()):
                stream = self.keep(Stream(address))
                stream.send(data)
                stream.end()
                stream.read_all()
        self.assert_alone()

    def test_damaged_conversations(self):
        """Good sessions with bytes changed: whatever happens, nobody else notices."""
        rng = random.Random(SEED)
        session = (goim.login_frame(key="damaged", room_id="damaged://1", accepts=[1000]) +
                   goim.frame(goim.HEARTBEAT, 2) + goim.frame(goim.SUB, 3, b"1001"))
        upgrade = websocket.request() + websocket.frame(session[:40]) + websocket.frame(session)
        push = framed(1, push_all("x")) + framed(2, push_all("y", op=1001))
        healthy = self.keep(WsClient(self.gateway.ws)).login(key="healthy", room_id="healthy://1")
        for address, good in zip(self.addresses(), (session, upgrade, push)):
            for _ in range(100):
                bad = bytearray(good)
                for _ in range(rng.randrange(1, 4)):
                    bad[rng.randrange(len(bad))] = rng.randrange(256)
                stream = self.keep(Stream(address))
                stream.send(bad)
                stream.end()
                stream.read_all()
        self.pusher.push_rooms(["healthy://1"], "hi")
        self.assertEqual(healthy.receive(), pushed(b"hi"))
        healthy.close()
        self.assert_alone()

    def test_push_frames_that_are_none(self):
        for data in (b"\0\0\0\0", b"\0\x10\0\1", b"\xff\xff\xff\xff",
                     b"\x7f\xff\xff\xff" + b"x" * 100):
            stream = self.keep(Pusher(self.gateway))
            stream.send(data)
            self.assertEqual(stream.read_all(), b"")
        stream = self.keep(Pusher(self.gateway))
        stream.send(b"\0\0\0\4\xff\xff\xff\xff")
        reply = stream.receive()
        self.assertEqual((reply.id, reply.code), (0, INVALID_ARGUMENT))
        self.assertEqual(stream.read_all(), b"")

    def test_calls_at_fault_leave_the_connection(self):
        pusher = self.keep(Pusher(self.gateway))
        for call in (b"", push_all("x", op=goim.HEARTBEAT), push_all("x", op=goim.RAW),
                     push_all("x" * 262145)):
            reply = pusher.call(call)
            self.assertNotEqual(reply.code, 0)
            self.assertTrue(reply.error)
        self.assertEqual(pusher.push_all("x").taken, 0)


class Silence(AbuseTest):
    """Who says nothing, or not enough, is closed when its time is up and not before."""

    flags = ("--client.handshake_timeout_ms", "1500", "--client.idle_timeout_ms", "1500")

    def assert_ends_in_time(self, stream, began):
        data = stream.read_all()
        took = time.monotonic() - began
        self.assertGreater(took, 1.4)
        return data

    def test_half_open_connections(self):
        began = time.monotonic()
        silent = [self.keep(Stream(address)) for address in (self.gateway.tcp, self.gateway.ws)]
        half = self.keep(Stream(self.gateway.tcp))
        half.send(goim.login_frame(key="half")[:20])
        line = self.keep(Stream(self.gateway.ws))
        line.send(b"GET /sub HTTP/1.1\r\nHost: x\r\n")
        # Frames that are no login do not count.
        busy = self.keep(Stream(self.gateway.tcp))
        busy.send(goim.frame(goim.HEARTBEAT, 1) * 20)
        upgraded = self.keep(WsClient(self.gateway.ws))
        for stream in (*silent, half, busy):
            self.assertIn(self.assert_ends_in_time(stream, began)[:12], (b"", b"HTTP/1.1 503"))
        self.assertTrue(self.assert_ends_in_time(line, began).startswith(b"HTTP/1.1 503 "))
        self.assertEqual(upgraded.read_close(), 3008)
        self.assertEqual(self.pusher.status().closed["handshake_timeout"], 6)

    def test_one_byte_now_and_then_does_not_help(self):
        began = time.monotonic()
        stream = self.keep(Stream(self.gateway.tcp))
        session = goim.login_frame(room_id="slow://" + "x" * 200)
        with self.assertRaises((Ended, ConnectionError)):
            for byte in session:
                stream.send(bytes([byte]))
                time.sleep(0.02)
                if not stream.pump():
                    raise Ended
        self.assertLess(time.monotonic() - began, harness.DEADLINE_S)

    def test_only_heartbeats_keep_a_client(self):
        began = time.monotonic()
        beating = self.keep(TcpClient(self.gateway.tcp)).login(key="beating")
        talking = self.keep(WsClient(self.gateway.ws)).login(key="talking", accepts=[1000])
        end = None
        while not end:
            self.assertEqual(beating.call(goim.HEARTBEAT, 1).op, goim.HEARTBEAT_REPLY)
            self.pusher.push_keys(["talking"], "x")
            try:
                talking.send_frame(1000, 1)
                talking.send(websocket.frame(b"", websocket.PING))
            except ConnectionError:
                break
            if not talking.pump():
                end = time.monotonic()
            self.assertLess(time.monotonic() - began, harness.DEADLINE_S)
            time.sleep(0.05)
        self.assertGreater(time.monotonic() - began, 1.4)
        self.assertTrue(talking.read_all().endswith(b"\x88\x02" + (3008).to_bytes(2, "big")))
        self.assertEqual(self.pusher.online("beating", "talking"), ["beating"])


class Vanishing(AbuseTest):
    def test_resets_while_pushes_go_out(self):
        rng = random.Random(SEED)
        room = "vanish://1"
        stays = self.keep(TcpClient(self.gateway.tcp)).login(room_id=room)
        sent = 0
        for _ in range(10):
            kinds = (TcpClient, self.gateway.tcp), (WsClient, self.gateway.ws)
            clients = [kind(address) for kind, address in kinds * 10]
            for index, client in enumerate(clients):
                client.login(room_id=room, key=f"v{index}")
            rng.shuffle(clients)
            for client in clients:
                self.pusher.submit(push_rooms([room], str(sent)))
                sent += 1
                client.reset() if rng.random() < 0.7 else client.close()
        for number in range(sent):
            self.assertEqual(self.pusher.receive().code, 0)
            self.assertEqual(stays.receive(), pushed(b"%d" % number))
        wait_until(lambda: self.pusher.status().connections == 1, "all others to be gone")
        wait_until(lambda: stays.online() == 1, "the room's count", pause_s=0.05)
        stays.close()
        self.assert_alone()

    def test_a_last_request_and_the_end_of_the_stream_together(self):
        for _ in range(50):
            tcp = self.keep(TcpClient(self.gateway.tcp)).login()
            tcp.send_frame(1000, 1)
            tcp.end()
            self.assertEqual(tcp.read_all(), goim.frame(1000, 1))
            ws = self.keep(WsClient(self.gateway.ws)).login()
            ws.send_frame(1000, 2)
            ws.end()
            self.assertEqual(ws.read_all(), b"\x82\x10" + goim.frame(1000, 2))
            pusher = self.keep(Pusher(self.gateway))
            pusher.submit(push_all("x"))
            pusher.end()
            pusher.read_all()
        self.assert_alone()

    def test_in_the_middle_of_a_login(self):
        for client in (TcpClient, WsClient):
            address = self.gateway.tcp if client is TcpClient else self.gateway.ws
            wrap = websocket.frame if client is WsClient else bytes
            for index in range(100):
                stream = client(address)
                stream.send(wrap(goim.login_frame(key=f"gone-{index}", room_id=f"gone://{index}")))
                stream.reset()
        self.assert_alone()


class SameKey(AbuseTest):
    """A key that logs in again and again while it is pushed to. What the pusher is told was taken
    reaches one of the key's connections; all else is reported as offline."""

    LOGINS = 200

    def run_logins(self, connect, wait):
        clients, requests = [], []
        for _ in range(self.LOGINS):
            clients.append(self.keep(connect()))
            requests += [self.pusher.submit(push_keys(["again"], str(len(requests) + more)))
                         for more in range(2)]
            if wait:
                clients[-1].receive()
        taken = []
        for reply in sorted((self.pusher.receive() for _ in requests), key=lambda each: each.id):
            result = reply.pushed()
            if result.taken:
                taken.append(b"%d" % requests.index(reply.id))
            else:
                self.assertEqual(result.refused, {0: OFFLINE})
        # The last one's stream is ended too.
        wait_until(lambda: self.pusher.status().connections == 1, "all but one to be replaced")
        self.assertEqual(self.pusher.kick_keys("again").taken, 1)
        received = []
        for client in clients:
            client.drain()
            received += [frame.body for frame in client.take() if frame.op == 1000]
        self.assertEqual(sorted(received, key=int), taken)
        self.assert_alone()
        return len(taken)

    def tcp(self):
        client = TcpClient(self.gateway.tcp)
        client.send(goim.login_frame(key="again", accepts=[1000]))
        return client

    def test_one_after_the_other(self):
        self.assertGreaterEqual(self.run_logins(self.tcp, wait=True), self.LOGINS)

    def test_all_at_once(self):
        self.run_logins(self.tcp, wait=False)

    def test_over_websocket(self):
        def connect():
            client = WsClient(self.gateway.ws)
            client.send_message(goim.login_frame(key="again", accepts=[1000]))
            return client
        self.run_logins(connect, wait=True)


class RefusedKey(AbuseTest):
    flags = ("--client.duplicate_key", "refuse")

    def test_the_second_login_is_refused(self):
        first = self.keep(TcpClient(self.gateway.tcp)).login(key="one", accepts=[1000])
        second = self.keep(WsClient(self.gateway.ws))
        second.send_message(goim.login_frame(key="one"))
        self.assertEqual(second.read_close(), 3002)
        self.pusher.push_keys(["one"], "x")
        self.assertEqual(first.receive(), pushed(b"x"))
        first.close()
        wait_until(lambda: not self.pusher.online("one"), "the first to be gone")
        self.keep(WsClient(self.gateway.ws)).login(key="one")


class SharedKey(AbuseTest):
    flags = ("--client.duplicate_key", "allow", "--client.duplicate_key_max", "3")

    def test_one_more_than_allowed_replaces_the_oldest(self):
        clients = [self.keep(WsClient(self.gateway.ws)).login(key="one", accepts=[1000])
                   for _ in range(5)]
        for client in clients[:2]:
            self.assertEqual(client.read_close(), 3001)
        self.assertEqual(self.pusher.push_keys(["one"], "x").taken, 3)
        for client in clients[2:]:
            self.assertEqual(client.receive(), pushed(b"x"))
        self.assertEqual(self.pusher.kick_keys("one").taken, 3)
        self.assert_alone()


if __name__ == "__main__":
    harness.main()
