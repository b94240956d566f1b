"""packaging/: what is installed, and that its parts agree with each other."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
MESON, BUILD = os.environ.get("MESON"), os.environ.get("HALLEY_BUILD")
DRAIN_EXTRA_S = 1  # gateway.cc kDrainExtraNs

sys.path.insert(0, str(PACKAGING / "container"))

import seccomp_profile  # noqa: E402  pylint: disable=wrong-import-position


def drain_seconds(toml):
    gateway = tomllib.loads(toml)["gateway"]
    return DRAIN_EXTRA_S + sum(int(gateway[name].removesuffix("s")) for name in (
        "drain_grace_ms", "drain_window_ms", "shutdown_timeout_ms"))


class Installed(unittest.TestCase):
    @unittest.skipUnless(BUILD, "HALLEY_BUILD names no build")
    def test_everything_has_its_place(self):
        plan = json.loads(subprocess.run([*MESON.split(), "introspect", "--installed", BUILD],
                                         capture_output=True, text=True, check=True).stdout)
        places = "\n".join(sorted(plan.values()))
        for place in ("bin/halley", "bin/halleyctl", "bin/halley-load", "systemd/system/halley.service",
                      "systemd/system/halley.socket",
                      "man/man1/halley.1", "man/man1/halleyctl.1", "man/man1/halley-load.1",
                      "man/man5/halley.toml.5", "etc/halley/halley.toml",
                      "bash-completion/completions/halley", "bash-completion/completions/halleyctl"):
            self.assertRegex(places, rf"(?m)/{re.escape(place)}$")


class Unit(unittest.TestCase):
    def setUp(self):
        self.text = (PACKAGING / "halley.service.in").read_text()

    def test_it_waits_for_the_drain(self):
        limit = int(re.search(r"^TimeoutStopSec=(\d+)$", self.text, re.MULTILINE)[1])
        self.assertGreater(limit, drain_seconds((PACKAGING / "halley.toml").read_text()))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not here")
    def test_systemd_understands_it(self):
        with tempfile.TemporaryDirectory() as folder:
            program = pathlib.Path(folder, "halley")
            program.write_text("#!/bin/sh\n")
            program.chmod(0o755)
            unit = pathlib.Path(folder, "halley.service")
            unit.write_text(self.text.replace("@bindir@", folder).replace("@sysconfdir@", "/etc")
                            .replace("man:halley(1) man:halley.toml(5)", "https://example.com/"))
            ended = subprocess.run(["systemd-analyze", "verify", "--man=no", unit],
                                   capture_output=True, text=True, check=False)
        if "Failed to" in ended.stderr and "halley.service" not in ended.stderr:
            self.skipTest(ended.stderr.splitlines()[0])
        complaints = [line for line in ended.stderr.splitlines() if "halley.service" in line]
        self.assertEqual(complaints, [])


class Socket(unittest.TestCase):
    """The unit's addresses are those of the options that it is for."""

    def setUp(self):
        self.text = (PACKAGING / "halley.socket").read_text()

    def test_its_addresses_are_listened_on(self):
        options = (ROOT / "src/config/options.h").read_text()
        listed = set(re.findall(r'^  std::string \w+ = "([\d.]+:\d+)";', options, re.MULTILINE))
        passed = re.findall(r"^ListenStream=(.*)$", self.text, re.MULTILINE)
        self.assertTrue(passed)
        self.assertLessEqual(set(passed), listed)

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not here")
    def test_systemd_understands_it(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "halley.service").write_text("[Service]\nExecStart=/bin/true\n")
            unit = pathlib.Path(folder, "halley.socket")
            unit.write_text(self.text)
            ended = subprocess.run(["systemd-analyze", "verify", "--man=no", unit],
                                   capture_output=True, text=True, check=False)
        self.assertEqual([line for line in ended.stderr.splitlines() if "halley.socket" in line], [])


class Kubernetes(unittest.TestCase):
    def test_the_pod_has_time_for_the_drain(self):
        text = (PACKAGING / "kubernetes" / "halley.yaml").read_text()
        toml = re.search(r"halley\.toml: \|\n((?:    .*\n)+)", text)[1].replace("\n    ", "\n")[4:]
        grace = int(re.search(r"terminationGracePeriodSeconds: (\d+)", text)[1])
        pre_stop = int(re.search(r'\["sleep", "(\d+)"\]', text)[1])
        self.assertGreater(grace, pre_stop + drain_seconds(toml))
        # As src/admin/admin_server.cc has them.
        served = re.findall(r'"(/health/\w+)"', (ROOT / "src/admin/admin_server.cc").read_text())
        asked = re.findall(r"path: (/health/\w+)", text)
        self.assertEqual(sorted(asked), sorted(set(served)))


class Seccomp(unittest.TestCase):
    DEFAULT = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
        {"names": ["io_uring_setup", "mount"], "action": "SCMP_ACT_ERRNO"},
        {"names": ["io_uring_enter"], "action": "SCMP_ACT_ERRNO"},
        {"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}

    def test_three_calls_are_added_and_nothing_else(self):
        profile = seccomp_profile.extended(self.DEFAULT)
        self.assertEqual(profile, {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
            {"names": ["io_uring_enter", "io_uring_register", "io_uring_setup"],
             "action": "SCMP_ACT_ALLOW"},
            {"names": ["mount"], "action": "SCMP_ACT_ERRNO"},
            {"names": ["read"], "action": "SCMP_ACT_ALLOW"}]})

    def test_it_needs_the_default(self):
        ended = subprocess.run([sys.executable, seccomp_profile.__file__], capture_output=True,
                               text=True, check=False)
        self.assertEqual(ended.returncode, 1)
        self.assertIn("usage: ", ended.stderr)


class Debian(unittest.TestCase):
    def test_scripts_are_sound(self):
        for name in ("postinst", "prerm", "postrm"):
            subprocess.run(["sh", "-n", PACKAGING / "debian" / name], check=True)
            self.assertTrue(os.access(PACKAGING / "debian" / name, os.X_OK), name)

    def test_it_wants_a_build_for_usr(self):
        if not (BUILD and shutil.which("dpkg-shlibdeps")):
            self.skipTest("HALLEY_BUILD names no build, or dpkg-dev is not here")
        with tempfile.TemporaryDirectory() as folder:
            # A meson that installs nothing: as with another prefix, what has to be there is not.
            meson = pathlib.Path(folder, "meson")
            meson.write_text("#!/bin/sh\n")
            meson.chmod(0o755)
            ended = subprocess.run([ROOT / "tools" / "package", folder, BUILD], capture_output=True,
                                   text=True, check=False,
                                   env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
        self.assertEqual((ended.returncode, ended.stderr),
                         (1, f"package: {BUILD} was not configured with --prefix=/usr\n"))


if __name__ == "__main__":
    unittest.main()
