"""A client's socket: bytes out, exactly counted bytes in, every wait bounded."""

import contextlib
import select
import socket
import ssl
import struct
import time

from harness import DEADLINE_S


class Ended(Exception):
    """The peer ended the stream, or reset it."""


class Stream:
    """`receive_buffer_bytes`: how much the kernel holds for us while we do not read.
    `tls`: an ssl.SSLContext, and the name to ask for. `source`: the host's address to connect from."""

    def __init__(self, address, receive_buffer_bytes=None, tls=None, source=None):
        self.socket = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        if receive_buffer_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.settimeout(DEADLINE_S)
        if source:
            self.socket.bind((source, 0))
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.before(self.socket)
        if tls:
            context, name = tls
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        self.unread = bytearray()
        self.ended = False
        self.sent_bytes = 0

    def before(self, sock):
        """What goes before anything else, plain."""

    def fileno(self):
        return self.socket.fileno()

    def send(self, data):
        self.socket.sendall(data)
        self.sent_bytes += len(data)

    def send_bytewise(self, data):
        """Each byte in a segment of its own."""
        for byte in data:
            self.send(bytes([byte]))

    def _receive(self):
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionError as error:
            self.ended = True
            raise Ended(error) from None
        if not data:
            self.ended = True
            raise Ended("end of stream")
        self.unread += data

    def pump(self):
        """Takes what has arrived, without waiting. False: the stream has ended."""
        self.socket.setblocking(False)
        try:
            while not self.ended:
                self._receive()
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        except Ended:
            pass
        finally:
            self.socket.settimeout(DEADLINE_S)
        return not self.ended

    def read(self, count):
        """Exactly `count` bytes."""
        while len(self.unread) < count:
            self._receive()
        data = bytes(self.unread[:count])
        del self.unread[:count]
        return data

    def read_until(self, mark):
        while mark not in self.unread:
            self._receive()
        return self.read(self.unread.index(mark) + len(mark))

    def drain(self):
        """Waits for the end of the stream; what came before it is unread."""
        try:
            while not self.ended:
                self._receive()
        except Ended:
            pass

    def read_all(self):
        """Everything up to the end of the stream."""
        self.drain()
        data = bytes(self.unread)
        self.unread.clear()
        return data

    def end(self):
        """Nothing more will be sent."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Vanishes: the peer gets RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


def pump_all(streams, enough, what, deadline_s=DEADLINE_S):
    """Reads from all streams as bytes come, until `enough()`."""
    end = time.monotonic() + deadline_s
    poll = select.epoll()
    open_streams = {stream.fileno(): stream for stream in streams if not stream.ended}
    with poll:
        for number in open_streams:
            poll.register(number, select.EPOLLIN)
        while not enough():
            if time.monotonic() > end:
                raise AssertionError(f"waited {deadline_s} s for {what}")
            for number, _ in poll.poll(0.05):
                if not open_streams[number].pump():
                    poll.unregister(number)
