#!/usr/bin/env python3
"""Load balancers that say with a PROXY header whose connection they forward, plain and before TLS."""

import socket
import ssl
import struct
import tempfile

import harness
from certificates import Authority, trusting
from goim import TcpClient, pushed
from goim_v1 import V1_TLS, V1Client, v1_pushed
from harness import Gateway, GatewayTest, wait_until
from push_port import Pusher
from stream import Ended
from websocket import WsClient

TEXT = b"PROXY TCP4 203.0.113.9 198.51.100.1 4711 443\r\n"
BINARY = (b"\r\n\r\n\0\r\nQUIT\n" + b"\x21\x11" + struct.pack(">H", 12) +
          bytes([203, 0, 113, 9, 198, 51, 100, 1]) + struct.pack(">HH", 4711, 443))


class Headed:
    """A client behind a proxy: the header goes first, in as many pieces as asked."""

    header = TEXT
    pieces = 1

    def before(self, sock):
        step = -(-len(self.header) // self.pieces)
        for at in range(0, len(self.header), step):
            sock.sendall(self.header[at:at + step])


class HeadedTcp(Headed, TcpClient):
    pass


class HeadedWs(Headed, WsClient):
    pass


class HeadedV1(Headed, V1Client):
    pass


class Proxied(GatewayTest):
    flags = ("--listen.proxies", "127.0.0.1", "--listen.proxy_protocol", "on")

    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))  # the push port expects no header

    def test_clients_of_either_version(self):
        for header in (TEXT, BINARY, b"PROXY UNKNOWN\r\n"):
            for kind in (HeadedTcp, HeadedWs):
                for pieces in (1, len(header)):
                    client = kind.__new__(kind)
                    client.header, client.pieces = header, pieces
                    kind.__init__(client, self.gateway.tcp if kind is HeadedTcp else self.gateway.ws)
                    client.login(key="headed", accepts=[1000])
                    self.assertEqual(self.pusher.push_keys(["headed"], b"hi").taken, 1)
                    self.assertEqual(client.receive(), pushed(b"hi"))
                    client.close()

    def test_a_proxy_without_a_header_is_refused(self):
        before = self.pusher.status().closed["proxy_header"]
        client = self.keep(TcpClient(self.gateway.tcp))
        with self.assertRaises(Ended):
            client.login(key="bare")
        wait_until(lambda: self.pusher.status().closed["proxy_header"] == before + 1,
                   "it to be counted")

    def test_the_header_comes_before_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            authority = Authority(folder, "root")
            authority.issue("site", "site.example")
            with Gateway(*self.flags, "--wss", "127.0.0.1:0", *V1_TLS,
                         "--tls-certificates", authority.file("site"),
                         "--tls-keys", authority.file("site", "key")) as gateway:
                tls = (trusting(authority), "site.example")
                with socket.create_connection(gateway.address("wss")) as bare:
                    bare.settimeout(harness.DEADLINE_S)
                    with self.assertRaises((ssl.SSLError, ConnectionError)):
                        tls[0].wrap_socket(bare, server_hostname=tls[1])
                client = HeadedWs(gateway.address("wss"), tls=tls)
                client.login(key="secure", room_id="proxy://1")
                v1 = HeadedV1(gateway, tls=tls).log_in('{"room_id":"proxy://1"}')
                pusher = self.keep(Pusher(gateway))
                self.assertEqual(pusher.push_rooms(["proxy://1"], b"safe").taken, 2)
                self.assertEqual(client.receive(), pushed(b"safe"))
                self.assertEqual(v1.receive(), v1_pushed(b"safe"))
                client.close()
                v1.close()


class Strangers(GatewayTest):
    flags = ("--listen.proxies", "10.0.0.0/8", "--listen.proxy_protocol", "on")

    def test_others_are_served_and_name_nobody(self):
        self.keep(TcpClient(self.gateway.tcp)).login(key="direct")
        liar = self.keep(HeadedTcp(self.gateway.tcp))
        with self.assertRaises(Ended):
            liar.login(key="liar")


if __name__ == "__main__":
    harness.main()
