"""A WebSocket client with control over every byte, and strict about every byte it is sent."""

import base64
import hashlib
import os
import struct

import goim
from goim import HEADER, Frame
from stream import Stream

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MASK = b"\x37\xfa\x21\x3d"


def masked(payload, mask=MASK):
    pad = mask * (len(payload) // 4 + 1)
    return bytes(a ^ b for a, b in zip(payload, pad))


def frame(payload, opcode=BINARY, fin=True, rsv=0, mask=MASK, length_bytes=None):
    """A client's frame. `mask` None: not masked. `length_bytes` 2 or 8: longer than needed."""
    size = len(payload)
    if length_bytes is None:
        length_bytes = 0 if size < 126 else 2 if size < 1 << 16 else 8
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    bit = 0 if mask is None else 0x80
    if length_bytes == 0:
        head += bytes([bit | size])
    elif length_bytes == 2:
        head += bytes([bit | 126]) + struct.pack(">H", size)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", size)
    return head + (payload if mask is None else mask + masked(payload, mask))


def fragments(payload, size, opcode=BINARY):
    """The frames of one message, `size` bytes of payload each."""
    parts = [payload[at:at + size] for at in range(0, len(payload), size)]
    return [frame(part, opcode if index == 0 else CONTINUATION, fin=index == len(parts) - 1)
            for index, part in enumerate(parts)]


def request(path="/sub", method="GET", version="HTTP/1.1", key=None, without=(), **headers):
    """An upgrade request. Headers by keyword, `_` for `-`; a list stands for several lines."""
    lines = {"Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade",
             "Sec-WebSocket-Key": key or base64.b64encode(os.urandom(16)).decode(),
             "Sec-WebSocket-Version": "13"}
    lines.update({name.replace("_", "-"): value for name, value in headers.items()})
    text = f"{method} {path} {version}\r\n"
    for name, values in lines.items():
        if name in without:
            continue
        for value in values if isinstance(values, list) else [values]:
            text += f"{name}: {value}\r\n"
    return (text + "\r\n").encode("latin-1")


def accept_of(key):
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


class WsClient(Stream):
    """Speaks goim inside WebSocket. Opened with its upgrade done, unless `upgrade` is False."""

    def __init__(self, address, upgrade=True, **options):
        super().__init__(address, **options)
        self.frames = []
        self.close_code = None
        if upgrade:
            self.upgrade()

    def upgrade(self, path="/sub"):
        key = base64.b64encode(os.urandom(16)).decode()
        self.send(request(path, key=key))
        answer = self.read_until(b"\r\n\r\n")
        wanted = ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept_of(key)}\r\n\r\n")
        assert answer == wanted.encode(), answer

    # --- WebSocket

    def send_message(self, payload, opcode=BINARY):
        self.send(frame(payload, opcode))

    def read_ws(self):
        """(first byte, payload) of the next frame, which must be framed as short as possible."""
        first, size = self.read(2)
        assert size < 0x80, "a server must not mask"
        if size == 126:
            size = struct.unpack(">H", self.read(2))[0]
            assert size >= 126
        elif size == 127:
            size = struct.unpack(">Q", self.read(8))[0]
            assert size >= 1 << 16
        return first, self.read(size)

    def read_farewell(self):
        """(code, text) of the close frame that comes next, after which the stream ends."""
        first, payload = self.read_ws()
        assert first == 0x80 | CLOSE, (first, payload)
        rest = self.read_all()
        assert rest == b"", rest
        assert len(payload) != 1, payload
        code = struct.unpack(">H", payload[:2])[0] if payload else None
        return code, payload[2:].decode()

    def read_close(self):
        """The code of a close frame without a text."""
        code, text = self.read_farewell()
        assert text == "", text
        return code

    # --- goim in it; the same calls as goim.TcpClient's

    def send_frame(self, *arguments, **fields):
        self.send_message(goim.frame(*arguments, **fields))

    def receive(self):
        """The next goim frame; those inside op 9 one by one."""
        while not self.frames:
            self.frames = frames_of(*self.read_ws())
        return self.frames.pop(0)

    def login(self, **fields):
        self.send_message(goim.login_frame(**fields))
        answer = self.receive()
        assert answer == Frame(goim.AUTH_REPLY, 1, b"", 1), answer
        return self

    def call(self, op, seq=0, body=b"", ver=1):
        self.send_frame(op, seq, body, ver)
        return self.receive()

    online = goim.TcpClient.online

    def take(self):
        """The goim frames of the whole messages that have been pumped; a close frame ends them."""
        frames = self.frames
        self.frames = []
        data = self.unread
        at = 0
        while len(data) - at >= 2:
            size, head = data[at + 1], 2
            if size == 126:
                head = 4
                size = int.from_bytes(data[at + 2:at + 4], "big")
            elif size == 127:
                head = 10
                size = int.from_bytes(data[at + 2:at + 10], "big")
            if len(data) - at < head + size:
                break
            payload = bytes(data[at + head:at + head + size])
            at += head + size
            if data[at - head - size] == 0x80 | CLOSE:
                assert at == len(data), "something after the close frame"
                self.close_code = int.from_bytes(payload, "big")
            else:
                frames += frames_of(data[at - head - size], payload)
        del data[:at]
        return frames


def frames_of(first, payload):
    """The goim frames in one binary message."""
    assert first == 0x80 | BINARY, f"not a binary message: {first:#x} {payload[:64]!r}"
    pack, header, ver, op, seq = HEADER.unpack_from(payload)
    assert pack == len(payload) and header == HEADER.size, (pack, header, len(payload))
    body = payload[HEADER.size:]
    if op != goim.RAW or not body:
        return [Frame(op, seq, body, ver)]
    assert (ver, seq) == (1, 0), (ver, seq)
    inner = bytearray(body)
    frames = goim.take_frames(inner)
    assert not inner, f"{len(inner)} bytes too many in op 9"
    return frames
