#!/usr/bin/env python3
"""Who a client is is asked over HTTP, of a backend that is well, ill, or gone."""

import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import goim
import harness
from certificates import Authority
from goim import TcpClient
from harness import OwnGatewayTest, wait_until
from push_port import Pusher
from stream import Ended
from websocket import WsClient, request

SECRET = "a secret for tests"
# From when a backend is well again until logins are taken; a sanitizer makes everything slower.
RECOVERY_S = 6 if os.environ.get("HALLEY_SANITIZE") else 2


class Backend:
    """A backend on one port. `answer(event)` gives (status, body) or None for an answer that never comes."""

    def __init__(self, port=0):
        self.events, self.bad_signatures = [], 0
        self.answer = self.well
        self.headers = {}
        self.lock = threading.Lock()
        self.released = threading.Event()
        self.open(port)

    @staticmethod
    def well(event):
        kind = event.get("event")
        if kind == "connect":
            fields = json.loads(event["token"])
            if "refuse" in fields:
                return 200, {"allow": False}
            return 200, {"allow": True, "key": fields.get("key", ""), "mid": fields.get("mid", 0),
                         "room": fields.get("room"), "accepts": [1000, 1001]}
        if kind == "refresh":
            return 200, {"allow": event["token"] == "again", "expires_in_ms": 60_000}
        return 200, {}

    def open(self, port=0):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event = json.loads(body)
                with outer.lock:
                    if not signed(self.headers.get("Halley-Signature", ""), body):
                        outer.bad_signatures += 1
                    outer.events.append((time.monotonic(), event, dict(self.headers), body))
                result = outer.answer(event)
                if result is None:
                    outer.released.wait(60)
                    self.close_connection = True
                    return
                status, answer = result
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Length", str(len(data)))
                    for name, value in outer.headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(data)

            def do_GET(self):
                with outer.lock:
                    outer.events.append((time.monotonic(), {"event": "GET"}, {}, b""))
                self.send_error(405)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass

            def get_request(self):
                connection, address = super().get_request()
                outer.connections.append(connection)
                return connection, address

        self.connections = []
        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/halley"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def die(self):
        """Nobody listens, and what was open is reset."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.released.set()
        self.die()

    def named(self, *kinds):
        with self.lock:
            return [event for _, event, _, _ in self.events
                    if event.get("event", event.get("method")) in kinds]


def signed(header, body):
    parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    stamp = parts.get("t", "0")
    right = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return abs(time.time() - int(stamp)) < 60 and hmac.compare_digest(parts.get("v1", ""), right)


class HttpTest(OwnGatewayTest):
    def begin(self, *flags, backend=None, urls=None, **options):
        self.backend = backend or self.keep(Backend())
        self.gateway = self.start("--backend", "http", "--http_backend.urls",
                                  urls or self.backend.url,
                                  "--http_backend.secret", SECRET, "--http_backend.node", "n1",
                                  "--http_backend.timeout_ms", "1000", *flags, **options)
        wait_until(lambda: self.backend.named("ping", "JoinCluster"), "a probe")

    def login(self, **fields):
        """A client that is in, or None."""
        client = self.keep(TcpClient(self.gateway.tcp))
        try:
            return client if client.login(**fields) else None
        except Ended:
            return None

    def admin(self, path):
        connection = http.client.HTTPConnection(*self.gateway.admin, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def calls(self, kind, outcome):
        name = f'halley_backend_calls_total{{kind="{kind}",outcome="{outcome}"}} '
        lines = self.admin("/metrics")[1].splitlines()
        return next(int(line[len(name):]) for line in lines if line.startswith(name))


class Modern(HttpTest):
    def test_events_of_a_life(self):
        self.begin()
        client = self.login(key="me", mid=7, room="live://1")
        self.assertIsNotNone(client)
        client.call(1000, 5, b"hello")
        client.call(1000, 6, b"\xff\x00")
        wait_until(lambda: len(self.backend.named("message")) == 2, "messages")
        self.assertEqual(client.call(18, 9, b"again").op, 19)
        client.close()
        wait_until(lambda: self.backend.named("disconnect"), "a disconnect")
        connect, = self.backend.named("connect")
        serial = connect.pop("serial")
        token = connect.pop("token")
        self.assertEqual(json.loads(token)["key"], "me")
        self.assertRegex(connect.pop("address"), r"^127\.0\.0\.1:\d+$")
        self.assertEqual(connect, {"event": "connect", "node": "n1"})
        me = {"key": "me", "mid": 7, "serial": serial}
        self.assertEqual(self.backend.named("message"), [
            {"event": "message", "node": "n1", **me, "op": 1000, "seq": 5, "body": "hello"},
            {"event": "message", "node": "n1", **me, "op": 1000, "seq": 6, "body_base64": "/wA="}])
        self.assertEqual(self.backend.named("refresh"),
                         [{"event": "refresh", "node": "n1", **me, "token": "again"}])
        self.assertEqual(self.backend.named("disconnect"),
                         [{"event": "disconnect", "node": "n1", "clients": [me]}])
        self.assertEqual(self.backend.bad_signatures, 0)
        with self.backend.lock:
            headers = self.backend.events[-1][2]
        self.assertEqual(headers["Content-Type"], "application/json")
        self.assertEqual(headers["User-Agent"], "halley")
        self.assertLess(len(self.backend.connections), 5, "connections are kept")

    def test_refused_by_verdict_and_by_status(self):
        self.begin()
        self.assertIsNone(self.login(refuse=1))
        for status in (401, 403):
            self.backend.answer = lambda event, s=status: (
                (s, b"no") if event["event"] == "connect" else Backend.well(event))
            self.assertIsNone(self.login(key="k"))
        wait_until(lambda: self.calls("connect", "refused") == 3, "three refusals")
        self.assertEqual(self.backend.named("disconnect"), [], "nobody was in")

    def test_a_replaced_clients_end_has_its_own_serial(self):
        self.begin(shards=1)
        first = self.login(key="same")
        second = self.login(key="same")
        self.assertIsNotNone(first)
        self.assertIsNotNone(second)
        wait_until(lambda: self.backend.named("disconnect"), "the first to be told")
        connects = self.backend.named("connect")
        gone = self.backend.named("disconnect")[0]["clients"][0]
        self.assertEqual(gone["serial"], connects[0]["serial"])
        self.assertNotEqual(connects[0]["serial"], connects[1]["serial"])

    def test_a_client_that_left_while_the_backend_thought_is_told_to_be_gone(self):
        self.begin()
        allowed = threading.Event()

        def slow(event):
            if event["event"] == "connect":
                allowed.wait(10)
            return Backend.well(event)
        self.backend.answer = slow
        client = TcpClient(self.gateway.tcp)
        client.send(goim.login_frame(key="hasty"))
        wait_until(lambda: self.backend.named("connect"), "the question")
        client.close()
        allowed.set()
        gone = wait_until(lambda: self.backend.named("disconnect"), "its end")[0]["clients"][0]
        self.assertEqual(gone["key"], "hasty")
        self.assertEqual(gone["serial"], self.backend.named("connect")[0]["serial"])

    def test_what_is_left_is_told_at_the_end(self):
        self.begin()
        clients = [self.login(key=f"k{i}") for i in range(40)]
        self.assertNotIn(None, clients)
        self.gateway.stop()
        told = [each["key"] for event in self.backend.named("disconnect")
                for each in event["clients"]]
        self.assertEqual(sorted(told), sorted(f"k{i}" for i in range(40)))


class NodeBackend:
    """A backend over TLS, in Node."""

    def __init__(self, certificate, key, version):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "http2_backend.mjs")
        self.process = harness.start(["node", script, certificate, key, version], text=True,
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.told = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        port = wait_until(lambda: [each["port"] for each in list(self.told) if "port" in each], "Node")[0]
        self.url = f"https://localhost:{port}/halley"

    def read(self):
        for line in self.process.stdout:
            self.told.append(json.loads(line))

    def requests(self, *kinds):
        return [each for each in list(self.told) if each.get("event", {}).get("event") in kinds]

    def named(self, *kinds):
        return [each["event"] for each in self.requests(*kinds)]

    def close(self):
        self.process.kill()
        self.process.wait(harness.DEADLINE_S)
        self.reader.join(harness.DEADLINE_S)
        self.process.stdout.close()


@unittest.skipUnless(shutil.which("node"), "node is not installed")
class Secure(HttpTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.authority = Authority(folder.name, "root")

    def serve(self, version="2", names=("localhost",)):
        certificate = self.authority.issue("node", *names)
        self.backend = self.keep(NodeBackend(certificate, self.authority.file("node", "key"), version))
        return self.backend

    def test_http2_where_it_is_offered(self):
        self.begin("--http_backend.ca", self.authority.root, backend=self.serve())
        clients = [self.login(key=f"k{number}") for number in range(20)]
        self.assertNotIn(None, clients)
        for client in clients:
            client.close()
        wait_until(lambda: sum(len(each["clients"]) for each in self.backend.named("disconnect")) == 20,
                   "all ends to be told")
        requests = self.backend.requests("ping", "connect", "disconnect")
        self.assertEqual({each["version"] for each in requests}, {"2.0"})
        for each in requests:
            self.assertTrue(signed(each["headers"]["halley-signature"], each["body"].encode()))
        # They share connections.
        self.assertLess(sum("session" in each for each in list(self.backend.told)), 5)

    def test_http1_where_nothing_else_is(self):
        self.begin("--http_backend.ca", self.authority.root, backend=self.serve(version="1"))
        self.assertIsNotNone(self.login(key="k"))
        self.assertEqual({each["version"] for each in self.backend.requests("ping", "connect")}, {"1.1"})

    def expect_nobody_asks(self, *flags):
        self.gateway = self.start("--backend", "http", "--http_backend.urls", self.backend.url,
                                  "--http_backend.secret", SECRET, *flags)
        wait_until(lambda: "cannot be asked" in self.gateway.stderr(), "the log to say why")
        self.assertIn("certificate", self.gateway.stderr())
        self.assertIsNone(self.login(key="k"))
        self.assertEqual(self.backend.named("ping", "connect"), [])

    def test_a_server_that_nobody_vouches_for(self):
        self.serve()
        self.expect_nobody_asks()

    def test_a_server_of_another_name(self):
        self.serve(names=("elsewhere.example",))
        self.expect_nobody_asks("--http_backend.ca", self.authority.root)


class Ill(HttpTest):
    def assert_unavailable(self):
        """New clients are asked to come again later, in each protocol's words."""
        self.assertIsNone(self.login(key="new"))
        web = self.keep(WsClient(self.gateway.ws))
        web.send_message(goim.login_frame(key="new"))
        self.assertEqual(web.read_close(), 1013)

    def check(self, illness):
        self.begin()
        live = self.login(key="live")
        self.backend.headers = {"Location": self.backend.url + "/elsewhere"}
        self.backend.answer = illness
        wait_until(lambda: self.login(key="x") is None, "a login to fail")
        self.assert_unavailable()
        wait_until(lambda: self.admin("/monitor/ping")[0] != 200, "the ping to tell")
        with contextlib.closing(Pusher(self.gateway)) as pusher:
            self.assertEqual(pusher.push_keys(["live"], b"x").taken, 1)
        self.assertEqual(live.receive().body, b"x")
        self.backend.answer = Backend.well
        self.backend.released.set()
        began = time.monotonic()
        wait_until(lambda: self.login(key="y") is not None, "a login to be taken", pause_s=0.05)
        self.assertLess(time.monotonic() - began, RECOVERY_S)
        wait_until(lambda: self.admin("/monitor/ping")[0] == 200, "the ping to tell")

    def test_fails(self):
        self.check(lambda _: (500, b"oops"))

    def test_speaks_nonsense(self):
        # Pings are answered well enough with anything.
        self.check(lambda event: (200, b"{\"allow\":") if event["event"] == "connect" else (500, b""))

    def test_says_too_much(self):
        self.check(lambda _: (200, b" " * 70_000))

    def test_redirects(self):
        self.check(lambda _: (302, b""))
        self.assertEqual(self.backend.named("GET"), [], "it is not followed")

    def test_hangs(self):
        self.check(lambda _: None)

    def test_is_gone_and_comes_back(self):
        self.begin()
        port = self.backend.port
        live = self.login(key="live")
        leaving = self.login(key="leaving")
        self.backend.die()
        wait_until(lambda: self.admin("/monitor/ping")[0] != 200, "the ping to tell")
        self.assert_unavailable()
        leaving.close()
        self.assertGreaterEqual(self.calls("connect", "no_backend"), 1)
        self.backend.open(port)
        began = time.monotonic()
        wait_until(lambda: self.login(key="y") is not None, "a login to be taken", pause_s=0.05)
        self.assertLess(time.monotonic() - began, RECOVERY_S)
        gone = wait_until(lambda: self.backend.named("disconnect"), "what was missed")
        self.assertEqual(gone[0]["clients"][0]["key"], "leaving")
        with contextlib.closing(Pusher(self.gateway)) as pusher:
            self.assertEqual(pusher.push_keys(["live"], b"x").taken, 1)
        self.assertEqual(live.receive().body, b"x")

    def test_one_of_two_is_enough(self):
        other = self.keep(Backend())
        dead = Backend()
        dead.die()
        self.begin(urls=f"{dead.url}, {other.url}", backend=other)
        for number in range(20):
            self.assertIsNotNone(self.login(key=f"k{number}"), number)


