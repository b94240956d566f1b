#!/usr/bin/env python3
"""goim's operations as JSON text, on the path /json."""

import json

import goim
import harness
from goim import TcpClient, pushed
from harness import GatewayTest, wait_until
from push_port import Pusher
from websocket import TEXT, WsClient


class JsonClient(WsClient):
    def __init__(self, address):
        super().__init__(address, upgrade=False)
        self.upgrade("/json")

    def say(self, **fields):
        self.send_message(json.dumps(fields).encode(), TEXT)

    def hear(self):
        first, payload = self.read_ws()
        assert first == 0x80 | TEXT, (first, payload)
        return json.loads(payload)

    def log_in(self, **token):
        self.say(op=goim.AUTH, seq=1, body={"mid": 123, "accepts": [1000], **token})
        answer = self.hear()
        assert answer == {"op": goim.AUTH_REPLY, "seq": 1}, answer
        return self


class Json(GatewayTest):
    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))

    def connect(self):
        return self.keep(JsonClient(self.gateway.ws))

    def test_a_conversation(self):
        client = self.connect().log_in(room_id="json://1")
        client.say(op=goim.HEARTBEAT, seq=2)
        self.assertEqual(client.hear(), {"op": goim.HEARTBEAT_REPLY, "seq": 2, "body": 1})
        client.say(op=goim.CHANGE_ROOM, seq=3, body="json://2")
        self.assertEqual(client.hear(),
                         {"op": goim.CHANGE_ROOM_REPLY, "seq": 3, "body": "json://2"})
        client.say(op=goim.SUB, seq=4, body=[1001, 1002])
        self.assertEqual(client.hear(), {"op": goim.SUB_REPLY, "seq": 4, "body": "1001,1002"})
        client.say(op=goim.UNSUB, seq=5, body="1000")
        self.assertEqual(client.hear(), {"op": goim.UNSUB_REPLY, "seq": 5, "body": "1000"})
        client.say(op=5000, seq=6, body={"any": "thing"})
        self.assertEqual(client.hear(), {"op": 5000, "seq": 6})

    def test_pushes_of_every_kind(self):
        client = self.connect().log_in(key="typed", mid=77, room_id="json://push")
        # What other tests have closed is counted among everyone until the gateway knows.
        wait_until(lambda: self.pusher.status().channels == 1, "to be alone")
        for push in (lambda body: self.pusher.push_keys(["typed"], body),
                     lambda body: self.pusher.push_mids([77], body),
                     lambda body: self.pusher.push_rooms(["json://push"], body),
                     lambda body: self.pusher.push_all(body)):
            for body, told in (("naïve \"✓\"\n".encode(), {"body": "naïve \"✓\"\n"}),
                               (b"", {}), (b"\xff\x00", {"body64": "/wA="}),
                               (b"x" * 70000, {"body": "x" * 70000})):
                self.assertEqual(push(body).taken, 1)
                self.assertEqual(client.hear(), {"op": 1000, **told})
        batch = goim.frame(1000, 0, b"one") + goim.frame(1001, 0)
        self.pusher.push_rooms(["json://push"], batch, batch=True)
        self.assertEqual(client.hear(), [{"op": 1000, "body": "one"}, {"op": 1001}])

    def test_members_of_one_room_speak_what_they_like(self):
        room = "json://mixed"
        typed = self.connect().log_in(room_id=room)
        binary = self.keep(WsClient(self.gateway.ws)).login(room_id=room)
        tcp = self.keep(TcpClient(self.gateway.tcp)).login(room_id=room)
        for number in range(50):
            self.assertEqual(self.pusher.push_rooms([room], str(number)).taken, 3)
        for number in range(50):
            self.assertEqual(typed.hear(), {"op": 1000, "body": str(number)})
            self.assertEqual(binary.receive(), pushed(b"%d" % number))
            self.assertEqual(tcp.receive(), pushed(b"%d" % number))
        wait_until(lambda: binary.online() == 3, "all three to be counted")

    def test_what_is_no_frame(self):
        for payload in (b"hello", b"", b"[]", b'{"op":"7"}', b'{"op":7} {"op":7}',
                        goim.login_frame()):
            client = self.connect()
            client.send_message(payload)
            self.assertEqual(client.read_close(), 1008, payload)
        client = self.connect()
        client.send_message(json.dumps({"op": 7, "body": "x" * 5000}).encode(), TEXT)
        self.assertEqual(client.read_close(), 1009)

    def test_kicked(self):
        client = self.connect().log_in(key="out")
        self.pusher.kick_keys("out")
        self.assertEqual(client.read_close(), 3003)


if __name__ == "__main__":
    harness.main()
