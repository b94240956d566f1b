"""A client of server-sent events, with control over every byte of its request."""

import json
import urllib.parse

from stream import Stream

HEAD = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
        b"X-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n")
HEARTBEAT = b":\n\n"


def request(path="/sse", token=None, method="GET", **headers):
    """Headers by keyword, `_` for `-`."""
    if token is not None:
        path += "?token=" + urllib.parse.quote(json.dumps(token), safe="")
    lines = {"Host": "127.0.0.1", **headers}
    return (f"{method} {path} HTTP/1.1\r\n" +
            "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items()) +
            "\r\n").encode()


def push(op, body):
    text = json.dumps({"op": op, "body": body}, separators=(",", ":"), ensure_ascii=False)
    return f"event: push\ndata: {text}\n\n".encode()


def close(code, reason, retry=False):
    return (b"retry: 5000\n" if retry else b"") + \
        f'event: close\ndata: {{"code":{code},"reason":"{reason}"}}\n\n'.encode()


class EventStream(Stream):
    def log_in(self, **token):
        self.send(request(token={"mid": 123, "accepts": [1000], **token}))
        self.expect(HEAD)
        return self

    def expect(self, wanted):
        answer = self.read(len(wanted))
        assert answer == wanted, (answer, wanted)
