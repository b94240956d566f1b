#!/usr/bin/env python3
"""Logins with signed tokens, in every dialect; keys that change; and starts that are refused."""

import json
import os
import re
import signal
import subprocess
import tempfile
import urllib.parse

import event_stream
import goim
import harness
import tokens
import websocket
from event_stream import EventStream
from goim import TcpClient, pushed
from gopush_test import GopushWsClient, command
from harness import DEADLINE_S, Gateway, program, wait_until
from push_port import Pusher
from stream import Stream
from tokens import KeyPair, claims, with_secret
from websocket import WsClient

SECRET = b"a secret of thirty-two bytes ..."
READ_AGAIN = "new logins need the token keys that were read again"


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)
    return path


class JwtTest(harness.KeepingTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.secret_file = write(os.path.join(self.folder, "secret"), SECRET + b"\n")
        self.gateway = None

    def start(self, *flags):
        self.gateway = Gateway("--backend", "jwt", *flags)
        self.addCleanup(self.stop)
        self.pusher = self.keep(Pusher(self.gateway))

    def stop(self):
        """A token's first letters are those of {": no log may have them."""
        log = "" if self.gateway.log.closed else self.gateway.stderr()
        self.gateway.stop()
        self.assertNotIn("eyJ", log)

    def login(self, body, kind=TcpClient):
        address = self.gateway.tcp if kind is TcpClient else self.gateway.ws
        client = self.keep(kind(address))
        answer = client.call(goim.AUTH, 1, body)
        self.assertEqual(answer[:3], (goim.AUTH_REPLY, 1, b""))
        return client

    def assert_refused(self, body, cause):
        before = self.pusher.status().refused_logins[cause]
        client = self.keep(TcpClient(self.gateway.tcp))
        client.send(goim.frame(goim.AUTH, 1, body))
        self.assertEqual(client.read_all(), b"")
        self.assertEqual(self.pusher.status().refused_logins[cause], before + 1)


class Dialects(JwtTest):
    def setUp(self):
        super().setUp()
        self.start("--jwt.secret_file", self.secret_file, "--listen.gopush_tcp", "127.0.0.1:0")

    def token(self, **more):
        return with_secret(SECRET, claims(**more))

    def test_goim_alone_and_in_an_object(self):
        for kind in (TcpClient, WsClient):
            client = self.login(self.token(sub="alice", mid=7, room_id="r://1", accepts=[5]), kind)
            self.assertEqual(self.pusher.push_keys(["alice"], "key", op=5).taken, 1)
            self.assertEqual(client.receive(), pushed(b"key", op=5))
            self.assertEqual(self.pusher.push_mids([7], "mid", op=5).taken, 1)
            self.assertEqual(client.receive(), pushed(b"mid", op=5))
            self.assertEqual(self.pusher.push_rooms(["r://1"], "room").taken, 1)
            self.assertEqual(client.receive(), pushed(b"room"))
            client = self.login(goim.token(token=self.token(sub="bob").decode(), mid=0, key="bob",
                                           room_id="r://2", accepts=[6]), kind)
            self.assertEqual(self.pusher.push_rooms(["r://2"], "mine").taken, 1)
            self.assertEqual(client.receive(), pushed(b"mine"))
            self.assertEqual(self.pusher.push_keys(["bob"], "6", op=6).taken, 1)
            self.assertEqual(client.receive(), pushed(b"6", op=6))

    def test_a_client_is_not_who_it_says_but_who_its_token_says(self):
        token = self.token(sub="alice", mid=7).decode()
        for said in ({"key": "bob"}, {"mid": 8}):
            self.assert_refused(goim.token(token=token, **said), "other_client")
        self.assert_refused(goim.token(key="alice", mid=7), "no_token")
        self.assert_refused(b"", "no_token")
        self.assertEqual(self.pusher.online("alice", "bob"), [])
        client = self.keep(WsClient(self.gateway.ws))
        client.send_frame(goim.AUTH, 1, self.token(valid_s=-60))
        self.assertEqual(client.read_close(), 3000)

    def test_server_sent_events(self):
        def request(token):
            return event_stream.request("/sse?token=" + urllib.parse.quote(token))
        client = self.keep(EventStream(self.gateway.ws))
        client.send(request(self.token(sub="page", accepts=[1000])))
        client.expect(event_stream.HEAD)
        self.assertEqual(self.pusher.push_keys(["page"], "x").taken, 1)
        client.expect(event_stream.push(1000, "x"))
        refused = self.keep(EventStream(self.gateway.ws))
        refused.send(request(self.token(sub="page")[:-1]))
        self.assertTrue(refused.read_all().startswith(b"HTTP/1.1 403 "))

    def test_json(self):
        client = self.keep(WsClient(self.gateway.ws, upgrade=False))
        client.upgrade("/json")
        client.send_message(json.dumps({"op": 7, "seq": 1,
                                        "body": self.token(sub="json").decode()}).encode(), 1)
        self.assertEqual(json.loads(client.read_ws()[1]), {"op": 8, "seq": 1})
        self.assertEqual(self.pusher.online("json"), ["json"])

    def test_gopush_shows_a_token_for_its_key(self):
        token = self.token(sub="sub").decode()
        client = self.keep(GopushWsClient(self.gateway, key="sub", heartbeat="30", token=token))
        self.assertEqual(client.hear(), b"+h\r\n")
        client = self.keep(Stream(self.gateway.gopush))
        client.send(command("sub", "sub", "30", token))
        self.assertEqual(client.read(4), b"+h\r\n")
        for key, shown in (("other", token), ("sub", ""), ("sub", "nonsense"),
                           ("sub", self.token().decode())):
            client = self.keep(Stream(self.gateway.gopush))
            client.send(command("sub", key, "30", shown))
            self.assertEqual(client.read_all(), b"-a\r\n", (key, shown))

    def test_refusals_are_shown_by_cause(self):
        self.assert_refused(self.token(valid_s=-60), "expired")
        self.assert_refused(with_secret(b"x" * 32, claims()), "bad_signature")
        self.assert_refused(tokens.unsigned({"alg": "none"}, claims()) + b".", "algorithm")
        shown = subprocess.run([program("HALLEYCTL_BIN"), "--push", "%s:%d" % self.gateway.push,
                                "status"], capture_output=True, text=True, timeout=DEADLINE_S,
                               check=True).stdout
        line = re.search(r"^tokens +(.*)$", shown, re.MULTILINE)[1]
        for cause in ("algorithm 1", "bad_signature 1", "expired 1"):
            self.assertIn(cause, line)

    def test_no_warning(self):
        self.gateway.stop()
        with Gateway("--backend", "jwt", "--jwt.secret_file", self.secret_file,
                     "--ws", "0.0.0.0:0") as gateway:
            wait_until(lambda: "ready: " in gateway.stderr(), "the log")
            self.assertNotIn("believes", gateway.stderr())


class Expiry(JwtTest):
    def test_connections_end_with_their_tokens(self):
        self.start("--jwt.secret_file", self.secret_file, "--jwt.leeway_s", "0")
        # Long enough for four to log in on a machine that is busy with something else.
        token = with_secret(SECRET, claims(valid_s=5, accepts=[1000]))
        tcp = self.login(token)
        web = self.login(token, WsClient)
        stream = self.keep(EventStream(self.gateway.ws))
        stream.send(event_stream.request("/sse?token=" + token.decode()))
        stream.expect(event_stream.HEAD)
        stays = self.login(with_secret(SECRET, claims(sub="stays", accepts=[1000])))
        self.assertEqual(self.pusher.push_all("before").taken, 4)
        stream.expect(event_stream.push(1000, "before"))
        stream.expect(event_stream.close(3006, "token_expired"))
        self.assertEqual(stream.read_all(), b"")
        for client in (tcp, web, stays):
            self.assertEqual(client.receive(), pushed(b"before"))
        self.assertEqual(web.read_close(), 3006)
        self.assertEqual(tcp.read_all(), b"")
        wait_until(lambda: self.pusher.status().closed["token_expired"] == 3, "the three")
        self.assertEqual(self.pusher.push_all("after").taken, 1)
        self.assertEqual(stays.receive(), pushed(b"after"))
        self.assert_refused(token, "expired")


class Cookies(JwtTest):
    """A token in the upgrade's cookie; and pages that may not use it."""

    def setUp(self):
        super().setUp()
        self.start("--jwt.secret_file", self.secret_file, "--jwt.cookie", "jwt",
                   "--websocket.origins", "https://app.example")

    def cookie(self, sub):
        return "sid=1; jwt=" + with_secret(SECRET, claims(sub=sub, accepts=[1000])).decode()

    def upgraded(self, path="/sub", **headers):
        client = self.keep(WsClient(self.gateway.ws, upgrade=False))
        client.send(websocket.request(path, **headers))
        self.assertTrue(client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 "))
        return client

    def status_of(self, request):
        stream = self.keep(Stream(self.gateway.ws))
        stream.send(request)
        return stream.read(12)

    def test_logins_without_a_token(self):
        for key, body in (("a", b""), ("b", goim.token(mid=0, key="", room_id="r"))):
            client = self.upgraded(Cookie=self.cookie(key), Origin="https://app.example")
            self.assertEqual(client.call(goim.AUTH, 1, body)[:3], (goim.AUTH_REPLY, 1, b""))
            self.assertEqual(self.pusher.push_keys([key], "x").taken, 1)
            self.assertEqual(client.receive(), pushed(b"x"))
        self.assertEqual(self.pusher.rooms("r")[0], {"r": 1})
        client = self.upgraded("/json", Cookie=self.cookie("json"))
        client.send_message(b'{"op":7}', 1)
        self.assertEqual(json.loads(client.read_ws()[1]), {"op": 8, "seq": 0})

    def test_the_logins_own_token_counts_first(self):
        client = self.upgraded(Cookie=self.cookie("cookie"))
        client.call(goim.AUTH, 1, with_secret(SECRET, claims(sub="body")))
        self.assertEqual(self.pusher.online("cookie", "body"), ["body"])

    def test_server_sent_events(self):
        stream = self.keep(EventStream(self.gateway.ws))
        stream.send(event_stream.request(Cookie=self.cookie("page")))
        stream.expect(event_stream.HEAD)
        self.assertEqual(self.pusher.push_keys(["page"], "x").taken, 1)
        stream.expect(event_stream.push(1000, "x"))
        refused = self.keep(EventStream(self.gateway.ws))
        refused.send(event_stream.request(Cookie="jwt=a.b.c"))
        self.assertTrue(refused.read_all().startswith(b"HTTP/1.1 403 "))

    def test_other_pages_do_not_log_in_as_their_visitors(self):
        cookie = self.cookie("victim")
        victim = self.upgraded(Cookie=cookie)
        victim.call(goim.AUTH)
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"},
                        {"Origin": "https://app.example.evil.example"},
                        {"Sec_Fetch_Site": "cross-site"}):
            for request in (websocket.request(Cookie=cookie, **headers),
                            websocket.request("/json", Cookie=cookie, **headers),
                            event_stream.request(Cookie=cookie, **headers)):
                self.assertEqual(self.status_of(request), b"HTTP/1.1 403", headers)
        self.assertEqual(self.pusher.push_keys(["victim"], "still here").taken, 1)
        self.assertEqual(victim.receive(), pushed(b"still here"))

    def test_without_a_list_only_the_gateways_own_host(self):
        self.gateway.stop()
        self.start("--jwt.secret_file", self.secret_file, "--jwt.cookie", "jwt")
        cookie = self.cookie("k")
        for origin, status in (("https://evil.example", b"403"), ("http://127.0.0.1:8080", b"101")):
            self.assertEqual(self.status_of(websocket.request(Cookie=cookie, Origin=origin)),
                             b"HTTP/1.1 " + status)

    def test_any_page_is_no_answer(self):
        ended = subprocess.run([program("HALLEY_BIN"), "--backend", "jwt", "--jwt.secret_file",
                                self.secret_file, "--jwt.cookie", "jwt", "--websocket.origins", "*",
                                "--check-config"], capture_output=True, text=True,
                               timeout=DEADLINE_S, check=False)
        self.assertEqual(ended.returncode, 78)
        self.assertIn("any page could log in as whoever visits it", ended.stderr)


class Refresh(JwtTest):
    """A new token, shown before the old one ends."""

    def setUp(self):
        super().setUp()
        self.start("--jwt.secret_file", self.secret_file, "--jwt.leeway_s", "0")

    def token(self, **more):
        return with_secret(SECRET, claims(**more))

    def test_the_connection_outlives_its_first_token(self):
        old = self.token(valid_s=5, sub="k", mid=7, room_id="r", accepts=[1000])
        clients = [self.login(self.token(valid_s=5, sub=name, mid=7, room_id="r", accepts=[1000]),
                              kind) for name, kind in (("tcp", TcpClient), ("web", WsClient))]
        leaves = self.login(old)
        for client, name in zip(clients, ("tcp", "web")):
            # Room and ops of the new token are not taken.
            new = self.token(valid_s=600, sub=name, mid="7", room_id="other", accepts=[5])
            answer = client.call(goim.REFRESH, 9, new, ver=3)
            self.assertEqual((answer.op, answer.seq, answer.ver), (goim.REFRESH_REPLY, 9, 3))
            self.assertIn(int(answer.body), range(590, 601))
            self.assertEqual(answer.body, b"%d" % int(answer.body))
        self.assertEqual(leaves.read_all(), b"")
        wait_until(lambda: self.pusher.status().closed["token_expired"] == 1, "the end of the third")
        self.assertEqual(self.pusher.push_rooms(["r"], "after").taken, 2)
        for client in clients:
            self.assertEqual(client.receive(), pushed(b"after"))

    def test_it_may_end_earlier(self):
        client = self.login(self.token(sub="k"), WsClient)
        answer = client.call(goim.REFRESH, 1, self.token(sub="k", valid_s=4))
        self.assertIn(int(answer.body), range(1, 5))
        self.assertEqual(client.read_close(), 3006)

    def test_a_refused_token_changes_nothing(self):
        """The client is told, the cause is counted, and the connection stays for as long as it would."""
        for body, cause in ((self.token(sub="bob", mid=7), "refresh_other_client"),
                            (self.token(sub="k", mid=8), "refresh_other_client"),
                            (self.token(mid=7), "refresh_other_client"),
                            (self.token(sub="k", mid=7, valid_s=-60), "expired"),
                            (with_secret(b"x" * 32, claims(sub="k", mid=7)), "bad_signature"),
                            (b"", "no_token")):
            client = self.login(self.token(sub="k", mid=7, accepts=[1000]))
            before = self.pusher.status().refused_logins[cause]
            self.assertEqual(client.call(goim.REFRESH, 5, body)[:3], (goim.REFRESH_REPLY, 5, b""))
            self.assertEqual(self.pusher.status().refused_logins[cause], before + 1)
            self.assertEqual(self.pusher.push_keys(["k"], "stays").taken, 1)
            self.assertEqual(client.receive(), pushed(b"stays"))

    def test_refused_and_ended(self):
        client = self.login(self.token(sub="k", valid_s=4), WsClient)
        self.assertEqual(client.call(goim.REFRESH, 1, self.token(sub="l"))[2], b"")
        self.assertEqual(client.read_close(), 3006)

    def test_not_more_than_one_in_a_second(self):
        client = self.login(self.token(sub="k"))
        new = self.token(sub="k")
        client.send(b"".join(goim.frame(goim.REFRESH, seq, new) for seq in range(200)))
        answers = [client.receive() for _ in range(200)]
        self.assertEqual([answer.seq for answer in answers], list(range(200)))
        self.assertNotEqual(answers[0].body, b"")
        # A busy machine may take more than a second to read them all.
        good = sum(answer.body != b"" for answer in answers)
        self.assertLess(good, 20)
        self.assertEqual(self.pusher.status().refused_logins["refresh_too_soon"], 200 - good)

    def test_json(self):
        client = self.keep(WsClient(self.gateway.ws, upgrade=False))
        client.upgrade("/json")
        for op, token in ((7, self.token(sub="json", valid_s=60)), (18, self.token(sub="json"))):
            client.send_message(json.dumps({"op": op, "seq": op, "body": token.decode()}).encode(), 1)
        self.assertEqual(json.loads(client.read_ws()[1]), {"op": 8, "seq": 7})
        answer = json.loads(client.read_ws()[1])
        self.assertEqual((answer["op"], answer["seq"]), (19, 18))
        self.assertGreater(int(answer["body"]), 500)

    def test_the_embedded_backend_takes_none(self):
        self.gateway.stop()
        self.gateway = Gateway()
        for kind in (TcpClient, WsClient):
            client = self.keep(kind(self.gateway.tcp if kind is TcpClient else self.gateway.ws))
            client.login(key="k")
            self.assertEqual(client.call(goim.REFRESH, 3, b"x", ver=2), (goim.REFRESH, 3, b"", 2))
        self.assertNotIn("refresh_too_soon", self.keep(Pusher(self.gateway)).status().refused_logins)


class Keys(JwtTest):
    def test_every_algorithm(self):
        pairs = [KeyPair(self.folder, each) for each in KeyPair.KINDS]
        self.start("--jwt.secret_file", self.secret_file,
                   "--jwt.keys", ", ".join(each.public for each in pairs))
        self.login(with_secret(SECRET, claims(sub="HS256")))
        for pair in pairs:
            self.login(pair.sign(claims(sub=pair.algorithm)))
            self.assert_refused(pair.sign(claims())[:-8] + b"AAAAAAAA", "bad_signature")
            with open(pair.public, "rb") as pem:
                self.assert_refused(with_secret(pem.read(), claims()), "bad_signature")
        self.assertEqual(len(self.pusher.online("HS256", "RS256", "ES256", "EdDSA")), 4)

    def test_keys_change_without_a_disconnect(self):
        old, new = b"o" * 32, b"n" * 32

        def key_set(*secrets):
            return json.dumps({"keys": [
                {"kty": "oct", "kid": each[:1].decode(), "k": tokens.base64url(each).decode()}
                for each in secrets]}).encode()
        path = write(os.path.join(self.folder, "set.json"), key_set(old))
        self.start("--jwt.jwks_file", path, "--jwt.leeway_s", "0")
        stays = self.login(with_secret(old, claims(sub="stays"), kid="o"))
        self.assert_refused(with_secret(new, claims(), kid="n"), "unknown_key")
        # One bad key spoils the set, the good one with it.
        write(path, key_set(new, b"short"))
        self.gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "nothing was changed: jwt.jwks_file: " in self.gateway.stderr(),
                   "the refusal")
        self.assert_refused(with_secret(new, claims(), kid="n"), "unknown_key")
        write(path, key_set(new))
        self.gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: READ_AGAIN in self.gateway.stderr(), "the new keys")
        self.login(with_secret(new, claims(sub="new"), kid="n"))
        self.assert_refused(with_secret(old, claims(), kid="o"), "unknown_key")
        self.assertEqual(stays.online(), 0)


