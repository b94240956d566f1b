"""Programs in Go, as the other side of gRPC: goim's are written in it, and its gRPC shares no code with
the product's."""

import base64
import fcntl
import json
import os
import shutil
import subprocess
import threading
import unittest

import harness
from harness import DEADLINE_S, wait_until

BUILD_DEADLINE_S = 400
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "go_peer")


def build():
    """The program; skips, with the reason, where it cannot be had."""
    go = shutil.which("go") or "/usr/local/go/bin/go"
    if not os.path.exists(go):
        raise unittest.SkipTest("go is not installed")
    folder = harness.scratch_folder("go_peer")
    program = os.path.join(folder, "go_peer")
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run beside each other
        try:
            # It is up to date in a moment where it has been built before.
            done = subprocess.run([go, "build", "-o", program, "."], cwd=SOURCE, capture_output=True,
                                  timeout=BUILD_DEADLINE_S, check=False, text=True,
                                  env={**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"})
        except subprocess.TimeoutExpired:
            raise unittest.SkipTest("go build took too long: no module proxy?") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["it does not say why"]
        raise unittest.SkipTest(f"go cannot build the peer: {lines[-1]}")
    return program


class Peer:
    """The program, and the events that it has told."""

    def __init__(self, *arguments):
        self.process = harness.start([build(), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)
        self.events = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.events.append(json.loads(line))

    def event(self, wanted, what):
        return wait_until(lambda: next((each for each in list(self.events) if wanted(each)), None), what)

    def close(self):
        self.process.kill()
        self.process.wait(DEADLINE_S)
        self.reader.join(DEADLINE_S)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()


class Job(Peer):
    """Calls a comet."""

    def __init__(self, address):
        super().__init__("job", "%s:%d" % address)
        self.calls = 0

    def begin(self, name, request=b""):
        self.calls += 1
        self.process.stdin.write(json.dumps({
            "id": self.calls, "method": f"/goim.comet.Comet/{name}",
            "request": base64.b64encode(request).decode()}) + "\n")
        self.process.stdin.flush()
        return self.calls

    def end(self, number):
        """The reply, or the status' name and message."""
        told = self.event(lambda each: each.get("id") == number, f"an answer to call {number}")
        return base64.b64decode(told["reply"] or "") if "code" not in told \
            else (told["code"], told["message"])

    def call(self, name, request=b""):
        return self.end(self.begin(name, request))


class Logic(Peer):
    """Decides who clients are."""

    def __init__(self, address="127.0.0.1:0", idle="1h", age="1h"):
        super().__init__("logic", address, idle, age)
        self.address = self.event(lambda each: "address" in each, "logic to listen")["address"]

    def asked(self, name):
        """What has been asked: requests, and how each was compressed."""
        return [(base64.b64decode(each["request"] or ""), each["compressed"])
                for each in list(self.events) if each.get("asked") == name]

    def connections(self, what):
        return sum(each.get("connection") == what for each in list(self.events))
