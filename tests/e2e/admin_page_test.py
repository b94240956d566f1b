#!/usr/bin/env python3
"""The operator's page on the admin port, at work in Chromium."""

import http.client
import itertools
import json
import time
import unittest

import chromium
import harness
from goim import TcpClient
from harness import Gateway, GatewayTest, OwnGatewayTest, wait_until
from push_port import Pusher

harness.need_admin()

STATE = "document.getElementById('state').textContent"
CLIENT = "document.getElementById('client-state').textContent"
RESULT = "document.getElementById('push-result').textContent"
PROBLEM = "document.getElementById('client-problem').textContent"
TROUBLE = "document.getElementById('trouble')"
TEXTS = "[...document.querySelectorAll('#log .text')].map((each) => each.textContent)"
ROOMS = "[...document.querySelectorAll('#rooms tbody tr')].map((row) => [...row.cells].map((each) => each.textContent))"
# The least contrast that WCAG 2 wants of text, and of what else must be seen (1.4.3, 1.4.11).
CONTRAST = """(() => {
  const probe = document.createElement("canvas").getContext("2d");
  const light = (color) => {
    probe.fillStyle = color;
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(probe.fillStyle.slice(at, at + 2), 16) / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const style = getComputedStyle(document.documentElement);
  const value = (name) => light(style.getPropertyValue(name).trim());
  const ratio = (a, b) => Math.max(value(a), value(b)) / Math.min(value(a), value(b));
  const low = [];
  for (const back of ["--page", "--card", "--field"]) {
    for (const text of ["--text", "--dim", "--accent", "--bad", "--wait"]) {
      if (ratio(text, back) < 4.5) low.push([text, back, ratio(text, back)]);
    }
    for (const line of ["--blue", "--green", "--red", "--violet", "--rose", "--good"]) {
      if (ratio(line, back) < 3) low.push([line, back, ratio(line, back)]);
    }
  }
  if (ratio("--on-accent", "--accent") < 4.5) low.push(["--on-accent", ratio("--on-accent", "--accent")]);
  return low;
})()"""


def get(address, target, **headers):
    connection = http.client.HTTPConnection(*address, timeout=harness.DEADLINE_S)
    connection.request("GET", target, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, answer.headers, body


class AdminPage:
    """The page of a gateway, and what it loads."""

    def __init__(self, gateway):
        self.origin = "http://127.0.0.1:%d" % gateway.admin[1]
        self.page = chromium.Page("about:blank")
        self.page.call("Network.enable")
        self.page.call("Page.navigate", url=self.origin + "/")
        self.page.wait_for(f"location.href.startsWith('{self.origin}') && document.readyState === 'complete'",
                           chromium.BROWSER_DEADLINE_S)
        self.evaluate, self.wait_for, self.close = self.page.evaluate, self.page.wait_for, self.page.close

    def wait_for_state(self, state):
        self.wait_for(f"{STATE} === '{state}'")

    def fill(self, form, **fields):
        for name, value in fields.items():
            self.evaluate(f"(() => {{ const field = document.getElementById('{form}').elements.{name}; "
                          f"field.value = {json.dumps(value)}; "
                          "field.dispatchEvent(new Event('change', {bubbles: true})); })()")

    def press(self, selector):
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def connect(self, **fields):
        self.fill("client", **fields)
        self.press("#connect")
        self.wait_for(f"{CLIENT} === 'online'")

    def push(self, **fields):
        """What the page says became of it."""
        self.fill("push", **fields)
        self.evaluate("document.getElementById('push-result').textContent = ''")
        self.press("#push button")
        return self.wait_for(RESULT)

    def urls(self):
        """Whatever was asked for, sockets included."""
        self.evaluate("0")
        return {event["params"].get("url") or event["params"]["request"]["url"] for event in self.page.events
                if event["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated")}

    def complaints(self):
        """Errors of the console, and what the page itself wrote there."""
        return self.page.complaints() + [
            event for event in self.page.events if event["method"] == "Runtime.consoleAPICalled"]

    def media(self, dark=False, width=1280, height=900):
        self.page.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                       mobile=width < 600)
        self.page.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])


