#!/usr/bin/env python3
"""halleyctl against a gateway: what it prints for people and for programs, and how it exits."""

import base64
import json
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import tempfile

import goim
import harness
from goim import TcpClient, pushed
from harness import DEADLINE_S, GatewayTest, wait_until
from push_port import Pusher
from websocket import WsClient

OK, PARTIAL, USAGE, CANNOT_CONNECT, REFUSED, TIMEOUT = range(6)


class CtlTest(GatewayTest):
    def run_ctl(self, *arguments, stdin=b"", push=None):
        """The finished process; its output is text."""
        push = push or "%s:%d" % self.gateway.push
        command = [harness.program("HALLEYCTL_BIN"), "--push", push, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=DEADLINE_S,
                              check=False)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        self.assertNotRegex(done.stderr, harness.SANITIZER)
        return done

    def assert_prints(self, arguments, out, code=OK, **options):
        done = self.run_ctl(*arguments, **options)
        self.assertEqual((done.stdout, done.stderr, done.returncode), (out, "", code))

    def assert_json(self, arguments, value, code=OK, **options):
        done = self.run_ctl(*arguments, "--json", **options)
        self.assertEqual((json.loads(done.stdout), done.stderr, done.returncode), (value, "", code))

    def assert_fails(self, arguments, code, *words, **options):
        """One sentence on standard error, nothing on standard output."""
        done = self.run_ctl(*arguments, **options)
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def login(self, **fields):
        return self.keep(TcpClient(self.gateway.tcp)).login(**fields)


class Pushes(CtlTest):
    def test_keys(self):
        ann = self.login(key="ann", accepts=[1000])
        self.login(key="bob")
        self.assert_prints(["push", "key", "ann", "hi"], "taken by 1 connection\n")
        self.assertEqual(ann.receive(), pushed(b"hi"))
        self.assert_prints(["push", "key", "ann", "bob", "nobody", "hi"],
                           "taken by 1 connection\nbob: here, but not watching op 1000\n"
                           "nobody: offline\n", PARTIAL)
        self.assert_json(["push", "key", "ann", "bob", "nobody", "hi"],
                         {"taken": 1, "refused": [{"target": "bob", "why": "not_watching"},
                                                  {"target": "nobody", "why": "offline"}]}, PARTIAL)

    def test_mids(self):
        clients = [self.login(mid=70, accepts=[2000]) for _ in range(2)]
        self.assert_prints(["push", "mid", "70", "hi", "--op", "2000"], "taken by 2 connections\n")
        for client in clients:
            self.assertEqual(client.receive(), pushed(b"hi", 2000))
        self.assert_json(["push", "mid", "71", "hi"],
                         {"taken": 0, "refused": [{"target": "71", "why": "offline"}]}, PARTIAL)

    def test_rooms(self):
        client = self.login(room_id="ctl://1")
        self.assert_prints(["push", "room", "ctl://1", "hi"], "taken by 1 connection\n")
        done = self.run_ctl("push", "room", "ctl://1", "ctl://2", "hi", "--json")
        report = json.loads(done.stdout)
        self.assertEqual((report["taken"], done.returncode), (1, PARTIAL))
        self.assertEqual(report["refused"], [{"target": "ctl://2", "why": "offline"}])
        self.assertEqual([room["room"] for room in report["rooms"]], ["ctl://1", "ctl://2"])
        self.assertEqual(report["rooms"][0]["sequence"], 2)
        self.assertEqual([client.receive() for _ in range(2)], [pushed(b"hi")] * 2)

    def test_all(self):
        client = self.login(accepts=[3000])
        self.assert_prints(["push", "all", "hi", "--op", "3000", "--pace", "1000"],
                           "taken by 1 connection\n")
        self.assertEqual(client.receive(), pushed(b"hi", 3000))
        self.assert_prints(["push", "all", "hi", "--op", "3001"], "taken by 0 connections\n",
                           PARTIAL)

    def test_bodies_from_files_and_standard_input(self):
        client = self.login(key="bodies", accepts=[1000])
        body = bytes(range(256)) * 100
        with tempfile.NamedTemporaryFile() as file:
            file.write(body)
            file.flush()
            self.assert_prints(["push", "key", "bodies", "--file", file.name],
                               "taken by 1 connection\n")
        self.assertEqual(client.receive(), pushed(body))
        self.assert_prints(["push", "key", "bodies", "-"], "taken by 1 connection\n", stdin=body)
        self.assertEqual(client.receive(), pushed(body))
        self.assert_prints(["push", "key", "bodies", ""], "taken by 1 connection\n")
        self.assertEqual(client.receive(), pushed(b""))
        self.assert_prints(["push", "key", "bodies", "--", "--op"], "taken by 1 connection\n")
        self.assertEqual(client.receive(), pushed(b"--op"))

    def test_a_batch(self):
        client = self.login(key="batch", accepts=[1000])
        batch = goim.frame(1, 2, b"three", 4) + goim.frame(5, 6)
        self.assert_prints(["push", "key", "batch", "-", "--batch"], "taken by 1 connection\n",
                           stdin=batch)
        self.assertEqual(client.read(len(batch)), batch)


