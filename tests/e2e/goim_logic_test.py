#!/usr/bin/env python3
"""A node where goim's comet stood: goim's logic, well, ill or gone, is asked over gRPC. Messages are written
by hand, so that their bytes are goim's and not those of our .proto."""

import collections
import concurrent.futures
import contextlib
import json
import tempfile
import threading
import time

import goim
import harness
from admin_test import Admin
from goim import TcpClient
from harness import OwnGatewayTest, wait_until
from push_port import Pusher, bytes_field, number_field, parse, varint
from python_grpc import load_grpc
from registry import Registry
from stream import Ended
from websocket import WsClient

# From when logic is well again until logins are taken; a sanitizer makes everything slower.
RECOVERY_S = 2 if harness.SANITIZE == "none" else 6
RECEIVES = 24  # a client's messages that may wait, and are sent at once here
grpc = None  # the module, once it is there

Asked = collections.namedtuple("Asked", "name fields")


def setUpModule():
    global grpc  # pylint: disable=global-statement
    grpc = load_grpc()


def text(fields, number):
    return fields[number][0].decode() if number in fields else ""


class Logic:
    """goim's logic on one port. A token is JSON, which says what is answered."""

    def __init__(self, port=0):
        self.asked = []
        self.lock = threading.Lock()
        self.slow = threading.Event()  # while set, logins wait for `released`
        self.released = threading.Event()
        self.receiving = self.receiving_most = 0
        self.open(port)

    def open(self, port=0):
        names = ("Ping", "Connect", "Disconnect", "Heartbeat", "RenewOnline", "Receive")
        handlers = {name: grpc.unary_unary_rpc_method_handler(self.handler(name)) for name in names}
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(32),
                                  options=[("grpc.so_reuseport", 0)])
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("goim.logic.Logic", handlers),))
        self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")
        assert self.port, "the port is taken"
        self.address = f"127.0.0.1:{self.port}"
        self.server.start()

    def handler(self, name):
        def handle(request, context):
            fields = parse(request)
            with self.lock:
                self.asked.append(Asked(name, fields))
            if name == "Connect":
                return self.connect(json.loads(fields[3][0]), context)
            if name == "Receive":
                self.receive()
            return b""
        return handle

    def connect(self, token, context):
        if self.slow.is_set():
            self.released.wait(60)
        if "refuse" in token:
            # As goim's: an error of Go's that is no status of gRPC's.
            context.abort(grpc.StatusCode.UNKNOWN, "no such user")
        accepts = b"".join(varint(op) for op in token.get("accepts", [1000]))
        room = token.get("room", "")
        return (number_field(1, token.get("mid", 7)) + bytes_field(2, token["key"]) +
                (bytes_field(3, room) if room else b"") + bytes_field(4, accepts) +
                number_field(5, token.get("heartbeat_ms", 480_000) * 1_000_000))

    def receive(self):
        with self.lock:
            self.receiving += 1
            self.receiving_most = max(self.receiving_most, self.receiving)
        time.sleep(0.002)  # for the next one to overtake it, if it could
        with self.lock:
            self.receiving -= 1

    def die(self):
        self.server.stop(0).wait()

    def close(self):
        self.released.set()
        self.die()

    def named(self, name):
        with self.lock:
            return [each.fields for each in self.asked if each.name == name]


class LogicTest(OwnGatewayTest):
    def begin(self, *flags, logic=None, addresses=None, **options):
        self.logic = logic or self.keep(Logic())
        where = ("--goim.addresses", self.logic.address) if addresses is None else addresses
        self.gateway = self.start("--backend", "goim", *where, "--goim.server", "node-1",
                                  "--goim.timeout_ms", "1000", *flags, **options)

    def begin_well(self, *flags, **options):
        self.begin(*flags, **options)
        wait_until(lambda: self.logic.named("Ping"), "a probe")

    def login(self, kind=TcpClient, **fields):
        """A client that is in, or None."""
        client = self.keep(kind(self.gateway.tcp if kind is TcpClient else self.gateway.ws))
        try:
            return client.login(**fields)
        except Ended:
            client.close()
            return None

    def farewell(self, **fields):
        """The close code that a login that comes to nothing is answered with."""
        client = self.keep(WsClient(self.gateway.ws))
        client.send_message(goim.login_frame(**fields))
        return client.read_close()

    def until_in(self, deadline_s=RECOVERY_S):
        began = time.monotonic()
        client = wait_until(lambda: self.login(key="again"), "a login to be taken", pause_s=0.05)
        self.assertLess(time.monotonic() - began, deadline_s)
        return client

    def push(self, client, key, body):
        with contextlib.closing(Pusher(self.gateway)) as pusher:
            self.assertEqual(pusher.push_keys([key], body).taken, 1)
        self.assertEqual(client.receive().body, body)

    def until_ping_is(self, status):
        if self.gateway.admin is None:
            return
        wait_until(lambda: Admin(self.gateway.admin).get("/monitor/ping")[0] == status, f"a ping of {status}")

    def reports(self, outcome):
        return Admin(self.gateway.admin).metrics()[f'halley_logic_reports_total{{outcome="{outcome}"}}']