class OnePage(GatewayTest):
    @classmethod
    def setUpClass(cls):
        chromium.find()
        super().setUpClass()

    def setUp(self):
        self.page = self.keep(AdminPage(self.gateway))
        self.page.wait_for_state("Serving")

    def tearDown(self):
        # A push that the node refuses is noted by the browser itself.
        self.assertEqual([event for event in self.page.complaints()
                          if "status of 400" not in json.dumps(event)], [])
        sockets = "ws://127.0.0.1:%d/" % self.gateway.ws[1]
        for url in self.page.urls():
            self.assertTrue(url.startswith((self.page.origin + "/", sockets, "data:", "about:")), url)

    def login(self, **fields):
        return self.keep(TcpClient(self.gateway.tcp)).login(**fields)

    def test_charts_move_under_pushes(self):
        now = "document.querySelector('#chart-%s .now').textContent"
        self.page.wait_for((now % "deliveries") + " === '0'")
        self.assertEqual(self.page.evaluate((now % "connections")), "0")
        clients = [self.login(room_id="live://charts", accepts=[1000]) for _ in range(3)]
        self.page.wait_for((now % "connections") + " === '3'")
        self.page.wait_for("document.getElementById('channels').textContent === '3'")
        with self.subTest("deliveries"):
            pusher = self.keep(Pusher(self.gateway))
            flat = "document.querySelector('#chart-deliveries .line').getBBox().height"
            def pushed():
                pusher.push_rooms(["live://charts"], "x")
                return float(self.page.evaluate(now % "deliveries").replace(",", "")) > 0
            wait_until(pushed, "deliveries in the chart", pause_s=0.05)
            self.assertGreater(self.page.evaluate(flat), 10)
        with self.subTest("latency"):
            def timed():
                pusher.push_rooms(["live://charts"], "x")
                return self.page.evaluate("/^p50 [\\d.]+ (µs|ms|s) · p99 [\\d.]+ (µs|ms|s)$/.test(" +
                                          now % "latency" + ")")
            wait_until(timed, "times in the chart", pause_s=0.05)
            self.assertEqual(self.page.evaluate("['latency', 'cpu'].map((name) => "
                                                "document.getElementById('chart-' + name).hidden)"), [False, True])
        # Side by side: each shard's own, which add up.
        cells = "[...document.querySelectorAll('#shards tbody tr')].map((row) => Number(row.cells[1].textContent))"
        self.assertEqual(sum(self.page.evaluate(cells)), 3)
        self.assertEqual(len(self.page.evaluate(cells)), 2)
        label = self.page.evaluate("document.querySelector('#chart-connections svg').getAttribute('aria-label')")
        self.assertRegex(label, r"^Connections, the last two minutes: now 3, at most \d+$")
        clients.pop().close()
        closed = "[...document.querySelectorAll('#closed tbody tr')].map((row) => row.cells[0].textContent)"
        self.page.wait_for(f"{closed}.some((reason) => reason.startsWith('peer '))")

    def test_the_largest_rooms_come_first(self):
        for room, members in (("top://b", 2), ("top://a", 1), ("top://c", 3)):
            for _ in range(members):
                self.login(room_id=room)
        self.page.wait_for(f"{ROOMS}.length === 3")
        self.page.wait_for(f"{ROOMS}[0][1] === '3'")
        self.assertEqual(self.page.evaluate(ROOMS), [["top://c", "3"], ["top://b", "2"], ["top://a", "1"]])
        self.page.press("#rooms tbody tr:nth-child(2) button")
        self.assertEqual(self.page.evaluate("document.getElementById('push').elements.target.value"), "top://b")

    def test_what_is_pushed_is_received(self):
        self.page.connect(room="live://try", key="try-key", mid="9007199254740993", ops="1000, 1001")
        taken = "Taken by 1 client: 1 delivered, told after "
        self.assertIn(taken, self.page.push(kind="room", target="live://try", text="to the room"))
        self.assertIn(taken, self.page.push(kind="key", target="try-key", text="to the key: naïve ✓", op="1001"))
        self.assertIn(taken, self.page.push(kind="mid", target="9007199254740993", text="to the user"))
        self.page.wait_for(f"{TEXTS}.length === 3")
        self.assertEqual(self.page.evaluate(TEXTS), ["to the user", "to the key: naïve ✓", "to the room"])
        self.assertRegex(self.page.evaluate("document.querySelector('#log .note').textContent"),
                         r"^\d+\.\d ms after Push$")
        self.assertEqual(self.page.push(kind="key", target="nobody", text="x"),
                         "Nobody took it: key nobody is not here.")
        self.assertEqual(self.page.push(kind="mid", target="9007199254740993", text="x", op="77"),
                         "Nobody took it: user (mid) 9007199254740993 does not watch the op.")
        self.assertIn("Not pushed: ", self.page.push(kind="room", target="live://try", op="2"))

    def test_everyone_takes_a_second_press(self):
        self.page.connect(room="", key="", mid="", ops="1000")
        self.page.wait_for("document.getElementById('channels').textContent === '1'")
        self.page.fill("push", kind="all", op="1000", text="to all")
        button = "document.querySelector('#push button').textContent"
        self.page.press("#push button")
        self.page.wait_for(f"{button} === 'Really push to 1 client?'")
        self.assertEqual(self.page.evaluate(TEXTS), [])
        self.page.press("#push button")
        self.page.wait_for(f"{TEXTS}[0] === 'to all'")
        self.assertEqual(self.page.evaluate(button), "Push")

    def test_a_client_that_is_kicked_is_told_why(self):
        self.page.connect(key="to-kick")
        self.keep(Pusher(self.gateway)).kick_keys("to-kick")
        self.page.wait_for(f"{CLIENT} === 'closed'")
        self.assertIn("Closed with code 3003", self.page.evaluate(PROBLEM))

    def test_names_are_text(self):
        evil = "<img src=x onerror=window.evil=1>"
        self.login(room_id=evil, key=evil)
        self.page.wait_for(f"{ROOMS}.some((row) => row[0] === {json.dumps(evil)})")
        self.page.connect(room=evil, key="text", mid="", ops="1000")
        self.assertIn("Taken by 2 clients", self.page.push(kind="room", target=evil, text=evil))
        self.page.wait_for(f"{TEXTS}[0] === {json.dumps(evil)}")
        offline = evil.replace("img", "svg")
        self.assertEqual(self.page.push(kind="key", target=offline, text="x"),
                         f"Nobody took it: key {offline} is not here.")
        # As if a gateway told such reasons: nothing of what it says is taken for markup.
        self.page.evaluate("""(() => {
          const asked = window.fetch;
          window.fetch = async (path, options) => {
            const answer = await asked(path, options);
            if (!String(path).endsWith("v1/status")) return answer;
            const status = await answer.json();
            status.shards[0].closed = {"<img src=x onerror=window.evil=2>": 5};
            status.shards[0].memory_stage = "<img src=x onerror=window.evil=3>";
            return new Response(JSON.stringify(status));
          };
        })()""")
        self.page.wait_for("document.getElementById('closed').textContent.includes('window.evil=2')")
        self.assertEqual(self.page.evaluate("[window.evil ?? 0, document.querySelectorAll('img').length]"), [0, 0])

    def test_dark_and_light_are_legible(self):
        backs = []
        for dark in (False, True):
            self.page.media(dark=dark)
            backs.append(self.page.evaluate("getComputedStyle(document.body).backgroundColor"))
            self.assertEqual(self.page.evaluate(CONTRAST), [], f"dark: {dark}")
        self.assertNotEqual(*backs)

    def test_it_fits_on_a_phone(self):
        self.login(room_id="live://" + "a-long-name-without-an-end" * 6)
        self.login(key="short-lived").close()
        self.page.wait_for("!document.getElementById('closed').hidden")
        self.page.connect(room="live://phone")
        self.page.push(kind="room", target="live://phone", text="x" * 500)
        self.page.wait_for(f"{TEXTS}.length === 1 && {ROOMS}.length > 1")
        for width in (320, 375, 800):
            self.page.media(width=width)
            wide = ("[...document.querySelectorAll('.page *')].filter((each) => each.checkVisibility() && "
                    f"each.getBoundingClientRect().right > {width})"
                    ".map((each) => [each.getBoundingClientRect().right, each.outerHTML.slice(0, 80)])")
            try:
                # On a phone what is too wide makes the window wider.
                self.page.wait_for(f"innerWidth === {width} && {wide}.length === 0 && "
                                   "document.documentElement.scrollWidth <= document.documentElement.clientWidth")
            except AssertionError:
                self.fail(f"too wide for {width}: {self.page.evaluate(wide)}")
        # Whoever uses a keyboard or hears the page finds a name on everything that can be used.
        nameless = ("[...document.querySelectorAll('input, select, textarea, button, svg')].filter((each) => "
                    "!each.labels?.length && !each.getAttribute('aria-label') && !each.textContent.trim())"
                    ".map((each) => each.outerHTML)")
        self.assertEqual(self.page.evaluate(nameless), [])

    def test_nobody_looks_nothing_is_asked(self):
        self.page.evaluate("""(() => {
          const asked = window.fetch;
          window.asked = 0;
          window.fetch = (...request) => { ++window.asked; return asked(...request); };
        })()""")
        show = ("Object.defineProperty(document, 'visibilityState', {value: '%s', configurable: true}); "
                "document.dispatchEvent(new Event('visibilitychange'))")
        self.page.wait_for("asked > 0")
        self.page.evaluate(show % "hidden")
        # What was under way ends; then there is nothing for longer than two polls.
        counts = itertools.starmap(lambda: (time.sleep(2.2), self.page.evaluate("asked"))[1], itertools.repeat(()))
        last = next(counts)
        self.assertEqual(next(counts), last)
        self.page.evaluate(show % "visible")
        self.page.wait_for(f"asked > {last + 1}")


