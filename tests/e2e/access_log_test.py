#!/usr/bin/env python3
"""The access log: a line for each connection that has ended, or for one in so many, while the disk is full, too."""

import contextlib
import json
import os
import pwd
import subprocess
import tempfile
import unittest

import harness
from admin_test import Admin
from goim import TcpClient
from harness import program, wait_until
from push_port import Pusher
from websocket import WsClient

harness.need_admin()

CANNOT_START = 78
TOKEN_WORD = "nobody-may-read-this"


class AccessLogTest(harness.OwnGatewayTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.log = self.path("access.log")
        self.file = self.path("halley.toml")

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, text):
        with open(self.file + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(self.file + ".new", self.file)

    def configure(self, **options):
        self.write("[access_log]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items()))

    def start_with(self, *flags, shards=2, **options):
        self.configure(**options)
        return self.start("--config", self.file, *flags, shards=shards)

    def lines(self, path=None):
        try:
            with open(path or self.log, encoding="utf-8") as file:
                return [json.loads(line) for line in file.read().splitlines()]
        except FileNotFoundError:
            return []

    def wait_lines(self, count, path=None):
        return wait_until(lambda: len(self.lines(path)) >= count and self.lines(path), f"{count} lines")


class Lines(AccessLogTest):
    def test_what_a_line_tells(self):
        gateway = self.start_with(file=self.log)
        client = self.keep(WsClient(gateway.ws)).login(key="ann", mid=7, room_id="live://1", word=TOKEN_WORD)
        client.call(1000, 5, b"a body that nobody may read")
        address = "%s:%d" % client.socket.getsockname()
        pusher = self.keep(Pusher(gateway))
        self.assertEqual(pusher.push_rooms(["live://1"], "x" * 10_000).taken, 1)
        client.receive()
        pusher.kick_keys("ann")
        line, = self.wait_lines(1)
        self.assertRegex(line.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertIn(line.pop("shard"), (0, 1))
        self.assertGreater(line.pop("seconds"), 0)
        # With headers and the login's answer; what came in is the upgrade, the login and a message.
        self.assertGreater(line.pop("bytes_sent"), 10_000)
        self.assertGreater(line.pop("bytes_received"), 200)
        self.assertGreaterEqual(line.pop("retransmits"), 0)
        self.assertEqual(line, {"transport": "websocket", "dialect": "goim_ws", "address": address,
                                "logged_in": True, "key": "ann", "mid": 7, "room": "live://1", "reason": "kicked"})
        with open(self.log, encoding="utf-8") as file:
            text = file.read()
        self.assertNotIn(TOKEN_WORD, text)
        self.assertNotIn("nobody may read", text)
        self.assertNotIn(TOKEN_WORD, gateway.stderr())

    def test_who_never_logged_in(self):
        gateway = self.start_with("--client.handshake_timeout_ms", "100", "--listen.defer_accept_s", "0",
                                  file=self.log)
        self.keep(TcpClient(gateway.tcp))
        line, = self.wait_lines(1)
        self.assertEqual((line["logged_in"], line["reason"], "key" in line, "dialect" in line),
                         (False, "handshake_timeout", False, False))

    def test_one_in_ten_is_exactly_that(self):
        gateway = self.start_with(file=self.log, one_in=10)
        for _ in range(1000):
            with contextlib.closing(TcpClient(gateway.tcp)) as client:
                client.login()
        admin = Admin(gateway.admin)
        wait_until(lambda: admin.metrics()["halley_access_log_lines_total"] >= 100, "100 lines")
        wait_until(lambda: gateway_idle(admin), "everybody to have gone")
        self.assertEqual(len(self.lines()), 100)
        self.assertEqual(admin.metrics()['halley_access_log_dropped_total{reason="queue"}'], 0)

    def test_the_end_of_the_node_is_in_it(self):
        gateway = self.start_with(file=self.log)
        self.keep(TcpClient(gateway.tcp)).login(key="last")
        gateway.stop()
        line, = self.lines()
        self.assertEqual((line["key"], line["reason"]), ("last", "server_closing"))


def gateway_idle(admin):
    return sum(value for name, value in admin.metrics().items() if name.startswith("halley_connections{")) == 0


class Files(AccessLogTest):
    def come_and_go(self, gateway, key):
        with contextlib.closing(TcpClient(gateway.tcp)) as client:
            client.login(key=key)

    def test_a_file_that_was_renamed_is_opened_again(self):
        gateway = self.start_with(file=self.log)
        self.come_and_go(gateway, "old")
        self.wait_lines(1)
        old = self.path("access.log.1")
        os.rename(self.log, old)
        self.come_and_go(gateway, "between")
        self.wait_lines(2, old)
        self.hang_up(gateway, "SIGHUP: the access log was opened again")
        self.come_and_go(gateway, "new")
        self.assertEqual([line["key"] for line in self.wait_lines(1)], ["new"])
        self.assertEqual([line["key"] for line in self.lines(old)], ["old", "between"])
        # No shard holds the old one, whose space would else stay in use.
        os.remove(old)
        holders = [os.readlink(f"/proc/{gateway.process.pid}/task/{task}/fd/{fd}")
                   for task in os.listdir(f"/proc/{gateway.process.pid}/task")
                   for fd in os.listdir(f"/proc/{gateway.process.pid}/task/{task}/fd")
                   if os.path.lexists(f"/proc/{gateway.process.pid}/task/{task}/fd/{fd}")]
        self.assertEqual([path for path in holders if "access.log.1" in path], [])

    def test_it_begins_changes_and_ends_by_reload(self):
        gateway = self.start_with(file="")
        self.come_and_go(gateway, "before")
        self.configure(file=self.log)
        self.hang_up(gateway, "these options count from now on: access_log.file")
        self.come_and_go(gateway, "a")
        self.wait_lines(1)
        other = self.path("other.log")
        self.configure(file=other, one_in=1)
        self.hang_up(gateway, "these options count from now on: access_log.file")
        self.come_and_go(gateway, "b")
        self.wait_lines(1, other)
        self.configure(file="", one_in=3)
        self.hang_up(gateway, "these options count from now on: access_log.file, access_log.one_in")
        self.come_and_go(gateway, "c")
        gateway.stop()
        self.assertEqual([line["key"] for line in self.lines()], ["a"])
        self.assertEqual([line["key"] for line in self.lines(other)], ["b"])

    def test_a_full_disk_costs_lines_and_nothing_else(self):
        gateway = self.start_with(file="/dev/full")
        admin = Admin(gateway.admin)

        def lost():
            return admin.metrics()['halley_access_log_dropped_total{reason="disk"}']
        for count in range(1, 4):
            self.come_and_go(gateway, "a")
            wait_until(lambda count=count: lost() == count, f"{count} lost lines")
        self.assertEqual(gateway.stderr().count("the access log's lines are lost"), 1)
        self.assertRegex(gateway.stderr(), r"Z warning the access log.s lines are lost")
        self.assertIn("'/dev/full' cannot be written (No space left on device)", gateway.stderr())
        self.configure(file=self.log)
        self.hang_up(gateway, "the access log was opened again")
        self.come_and_go(gateway, "b")
        self.wait_lines(1)
        wait_until(lambda: "the access log is written again" in gateway.stderr(), "that to be told")
        self.assertEqual(lost(), 3)

    def test_a_reload_that_cannot_open_it_changes_nothing(self):
        gateway = self.start_with(file=self.log)
        self.configure(file=self.path("no/such/folder"))
        self.hang_up(gateway, "SIGHUP: nothing was changed: access_log.file: ")
        self.come_and_go(gateway, "a")
        self.wait_lines(1)

    def test_what_cannot_be_opened_is_refused(self):
        flags = ("--access_log.file", self.path("no/log"), "--tcp", "127.0.0.1:0", "--ws", "", "--push", "",
                 "--admin", "")
        for more in (("--check-config",), ()):
            ended = subprocess.run([program("HALLEY_BIN"), *flags, *more], capture_output=True, text=True,
                                   timeout=harness.DEADLINE_S, check=False)
            self.assertEqual(ended.returncode, CANNOT_START, ended.stderr)
            self.assertRegex(ended.stderr, r"^halley: access_log\.file: '.*/no/log' cannot be opened .*\n$")
        good = subprocess.run([program("HALLEY_BIN"), "--check-config", "--access_log.file", self.log],
                              capture_output=True, text=True, timeout=harness.DEADLINE_S, check=False)
        self.assertEqual((good.returncode, os.path.exists(self.log)), (0, False), good.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_it_is_opened_by_who_the_gateway_becomes(self):
        flags = ("--user", "nobody", "--access_log.file", self.log)
        for more in (("--check-config",), ("--tcp", "127.0.0.1:0", "--ws", "", "--admin", "")):
            ended = subprocess.run([program("HALLEY_BIN"), *flags, *more], capture_output=True, text=True,
                                   timeout=harness.DEADLINE_S, check=False)
            self.assertEqual(ended.returncode, CANNOT_START, ended.stderr)
            self.assertIn("cannot be opened to add lines to it (Permission denied)", ended.stderr)
        os.chmod(self.folder, 0o755)
        os.mkdir(self.path("logs"))
        os.chown(self.path("logs"), pwd.getpwnam("nobody").pw_uid, -1)
        log = self.path("logs/access.log")
        gateway = self.start("--user", "nobody", "--access_log.file", log)
        self.come_and_go(gateway, "a")
        self.wait_lines(1, log)
        self.assertEqual(os.stat(log).st_uid, pwd.getpwnam("nobody").pw_uid)


if __name__ == "__main__":
    harness.main()
