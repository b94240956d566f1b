#!/usr/bin/env python3
"""TLS in front of the dialects: clients of goim v1, in all that they speak, and of gopush-cluster."""

import http.client
import json
import tempfile

import goim
import harness
from certificates import Authority, trusting
from goim_v1 import SEND_SMS, SEND_SMS_REPLY, V1, V1_TLS, Poll, V1Client, V1JsonClient, V1WsClient
from goim_v1 import poll_request, polled, v1_pushed
from gopush_test import GOPUSH, GOPUSH_TLS, GopushClient
from harness import GatewayTest, wait_until
from push_port import Pusher
from stream import Stream

SITE = "site.example"
# More than a record of TLS holds.
LARGE = b"l" * 100_000


class DialectsTest(GatewayTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name, "root")
        cls.authority.issue("site", SITE)
        cls.flags = (*V1, *V1_TLS, *GOPUSH, *GOPUSH_TLS,
                     "--tls-certificates", cls.authority.file("site"),
                     "--tls-keys", cls.authority.file("site", "key"))
        super().setUpClass()

    def setUp(self):
        self.tls = (trusting(self.authority), SITE)
        self.pusher = self.keep(Pusher(self.gateway))

    def secure(self, kind, *arguments, **options):
        return self.keep(kind(self.gateway, *arguments, tls=self.tls, **options))

    def push_key(self, key, body):
        """Once the key is here."""
        wait_until(lambda: self.pusher.push_keys([key], body).taken == 1, key)

    def agreed(self, kind, *protocols):
        context = trusting(self.authority)
        context.set_alpn_protocols(protocols)
        stream = self.keep(Stream(self.gateway.address(kind), tls=(context, SITE)))
        return stream.socket.selected_alpn_protocol()


class GoimV1(DialectsTest):
    def test_tcp(self):
        # Several keys: some of the connections move to another shard after the login.
        clients = {f"frames-{number}": self.secure(V1Client) for number in range(8)}
        for key, client in clients.items():
            client.log_in(json.dumps({"key": key}))
            self.assertEqual(client.call(SEND_SMS, 3, b"x"), goim.Frame(SEND_SMS_REPLY, 3, b"x", 1))
            for body in (b"", b"hi", LARGE):
                self.assertEqual(self.pusher.push_keys([key], body).taken, 1)
                self.assertEqual(client.receive(), v1_pushed(body))
        for key, client in clients.items():
            self.pusher.kick_keys(key)
            self.assertEqual(client.read_all(), b"")

    def test_a_refused_login(self):
        client = self.secure(V1Client)
        client.send_frame(goim.AUTH, 1, b"nobody")
        self.assertEqual(client.read_all(), b"")

    def test_web_socket(self):
        frames = self.secure(V1WsClient).log_in('{"key":"binary"}')
        texts = self.secure(V1JsonClient).log_in('{"key":"text"}')
        for body in (b"hi", LARGE):
            self.assertEqual(self.pusher.push_keys(["binary", "text"], body).taken, 2)
            self.assertEqual(frames.receive(), v1_pushed(body))
            self.assertEqual(texts.receive_all(), [polled(body.decode())])
        self.pusher.kick_keys("binary", "text")
        for client in (frames, texts):
            self.assertEqual(client.read_close(), 3003)

    def test_a_long_poll(self):
        for callback in ("", "app.got"):
            client = self.secure(Poll, '{"key":"poll"}', callback=callback)
            self.push_key("poll", LARGE)
            self.assertEqual(client.answer(), polled(LARGE.decode()))

    def test_a_long_poll_that_is_refused(self):
        self.assertEqual(self.secure(Poll, "nobody").status()[0], 403)

    def test_an_ordinary_https_client(self):
        stream = self.keep(Stream(self.gateway.address("v1_wss"), tls=self.tls))
        connection = http.client.HTTPSConnection(SITE)
        connection.sock = stream.socket
        connection.request("GET", "/sub?ver=1&op=7&seq=1&t=501")
        wait_until(lambda: self.pusher.push_mids([501], b"[1]").taken == 1, "501")
        response = connection.getresponse()
        self.assertEqual((response.status, response.will_close), (200, True))
        self.assertEqual(json.load(response), polled([1]))

    def test_only_the_web_agrees_on_http(self):
        self.assertEqual(self.agreed("v1_wss", "h2", "http/1.1"), "http/1.1")
        self.assertIsNone(self.agreed("v1_tcp_tls", "h2", "http/1.1"))

    def test_nobody_speaks_plainly_there(self):
        before = self.pusher.status().closed["tls_failed"]
        for kind, data in (("v1_tcp_tls", goim.frame(goim.AUTH, 1, b"1")),
                           ("v1_wss", poll_request("1"))):
            client = self.keep(Stream(self.gateway.address(kind)))
            client.send(data)
            # An alert of TLS at most.
            self.assertLess(len(client.read_all()), 16)
        wait_until(lambda: self.pusher.status().closed["tls_failed"] == before + 2, "the reason")


class Gopush(DialectsTest):
    def test_a_subscription(self):
        clients = {f"sub-{number}": self.secure(GopushClient) for number in range(8)}
        for key, client in clients.items():
            client.subscribe(key)
            client.beat()
            for body in ('{ "test": 1 }', json.dumps("x" * 100_000)):
                self.assertEqual(self.pusher.push_keys([key], body.encode()).taken, 1)
                self.assertEqual(client.receive()["msg"], body)
        for key, client in clients.items():
            self.pusher.kick_keys(key)
            self.assertEqual(client.read_all(), b"")

    def test_plain_and_secure_ones_of_one_key(self):
        clients = [self.secure(GopushClient), self.keep(GopushClient(self.gateway))]
        for client in clients:
            client.subscribe("both")
        self.assertEqual(self.pusher.push_keys(["both"], b"1").taken, 2)
        for client in clients:
            self.assertEqual(client.receive()["msg"], "1")

    def test_it_agrees_on_no_protocol(self):
        self.assertIsNone(self.agreed("gopush_tls", "http/1.1"))


class Mixed(DialectsTest):
    def test_one_room_inside_tls_and_outside(self):
        room = "tls://dialects"
        token = json.dumps({"room_id": room})
        kinds = (V1Client, V1WsClient)
        secure = [self.secure(kind).log_in(token) for kind in kinds]
        plain = [self.keep(kind(self.gateway)).log_in(token) for kind in kinds]
        for number in range(100):
            self.assertEqual(self.pusher.push_rooms([room], str(number)).taken, 4)
        for client in secure + plain:
            self.assertEqual([client.receive() for _ in range(100)],
                             [v1_pushed(b"%d" % number) for number in range(100)])


if __name__ == "__main__":
    harness.main()
