#!/usr/bin/env python3
"""gopush-cluster's clients: on TCP, and on WebSocket at /sub?key=..."""

import json
import urllib.parse

import goim
import harness
from goim import TcpClient, pushed
from harness import GatewayTest, wait_until
from push_port import Pusher
from stream import Stream
from websocket import BINARY, TEXT, WsClient

GOPUSH = ("--listen.gopush_tcp", "127.0.0.1:0")
GOPUSH_TLS = ("--listen.gopush_tcp_tls", "127.0.0.1:0")


def command(*arguments):
    return b"*%d\r\n" % len(arguments) + b"".join(
        b"$%d\r\n%s\r\n" % (len(argument.encode()), argument.encode()) for argument in arguments)


class GopushClient(Stream):
    """`tls`, as Stream has it: one of the listener inside TLS."""

    def __init__(self, gateway, tls=None):
        super().__init__(gateway.address("gopush_tls") if tls else gateway.gopush, tls=tls)

    def subscribe(self, key, heartbeat="30", *more):
        self.send(command("sub", key, heartbeat, *more))
        assert self.read(4) == b"+h\r\n"
        return self

    def beat(self):
        self.send(b"h")
        assert self.read(4) == b"+h\r\n"

    def receive(self):
        """The next message, whose length must be exact."""
        head = self.read_until(b"\r\n")
        assert head[:1] == b"$", head
        text = self.read(int(head[1:-2]))
        assert self.read(2) == b"\r\n"
        return json.loads(text)


class GopushWsClient(WsClient):
    def __init__(self, gateway, **query):
        super().__init__(gateway.ws, upgrade=False)
        self.upgrade("/sub?" + urllib.parse.urlencode(query))

    def hear(self):
        first, payload = self.read_ws()
        assert first == 0x80 | TEXT, (first, payload)
        return payload


class Tcp(GatewayTest):
    flags = GOPUSH

    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))

    def connect(self):
        return self.keep(GopushClient(self.gateway))

    def test_a_subscription(self):
        client = self.connect().subscribe("Terry-Mao")
        client.beat()
        client.beat()
        self.assertEqual(self.pusher.push_keys(["Terry-Mao"], b'{ "test": 1 }').taken, 1)
        message = client.receive()
        self.assertEqual(set(message), {"msg", "mid", "gid"})
        self.assertEqual((message["msg"], message["gid"]), ('{ "test": 1 }', 0))

    def test_values_for_a_version_and_ids_that_ascend(self):
        client = self.connect().subscribe("versioned", "30", "", "1.0")
        seen = []
        for number in range(200):
            self.pusher.push_keys(["versioned"], b'{ "n": %d }' % number)
            message = client.receive()
            self.assertEqual(message["msg"], {"n": number})
            seen.append(message["mid"])
        self.assertEqual(seen, sorted(set(seen)))
        self.assertLess(seen[-1], 1 << 53)
        # Thousandths of a millisecond since 1970, roughly.
        self.assertLess(abs(seen[-1] / 1e6 - harness.time.time()), 60)

    def test_several_of_a_key_and_any_op(self):
        clients = [self.connect().subscribe("many") for _ in range(5)]
        goims = self.keep(TcpClient(self.gateway.tcp)).login(accepts=[1007])
        self.assertEqual(self.pusher.push_keys(["many"], b"1", op=5).taken, 5)
        self.assertGreaterEqual(self.pusher.push_all(b"2", op=1007).taken, 6)  # and of other tests
        for client in clients:
            self.assertEqual([client.receive()["msg"] for _ in range(2)], ["1", "2"])
        self.assertEqual(goims.receive(), pushed(b"2", op=1007))
        batch = goim.frame(1, 0, b"one") + goim.frame(2, 0, b"two")
        self.pusher.push_keys(["many"], batch, batch=True)
        first, second = clients[0].receive(), clients[0].receive()
        self.assertEqual([first["msg"], second["msg"]], ["one", "two"])
        self.assertEqual(second["mid"], first["mid"] + 1)

    def test_the_command_in_pieces_and_what_comes_with_it(self):
        client = self.connect()
        client.send_bytewise(command("sub", "slow", "30"))
        self.assertEqual(client.read(4), b"+h\r\n")
        client = self.connect()
        client.send(command("sub", "fast", "30", "token", "1") + b"hhh")
        self.assertEqual(client.read(16), b"+h\r\n" * 4)

    def test_errors(self):
        for data, answer in ((command("sub", "k", "29"), b"-p\r\n"), (command("sub"), b"-p\r\n"),
                             (command("pub", "k", "30"), b"-p\r\n"), (b"*3\n", b""),
                             (b"GET / HTTP/1.1\r\n\r\n", b""), (command("sub", "k" * 5000), b""),
                             (command("sub", "k" * 300, "30"), b"-a\r\n")):  # client.key_bytes
            client = self.connect()
            client.send(data)
            self.assertEqual(client.read_all(), answer, data)
        client = self.connect().subscribe("odd")
        client.send(b"x")
        self.assertEqual(client.read_all(), b"")

    def test_large_messages(self):
        client = self.connect().subscribe("large", "30", "", "1")
        for body in (b'"%s"' % (b"x" * 200_000), b"\x01" * 40_000, b"\xff" * 70_000):
            self.pusher.push_keys(["large"], body)
            message = client.receive()
            self.assertEqual(message.get("msg", ""), body.decode().strip('"')
                             if body[0] != 0xff else "")
            self.assertEqual("msg64" in message, body[0] == 0xff)


