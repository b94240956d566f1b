#!/usr/bin/env python3
"""halley.js, the client that the gateway brings along, over npm's ws."""

import json
import pathlib

import harness
from harness import Gateway, GatewayTest, wait_until
from npm_ws import NodeClient, install_ws
from push_port import Pusher
from tokens import claims, with_secret

CLIENT = pathlib.Path(__file__).with_name("web_client.mjs")


class Client(NodeClient):
    """Connected, unless `connect` is False."""

    def __init__(self, modules, gateway, connect=True, **options):
        super().__init__(modules, CLIENT, "ws://%s:%d/sub" % gateway.ws,
                         json.dumps({"backoffBaseMs": 20, "backoffCapMs": 200, **options}))
        self.calls = 0
        if connect:
            self.call("connect")

    def call(self, what, **details):
        """Asks for something, and waits until that is done."""
        self.calls += 1
        self.do(what, id=self.calls, **details)
        self.wait_for({"what": "done", "id": self.calls})

    def wait_for_push(self, op, body):
        self.wait_for({"what": "push", "op": op, "hex": body.hex()})

    def pushes(self):
        return [(event["op"], bytes.fromhex(event["hex"])) for event in list(self.events)
                if event["what"] == "push"]


class WebClient(GatewayTest):
    @classmethod
    def setUpClass(cls):
        cls.modules = install_ws()
        super().setUpClass()

    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))

    def connect(self, **options):
        return self.keep(Client(self.modules, self.gateway, **options))

    def test_pushes_of_every_kind_and_size(self):
        client = self.connect(key="kinds", mid=5, room="live://1", accepts=[1000, -1])
        wanted = []
        for push in (lambda body: self.pusher.push_keys(["kinds"], body),
                     lambda body: self.pusher.push_mids([5], body, op=-1),
                     lambda body: self.pusher.push_rooms(["live://1"], body, op=7777),
                     lambda body: self.pusher.push_all(body)):
            for size in (0, 1, 125, 126, 65536, 200_000):
                body = bytes(index * index % 251 for index in range(size))
                self.assertEqual(push(body).taken, 1)
                wanted.append(body)
                # One that came while the last still waits might be refused.
                wait_until(lambda: len(client.pushes()) == len(wanted), f"{size} bytes")
        self.assertEqual([body for _, body in client.pushes()], wanted)
        self.assertEqual([op for op, _ in client.pushes()[::6]], [1000, -1, 7777, 1000])

    def test_many_at_once_keep_their_order(self):
        client = self.connect(room="live://order")
        bodies = [b"%d" % number for number in range(2000)]
        for body in bodies:
            self.pusher.push_rooms(["live://order"], body)
        wait_until(lambda: len(client.pushes()) == len(bodies), "all of them")
        self.assertEqual([body for _, body in client.pushes()], bodies)

    def test_rooms_and_ops(self):
        client = self.connect(key="moves", room="live://a", accepts=[1001])
        client.call("join", room="live://b")
        self.assertEqual(self.pusher.rooms("live://")[0], {"live://b": 1})
        client.call("watch", ops=[1002, 1003])
        client.call("unwatch", ops=[1001])
        for op, taken in ((1001, 0), (1002, 1), (1003, 1)):
            self.assertEqual(self.pusher.push_keys(["moves"], b"x", op=op).taken, taken)
        client.call("leave")
        self.assertEqual(self.pusher.rooms("live://")[0], {})
        client.call("send", op=5000, hex=b"up".hex())
        client.wait_for_push(1003, b"x")
        self.assertEqual(client.pushes(), [(1002, b"x"), (1003, b"x")])

    def test_heartbeats_tell_who_is_there(self):
        client = self.connect(room="live://count", heartbeatMs=50)
        client.wait_for({"what": "online", "count": 1})
        other = self.connect(room="live://count")
        client.wait_for({"what": "online", "count": 2})
        other.call("leave")
        del client.events[:]
        client.wait_for({"what": "online", "count": 1})

    def test_ends_that_are_for_good(self):
        client = self.connect(key="taken")
        self.connect(key="taken")
        client.wait_for({"what": "close", "code": 3001, "willReconnect": False},
                        {"what": "state", "state": "closed"})
        client = self.connect(mid=77)
        self.pusher.kick_mids(77)
        client.wait_for({"what": "close", "code": 3003, "willReconnect": False})
        client.call("connect")
        client.call("close")
        client.wait_for({"what": "close", "code": 1000, "willReconnect": False})
        wait_until(lambda: self.pusher.status().closed["peer_closed"] > 0, "an orderly end")

    def test_a_message_too_big_costs_the_connection_and_not_the_client(self):
        client = self.connect(key="big", accepts=[1000])
        client.do("send", id="big", op=1000, hex="00" * 9000)
        client.wait_for({"what": "close", "code": 1009, "willReconnect": True},
                        {"what": "failed", "id": "big", "code": "lost"})
        wait_until(lambda: self.pusher.push_keys(["big"], b"again").taken == 1, "it to be back")
        client.wait_for_push(1000, b"again")

    def test_it_is_not_believed_that_a_refused_path_is_for_good(self):
        client = self.keep(NodeClient(self.modules, CLIENT, "ws://%s:%d/nothing" % self.gateway.ws,
                                      json.dumps({"backoffBaseMs": 1})))
        client.do("connect", id=1)
        client.wait_for({"what": "error", "code": "socket"},
                        {"what": "close", "code": 1006, "willReconnect": True})


