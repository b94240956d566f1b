#!/usr/bin/env python3
"""npm's ws as a client: the WebSocket library that other people's clients are made with."""

import pathlib

import goim
import harness
from harness import GatewayTest, wait_until
from npm_ws import NodeClient, install_ws
from push_port import Pusher

CLIENT = pathlib.Path(__file__).with_name("npm_ws_client.js")


class Client(NodeClient):
    """One WebSocket."""

    def __init__(self, modules, url, *arguments):
        super().__init__(modules, CLIENT, url, *arguments)

    def send(self, *parts, binary=True):
        self.do("send", parts=[part.hex() for part in parts], binary=binary)

    def wait_for_messages(self, count):
        """The bytes of the first `count` messages."""
        wait_until(lambda: len(self.messages()) >= count, f"{count} messages")
        return self.messages()[:count]

    def messages(self):
        return [bytes.fromhex(event["hex"]) for event in list(self.events)
                if event["what"] == "message"]


class NpmWs(GatewayTest):
    extensions = ""

    @classmethod
    def setUpClass(cls):
        cls.modules = install_ws()
        super().setUpClass()

    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))

    def connect(self, *arguments, path="/sub"):
        url = "ws://%s:%d" % self.gateway.ws + path
        return self.keep(Client(self.modules, url, *arguments))

    def login(self, **fields):
        client = self.connect()
        client.wait_for({"what": "open", "extensions": self.extensions})
        client.send(goim.login_frame(**fields))
        self.assertEqual(client.wait_for_messages(1), [goim.frame(goim.AUTH_REPLY, 1)])
        return client

    def test_goims_javascript_client(self):
        client = self.connect("goim")
        client.wait_for({"what": "open", "extensions": self.extensions, "protocol": ""},
                        {"what": "auth", "ver": 1, "seq": 1, "bytes": 16},
                        {"what": "heartbeat", "online": 1})
        for text, push in (("room", lambda text: self.pusher.push_rooms(["live://1000"], text)),
                           ("mid", lambda text: self.pusher.push_mids([123], text)),
                           ("all", lambda text: self.pusher.push_all(text))):
            self.assertEqual(push(text).taken, 1)
            client.wait_for({"what": "push", "op": 1000, "ver": 1, "body": text})
        self.pusher.kick_mids(123)
        client.wait_for({"what": "close", "code": 3003, "clean": True})

    def test_fragments_and_large_messages(self):
        client = self.login()
        message = goim.frame(5000, 1, b"x" * 4096)
        client.send(message)
        client.send(message[:1], message[1:16], b"", message[16:3000], message[3000:])
        client.send(*(bytes([byte]) for byte in goim.frame(5001, 2, b"y" * 40)))
        client.send(goim.frame(100, 3, "text ✓".encode()), binary=False)
        self.assertEqual(client.wait_for_messages(5)[1:], [
            goim.frame(5000, 1), goim.frame(5000, 1), goim.frame(5001, 2), goim.frame(100, 3)])

    def test_large_pushes(self):
        client = self.login(key="large", accepts=[1000])
        wanted = []
        for size in (0, 93, 94, 65503, 65504, 262144):
            self.assertEqual(self.pusher.push_keys(["large"], b"z" * size).taken, 1)
            wanted.append(goim.frame(goim.RAW, 0, goim.frame(1000, 0, b"z" * size)))
            # One that came while the last still waits might be refused.
            client.wait_for_messages(1 + len(wanted))
        self.assertEqual(client.messages()[1:], wanted)

    def test_pings(self):
        client = self.login()
        for payload in (b"", b"ping", bytes(range(125))):
            client.do("ping", hex=payload.hex())
            client.wait_for({"what": "pong", "hex": payload.hex()})
        client.do("pong", hex="00")
        client.send(goim.frame(goim.HEARTBEAT, 2))
        self.assertEqual(client.wait_for_messages(2)[1],
                         goim.frame(goim.HEARTBEAT_REPLY, 2, bytes(4)))

    def test_close_codes_in_both_directions(self):
        for code, reason in ((1000, "bye"), (1001, ""), (3999, "x" * 123), (4000, "✓")):
            client = self.login()
            client.do("close", code=code, reason=reason)
            client.wait_for({"what": "close", "code": code, "reason": ""})
        client = self.login(key="twice")
        self.login(key="twice")
        client.wait_for({"what": "close", "code": 3001, "reason": ""})
        for sent, binary, code in ((b"\xff", False, 1007), (b"x" * 9000, True, 1009),
                                   (goim.frame(1)[:15], True, 1008)):
            client = self.login()
            client.send(sent, binary=binary)
            client.wait_for({"what": "close", "code": code, "reason": ""})

    def test_a_path_that_is_not_there(self):
        client = self.connect(path="/chat")
        client.wait_for({"what": "refused", "status": 404})

    def test_a_client_that_terminates(self):
        client = self.login(key="gone")
        client.do("terminate")
        wait_until(lambda: not self.pusher.online("gone"), "it to be gone")


class CompressingNpmWs(NpmWs):
    """The same with permessage-deflate, which ws offers: room messages come compressed, and what it
    sends beyond 1 KiB goes so."""

    flags = ("--websocket.deflate_bytes", "1")
    extensions = "permessage-deflate"  # of the answer, ws tells the name

    def test_room_messages_of_every_length(self):
        client = self.login(room_id="deflate://1", accepts=[1000])
        wanted = []
        for size in (0, 1, 94, 4096, 65503, 65504, 262144):
            body = bytes(index * index % 251 for index in range(size))
            self.assertEqual(self.pusher.push_rooms(["deflate://1"], body).taken, 1)
            wanted.append(goim.frame(goim.RAW, 0, goim.frame(1000, 0, body)))
        self.assertEqual(client.wait_for_messages(1 + len(wanted))[1:], wanted)


class GopusherNpmWs(GatewayTest):
    """What a page of Gopusher's would be made of: it answers pings by itself."""

    flags = ("--listen.gopusher", "127.0.0.1:0", "--gopusher.ping_ms", "100",
             "--gopusher.pong_timeout_ms", "2000")

    @classmethod
    def setUpClass(cls):
        cls.modules = install_ws()
        super().setUpClass()

    def test_it_lives_on_pings_and_gets_what_is_pushed(self):
        url = "ws://%s:%d" % self.gateway.gopusher
        client = self.keep(Client(self.modules, url + "/ws?c=npm&t=x"))
        client.wait_for({"what": "open", "extensions": ""})
        ping = {"what": "ping", "hex": ""}
        wait_until(lambda: client.events.count(ping) >= 25, "more pings than one timeout has")
        pusher = self.keep(Pusher(self.gateway))
        self.assertEqual(pusher.push_keys(["npm"], "naïve ✓".encode()).taken, 1)
        client.wait_for({"what": "message", "hex": "naïve ✓".encode().hex(), "binary": False})
        self.keep(Client(self.modules, url + "/ws?c=npm&t=x")).wait_for(
            {"what": "refused", "status": 400})
        self.keep(Client(self.modules, url + "/ws?c=npm")).wait_for(
            {"what": "refused", "status": 401})


if __name__ == "__main__":
    harness.main()