class WebSocket(GatewayTest):
    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))

    def connect(self, **query):
        return self.keep(GopushWsClient(self.gateway, **query))

    def test_a_subscription(self):
        client = self.connect(key="J&hn", heartbeat=30, ver=1)
        self.assertEqual(client.hear(), b"+h\r\n")
        for opcode in (TEXT, BINARY):
            client.send_message(b"h", opcode)
            self.assertEqual(client.hear(), b"+h\r\n")
        self.assertEqual(self.pusher.push_keys(["J&hn"], b'{"a": [1]}').taken, 1)
        message = json.loads(client.hear())
        self.assertEqual((message["msg"], message["gid"]), ({"a": [1]}, 0))
        self.pusher.kick_keys("J&hn")
        self.assertEqual(client.read_close(), 3003)

    def test_errors(self):
        client = self.connect(key="k", heartbeat=1)
        self.assertEqual(client.hear(), b"-p\r\n")
        self.assertEqual(client.read_close(), 1008)
        client = self.connect(key="k", heartbeat=30)
        self.assertEqual(client.hear(), b"+h\r\n")
        client.send_message(b"hello", TEXT)
        self.assertEqual(client.read_close(), 1008)

    def test_goims_clients_keep_their_path(self):
        client = self.keep(WsClient(self.gateway.ws, upgrade=False))
        client.upgrade("/sub?x=1&keys=2")
        client.login(key="goim", accepts=[1000])
        self.pusher.push_keys(["goim"], b"x")
        self.assertEqual(client.receive(), pushed(b"x"))


class Limited(GatewayTest):
    flags = (*GOPUSH, "--gopush.subscribers", "3")

    def test_the_limit_of_subscribers_is_exact(self):
        clients = [self.keep(GopushClient(self.gateway)).subscribe("key") for _ in range(3)]
        late = self.keep(GopushClient(self.gateway))
        late.send(command("sub", "key", "30"))
        self.assertEqual(late.read_all(), b"")
        self.assertEqual(self.keep(Pusher(self.gateway)).push_keys(["key"], b"x").taken, 3)
        clients.pop().close()
        pusher = self.keep(Pusher(self.gateway))
        wait_until(lambda: pusher.push_keys(["key"], b"y").taken == 2, "it to be gone")
        self.keep(GopushClient(self.gateway)).subscribe("key")


if __name__ == "__main__":
    harness.main()