class Gopusher(HttpTest):
    def begin_gopusher(self):
        backend = self.keep(Backend())
        backend.answer = lambda event: (200, {"code": 0, "data": None, "error": ""})
        self.begin("--http_backend.flavour", "gopusher", "--listen.gopusher", "127.0.0.1:0",
                   backend=backend)

    def connect(self, key, token="t"):
        client = self.keep(WsClient(self.gateway.gopusher, upgrade=False))
        client.upgrade(f"/ws?c={key}&t={token}")
        return client

    def test_its_callbacks(self):
        self.begin_gopusher()
        client = self.connect("seven", "sesame")
        wait_until(lambda: self.backend.named("Online"), "Online")
        client.close()
        wait_until(lambda: self.backend.named("Offline"), "Offline")
        with self.backend.lock:
            bodies = [body for _, _, _, body in self.backend.events]
            headers = self.backend.events[0][2]
        self.assertEqual(bodies, [b'{"method":"JoinCluster","args":["n1"]}',
                                  b'{"method":"CheckToken","args":["seven","sesame","n1"]}',
                                  b'{"method":"Online","args":["seven","n1"]}',
                                  b'{"method":"Offline","args":["seven","n1"]}'])
        self.assertEqual(headers["User-Agent"], "Gopusher 1.0")
        self.assertEqual(headers["Accept"], "application/json")

    def test_refused(self):
        self.begin_gopusher()
        self.backend.answer = lambda event: (200, {"code": 1, "data": None, "error": "no"})
        client = self.keep(WsClient(self.gateway.gopusher, upgrade=False))
        client.send(request("/ws?c=a&t=b"))
        self.assertTrue(client.read_all().startswith(b"HTTP/1.1 401 "))
        self.assertEqual(self.backend.named("Online", "Offline"), [])

    def test_an_old_connections_end_is_never_told_after_a_new_ones_beginning(self):
        self.begin_gopusher()

        def slow(event):
            if event["method"] == "Offline":
                time.sleep(0.2)
            return 200, {"code": 0, "data": None, "error": ""}
        self.backend.answer = slow
        for _ in range(5):
            client = self.connect("same")
            client.close()
            with contextlib.closing(Pusher(self.gateway)) as pusher:
                wait_until(lambda p=pusher: not p.online("same"), "it to be gone")
        wait_until(lambda: len(self.backend.named("Offline")) == 5, "the last of them")
        methods = [event["method"] for event in self.backend.named("Online", "Offline")]
        self.assertEqual(methods, ["Online", "Offline"] * 5)


if __name__ == "__main__":
    harness.need_admin()
    harness.main()
