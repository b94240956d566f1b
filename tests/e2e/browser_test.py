#!/usr/bin/env python3
"""A browser: goim's JavaScript client and EventSource in headless Chromium, with pushes from outside."""

import http.server
import json
import pathlib
import threading

import chromium
import goim
import harness
from harness import GatewayTest, wait_until
from push_port import Pusher

FOLDER = pathlib.Path(__file__).parent
FILES = {"/": ("browser_page.html", "text/html"),
         "/events": ("events_page.html", "text/html"),
         "/goim_client.js": ("goim_client.js", "text/javascript")}
class Pages(http.server.BaseHTTPRequestHandler):
    """Serves the page and keeps what it tells."""

    def do_GET(self):
        name, kind = FILES.get(self.path.partition("?")[0], (None, "text/plain"))
        self.send_response(200 if name else 404)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.end_headers()
        self.wfile.write((FOLDER / name).read_bytes() if name else b"")

    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.told.append(told)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Browser(GatewayTest):
    extensions = ""

    @classmethod
    def setUpClass(cls):
        chromium.find()
        super().setUpClass()

    def open_page(self, path="/"):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        server.told = []
        self.addCleanup(server.server_close)
        self.browser = self.keep(chromium.Process(
            "http://127.0.0.1:%d%s?gateway=%s:%d" % (server.server_port, path, *self.gateway.ws)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        return server.told

    def wait_for(self, told, *wanted):
        """Until the page has told all of it; each may come anywhere."""
        def all_there():
            self.browser.check()
            return all(each in told for each in wanted)
        try:
            wait_until(all_there, "the page", chromium.BROWSER_DEADLINE_S)
        except AssertionError:
            print("the page told:", told)
            raise

    def test_goims_javascript_client(self):
        told = self.open_page()
        self.wait_for(told, {"what": "open", "extensions": self.extensions, "protocol": ""},
                      {"what": "auth", "ver": 1, "seq": 1, "bytes": 16},
                      {"what": "heartbeat", "online": 1})
        pusher = self.keep(Pusher(self.gateway))
        self.assertEqual(pusher.rooms("live://"), ({"live://1000": 1}, 1))
        pushes = (("room", 5, lambda text: pusher.push_rooms(["live://1000"], text, op=5)),
                  ("mid", 1001, lambda text: pusher.push_mids([123], text, op=1001)),
                  ("all", 1002, lambda text: pusher.push_all(text, op=1002)))
        for name, op, push in pushes:
            text = f"to the {name}: naïve ✓"
            self.assertEqual(push(text).taken, 1)
            self.wait_for(told, {"what": "push", "op": op, "ver": 1, "body": text})
        batch = (goim.frame(1000, 0, b"one") + goim.frame(1001, 0) +
                 goim.frame(1002, 0, b"x" * 70000))
        pusher.push_rooms(["live://1000"], batch, batch=True)
        self.wait_for(told, {"what": "push", "op": 1000, "ver": 1, "body": "one"},
                      {"what": "push", "op": 1001, "ver": 1, "body": ""},
                      {"what": "push", "op": 1002, "ver": 1, "body": "x" * 70000})
        # Another member: the page's next heartbeats say so.
        self.keep(goim.TcpClient(self.gateway.tcp)).login(room_id="live://1000")
        self.wait_for(told, {"what": "heartbeat", "online": 2})
        pusher.kick_mids(123)
        self.wait_for(told, {"what": "close", "code": 3003, "clean": True})


    def test_event_source(self):
        told = self.open_page("/events")
        self.wait_for(told, {"what": "open"})
        pusher = self.keep(Pusher(self.gateway))
        for text in ("to the room: naïve ✓", "two\nlines", "x" * 70000):
            self.assertEqual(pusher.push_rooms(["live://1000"], text).taken, 1)
            self.wait_for(told, {"what": "push", "op": 1000, "body": text})
        pusher.kick_mids(123)
        self.wait_for(told, {"what": "close", "code": 3003, "reason": "kicked"})


class CompressingBrowser(Browser):
    """Every push to a room or to all comes compressed."""

    flags = ("--websocket.deflate_bytes", "1")
    extensions = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


if __name__ == "__main__":
    harness.main()
