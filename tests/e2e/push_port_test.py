#!/usr/bin/env python3
"""The push port, byte for byte as proto/README.md has it, and its secret."""

import contextlib
import pathlib
import re
import time

import goim
import harness
from goim import TcpClient, pushed
from harness import GatewayTest
from push_port import (HELLO, INVALID_ARGUMENT, OFFLINE, OK, STATUS, UNAUTHENTICATED, UNIMPLEMENTED,
                       Pusher, bytes_field, framed, number_field, push_all, push_keys, push_rooms)
from stream import Ended

README = pathlib.Path(__file__).resolve().parents[2] / "proto" / "README.md"
SECRET = b"s3cret"


def examples():
    """The blocks of bytes in proto/README.md, by name."""
    blocks = re.findall(r"^```hex (\w+)\n(.*?)^```", README.read_text(encoding="utf-8"),
                        re.MULTILINE | re.DOTALL)
    return {name: bytes.fromhex(re.sub("#.*", "", text)) for name, text in blocks}


class PushPortTest(GatewayTest):
    def setUp(self):
        self.pusher = self.connect()

    def connect(self):
        return self.keep(Pusher(self.gateway))

    def login(self, **fields):
        return self.keep(TcpClient(self.gateway.tcp)).login(**fields)

    def assert_answers(self, request, reply, pusher=None):
        pusher = pusher or self.pusher
        pusher.send(request)
        self.assertEqual(pusher.read(len(reply)), reply)


class Examples(PushPortTest):
    """What the page says is what goes over the wire."""

    def test_a_push_to_a_room(self):
        for index in range(3):
            self.login(room_id="live://1000", key=f"member-{index}")
        for number in range(42):
            self.assertEqual(self.pusher.push_rooms(["live://1000"], "x").sequence[0], number + 1)
        page = examples()
        answer = page["push_rooms_reply"]
        self.assertTrue(answer.endswith(b"\x1a\x01\x2a"))
        # The page's message is number 42 of its room: here it is 43.
        self.assert_answers(page["push_rooms_request"], answer[:-1] + b"\x2b")

    def test_a_push_to_two_keys(self):
        ann = self.login(key="ann", accepts=[1000])
        page = examples()
        self.assert_answers(page["push_keys_request"], page["push_keys_reply"])
        self.assertEqual(ann.read(len(page["goim_tcp_push"])), page["goim_tcp_push"])

    def test_a_kick_that_names_nobody(self):
        page = examples()
        self.assert_answers(page["kick_mids_request"], page["kick_mids_reply"])

    def test_hello(self):
        page = examples()
        self.assert_answers(page["hello_request"], page["hello_reply"])


class Streams(PushPortTest):
    """However requests are cut or heaped, each is answered."""

    def test_cut_at_every_point(self):
        client = self.login(key="cut", accepts=[1000])
        data = framed(1, push_keys(["cut"], "one")) + framed(2, push_keys(["cut"], "two"))
        for cut in range(1, len(data)):
            pusher = self.connect()
            before = self.read_bytes()
            pusher.send(data[:cut])
            harness.wait_until(lambda: self.read_bytes() == before + cut,
                               "the first part to be read", pause_s=0)
            pusher.send(data[cut:])
            self.assertEqual([pusher.receive().pushed().taken for _ in range(2)], [1, 1])
            self.assertEqual([client.receive() for _ in range(2)], [pushed(b"one"), pushed(b"two")])
            pusher.close()

    def read_bytes(self):
        """What the gateway has read from others than the one who asks."""
        return self.pusher.status().bytes_received - self.pusher.sent_bytes

    def test_byte_by_byte(self):
        pusher = self.connect()
        pusher.send_bytewise(framed(1, push_keys(["nobody"], "x")) + framed(2, push_all("y")))
        replies = {reply.id: reply.pushed() for reply in (pusher.receive(), pusher.receive())}
        self.assertEqual(replies[1].refused, {0: OFFLINE})
        self.assertEqual(replies[2].taken, 0)

    def test_a_thousand_in_one_segment(self):
        client = self.login(key="heap", room_id="heap://1", accepts=[1000])
        data = b"".join(framed(number, push_rooms(["heap://1"], str(number)))
                        for number in range(1, 1001))
        self.pusher.send(data)
        replies = [self.pusher.receive() for _ in range(1000)]
        self.assertEqual(sorted(reply.id for reply in replies), list(range(1, 1001)))
        self.assertTrue(all(reply.pushed().taken == 1 for reply in replies))
        self.assertEqual([client.receive().body for _ in range(1000)],
                         [b"%d" % number for number in range(1, 1001)])

    def test_the_largest_request(self):
        keys = [f"{index:04}" + "k" * 250 for index in range(4000)]
        keys.append("big")
        client = self.login(key="big", accepts=[1000])
        call = push_keys(keys, "x")
        self.assertLess(len(call), 1 << 20)
        result = self.pusher.call(call).pushed()
        self.assertEqual((result.taken, len(result.refused)), (1, 4000))
        self.assertEqual(client.receive(), pushed(b"x"))
        # One byte above the limit ends the connection; the limit itself does not.
        padding = (1 << 20) - len(framed(1, b"")) + 4
        good = bytes_field(100, b"x" * (padding - 5)) + push_all("x")
        good = bytes_field(100, b"x" * (padding - 5 - (len(good) - padding))) + push_all("x")
        request = framed(1, good)
        self.assertEqual(len(request), 4 + (1 << 20))
        fits = self.connect()
        fits.send(request)
        self.assertEqual(fits.receive().code, OK)
        too_big = self.connect()
        too_big.send(framed(1, good + number_field(101, 1)))
        self.assertEqual(too_big.read_all(), b"")

    def test_what_is_wrong_is_said(self):
        cases = (
            (push_keys([], "x"), INVALID_ARGUMENT), (push_keys([""], "x"), INVALID_ARGUMENT),
            (push_rooms([], "x"), INVALID_ARGUMENT), (push_all("x" * 262145), INVALID_ARGUMENT),
            (push_all("x", op=goim.AUTH_REPLY), INVALID_ARGUMENT),
            (push_all("not frames", batch=True), INVALID_ARGUMENT),
            (push_all(goim.frame(1000)[:-1], batch=True), INVALID_ARGUMENT),
            (b"", UNIMPLEMENTED), (bytes_field(99, b"newer"), UNIMPLEMENTED))
        for call, code in cases:
            reply = self.pusher.call(call)
            self.assertEqual(reply.code, code)
            self.assertRegex(reply.error, r"^\w.*: \w.*\w$")
        self.pusher.send(framed(0, push_all("x")))
        self.assertEqual(self.pusher.receive().code, INVALID_ARGUMENT)
        self.assertEqual(self.pusher.push_all("still here").taken, 0)
        self.assertEqual(self.pusher.status().push["invalid"], len(cases) + 1)


