#!/usr/bin/env python3
"""Started as root, the gateway listens and reads its keys, and then is somebody else for good."""

import os
import pathlib
import pwd
import re
import signal
import subprocess
import tempfile
import unittest

import harness
from certificates import Authority, trusting
from goim import TcpClient, pushed
from harness import program, wait_until
from push_port import OK, Pusher
from reload_files_test import Shown

CANNOT_START = 78
NOBODY = pwd.getpwnam("nobody")


def refused(*flags, user=None):
    """(exit code, stderr) of a gateway that does not start, run as `user` (an id)."""
    options = {"user": user, "group": user, "extra_groups": []} if user else {}
    ended = subprocess.run([program("HALLEY_BIN"), "--tcp", "127.0.0.1:0", "--ws", "", "--admin", "",
                            "--push", "127.0.0.1:0", *flags], capture_output=True, text=True,
                           timeout=harness.DEADLINE_S, check=False, **options)
    return ended.returncode, ended.stderr


def identities(process):
    """{(line of /proc/PID/status, its value)} over all threads, and how many threads there are."""
    tasks = list(pathlib.Path(f"/proc/{process.pid}/task").iterdir())
    lines = set()
    for task in tasks:
        status = (task / "status").read_text()
        for name in ("Uid", "Gid", "Groups", "CapPrm", "CapEff"):
            value = re.search(rf"^{name}:[ \t]*(.*?) *$", status, re.MULTILINE)[1]
            lines.add((name, value.replace("\t", " ")))
    return lines, len(tasks)


@unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
class User(harness.OwnGatewayTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)  # of root's, and nobody else may look into it
        self.authority = Authority(folder.name, "root")
        self.authority.issue("site", "site.example")
        self.secret = os.path.join(folder.name, "secret")
        with open(os.open(self.secret, os.O_CREAT | os.O_WRONLY, 0o600), "w",
                  encoding="ascii") as file:
            file.write("what only root knows\n")

    def test_it_serves_as_that_user_with_what_root_has_read(self):
        gateway = self.start("--user", "nobody", "--tcp-tls", "127.0.0.1:0",
                             "--tls-certificates", self.authority.file("site"),
                             "--tls-keys", self.authority.file("site", "key"),
                             "--secret-file", self.secret)
        found, threads = identities(gateway.process)
        uid, gid = NOBODY.pw_uid, NOBODY.pw_gid
        groups = " ".join(map(str, sorted(os.getgrouplist("nobody", gid))))
        nothing = "0" * 16
        self.assertEqual(found, {("Uid", " ".join([str(uid)] * 4)), ("Gid", " ".join([str(gid)] * 4)),
                                 ("Groups", groups), ("CapPrm", nothing), ("CapEff", nothing)})
        self.assertGreaterEqual(threads, 4, "the main thread, the log's and two shards")
        secure = self.keep(TcpClient(gateway.address("tcp_tls"),
                                     tls=(trusting(self.authority), "site.example")))
        plain = self.keep(TcpClient(gateway.tcp))
        for client in (secure, plain):
            client.login(room_id="user://1")
        pusher = self.keep(Pusher(gateway))
        self.assertEqual(pusher.hello(b"what only root knows").code, OK)
        self.assertEqual(pusher.push_rooms(["user://1"], "hello").taken, 2)
        for client in (secure, plain):
            self.assertEqual(client.receive(), pushed(b"hello"))

    @unittest.skipIf(harness.SANITIZE == "thread", "what uses gRPC is not judged by ThreadSanitizer")
    def test_grpc_is_shown_what_root_has_read(self):
        """gRPC reads it for itself, and as that user."""
        gateway = self.start("--user", "nobody", "--listen.comet_grpc", "127.0.0.1:0",
                             "--comet_grpc.tls_certificate", self.authority.file("site"),
                             "--comet_grpc.tls_key", self.authority.file("site", "key"))
        address = gateway.address("comet_grpc")
        self.keep(Shown(address, self.authority, "site.example")).ping(True)
        gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "SIGHUP: nothing was changed: " in gateway.stderr(), "SIGHUP to be taken")
        self.keep(Shown(address, self.authority, "site.example")).ping(True)

    def test_what_that_user_cannot_read_stays_as_it_was(self):
        gateway = self.start("--user", "nobody", "--tcp-tls", "127.0.0.1:0",
                             "--tls-certificates", self.authority.file("site"),
                             "--tls-keys", self.authority.file("site", "key"))
        gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "SIGHUP: nothing was changed: " in gateway.stderr(),
                   "SIGHUP to be taken")
        self.assertIn("Permission denied", gateway.stderr())
        self.keep(TcpClient(gateway.address("tcp_tls"),
                            tls=(trusting(self.authority), "site.example"))).login()

    def test_who_is_not_there_and_who_may_not(self):
        for flags, user, sentence in (
                (("--user", "no-such-user"), None,
                 "halley: gateway.user: 'no-such-user' is no user of this host: create it (useradd "
                 "--system), or name another\n"),
                (("--user", "root"), NOBODY.pw_uid,
                 "halley: gateway.user: 'root' is not who this process runs as, user id "
                 f"{NOBODY.pw_uid}, and only root can become somebody else: start it as root, or leave "
                 "the option empty\n")):
            for more in ((), ("--check-config",)):
                with self.subTest(flags=flags, more=more):
                    self.assertEqual(refused(*flags, *more, user=user), (CANNOT_START, sentence))

    def test_who_is_that_user_already_needs_no_root(self):
        gateway = self.start("--user", "nobody", prepare=lambda: (
            os.setgroups([]), os.setgid(NOBODY.pw_gid), os.setuid(NOBODY.pw_uid)))
        self.keep(TcpClient(gateway.tcp)).login()


if __name__ == "__main__":
    harness.main()
