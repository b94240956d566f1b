#!/usr/bin/env python3
"""Server-sent events, byte for byte, and through every way in which a stream begins and ends."""

import contextlib

import event_stream
import goim
import harness
from event_stream import HEAD, HEARTBEAT, EventStream, request
from goim import TcpClient, pushed
from harness import Gateway, GatewayTest, wait_until
from push_port import Pusher


class Events(GatewayTest):
    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))

    def connect(self):
        return self.keep(EventStream(self.gateway.ws))

    def answer_to(self, data):
        """All of the answer, which is a refusal."""
        client = self.connect()
        client.send(data)
        return client.read_all()

    def test_pushes_of_every_kind(self):
        # An op of its own: clients of other tests may still be there.
        client = self.connect().log_in(key="stream", mid=77, room_id="sse://1", accepts=[77])
        for push in (lambda body: self.pusher.push_keys(["stream"], body, op=77),
                     lambda body: self.pusher.push_mids([77], body, op=77),
                     lambda body: self.pusher.push_rooms(["sse://1"], body, op=77),
                     lambda body: self.pusher.push_all(body, op=77)):
            self.assertEqual(push("naïve ✓".encode()).taken, 1)
            client.expect(event_stream.push(77, "naïve ✓"))
            self.assertEqual(push(b"\r\n\n").taken, 1)
            client.expect(b'event: push\ndata: {"op":77,"body":"\\u000d\\u000a\\u000a"}\n\n')
            self.assertEqual(push(b"\xff\x00").taken, 1)
            client.expect(b'event: push\ndata: {"op":77,"body64":"/wA="}\n\n')
        batch = goim.frame(1000, 0, b"one") + goim.frame(1001, 0)
        self.pusher.push_rooms(["sse://1"], batch, batch=True)
        client.expect(b'event: push\ndata: [{"op":1000,"body":"one"},{"op":1001}]\n\n')
        self.assertEqual(self.pusher.push_all(b"not watched", op=999).taken, 0)

    def test_in_one_room_with_others(self):
        room = "sse://mixed"
        tcp = self.keep(TcpClient(self.gateway.tcp)).login(room_id=room)
        streams = [self.connect().log_in(room_id=room) for _ in range(5)]
        for number in range(50):
            self.assertEqual(self.pusher.push_rooms([room], str(number)).taken, 6)
        for number in range(50):
            self.assertEqual(tcp.receive(), pushed(b"%d" % number))
            for client in streams:
                client.expect(event_stream.push(1000, str(number)))
        wait_until(lambda: tcp.online() == 6, "all to be counted")

    def test_the_request_in_pieces(self):
        client = self.connect()
        client.send_bytewise(request(token={"mid": 1, "accepts": [1000]}, Last_Event_ID="7"))
        client.expect(HEAD)

    def test_a_page_of_another_origin_may_read_it(self):
        client = self.connect()
        client.send(request(token={"mid": 1}, Origin="https://page.example"))
        client.expect(HEAD[:-2] + b"Access-Control-Allow-Origin: https://page.example\r\n"
                      b"Access-Control-Allow-Credentials: true\r\nVary: Origin\r\n\r\n")

    def test_refusals_have_an_http_status(self):
        for status, data in (
                (400, request("/sse?token=%7")),
                (403, request("/sse")),                # the embedded backend wants a token
                (403, request("/sse?token=nonsense")),
                (403, request(token={}, Origin="https://page.example", Cookie="sid=1")),
                (404, request("/sse", Upgrade="websocket")),
                (405, request(method="HEAD")), (405, request(method="POST")),
                (405, request(method="OPTIONS")),
                (413, request(Content_Length="1"))):
            answer = self.answer_to(data)
            self.assertTrue(answer.startswith(b"HTTP/1.1 %d " % status), (status, answer))
            self.assertTrue(answer.endswith(b".\n"), answer)

    def test_kicked(self):
        client = self.connect().log_in(key="out")
        self.pusher.kick_keys("out")
        self.assertEqual(client.read_all(), event_stream.close(3003, "kicked"))

    def test_replaced(self):
        first = self.connect().log_in(key="same")
        second = self.connect().log_in(key="same")
        self.assertEqual(first.read_all(), event_stream.close(3001, "replaced"))
        self.pusher.push_keys(["same"], b"new")
        second.expect(event_stream.push(1000, "new"))

    def test_what_it_sends_is_ignored_up_to_a_limit(self):
        client = self.connect().log_in(key="talks")
        client.send(b"x" * 1024)
        self.pusher.push_keys(["talks"], b"still here")
        client.expect(event_stream.push(1000, "still here"))
        client.send(b"x")
        self.assertEqual(client.read_all(), event_stream.close(1009, "frame_too_big"))


class Heartbeats(GatewayTest):
    flags = ("--client.sse_heartbeat_ms", "20")

    def test_the_server_beats_and_never_times_out(self):
        client = self.keep(EventStream(self.gateway.ws)).log_in(key="quiet")
        for _ in range(10):
            client.expect(HEARTBEAT)
        self.keep(Pusher(self.gateway)).push_keys(["quiet"], b"x")
        wanted = event_stream.push(1000, "x")
        seen = client.read_until(wanted)
        self.assertEqual(seen.replace(HEARTBEAT, b""), wanted)


class Stalled(GatewayTest):
    # A client that waits for its room for longer than a heartbeat's time ends as idle.
    flags = ("--client.sse_heartbeat_ms", "200", "--client.stall_timeout_ms", "300",
             "--listen.send_buffer_bytes", "4096")

    def test_who_takes_nothing_is_closed(self):
        pusher = self.keep(Pusher(self.gateway))
        self.keep(EventStream(self.gateway.ws, receive_buffer_bytes=2048)).log_in(
            key="stuck", room_id="sse://stuck")

        def push_until_closed():
            pusher.push_rooms(["sse://stuck"], b"x" * 60000)
            return pusher.status().closed.get("stalled", 0) == 1
        wait_until(push_until_closed, "the client to be closed as stalled")


class Refused(GatewayTest):
    flags = ("--client.duplicate_key", "refuse")

    def test_a_second_one_of_a_key_is_a_conflict(self):
        first = self.keep(EventStream(self.gateway.ws)).log_in(key="one")
        second = self.keep(EventStream(self.gateway.ws))
        second.send(request(token={"key": "one"}))
        self.assertTrue(second.read_all().startswith(b"HTTP/1.1 409 "))
        self.keep(Pusher(self.gateway)).push_keys(["one"], b"x")
        first.expect(event_stream.push(1000, "x"))


class Stopping(harness.unittest.TestCase):
    def test_all_are_told_to_come_back_later(self):
        with Gateway() as gateway, contextlib.ExitStack() as stack:
            clients = [stack.enter_context(contextlib.closing(EventStream(gateway.ws))).log_in()
                       for _ in range(8)]
            gateway.ask_to_end(harness.signal.SIGTERM)
            for client in clients:
                self.assertEqual(client.read_all(),
                                 event_stream.close(1001, "server_closing", retry=True))


if __name__ == "__main__":
    harness.main()
