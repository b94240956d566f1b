#!/usr/bin/env python3
"""Sockets that a service manager has opened: used, held over a restart, and refused where nobody wants them."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading

import harness
from admin_test import Admin
from goim import AUTH_REPLY, TcpClient, login_frame, pushed
from harness import program, wait_until
from push_port import Pusher
from stream import Ended
from websocket import WsClient

# Has the descriptors that are named become those that LISTEN_FDS means, and becomes the program.
LAUNCHER = """
import fcntl, os, sys
fds, names, command = [int(fd) for fd in sys.argv[1].split(',')], sys.argv[2], sys.argv[3:]
# Out of the way first, for one may be where another is to be.
away = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100) for fd in fds]
for fd in fds:
    os.close(fd)
for number, fd in enumerate(away):
    os.dup2(fd, 3 + number)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=names)
os.execv(command[0], command)
"""
CLIENTS = 40


RESTARTS = 3


class Passing(harness.OwnGatewayTest):
    """Tests that have sockets to pass."""

    def listening(self, *options, kind=socket.SOCK_STREAM, address=("127.0.0.1", 0)):
        """A socket that listens, with these options of SOL_SOCKET on."""
        each = self.keep(socket.socket(type=kind))
        for option in (socket.SO_REUSEADDR, *options):
            each.setsockopt(socket.SOL_SOCKET, option, 1)
        each.bind(address)
        if kind == socket.SOCK_STREAM:
            each.listen(1024)
        return each

    @staticmethod
    def launcher(sockets, names):
        fds = [each.fileno() for each in sockets]
        return {"before": [sys.executable, "-c", LAUNCHER, ",".join(map(str, fds)), ":".join(names)],
                "pass_fds": fds}

    def start_passing(self, sockets, names, *flags, **options):
        return self.start(*flags, **self.launcher(sockets, names), **options)

    def refusal(self, sockets, names, *flags):
        """What it says when it does not start."""
        options = self.launcher(sockets, names)
        ended = subprocess.run([*options["before"], program("HALLEY_BIN"), "--tcp", "127.0.0.1:0", "--ws", "",
                                "--push", "", "--admin", "", *flags],
                               pass_fds=options["pass_fds"], capture_output=True, text=True,
                               timeout=harness.DEADLINE_S, check=False)
        self.assertEqual(ended.returncode, 78, ended.stderr)
        self.assertRegex(ended.stderr, r"^halley: [^\n]*\n$")
        return ended.stderr


class Use(Passing):
    def test_sockets_by_name_and_by_address(self):
        by_name, by_address, push = (self.listening() for _ in range(3))
        ws_address = "127.0.0.1:%d" % by_address.getsockname()[1]
        gateway = self.start_passing([by_name, by_address, push],
                                     ["listen.tcp", "halley.socket", "listen.push"],
                                     "--listen.ws", f"127.0.0.1:0,{ws_address}", shards=3)
        self.assertEqual(gateway.tcp, by_name.getsockname())
        self.assertEqual(gateway.push, push.getsockname())
        self.assertRegex(gateway.printed, rf"\n  ws +127.0.0.1:\d+\n  ws +{re.escape(ws_address)}\n")
        clients = {f"key-{i}": self.keep(TcpClient(gateway.tcp)).login(key=f"key-{i}", mid=i, accepts=[1000])
                   for i in range(CLIENTS)}
        ws = self.keep(WsClient(by_address.getsockname()))
        clients["ws"] = ws.login(key="ws", mid=CLIENTS, accepts=[1000])
        self.keep(Pusher(gateway)).push_keys([key.encode() for key in clients], b"hello")
        for client in clients.values():
            self.assertEqual(client.receive(), pushed(b"hello"))

    def test_a_socket_for_each_shard_and_more(self):
        first = self.listening(socket.SO_REUSEPORT)
        others = [self.listening(socket.SO_REUSEPORT, address=first.getsockname()) for _ in range(4)]
        gateway = self.start_passing([first, *others], ["listen.tcp"] * 5)
        # The kernel spreads them over all five: one that nobody reads would have some for ever.
        for i in range(CLIENTS):
            self.keep(TcpClient(gateway.tcp)).login(key=f"key-{i}", mid=i)

    def test_what_is_listed_and_not_passed_is_opened(self):
        passed = self.listening()
        gateway = self.start_passing([passed], ["listen.ws"])
        self.keep(TcpClient(gateway.tcp)).login()
        self.keep(WsClient(passed.getsockname())).login(key="other")

    def test_after_a_reload_it_is_as_it_was(self):
        gateway = self.start_passing([self.listening()], ["listen.tcp"])
        ended = subprocess.run([program("HALLEYCTL_BIN"), "--push", "%s:%d" % gateway.push, "reload"],
                               capture_output=True, text=True, timeout=30, check=True)
        self.assertEqual(ended.stdout, "no option has changed that counts at once\n")

    def test_sockets_of_another_process_are_not_ours(self):
        passed = self.listening()
        before = self.launcher([passed], ["listen.tcp"])
        before["before"][2] = LAUNCHER.replace("str(os.getpid())", "'1'")
        gateway = self.start(**before)
        self.assertNotEqual(gateway.tcp, passed.getsockname())


class Restart(Passing):
    def come_and_go(self, address, over, seen):
        """Logs in until it is over. Whoever was let in by a node that ends hears so and comes again."""
        key = 0
        while not over.is_set():
            key += 1
            try:
                with contextlib.closing(TcpClient(address)) as client:
                    client.send(login_frame(key=f"coming-{key}", mid=key))
                    seen["logins"] += client.receive().op == AUTH_REPLY
            except Ended:
                seen["ended"] += 1
            except OSError as error:
                seen["refused"] += 1
                seen["why"] = error

    def test_no_client_is_refused_while_it_restarts(self):
        passed = self.listening()
        address = passed.getsockname()
        over, seen = threading.Event(), {"logins": 0, "ended": 0, "refused": 0, "why": None}
        coming = threading.Thread(target=self.come_and_go, args=(address, over, seen))
        coming.start()
        self.addCleanup(coming.join)
        self.addCleanup(over.set)
        for restart in range(RESTARTS):
            gateway = self.start_passing([passed], ["listen.tcp"])
            before = seen["logins"]
            wait_until(lambda before=before: seen["logins"] > before + 20, "logins")
            gateway.stop()
            # Nobody is there. They wait, with what they have said.
            waiting = [self.keep(TcpClient(address)) for _ in range(CLIENTS)]
            for i, client in enumerate(waiting):
                client.send(login_frame(key=f"waiting-{restart}-{i}", mid=i))
            gateway = self.start_passing([passed], ["listen.tcp"])
            for client in waiting:
                self.assertEqual(client.receive().op, AUTH_REPLY)
            if restart == RESTARTS - 1:
                # While there is somebody who answers.
                over.set()
                coming.join()
            gateway.stop()
        self.assertEqual((seen["refused"], seen["why"]), (0, None))
        # Of those who were let in by a node that was told to end at that moment.
        self.assertLessEqual(seen["ended"], 4 * RESTARTS)

    def test_the_admin_port_is_held_as_well(self):
        passed = self.listening()
        for _ in range(2):
            gateway = self.start_passing([passed], ["listen.admin"])
            self.assertEqual(gateway.admin, passed.getsockname())
            self.assertEqual(Admin(gateway.admin).get("/health/live"), (200, "ok\n"))
            gateway.stop()
            self.keep(socket.create_connection(passed.getsockname()))


class Refusal(Passing):
    def test_what_nobody_wants_is_named(self):
        passed = self.listening()
        self.assertIn("socket 3 of LISTEN_FDS (named 'web', bound to 127.0.0.1:%d) is for no listener: "
                      % passed.getsockname()[1], self.refusal([passed], ["web"]))

    def test_what_does_not_listen_is_named(self):
        self.assertIn("socket 4 of LISTEN_FDS (named 'b', ",
                      self.refusal([self.listening(), self.listening(kind=socket.SOCK_DGRAM)],
                                   ["listen.tcp", "b"]))

    def test_the_list_is_checked_as_if_it_were_written(self):
        everywhere = self.listening(address=("0.0.0.0", 0))
        self.assertIn("push.secret", self.refusal([everywhere], ["listen.push"]))


if __name__ == "__main__":
    harness.need_admin()
    harness.main()
