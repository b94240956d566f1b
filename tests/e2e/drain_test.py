#!/usr/bin/env python3
"""A node that is drained: who is let in, when clients are told to go, and what they still get."""

import contextlib
import re
import select
import signal
import subprocess
import time

import goim
import harness
from admin_test import Admin
from event_stream import EventStream
from goim import TcpClient, take_frames
from harness import program, wait_until
from push_port import Pusher
from websocket import WsClient, request


def until_ended(clients, each_turn=lambda: None, deadline_s=60):
    """Reads them all until each has ended: {client: seconds since the call}."""
    began = time.monotonic()
    waiting = {client.fileno(): client for client in clients}
    poll = select.poll()
    for descriptor in waiting:
        poll.register(descriptor, select.POLLIN)
    ended = {}
    while waiting:
        assert time.monotonic() < began + deadline_s, f"{len(waiting)} clients are still there"
        each_turn()
        for descriptor, _ in poll.poll(5):
            client = waiting[descriptor]
            if not client.pump():
                ended[client] = time.monotonic() - began
                poll.unregister(descriptor)
                del waiting[descriptor]
    return ended


class DrainTest(harness.OwnGatewayTest):
    def ctl(self, gateway, *words):
        ended = subprocess.run([program("HALLEYCTL_BIN"), "--push", "%s:%d" % gateway.push, *words],
                               capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout


class Signal(DrainTest):
    def test_clients_go_evenly_and_miss_nothing(self):
        seconds, clients_count = 4, 400
        gateway = self.start("--gateway.drain_window_ms", str(1000 * seconds),
                             "--gateway.drain_retry_ms", "700")
        pusher = self.keep(Pusher(gateway))
        kinds = (lambda: TcpClient(gateway.tcp).login(room_id="drain://1"),
                 lambda: WsClient(gateway.ws).login(room_id="drain://1"))
        clients = [self.keep(kinds[i % 2]()) for i in range(clients_count)]
        self.assertEqual(pusher.push_rooms(["drain://1"], "first").taken, clients_count)
        taken = clients_count
        rest = {"pushed": 1}

        def push():
            # A steady stream: each goes to who is a member by then, and reaches all of those.
            nonlocal taken
            with contextlib.suppress(Exception):
                taken += pusher.push_rooms(["drain://1"], "x" * 3000).taken
                rest["pushed"] += 1

        gateway.ask_to_end(signal.SIGTERM)
        ended = until_ended(clients, push)
        per_second = [0] * (seconds + 2)
        for moment in ended.values():
            per_second[int(moment)] += 1
        for second in range(seconds):
            # Within 10 % where nothing else runs; the simulation holds it to that.
            self.assertAlmostEqual(per_second[second], clients_count / seconds, delta=40,
                                   msg=per_second)
        messages = 0
        hints = []
        for client in clients:
            if isinstance(client, TcpClient):
                frames = take_frames(client.unread)
                self.assertEqual(bytes(client.unread), b"", "a torn frame")
                messages += len(frames)
            else:
                while client.unread[:1] != b"\x88":
                    messages += len(take_frames(bytearray(client.read_ws()[1][16:])))
                code, text = client.read_farewell()
                self.assertEqual(code, 1012)
                hints.append(int(re.fullmatch(r"retry_ms=(\d+)", text)[1]))
        self.assertEqual(messages, taken, "every push that was taken arrived")
        self.assertGreater(rest["pushed"], 20)
        self.assertTrue(all(1 <= hint <= 700 for hint in hints))
        self.assertGreater(len(set(hints)), 50, "they are asked to wait for different times")
        self.assertEqual(gateway.process.wait(30), 0)

    def test_it_is_not_ready_at_once_and_lets_in_for_the_grace(self):
        gateway = self.start("--gateway.drain_grace_ms", "1500", "--gateway.drain_window_ms", "3000")
        admin = Admin(gateway.admin)
        early = self.keep(TcpClient(gateway.tcp)).login(room_id="drain://2")
        gateway.ask_to_end(signal.SIGTERM)
        wait_until(lambda: admin.get("/health/ready") == (503, "the node is being drained\n"),
                   "it to be no longer ready")
        late = self.keep(TcpClient(gateway.tcp)).login(room_id="drain://2")
        self.assertEqual(late.call(goim.HEARTBEAT, 1).op, goim.HEARTBEAT_REPLY)

        def turned_away():
            with contextlib.closing(WsClient(gateway.ws, upgrade=False)) as client:
                client.send(request())
                return client.read_until(b"\r\n").startswith(b"HTTP/1.1 503")
        wait_until(turned_away, "newcomers to be turned away")
        # Who is there is served until its turn comes; pushers until the end.
        pusher = self.keep(Pusher(gateway))
        self.assertTrue(pusher.status().closed["draining"] >= 1)
        self.assertGreater(admin.metrics()['halley_draining{shard="0"}'], 0)
        until_ended([early, late])
        self.assertEqual(gateway.process.wait(30), 0)

    def test_nobody_there_is_the_end_of_it(self):
        gateway = self.start("--gateway.drain_window_ms", "600000")
        client = TcpClient(gateway.tcp).login()
        gateway.ask_to_end(signal.SIGTERM)
        client.close()
        self.assertEqual(gateway.process.wait(30), 0)

    def test_another_signal_ends_the_drain(self):
        gateway = self.start("--gateway.drain_window_ms", "600000")
        client = self.keep(WsClient(gateway.ws)).login()
        gateway.ask_to_end(signal.SIGTERM)
        wait_until(lambda: "draining" in gateway.stderr(), "the drain to begin")
        self.assertEqual(client.call(goim.HEARTBEAT, 1).op, goim.HEARTBEAT_REPLY)
        gateway.process.send_signal(signal.SIGTERM)
        self.assertEqual(client.read_close(), 1001)
        self.assertEqual(gateway.process.wait(30), 0)

    def test_who_does_not_read_gets_what_it_is_owed_or_the_end_of_the_window(self):
        gateway = self.start("--gateway.drain_window_ms", "2000", "--gateway.shutdown_timeout_ms",
                             "3000")
        pusher = self.keep(Pusher(gateway))
        slow, deaf = (self.keep(TcpClient(gateway.tcp, receive_buffer_bytes=4096))
                      .login(key=key, accepts=[1000]) for key in ("slow", "deaf"))
        taken = [pusher.push_keys(["slow"], "x" * 10_000).taken for _ in range(100)]
        for _ in range(100):
            pusher.push_keys(["deaf"], "x" * 10_000)
        metrics = Admin(gateway.admin).metrics()
        self.assertGreater(sum(metrics[f'halley_pending{{shard="{i}"}}'] for i in range(2)), 6)
        gateway.ask_to_end(signal.SIGTERM)
        time.sleep(1)  # within the window, and then it reads after all
        until_ended([slow])
        frames = take_frames(slow.unread)
        self.assertEqual(bytes(slow.unread), b"", "a torn frame")
        self.assertEqual(len(frames), sum(taken))
        self.assertEqual(gateway.process.wait(30), 0)
        deaf.close()


class Command(DrainTest):
    def test_drain_and_undrain(self):
        gateway = self.start("--gateway.drain_window_ms", "600000")
        admin = Admin(gateway.admin)
        first = self.keep(WsClient(gateway.ws)).login()
        poll = self.keep(EventStream(gateway.ws))
        poll.log_in(room_id="drain://3")
        self.assertEqual(self.ctl(gateway, "drain", "--grace", "0", "--window", "0"),
                         "draining: 2 clients are to go\n")
        self.assertEqual(first.read_farewell()[0], 1012)
        self.assertRegex(poll.read_all().decode(),
                         r'retry: \d+\nevent: close\ndata: {"code":1012,"reason":"draining"}')
        self.assertEqual(admin.get("/health/ready")[0], 503)
        self.assertEqual(admin.get("/health/live")[0], 200)
        for _ in range(5):
            self.assertEqual(self.keep(TcpClient(gateway.tcp)).read_all(), b"")
        self.assertEqual(self.ctl(gateway, "undrain"), "clients are let in\n")
        wait_until(lambda: admin.get("/health/ready")[0] == 200, "it to be ready again")

        def let_in():
            with contextlib.closing(TcpClient(gateway.tcp)) as client:
                client.send(goim.login_frame())
                return len(client.read_all() if client.ended else client.read(16)) == 16
        # Each shard sees it for itself, a moment apart.
        wait_until(self.safely(lambda: all(let_in() for _ in range(20))), "clients to be let in")
        # What is left out is as the options have it: a window that does not end in this test.
        stays = self.keep(TcpClient(gateway.tcp)).login()
        self.assertEqual(admin.post("/v1/drain", {"grace_ms": 0}), (200, {"clients": 1}))
        wait_until(lambda: not self.safely(let_in)(), "newcomers to be turned away")
        self.assertEqual(stays.call(goim.HEARTBEAT, 1).op, goim.HEARTBEAT_REPLY)
        self.assertEqual(admin.post("/v1/undrain")[0], 200)
        stays.close()
        self.assertEqual(admin.post("/v1/drain", {"window_ms": 86_400_001})[0], 400)

    @staticmethod
    def safely(ask):
        def asked():
            try:
                return ask()
            except Exception:  # pylint: disable=broad-except
                return False
        return asked


if __name__ == "__main__":
    harness.main()