class Well(LogicTest):
    def test_a_life(self):
        self.begin_well()
        client = self.login(key="me", mid=42, room="live://1", accepts=[1000, 1002])
        with contextlib.closing(Pusher(self.gateway)) as pusher:
            self.assertEqual(pusher.push_mids([42], b"to the mid").taken, 1)
            self.assertEqual(pusher.push_keys(["me"], b"watched", op=1002).taken, 1)
            self.assertEqual(pusher.push_keys(["me"], b"not watched", op=1001).taken, 0)
            pusher.push_rooms(["live://1"], b"to the room")
        self.assertEqual(sorted(client.receive().body for _ in range(3)),
                         [b"to the mid", b"to the room", b"watched"])
        client.close()
        gone, = wait_until(lambda: self.logic.named("Disconnect"), "its end")
        self.assertEqual((gone[1], text(gone, 2), text(gone, 3)), ([42], "me", "node-1"))
        connect, = self.logic.named("Connect")
        self.assertEqual(text(connect, 1), "node-1")
        self.assertEqual(json.loads(text(connect, 3))["key"], "me")

    def test_refused(self):
        self.begin_well()
        self.assertIsNone(self.login(refuse=1))
        self.assertEqual(self.farewell(refuse=1), 3000)
        self.assertIsNotNone(self.login(key="another"))
        self.assertEqual(self.logic.named("Disconnect"), [])

    def test_logic_says_how_long_a_client_may_be_silent(self):
        self.begin_well()
        client = self.keep(WsClient(self.gateway.ws)).login(key="silent", heartbeat_ms=300)
        self.assertEqual(client.read_close(), 3008)
        self.assertIsNotNone(self.login(key="not silent"))

    def test_messages_come_in_order_one_at_a_time(self):
        self.begin_well()
        client = self.login(key="chatty", mid=9)
        client.send(b"".join(goim.frame(1000, number, b"m%d" % number) for number in range(RECEIVES)))
        wait_until(lambda: len(self.logic.named("Receive")) == RECEIVES, "all messages")
        protos = [(each[1], parse(each[2][0])) for each in self.logic.named("Receive")]
        self.assertEqual([(mid, proto[2], text(proto, 4)) for mid, proto in protos],
                         [([9], [1000], f"m{number}") for number in range(RECEIVES)])
        self.assertEqual(self.logic.receiving_most, 1)

    def test_the_end_of_a_replaced_connection_does_not_end_its_successor(self):
        self.begin_well()
        for number in range(10):
            first, second = self.login(key=f"k{number}"), self.login(key=f"k{number}")
            first.read_all()
            second.close()
        gone = wait_until(lambda: self.logic.named("Disconnect")[9:], "ends")
        self.gateway.stop()
        # One of each: not the first one's, which would have come while the second was there.
        keys = [text(each, 2) for each in self.logic.named("Disconnect")]
        self.assertEqual(sorted(keys), sorted({f"k{number}" for number in range(10)}), gone)

    def test_what_is_left_is_told_at_the_end(self):
        self.begin_well()
        clients = [self.login(key=f"k{number}") for number in range(30)]
        self.assertNotIn(None, clients)
        self.gateway.stop()
        self.assertEqual(sorted(text(each, 2) for each in self.logic.named("Disconnect")),
                         sorted(f"k{number}" for number in range(30)))

    def test_logic_is_where_discovery_says(self):
        nobody, logic = Logic(), self.keep(Logic())
        nobody.die()
        self.begin(logic=logic, addresses=("--goim.addresses", nobody.address, "--discovery.kind", "static",
                                           "--discovery.static_addresses", logic.address))
        self.until_in()
        self.begin(logic=logic, addresses=("--discovery.kind", "static",
                                           "--discovery.static_addresses", logic.address))
        self.until_in()

    def test_logic_is_where_the_lists_say_that_are_read_again(self):
        for begins in ('[goim]\naddresses = "%s"\n',
                       '[discovery]\nkind = "static"\nstatic_addresses = "%s"\n'):
            first, second = self.keep(Logic()), self.keep(Logic())
            with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                def write(logic, file=file, begins=begins):
                    file.seek(0)
                    file.truncate()
                    file.write(begins % logic.address)
                    file.flush()
                write(first)
                self.begin(logic=first, addresses=("--config", file.name))
                live = wait_until(lambda: self.login(key="live"), "a login to be taken")
                write(second)
                status, answer = Admin(self.gateway.admin).post("/v1/reload")
                self.assertEqual((status, answer["need_restart"], len(answer["changed"])), (200, [], 1))
                wait_until(lambda second=second: self.login(key="new") and second.named("Connect"),
                           "the other to be asked")
                first.die()
                live.close()
                wait_until(lambda second=second: "live" in [text(each, 2) for each in second.named("Disconnect")],
                           "its end")

    def test_logic_is_found_in_the_registry_and_followed_from_there(self):
        registry, first, second = self.keep(Registry()), self.keep(Logic()), self.keep(Logic())
        where = ("dev", "goim.logic", "sh001")
        registry.put(*where, "l-1", [f"grpc://{first.address}"])
        self.begin(logic=first, addresses=(
            "--discovery.kind", "bilibili", "--discovery.nodes", registry.node, "--discovery.env", "dev",
            "--discovery.zone", "sh001", "--discovery.region", "sh", "--discovery.host", "node-1"))
        live = wait_until(lambda: self.login(key="live"), "logic to be found")
        registry.put(*where, "l-2", [f"grpc://{second.address}"])
        registry.drop(*where, "l-1")
        wait_until(lambda: self.login(key="new") and second.named("Connect"), "the other to be asked")
        first.die()
        live.close()
        gone = wait_until(lambda: [text(each, 2) for each in second.named("Disconnect")], "its end")
        self.assertIn("live", gone)


