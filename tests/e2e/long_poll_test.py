#!/usr/bin/env python3
"""goim v1's long polls: one message is one response, and the books know what became of the rest."""

import contextlib
import http.client
import json
import urllib.parse

import goim
import harness
from goim import TcpClient, pushed
from goim_v1 import V1, Poll, V1Client, poll_request, polled, v1_pushed
from harness import Gateway, GatewayTest, wait_until
from push_port import Pusher, push_rooms
from stream import Stream


def token(**fields):
    return json.dumps(fields)


class PollTest(GatewayTest):
    flags = V1

    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))

    def poll(self, *arguments, **options):
        return self.keep(Poll(self.gateway, *arguments, **options))

    def in_room(self, room, count):
        """Waits until the room has so many members."""
        listener = self.keep(TcpClient(self.gateway.tcp)).login(room_id=room)
        wait_until(lambda: listener.online() == count + 1, f"{count} in {room}")
        return listener

    def push_key(self, key, body, **options):
        """Once the key is here."""
        wait_until(lambda: self.pusher.push_keys([key], body, **options).taken == 1, key)

    def here(self, *keys):
        wait_until(lambda: len(self.pusher.online(*keys)) == len(keys), f"{keys} to be here")

    def gone(self, key):
        wait_until(lambda: not self.pusher.online(key), f"{key} to be gone")

    def at_rest(self):
        """The figures of the node when nothing is pending; its books must balance."""
        return wait_until(lambda: (node := self.pusher.status()).at_rest() and node, "rest")

    def answer_to(self, data):
        client = self.keep(Stream(self.gateway.v1_ws))
        client.send(data)
        return client.read_all()


