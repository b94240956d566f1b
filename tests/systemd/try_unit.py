#!/usr/bin/env python3
"""The Debian package under a real systemd: installs, starts, reloads, is watched, drains, and goes.

By hand, as root, on a machine with systemd installed (it need not run) and overlayfs:

    tools/package /tmp/package
    tests/systemd/try_unit.py /tmp/package/halley_*.deb
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

FOLDER = os.path.dirname(os.path.abspath(__file__))
DROP_IN = "/etc/systemd/system/halley.service.d/test.conf"
CONFIGURATION = "/etc/halley/halley.toml"


def until(true, what, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)


class Machine:
    """A booted systemd; its files are under `root` as this machine's processes see them."""

    def __init__(self, package):
        self.folder = tempfile.mkdtemp()
        self.process = subprocess.Popen(
            ["unshare", "-f", "-p", "-m", "-u", "-i", "-n", "-C", "--propagation", "private",
             os.path.join(FOLDER, "boot.sh"), self.folder],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.init = None
        until(self.find_init, "systemd to be started")
        until(lambda: self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"),
              "systemd to have booted")
        with open(package, "rb") as file:
            self.write("/tmp/halley.deb", file.read())

    def find_init(self):
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as file:
            children = file.read().split()
        if children:
            with open(f"/proc/{children[0]}/comm", encoding="ascii") as file:
                self.init = children[0] if file.read().strip() == "systemd" else None
        return self.init is not None

    def entered(self, *command):
        return ["nsenter", "-t", self.init, "-a", "-r", "-w", *command]

    def run(self, *command, code=None):
        ended = subprocess.run(self.entered(*command), check=False, capture_output=True, text=True, timeout=60)
        assert code is None or ended.returncode == code, (command, ended)
        return ended

    def write(self, path, data):
        with open(f"/proc/{self.init}/root{path}", "wb") as file:
            file.write(data)

    def close(self):
        # Whoever is in its namespace ends with it.
        os.kill(int(self.init), 9)
        self.process.wait()
        shutil.rmtree(self.folder)


class SystemdTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine(PACKAGE)
        cls.addClassCleanup(cls.machine.close)
        cls.machine.run("dpkg", "-i", "/tmp/halley.deb", code=0)

    def setUp(self):
        self.addCleanup(self.machine.run, "systemctl", "stop", "halley.socket", "halley")
        self.addCleanup(self.machine.run, "rm", "-f", DROP_IN)
        self.drop_in("TimeoutStopSec=90")
        self.configure()

    # --- what an operator does

    def drop_in(self, *lines):
        self.machine.run("mkdir", "-p", os.path.dirname(DROP_IN), code=0)
        self.machine.write(DROP_IN, "\n".join(("[Service]", *lines, "")).encode())
        self.machine.run("systemctl", "daemon-reload", code=0)
        self.machine.run("systemctl", "reset-failed", "halley")

    def configure(self, *lines):
        self.machine.write(CONFIGURATION, "\n".join((
            "[listen]", 'tcp = "0.0.0.0:3101"', 'ws = "0.0.0.0:3102"',
            "[gateway]", 'drain_grace_ms = "1s"', 'drain_window_ms = "2s"', *lines, "")).encode())

    def systemctl(self, *words, code=0):
        return self.machine.run("systemctl", *words, code=code)

    def show(self, name):
        return self.systemctl("show", "--value", "-p", name, "halley").stdout.strip()

    def log(self):
        return self.machine.run("journalctl", "-u", "halley", "-o", "cat", "--no-pager").stdout

    def until_logged(self, line, before=0):
        until(lambda: self.log().count(line) > before, f"{line!r} in the log")

    def assert_serves(self):
        self.machine.run("halleyctl", "status", code=0)


class Unit(SystemdTest):
    def test_it_serves_as_its_user_under_all_of_its_hardening(self):
        self.systemctl("start", "halley")
        self.assertEqual((self.show("ActiveState"), self.show("SubState")), ("active", "running"))
        self.assertTrue(self.show("StatusText").startswith("serving"), self.show("StatusText"))
        with open(f"/proc/{self.machine.init}/root/proc/{self.show('MainPID')}/status",
                  encoding="ascii") as file:
            status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        user = self.machine.run("id", "-u", "halley").stdout.strip()
        self.assertNotEqual(user, "0")
        self.assertEqual(set(status["Uid"].split()), {user})
        self.assertEqual((int(status["CapEff"], 16), status["NoNewPrivs"], status["Seccomp"]), (0, "1", "2"))
        self.assertIn("io_uring", self.log().split("ready: ")[-1])
        self.assert_serves()
        status = json.loads(self.machine.run("curl", "-s", "http://127.0.0.1:3111/v1/status").stdout)
        self.assertIn("shards", status)

    def test_reload(self):
        self.systemctl("start", "halley")
        pid = self.show("MainPID")
        self.configure("drain_retry_ms = \"1s\"", "shutdown_timeout_ms = \"4s\"")
        self.systemctl("reload", "halley")
        self.until_logged("these options count from now on: gateway.shutdown_timeout_ms, gateway.drain_retry_ms")
        until(lambda: self.show("ActiveState") == "active", "it to be active again")
        self.assertEqual(self.show("MainPID"), pid)

    def test_one_that_is_stuck_is_ended_and_started_again(self):
        self.drop_in("WatchdogSec=2")
        self.systemctl("start", "halley")
        pid = self.show("MainPID")
        time.sleep(5)
        self.assertEqual(self.show("MainPID"), pid, "one that is not stuck lives on")
        self.machine.run("kill", "-STOP", pid, code=0)
        until(lambda: self.show("MainPID") not in (pid, "0") and self.show("ActiveState") == "active",
              "another to serve")
        self.assertEqual(self.show("NRestarts"), "1")
        self.assert_serves()

    def test_one_that_is_killed_is_started_again(self):
        self.systemctl("start", "halley")
        pid = self.show("MainPID")
        self.machine.run("kill", "-KILL", pid, code=0)
        until(lambda: self.show("MainPID") not in (pid, "0") and self.show("ActiveState") == "active",
              "another to serve")

    def test_what_cannot_start_is_not_tried_again(self):
        self.configure("no_such_option = 1")
        self.systemctl("start", "halley", code=None)
        self.assertEqual(self.show("ActiveState"), "failed")
        self.assertEqual((self.show("ExecMainStatus"), self.show("NRestarts")), ("78", "0"))
        self.assertIn("no_such_option", self.log())

    def test_stopping_drains(self):
        self.systemctl("start", "halley")
        begin = time.monotonic()
        self.systemctl("stop", "halley")
        self.assertGreater(time.monotonic() - begin, 0.9, "drain_grace_ms was waited for")
        self.assertEqual((self.show("ActiveState"), self.show("Result")), ("inactive", "success"))
        self.assertIn("draining", self.log())

    def test_a_restart_behind_its_sockets_refuses_nobody(self):
        self.systemctl("start", "halley.socket")
        self.assertEqual(self.show("ActiveState"), "inactive")
        knocking = subprocess.Popen(
            self.machine.entered("bash", "-c", "for i in {1..300}; do (exec 3<>/dev/tcp/127.0.0.1/3102) || echo no;"
                                 " sleep 0.02; done"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        # The first who came has started it.
        until(lambda: self.show("ActiveState") == "active", "it to be started")
        pid = self.show("MainPID")
        self.systemctl("restart", "halley")
        self.assertNotEqual(self.show("MainPID"), pid)
        self.assertIsNone(knocking.poll(), "the restart was over before the last came")
        self.assertEqual(knocking.communicate(timeout=60)[0], "")
        self.assert_serves()

    def test_the_unit_is_as_tight_as_it_says(self):
        verified = self.machine.run("systemd-analyze", "verify", "halley.service", "halley.socket")
        self.assertEqual((verified.returncode, verified.stderr), (0, ""))
        report = self.machine.run("systemd-analyze", "security", "--offline=true",
                                  "/lib/systemd/system/halley.service", "--json=short")
        exposed = [each for each in json.loads(report.stdout) if (each.get("exposure") or "0") != "0"]
        self.assertLess(sum(float(each["exposure"]) for each in exposed), 2.0, exposed)


class Removal(SystemdTest):
    def test_removing_ends_it_and_purging_leaves_nothing(self):
        self.systemctl("enable", "--now", "halley")
        self.machine.run("dpkg", "--purge", "halley", code=0)
        self.assertEqual(self.machine.run("pgrep", "-x", "halley").returncode, 1)
        for path in (CONFIGURATION, "/usr/bin/halley", "/lib/systemd/system/halley.service",
                     "/etc/systemd/system/multi-user.target.wants/halley.service"):
            self.assertEqual(self.machine.run("test", "-e", path).returncode, 1, path)


if __name__ == "__main__":
    if len(sys.argv) < 2 or os.geteuid() != 0:
        sys.exit(__doc__)
    PACKAGE = sys.argv.pop(1)
    unittest.main(verbosity=2)