class Secret(PushPortTest):
    flags = ("--push.secret", SECRET.decode())

    def unauthorized(self):
        pusher = self.connect()
        pusher.hello(SECRET)
        return pusher.status().push["unauthorized"]

    def test_it_opens_the_port(self):
        self.assertEqual(self.pusher.hello(SECRET).code, OK)
        self.assertEqual(self.pusher.push_all("x").taken, 0)
        # Shown again it does no harm.
        self.assertEqual(self.pusher.hello(SECRET).code, OK)

    def test_a_wrong_one_closes(self):
        before = self.unauthorized()
        wrong = (b"", b"s3cre", b"s3cret ", b"S3cret", SECRET + b"\0", b"x" * 1000)
        for secret in wrong:
            pusher = self.connect()
            reply = pusher.hello(secret)
            self.assertEqual(reply.code, UNAUTHENTICATED)
            self.assertIn("secret", reply.error)
            self.assertEqual(pusher.read_all(), b"")
        self.assertEqual(self.unauthorized(), before + len(wrong))

    def test_nothing_is_done_without_it(self):
        client = self.login(key="guarded", room_id="guarded://1", accepts=[1000])
        for call in (push_keys(["guarded"], "x"), push_rooms(["guarded://1"], "x"), push_all("x"),
                     bytes_field(STATUS, b""), b""):
            pusher = self.connect()
            # The second request is behind the first, with the secret that comes too late.
            pusher.send(framed(1, call) + framed(2, bytes_field(HELLO, bytes_field(1, SECRET))) +
                        framed(3, push_all("y")))
            reply = pusher.receive()
            self.assertEqual((reply.id, reply.code), (1, UNAUTHENTICATED))
            self.assertEqual(pusher.read_all(), b"")
        self.assertEqual(client.call(goim.HEARTBEAT, 1).op, goim.HEARTBEAT_REPLY)

    def test_a_wrong_one_after_the_right_one_closes(self):
        self.pusher.hello(SECRET)
        self.assertEqual(self.pusher.hello(b"x").code, UNAUTHENTICATED)
        self.assertEqual(self.pusher.read_all(), b"")


class SecretInTime(PushPortTest):
    flags = ("--push.secret", SECRET.decode(), "--push.auth_timeout_ms", "300")

    def test_who_does_not_show_it_in_time_is_closed(self):
        shown = harness.wait_until(self.one_that_has_shown_it, "a secret shown in time")
        began = time.monotonic()
        silent = self.connect()
        self.assertEqual(silent.read_all(), b"")
        self.assertGreater(time.monotonic() - began, 0.2)
        self.assertEqual(shown.push_all("still open").taken, 0)

    def one_that_has_shown_it(self):
        pusher = self.connect()
        with contextlib.suppress(Ended, ConnectionError):  # this machine may be slow now and then
            return pusher if pusher.hello(SECRET).code == OK else None


if __name__ == "__main__":
    harness.main()