class Rooms(LogicTest):
    def test_are_told_when_there_are_any(self):
        harness.need_admin()
        self.begin_well()
        self.assertIsNotNone(self.login(key="roomless"))
        wait_until(lambda: self.reports("no_rooms") >= 1, "a time to report", deadline_s=30)
        self.assertEqual(self.logic.named("RenewOnline"), [])
        members = [self.login(key=f"m{number}", room=f"live://{number % 2}") for number in range(3)]
        self.assertNotIn(None, members)
        report = wait_until(lambda: self.logic.named("RenewOnline"), "a report", deadline_s=30)[0]
        self.assertEqual(text(report, 1), "node-1")
        entries = [parse(entry) for entry in report[2]]
        self.assertEqual({text(entry, 1): entry[2][0] for entry in entries}, {"live://0": 2, "live://1": 1})
        wait_until(lambda: self.reports("told") == 1, "it to be counted")


class Ill(LogicTest):
    def assert_unavailable(self):
        """New clients are asked to come again later."""
        self.assertIsNone(self.login(key="new"))
        self.assertEqual(self.farewell(key="new"), 1013)

    def test_nobody_there_at_the_start(self):
        logic = self.keep(Logic())
        logic.die()
        self.begin(logic=logic)
        self.assert_unavailable()
        self.until_ping_is(500)
        logic.open(logic.port)
        self.until_in()
        self.until_ping_is(200)

    def test_slow_beyond_the_deadline(self):
        self.begin_well()
        live = self.login(key="live")
        self.logic.slow.set()
        began = time.monotonic()
        self.assert_unavailable()
        self.assertLess(time.monotonic() - began, 2 + 2 * RECOVERY_S)
        self.push(live, "live", b"still here")
        self.logic.slow.clear()
        self.logic.released.set()
        self.until_in()

    def test_is_gone_and_comes_back(self):
        self.begin_well()
        live, leaving = self.login(key="live", room="live://1"), self.login(key="leaving")
        self.logic.die()
        self.until_ping_is(500)
        wait_until(lambda: self.login(key="new") is None, "logins to fail")
        self.assert_unavailable()
        self.push(live, "live", b"while it is gone")
        leaving.close()
        self.logic.open(self.logic.port)
        self.until_in()
        self.until_ping_is(200)
        gone = wait_until(lambda: [each for each in self.logic.named("Disconnect")
                                   if text(each, 2) == "leaving"], "what it has missed")
        self.assertEqual(len(gone), 1)
        self.push(live, "live", b"and afterwards")
        self.assertNotIn("live", [text(each, 2) for each in self.logic.named("Disconnect")])

    def test_one_of_two_is_enough(self):
        dead, logic = Logic(), self.keep(Logic())
        dead.die()
        self.begin_well(logic=logic, addresses=("--goim.addresses", f"{dead.address},{logic.address}"))
        for number in range(20):
            self.assertIsNotNone(self.login(key=f"k{number}"), number)


if __name__ == "__main__":
    harness.main()
