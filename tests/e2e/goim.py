"""goim's frame (proto/README.md 2.1), its ops, and a TCP client that can be driven byte by byte."""

import collections
import json
import struct

from stream import Stream

HEARTBEAT, HEARTBEAT_REPLY = 2, 3
AUTH, AUTH_REPLY = 7, 8
RAW = 9
CHANGE_ROOM, CHANGE_ROOM_REPLY = 12, 13
SUB, SUB_REPLY = 14, 15
UNSUB, UNSUB_REPLY = 16, 17
REFRESH, REFRESH_REPLY = 18, 19

HEADER = struct.Struct(">ihhii")

Frame = collections.namedtuple("Frame", "op seq body ver")


def frame(op, seq=0, body=b"", ver=1):
    return HEADER.pack(HEADER.size + len(body), HEADER.size, ver, op, seq) + body


def token(**fields):
    return json.dumps(fields).encode()


def login_frame(seq=1, ver=1, **fields):
    return frame(AUTH, seq, token(**fields), ver)


def pushed(body, op=1000):
    """A push as the client sees it."""
    return Frame(op, 0, body, 1)


def take_frames(data):
    """Takes the whole frames off the front of a bytearray. A frame that cannot be is a failure."""
    frames = []
    at = 0
    while len(data) - at >= HEADER.size:
        pack, header, ver, op, seq = HEADER.unpack_from(data, at)
        assert header == HEADER.size and pack >= HEADER.size, \
            f"torn stream: {bytes(data[at:at + 32])!r}"
        if len(data) - at < pack:
            break
        frames.append(Frame(op, seq, bytes(data[at + HEADER.size:at + pack]), ver))
        at += pack
    del data[:at]
    return frames


class TcpClient(Stream):
    """Speaks goim's TCP protocol."""

    def receive(self):
        """The next frame."""
        pack, header, ver, op, seq = HEADER.unpack(self.read(HEADER.size))
        assert header == HEADER.size and pack >= HEADER.size, (pack, header, op)
        return Frame(op, seq, self.read(pack - HEADER.size), ver)

    def send_frame(self, *arguments, **fields):
        self.send(frame(*arguments, **fields))

    def login(self, **fields):
        """Logs in; fields are the token's."""
        self.send(login_frame(**fields))
        answer = self.receive()
        assert answer == Frame(AUTH_REPLY, 1, b"", 1), answer
        return self

    def call(self, op, seq=0, body=b"", ver=1):
        """Sends one frame and returns the next that comes."""
        self.send_frame(op, seq, body, ver)
        return self.receive()

    def online(self):
        """The online count that a heartbeat is answered with."""
        answer = self.call(HEARTBEAT, 77)
        assert answer[:2] == (HEARTBEAT_REPLY, 77) and len(answer.body) == 4, answer
        return int.from_bytes(answer.body, "big")

    def take(self):
        """The whole frames that have been pumped."""
        return take_frames(self.unread)
