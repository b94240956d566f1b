#!/usr/bin/env python3
"""Gopusher's clients, of 1.0 (signed queries) and of 0.x (c and t), on a listener of their own."""

import base64
import hashlib
import hmac
import time
import urllib.parse

import goim
import harness
from harness import Gateway, GatewayTest, wait_until
from push_port import Pusher
from websocket import BINARY, PING, PONG, TEXT, WsClient, request

SECRET, NODE, KEY = "correct horse", "node-1", "app-key"
LISTEN = ("--listen.gopusher", "127.0.0.1:0")
SIGNED = (*LISTEN, "--gopusher.app_secret", SECRET, "--gopusher.node", NODE,
          "--gopusher.app_key", KEY)


def token(client_id, stamp, secret=SECRET):
    text = f"{client_id}{stamp}{NODE}{KEY}".encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def signed(client_id, stamp=None, secret=SECRET, path="/"):
    """The target of a 1.0 client's request."""
    stamp = str(int(time.time()) if stamp is None else stamp)
    return path + "?" + urllib.parse.urlencode(
        {"client_id": client_id, "time": stamp, "token": token(client_id, stamp, secret)})


class GopusherClient(WsClient):
    def __init__(self, gateway):
        super().__init__(gateway.gopusher, upgrade=False)

    def log_in(self, target):
        self.upgrade(target)
        return self

    def refused(self, target, **headers):
        """The whole answer to a request that is refused."""
        self.send(request(target, **headers))
        return self.read_all()


class Clients(GatewayTest):
    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))

    def connect(self):
        return self.keep(GopusherClient(self.gateway))

    def assert_unauthorized(self, target):
        answer = self.connect().refused(target)
        self.assertTrue(answer.startswith(b"HTTP/1.1 401 Unauthorized\r\n"), answer)
        self.assertIn(b"\r\nSec-WebSocket-Version: 13\r\n", answer)


class Version1(Clients):
    flags = SIGNED

    def test_messages_are_what_was_pushed(self):
        client = self.connect().log_in(signed("7 ü", path="/any/path"))
        for body, opcode in (("naïve ✓".encode(), TEXT), (b"", TEXT), (b"\xff\x00", BINARY),
                             (b"x" * 70_000, TEXT)):
            self.assertEqual(self.pusher.push_keys(["7 ü"], body, op=5).taken, 1)
            self.assertEqual(client.read_ws(), (0x80 | opcode, body))
        self.assertEqual(self.pusher.push_all(b"to all", op=1007).taken, 1)
        self.assertEqual(client.read_ws(), (0x80 | TEXT, b"to all"))
        self.pusher.push_keys(["7 ü"], goim.frame(1, 0, b"one") + goim.frame(2, 0, b"two"),
                              batch=True)
        self.assertEqual([client.read_ws()[1] for _ in range(2)], [b"one", b"two"])
        self.pusher.kick_keys("7 ü")
        self.assertEqual(client.read_close(), 3003)

    def test_tokens_are_held_against_the_secret_and_the_clock(self):
        good = signed("id")
        for target in ("/", signed("id", secret="wrong"), good.replace("id=id", "id=other"),
                       good[:-1], good + "x", signed("id", int(time.time()) - 60),
                       signed("id", int(time.time()) + 60), "/ws?c=id&t=x"):
            self.assert_unauthorized(target)

    def test_a_plus_that_is_not_escaped(self):
        now = int(time.time())
        client_id = next(f"plus{n}" for n in range(1000) if "+" in token(f"plus{n}", now))
        self.connect().log_in(
            f"/?client_id={client_id}&time={now}&token={token(client_id, now)}")

    def test_the_second_of_an_id_is_refused(self):
        first = self.connect().log_in(signed("twice"))
        for _ in range(4):  # on whichever shard it comes
            answer = self.connect().refused(signed("twice"))
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
        self.assertEqual(self.pusher.push_keys(["twice"], b"x").taken, 1)
        self.assertEqual(first.read_ws(), (0x80 | TEXT, b"x"))
        first.close()
        wait_until(lambda: not self.pusher.online("twice"), "it to be gone")
        self.connect().log_in(signed("twice"))

    def test_what_it_says_means_nothing_up_to_a_limit(self):
        client = self.connect().log_in(signed("talks"))
        client.send_message(b"x" * 512, TEXT)
        client.send_message(goim.login_frame(key="else"))
        client.send_message(b"hello?", PING)
        self.assertEqual(client.read_ws(), (0x80 | PONG, b"hello?"))
        client.send_message(b"x" * 513)
        self.assertEqual(client.read_close(), 1009)


class Version0(Clients):
    flags = LISTEN

    def test_the_backend_judges(self):
        client = self.connect().log_in("/ws?c=zero&t=whatever")
        self.assertEqual(self.pusher.push_keys(["zero"], b"x").taken, 1)
        self.assertEqual(client.read_ws(), (0x80 | TEXT, b"x"))
        for target in ("/ws", "/ws?c=zero", "/ws?t=whatever", "/ws?c=" + "k" * 300 + "&t=x"):
            self.assert_unauthorized(target)

    def test_without_a_secret_nobody_can_sign(self):
        self.assert_unauthorized(signed("id", secret=""))
        wait_until(lambda: "logins of Gopusher 1.0 are refused" in self.gateway.stderr(), "the log to tell")


class Pings(Clients):
    flags = (*LISTEN, "--gopusher.ping_ms", "200", "--gopusher.pong_timeout_ms", "3000")

    def test_only_pongs_keep_it(self):
        client = self.connect().log_in("/ws?c=pings&t=x")
        for _ in range(16):  # longer than the timeout
            self.assertEqual(client.read_ws(), (0x80 | PING, b""))
            client.send_message(b"", PONG)
        self.assertEqual(client.read_ws(), (0x80 | PING, b""))
        client.send_message(b"no pong", TEXT)
        self.assertEqual(client.read_close(), 3008)


class Replacing(Clients):
    flags = (*SIGNED, "--gopusher.duplicate", "replace", "--gopusher.unsigned_logins", "on",
             "--gopusher.client_id_alias", "uid")

    def test_the_newcomer_wins_and_names_may_differ(self):
        first = self.connect().log_in("/ws?c=same&t=x")
        self.connect().log_in(signed("same").replace("client_id", "uid"))
        self.assertEqual(first.read_close(), 3001)


class Full(harness.unittest.TestCase):
    def test_who_finds_it_full_is_told_when_to_come_back(self):
        with Gateway(*LISTEN, "--shard.connections_max", "1") as gateway:
            first = GopusherClient(gateway).log_in("/ws?c=1&t=x")
            self.addCleanup(first.close)
            second = GopusherClient(gateway)
            self.addCleanup(second.close)
            answer = second.refused("/ws?c=2&t=x")
            self.assertTrue(answer.startswith(b"HTTP/1.1 503 "), answer)
            self.assertIn(b"\r\nRetry-After: ", answer)


if __name__ == "__main__":
    harness.main()
