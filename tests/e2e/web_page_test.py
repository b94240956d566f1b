#!/usr/bin/env python3
"""The page that the gateway serves, at work in Chromium."""

import tempfile
import unittest

import chromium
import harness
from certificates import Authority
from harness import Gateway, GatewayTest, wait_until
from push_port import Pusher

STATE = "document.getElementById('state').textContent"
PROBLEM = "document.getElementById('problem').textContent"
TEXTS = "[...document.querySelectorAll('li .text')].map((each) => each.firstChild.data)"


class InChromium(GatewayTest):
    @classmethod
    def setUpClass(cls):
        chromium.find()
        super().setUpClass()

    def setUp(self):
        self.pusher = self.keep(Pusher(self.gateway))

    def open(self, path="/"):
        return self.keep(chromium.Page("http://localhost:%d%s" % (self.gateway.ws[1], path)))

    def test_the_page(self):
        page = self.open()
        self.assertEqual(page.evaluate(STATE), "closed")
        page.evaluate("document.querySelector('[name=mid]').value = '9007199254740993'; "
                      "document.getElementById('connect').click()")
        page.wait_for(f"{STATE} === 'online'")
        page.wait_for("document.getElementById('online').textContent === '1'")
        self.assertEqual(self.pusher.push_rooms(["live://1"], "to the <b>room</b>").taken, 1)
        self.assertEqual(self.pusher.push_mids([9007199254740993], "naïve ✓").taken, 1)
        self.assertEqual(self.pusher.push_all(b"\xff\x00").taken, 1)
        page.wait_for(f"{TEXTS}.length === 3")
        self.assertEqual(page.evaluate(TEXTS), ["ff 00", "naïve ✓", "to the <b>room</b>"])
        # Another room and another op, on the connection that is there.
        page.evaluate("document.querySelector('[name=room]').value = 'live://2'; "
                      "document.querySelector('[name=ops]').value = '1001'; "
                      "document.getElementById('connect').click()")
        wait_until(lambda: self.pusher.rooms("live://")[0] == {"live://2": 1}, "the other room")
        wait_until(lambda: self.pusher.push_all("1001", op=1001).taken == 1, "the other op")
        page.evaluate("document.querySelector('[name=text]').value = 'up'; "
                      "document.querySelector('#send button').click()")
        page.wait_for("document.querySelector('li.sent .note')?.textContent.includes('replied after')")
        self.assertEqual(page.complaints(), [])
        self.pusher.kick_mids(9007199254740993)
        page.wait_for(f"{STATE} === 'closed'")
        self.assertIn("Closed with code 3003. Not trying again.", page.evaluate(PROBLEM))

    def test_a_query_fills_in_the_form_and_connects(self):
        page = self.open("/?room=live://q&ops=7000,%207001&key=from-a-link&connect=x")
        page.wait_for(f"{STATE} === 'online'")
        self.assertEqual(self.pusher.push_keys(["from-a-link"], "x", op=7001).taken, 1)
        self.assertEqual(self.pusher.rooms("live://q")[0], {"live://q": 1})
        page.wait_for(f"{TEXTS}.length === 1")
        self.assertEqual(page.complaints(), [])

    def test_the_module(self):
        page = self.open()
        page.evaluate("""(async () => {
          const {HalleyClient} = await import("/halley.js");
          window.pushes = [];
          window.client = new HalleyClient(`ws://${location.host}/sub`,
                                           {key: "m", mid: 4, room: "live://m", accepts: [1000]});
          client.on("push", ({op, body, text}) => pushes.push([op, body.length, text().slice(0, 9)]));
          await client.connect();
          await client.joinRoom("live://n");
          await client.watch([1001]);
          await client.send(5000, "up");
        })()""")
        self.assertEqual(self.pusher.push_keys(["m"], "key").taken, 1)
        self.assertEqual(self.pusher.push_mids([4], "mid", op=1001).taken, 1)
        self.assertEqual(self.pusher.push_rooms(["live://n"], "x" * 200_000, op=3000).taken, 1)
        self.assertEqual(self.pusher.push_all("✓").taken, 1)
        page.wait_for("pushes.length === 4")
        self.assertEqual(page.evaluate("pushes.sort((a, b) => a[1] - b[1] || a[0] - b[0])"), [
            [1000, 3, "key"], [1000, 3, "✓"], [1001, 3, "mid"], [3000, 200_000, "x" * 9]])
        self.assertEqual(page.complaints(), [])


class CompressingChromium(InChromium):
    """Every push to a room or to all comes compressed."""

    flags = ("--websocket.deflate_bytes", "1")


class OverTls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        chromium.find()
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name, "root")
        cls.authority.issue("site", "localhost")
        cls.gateway = Gateway(
            "--wss", "127.0.0.1:0", "--tls-certificates", cls.authority.file("site"),
            "--tls-keys", cls.authority.file("site", "key"))
        cls.addClassCleanup(cls.gateway.stop)
        cls.address = cls.gateway.address("wss")

    def test_the_page(self):
        page = chromium.Page("https://localhost:%d/?room=live://tls" % self.address[1],
                             "--ignore-certificate-errors")
        self.addCleanup(page.close)
        page.wait_for(f"{STATE} === 'online'")
        pusher = Pusher(self.gateway)
        self.addCleanup(pusher.close)
        self.assertEqual(pusher.push_rooms(["live://tls"], "secret").taken, 1)
        page.wait_for(f"{TEXTS}[0] === 'secret'")
        self.assertEqual(page.complaints(), [])


class RestartedUnderAPage(unittest.TestCase):
    def test_the_page_comes_back(self):
        chromium.find()
        gateway = Gateway()
        self.addCleanup(gateway.stop)
        page = chromium.Page("http://localhost:%d/?room=live://back" % gateway.ws[1])
        self.addCleanup(page.close)
        page.wait_for(f"{STATE} === 'online'")
        gateway.stop()
        page.wait_for(f"{PROBLEM}.includes('Trying again in')")
        with Gateway("--ws", "%s:%d" % gateway.ws) as again:
            page.wait_for(f"{STATE} === 'online'")
            self.assertEqual(page.evaluate("document.getElementById('reconnects').textContent"), "1")
            pusher = Pusher(again)
            self.addCleanup(pusher.close)
            self.assertEqual(pusher.push_rooms(["live://back"], "again").taken, 1)
            page.wait_for(f"{TEXTS}[0] === 'again'")


if __name__ == "__main__":
    harness.main()