class Starts(JwtTest):
    def assert_refused_to_start(self, wanted, *flags):
        for more in ((), ("--check-config",)):
            ended = subprocess.run([program("HALLEY_BIN"), "--tcp", "127.0.0.1:0", "--ws", "",
                                    "--push", "", "--admin", "", *flags, *more], capture_output=True, text=True,
                                   timeout=DEADLINE_S, check=False)
            self.assertEqual((ended.returncode, ended.stdout), (78, ""))
            self.assertEqual(len(ended.stderr.splitlines()), 1)
            self.assertIn(wanted, ended.stderr)

    def test_what_cannot_verify_does_not_start(self):
        jwt = ("--backend", "jwt")
        self.assert_refused_to_start("nothing says who may sign", *jwt)
        self.assert_refused_to_start("can be guessed", *jwt, "--jwt.secret", "short")
        self.assert_refused_to_start("cannot read '/nowhere'", *jwt, "--jwt.keys", "/nowhere")
        self.assert_refused_to_start("keep one", *jwt, "--jwt.secret", SECRET.decode(),
                                     "--jwt.secret_file", self.secret_file)
        self.assert_refused_to_start("private key", *jwt, "--jwt.keys",
                                     KeyPair(self.folder, "EdDSA").private)
        self.assert_refused_to_start("believes tokens unverified", "--jwt.secret_file",
                                     self.secret_file)


if __name__ == "__main__":
    harness.main()
