#!/usr/bin/env python3
"""goim's TCP protocol, byte for byte: what clients send, what they are answered and pushed."""

import goim
import harness
from goim import Frame, TcpClient, pushed
from harness import GatewayTest, wait_until
from push_port import NOT_WATCHING, OFFLINE, Pusher

# A push of op 1000 with the body "hi", as goim's clients see it.
HI = bytes.fromhex("00000012 0010 0001 000003e8 00000000 6869")


class GoimTcpTest(GatewayTest):
    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))

    def connect(self):
        return self.keep(TcpClient(self.gateway.tcp))

    def login(self, **fields):
        return self.connect().login(**fields)

    def closed(self, reason):
        return self.pusher.status().closed[reason]

    def assert_closed_without_a_word(self, data, reason, logged_in=True):
        """Sending `data` ends the connection for `reason`, and nothing is said."""
        before = self.closed(reason)
        client = self.login() if logged_in else self.connect()
        client.send(data)
        self.assertEqual(client.read_all(), b"")
        wait_until(lambda: self.closed(reason) == before + 1, f"a close as {reason}")


class Requests(GoimTcpTest):
    def test_login_is_answered_with_sixteen_bytes(self):
        client = self.connect()
        client.send(goim.login_frame(seq=7, mid=1, key="login-7"))
        self.assertEqual(client.read(16).hex(), "00000010" "0010" "0001" "00000008" "00000007")
        self.assertEqual(self.pusher.online("login-7", "login-8"), ["login-7"])

    def test_login_repeats_any_ver_and_seq(self):
        for ver, seq in ((0, 0), (-1, -1), (32767, 2147483647), (-32768, -2147483648)):
            client = self.connect()
            client.send(goim.login_frame(seq=seq, ver=ver))
            self.assertEqual(client.receive(), Frame(goim.AUTH_REPLY, seq, b"", ver))

    def test_a_login_without_a_key_gets_one_of_its_own(self):
        before = self.pusher.status().channels
        self.login(mid=0, key="")
        self.login()
        wait_until(lambda: self.pusher.status().channels >= before + 2, "two anonymous channels")

    def test_frames_before_the_login_are_not_answered(self):
        client = self.connect()
        client.send(goim.frame(goim.HEARTBEAT, 1) + goim.frame(1000, 2, b"x") +
                    goim.frame(goim.CHANGE_ROOM, 3, b"live://1") + goim.login_frame(seq=4) +
                    goim.frame(goim.HEARTBEAT, 5))
        self.assertEqual(client.receive(), Frame(goim.AUTH_REPLY, 4, b"", 1))
        self.assertEqual(client.receive(), Frame(goim.HEARTBEAT_REPLY, 5, bytes(4), 1))

    def test_heartbeat_bytes_for_a_room_of_258(self):
        harness.raise_descriptor_limit()
        clients = [self.connect() for _ in range(258)]
        for client in clients:
            client.send(goim.login_frame(room_id="heartbeat://258"))
        for client in clients:
            self.assertEqual(client.receive().op, goim.AUTH_REPLY)
        # Shards tell each other their counts once a second.
        wait_until(lambda: clients[0].online() == 258, "an online count of 258", pause_s=0.05)
        clients[0].send(goim.frame(goim.HEARTBEAT, 7, b"ignored"))
        self.assertEqual(clients[0].read(20).hex(),
                         "00000014" "0010" "0001" "00000003" "00000007" "00000102")

    def test_heartbeat_outside_of_a_room_counts_nobody(self):
        client = self.login()
        self.assertEqual(client.call(goim.HEARTBEAT, 9, ver=0),
                         Frame(goim.HEARTBEAT_REPLY, 9, bytes(4), 0))

    def test_a_heartbeat_reply_from_a_client_is_a_heartbeat(self):
        client = self.login(room_id="op3://1")
        self.assertEqual(client.call(goim.HEARTBEAT_REPLY, 5),
                         Frame(goim.HEARTBEAT_REPLY, 5, b"\0\0\0\1", 1))

    def test_change_room(self):
        client = self.login(room_id="change://1")
        self.assertEqual(client.call(goim.CHANGE_ROOM, 3, b"change://2", 6),
                         Frame(goim.CHANGE_ROOM_REPLY, 3, b"change://2", 6))
        self.assertEqual(self.pusher.push_rooms(["change://1", "change://2"], "x")[:2],
                         (1, {0: OFFLINE}))
        self.assertEqual(client.receive(), pushed(b"x"))
        self.assertEqual(client.online(), 1)

    def test_an_empty_room_is_none(self):
        client = self.login(room_id="leave://1")
        self.assertEqual(client.call(goim.CHANGE_ROOM, 4), Frame(goim.CHANGE_ROOM_REPLY, 4, b"", 1))
        self.assertEqual(client.online(), 0)
        # The room's home may be another shard, and hears of it a moment later.
        wait_until(lambda: self.pusher.push_rooms(["leave://1"], "x")[:2] == (0, {0: OFFLINE}),
                   "the room to be gone")
        self.assertEqual(client.call(goim.CHANGE_ROOM, 5), Frame(goim.CHANGE_ROOM_REPLY, 5, b"", 1))

    def test_changing_to_the_room_one_is_alone_in_keeps_it(self):
        client = self.login(room_id="alone://1")
        for seq in range(3):
            self.assertEqual(client.call(goim.CHANGE_ROOM, seq, b"alone://1").op,
                             goim.CHANGE_ROOM_REPLY)
        self.assertEqual(client.online(), 1)
        self.assertEqual(self.pusher.rooms("alone://"), ({"alone://1": 1}, 1))
        self.pusher.push_rooms(["alone://1"], "still here")
        self.assertEqual(client.receive(), pushed(b"still here"))

    def test_sub_and_unsub(self):
        client = self.login(key="sub", accepts=[1])
        self.assertEqual(client.call(goim.SUB, 1, b"1000,1001,-5"),
                         Frame(goim.SUB_REPLY, 1, b"1000,1001,-5", 1))
        self.assertEqual(client.call(goim.UNSUB, 2, b"1001"),
                         Frame(goim.UNSUB_REPLY, 2, b"1001", 1))
        for op, refused in ((1000, {}), (1001, {0: NOT_WATCHING}), (-5, {}), (1, {})):
            self.assertEqual(self.pusher.push_keys(["sub"], "x", op=op).refused, refused, op)
        self.assertEqual([client.receive().op for _ in range(3)], [1000, -5, 1])

    def test_a_list_with_a_bad_item_changes_nothing_and_is_answered(self):
        client = self.login(key="badlist", accepts=[1000])
        bad = (b"1001,x", b"1001,", b",1001", b"1001,,1002", b" 1001", b"1001 ", b"1001;1002",
               b"1001,4294967296", b"0x3e9", b"1001,1.0", b"\xff\xfe", b"1001\0", b"--1", b"")
        for seq, items in enumerate(bad):
            for op, reply in ((goim.SUB, goim.SUB_REPLY), (goim.UNSUB, goim.UNSUB_REPLY)):
                items = items.replace(b"1001", b"1000") if op == goim.UNSUB else items
                self.assertEqual(client.call(op, seq, items), Frame(reply, seq, items, 1))
        self.assertEqual(self.pusher.push_keys(["badlist"], "x", op=1001).refused,
                         {0: NOT_WATCHING})
        self.assertEqual(self.pusher.push_keys(["badlist"], "x", op=1000).taken, 1)

    def test_any_other_op_is_answered_with_itself_and_no_body(self):
        client = self.login()
        others = (0, 1, 4, 5, 6, goim.AUTH, goim.AUTH_REPLY, 10, 11, goim.CHANGE_ROOM_REPLY, 18,
                  1000, -1, 2147483647, -2147483648)
        for seq, op in enumerate(others):
            self.assertEqual(client.call(op, seq, b"for the backend", 3), Frame(op, seq, b"", 3))

    def test_op_9_from_a_tcp_client_is_not_answered(self):
        client = self.login()
        client.send(goim.frame(goim.RAW, 1, goim.frame(1000, 0, b"x")) +
                    goim.frame(goim.HEARTBEAT, 2))
        self.assertEqual(client.receive(), Frame(goim.HEARTBEAT_REPLY, 2, bytes(4), 1))

    def test_many_frames_in_one_segment_are_answered_in_order(self):
        many = b"".join(goim.frame(2000 + seq, seq, b"x" * (seq % 7)) for seq in range(1000))
        with_login, after_login = self.connect(), self.login()
        with_login.send(goim.login_frame(seq=0, room_id="burst://1") + many)
        after_login.send(many)
        self.assertEqual(with_login.receive(), Frame(goim.AUTH_REPLY, 0, b"", 1))
        for seq in range(1000):
            for client in (with_login, after_login):
                self.assertEqual(client.receive(), Frame(2000 + seq, seq, b"", 1))