class Restart(harness.unittest.TestCase):
    def test_it_comes_back_to_a_gateway_that_was_restarted(self):
        modules = install_ws()
        gateway = Gateway()
        self.addCleanup(gateway.stop)
        client = Client(modules, gateway, key="back", mid=9, room="live://old", accepts=[1001])
        self.addCleanup(client.close)
        client.call("join", room="live://new")
        client.call("watch", ops=[1002])
        gateway.stop()
        client.wait_for({"what": "close", "code": 1001, "willReconnect": True})
        # What was wished for meanwhile holds, too.
        client.do("unwatch", id="meanwhile", ops=[1001])
        with Gateway("--ws", "%s:%d" % gateway.ws) as again:
            client.wait_for({"what": "done", "id": "meanwhile"})
            pusher = Pusher(again)
            self.addCleanup(pusher.close)
            self.assertEqual(pusher.rooms("live://"), ({"live://new": 1}, 1))
            for push in (lambda op, body: pusher.push_keys(["back"], body, op=op),
                         lambda op, body: pusher.push_mids([9], body, op=op)):
                self.assertEqual([push(op, b"%d" % op).taken for op in (1001, 1002)], [0, 1])
            self.assertEqual(pusher.push_rooms(["live://new"], b"room").taken, 1)
            client.wait_for_push(1000, b"room")
            self.assertEqual(client.pushes(), [(1002, b"1002"), (1002, b"1002"), (1000, b"room")])
            client.call("close")


class NewTokens(GatewayTest):
    SECRET = b"a secret of thirty-two bytes ..."
    flags = ("--backend", "jwt", "--jwt.secret", SECRET.decode(), "--jwt.leeway_s", "0")

    def test_a_new_token_keeps_the_connection(self):
        def token(sub, valid_s):
            return with_secret(self.SECRET, claims(sub=sub, valid_s=valid_s, accepts=[1000])).decode()
        modules = install_ws()
        pusher = self.keep(Pusher(self.gateway))
        client = self.keep(Client(modules, self.gateway, token=token("k", 6)))
        client.do("refresh", id="bad", token=token("k", -5))
        client.wait_for({"what": "failed", "id": "bad", "code": "refused"})
        # Not within a second of the last.
        wait_until(lambda: self.refreshed(client, token("k", 600)), "its turn", pause_s=0.3)
        other = self.keep(Client(modules, self.gateway, token=token("other", 6)))
        # Its token ends after the client's first one.
        other.wait_for({"what": "close", "code": 3006, "willReconnect": True})
        self.assertEqual(pusher.push_keys(["k"], b"after").taken, 1)
        client.wait_for_push(1000, b"after")
        self.assertEqual(pusher.status().closed["token_expired"], 1)

    def refreshed(self, client, token):
        client.calls += 1
        client.do("refresh", id=client.calls, token=token)
        end = wait_until(lambda: [event for event in list(client.events)
                                  if event.get("id") == client.calls], "an answer")[0]
        return end["what"] == "done"


if __name__ == "__main__":
    harness.main()