class Looks(CtlTest):
    def test_kick(self):
        client = self.keep(WsClient(self.gateway.ws)).login(key="kick", mid=80)
        self.assert_prints(["kick", "key", "nobody", "kick"],
                           "closed 1 connection\nnobody: offline\n", PARTIAL)
        self.assertEqual(client.read_close(), 3003)
        self.login(mid=81)
        self.assert_json(["kick", "mid", "81"], {"taken": 1, "refused": []})

    def test_rooms(self):
        for index, room in enumerate(("list://b", "list://a", "list://a", "other://1")):
            self.login(room_id=room, key=f"list-{index}")
        self.assert_prints(["rooms", "list://"], "members  room\n      2  list://a\n"
                           "      1  list://b\n")
        self.assert_json(["rooms", "list://"], {"total": 2, "rooms": [
            {"room": "list://a", "members": 2}, {"room": "list://b", "members": 1}]})
        self.assert_json(["rooms", "list://", "--limit", "1"], {"total": 2, "rooms": [
            {"room": "list://a", "members": 2}]})
        self.assertIn("1 of 2 rooms", self.run_ctl("rooms", "list://", "--limit", "1").stdout)
        self.assert_json(["rooms", "none://"], {"total": 0, "rooms": []})

    def test_names_that_are_no_text(self):
        self.login(room_id="bell://\a\x1b[31m")
        self.assertIn("bell://\\x07\\x1b[31m\n", self.run_ctl("rooms", "bell://").stdout)
        listed = json.loads(self.run_ctl("rooms", "bell://", "--json").stdout)["rooms"]
        self.assertEqual(listed[0]["room"], "bell://\a\x1b[31m")

    def test_online(self):
        self.login(key="here")
        self.assert_prints(["online", "here"], "here: online\n")
        self.assert_prints(["online", "here", "there"], "here: online\nthere: offline\n", PARTIAL)
        self.assert_json(["online", "there", "here"], {"keys": [
            {"key": "there", "online": False}, {"key": "here", "online": True}]}, PARTIAL)

    def test_status(self):
        client = self.login(key="status", accepts=[1000])
        self.run_ctl("push", "key", "status", "hi")
        client.receive()

        def at_rest():
            status = json.loads(self.run_ctl("status", "--json").stdout)
            total = status["total"]
            return total["pending"] == 0 and total["connections"] == 1 and status
        status = wait_until(at_rest, "a node at rest")
        total = status["total"]
        self.assertEqual(total["expected"], total["delivered"] + sum(total["skipped"].values()))
        self.assertEqual(len(status["shards"]), 2)
        for name in ("channels", "accepted", "logins", "delivered", "push_requests", "turns"):
            self.assertEqual(sum(shard[name] for shard in status["shards"]), total[name])
        self.assertGreaterEqual(total["closed"]["peer_closed"], 0)
        text = self.run_ctl("status").stdout
        self.assertRegex(text, r"(?m)^clients +1 connected, 1 logged in")
        self.assertRegex(text, r"(?m)^deliveries +\d+ expected = \d+ delivered \+ \d+ skipped")
        self.assertRegex(text, r"(?m)^ +1 +\d+ +\d+ ")  # shard 1