class Splits(GoimTcpTest):
    """However the stream is cut, it says the same."""

    def setUp(self):
        super().setUp()
        self.session = (goim.login_frame(seq=1, key="split", room_id="split://1") +
                        goim.frame(goim.HEARTBEAT, 2) +
                        goim.frame(goim.CHANGE_ROOM, 3, b"split://2") +
                        goim.frame(goim.SUB, 4, b"1000,1001") + goim.frame(9999, 5, b"body") +
                        goim.frame(goim.HEARTBEAT, 6))
        self.answers = (goim.frame(goim.AUTH_REPLY, 1) +
                        goim.frame(goim.HEARTBEAT_REPLY, 2, b"\0\0\0\1") +
                        goim.frame(goim.CHANGE_ROOM_REPLY, 3, b"split://2") +
                        goim.frame(goim.SUB_REPLY, 4, b"1000,1001") + goim.frame(9999, 5) +
                        goim.frame(goim.HEARTBEAT_REPLY, 6, b"\0\0\0\1"))

    def read_from_clients(self):
        """Bytes that the gateway has read, but for those of the question itself."""
        return self.pusher.status().bytes_received - self.pusher.sent_bytes

    def test_at_every_point(self):
        for cut in range(1, len(self.session)):
            before = self.read_from_clients()
            client = TcpClient(self.gateway.tcp)
            client.send(self.session[:cut])
            wait_until(lambda: self.read_from_clients() == before + cut,
                       "the first part to be read", pause_s=0)
            client.send(self.session[cut:])
            self.assertEqual(client.read(len(self.answers)), self.answers, f"cut at {cut}")
            # It has left the room before the next one comes.
            client.send(Violations.header(-1))
            self.assertEqual(client.read_all(), b"")
            client.close()

    def test_into_single_bytes(self):
        client = self.connect()
        client.send_bytewise(self.session)
        self.assertEqual(client.read(len(self.answers)), self.answers)


