"""goim v1's clients: on TCP, on WebSocket with binary frames or with JSON text, and in long polls. With
`tls`, as Stream has it, they are those of the listeners inside TLS."""

import json
import urllib.parse

import goim
from goim import Frame, TcpClient
from stream import Stream
from websocket import BINARY, TEXT, WsClient

V1 = ("--listen.v1_tcp", "127.0.0.1:0", "--listen.v1_ws", "127.0.0.1:0")
V1_TLS = ("--listen.v1_tcp_tls", "127.0.0.1:0", "--listen.v1_wss", "127.0.0.1:0")
SEND_SMS, SEND_SMS_REPLY = 4, 5
TEST, TEST_REPLY = 254, 255
COME_ON = b'{"test":"come on"}'


def v1_pushed(body):
    """A push as the client sees it, whatever its op."""
    return Frame(SEND_SMS_REPLY, 0, body, 1)


class V1Client(TcpClient):
    def __init__(self, gateway, tls=None):
        super().__init__(gateway.address("v1_tcp_tls") if tls else gateway.v1_tcp, tls=tls)

    def log_in(self, token):
        answer = self.call(goim.AUTH, 1, token.encode())
        assert answer == Frame(goim.AUTH_REPLY, 1, b"", 1), answer
        return self


def web_address(gateway, tls):
    return gateway.address("v1_wss") if tls else gateway.v1_ws


class V1WsClient(WsClient):
    """Binary frames, of which a message may hold several, without anything around them."""

    def __init__(self, gateway, tls=None):
        super().__init__(web_address(gateway, tls), tls=tls)

    log_in = V1Client.log_in

    def receive_message(self):
        first, payload = self.read_ws()
        assert first == 0x80 | BINARY, (first, payload)
        inner = bytearray(payload)
        frames = goim.take_frames(inner)
        assert frames and not inner, payload
        return frames

    def receive(self):
        while not self.frames:
            self.frames = self.receive_message()
        return self.frames.pop(0)


class V1JsonClient(WsClient):
    """JSON text; `array`: whether each message is one."""

    def __init__(self, gateway, array=True, tls=None):
        super().__init__(web_address(gateway, tls), tls=tls)
        self.array = array

    def receive_text(self):
        first, payload = self.read_ws()
        assert first == 0x80 | TEXT, (first, payload)
        return payload.decode()

    def receive_all(self):
        """The objects of the next message."""
        message = json.loads(self.receive_text())
        assert isinstance(message, list) == self.array, message
        return message if self.array else [message]

    def call(self, op, seq=0, body=None, ver=1):
        """Sends one object and returns the next that comes."""
        self.send_message(json.dumps(
            {"ver": ver, "op": op, "seq": seq, "body": {} if body is None else body}).encode(), TEXT)
        answer, = self.receive_all()
        return answer

    def log_in(self, token):
        answer = self.call(goim.AUTH, 1, token)
        assert answer == {"ver": 1, "op": goim.AUTH_REPLY, "seq": 1, "body": {}}, answer
        return self


def poll_request(token, method="GET", path="/sub", query="", **headers):
    """A long poll's request. Headers by keyword, `_` for `-`."""
    lines = {"Host": "127.0.0.1", **headers}
    target = f"{path}?ver=1&op=7&seq=1&t={urllib.parse.quote(token, safe='')}{query}"
    return (f"{method} {target} HTTP/1.1\r\n" +
            "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items()) +
            "\r\n").encode()


class Poll(Stream):
    """A long poll. `callback`: the response is a script."""

    def __init__(self, gateway, token, callback="", tls=None, **options):
        super().__init__(web_address(gateway, tls), tls=tls, **options)
        self.callback = callback
        self.send(poll_request(token, query=f"&cb={callback}" if callback else ""))

    def answer(self):
        """The one message of the one response, which must have the length that it says."""
        head, _, body = self.read_all().partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n"), (head, body)
        kind = b"text/javascript; charset=utf-8" if self.callback else b"application/json"
        assert b"\r\nContent-Type: %s\r\n" % kind in head, head
        assert head.endswith(b"\r\nContent-Length: %d" % len(body)), (head, len(body))
        before = f"{self.callback}=" if self.callback else ""
        assert body.decode().startswith(before), body
        return json.loads(body.decode()[len(before):])

    def status(self):
        """(status, body) of a response without a message."""
        head, _, body = self.read_all().partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), body


def polled(body):
    return {"ver": 1, "op": SEND_SMS_REPLY, "seq": 0, "body": body}
