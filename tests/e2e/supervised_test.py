#!/usr/bin/env python3
"""Under a service manager: what it is told, and when it is told nothing. And what the doctor says."""

import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

import goim
import harness
from goim import TcpClient
from harness import program

WATCHDOG_US = 400_000


class Manager:
    """A service manager's end of NOTIFY_SOCKET."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name.replace("@", "\0", 1))

    def close(self):
        self.socket.close()

    def hear(self, seconds=harness.DEADLINE_S):
        """The next message, {variable: value}; None: none came in time."""
        self.socket.settimeout(seconds)
        try:
            lines = self.socket.recv(4096).decode().split("\n")
        except TimeoutError:
            return None
        return dict(line.split("=", 1) for line in lines)

    def hear_of(self, variable):
        """The next message with it."""
        while True:
            message = self.hear()
            assert message is not None, f"nothing with {variable} came"
            if variable in message:
                return message


class Halted:
    """A thread of a child that does nothing, while its other threads go on."""

    SEIZE, INTERRUPT, DETACH, WAIT_ALL = 0x4206, 0x4207, 17, 0x40000000

    def __init__(self, tid):
        self.tid = tid
        self.libc = ctypes.CDLL(None, use_errno=True)
        for request in (self.SEIZE, self.INTERRUPT):
            self._trace(request)
        os.waitpid(tid, self.WAIT_ALL)

    def _trace(self, request):
        if self.libc.ptrace(request, self.tid, None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    def go_on(self):
        self._trace(self.DETACH)


def shard_thread(gateway, index):
    for task in pathlib.Path(f"/proc/{gateway.process.pid}/task").iterdir():
        if (task / "comm").read_text().strip() == f"shard-{index}":
            return int(task.name)
    raise AssertionError("there is no such shard")


class Supervised(harness.OwnGatewayTest):
    def supervise(self, name, *flags, watchdog_us=None):
        manager = self.keep(Manager(name))

        def environment():
            os.environ["NOTIFY_SOCKET"] = name
            if watchdog_us:
                os.environ["WATCHDOG_USEC"] = str(watchdog_us)
                os.environ["WATCHDOG_PID"] = str(os.getpid())
        return manager, self.start(*flags, prepare=environment)

    def test_it_says_when_it_is_ready_reloads_and_ends(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in (os.path.join(folder, "notify"), f"@halley-supervised-{os.getpid()}"):
                manager, gateway = self.supervise(name, "--gateway.drain_window_ms", "600000")
                self.assertEqual(manager.hear(), {"READY": "1", "STATUS": "serving"})
                client = self.keep(TcpClient(gateway.tcp)).login()
                client.call(goim.HEARTBEAT, 1)  # so that the shard has told how many there are
                gateway.process.send_signal(signal.SIGHUP)
                reloading = manager.hear()
                self.assertEqual(reloading["RELOADING"], "1")
                now_us = int(reloading["MONOTONIC_USEC"])
                self.assertAlmostEqual(now_us, time.monotonic() * 1e6,
                                       delta=harness.DEADLINE_S * 1_000_000)
                self.assertEqual(manager.hear(), {"READY": "1", "STATUS": "serving 1 clients"})
                gateway.ask_to_end(signal.SIGTERM)
                self.assertEqual(manager.hear(), {"STOPPING": "1", "STATUS": "draining 1 clients"})
                client.close()
                self.assertEqual(gateway.process.wait(harness.DEADLINE_S), 0)
                self.assertIsNone(manager.hear(0.01), "nothing else was said: nobody watches it")

    def test_an_idle_node_is_well(self):
        manager, _ = self.supervise(f"@halley-idle-{os.getpid()}", watchdog_us=WATCHDOG_US)
        for _ in range(3):
            self.assertEqual(manager.hear_of("WATCHDOG"), {"WATCHDOG": "1", "STATUS": "serving 0 clients"})

    def test_a_node_with_a_shard_that_does_nothing_is_not(self):
        manager, gateway = self.supervise(f"@halley-stuck-{os.getpid()}", watchdog_us=WATCHDOG_US)
        manager.hear_of("WATCHDOG")
        halted = Halted(shard_thread(gateway, 1))
        said = 0
        while manager.hear(5 * WATCHDOG_US / 1e6) is not None:
            said += 1
        self.assertLessEqual(said, 2, "what was on its way, and what its last turn was good for")
        halted.go_on()
        manager.hear_of("WATCHDOG")

    def test_a_socket_that_cannot_be(self):
        ended = subprocess.run([program("HALLEY_BIN")], env={**os.environ, "NOTIFY_SOCKET": "notify"},
                               capture_output=True, text=True, timeout=harness.DEADLINE_S, check=False)
        self.assertEqual(ended.returncode, 78)
        self.assertRegex(ended.stderr, r"^halley: NOTIFY_SOCKET: 'notify' is no socket .*\n$")


class Doctor(harness.KeepingTest):
    @staticmethod
    def examine(*flags):
        ended = subprocess.run([program("HALLEY_BIN"), "--doctor", *flags], capture_output=True,
                               text=True, timeout=harness.DEADLINE_S, check=False)
        return ended.returncode, dict(reversed(line.split()[:2]) for line in ended.stdout.splitlines()
                                      if not line.startswith(" ")), ended.stderr

    def test_it_judges_this_host_for_the_configuration(self):
        code, verdicts, err = self.examine()
        self.assertEqual((code, err), (int("bad" in verdicts.values()), ""))
        self.assertLessEqual({"kernel", "io_uring", "RLIMIT_NOFILE", "CPUs"}, set(verdicts))
        self.assertEqual(self.examine("--io=epoll")[1]["io_uring"], "ok")
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write("[shard]\nshards = 1\nconnections_max = 10000000\n")
            file.flush()
            code, verdicts, _ = self.examine("--config", file.name)
        self.assertEqual((code, verdicts["RLIMIT_NOFILE"]), (1, "bad"))

    def test_what_it_is_told_must_be_right(self):
        code, verdicts, err = self.examine("--gateway.user", "no-such-user")
        self.assertEqual((code, verdicts), (78, {}))
        self.assertRegex(err, r"^halley: gateway.user: 'no-such-user' is no user of this host.*\n$")


if __name__ == "__main__":
    harness.main()