class ServedHow(unittest.TestCase):
    """The files and their headers, without a browser."""

    def test_policy_and_guard(self):
        with Gateway() as gateway:
            status, headers, body = get(gateway.admin, "/")
            self.assertEqual((status, headers.get_content_type()), (200, "text/html"))
            self.assertIn("page/main.js", body)
            policy = headers["Content-Security-Policy"]
            self.assertIn("default-src 'none'; script-src 'self'; style-src 'self'", policy)
            self.assertIn("connect-src 'self' ws://127.0.0.1:%d;" % gateway.ws[1], policy)
            self.assertNotIn("unsafe", policy)
            for path in ("/page/main.js", "/halley.js"):
                status, headers, _ = get(gateway.admin, path)
                self.assertEqual((status, headers.get_content_type()), (200, "text/javascript"))
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            # Without a token no page of another name is shown anything.
            for path in ("/", "/page/main.js"):
                self.assertEqual(get(gateway.admin, path, Host="evil.example")[0], 403)

    def test_it_can_be_off(self):
        with Gateway("--admin.page", "off") as gateway:
            for path in ("/", "/page/main.js", "/halley.js"):
                self.assertEqual(get(gateway.admin, path)[0], 404)
            self.assertEqual(get(gateway.admin, "/v1/status")[0], 200)


