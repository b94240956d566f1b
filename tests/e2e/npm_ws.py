"""Node with npm's ws, as a client that a test drives: a line of JSON per command on standard input, a
line of JSON per event on standard output."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import threading
import unittest

import harness
from harness import DEADLINE_S, wait_until

INSTALL_DEADLINE_S = 60


def install_ws():
    """The folder of node_modules with ws in it; skips, with the reason, where it cannot be had."""
    for name in ("node", "npm"):
        if not shutil.which(name):
            raise unittest.SkipTest(f"{name} is not installed (apt-get install nodejs npm)")
    folder = harness.scratch_folder("npm")
    modules = os.path.join(folder, "node_modules")
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run beside each other
        install_into(folder, modules)
    return modules


def install_into(folder, modules):
    if not os.path.exists(os.path.join(modules, "ws", "package.json")):
        command = ["npm", "install", "ws@8", "--no-save", "--no-audit", "--no-fund", "--prefix",
                   folder]
        try:
            done = subprocess.run(command, capture_output=True, timeout=INSTALL_DEADLINE_S,
                                  check=False, text=True)
        except subprocess.TimeoutExpired:
            raise unittest.SkipTest("npm install ws@8 took too long: no registry?") from None
        if done.returncode != 0:
            why = re.findall(r"npm (?:ERR!|error) (.*)", done.stderr)
            raise unittest.SkipTest("npm cannot install ws@8: " + " ".join(why[:3]))


class NodeClient:
    """A node process, and the events that it has told."""

    def __init__(self, modules, script, *arguments):
        self.process = harness.start(
            ["node", str(script), *arguments], env={**os.environ, "NODE_PATH": modules},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.events = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            try:
                self.events.append(json.loads(line))
            except ValueError:
                self.events.append({"what": "output", "line": line})

    def do(self, what, **details):
        self.process.stdin.write(json.dumps({"do": what, **details}) + "\n")
        self.process.stdin.flush()

    def wait_for(self, *wanted):
        """Until all of the events have been told."""
        try:
            wait_until(lambda: all(each in self.events for each in wanted), str(wanted))
        except AssertionError:
            print("it told:", self.events)
            raise

    def close(self):
        self.process.kill()
        self.process.wait(DEADLINE_S)
        self.reader.join(DEADLINE_S)
        self.process.stdin.close()
        self.process.stdout.close()
