#!/usr/bin/env python3
"""goim's comet service over gRPC, called as its job calls it. Requests are written by hand, so that
their bytes are goim's and not those of our .proto."""

import os
import subprocess
import tempfile
import threading
import time

import certificates
import goim
import harness
from goim import TcpClient, pushed
from harness import DEADLINE_S, GatewayTest, OwnGatewayTest
from push_port import bytes_field, number_field, parse
from python_grpc import load_grpc
from websocket import WsClient

FLAGS = ("--listen.comet_grpc", "127.0.0.1:0")
grpc = None  # the module, once it is there


def setUpModule():
    global grpc  # pylint: disable=global-statement
    grpc = load_grpc()


def proto(op=goim.RAW, body=b"", ver=1, seq=0):
    return (number_field(1, ver) + number_field(2, op) + number_field(3, seq)
            + (bytes_field(4, body) if body else b""))


def raw(*bodies, op=1000):
    """What job sends: frames inside op 9."""
    return proto(body=b"".join(goim.frame(op, 0, body) for body in bodies))


def push_msg(keys, message, op=1000):
    return b"".join(bytes_field(1, key) for key in keys) + bytes_field(2, message) + number_field(3, op)


def broadcast(message, op=1000, speed=0):
    return number_field(1, op) + bytes_field(2, message) + number_field(3, speed)


def broadcast_room(room, message):
    return bytes_field(1, room) + bytes_field(2, message)


class Comet:
    """What job has of a comet."""

    def __init__(self, address, credentials=None):
        host, port = address
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        options = [("grpc.keepalive_time_ms", 10_000), ("grpc.keepalive_permit_without_calls", 1),
                   ("grpc.ssl_target_name_override", "node")]
        self.channel = grpc.secure_channel(target, credentials, options) if credentials else \
            grpc.insecure_channel(target, options)

    def close(self):
        self.channel.close()

    def method(self, name):
        return self.channel.unary_unary(f"/goim.comet.Comet/{name}")

    def call(self, name, request=b"", timeout=DEADLINE_S):
        return self.method(name)(request, timeout=timeout)

    def refused(self, name, request=b""):
        """Status and details of a call that must fail."""
        try:
            self.call(name, request)
        except grpc.RpcError as error:
            return error.code(), error.details()
        raise AssertionError(f"{name} was to be refused")


class CometTest(GatewayTest):
    flags = FLAGS

    def setUp(self):
        self.comet = self.keep(Comet(self.gateway.address("comet_grpc")))

    def login(self, kind=TcpClient, **fields):
        address = self.gateway.tcp if kind is TcpClient else self.gateway.ws
        return self.keep(kind(address)).login(**fields)


