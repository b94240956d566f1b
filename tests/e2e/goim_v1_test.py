#!/usr/bin/env python3
"""goim v1's clients, byte for byte: on TCP, and on WebSocket in both of its languages."""

import json

import goim
import harness
from goim import Frame, TcpClient, pushed
from goim_v1 import COME_ON, SEND_SMS, TEST, TEST_REPLY, V1, V1Client, V1JsonClient, V1WsClient
from goim_v1 import SEND_SMS_REPLY, v1_pushed
from harness import GatewayTest, wait_until
from push_port import Pusher
from websocket import BINARY, TEXT

BATCH = goim.frame(1000, 3, b"one") + goim.frame(7, 0, b"", ver=9) + goim.frame(1, 0, b'{"a": 1}')


class V1Test(GatewayTest):
    flags = V1

    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))


class Tcp(V1Test):
    def connect(self):
        return self.keep(V1Client(self.gateway))

    def test_every_byte(self):
        client = self.connect()
        client.send(bytes.fromhex("00000013 0010 0001 00000007 00000007") + b"123")
        self.assertEqual(client.read(16), bytes.fromhex("00000010 0010 0001 00000008 00000007"))
        client.send(bytes.fromhex("00000010 0010 0001 00000002 00000008"))
        self.assertEqual(client.read(16), bytes.fromhex("00000010 0010 0001 00000003 00000008"))
        self.assertEqual(self.pusher.push_mids([123], b"hi", op=1000).taken, 1)
        self.assertEqual(client.read(18),
                         bytes.fromhex("00000012 0010 0001 00000005 00000000") + b"hi")
        self.pusher.push_rooms(["1"], BATCH, batch=True)
        self.assertEqual(client.read(19 + 16 + 24),
                         goim.frame(5, 0, b"one") + goim.frame(5) + goim.frame(5, 0, b'{"a": 1}'))

    def test_requests(self):
        client = self.connect().log_in("4")
        self.assertEqual(client.call(goim.HEARTBEAT, 2, b"ignored", ver=3),
                         Frame(goim.HEARTBEAT_REPLY, 2, b"", 3))
        self.assertEqual(client.call(SEND_SMS, 3, b"x" * 1024),
                         Frame(SEND_SMS_REPLY, 3, b"x" * 1024, 1))
        self.assertEqual(client.call(TEST, 4), Frame(TEST_REPLY, 4, COME_ON, 1))

    def test_in_pieces_and_all_at_once(self):
        data = goim.frame(goim.AUTH, 1, b"5") + goim.frame(TEST, 2) + goim.frame(goim.HEARTBEAT, 3)
        for send in ("send", "send_bytewise"):
            client = self.connect()
            getattr(client, send)(data)
            self.assertEqual([client.receive().op for _ in range(3)],
                             [goim.AUTH_REPLY, TEST_REPLY, goim.HEARTBEAT_REPLY])

    def test_violations_close(self):
        for data in (goim.frame(goim.HEARTBEAT), goim.frame(goim.AUTH, 1, b"no number"),
                     goim.frame(goim.AUTH, 1, b"7" * 1025), goim.frame(0), b"GET / HTTP/1.1\r\n\r\n"):
            client = self.connect()
            client.send(data)
            self.assertEqual(client.read_all(), b"", data)
        for op in (goim.AUTH, goim.HEARTBEAT_REPLY, goim.CHANGE_ROOM, goim.SUB, 1000):
            client = self.connect().log_in("6")
            client.send_frame(op)
            self.assertEqual(client.read_all(), b"", op)
        client = self.connect().log_in("6")
        client.send_frame(SEND_SMS, 1, b"x" * 1025)
        self.assertEqual(client.read_all(), b"")

    def test_a_token_of_v2_is_good_too(self):
        client = self.connect().log_in(json.dumps({"key": "v2", "mid": 9, "room_id": "live://9"}))
        self.assertEqual(self.pusher.push_keys(["v2"], b"k", op=-7).taken, 1)
        self.assertEqual(self.pusher.push_rooms(["live://9"], b"r").taken, 1)
        self.assertGreaterEqual(self.pusher.push_all(b"a", op=1).taken, 1)
        self.assertEqual([client.receive() for _ in range(3)],
                         [v1_pushed(b"k"), v1_pushed(b"r"), v1_pushed(b"a")])

    def test_several_connections_of_one_user(self):
        clients = [self.connect().log_in("77") for _ in range(5)]
        self.assertEqual(self.pusher.push_mids([77], b"all of you").taken, 5)
        for client in clients:
            self.assertEqual(client.receive(), v1_pushed(b"all of you"))