class WithToken(OwnGatewayTest):
    def test_it_asks_for_the_token(self):
        chromium.find()
        token = "t0ken: säcret"
        gateway = self.start("--admin.token", token)
        for path in ("/", "/page/main.js", "/page/api.js", "/halley.js"):
            status, _, body = get(gateway.admin, path, Host="gateway.example")
            self.assertEqual(status, 200)
            self.assertNotIn("t0ken", body)
        self.assertEqual(get(gateway.admin, "/v1/status")[0], 401)
        page = self.keep(AdminPage(gateway))
        page.wait_for_state("Token needed")
        hidden = "document.getElementById('main').hidden"
        self.assertTrue(page.evaluate(hidden))
        page.fill("ask", token="wrong")
        page.press("#ask button")
        page.wait_for("document.getElementById('ask-problem').textContent !== ''")
        self.assertEqual(page.evaluate("[sessionStorage.length, localStorage.length]"), [0, 0])
        page.fill("ask", token=token)
        page.press("#ask button")
        page.wait_for_state("Serving")
        self.assertFalse(page.evaluate(hidden))
        page.connect(room="live://token")
        self.assertIn("Taken by 1 client", page.push(kind="room", target="live://token"))
        # It lasts as long as the tab, and not in its address.
        page.page.call("Page.reload")
        page.wait_for(f"document.readyState === 'complete' && {STATE} === 'Serving'")
        self.assertEqual(page.evaluate("[location.href, localStorage.length]"), [page.origin + "/", 0])
        page.press("#forget")
        page.wait_for(f"document.readyState === 'complete' && {STATE} === 'Token needed'")
        self.assertEqual(page.evaluate("sessionStorage.length"), 0)
        # The browser notes each 401 by itself; there is nothing else.
        self.assertEqual([event for event in page.complaints() if "401" not in json.dumps(event)], [])
        self.assertNotIn("t0ken", gateway.stderr())