class Polls(PollTest):
    def test_every_byte(self):
        client = self.poll(token(key="bytes"))
        self.push_key("bytes", b'{ "a": 1 }')
        self.assertEqual(client.read_all(),
                         b"HTTP/1.1 200 OK\r\n"
                         b"Content-Type: application/json\r\n"
                         b"X-Content-Type-Options: nosniff\r\n"
                         b"Cache-Control: no-store\r\n"
                         b"Connection: close\r\n"
                         b"Content-Length: 39\r\n\r\n"
                         b'{"ver":1,"op":5,"seq":0,"body":{"a":1}}')
        client = self.poll(token(key="script"), callback="app.got")
        self.push_key("script", b"hi")
        self.assertTrue(client.read_all().endswith(
            b"Content-Length: 44\r\n\r\n" b'app.got={"ver":1,"op":5,"seq":0,"body":"hi"}'))

    def test_pushes_of_every_kind(self):
        # Names of their own: those of the one before may be here for a moment more.
        for number, push in enumerate((
                lambda: self.pusher.push_keys(["all-0"], b"1"),
                lambda: self.pusher.push_mids([501], b"1", op=-1),
                lambda: self.pusher.push_rooms(["poll://kinds-2"], b"1"),
                lambda: self.pusher.push_all(b"1", op=501))):
            room = f"poll://kinds-{number}"
            client = self.poll(token(key=f"all-{number}", mid=500 + number, room_id=room))
            listener = self.in_room(room, 1)
            self.assertGreaterEqual(push().taken, 1, number)
            self.assertEqual(client.answer(), polled(1))
            listener.close()

    def test_v1s_own_token(self):
        client = self.poll("502")
        wait_until(lambda: self.pusher.push_mids([502], "naïve ✓".encode()).taken == 1, "502")
        self.assertEqual(client.answer(), polled("naïve ✓"))

    def test_bodies(self):
        batch = goim.frame(1000, 0, b"one") + goim.frame(1001, 0)
        for body, wanted, options in ((b"", polled({}), {}), (b"{", polled("{"), {}),
                                      (b"x" * 200_000, polled("x" * 200_000), {}),
                                      (batch, [polled("one"), polled({})], {"batch": True})):
            client = self.poll(token(key="body"))
            self.push_key("body", body, **options)
            self.assertEqual(client.answer(), wanted)
        client = self.poll(token(key="body"))
        self.push_key("body", b"\xff\x00")
        self.assertEqual(client.answer()["body64"], "/wA=")

    def test_a_room_of_every_kind_of_client(self):
        room = "poll://mixed"
        polls = [self.poll(token(room_id=room), callback="cb" if number % 2 else "")
                 for number in range(20)]
        frames = self.keep(V1Client(self.gateway)).log_in(token(room_id=room))
        listener = self.in_room(room, 21)
        self.assertEqual(self.pusher.push_rooms([room], b"1").taken, 22)
        for client in polls:
            self.assertEqual(client.answer(), polled(1))
        self.assertEqual(listener.receive(), pushed(b"1"))
        self.assertEqual(frames.receive(), v1_pushed(b"1"))
        # Who was answered is gone, and is not counted.
        wait_until(lambda: listener.online() == 2, "the room to have two")

    def test_an_ordinary_http_client(self):
        connection = http.client.HTTPConnection(*self.gateway.v1_ws, timeout=harness.DEADLINE_S)
        self.addCleanup(connection.close)
        connection.request("GET", "/sub?ver=1&op=7&seq=1&t=503")
        wait_until(lambda: self.pusher.push_mids([503], b"[1]").taken == 1, "503")
        response = connection.getresponse()
        self.assertEqual((response.status, response.getheader("Content-Type"), response.will_close),
                         (200, "application/json", True))
        self.assertEqual(json.load(response), polled([1]))

    def test_one_after_the_other(self):
        """A page that polls again and again: each response is one message, in order."""
        seen = []
        for number in range(30):
            client = self.poll(token(key="again"))
            self.push_key("again", b"%d" % number)
            seen.append(client.answer()["body"])
        self.assertEqual(seen, list(range(30)))

    def test_what_comes_second_is_accounted_for(self):
        room = "poll://burst"
        before = self.at_rest()
        polls = [self.poll(token(room_id=room)) for _ in range(10)]
        listener = self.in_room(room, 10)
        # All at once: several meet the polls before they are closed.
        for number in range(50):
            self.pusher.submit(push_rooms([room], str(number)))
        taken = sum(self.pusher.receive().pushed().taken for _ in range(50))
        for client in polls:
            self.assertEqual(client.answer(), polled(0))
        for number in range(50):
            self.assertEqual(listener.receive(), pushed(b"%d" % number))
        after = self.at_rest()
        delivered = after.books["delivered"] - before.books["delivered"]
        closed = after.skipped["closed"] - before.skipped["closed"]
        self.assertEqual(delivered, 60)
        self.assertEqual(delivered + closed, taken)

    def test_a_receipt_of_a_poll(self):
        client = self.poll(token(key="receipt"))
        self.here("receipt")
        answer = self.pusher.push_keys(["receipt"], b"1", confirm_ms=5000)
        self.assertEqual(answer.deliveries, (1, 0, 0))
        self.assertEqual(client.answer(), polled(1))

    def test_the_request_in_pieces(self):
        client = self.keep(Stream(self.gateway.v1_ws))
        client.send_bytewise(poll_request(token(key="pieces")))
        self.push_key("pieces", b"1")
        self.assertTrue(client.read_all().endswith(b'"body":1}'))

    def test_a_second_request_behind_it_gets_no_response(self):
        client = self.keep(Stream(self.gateway.v1_ws))
        client.send(poll_request(token(key="first")) + poll_request(token(key="second")))
        self.push_key("first", b"1")
        answer = client.read_all()
        self.assertEqual(answer.count(b"HTTP/1.1"), 1)
        self.assertEqual(self.pusher.online("second"), [])

    def test_a_slow_reader_gets_all_of_one(self):
        client = self.poll(token(key="slow"), receive_buffer_bytes=2048)
        self.push_key("slow", b"x" * 250_000)
        for _ in range(10):
            self.assertEqual(self.pusher.push_keys(["slow"], b"y").taken, 0)
        self.assertEqual(client.answer(), polled("x" * 250_000))

    def test_a_page_of_another_origin_may_read_it(self):
        client = self.keep(Stream(self.gateway.v1_ws))
        client.send(poll_request(token(key="page"), Origin="https://page.example"))
        self.push_key("page", b"1")
        self.assertIn(b"\r\nAccess-Control-Allow-Origin: https://page.example\r\n"
                      b"Access-Control-Allow-Credentials: true\r\nVary: Origin\r\n",
                      client.read_all())

    def test_refusals_have_an_http_status(self):
        for status, data in (
                (403, poll_request("nobody")),
                (403, poll_request("")),
                (403, poll_request("1", Origin="https://page.example", Cookie="sid=1")),
                (400, b"GET /sub HTTP/1.1\r\nHost: a\r\n\r\n"),
                (400, b"GET /sub?ver=1&op=2&seq=1&t=1 HTTP/1.1\r\nHost: a\r\n\r\n"),
                (400, b"GET /sub?ver=x&op=7&t=1 HTTP/1.1\r\nHost: a\r\n\r\n"),
                (400, poll_request("1", Upgrade="websocket")),
                (404, poll_request("1", path="/json")), (404, poll_request("1", path="/")),
                (405, poll_request("1", method="HEAD")), (405, poll_request("1", method="POST")),
                (413, poll_request("1", Content_Length="1"))):
            answer = self.answer_to(data)
            self.assertTrue(answer.startswith(b"HTTP/1.1 %d " % status), (status, answer))
            self.assertTrue(answer.endswith(b".\n"), answer)

    def test_a_callback_is_no_place_for_code(self):
        for callback in ("alert(1)//", "a;b", "<script>", "a b", "a=b", "1a", "a'", 'a"', "a" * 65,
                         "a\r\nSet-Cookie: b=c", "a\0", "a%", "\u2028", "a[0]", "a..b"):
            data = poll_request("1", query="&cb=" + urllib.parse.quote(callback))
            answer = self.answer_to(data)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), (callback, answer))
            self.assertNotIn(b"Set-Cookie", answer)
        # Not decoded at all, it is no request.
        self.assertTrue(self.answer_to(poll_request("1", query="&cb=a b"))
                        .startswith(b"HTTP/1.1 400 "))

    def test_kicked_and_replaced(self):
        client = self.poll(token(key="out"))
        wait_until(lambda: self.pusher.kick_keys("out").taken == 1, "it to be kicked")
        self.assertEqual(client.status()[0], 503)
        first = self.poll(token(key="same"))
        self.here("same")
        second = self.poll(token(key="same"))
        self.assertEqual(first.status()[0], 409)
        self.push_key("same", b"1")
        self.assertEqual(second.answer(), polled(1))

    def test_who_leaves_is_gone(self):
        client = self.poll(token(key="leaves"))
        self.here("leaves")
        client.close()
        self.gone("leaves")

    def test_what_it_sends_is_ignored_up_to_a_limit(self):
        client = self.poll(token(key="talks"))
        client.send(b"x" * 1024)
        self.here("talks")
        client.send(b"x")
        self.assertEqual(client.status()[0], 503)

    def test_reasons_are_counted(self):
        before = self.pusher.status().closed["poll_answered"]
        client = self.poll(token(key="counted"))
        self.push_key("counted", b"1")
        client.answer()
        wait_until(lambda: self.pusher.status().closed["poll_answered"] > before, "the reason")