class Listens(CtlTest):
    def listen(self, *arguments):
        process = harness.start([harness.program("HALLEYCTL_BIN"), "listen", *arguments],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        return process

    def listen_logged_in(self, *arguments):
        """The same, once it says that it is in."""
        process = self.listen(*arguments)
        readable, _, _ = select.select([process.stderr], [], [], DEADLINE_S)
        said = process.stderr.readline() if readable else b""
        self.assertIn(b"logged in to", said)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def urls(self):
        return (("--tcp", "%s:%d" % self.gateway.tcp), ("--ws", "ws://%s:%d/sub" % self.gateway.ws))

    def test_what_is_pushed_is_printed(self):
        for number, where in enumerate(self.urls()):
            key = f"listen-{number}"
            process = self.listen_logged_in(*where, "--key", key, "--mid", "90", "--room",
                                            "listen://1", "--accepts", "1000,1001", "--count", "4")
            pusher = self.keep(Pusher(self.gateway))
            pusher.push_keys([key], "to the key")
            pusher.push_mids([90], "to the mid\n\x1b[2J", op=1001)
            pusher.push_rooms(["listen://1"], "naïve ✓", op=5)
            pusher.push_all(b"\xff\x00")
            out, err = process.communicate(timeout=DEADLINE_S)
            self.assertEqual(process.returncode, OK, err)
            self.assertEqual(sorted(out.decode().splitlines()), sorted([
                "1000 to the key", "1001 to the mid\\n\\x1b[2J", "5 naïve ✓", "1000 \\xff\\x00"]))

    def test_as_json(self):
        for number, where in enumerate(self.urls()):
            key = f"json-{number}"
            token = json.dumps({"key": key, "accepts": [1000]})
            process = self.listen_logged_in(*where, "--token", token, "--count", "2", "--json")
            pusher = self.keep(Pusher(self.gateway))
            pusher.push_keys([key], 'say "hi"\n')
            pusher.push_keys([key], b"\xff\x00")
            out, _ = process.communicate(timeout=DEADLINE_S)
            self.assertEqual([json.loads(line) for line in out.splitlines()], [
                {"op": 1000, "seq": 0, "ver": 1, "body": 'say "hi"\n'},
                {"op": 1000, "seq": 0, "ver": 1,
                 "body_base64": base64.b64encode(b"\xff\x00").decode()}])

    def test_it_keeps_alive_by_heartbeats(self):
        with harness.Gateway("--client.idle_timeout_ms", "1500") as gateway:
            process = self.listen_logged_in(
                "--tcp", "%s:%d" % gateway.tcp, "--key", "alive", "--heartbeat", "300ms",
                "--count", "1", "--accepts", "1000")
            pusher = self.keep(Pusher(gateway))
            idle = self.keep(TcpClient(gateway.tcp)).login()
            idle.read_all()  # longer than the timeout
            self.assertEqual(pusher.push_keys(["alive"], "x").taken, 1)
            self.assertEqual(process.communicate(timeout=DEADLINE_S)[0], b"1000 x\n")

    def test_how_it_ends(self):
        for number, (where, said) in enumerate(zip(self.urls(), ("", "kicked"))):
            process = self.listen_logged_in(*where, "--key", f"end-{number}")
            self.keep(Pusher(self.gateway)).kick_keys(f"end-{number}")
            _, err = process.communicate(timeout=DEADLINE_S)
            self.assertEqual(process.returncode, CANNOT_CONNECT, err)
            self.assertIn(said, err.decode())
        for where in self.urls():
            process = self.listen(*where, "--token", "no json")
            _, err = process.communicate(timeout=DEADLINE_S)
            self.assertIn(process.returncode, (CANNOT_CONNECT, REFUSED), err)
            process = self.listen_logged_in(*where, "--key", "int")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=DEADLINE_S)

    def test_the_commands_that_the_gateway_suggests(self):
        lines = re.findall(r"^  (\S*halleyctl .*)$", self.gateway.rest_of_output(), re.MULTILINE)
        self.assertEqual(len(lines), 2)
        listen, push = (shlex.split(line)[1:] for line in lines)
        self.assertEqual(listen[0], "listen")
        process = self.listen_logged_in(*listen[1:], "--count", "1")
        done = subprocess.run([harness.program("HALLEYCTL_BIN"), *push], capture_output=True,
                              timeout=DEADLINE_S, check=False)
        self.assertEqual((done.returncode, done.stdout), (OK, b"taken by 1 connection\n"))
        self.assertEqual(process.communicate(timeout=DEADLINE_S)[0].split(b" ", 1)[1],
                         push[-1].encode() + b"\n")