class WebSocket(V1Test):
    def test_binary_every_byte(self):
        client = self.keep(V1WsClient(self.gateway))
        client.send_message(goim.frame(goim.AUTH, 7, b"201"))
        self.assertEqual(client.read(18), b"\x82\x10" + goim.frame(goim.AUTH_REPLY, 7))
        client.send_message(goim.frame(goim.HEARTBEAT, 8), TEXT)
        self.assertEqual(client.read(18), b"\x82\x10" + goim.frame(goim.HEARTBEAT_REPLY, 8))
        self.pusher.push_mids([201], b"hi")
        self.assertEqual(client.read(20), b"\x82\x12" + goim.frame(5, 0, b"hi"))
        self.pusher.push_mids([201], BATCH, batch=True)
        self.assertEqual(client.receive_message(),
                         [v1_pushed(b"one"), v1_pushed(b""), v1_pushed(b'{"a": 1}')])

    def test_json_every_byte(self):
        client = self.keep(V1JsonClient(self.gateway))
        client.send_message(b'{"ver":1,"op":7,"seq":1,"body":"202"}', TEXT)
        self.assertEqual(client.receive_text(), '[{"ver":1,"op":8,"seq":1,"body":{}}]')
        client.send_message(b'{"ver":1,"op":2,"seq":2,"body":{}}', TEXT)
        self.assertEqual(client.receive_text(), '[{"ver":1,"op":3,"seq":2,"body":{}}]')
        for body, text in ((b"hi", '"hi"'), (b"", "{}"), (b' {"a": [1, "x"]}', '{"a":[1,"x"]}'),
                           ("naïve ✓".encode(), '"naïve ✓"'), (b"[", '"["')):
            self.assertEqual(self.pusher.push_mids([202], body, op=1).taken, 1)
            self.assertEqual(client.receive_text(), '[{"ver":1,"op":5,"seq":0,"body":%s}]' % text)
        self.pusher.push_mids([202], b"\xff\x00")
        self.assertEqual(client.receive_text(), '[{"ver":1,"op":5,"seq":0,"body64":"/wA="}]')
        self.pusher.push_mids([202], BATCH, batch=True)
        self.assertEqual(client.receive_text(),
                         '[{"ver":1,"op":5,"seq":0,"body":"one"},{"ver":1,"op":5,"seq":0,"body":{}},'
                         '{"ver":1,"op":5,"seq":0,"body":{"a":1}}]')

    def test_json_requests(self):
        for token in ("203", 203, {"mid": 203, "room_id": "1"}):
            client = self.keep(V1JsonClient(self.gateway)).log_in(token)
            wait_until(lambda: self.pusher.push_mids([203], b"x").taken == 1, "the others to go")
            self.assertEqual(client.receive_all()[0]["body"], "x")
            self.assertEqual(client.call(SEND_SMS, 4, [1, 2], ver=2),
                             {"ver": 2, "op": SEND_SMS_REPLY, "seq": 4, "body": [1, 2]})
            self.assertEqual(client.call(TEST, 5)["body"], json.loads(COME_ON))
            client.close()

    def test_violations_close(self):
        for payload, opcode in ((goim.frame(goim.HEARTBEAT), BINARY), (b'{"op":2}', TEXT),
                                (b'[{"ver":1,"op":7,"seq":1,"body":"1"}]', TEXT), (b"7", TEXT),
                                (goim.frame(goim.AUTH, 1, b"1"), TEXT)):
            client = self.keep(V1WsClient(self.gateway))
            client.send_message(payload, opcode)
            self.assertEqual(client.read_close(), 1008, payload)
        client = self.keep(V1WsClient(self.gateway))
        client.send_message(goim.frame(goim.AUTH, 1, b"nobody"))
        self.assertEqual(client.read_close(), 3000)
        client = self.keep(V1JsonClient(self.gateway)).log_in("204")
        client.send_message(b'{"ver":1,"op":12,"seq":1,"body":"live://1"}', TEXT)
        self.assertEqual(client.read_close(), 1008)

    def test_kicked(self):
        for kind in (V1WsClient, V1JsonClient):
            client = self.keep(kind(self.gateway)).log_in('{"key":"out"}')
            self.pusher.kick_keys("out")
            self.assertEqual(client.read_close(), 3003)


class Mixed(V1Test):
    """Clients of every kind are in one room."""

    def test_one_order_for_all(self):
        room = "v1://mixed"
        token = json.dumps({"room_id": room})
        goims = [self.keep(TcpClient(self.gateway.tcp)).login(room_id=room) for _ in range(3)]
        frames = [self.keep(kind(self.gateway)).log_in(token)
                  for kind in (V1Client, V1WsClient) for _ in range(3)]
        texts = [self.keep(V1JsonClient(self.gateway)).log_in(token) for _ in range(3)]
        for number in range(100):
            self.assertEqual(self.pusher.push_rooms([room], str(number)).taken, 12)
        for number in range(100):
            for client in goims:
                self.assertEqual(client.receive(), pushed(b"%d" % number))
            for client in frames:
                self.assertEqual(client.receive(), v1_pushed(b"%d" % number))
            for client in texts:
                self.assertEqual(client.receive_all(),
                                 [{"ver": 1, "op": 5, "seq": 0, "body": number}])
        wait_until(lambda: goims[0].online() == 12, "all to be counted")

    def test_no_op_is_filtered(self):
        client = self.keep(V1Client(self.gateway)).log_in('{"key":"v1","accepts":[1]}')
        for op in (0, 1, 5, -1, 1000):
            self.assertEqual(self.pusher.push_keys(["v1"], b"%d" % op, op=op).taken, 1)
            self.assertEqual(client.receive(), v1_pushed(b"%d" % op))


class Objects(V1Test):
    flags = (*V1, "--goim_v1.json", "object")

    def test_one_in_each_message(self):
        client = self.keep(V1JsonClient(self.gateway, array=False)).log_in("1")
        self.pusher.push_mids([1], BATCH, batch=True)
        self.assertEqual([client.receive_text() for _ in range(3)],
                         ['{"ver":1,"op":5,"seq":0,"body":"one"}',
                          '{"ver":1,"op":5,"seq":0,"body":{}}',
                          '{"ver":1,"op":5,"seq":0,"body":{"a":1}}'])


class Silence(V1Test):
    flags = (*V1, "--goim_v1.idle_timeout_ms", "300")

    def test_who_does_not_beat_is_closed(self):
        self.assertEqual(self.keep(V1JsonClient(self.gateway)).log_in("2").read_close(), 3008)
        self.assertEqual(self.keep(V1Client(self.gateway)).log_in("2").read_all(), b"")


if __name__ == "__main__":
    harness.main()