class Timeout(PollTest):
    flags = (*V1, "--goim_v1.idle_timeout_ms", "200")

    def test_no_message_is_no_content(self):
        for callback in ("", "got"):
            client = self.poll(token(key="empty", room_id="poll://empty"), callback=callback)
            self.assertEqual(client.read_all(), b"HTTP/1.1 204 No Content\r\n"
                             b"Cache-Control: no-store\r\nConnection: close\r\n\r\n")
        wait_until(lambda: self.pusher.status().closed["poll_answered"] == 2, "both")


class Refused(PollTest):
    flags = (*V1, "--client.duplicate_key", "refuse", "--shard.connections_max", "3")

    def test_a_key_that_is_taken_and_a_full_server(self):
        first = self.poll(token(key="one"))
        self.here("one")
        self.assertEqual(self.poll(token(key="one")).status()[0], 409)
        self.push_key("one", b"1")
        self.assertEqual(first.answer(), polled(1))
        self.gone("one")
        polls = [self.poll(token(key=f"k{number}")) for number in range(3)]
        self.here("k0", "k1", "k2")
        late = self.poll(token(key="late"))
        head = late.read_all()
        self.assertTrue(head.startswith(b"HTTP/1.1 503 "), head)
        self.assertIn(b"\r\nRetry-After: ", head)
        for number, client in enumerate(polls):
            self.push_key(f"k{number}", b"1")
            self.assertEqual(client.answer(), polled(1))


class Stopping(harness.unittest.TestCase):
    def test_all_are_told_to_come_back_later(self):
        with Gateway(*V1) as gateway, contextlib.ExitStack() as stack:
            pusher = stack.enter_context(contextlib.closing(Pusher(gateway)))
            polls = [stack.enter_context(contextlib.closing(Poll(gateway, token(key=f"k{number}"))))
                     for number in range(8)]
            keys = [f"k{number}" for number in range(8)]
            wait_until(lambda: len(pusher.online(*keys)) == 8, "all to be here")
            gateway.ask_to_end(harness.signal.SIGTERM)
            for client in polls:
                self.assertEqual(client.status()[0], 503)


if __name__ == "__main__":
    harness.main()
