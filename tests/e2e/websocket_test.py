#!/usr/bin/env python3
"""WebSocket, byte for byte: the upgrade, framing after RFC 6455, and goim's frames inside it."""

import struct
import zlib

import goim
import harness
import websocket
from goim import Frame, pushed
from harness import Gateway, GatewayTest, wait_until
from push_port import Pusher
from websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WsClient, fragments

# A push of op 1000 with the body "hi", inside its op 9.
HI = bytes.fromhex("82 22" "00000022 0010 0001 00000009 00000000"
                   "00000012 0010 0001 000003e8 00000000 6869")


class WebSocketTest(GatewayTest):
    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))

    def connect(self, **options):
        return self.keep(WsClient(self.gateway.ws, **options))

    def login(self, **fields):
        return self.connect().login(**fields)

    def assert_closed_with(self, code, data, reason=None, logged_in=True):
        """Sending `data` is answered with a close frame of that code and nothing else."""
        before = self.pusher.status().closed
        client = self.login() if logged_in else self.connect()
        client.send(data)
        self.assertEqual(client.read_close(), code, data[:32])
        if reason:
            wait_until(lambda: self.pusher.status().closed[reason] == before[reason] + 1,
                       f"a close as {reason}")


class Upgrade(WebSocketTest):
    def test_the_answer_byte_for_byte(self):
        client = self.connect(upgrade=False)
        client.send(websocket.request(key="dGhlIHNhbXBsZSBub25jZQ=="))  # RFC 6455 1.3
        answer = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  b"Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                  b"\r\n")
        self.assertEqual(client.read(len(answer)), answer)

    def test_a_query_is_accepted(self):
        client = self.connect(upgrade=False)
        client.upgrade("/sub?x=1&y=/z?")
        client.login()

    def test_what_browsers_and_proxies_send_is_accepted(self):
        client = self.connect(upgrade=False)
        client.send(websocket.request(
            Connection="keep-alive, Upgrade", Upgrade="WebSocket", Origin="http://127.0.0.1",
            User_Agent="x", Cookie="a=b", Sec_WebSocket_Protocol="chat, goim",
            Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits"))
        head = client.read_until(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "), head)
        self.assertIn(b"\r\nSec-WebSocket-Protocol: goim\r\n", head)
        # Not without websocket.deflate_bytes.
        self.assertNotIn(b"Sec-WebSocket-Extensions", head)

    def test_the_first_frames_may_come_with_the_request(self):
        client = self.connect(upgrade=False)
        client.send(websocket.request() + websocket.frame(goim.login_frame()) +
                    websocket.frame(goim.frame(goim.HEARTBEAT, 2)))
        client.read_until(b"\r\n\r\n")
        self.assertEqual(client.receive(), Frame(goim.AUTH_REPLY, 1, b"", 1))
        self.assertEqual(client.receive(), Frame(goim.HEARTBEAT_REPLY, 2, bytes(4), 1))

    def test_refusals_have_an_http_status(self):
        request = websocket.request
        many = {f"X-{index}": "y" for index in range(70)}
        cases = (
            (404, request("/")), (404, request("/subs")), (404, request("/sub/")),
            (404, request("/x?/sub")), (405, request(method="POST")),
            (505, request(version="HTTP/1.0")),
            (400, request(version="FTP/1.1")), (400, b"GET /sub\r\n\r\n"),
            (400, request(without=["Host"])), (400, request(without=["Upgrade"])),
            (400, request(Upgrade="h2c")), (400, request(without=["Connection"])),
            (400, request(Connection="close")), (400, request(without=["Sec-WebSocket-Key"])),
            (400, request(key="c2hvcnQ=")), (400, request(without=["Sec-WebSocket-Version"])),
            (403, request(Origin="https://evil.example", Cookie="a=b")),
            (403, request(Origin="null", Cookie="a=b")),
            (426, request(Sec_WebSocket_Version="8")),
            (400, request(Sec_WebSocket_Version=["13", "13"])), (400, request(Host=["a", "b"])),
            (413, request(Content_Length="5")), (413, request(Transfer_Encoding="chunked")),
            (400, request().replace(b"\r\n", b"\n")), (400, b"\x16\x03\x01\x02\x00\x01\x00"),
            (431, request(Cookie="x" * 9000)), (431, request(**many)))
        for status, data in cases:
            client = self.connect(upgrade=False)
            client.send(data)
            head, _, body = client.read_all().partition(b"\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 %d " % status), (status, data[:200], head))
            self.assertIn(b"\r\nConnection: close", head)
            self.assertIn(b"\r\nContent-Length: %d\r\n" % len(body), head + b"\r\n")
            self.assertTrue(body.endswith(b".\n"), body)
        wait_until(lambda: self.pusher.status().closed["bad_handshake"] >= len(cases),
                   "the refusals to be counted")

    def test_a_page_may_come_from_anywhere_without_cookies(self):
        client = self.connect(upgrade=False)
        client.send(websocket.request(Origin="https://elsewhere.example"))
        self.assertTrue(client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 "))

    def test_everything_in_single_bytes(self):
        client = self.connect(upgrade=False)
        client.send_bytewise(websocket.request())
        self.assertTrue(client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 "))
        client.send_bytewise(websocket.frame(goim.login_frame(room_id="bytes://1")))
        self.assertEqual(client.receive(), Frame(goim.AUTH_REPLY, 1, b"", 1))
        client.send_bytewise(websocket.frame(goim.frame(goim.HEARTBEAT, 2)))
        self.assertEqual(client.receive(), Frame(goim.HEARTBEAT_REPLY, 2, b"\0\0\0\1", 1))


class Agreements(WebSocketTest):
    """What websocket.* lets clients agree on."""

    flags = ("--websocket.origins", "https://app.example, https://*.apps.example",
             "--websocket.subprotocols", "v2.chat", "--websocket.deflate_bytes", "64")

    def answer(self, **headers):
        client = self.connect(upgrade=False)
        client.send(websocket.request(**headers))
        return client, client.read_until(b"\r\n\r\n")

    def test_origins(self):
        for origin, status in (("https://app.example", 101), ("https://a.apps.example", 101),
                               ("http://127.0.0.1", 101), ("https://evil.example", 403),
                               ("https://app.example.evil.example", 403), ("null", 403)):
            _, head = self.answer(Origin=origin)
            self.assertTrue(head.startswith(b"HTTP/1.1 %d " % status), (origin, head))

    def test_subprotocols(self):
        _, head = self.answer(Sec_WebSocket_Protocol="goim, v2.chat")
        self.assertIn(b"\r\nSec-WebSocket-Protocol: v2.chat\r\n", head)

    def test_compression(self):
        plain = self.login(room_id="deflate://1")
        client, head = self.answer(Sec_WebSocket_Extensions="permessage-deflate")
        self.assertIn(b"\r\nSec-WebSocket-Extensions: permessage-deflate; "
                      b"server_no_context_takeover; client_no_context_takeover\r\n", head)
        client.login(room_id="deflate://1")
        body = b"all work and no play " * 20
        self.assertEqual(self.pusher.push_rooms(["deflate://1"], body).taken, 2)
        whole = goim.frame(goim.RAW, 0, goim.frame(1000, 0, body))
        self.assertEqual(plain.receive(), pushed(body))
        first, size = client.read(2)
        self.assertEqual(first, 0xc2)
        self.assertLess(size, 126)
        # RFC 7692 7.2.2.
        inflate = zlib.decompressobj(-12)
        self.assertEqual(inflate.decompress(client.read(size) + b"\0\0\xff\xff"), whole)
        # What is short, or for one client alone, comes as it is.
        self.pusher.push_rooms(["deflate://1"], b"x")
        self.assertEqual(client.receive(), pushed(b"x"))
        # And the other way, in two fragments.
        deflate = zlib.compressobj(wbits=-15)
        data = deflate.compress(goim.frame(5000, 7, body)) + deflate.flush(zlib.Z_SYNC_FLUSH)
        data = data[:-4]
        client.send(websocket.frame(data[:5], fin=False, rsv=4) +
                    websocket.frame(data[5:], CONTINUATION))
        self.assertEqual(client.receive(), Frame(5000, 7, b"", 1))

    def test_compressed_json(self):
        client, head = self.answer(path="/json", Sec_WebSocket_Extensions="permessage-deflate")
        self.assertIn(b"\r\nSec-WebSocket-Extensions: permessage-deflate; ", head)
        deflate = zlib.compressobj(wbits=-15)
        login = b'{"op":7,"seq":1,"body":{"mid":5,"room_id":"deflate://json","accepts":[]}}'
        data = deflate.compress(login) + deflate.flush(zlib.Z_SYNC_FLUSH)
        client.send(websocket.frame(data[:-4], websocket.TEXT, rsv=4))
        self.assertEqual(client.read_ws(), (0x80 | websocket.TEXT, b'{"op":8,"seq":1}'))
        body = b"all work and no play " * 20
        self.assertEqual(self.pusher.push_rooms(["deflate://json"], body).taken, 1)
        first, payload = client.read_ws()
        self.assertEqual(first, 0xc0 | websocket.TEXT)
        self.assertEqual(zlib.decompressobj(-12).decompress(payload + b"\0\0\xff\xff"),
                         b'{"op":1000,"body":"' + body + b'"}')

    def test_a_bomb_is_too_big(self):
        client, _ = self.answer(Sec_WebSocket_Extensions="permessage-deflate")
        client.login()
        deflate = zlib.compressobj(wbits=-15)
        bomb = deflate.compress(bytes(4_000_000)) + deflate.flush(zlib.Z_SYNC_FLUSH)
        self.assertLess(len(bomb), 8192)
        client.send(websocket.frame(bomb[:-4], rsv=4))
        self.assertEqual(client.read_close(), 1009)


class Messages(WebSocketTest):
    def test_heartbeat_bytes(self):
        client = self.login()
        client.send_frame(goim.HEARTBEAT, 7)
        self.assertEqual(client.read(22).hex(),
                         "8214" "00000014" "0010" "0001" "00000003" "00000007" "00000000")

    def test_a_conversation(self):
        client = self.login(key="ws", room_id="ws://1")
        for op, reply, body in ((goim.CHANGE_ROOM, 13, b"ws://2"), (goim.SUB, 15, b"1000,1001"),
                                (goim.UNSUB, 17, b"1001"), (goim.SUB, 15, b"x"),
                                (goim.CHANGE_ROOM, 13, b"")):
            self.assertEqual(client.call(op, 3, body), Frame(reply, 3, body, 1))
        for op in (0, 4, goim.AUTH, 1000, -7):
            self.assertEqual(client.call(op, -9, b"x"), Frame(op, -9, b"", 1))

    def test_op_9_from_a_client_is_answered_with_an_empty_one(self):
        client = self.login()
        client.send_frame(goim.RAW, 4, b"x")
        self.assertEqual(client.read(18), b"\x82\x10" + goim.frame(goim.RAW, 4))

    def test_messages_in_fragments_with_pings_between(self):
        client = self.connect()
        message = goim.login_frame(key="fragments")
        parts = fragments(message, 3)
        for part in parts:
            client.send(websocket.frame(b"p", PING) + part)
        self.assertEqual(client.read(3 * len(parts)), b"\x8a\x01p" * len(parts))
        self.assertEqual(client.receive(), Frame(goim.AUTH_REPLY, 1, b"", 1))
        message = goim.frame(2000, 5, b"y" * 4096)
        for size in (65, 1000, 4111, 4112):
            client.send(b"".join(fragments(message, size)))
            self.assertEqual(client.receive(), Frame(2000, 5, b"", 1))

    def test_empty_fragments(self):
        client = self.login()
        message = goim.frame(goim.HEARTBEAT, 6)
        client.send(websocket.frame(b"", BINARY, fin=False) +
                    websocket.frame(message, CONTINUATION, fin=False) +
                    websocket.frame(b"", CONTINUATION, fin=False) +
                    websocket.frame(b"", CONTINUATION))
        self.assertEqual(client.receive().seq, 6)

    def test_text_is_taken_like_binary(self):
        client = self.login()  # the bytes of its op and lengths are ASCII
        client.send_message(goim.frame(100, 1, "héllo ✓".encode()), TEXT)
        self.assertEqual(client.receive(), Frame(100, 1, b"", 1))
        # A character in two fragments is still one.
        message = goim.frame(100, 2, "✓".encode())
        client.send(b"".join(fragments(message, len(message) - 1, TEXT)))
        self.assertEqual(client.receive(), Frame(100, 2, b"", 1))

    def test_every_length_form_and_mask(self):
        client = self.login()
        for size in (16, 125, 126, 127, 4112):
            for mask in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x02\x03\x04"):
                message = goim.frame(3000, size, b"z" * (size - 16))
                client.send(websocket.frame(message, mask=mask))
                self.assertEqual(client.receive(), Frame(3000, size, b"", 1))


class Control(WebSocketTest):
    def test_pings_are_answered_at_once(self):
        for client in (self.connect(), self.login()):
            for payload in (b"", b"x", bytes(range(125))):
                client.send(websocket.frame(payload, PING))
                self.assertEqual(client.read(2 + len(payload)),
                                 bytes([0x8A, len(payload)]) + payload)

    def test_many_pings_and_pongs_without_data(self):
        client = self.login()
        client.send((websocket.frame(b"1", PING) + websocket.frame(b"2", PONG)) * 500)
        self.assertEqual(client.read(1500), b"\x8a\x011" * 500)
        client.call(goim.HEARTBEAT, 1)

    def test_a_close_is_answered_with_its_code(self):
        for logged_in in (True, False):
            for payload, answer in ((b"", b"\x88\0"), (b"\x03\xe8", b"\x88\x02\x03\xe8"),
                                    (b"\x03\xe9going away", b"\x88\x02\x03\xe9"),
                                    (b"\x0b\xb8", b"\x88\x02\x0b\xb8"),
                                    (b"\x13\x87" + b"r" * 123, b"\x88\x02\x13\x87")):
                before = self.pusher.status().closed["peer_closed"]
                client = self.login() if logged_in else self.connect()
                client.send(websocket.frame(payload, CLOSE))
                self.assertEqual(client.read_all(), answer)
                wait_until(lambda: self.pusher.status().closed["peer_closed"] == before + 1,
                           "the close to be counted")

    def test_closes_that_may_not_be(self):
        for payload, code in ((b"\x03", 1002), (struct.pack(">H", 999), 1002),
                              (struct.pack(">H", 1005), 1002), (struct.pack(">H", 1006), 1002),
                              (struct.pack(">H", 5000), 1002), (b"\x03\xe8\xff", 1007)):
            self.assert_closed_with(code, websocket.frame(payload, CLOSE))

    def test_nothing_is_taken_after_a_close(self):
        client = self.login(key="after-close")
        client.send(websocket.frame(b"\x03\xe8", CLOSE) + websocket.frame(goim.frame(1000, 1)))
        self.assertEqual(client.read_all(), b"\x88\x02\x03\xe8")


class Violations(WebSocketTest):
    def test_protocol_errors(self):
        frame = websocket.frame
        beat = goim.frame(goim.HEARTBEAT, 1)
        cases = (
            frame(beat, mask=None), frame(b"", PING, mask=None), frame(beat, rsv=4),
            frame(beat, rsv=2), frame(beat, rsv=1), frame(beat, 3), frame(beat, 7), frame(b"", 11),
            frame(b"", 15), frame(beat, CONTINUATION), frame(b"", PING, fin=False),
            frame(b"x" * 126, PING), frame(b"x" * 126, CLOSE), frame(beat, length_bytes=2),
            frame(beat, length_bytes=8), frame(b"x" * 200, length_bytes=8),
            frame(beat[:8], fin=False) + frame(beat[8:], BINARY),
            b"\x82\xff" + struct.pack(">Q", 1 << 63 | 16) + b"mask" + bytes(16))
        for data in cases:
            for logged_in in (True, False):
                self.assert_closed_with(1002, data, "ws_protocol_error", logged_in)

    def test_messages_above_their_limits(self):
        for logged_in in (True, False):
            self.assert_closed_with(1009, websocket.frame(b"x" * 8193), "frame_too_big", logged_in)
            self.assert_closed_with(1009, b"\x82\xff" + struct.pack(">Q", 1 << 40) + b"mask",
                                    "frame_too_big", logged_in)
            self.assert_closed_with(
                1009, websocket.frame(b"x" * 8000, fin=False) +
                websocket.frame(b"x" * 193, CONTINUATION), "frame_too_big", logged_in)
            self.assert_closed_with(1009, websocket.frame(goim.frame(1000, 1, b"x" * 4097)),
                                    "frame_too_big", logged_in)

    def test_more_fragments_than_allowed(self):
        client = self.login()
        message = goim.frame(1000, 1, b"x" * 48)
        client.send(b"".join(fragments(message, 1)))  # 64 of them
        self.assertEqual(client.receive(), Frame(1000, 1, b"", 1))
        self.assert_closed_with(1009, b"".join(fragments(message + b"x", 1)), "frame_too_big")

    def test_text_that_is_not_utf8(self):
        good = goim.frame(100, 1, b"text")
        for bad in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x9c"):
            self.assert_closed_with(1007, websocket.frame(good + bad, TEXT), "ws_bad_utf8")
        # It is seen before the message is complete.
        self.assert_closed_with(1007, websocket.frame(b"\xff", TEXT, fin=False), "ws_bad_utf8")

    def test_a_frame_that_does_not_match_its_message(self):
        """Pitfall 1: nothing but a close frame comes back, whatever packLen claims."""
        def claiming(pack, body=b"", op=goim.CHANGE_ROOM):
            return goim.HEADER.pack(pack, 16, 1, op, 7) + body
        for logged_in in (True, False):
            for message in (claiming(17), claiming(64, b"short"), claiming(4112),
                            claiming(4112, b"x", goim.SUB), claiming(16, b"long"),
                            claiming(16) + goim.frame(goim.HEARTBEAT, 2), claiming(15), claiming(0),
                            claiming(-1), b"", b"x", claiming(16)[:15],
                            goim.HEADER.pack(16, 17, 1, 2, 3)):
                self.assert_closed_with(1008, websocket.frame(message), "bad_frame", logged_in)
            two = websocket.frame(claiming(4112)[:8], fin=False) + websocket.frame(
                claiming(4112)[8:], CONTINUATION)
            self.assert_closed_with(1008, two, "bad_frame", logged_in)
        self.login(key="still-there")
        self.assertEqual(self.pusher.online("still-there"), ["still-there"])


class Pushes(WebSocketTest):
    def test_bytes_are_the_same_for_key_mid_room_and_all(self):
        client = self.login(key="bytes", mid=41, room_id="bytes://1", accepts=[1000])
        for push in (lambda: self.pusher.push_keys(["bytes"], "hi"),
                     lambda: self.pusher.push_mids([41], "hi"),
                     lambda: self.pusher.push_rooms(["bytes://1"], "hi"),
                     lambda: self.pusher.push_all("hi")):
            self.assertEqual(push().taken, 1)
            self.assertEqual(client.read(len(HI)), HI)

    def test_lengths_of_the_message(self):
        client = self.login(key="sizes", room_id="sizes://1", accepts=[1000])
        for size in (0, 93, 94, 65503, 65504, 262144):
            body = bytes(index * 7 % 251 for index in range(size))
            total = size + 32
            head = (bytes([0x82, total]) if total < 126 else
                    b"\x82\x7e" + struct.pack(">H", total) if total < 65536 else
                    b"\x82\x7f" + struct.pack(">Q", total))
            wanted = head + goim.frame(goim.RAW, 0, goim.frame(1000, 0, body))
            self.pusher.push_rooms(["sizes://1"], body)
            self.assertEqual(client.read(len(wanted)), wanted)
            self.pusher.push_keys(["sizes"], body)
            self.assertEqual(client.read(len(wanted)), wanted)

    def test_a_batch_is_one_op_9(self):
        client = self.login(key="batch", room_id="batch://1", accepts=[1000])
        batch = goim.frame(1000, 5, b"one", 9) + goim.frame(7000, 6) + goim.frame(3, 7, b"z")
        outer = goim.frame(goim.RAW, 0, batch)
        for push in (lambda: self.pusher.push_keys(["batch"], batch, batch=True),
                     lambda: self.pusher.push_rooms(["batch://1"], batch, batch=True),
                     lambda: self.pusher.push_all(batch, batch=True)):
            push()
            self.assertEqual(client.read(2 + len(outer)), bytes([0x82, len(outer)]) + outer)

    def test_tcp_and_websocket_members_of_one_room(self):
        room = "mixed://1"
        clients = [self.login(room_id=room),
                   self.keep(goim.TcpClient(self.gateway.tcp)).login(room_id=room)]
        self.assertEqual(self.pusher.push_rooms([room], "both", op=5000).taken, 2)
        for client in clients:
            self.assertEqual(client.receive(), pushed(b"both", 5000))


class Farewells(WebSocketTest):
    def test_kicked(self):
        client = self.login(key="kick")
        self.pusher.kick_keys("kick")
        self.assertEqual(client.read_close(), 3003)

    def test_replaced(self):
        first = self.login(key="same", accepts=[1000])
        self.pusher.push_keys(["same"], "before")
        second = self.login(key="same", accepts=[1000])
        self.assertEqual(first.receive(), pushed(b"before"))
        self.assertEqual(first.read_close(), 3001)
        self.pusher.push_keys(["same"], "after")
        self.assertEqual(second.receive(), pushed(b"after"))

    def test_refused(self):
        client = self.connect()
        client.send_frame(goim.AUTH, 1, b"not json")
        self.assertEqual(client.read_close(), 3000)

    def test_shutdown(self):
        with Gateway() as gateway:
            clients = [self.keep(WsClient(gateway.ws)) for _ in range(21)]
            for client in clients[1:]:
                client.login()
            late = self.keep(WsClient(gateway.ws, upgrade=False))
            late.send(b"GET /sub HTTP/1.1\r\n")
            gateway.stop()
        for client in clients:
            self.assertEqual(client.read_close(), 1001)
        self.assertTrue(late.read_all().startswith(b"HTTP/1.1 503 "))


if __name__ == "__main__":
    harness.main()
