"""The push port (proto/README.md), with the little of protobuf it needs written by hand, so that
the wire is checked by something that shares no code with the product."""

import collections
import struct

from stream import Stream

HELLO, PUSH_KEYS, PUSH_MIDS, PUSH_ROOMS, PUSH_ALL = 2, 3, 4, 5, 6
KICK_KEYS, KICK_MIDS, ROOMS, ONLINE, STATUS = 7, 8, 9, 10, 11

OK, INVALID_ARGUMENT, UNIMPLEMENTED, UNAUTHENTICATED = 0, 3, 12, 16

OFFLINE, NOT_WATCHING, QUEUE_FULL = 1, 2, 3

SHARD_FIELDS = {
    1: "shard", 2: "connections", 3: "channels", 4: "rooms", 5: "push_connections", 6: "accepted",
    7: "logins", 8: "moved_in", 9: "moved_out", 10: "accept_errors", 11: "stale_completions",
    12: "bytes_received", 13: "turns", 14: "cpu_ns", 15: "buffer_bytes",
    23: "addresses", 28: "addresses_without_place"}
BOOKS_FIELDS = {1: "pushed", 2: "appended", 3: "expected", 4: "delivered", 6: "pending",
                7: "refused", 8: "filtered", 9: "log_bytes", 10: "queue_bytes"}
TLS_FIELDS = {8: "handshakes", 9: "resumed", 10: "failures"}
PUSH_FIELDS = {1: "requests", 2: "invalid", 3: "unauthorized"}

Pushed = collections.namedtuple("Pushed", "taken refused sequence deliveries")


# --- protobuf's wire format

def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number_field(field, value):
    return varint(field << 3) + varint(value) if value else b""