class Violations(GoimTcpTest):
    """There is no error frame: what is wrong ends the connection."""

    @staticmethod
    def header(pack, header=16, op=1000):
        return goim.HEADER.pack(pack, header, 1, op, 0)

    def test_a_body_of_4096_bytes_is_taken(self):
        client = self.login()
        for body in (b"x" * 4096, b"y" * 4095):
            self.assertEqual(client.call(goim.SUB, 1, body), Frame(goim.SUB_REPLY, 1, body, 1))

    def test_a_longer_one_is_not(self):
        for pack in (4113, 65536, 2147483647):
            for logged_in in (True, False):
                self.assert_closed_without_a_word(self.header(pack), "frame_too_big", logged_in)

    def test_a_header_of_another_length(self):
        for header in (0, 15, 17, -16, 4096):
            for logged_in in (True, False):
                self.assert_closed_without_a_word(self.header(16, header), "bad_frame", logged_in)

    def test_a_frame_shorter_than_its_header(self):
        for pack in (15, 1, 0, -1, -2147483648):
            for logged_in in (True, False):
                self.assert_closed_without_a_word(self.header(pack), "bad_frame", logged_in)

    def test_a_room_id_above_its_limit(self):
        client = self.login()
        self.assertEqual(client.call(goim.CHANGE_ROOM, 1, b"r" * 256).body, b"r" * 256)
        self.assert_closed_without_a_word(goim.frame(goim.CHANGE_ROOM, 1, b"r" * 257),
                                          "frame_too_big")

    def test_tokens_that_are_refused(self):
        for token in (b"", b"{", b"[]", b"null", b'"x"', b'{"mid":"x"}', b'{"key":1.5e',
                      b'{"accepts":[4294967296]}', goim.token(key="k" * 257), goim.token(room_id="r" * 257),
                      goim.token(accepts=list(range(257))), b"\xff\xff"):
            self.assert_closed_without_a_word(goim.frame(goim.AUTH, 1, token), "auth_refused",
                                              logged_in=False)

    def test_what_was_asked_before_is_answered(self):
        client = self.login()
        client.send(goim.frame(1000, 1) + goim.frame(1001, 2) + self.header(-1))
        self.assertEqual(client.read_all(), goim.frame(1000, 1) + goim.frame(1001, 2))


