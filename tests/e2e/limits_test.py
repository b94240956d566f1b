#!/usr/bin/env python3
"""Limits against clients that abuse the node, each with the answer that the client gets and its
counter. Addresses are those of loopback, 127.0.0.0/8, or what proxies say."""

import time

import goim
import harness
from goim import TcpClient
from harness import wait_until
from proxy_test import HeadedTcp, HeadedWs
from push_port import Pusher
from stream import Ended
from websocket import PING, WsClient, frame, request

UPGRADE = ("Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
A, B, C = "127.1.0.1", "127.1.0.2", "127.2.0.1"


class LimitsTest(harness.OwnGatewayTest):
    def serve(self, *flags, **options):
        """A gateway and what asks it."""
        gateway = self.start(*flags, **options)
        self.pusher = self.keep(Pusher(gateway))
        return gateway

    def closed(self, reason):
        return self.pusher.status().closed[reason]

    def tcp(self, gateway, source, **fields):
        return self.keep(TcpClient(gateway.tcp, source=source)).login(**fields)

    def is_refused(self, gateway, source):
        client = self.keep(TcpClient(gateway.tcp, source=source))
        try:
            client.send(goim.login_frame())
            client.receive()
            return False
        except (Ended, ConnectionError):
            return True

    def http_answer(self, address, source=None, path="/sub", **headers):
        """What a WebSocket's request, or one for an event stream, is answered with."""
        client = self.keep(WsClient(address, upgrade=False, source=source))
        client.send(request(path, without=UPGRADE if path.startswith("/sse") else (), **headers))
        answer = client.read_all()
        return answer.split(b"\r\n", 1)[0].decode(), answer

    def expect_refused(self, answer, status):
        line, whole = answer
        self.assertTrue(line.startswith(f"HTTP/1.1 {status} "), whole)
        self.assertIn(b"\r\nRetry-After: 5\r\n", whole)
        self.assertTrue(whole.endswith(b"later.\n"), whole)


class OfAddresses(LimitsTest):
    def test_connections_of_one(self):
        gateway = self.serve("--limits.ip_connections", "3", shards=4)
        clients = [self.tcp(gateway, A, key=f"a{number}") for number in range(2)]
        clients.append(self.keep(WsClient(gateway.ws, source=A)).login(key="a2"))
        self.assertTrue(self.is_refused(gateway, A))
        self.expect_refused(self.http_answer(gateway.ws, A), 429)
        self.expect_refused(self.http_answer(gateway.ws, A, "/sse?token={}"), 429)
        others = [self.tcp(gateway, B, key=f"b{number}") for number in range(3)]
        self.assertTrue(self.is_refused(gateway, B))
        self.assertEqual(self.closed("address_full"), 4)
        self.assertEqual(self.pusher.status().figures["addresses"], 2)
        for client in clients:
            client.close()
        wait_until(lambda: self.pusher.status().figures["addresses"] == 1, "the first to be gone")
        for number in range(3):
            self.tcp(gateway, A, key=f"again{number}")
        self.assertTrue(self.is_refused(gateway, A))
        for client in others:
            self.assertEqual(client.online(), 0)

    def test_connects_of_one(self):
        gateway = self.serve("--limits.ip_connects_per_s", "1", "--limits.ip_connects_burst", "5")
        began = time.monotonic()
        let_in = sum(not self.is_refused(gateway, A) for _ in range(20))
        self.assertIn(let_in, range(5, 7 + int(time.monotonic() - began)))
        self.assertEqual(self.closed("address_rate"), 20 - let_in)
        self.assertFalse(self.is_refused(gateway, B))
        wait_until(lambda: not self.is_refused(gateway, A), "it to be let in again")

    def test_who_is_trusted(self):
        gateway = self.serve("--limits.ip_connections", "1", "--limits.trusted", "127.2.0.0/16")
        for number in range(5):
            self.tcp(gateway, C, key=f"c{number}")
        self.tcp(gateway, A, key="a")
        self.assertTrue(self.is_refused(gateway, A))
        # Counted it is.
        self.assertEqual(self.pusher.status().figures["addresses"], 2)

    def test_a_full_table_shuts_nobody_out(self):
        gateway = self.serve("--limits.ip_connections", "1", "--limits.ip_table", "2")
        self.tcp(gateway, A, key="a")
        self.tcp(gateway, B, key="b")
        self.tcp(gateway, C, key="c1")
        self.tcp(gateway, C, key="c2")
        self.assertTrue(self.is_refused(gateway, A))
        figures = self.pusher.status().figures
        self.assertEqual((figures["addresses"], figures["addresses_without_place"]), (2, 2))


class BehindProxies(LimitsTest):
    def test_forwarded_for(self):
        gateway = self.serve("--limits.ip_connections", "1", "--proxies", "127.0.0.1")
        for address, same in (("203.0.113.9", "203.0.113.9"), ("2001:db8::1", "2001:db8::ffff:2")):
            headers = {"X_Forwarded_For": address}
            client = self.keep(WsClient(gateway.ws, upgrade=False))
            client.send(request(**headers))
            self.assertTrue(client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 "))
            client.login(key=address)
            self.expect_refused(self.http_answer(gateway.ws, X_Forwarded_For=same), 429)
            self.expect_refused(self.http_answer(gateway.ws, path="/sse?token={}",
                                                 X_Forwarded_For=same), 429)
        self.assertEqual(self.closed("address_full"), 4)
        self.assertEqual(self.pusher.status().figures["addresses"], 2)
        # What nobody who may says so is not believed; the proxy alone is nobody's address.
        stranger = self.keep(WsClient(gateway.ws, upgrade=False, source=A))
        stranger.send(request(X_Forwarded_For="203.0.113.9"))
        self.assertTrue(stranger.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 "))
        for number in range(3):
            self.keep(TcpClient(gateway.tcp)).login(key=f"proxy{number}")

    def test_the_proxy_header(self):
        gateway = self.serve("--limits.ip_connections", "1", "--proxies", "127.0.0.1",
                             "--listen.proxy_protocol", "on")

        def headed(kind, address, source):
            client = kind.__new__(kind)
            family = "TCP6" if ":" in source else "TCP4"
            own = "2001:db8::9" if ":" in source else "198.51.100.1"
            client.header = f"PROXY {family} {source} {own} 4711 443\r\n".encode()
            kind.__init__(client, address, **({"upgrade": False} if kind is HeadedWs else {}))
            return self.keep(client)

        headed(HeadedTcp, gateway.tcp, "203.0.113.9").login(key="a")
        headed(HeadedTcp, gateway.tcp, "2001:db8:1::1").login(key="b")
        for source in ("203.0.113.9", "2001:db8:1::2"):
            with self.assertRaises(Ended):
                headed(HeadedTcp, gateway.tcp, source).login(key="c")
            late = headed(HeadedWs, gateway.ws, source)
            late.send(request())
            self.assertTrue(late.read_all().startswith(b"HTTP/1.1 429 "))
        self.assertEqual(self.closed("address_full"), 4)
        headed(HeadedTcp, gateway.tcp, "2001:db8:1:1::1").login(key="d")
        self.assertEqual(self.pusher.status().figures["addresses"], 3)


class OfTheNode(LimitsTest):
    def test_connects(self):
        gateway = self.serve("--limits.connects_per_s", "1", "--limits.connects_burst", "3")
        began = time.monotonic()
        let_in = sum(not self.is_refused(gateway, f"127.3.0.{number + 1}") for number in range(20))
        self.assertIn(let_in, range(3, 5 + int(time.monotonic() - began)))
        self.expect_refused(self.http_answer(gateway.ws), 503)
        self.assertEqual(self.closed("connect_rate"), 21 - let_in)

    def test_handshakes(self):
        gateway = self.serve("--limits.handshakes", "2", "--client.handshake_timeout_ms", "60000",
                             "--listen.defer_accept_s", "0")
        for number in range(5):
            self.tcp(gateway, A, key=f"in{number}")
        silent = []
        for number in range(2):
            # What shards tell each other is a turn old, so they are given one.
            wait_until(lambda count=5 + number: self.pusher.status().figures["connections"] == count,
                       "those before to be accepted")
            silent.append(self.keep(TcpClient(gateway.tcp)))
        wait_until(lambda: self.pusher.status().figures["connections"] == 7, "them to be accepted")
        self.expect_refused(self.http_answer(gateway.ws), 503)
        self.assertEqual(self.closed("handshakes_full"), 1)
        silent[0].login(key="at last")
        wait_until(lambda: not self.is_refused(gateway, A), "there to be room")

    def test_rooms(self):
        gateway = self.serve("--limits.rooms", "2", shards=4)
        first = self.tcp(gateway, A, key="a", room_id="live://1")
        self.tcp(gateway, A, key="b", room_id="live://2")
        for number in range(4):
            client = self.keep(WsClient(gateway.ws))
            client.send_frame(goim.AUTH, 1, goim.token(room_id=f"live://more{number}"))
            self.assertEqual(client.read_farewell(), (1013, "rooms_full"))
            self.tcp(gateway, A, key=f"c{number}", room_id="live://1")
        self.assertEqual(self.closed("rooms_full"), 4)
        client = self.keep(WsClient(gateway.ws)).login(key="d")
        client.send_frame(goim.CHANGE_ROOM, 2, b"live://3")
        self.assertEqual(client.read_farewell(), (1013, "rooms_full"))
        self.assertEqual(first.call(goim.CHANGE_ROOM, 3, b"live://2").op, goim.CHANGE_ROOM_REPLY)


class OfAConnection(LimitsTest):
    def test_messages(self):
        gateway = self.serve("--limits.messages_per_s", "1", "--limits.messages_burst", "10")
        client = self.keep(WsClient(gateway.ws)).login(key="a")
        for number in range(4):
            client.call(goim.HEARTBEAT, number)
            client.call(4242, number, b"hi")
        client.send(frame(b"", PING) * 20)
        answers = [client.read_ws()]
        while answers[-1][0] == 0x8a:
            answers.append(client.read_ws())
        self.assertEqual(answers[-1], (0x88, b"\x03\xf0rate_limited"))
        self.assertEqual(self.closed("rate_limited"), 1)
        # On TCP there is no place for a reason.
        plain = self.tcp(gateway, A, key="b")
        plain.send(goim.frame(goim.HEARTBEAT) * 20)
        plain.drain()
        self.assertEqual(self.closed("rate_limited"), 2)

    def test_bytes(self):
        gateway = self.serve("--limits.bytes_per_s", "1000", "--limits.bytes_burst", "20000")
        client = self.keep(WsClient(gateway.ws)).login(key="a")
        for number in range(4):
            client.call(4242, number, bytes(4000))
        with self.assertRaises((AssertionError, Ended, ConnectionError)):
            for number in range(5):
                client.call(4242, number, bytes(4000))
        self.assertEqual(self.closed("rate_limited"), 1)


if __name__ == "__main__":
    harness.main()
