#!/usr/bin/env python3
"""The admin port: goim's HTTP API, the node's own, metrics, health, and who may ask."""

import base64
import contextlib
import http.client
import json
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

import certificates
import goim
import harness
from goim import TcpClient, pushed
from harness import Gateway, GatewayTest, wait_until
from push_port import Pusher
from websocket import WsClient

harness.need_admin()


class Admin:
    """Asks the admin port of a gateway."""

    def __init__(self, address, token=None):
        self.address = address
        self.token = token

    def ask(self, method, target, body=None, **headers):
        """(status, body) of a request; a body that is JSON comes parsed."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        with contextlib.closing(http.client.HTTPConnection(*self.address, timeout=30)) as connection:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
            if response.headers.get_content_type() == "application/json":
                text = json.loads(text)
            return response.status, text

    def get(self, target, **headers):
        return self.ask("GET", target, **headers)

    def post(self, target, body=b"", **headers):
        return self.ask("POST", target, body if isinstance(body, bytes) else json.dumps(body),
                        **headers)

    def metrics(self):
        """Samples by name and labels."""
        status, text = self.get("/metrics")
        assert status == 200, text
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if not line.startswith("#")}


class AdminTest(GatewayTest):
    def setUp(self):
        self.admin = Admin(self.gateway.admin)

    def login(self, **fields):
        return self.keep(TcpClient(self.gateway.tcp)).login(**fields)

    def assert_ok(self, answer, **data):
        status, body = answer
        self.assertEqual((status, body["code"], body["message"]), (200, 0, ""))
        if data:
            self.assertEqual(body["data"], data["data"])


class GoimApi(AdminTest):
    def test_push_to_keys(self):
        one, two = self.login(key="gk-1", accepts=[1000]), self.login(key="gk-2", accepts=[1000])
        self.assert_ok(self.admin.post("/goim/push/keys?operation=1000&keys=gk-1&keys=gk-2&keys=no", b"hi"))
        for client in (one, two):
            self.assertEqual(client.receive(), pushed(b"hi"))

    def test_push_to_mids(self):
        one = self.keep(WsClient(self.gateway.ws)).login(mid=6001, accepts=[1001])
        self.assert_ok(self.admin.post("/goim/push/mids?operation=1001&mids=6001", b"hi"))
        self.assertEqual(one.receive(), pushed(b"hi", op=1001))

    def test_push_to_a_room(self):
        one = self.login(room_id="live://g 1&2")
        room = urllib.parse.quote("g 1&2")
        self.assert_ok(self.admin.post(f"/goim/push/room?operation=1000&type=live&room={room}", b"hi"))
        self.assertEqual(one.receive(), pushed(b"hi"))

    def test_push_to_all(self):
        one = self.login(accepts=[1002])
        self.assert_ok(self.admin.post("/goim/push/all?operation=1002&speed=1000", b"hi"))
        self.assertEqual(one.receive(), pushed(b"hi", op=1002))

    def test_nobody_there_is_success(self):
        self.assert_ok(self.admin.post("/goim/push/keys?operation=1&keys=nobody", b"x"))
        self.assert_ok(self.admin.post("/goim/push/room?operation=1&type=live&room=nobody", b"x"))

    def test_a_body_is_never_taken_for_parameters(self):
        # What `curl -d` says of every body, and a body that would change what is asked.
        form = "application/x-www-form-urlencoded"
        one = self.login(key="gf-1", accepts=[1000, 7])
        for body in (b"operation=7&keys=other", b"x" * 100_000, b"%zz"):
            self.assert_ok(self.admin.post("/goim/push/keys?operation=1000&keys=gf-1", body,
                                           Content_Type=form))
            self.assertEqual(one.receive(), pushed(body))

    def test_what_is_missing_is_said(self):
        for target, what in (
                ("keys?keys=a", "operation"), ("keys?operation=x&keys=a", "operation"),
                ("keys?operation=1", "keys"), ("mids?operation=1", "mids"),
                ("mids?operation=1&mids=a", "mid"), ("mids?operation=1&mids=9223372036854775808", "mid"),
                ("room?operation=0&type=a&room=b", "operation"), ("room?operation=1&type=a", "room"),
                ("all", "operation"), ("all?operation=1&speed=-1", "speed"),
                ("all?operation=2147483648", "operation")):
            status, body = self.admin.post(f"/goim/push/{target}", b"x")
            self.assertEqual((status, body["code"]), (400, -400), target)
            self.assertIn(what, body["message"])

    def test_what_the_node_refuses_is_said(self):
        # An op of goim's own, and a body above push.body_bytes.
        for target, body in (("/goim/push/all?operation=2", b"x"),
                             ("/goim/push/all?operation=1000", b"x" * 300_000)):
            status, answer = self.admin.post(target, body)
            self.assertEqual((status, answer["code"]), (200, -400), answer)
            self.assertTrue(answer["message"])

    def test_online(self):
        for room, members in (("top://a", 1), ("top://b", 3), ("top://c", 2), ("topper://d", 2)):
            for _ in range(members):
                self.login(room_id=room)
        wait_until(lambda: self.admin.get("/goim/online/room?type=top&rooms=b")[1]["data"]["b"] == 3,
                   "the rooms to be full")
        self.assert_ok(self.admin.get("/goim/online/top?type=top&limit=3"), data=[
            {"room_id": "b", "count": 3}, {"room_id": "c", "count": 2}, {"room_id": "d", "count": 2}])
        self.assert_ok(self.admin.get("/goim/online/room?type=top&rooms=a&rooms=b&rooms=zz"),
                       data={"a": 1, "b": 3, "zz": 0})
        self.assertGreaterEqual(self.admin.get("/goim/online/total")[1]["data"]["conn_count"], 8)
        self.assertEqual(self.admin.get("/goim/online/top?type=top")[0], 400)
        self.assertEqual(self.admin.get("/goim/online/room?type=top")[0], 400)
        self.assert_ok(self.admin.get("/goim/online/top?type=none&limit=3"), data=[])

    def test_nodes(self):
        _, body = self.admin.get("/goim/nodes/weighted?platform=web")
        self.assertEqual(body["data"], {
            "domain": "127.0.0.1", "nodes": ["127.0.0.1"], "heartbeat": 240, "heartbeat_max": 2,
            "tcp_port": self.gateway.tcp[1], "ws_port": self.gateway.ws[1],
            "backoff": {"max_delay": 300, "base_delay": 3, "factor": 1.8, "jitter": 0.3}})


class NodeApi(AdminTest):
    def test_push_and_what_came_of_it(self):
        one = self.login(key="v-1", mid=6101, room_id="v://1", accepts=[1000])
        for target, extra in (({"keys": ["v-1", "v-no"]}, 1), ({"mids": [6101]}, 0),
                              ({"rooms": ["v://1"]}, 0), ({"all": True}, 0)):
            status, body = self.admin.post("/v1/push", {**target, "op": 1000, "text": "hi",
                                                        "confirm_ms": 5000})
            self.assertEqual(status, 200, body)
            self.assertGreaterEqual(body["taken"], 1)
            self.assertEqual(body["deliveries"], {"delivered": body["taken"], "skipped": 0,
                                                  "pending": 0})
            self.assertEqual(body["refused"], [{"index": 1, "why": "offline"}] * extra)
            self.assertEqual(len(body["sequence"]), 1 if "rooms" in target else 0)
            self.assertEqual(one.receive(), pushed(b"hi"))
        self.admin.post("/v1/push", {"keys": ["v-1"], "op": 1000, "data": "AP8="})
        self.assertEqual(one.receive(), pushed(b"\x00\xff"))
        batch = goim.frame(1000, 3, b"in a batch")
        self.admin.post("/v1/push", {"keys": ["v-1"], "op": 1000, "batch": True,
                                     "data": base64.b64encode(batch).decode()})
        self.assertEqual(one.receive(), goim.Frame(1000, 3, b"in a batch", 1))

    def test_what_is_wrong_is_said(self):
        for body, what in (
                (b"", "JSON"), (b"[]", "JSON"), (b"{", "JSON"), (b'{"op":"x"}', "JSON"),
                (b"\xff", "JSON"), ({"op": 1}, "one kind of target"),
                ({"keys": ["a"], "all": True, "op": 1}, "one kind of target"),
                ({"keys": ["a"], "op": 1, "text": "x", "data": "eA=="}, "keep one"),
                ({"keys": ["a"], "op": 1, "pace": 5}, "pace"), ({"keys": ["a"], "unknown": 1}, "unknown"),
                ({"keys": ["a"], "op": 2, "text": "x"}, "op 2"),
                ({"keys": ["a"], "op": 1000, "confirm_ms": 999_999}, "confirm")):
            status, answer = self.admin.post("/v1/push", body)
            self.assertEqual(status, 400, answer)
            self.assertIn(what, answer["error"])
        status, answer = self.admin.post("/v1/push", b" " * 3_000_000)
        self.assertEqual(status, 413)
        self.assertIn("push.message_bytes", answer["error"])

    def test_kick(self):
        one, two = self.login(key="vk-1"), self.login(mid=6201)
        self.assertEqual(self.admin.post("/v1/kick", {"keys": ["vk-1", "no"]})[1]["taken"], 1)
        self.assertEqual(self.admin.post("/v1/kick", {"mids": [6201]})[1]["taken"], 1)
        for client in (one, two):
            self.assertEqual(client.read_all(), b"")
        self.assertEqual(self.admin.post("/v1/kick", {})[0], 400)

    def test_rooms_and_online(self):
        self.login(key="vo-1", room_id="vr://1")
        self.login(key="vo-2", room_id="vr://\u00e4")
        wait_until(lambda: self.admin.get("/v1/rooms?prefix=vr://")[1]["total"] == 2, "two rooms")
        self.assertEqual(self.admin.get("/v1/rooms?prefix=vr://&limit=1")[1],
                         {"rooms": [{"room": "vr://1", "members": 1}], "total": 2})
        self.assertEqual(self.admin.get("/v1/rooms?prefix=vr%3A%2F%2F")[1]["rooms"][1]["room"],
                         "vr://\u00e4")
        self.assertEqual(self.admin.get("/v1/online?key=vo-1&key=no&key=vo-2")[1],
                         {"online": ["vo-1", "vo-2"]})
        self.login(key="vo-3", room_id="vr://\u00e4")
        wait_until(lambda: self.admin.get("/v1/rooms?prefix=vr://&order=members&limit=1")[1] ==
                   {"rooms": [{"room": "vr://\u00e4", "members": 2}], "total": 2}, "the larger room")
        self.assertEqual(self.admin.get("/v1/rooms?prefix=vr://&order=name&limit=1")[1]["rooms"],
                         [{"room": "vr://1", "members": 1}])
        for target in ("/v1/rooms?limit=x", "/v1/rooms?order=size", "/v1/online", "/v1/rooms?prefix=%zz", "/v1/rooms?prefix=%4"):
            self.assertEqual(self.admin.get(target)[0], 400, target)

    def test_every_path_of_the_document_is_there_and_no_other(self):
        _, document = self.admin.get("/v1/openapi.json")
        for path, methods in document["paths"].items():
            for method, about in methods.items():
                status, _ = self.admin.ask(method.upper(), path, b"" if method == "post" else None)
                self.assertIn(str(status), about["responses"], (method, path))
                self.assertNotEqual(status, 404, path)
            for other in {"GET", "POST", "DELETE"} - {method.upper() for method in methods}:
                self.assertEqual(self.admin.ask(other, path, b"" if other == "POST" else None)[0],
                                 404, path)
        self.assertEqual(self.admin.get("/v1/nothing")[0], 404)

    def test_answers_are_as_the_document_says(self):
        schemas = self.admin.get("/v1/openapi.json")[1]["components"]["schemas"]
        self.login(key="vd-1", room_id="vd://1", accepts=[1000])
        for schema, answer in (
                ("PushReply", self.admin.post("/v1/push", {"keys": ["vd-1", "no"], "op": 1000,
                                                           "text": "x", "confirm_ms": 5000})),
                ("RoomsReply", self.admin.get("/v1/rooms")),
                ("OnlineReply", self.admin.get("/v1/online?key=vd-1")),
                ("ErrorReply", self.admin.get("/v1/online")),
                ("TracesReply", self.admin.post("/v1/trace", {"key": "vd-1", "seconds": 1})),
                ("GoimReply", self.admin.get("/goim/online/total"))):
            self.assertEqual(set(answer[1]) - set(schemas[schema]["properties"]), set(), schema)
            self.assertEqual(set(schemas[schema]["required"]) - set(answer[1]), set(), schema)


class Https(harness.OwnGatewayTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.authority = certificates.Authority(folder.name, "root")
        self.certificate = self.authority.issue("site", "admin.example")
        self.key = self.authority.file("site", "key")

    def get(self, address, target, **options):
        context = certificates.trusting(self.authority)
        for name, value in options.items():
            setattr(context, name, value)
        with socket.create_connection(address, 30) as plain, \
                context.wrap_socket(plain, server_hostname="admin.example") as stream:
            stream.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % target)
            return b"".join(iter(lambda: stream.recv(65536), b"")), stream.version()

    def test_with_a_certificate_it_speaks_https_and_nothing_else(self):
        gateway = self.start("--admin.tls_certificate", self.certificate, "--admin.tls_key", self.key)
        answer, version = self.get(gateway.admin, b"/health/ready")
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
        self.assertEqual(version, "TLSv1.3")
        self.assertEqual(self.get(gateway.admin, b"/metrics", maximum_version=ssl.TLSVersion.TLSv1_2)[1],
                         "TLSv1.2")
        with self.assertRaises((http.client.HTTPException, OSError)):
            Admin(gateway.admin).get("/health/ready")
        self.assertTrue(self.get(gateway.admin, b"/health/live")[0].startswith(b"HTTP/1.1 200 "))

    def test_files_that_are_no_good_are_named_at_the_start(self):
        other = self.authority.issue("other", "other.example")
        for certificate, key, option in (("/nowhere.pem", self.key, "admin.tls_certificate"),
                                         (self.certificate, "/nowhere.key", "admin.tls_key"),
                                         (self.key, self.key, "admin.tls_certificate"),
                                         (self.certificate, other, "admin.tls_key"),
                                         (self.certificate, self.authority.file("other", "key"),
                                          "admin.tls_key")):
            for more in ((), ("--check-config",)):
                ended = subprocess.run(
                    [harness.program("HALLEY_BIN"), "--tcp", "127.0.0.1:0", "--ws", "", "--push", "",
                     "--admin.tls_certificate", certificate, "--admin.tls_key", key, *more],
                    capture_output=True, text=True, timeout=30, check=False)
                self.assertEqual((ended.returncode, ended.stdout), (78, ""), ended.stderr)
                self.assertEqual(len(ended.stderr.splitlines()), 1, ended.stderr)
                self.assertTrue(ended.stderr.startswith(f"halley: {option}: "), ended.stderr)


class Metrics(AdminTest):
    def test_they_say_what_status_says(self):
        pusher = self.keep(Pusher(self.gateway))
        clients = [self.login(room_id="m://1", accepts=[1000]) for _ in range(6)]
        self.admin.post("/v1/push", {"rooms": ["m://1"], "op": 1000, "text": "x", "confirm_ms": 5000})
        clients.pop().close()
        wait_until(lambda: pusher.status().connections == 5, "five to be left")
        metrics = self.admin.metrics()
        status = pusher.status()
        total = lambda name: sum(value for series, value in metrics.items()
                                 if series.startswith(f"halley_{name}{{"))
        self.assertEqual((total("connections"), total("channels")), (5, 5))
        self.assertEqual(total("logins_total"), status.logins)
        self.assertEqual(metrics['halley_closed_total{reason="peer_closed"}'],
                         status.closed["peer_closed"])
        self.assertEqual(total("expected_total"), 6)
        self.assertEqual(total("expected_total"), total("delivered_total") + total("skipped_total") +
                         total("pending"))
        # Neither the admin port's own ends nor its questions are among the pushers'.
        self.assertEqual(total("push_connections"), 1)
        self.assertEqual(metrics["halley_ready"], 1)
        shards = self.admin.get("/v1/status")[1]["shards"]
        self.assertEqual(sum(shard["connections"] for shard in shards), 5)
        # A pass for each shard that has members of the room.
        sent = {shard["shard"]: shard["push_time"]["count"] for shard in shards}
        for shard in shards:
            self.assertEqual(sent[shard["shard"]], 1 if shard["channels"] else 0, shard)
        self.assertEqual(total("push_seconds_count"), sum(sent.values()))
        self.assertGreater(total("turn_seconds_count"), 0)
        self.assertEqual(metrics['halley_clients{dialect="goim_tcp"}'], 5)

    def test_what_dashboard_and_alerts_ask_for_is_there(self):
        packaging = pathlib.Path(__file__).resolve().parents[2] / "packaging"
        series = set(re.findall(r"^(?:# TYPE )?(halley_[a-z_]+)", self.admin.get("/metrics")[1], re.MULTILINE))
        dashboard = json.loads((packaging / "grafana/halley.json").read_text())
        expressions = [target["expr"] for panel in dashboard["panels"]
                       for target in panel.get("targets", ())]
        alerts = (packaging / "prometheus/halley.rules.yml").read_text()
        for text in (*expressions, alerts):
            asked = set(re.findall(r"halley_[a-z_]+", text))
            self.assertTrue(asked or "up{" in text, text)
            self.assertEqual(asked - series, set(), text)

    def test_health(self):
        for path in ("/health/live", "/health/startup", "/health/ready"):
            self.assertEqual(self.admin.get(path), (200, "ok\n"))
        self.assertEqual(self.admin.get("/monitor/ping"), (200, "ok"))


class WhoMayAsk(unittest.TestCase):
    def test_only_this_host_without_a_token(self):
        with Gateway() as gateway:
            admin = Admin(gateway.admin)
            for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"},
                            {"Origin": "null"}):
                for method, target in (("GET", "/metrics"), ("POST", "/goim/push/all?operation=1000")):
                    status, body = admin.ask(method, target, b"x" if method == "POST" else None, **headers)
                    self.assertEqual(status, 403, (headers, target))
                    self.assertIn("admin.token", body["error"])
            # Who probes may call us by any name.
            self.assertEqual(admin.get("/health/live", Host="pod.example")[0], 200)

    def test_the_token(self):
        with Gateway("--admin", "0.0.0.0:0", "--admin.token", "t0ken") as gateway:
            address = ("127.0.0.1", gateway.admin[1])
            self.assertEqual(Admin(address, "t0ken").get("/metrics", Host="gateway.example")[0], 200)
            for token in (None, "wrong", "t0ken2"):
                status, body = Admin(address, token).get("/metrics")
                self.assertEqual(status, 401)
                self.assertIn("admin.token", body["error"])
                self.assertEqual(Admin(address, token).post("/v1/kick", {"keys": ["a"]})[0], 401)
            self.assertEqual(Admin(address).get("/health/ready")[0], 200)
            self.assertNotIn("t0ken", gateway.stderr())

    def test_without_it_nobody_listens(self):
        with Gateway("--admin", "") as gateway:
            self.assertIsNone(gateway.admin)


class Trouble(unittest.TestCase):
    def test_not_ready_while_it_closes(self):
        with Gateway("--gateway.shutdown_timeout_ms", "20000") as gateway:
            admin = Admin(gateway.admin)
            # A client that does not read what is pushed to it holds the end up.
            with contextlib.closing(TcpClient(gateway.tcp)) as client:
                client.login(key="slow", accepts=[1000])
                for _ in range(60):
                    admin.post("/v1/push", {"keys": ["slow"], "op": 1000, "text": "x" * 100_000})
                gateway.ask_to_end(signal.SIGTERM)
                status, body = wait_until(
                    lambda: [answer for answer in [admin.get("/health/ready")] if answer[0] != 200],
                    "it to be no longer ready")[0]
                self.assertEqual((status, body), (503, "the node is closing\n"))
                self.assertEqual(admin.get("/health/live")[0], 200)

    def test_clients_that_say_nothing_or_garbage(self):
        with Gateway("--admin.timeout_ms", "300", "--admin.threads", "2") as gateway:
            silent = [socket.create_connection(gateway.admin) for _ in range(4)]
            silent[0].sendall(b"GET /met")
            silent[1].sendall(b"POST /v1/push HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{")
            silent[2].sendall(b"\x16\x03\x01garbage\r\n\r\n")
            # They hold both threads for as long as they may; then others are served.
            self.assertEqual(Admin(gateway.admin).get("/health/live")[0], 200)
            for each in silent:
                each.close()

    def test_many_at_a_time(self):
        with Gateway() as gateway:
            failed = []
            def ask():
                admin = Admin(gateway.admin)
                for _ in range(20):
                    if admin.get("/metrics")[0] != 200 or admin.get("/v1/status")[0] != 200:
                        failed.append(1)
            threads = [threading.Thread(target=ask) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(failed, [])

    def test_it_tells_how_full_the_node_is(self):
        """Who looks on is answered, whatever becomes of pushers."""
        with Gateway("--gateway.memory_mib", "16", "--client.personal_queue_bytes", "16777216",
                     "--client.stall_timeout_ms", "0", "--listen.user_timeout_ms", "0",
                     shards=1) as gateway:
            admin = Admin(gateway.admin)
            with contextlib.closing(TcpClient(gateway.tcp)) as slow, \
                    contextlib.closing(Pusher(gateway)) as pusher:
                slow.login(key="slow", accepts=[1000])
                for _ in range(140):
                    pusher.push_keys(["slow"], "x" * 100_000)
                metrics = admin.metrics()
                self.assertGreater(metrics['halley_queue_bytes{shard="0"}'], 10_000_000)
                self.assertGreater(metrics['halley_memory_stage{shard="0"}'], 0)
                self.assertRegex(admin.get("/v1/status")[1]["shards"][0]["memory_stage"], r"[a-z_]+")


if __name__ == "__main__":
    harness.main()
