"""A page in headless Chromium, looked into through its DevTools protocol."""

import base64
import contextlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.request

import harness
import websocket
from harness import DEADLINE_S, wait_until
from stream import Stream

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage")
# From nothing to a loaded page, on a machine that may be busy.
BROWSER_DEADLINE_S = 60


def find():
    """The program; skips where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if not path:
        raise unittest.SkipTest("chromium is not installed (apt-get install chromium)")
    return path


class Process:
    """A browser that shows `url`. Its processes are in a session of their own, so that all of them
    can be ended."""

    def __init__(self, url, *flags):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.log = tempfile.TemporaryFile()
        self.process = harness.start(
            [find(), *FLAGS, *flags, f"--user-data-dir={self.profile.name}", url],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True,
            env={**os.environ, "HOME": self.profile.name, "DBUS_SESSION_BUS_ADDRESS": "disabled:"})

    def check(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError(f"the browser has ended: {self.log.read()[-4000:]!r}")

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE_S)
        self.log.close()
        self.profile.cleanup()


class Page(Process):
    """A page whose values can be asked for."""

    def __init__(self, url, *flags):
        super().__init__("about:blank", "--remote-debugging-port=0", *flags)
        self.numbers = itertools.count(1)
        self.events = []
        try:
            self.devtools = self._connect()
            self.call("Page.enable")
            self.call("Log.enable")
            self.call("Runtime.enable")
            self.call("Page.navigate", url=url)
            self.wait_for("document.readyState == 'complete'", BROWSER_DEADLINE_S)
        except BaseException:
            super().close()
            raise

    def _connect(self):
        told = pathlib.Path(self.profile.name, "DevToolsActivePort")

        def page_url():
            self.check()
            if not told.exists() or not told.read_text().strip():
                return None
            port = told.read_text().split()[0]
            with contextlib.suppress(OSError), urllib.request.urlopen(
                    f"http://127.0.0.1:{port}/json/list", timeout=DEADLINE_S) as answer:
                pages = [each for each in json.load(answer) if each["type"] == "page"]
                return pages[0]["webSocketDebuggerUrl"] if pages else None

        url = wait_until(page_url, "the browser", BROWSER_DEADLINE_S)
        address, _, path = url.removeprefix("ws://").partition("/")
        host, _, port = address.partition(":")
        stream = Stream((host, int(port)))
        stream.send(websocket.request("/" + path))
        answer = stream.read_until(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        return stream

    def _receive(self):
        """The next message, which may come in fragments."""
        text = b""
        while True:
            first, size = self.devtools.read(2)
            if size >= 126:
                size = int.from_bytes(self.devtools.read(2 if size == 126 else 8), "big")
            text += self.devtools.read(size)
            if first & 0x80:
                return json.loads(text)

    def call(self, method, **parameters):
        number = next(self.numbers)
        message = json.dumps({"id": number, "method": method, "params": parameters})
        self.devtools.send(websocket.frame(message.encode(), websocket.TEXT))
        while True:
            answer = self._receive()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def evaluate(self, expression):
        """The value, or what the promise has come to, as JSON can hold it."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True,
                           returnByValue=True, userGesture=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, condition, deadline_s=DEADLINE_S):
        def asked():
            self.check()
            return self.evaluate(condition)
        return wait_until(asked, condition, deadline_s, pause_s=0.02)

    def complaints(self):
        """What the page's console has of errors: exceptions, what the policy forbids."""
        self.evaluate("0")  # what came before has been told by now
        return [event for event in self.events
                if event["method"] == "Runtime.exceptionThrown" or
                event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error"]

    def screenshot(self, path, width, height, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        data = self.call("Page.captureScreenshot", format="png")["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def close(self):
        self.devtools.close()
        super().close()