class Failures(CtlTest):
    def test_command_lines(self):
        for arguments in ([], ["shove"], ["push"], ["push", "key"], ["push", "key", "ann"],
                          ["push", "mid", "x", "hi"], ["push", "all"], ["push", "all", "a", "b"],
                          ["kick", "room", "x"], ["kick", "key"], ["rooms", "a", "b"], ["online"],
                          ["status", "now"], ["listen"], ["push", "all", "x", "--op", "many"],
                          ["status", "--op", "5"], ["status", "--loud"],
                          ["status", "--timeout", "0"],
                          ["push", "all", "--file", "/nowhere/at/all"]):
            self.assert_fails(arguments, USAGE)

    def test_help_and_version(self):
        for flag, text in (("--help", "Exit codes"), ("--version", "halleyctl")):
            done = self.run_ctl(flag)
            self.assertEqual((done.returncode, done.stderr), (OK, ""))
            self.assertIn(text, done.stdout)

    def test_nobody_is_there(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            nobody = "127.0.0.1:%d" % unused.getsockname()[1]
            self.assert_fails(["status"], CANNOT_CONNECT, nobody, push=nobody)
            for flag, where in (("--tcp", nobody), ("--ws", f"ws://{nobody}/sub")):
                self.assert_fails(["listen", flag, where], CANNOT_CONNECT, nobody)

    def test_somebody_else_is_there(self):
        self.assert_fails(["status"], CANNOT_CONNECT, push="%s:%d" % self.gateway.ws)
        ws = "ws://%s:%d/other" % self.gateway.ws
        self.assertNotEqual(self.run_ctl("listen", "--ws", ws).returncode, OK)

    def test_no_answer(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = "127.0.0.1:%d" % silent.getsockname()[1]
            self.assert_fails(["status", "--timeout", "200ms"], TIMEOUT, push=address)
            self.assert_fails(["listen", "--tcp", address, "--timeout", "200ms"], TIMEOUT)

    def test_what_the_node_refuses(self):
        self.assert_fails(["push", "all", "x", "--op", "2"], REFUSED, "op 2")
        self.assert_fails(["push", "all", "-", "--batch"], REFUSED, "batch", stdin=b"x")
        self.assert_fails(["push", "all", "-"], REFUSED, stdin=b"x" * 300000)


class Secret(CtlTest):
    flags = ("--push.secret", "s3cret")

    def test_the_secret(self):
        with tempfile.TemporaryDirectory() as folder:
            good, bad = (os.path.join(folder, name) for name in ("good", "bad"))
            for path, text in ((good, "s3cret\n"), (bad, "guess\n")):
                with open(path, "w", encoding="ascii") as file:
                    file.write(text)
            self.assert_prints(["push", "all", "x", "--secret-file", good],
                               "taken by 0 connections\n", PARTIAL)
            self.assert_fails(["status", "--secret-file", bad], REFUSED, "secret")
            self.assert_fails(["status"], REFUSED, "secret")
            self.assert_fails(["status", "--secret-file", folder + "/none"], USAGE)


if __name__ == "__main__":
    harness.main()
