#!/usr/bin/env python3
"""What conformance suites need of the echo server, so that it is there when one is run: messages of any
size and in fragments come back, plain and compressed, through TLS and without, and what is wrong is named."""

import random
import tempfile
import zlib

from echo_server import EchoServer
import harness
from certificates import Authority, trusting
from websocket import BINARY, CLOSE, PING, PONG, TEXT, WsClient, fragments, frame, request

DEFLATE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def deflated(data):
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
    return packed[:-4]


def inflated(data):
    return zlib.decompressobj(wbits=-15).decompress(data + b"\0\0\xff\xff")


class EchoTest(harness.KeepingTest):
    """On one connection after the other, all of one server."""

    tls = None
    flags = ()

    @classmethod
    def setUpClass(cls):
        io = harness.IO or "auto"
        cls.server = EchoServer(harness.program("HALLEY_ECHO_SERVER"), f"--io={io}", *cls.flags)
        cls.addClassCleanup(cls.server.stop)
        assert io == "auto" or f"{io} on" in cls.server.ring, cls.server.ring

    def client(self, **options):
        return self.keep(WsClient(self.server.address, tls=self.tls, **options))

    def deflating_client(self):
        client = self.client(upgrade=False)
        client.send(request(Sec_WebSocket_Extensions="permessage-deflate"))
        return client, client.read_until(b"\r\n\r\n").decode()

    def check_close(self, client, code):
        """The close frame, and the end of the stream behind it."""
        self.assertEqual(client.read_farewell(), (code, ""))


class Plain(EchoTest):
    def test_messages_come_back_as_they_were(self):
        client = self.client()
        for size in (0, 1, 125, 126, 65535, 65536, 300_000, 1 << 20):
            for opcode in (TEXT, BINARY):
                payload = random.Random(size).randbytes(size)
                payload = payload.hex()[:size].encode() if opcode == TEXT else payload
                client.send_message(payload, opcode)
                self.assertEqual(client.read_ws(), (0x80 | opcode, payload), size)

    def test_fragments_with_a_ping_between(self):
        client = self.client()
        payload = bytes(range(256)) * 400
        parts = fragments(payload, 64)
        parts.insert(3, frame(b"now", PING))
        client.send(b"".join(parts))
        self.assertEqual(client.read_ws(), (0x80 | PONG, b"now"))
        self.assertEqual(client.read_ws(), (0x80 | BINARY, payload))

    def test_goodbye_is_answered(self):
        client = self.client()
        client.send_message(b"\x03\xe8bye", CLOSE)
        self.check_close(client, 1000)

    def test_what_is_wrong_is_named(self):
        for wrong, code in ((frame(b"\xff", TEXT), 1007), (frame(b"a", rsv=2), 1002),
                            (frame(deflated(b"a"), rsv=4), 1002)):
            client = self.client()
            client.send(wrong)
            self.check_close(client, code)

    def test_compressed_messages(self):
        client, answer = self.deflating_client()
        self.assertIn(f"Sec-WebSocket-Extensions: {DEFLATE}\r\n", answer)
        for size in (0, 10, 300_000):
            payload = b"again " * (size // 6)
            client.send(frame(deflated(payload), TEXT, rsv=4))
            first, packed = client.read_ws()
            self.assertEqual(first, 0xc0 | TEXT)
            self.assertEqual(inflated(packed), payload)
        client.send(frame(deflated(b"\xff"), TEXT, rsv=4))
        self.check_close(client, 1007)


class Secure(Plain):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        authority = Authority(folder.name, "root")
        chain = authority.issue("server", "echo.example")
        cls.flags = (f"--tls={chain},{authority.file('server', 'key')}",)
        cls.tls = (trusting(authority), "echo.example")
        super().setUpClass()


class WithoutCompression(EchoTest):
    flags = ("--deflate=off",)

    def test_it_is_not_agreed_to(self):
        _, answer = self.deflating_client()
        self.assertTrue(answer.startswith("HTTP/1.1 101 "), answer)
        self.assertNotIn("permessage-deflate", answer)


del EchoTest

if __name__ == "__main__":
    harness.main()
