#!/usr/bin/env python3
"""How the gateway starts and ends: in time, in order, or with one sentence that tells why not."""

import contextlib
import ctypes
import json
import os
import pathlib
import platform
import re
import resource
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

import goim
import harness
from goim import TcpClient, pushed
from harness import DEADLINE_S, Gateway, wait_until
from push_port import Pusher
from stream import Stream, pump_all
from websocket import WsClient

harness.need_admin()

CANNOT_START = 78
ANY_PORTS = ("--tcp", "127.0.0.1:0", "--ws", "127.0.0.1:0", "--push", "127.0.0.1:0",
             "--admin", "127.0.0.1:0")
# What a filter does: SECCOMP_RET_ERRNO with an error number added, SECCOMP_RET_KILL_PROCESS.
ANSWER, KILL = 0x00050000, 0x80000000
ERRORS = ((1, "Operation not permitted"), (38, "Function not implemented"))
# A machine that is busy with something else may be slow once, not every time.
ATTEMPTS = 3


def run(*flags, prepare=None):
    """(exit code, stdout, stderr, seconds) of a gateway that is to end by itself."""
    began = time.monotonic()
    process = harness.start([harness.program("HALLEY_BIN"), *flags], prepare, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it did not end: {out}\n{err}") from None
    return process.returncode, out, err, time.monotonic() - began


# The numbers of system calls, the same on x86-64 and arm64 but for the second.
IO_URING_SETUP, CLOSE_RANGE = 425, 436
UNSHARE = 272 if platform.machine() == "x86_64" else 97


def forbid(action, *calls):
    """A seccomp filter, as container runtimes have it, that does this to who makes one of the calls."""
    load, jump_if_equal, give = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
    allow = 0x7fff0000
    lines = [(load, 0, 0, 0)]
    for call in calls:
        lines += [(jump_if_equal, 0, 1, call), (give, 0, 0, action)]
    lines.append((give, 0, 0, allow))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in lines))
    filter_program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(lines), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) or libc.prctl(set_seccomp, mode_filter,
                                                               filter_program, 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")


def allowed_of_shards(gateway):
    """The CPUs that each of the gateway's shard threads may run on."""
    for task in pathlib.Path(f"/proc/{gateway.process.pid}/task").iterdir():
        if (task / "comm").read_text().startswith("shard"):
            yield re.search(r"Cpus_allowed_list:\s*(\S+)", (task / "status").read_text())[1]


class Starts(unittest.TestCase):
    def test_the_second_start_is_quick(self):
        with Gateway():
            pass
        times = []
        for _ in range(ATTEMPTS):
            with Gateway() as gateway:
                times.append(gateway.ready_s)
            if times[-1] < 2:
                return
        self.fail(f"ready after {times} seconds")

    def test_what_it_prints_is_where_it_listens(self):
        two = "127.0.0.1:0,127.0.0.2:0"
        with Gateway("--tcp", two, "--ws", two) as gateway:
            self.assertRegex(gateway.printed, r"^halley \S+: 2 shards, up to \d+ connections\n")
            listeners = re.findall(r"^  (tcp|ws|push) +(\S+)$", gateway.printed, re.MULTILINE)
            self.assertEqual([kind for kind, _ in listeners], ["tcp", "tcp", "ws", "ws", "push"])
            for kind, address in listeners:
                host, port = address.rsplit(":", 1)
                if kind == "push":
                    stream = Pusher((host, int(port)))
                    self.assertEqual(stream.status().connections, 4)
                else:
                    stream = (TcpClient if kind == "tcp" else WsClient)((host, int(port)))
                    stream.login()
                self.addCleanup(stream.close)

    def test_it_listens_nowhere_else(self):
        with Gateway("--tcp", "") as gateway:
            self.assertNotIn("tcp", gateway.printed)

    def test_a_configuration_file_and_flags(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write("[shard]\nshards = 3\n[client]\nroom_id_bytes = 20\n")
            file.flush()
            with Gateway("--config", file.name, "--shards", "1") as gateway:
                self.assertIn(": 1 shards", gateway.printed)
                client = TcpClient(gateway.tcp)
                client.send(goim.login_frame(room_id="r" * 21))
                self.assertEqual(client.read_all(), b"")
                client.close()

    def test_shards_stay_on_the_cpus_that_are_named(self):
        cpus = sorted(os.sched_getaffinity(0))[:2]
        last = str(cpus[-1])
        for shards, named, allowed in ((3, last, [last] * 3), (1, last, [last]),
                                       (len(cpus), "", [str(cpu) for cpu in cpus])):
            with self.subTest(shards=shards, named=named), \
                    Gateway("--cpus", named, shards=shards) as gateway:
                self.assertEqual(sorted(allowed_of_shards(gateway)), sorted(allowed))

    def test_check_config(self):
        self.assertEqual(run("--check-config")[0], 0)
        self.assertEqual(run("--check-config", "--shards", "4", *ANY_PORTS)[0], 0)

    def test_a_warning_when_others_can_reach_it(self):
        with Gateway("--ws", "0.0.0.0:0") as gateway:
            wait_until(lambda: "the embedded backend believes" in gateway.stderr(), "the warning")


class Rings(unittest.TestCase):
    """Which of the kernel's interfaces it uses, and what it says about it."""

    WARNING = "using epoll in place of io_uring"

    def assert_serves(self, kind, *flags, prepare=None):
        """The log of a gateway that has served a client on the ring of that kind."""
        with Gateway(*flags, prepare=prepare) as gateway:
            client = TcpClient(gateway.tcp).login(room_id="ring://1")
            self.addCleanup(client.close)
            with contextlib.closing(Pusher(gateway)) as pusher:
                self.assertEqual(pusher.push_rooms(["ring://1"], "x").taken, 1)
                for shard in pusher.status().shards:
                    self.assertRegex(shard.ring, f"^{kind} on Linux ")
            self.assertEqual(client.receive(), pushed(b"x"))
            wait_until(lambda: f"ready: {kind} on Linux " in gateway.stderr(), "the log to tell")
            return gateway.stderr()

    def test_where_io_uring_is_forbidden_it_warns_once_and_uses_epoll(self):
        for error, name in ERRORS:
            log = self.assert_serves("epoll",
                                     prepare=lambda error=error: forbid(ANSWER | error, IO_URING_SETUP))
            warnings = [line for line in log.splitlines() if self.WARNING in line]
            self.assertEqual(len(warnings), 1, log)
            for each in (" warning ", "seccomp", name, "profile"):
                self.assertIn(each, warnings[0])

    def test_epoll_does_not_touch_io_uring(self):
        log = self.assert_serves("epoll", "--io=epoll", prepare=lambda: forbid(KILL, IO_URING_SETUP))
        self.assertNotIn(self.WARNING, log)

    def test_dockers_default_profile(self):
        for call in (UNSHARE, CLOSE_RANGE):
            with self.subTest(call=call):
                self.assert_serves("epoll", prepare=lambda call=call: forbid(
                    ANSWER | 1, IO_URING_SETUP, call))

    def test_io_uring_is_used_where_it_can_be(self):
        try:
            with Gateway("--io=uring"):
                pass
        except AssertionError as error:
            self.skipTest(f"this host has no io_uring for us: {error}")
        for flags in ((), ("--io=auto",), ("--io=uring",)):
            self.assertNotIn(self.WARNING, self.assert_serves("io_uring", *flags))


class Logs(unittest.TestCase):
    def test_as_json_a_line_is_an_object(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            with Gateway("--gateway.log_format=json", "--config", file.name) as gateway:
                wait_until(lambda: "ready: " in gateway.stderr(), "the log to tell")
                file.write('[gateway]\nlog_level = "q\\u00e4\\"\\\\"\n')
                file.flush()
                gateway.process.send_signal(signal.SIGHUP)
                wait_until(lambda: "SIGHUP" in gateway.stderr(), "the log to tell")
                lines = [json.loads(line) for line in gateway.stderr().splitlines()]
        for line in lines:
            self.assertEqual(list(line), ["time", "level", "message"])
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertTrue(any(line["level"] == "info" and line["message"].startswith("ready: ")
                            for line in lines), lines)
        self.assertEqual(lines[-1]["level"], "error")
        self.assertIn("gateway.log_level", lines[-1]["message"])


class Refusals(unittest.TestCase):
    """Exit code 78 within a second, and one sentence with cause and cure."""

    def assert_refused(self, *wanted, flags=(), prepare=None):
        times = []
        for _ in range(ATTEMPTS):
            code, out, err, took = run(*flags, prepare=prepare)
            self.assertEqual(code, CANNOT_START, err)
            self.assertEqual(out, "")
            sentences = [line for line in err.splitlines() if line.startswith("halley: ")]
            self.assertEqual(len(err.splitlines()), 1, err)
            self.assertEqual(len(sentences), 1, err)
            for each in wanted:
                self.assertIn(each, err)
            times.append(took)
            if took < 1:
                return
        self.fail(f"it took {times} seconds")

    def test_descriptors_of_a_shards_own_are_forbidden(self):
        self.assert_refused("descriptors of its own", "Operation not permitted", "seccomp profile",
                            flags=(*ANY_PORTS, "--io=epoll"),
                            prepare=lambda: forbid(ANSWER | 1, UNSHARE, CLOSE_RANGE))

    def test_io_uring_is_forbidden(self):
        for error, name in ERRORS:
            self.assert_refused("seccomp", name, "profile", flags=(*ANY_PORTS, "--io=uring"),
                                prepare=lambda error=error: forbid(ANSWER | error, IO_URING_SETUP))

    def test_too_few_descriptors(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
        for kind in ("auto", "uring", "epoll"):
            self.assert_refused("RLIMIT_NOFILE", "raise it", prepare=few,
                                flags=(*ANY_PORTS, "--io", kind))

    def test_fewer_descriptors_than_connections_need(self):
        def some():
            resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1000))
        self.assert_refused("5000 connections", "RLIMIT_NOFILE allows 1000", prepare=some, flags=(
            *ANY_PORTS, "--shards", "1", "--shard.connections_max", "5000"))

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = "127.0.0.1:%d" % other.getsockname()[1]
            for flag in ("--tcp", "--ws", "--push", "--admin"):
                self.assert_refused(f"cannot listen on {address}", "choose another port",
                                    flags=(*ANY_PORTS, flag, address))

    def test_a_port_that_another_gateway_uses(self):
        with Gateway() as gateway:
            for flag, (host, port) in (("--tcp", gateway.tcp), ("--push", gateway.push),
                                       ("--admin", gateway.admin)):
                self.assert_refused(f"{host}:{port}", flags=(*ANY_PORTS, flag, f"{host}:{port}"))
            with contextlib.closing(Pusher(gateway)) as pusher:
                self.assertEqual(pusher.status().connections, 0)

    def test_pushing_from_elsewhere_needs_a_secret(self):
        self.assert_refused("0.0.0.0:0", "secret", "127.0.0.1",
                            flags=(*ANY_PORTS, "--push", "0.0.0.0:0"))
        self.assert_refused("secret", flags=(*ANY_PORTS, "--push", "127.0.0.1:0,[::]:0"))
        with Gateway("--push", "0.0.0.0:0", "--push.secret", "s") as gateway:
            with contextlib.closing(Pusher(("127.0.0.1", gateway.push[1]))) as pusher:
                self.assertEqual(pusher.hello(b"s").code, 0)

    def test_bad_flags(self):
        self.assert_refused("--shard", "--shards", flags=["--shard", "2"])
        self.assert_refused("--shards", flags=["--shards", "many"])
        self.assert_refused("--shards", "256", flags=["--shards", "257"])
        self.assert_refused("--tcp", flags=["--tcp", "nowhere"])
        self.assert_refused("--io", "epoll", flags=["--io=select"])

    def test_bad_files(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write("[shard]\nshards = 1\nshrads = 2\n")
            file.flush()
            for more in ((), ("--check-config",)):
                self.assert_refused(f"{file.name}:3", "shrads", "shards",
                                    flags=("--config", file.name, *more))
        self.assert_refused("/nowhere.toml", flags=["--config", "/nowhere.toml"])


class Ends(harness.KeepingTest):
    TIMEOUT_S = 2

    def start(self):
        gateway = Gateway("--gateway.shutdown_timeout_ms", str(self.TIMEOUT_S * 1000),
                          "--listen.send_buffer_bytes", "4096")
        self.addCleanup(gateway.stop)
        return gateway

    def fill(self, gateway):
        """Clients of all sorts, two of which do not read what they are pushed."""
        self.keep(Stream(gateway.tcp))
        self.keep(Stream(gateway.ws)).send(b"GET /sub")
        self.keep(Stream(gateway.push)).send(b"\0\0\0\7x")
        for kind, address in ((TcpClient, gateway.tcp), (WsClient, gateway.ws)):
            self.keep(kind(address)).login(room_id="end://1")
            self.keep(kind(address, receive_buffer_bytes=4096)).login(room_id="end://1")
        pusher = self.keep(Pusher(gateway))
        for _ in range(100):
            pusher.push_rooms(["end://1"], "x" * 10000)
        return pusher

    def assert_ends_in_time(self, gateway, signal_number):
        began = time.monotonic()
        gateway.stop(signal_number)
        self.assertLess(time.monotonic() - began, self.TIMEOUT_S + 5)

    def test_sigterm_and_sigint(self):
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            gateway = self.start()
            self.fill(gateway)
            self.assert_ends_in_time(gateway, signal_number)

    def test_without_clients_it_ends_at_once(self):
        times = []
        for _ in range(ATTEMPTS):
            gateway = self.start()
            began = time.monotonic()
            gateway.stop()
            times.append(time.monotonic() - began)
            if times[-1] < 1:
                return
        self.fail(f"it took {times} seconds")

    def test_what_was_pushed_before_is_delivered(self):
        gateway = self.start()
        clients = [self.keep(TcpClient(gateway.tcp)).login(room_id="last://1", key=f"k{index}",
                                                           accepts=[1000])
                   for index in range(20)]
        pusher = self.keep(Pusher(gateway))
        for _ in range(50):
            self.assertEqual(pusher.push_rooms(["last://1"], "room" * 100).taken, 20)
            self.assertEqual(pusher.push_all("all").taken, 20)
        gateway.ask_to_end(signal.SIGTERM)
        frames = {client: [] for client in clients}
        pump_all(clients, lambda: all(client.ended for client in clients), "the end")
        for client in clients:
            frames[client] += client.take()
            self.assertEqual(frames[client].count(pushed(b"room" * 100)), 50)
            self.assertEqual(frames[client].count(pushed(b"all")), 50)
        gateway.stop()

    def test_while_clients_come(self):
        for delay in range(5):
            gateway = self.start()
            clients = []
            for index in range(150):
                with contextlib.suppress(ConnectionError):
                    kind, address = ((TcpClient, gateway.tcp), (Stream, gateway.ws))[index % 2]
                    clients.append(self.keep(kind(address)))
                    clients[-1].send(goim.login_frame(room_id=f"come://{index % 3}"))
                if index == 30 * delay:
                    gateway.ask_to_end(signal.SIGTERM)
            self.assert_ends_in_time(gateway, signal.SIGTERM)

    def test_a_second_signal_does_not_wait(self):
        gateway = self.start()
        self.fill(gateway)
        gateway.ask_to_end(signal.SIGTERM)
        wait_until(lambda: "closing" in gateway.stderr(), "the first signal to be taken")
        gateway.process.send_signal(signal.SIGTERM)
        # Unless it was just about to end.
        self.assertIn(gateway.process.wait(DEADLINE_S), (0, 130))
        gateway.process.stdout.close()
        gateway.log.close()

    def test_the_port_can_be_used_again_at_once(self):
        gateway = self.start()
        client = self.keep(TcpClient(gateway.tcp)).login()
        address = "%s:%d" % gateway.tcp
        gateway.stop()  # the gateway closes first: its side waits in TIME_WAIT
        client.read_all()
        with Gateway("--tcp", address) as again:
            self.assertEqual(again.tcp, gateway.tcp)


if __name__ == "__main__":
    harness.main()
