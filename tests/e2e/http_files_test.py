#!/usr/bin/env python3
"""The files that the gateway serves to browsers: byte for byte, to slow readers, over TLS."""

import pathlib
import tempfile
import unittest

import harness
from certificates import Authority, trusting
from harness import Gateway, GatewayTest, wait_until
from push_port import Pusher
from stream import Stream
from websocket import WsClient, request

WEB = pathlib.Path(__file__).parent / "../../src/web"
FILES = {"/": ("index.html", "text/html"), "/halley.js": ("halley.js", "text/javascript")}


def http(path, method="GET", **headers):
    """A request that is no upgrade."""
    without = ("Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
    return request(path, method, without=without, **headers)


class Served(GatewayTest):
    """Send buffers that take neither file at once."""

    flags = ("--listen.send_buffer_bytes", "4KiB")

    def ask(self, data):
        """(head, body) of the answer, behind which the stream ends."""
        stream = self.keep(Stream(self.gateway.ws))
        stream.send(data)
        head, _, body = stream.read_all().partition(b"\r\n\r\n")
        return head.decode().split("\r\n"), body

    def test_the_files_arrive_whole(self):
        for path, (name, kind) in FILES.items():
            wanted = (WEB / name).read_bytes()
            for target in (path, path + "?x=1&y=/../"):
                head, body = self.ask(http(target))
                self.assertEqual(body, wanted)
                self.assertEqual(head[0], "HTTP/1.1 200 OK")
                for line in (f"Content-Length: {len(wanted)}", f"Content-Type: {kind}; charset=utf-8",
                             "Cache-Control: no-cache", "X-Content-Type-Options: nosniff",
                             "Connection: close"):
                    self.assertIn(line, head)
            self.assertEqual(self.ask(http(path, "HEAD")), (head, b""))
            self.assertEqual(self.ask(http(path, "HEAD") * 2), (head, b""), "one is answered")

    def test_what_is_not_served(self):
        for status, data in ((405, http("/", "POST")), (405, http("/halley.js", "OPTIONS")),
                             (404, http("/index.html")), (404, http("/embedded.h")),
                             (404, http("/../src/web/halley.js")), (404, request("/")),
                             (400, http("/sub")), (413, http("/", Content_Length="5") + b"hello")):
            head, _ = self.ask(data)
            self.assertTrue(head[0].startswith(f"HTTP/1.1 {status} "), (head, data))

    def test_byte_by_byte_and_read_slowly(self):
        wanted = (WEB / "halley.js").read_bytes()
        stream = self.keep(Stream(self.gateway.ws, receive_buffer_bytes=2048))
        stream.send_bytewise(http("/halley.js"))
        stream.read_until(b"\r\n\r\n")
        self.assertEqual(b"".join(stream.read(1) for _ in wanted), wanted)
        self.assertEqual(stream.read_all(), b"")

    def test_they_are_counted(self):
        pusher = self.keep(Pusher(self.gateway))
        before = pusher.status().closed["page_served"]
        for _ in range(3):
            self.ask(http("/"))
        wait_until(lambda: pusher.status().closed["page_served"] == before + 3, "three")


class Hurry(GatewayTest):
    flags = ("--listen.send_buffer_bytes", "4KiB", "--client.handshake_timeout_ms", "300")

    def test_who_does_not_read_holds_a_slot_until_the_deadline(self):
        pusher = self.keep(Pusher(self.gateway))
        streams = [self.keep(Stream(self.gateway.ws, receive_buffer_bytes=2048)) for _ in range(20)]
        for stream in streams:
            stream.send(http("/halley.js") * 50)
        wait_until(lambda: pusher.status().closed["handshake_timeout"] == len(streams), "all")
        wait_until(lambda: pusher.status().connections == 0, "their slots")
        self.assertEqual(pusher.status().buffer_bytes, 0)

    def test_who_leaves_while_it_is_sent(self):
        pusher = self.keep(Pusher(self.gateway))
        for _ in range(20):
            stream = Stream(self.gateway.ws, receive_buffer_bytes=2048)
            stream.send(http("/halley.js"))
            stream.read(1)
            stream.close()
        wait_until(lambda: pusher.status().connections == 0, "their slots")


class SwitchedOff(GatewayTest):
    flags = ("--websocket.page", "off")

    def test_there_is_nothing_then(self):
        for path in FILES:
            stream = self.keep(Stream(self.gateway.ws))
            stream.send(http(path))
            self.assertTrue(stream.read_all().startswith(b"HTTP/1.1 404 "))
        self.assertNotIn("browser", self.gateway.rest_of_output())
        self.keep(WsClient(self.gateway.ws)).login()


class OverTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name, "root")
        cls.authority.issue("site", "localhost")
        cls.gateway = Gateway(
            "--wss", "127.0.0.1:0", "--tls-certificates", cls.authority.file("site"),
            "--tls-keys", cls.authority.file("site", "key"), "--listen.send_buffer_bytes", "4KiB")
        cls.addClassCleanup(cls.gateway.stop)
        cls.address = cls.gateway.address("wss")

    def test_the_files_arrive_whole_and_read_slowly(self):
        for path, (name, _) in FILES.items():
            wanted = (WEB / name).read_bytes()
            for step in (1 << 20, 100):
                stream = Stream(self.address, receive_buffer_bytes=2048,
                                tls=(trusting(self.authority), "localhost"))
                self.addCleanup(stream.close)
                stream.send(http(path))
                stream.read_until(b"\r\n\r\n")
                got = b""
                while len(got) < len(wanted):
                    got += stream.read(min(step, len(wanted) - len(got)))
                self.assertEqual(got, wanted)
                self.assertEqual(stream.read_all(), b"")


if __name__ == "__main__":
    harness.main()