def bytes_field(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def parse(data):
    """Field number -> its values, in order: numbers and bytes, which are all that is in use."""
    fields = collections.defaultdict(list)
    at = 0
    while at < len(data):
        tag, at = read_varint(data, at)
        if tag & 7 == 0:
            value, at = read_varint(data, at)
        else:
            assert tag & 7 == 2, f"unexpected wire type in {data!r}"
            size, at = read_varint(data, at)
            value = data[at:at + size]
            assert len(value) == size
            at += size
        fields[tag >> 3].append(value)
    return fields


def packed(values):
    """A repeated number, packed or not."""
    numbers = []
    for value in values:
        at = 0
        if isinstance(value, int):
            numbers.append(value)
            continue
        while at < len(value):
            number, at = read_varint(value, at)
            numbers.append(number)
    return numbers


# --- requests

def message(body, op, batch, confirm_ms=0):
    body = body.encode() if isinstance(body, str) else body
    return (number_field(1, op) + (bytes_field(2, body) if body else b"") + number_field(3, batch) +
            number_field(4, confirm_ms))


def push_keys(keys, body, op=1000, batch=False, confirm_ms=0):
    call = b"".join(bytes_field(1, key) for key in keys) + bytes_field(2, message(body, op, batch, confirm_ms))
    return bytes_field(PUSH_KEYS, call)


def push_mids(mids, body, op=1000, batch=False, confirm_ms=0):
    call = (bytes_field(1, b"".join(varint(mid) for mid in mids)) +
            bytes_field(2, message(body, op, batch, confirm_ms)))
    return bytes_field(PUSH_MIDS, call)


def push_rooms(rooms, body, op=1000, batch=False, confirm_ms=0):
    call = (b"".join(bytes_field(1, room) for room in rooms) +
            bytes_field(2, message(body, op, batch, confirm_ms)))
    return bytes_field(PUSH_ROOMS, call)


def push_all(body, op=1000, batch=False, confirm_ms=0, pace=0):
    return bytes_field(PUSH_ALL, bytes_field(1, message(body, op, batch, confirm_ms)) + number_field(2, pace))


def framed(request_id, call):
    payload = number_field(1, request_id) + call
    return struct.pack(">I", len(payload)) + payload


# --- replies

class Reply:
    def __init__(self, payload):
        fields = parse(payload)
        self.id = fields.get(1, [0])[0]
        self.code = fields.get(2, [OK])[0]
        self.error = fields.get(3, [b""])[0].decode()
        self.results = {number - 4: parse(fields[number][0])
                        for number in range(4, 9) if number in fields}

    def pushed(self):
        assert self.code == OK, self.error
        fields = self.results[1]
        refused = {}
        for entry in fields[2]:
            each = parse(entry)
            refused[each.get(1, [0])[0]] = each[2][0]
        deliveries = None
        if fields[4]:
            counts = parse(fields[4][0])
            deliveries = tuple(counts.get(number, [0])[0] for number in (1, 2, 3))
        return Pushed(fields.get(1, [0])[0], refused, packed(fields[3]), deliveries)


def named_counts(values):
    return {each[1][0].decode(): each.get(2, [0])[0] for each in map(parse, values)}


def numbers(fields, names):
    return {name: fields.get(number, [0])[0] for number, name in names.items()}


class Shard:
    """One shard's figures; `total` sums them."""

    def __init__(self, payload):
        fields = parse(payload)
        books = parse(fields.get(16, [b""])[0])
        self.figures = numbers(fields, SHARD_FIELDS)
        self.books = numbers(books, BOOKS_FIELDS)
        self.skipped = named_counts(books[5])
        self.closed = named_counts(fields[17])
        self.push = numbers(parse(fields.get(19, [b""])[0]), PUSH_FIELDS)
        self.refused_logins = named_counts(fields.get(21, []))
        self.memory_stage = fields[20][0].decode()
        ring = parse(fields.get(18, [b""])[0])
        self.ring = ring.get(7, [b""])[0].decode()
        self.tls = numbers(ring, TLS_FIELDS)

    def identity_holds(self):
        books = self.books
        return books["expected"] == (books["delivered"] + sum(self.skipped.values()) +
                                     books["pending"])


def summed(dictionaries):
    total = collections.Counter()
    for each in dictionaries:
        total.update(each)
    return total


class Node:
    """The figures of all shards, and each alone."""

    def __init__(self, shards):
        self.shards = shards
        self.figures = summed(each.figures for each in shards)
        self.books = summed(each.books for each in shards)
        self.skipped = summed(each.skipped for each in shards)
        self.closed = summed(each.closed for each in shards)
        self.refused_logins = summed(each.refused_logins for each in shards)
        self.push = summed(each.push for each in shards)
        self.tls = summed(each.tls for each in shards)
        self.stages = {each.memory_stage for each in shards}

    def __getattr__(self, name):
        return self.figures[name]

    def at_rest(self):
        """Nothing is pending and the books of every shard balance."""
        return self.books["pending"] == 0 and all(each.identity_holds() for each in self.shards)


class Pusher(Stream):
    """One connection to the push port."""

    def __init__(self, gateway_or_address, **options):
        super().__init__(getattr(gateway_or_address, "push", gateway_or_address), **options)
        self.last_id = 0

    def submit(self, call):
        """Sends a request and does not wait; its id."""
        self.last_id += 1
        self.send(framed(self.last_id, call))
        return self.last_id

    def receive(self):
        return Reply(self.read(struct.unpack(">I", self.read(4))[0]))

    def call(self, call):
        wanted = self.submit(call)
        reply = self.receive()
        assert reply.id == wanted, (reply.id, wanted, reply.error)
        return reply

    def hello(self, secret=b""):
        return self.call(bytes_field(HELLO, bytes_field(1, secret)))

    def push_keys(self, keys, body, **options):
        return self.call(push_keys(keys, body, **options)).pushed()

    def push_mids(self, mids, body, **options):
        return self.call(push_mids(mids, body, **options)).pushed()

    def push_rooms(self, rooms, body, **options):
        return self.call(push_rooms(rooms, body, **options)).pushed()

    def push_all(self, body, **options):
        return self.call(push_all(body, **options)).pushed()

    def kick_keys(self, *keys):
        call = b"".join(bytes_field(1, key) for key in keys)
        return self.call(bytes_field(KICK_KEYS, call)).pushed()

    def kick_mids(self, *mids):
        call = bytes_field(1, b"".join(varint(mid) for mid in mids))
        return self.call(bytes_field(KICK_MIDS, call)).pushed()

    def rooms(self, prefix=b"", limit=0):
        """({room: members}, how many there are)."""
        call = (bytes_field(1, prefix) if prefix else b"") + number_field(2, limit)
        fields = self.call(bytes_field(ROOMS, call)).results[2]
        listed = {each[1][0].decode(): each.get(2, [0])[0] for each in map(parse, fields[1])}
        return listed, fields.get(2, [0])[0]

    def online(self, *keys):
        """Those of the keys that are logged in."""
        call = b"".join(bytes_field(1, key) for key in keys)
        fields = self.call(bytes_field(ONLINE, call)).results[3]
        return [keys[index] for index in packed(fields[1])]

    def status(self):
        fields = self.call(bytes_field(STATUS, b"")).results[4]
        return Node([Shard(each) for each in fields[1]])