class RestartedUnderIt(OwnGatewayTest):
    def test_it_says_so_and_comes_back(self):
        chromium.find()
        gateway = self.start()
        page = self.keep(AdminPage(gateway))
        page.wait_for_state("Serving")
        page.wait_for("document.querySelector('#chart-deliveries .now').textContent === '0'")
        gateway.stop()
        page.wait_for_state("Unreachable")
        self.assertFalse(page.evaluate(f"{TROUBLE}.hidden"))
        self.assertRegex(page.evaluate(f"{TROUBLE}.textContent"), r"cannot be reached since .*: no connection")
        again = self.start("--admin", "%s:%d" % gateway.admin, "--ws", "%s:%d" % gateway.ws)
        page.wait_for_state("Serving")
        self.assertTrue(page.evaluate(f"{TROUBLE}.hidden"))
        page.wait_for("document.querySelectorAll('#chart-deliveries .mark').length === 1")
        # Counters began anew: there is a gap, and no rate that is none.
        page.wait_for("document.querySelector('#chart-deliveries .now').textContent === '0'")
        self.assertNotRegex(page.evaluate("document.getElementById('main').textContent"), r"NaN|undefined|-\d+/s")
        page.connect(room="live://again")
        self.assertIn("Taken by 1 client", page.push(kind="room", target="live://again"))
        self.assertEqual(again.admin, gateway.admin)


class WithoutWebSockets(OwnGatewayTest):
    def test_it_says_why_no_client_can_connect(self):
        chromium.find()
        page = self.keep(AdminPage(self.start("--ws", "")))
        page.wait_for_state("Serving")
        page.press("#connect")
        page.wait_for(f"{PROBLEM} !== ''")
        self.assertEqual(page.evaluate(PROBLEM), "The node listens for no WebSockets: set listen.ws.")
        self.assertEqual(page.complaints(), [])


class OriginsNamed(OwnGatewayTest):
    """The page is of the gateway's own host, whatever its port: it may connect where others are named."""

    def test_its_client_may_connect(self):
        chromium.find()
        page = self.keep(AdminPage(self.start("--websocket.origins", "https://elsewhere.example")))
        page.wait_for_state("Serving")
        page.connect(room="live://origins")
        self.assertIn("Taken by 1 client", page.push(kind="room", target="live://origins"))


if __name__ == "__main__":
    harness.main()