class Pushes(GoimTcpTest):
    def test_bytes_are_the_same_for_key_mid_room_and_all(self):
        client = self.login(key="bytes", mid=41, room_id="bytes://1", accepts=[1000])
        self.assertEqual(self.pusher.push_keys(["bytes"], "hi")[:2], (1, {}))
        self.assertEqual(client.read(18), HI)
        self.assertEqual(self.pusher.push_mids([41], "hi")[:2], (1, {}))
        self.assertEqual(client.read(18), HI)
        self.assertEqual(self.pusher.push_rooms(["bytes://1"], "hi")[:2], (1, {}))
        self.assertEqual(client.read(18), HI)
        self.assertGreaterEqual(self.pusher.push_all("hi").taken, 1)
        self.assertEqual(client.read(18), HI)

    def test_bodies_of_any_size(self):
        client = self.login(key="sizes", room_id="sizes://1", accepts=[1000])
        for size in (0, 1, 4096, 4097, 65535, 65536, 262144):
            body = bytes(index * 7 % 251 for index in range(size))
            self.pusher.push_keys(["sizes"], body)
            self.assertEqual(client.receive(), pushed(body), size)
            self.pusher.push_rooms(["sizes://1"], body)
            self.assertEqual(client.receive(), pushed(body), size)

    def test_accept_sets_filter_all_but_rooms(self):
        client = self.login(key="filter", mid=42, room_id="filter://1", accepts=[1001])
        self.assertEqual(self.pusher.push_keys(["filter", "nobody"], "x")[:2],
                         (0, {0: NOT_WATCHING, 1: OFFLINE}))
        self.assertEqual(self.pusher.push_mids([42, 43], "x")[:2],
                         (0, {0: NOT_WATCHING, 1: OFFLINE}))
        self.pusher.push_all("not for it")
        self.assertEqual(self.pusher.push_rooms(["filter://1"], "room").taken, 1)
        self.assertEqual(client.receive(), pushed(b"room"))
        self.pusher.push_all("for it", op=1001)
        self.assertEqual(client.receive(), pushed(b"for it", 1001))
        self.assertEqual(self.pusher.push_keys(["filter"], "key", op=1001).taken, 1)
        self.assertEqual(client.receive(), pushed(b"key", 1001))

    def test_a_batch_goes_out_as_it_is(self):
        batch = goim.frame(1000, 5, b"one", 9) + goim.frame(7000, 6, b"") + goim.frame(3, 7, b"z")
        client = self.login(key="batch", mid=44, room_id="batch://1", accepts=[1000])
        self.pusher.push_keys(["batch"], batch, batch=True)
        self.assertEqual(client.read(len(batch)), batch)
        self.pusher.push_mids([44], batch, batch=True)
        self.assertEqual(client.read(len(batch)), batch)
        self.pusher.push_rooms(["batch://1"], batch, batch=True)
        self.assertEqual(client.read(len(batch)), batch)
        self.pusher.push_all(batch, batch=True)
        self.assertEqual(client.read(len(batch)), batch)

    def test_all_connections_of_a_mid_get_it(self):
        clients = [self.login(key=f"device-{index}", mid=45, accepts=[1000]) for index in range(5)]
        self.assertEqual(self.pusher.push_mids([45], "hi")[:2], (5, {}))
        for client in clients:
            self.assertEqual(client.read(18), HI)

    def test_the_second_login_of_a_key_replaces_the_first(self):
        replaced = self.closed("replaced")
        first = self.login(key="twice", accepts=[1000])
        second = self.login(key="twice", accepts=[1000])
        self.assertEqual(first.read_all(), b"")
        self.assertEqual(self.closed("replaced"), replaced + 1)
        self.assertEqual(self.pusher.push_keys(["twice"], "hi").taken, 1)
        self.assertEqual(second.read(18), HI)

    def test_kicks(self):
        by_key = self.login(key="kick", mid=46)
        by_mid = [self.login(mid=47) for _ in range(2)]
        self.assertEqual(self.pusher.kick_keys("kick", "nobody")[:2], (1, {1: OFFLINE}))
        self.assertEqual(self.pusher.kick_mids(47, 48)[:2], (2, {1: OFFLINE}))
        for client in (by_key, *by_mid):
            self.assertEqual(client.read_all(), b"")
        self.assertEqual(self.pusher.online("kick"), [])


class BenchmarkClient(GoimTcpTest):
    """goim's benchmarks/client: key "", one room, heartbeats of ver 0 with a counting seq."""

    def test_its_conversation(self):
        client = self.connect()
        client.send(goim.frame(goim.AUTH, 0, goim.token(
            mid=123456, key="", room_id="test://1", platform="ios", accepts=[1000, 1001, 1002])))
        self.assertEqual(client.receive(), Frame(goim.AUTH_REPLY, 0, b"", 1))
        delivered = 0
        for seq in range(20):
            client.send_frame(goim.HEARTBEAT, seq, ver=0)
            body = f'{{"test":{seq}}}'
            self.pusher.push_rooms(["test://1"], body)
            self.pusher.push_all(body, op=1002)
            self.pusher.push_mids([123456], body, op=1001)
            answers = [client.receive() for _ in range(4)]
            self.assertIn(Frame(goim.HEARTBEAT_REPLY, seq, b"\0\0\0\1", 0), answers)
            delivered += sum(answer.op >= 1000 for answer in answers)
        self.assertEqual(delivered, 60)


if __name__ == "__main__":
    harness.main()