class Calls(CometTest):
    def test_a_push_reaches_its_keys_on_both_transports(self):
        clients = [self.login(key="p-tcp", accepts=[1000]), self.login(WsClient, key="p-ws", accepts=[1000])]
        answer = self.comet.call("PushMsg", push_msg(["p-tcp", "nobody", "", "p-ws"], raw(b"one", b"two")))
        self.assertEqual(answer, b"")
        for client in clients:
            self.assertEqual([client.receive(), client.receive()], [pushed(b"one"), pushed(b"two")])

    def test_a_key_that_is_not_utf8(self):
        client = self.keep(TcpClient(self.gateway.tcp))
        client.send(goim.frame(goim.AUTH, 1, b'{"key":"caf\xc3\xa9","accepts":[1000]}'))
        self.assertEqual(client.receive().op, goim.AUTH_REPLY)
        self.comet.call("PushMsg", push_msg([b"\xff\xfe", "caf\u00e9"], raw(b"hi")))
        self.assertEqual(client.receive(), pushed(b"hi"))

    def test_accept_sets_are_asked_for_proto_op(self):
        client = self.login(key="w-1", accepts=[1000])
        self.comet.call("PushMsg", push_msg(["w-1"], raw(b"no", op=1000), op=1001))
        self.comet.call("PushMsg", push_msg(["w-1"], raw(b"yes", op=5000), op=1000))
        self.assertEqual(client.receive(), pushed(b"yes", op=5000))

    def test_a_message_that_is_not_raw_keeps_its_header(self):
        client = self.login(key="h-1", accepts=[1000])
        self.comet.call("PushMsg", push_msg(["h-1"], proto(1000, b"hi", ver=2, seq=77)))
        self.assertEqual(client.receive(), goim.Frame(1000, 77, b"hi", 2))
        self.comet.call("PushMsg", push_msg(["h-1"], proto(1000, b"plain")))
        self.assertEqual(client.receive(), pushed(b"plain"))

    def test_rooms(self):
        here = [self.login(room_id="live://r 1"), self.login(WsClient, room_id="live://r 1")]
        other = self.login(room_id="live://r 2")
        self.comet.call("BroadcastRoom", broadcast_room("live://r 1", raw(b"a", b"b", op=4)))
        self.comet.call("BroadcastRoom", broadcast_room("live://nobody", raw(b"x")))
        self.comet.call("BroadcastRoom", broadcast_room("live://r 2", proto(1000, b"c", seq=3)))
        for client in here:
            self.assertEqual([client.receive(), client.receive()], [pushed(b"a", op=4), pushed(b"b", op=4)])
        self.assertEqual(other.receive(), goim.Frame(1000, 3, b"c", 1))
        entries = [parse(entry) for entry in parse(self.comet.call("Rooms"))[1]]
        rooms = {entry[1][0].decode(): entry[2][0] for entry in entries}
        self.assertEqual((rooms["live://r 1"], rooms["live://r 2"]), (1, 1))
        self.assertNotIn("live://nobody", rooms)

    def test_calls_of_one_caller_reach_a_room_in_their_order(self):
        client = self.login(room_id="live://order")
        calls = [self.comet.method("BroadcastRoom").future(
            broadcast_room("live://order", raw(b"%d" % number)), timeout=DEADLINE_S)
            for number in range(200)]
        for call in calls:
            call.result()
        self.assertEqual(sorted(int(client.receive().body) for _ in range(200)), list(range(200)))
        # One after the other they come so, too.
        for number in range(100):
            self.comet.call("BroadcastRoom", broadcast_room("live://order", raw(b"%d" % number)))
        self.assertEqual([int(client.receive().body) for _ in range(100)], list(range(100)))

    def test_a_thousand_keys_in_a_call(self):
        clients = [self.login(key=f"k-{number}", accepts=[1000]) for number in range(20)]
        keys = [f"k-{number}" for number in range(1000)]
        self.comet.call("PushMsg", push_msg(keys, raw(b"many")))
        for client in clients:
            self.assertEqual(client.receive(), pushed(b"many"))

    def test_what_cannot_be_done_is_said(self):
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        for name, request, what in (
                ("PushMsg", push_msg([], raw(b"x")), "keys or proto"),
                ("PushMsg", bytes_field(1, "a"), "keys or proto"),
                ("PushMsg", push_msg(["a"], proto(goim.HEARTBEAT_REPLY)), "op 3 belongs"),
                ("PushMsg", push_msg(["a"], proto(body=b"no frames")), "complete goim frames"),
                ("PushMsg", push_msg(["a"], proto(1000, b"x", ver=1 << 15)), "16 bits"),
                ("Broadcast", number_field(1, 1000), "proto is missing"),
                ("BroadcastRoom", bytes_field(2, raw(b"x")), "roomID"),
                ("BroadcastRoom", bytes_field(1, "live://1"), "proto is missing")):
            code, details = self.comet.refused(name, request)
            self.assertEqual(code, invalid, details)
            self.assertIn(what, details)
        too_long = push_msg(["a"], proto(1000, b"x" * 1_100_000))
        self.assertEqual(self.comet.refused("PushMsg", too_long)[0], grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertIn("push.body_bytes", self.comet.refused("PushMsg", push_msg(["a"], proto(1000, b"x" * 300_000)))[1])
        # goim's Close did nothing.
        self.assertEqual(self.comet.refused("Close")[0], grpc.StatusCode.UNIMPLEMENTED)
        self.assertEqual(self.comet.call("Ping"), b"")

    def test_garbage_harms_nobody_else(self):
        with self.assertRaises(grpc.RpcError):
            self.comet.call("PushMsg", b"\xff" * 100)
        stream = self.keep(TcpClient(self.gateway.address("comet_grpc")))
        stream.send(b"GET / HTTP/1.1\r\n\r\n" + b"\x00" * 1000)
        self.assertEqual(self.comet.call("Ping"), b"")


class Broadcasts(OwnGatewayTest):
    def test_a_broadcast_keeps_its_speed_and_asks_accept_sets(self):
        gateway = self.start(*FLAGS)
        comet = self.keep(Comet(gateway.address("comet_grpc")))
        clients = [self.keep(TcpClient(gateway.tcp)).login(accepts=[1000]) for _ in range(20)]
        deaf = self.keep(TcpClient(gateway.tcp)).login(key="deaf", accepts=[1001])
        comet.call("Broadcast", broadcast(raw(b"fast")))
        for client in clients:
            self.assertEqual(client.receive(), pushed(b"fast"))
        began = time.monotonic()
        comet.call("Broadcast", broadcast(raw(b"slow"), speed=20))
        for client in clients:
            self.assertEqual(client.receive(), pushed(b"slow"))
        # 21 clients at 20 a second; a pace begins with what it may send at once.
        self.assertGreater(time.monotonic() - began, 0.5)
        comet.call("PushMsg", push_msg(["deaf"], raw(b"end", op=1001), op=1001))
        self.assertEqual(deaf.receive(), pushed(b"end", op=1001))

    def test_a_full_queue_does_not_stop_the_keys_behind_it(self):
        gateway = self.start(*FLAGS, "--listen.send_buffer_bytes", "4096", "--listen.notsent_lowat_bytes",
                             "4096", "--client.personal_queue_bytes", "16384")
        comet = self.keep(Comet(gateway.address("comet_grpc")))
        slow = self.keep(TcpClient(gateway.tcp, receive_buffer_bytes=4096)).login(key="slow", accepts=[1000])
        good = self.keep(TcpClient(gateway.tcp)).login(key="good", accepts=[1000])
        request = push_msg(["slow", "good"], raw(b"x" * 8000))
        for _ in range(1000):
            try:
                comet.call("PushMsg", request)
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
                self.assertIn("1 of the keys have clients that read too slowly", error.details())
                break
            self.assertEqual(good.receive(), pushed(b"x" * 8000))
        else:
            self.fail("a client that reads nothing was never full")
        self.assertEqual(good.receive(), pushed(b"x" * 8000))
        self.assertEqual(slow.receive(), pushed(b"x" * 8000))

    def test_calls_under_way_are_answered_when_the_node_ends(self):
        gateway = self.start(*FLAGS)
        comet = self.keep(Comet(gateway.address("comet_grpc")))
        self.keep(TcpClient(gateway.tcp)).login(key="e-1", accepts=[1000])
        codes, stop = [], threading.Event()

        def push():
            while not stop.is_set():
                try:
                    comet.call("PushMsg", push_msg(["e-1"], raw(b"hi")))
                    codes.append("OK")
                except grpc.RpcError as error:
                    codes.append(error.code().name)
        threads = [threading.Thread(target=push) for _ in range(8)]
        for thread in threads:
            thread.start()
        harness.wait_until(lambda: len(codes) > 100, "pushes")
        gateway.stop()
        stop.set()
        for thread in threads:
            thread.join()
        self.assertLessEqual(set(codes), {"OK", "UNAVAILABLE", "CANCELLED", "RESOURCE_EXHAUSTED"})


class WhoMayCall(OwnGatewayTest):
    def refusal(self, *flags):
        done = subprocess.run([harness.program("HALLEY_BIN"), "--check-config", *flags], check=False,
                              capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(done.returncode, 78, done.stderr)
        return done.stderr

    def test_beyond_loopback_only_with_a_certificate_or_insecure(self):
        why = self.refusal("--listen.comet_grpc", "0.0.0.0:0")
        self.assertIn("comet_grpc.insecure", why)
        gateway = self.start("--listen.comet_grpc", "0.0.0.0:0", "--comet_grpc.insecure", "on")
        port = gateway.address("comet_grpc")[1]
        self.assertEqual(self.keep(Comet(("127.0.0.1", port))).call("Ping"), b"")
        harness.wait_until(lambda: "comet_grpc.insecure is on" in gateway.stderr(), "the log to tell")

    def test_mutual_tls(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        ours = certificates.Authority(folder.name, "ours")
        ours.issue("node", "node")
        ours.issue("job", "job")
        flags = ("--listen.comet_grpc", "[::1]:0", "--comet_grpc.tls_certificate", ours.file("node"),
                 "--comet_grpc.tls_key", ours.file("node", "key"), "--comet_grpc.tls_client_ca", ours.root)
        gateway = self.start(*flags)
        address = gateway.address("comet_grpc")

        def read(name):
            with open(name, "rb") as file:
                return file.read()
        shown = grpc.ssl_channel_credentials(read(ours.root), read(ours.file("job", "key")),
                                             read(ours.file("job")))
        self.assertEqual(self.keep(Comet(address, shown)).call("Ping"), b"")
        for stranger in (grpc.ssl_channel_credentials(read(ours.root)), None):
            code, _ = self.keep(Comet(address, stranger)).refused("Ping")
            self.assertEqual(code, grpc.StatusCode.UNAVAILABLE)

    def test_files_that_are_no_certificates_are_said(self):
        why = self.refusal(*FLAGS, "--comet_grpc.tls_certificate", os.devnull)
        self.assertIn(os.devnull, why)
        self.assertIn("comet_grpc.tls_certificate", self.refusal(*FLAGS, "--comet_grpc.tls_key", os.devnull))


if __name__ == "__main__":
    harness.main()
