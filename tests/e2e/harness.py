"""What every end-to-end test needs: a gateway on free ports, bounded waits, and a main().

The programs under test are named by the environment (tests/e2e/meson.build sets it):
HALLEY_BIN, HALLEYCTL_BIN, HALLEY_LOAD_BIN, and HALLEY_E2E_DIR, a folder for what is installed or
written. HALLEY_IO, where it is set, is every gateway's --io. By hand:

    HALLEY_BIN=build/halley tests/e2e/goim_tcp_test.py GoimTcp.test_login
"""

import ctypes
import os
import re
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
import unittest

# A wait that ends well ends much earlier; this is for machines that are slow and busy, and for
# programs that are built with sanitizers.
DEADLINE_S = 30
EXIT_SKIPPED = 77
# How the programs under test were built: "none", "address,undefined", ...
SANITIZE = os.environ.get("HALLEY_SANITIZE", "none")
IO = os.environ.get("HALLEY_IO")
# Where gateways have their admin port. ThreadSanitizer knows one table of descriptors per process: when
# threads beside the shards have descriptors, too, of numbers that shards have, it mixes them up, and now
# and then fails a check of its own. So there only tests that ask for the port have it.
admin_address = "" if SANITIZE == "thread" else "127.0.0.1:0"
# What a sanitizer writes when it has found something.
SANITIZER = re.compile(r"Sanitizer|runtime error:")


def program(name):
    """The path of a program under test."""
    path = os.environ.get(name)
    if not path or not os.access(path, os.X_OK):
        raise RuntimeError(f"the environment variable {name} does not name a program: {path!r}")
    return os.path.abspath(path)


def need_admin():
    """For programs of tests that ask the admin port."""
    global admin_address  # pylint: disable=global-statement
    admin_address = "127.0.0.1:0"


def scratch_folder(name):
    """A folder that stays between runs."""
    path = os.path.join(os.environ.get("HALLEY_E2E_DIR") or tempfile.gettempdir(), name)
    os.makedirs(path, exist_ok=True)
    return path


def wait_until(condition, what, deadline_s=DEADLINE_S, pause_s=0.005):
    """Asks until `condition` answers something true, and returns that."""
    end = time.monotonic() + deadline_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline_s} s for {what}; the last answer: {answer!r}")
        time.sleep(pause_s)


def die_with_parent():
    """In a child, before exec: a test that is killed leaves nothing behind."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)


def start(command, prepare=None, **options):
    """Starts a program that ends with us at the latest."""
    def before_exec():
        die_with_parent()
        if prepare:
            prepare()
    return subprocess.Popen(command, preexec_fn=before_exec, **options)


def exit_code(process):
    """Of a process that was asked to end; words where it did not, and was killed."""
    try:
        return process.wait(DEADLINE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return "none: it did not end"


class Gateway:
    """A running gateway. Give it to a test's addCleanup(gateway.stop), or use it with `with`. `before`:
    what its command begins with, and in the end becomes the gateway."""

    def __init__(self, *flags, shards=2, prepare=None, before=(), pass_fds=()):
        self.command = [*before, program("HALLEY_BIN"), "--shards", str(shards), "--tcp", "127.0.0.1:0",
                        "--ws", "127.0.0.1:0", "--push", "127.0.0.1:0", "--admin", admin_address,
                        *([f"--io={IO}"] if IO else []), *flags]
        self.signalled = False
        self.log = tempfile.TemporaryFile("w+")
        began = time.monotonic()
        self.process = start(self.command, prepare, stdin=subprocess.DEVNULL, pass_fds=pass_fds,
                             stdout=subprocess.PIPE, stderr=self.log)
        self.printed = self._read_ready()
        self.ready_s = time.monotonic() - began
        (self.tcp, self.ws, self.gopush, self.gopusher, self.v1_tcp, self.v1_ws, self.admin,
         self.push) = (
            self.address(kind) for kind in ("tcp", "ws", "gopush", "gopusher", "v1_tcp", "v1_ws",
                                            "admin", "push"))

    def _read_ready(self):
        """Reads up to the last of the lines that say what listens where."""
        text = b""
        end = time.monotonic() + DEADLINE_S
        out = self.process.stdout.fileno()
        while not re.search(rb"^  push +\S+\n", text, re.MULTILINE):
            readable, _, _ = select.select([out], [], [], max(0, end - time.monotonic()))
            part = os.read(out, 65536) if readable else b""
            if not part:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the gateway did not become ready: {text!r}\n{self.stderr()}")
            text += part
        return text.decode()

    def rest_of_output(self):
        """What it has printed since it was ready."""
        os.set_blocking(self.process.stdout.fileno(), False)
        self.printed += (self.process.stdout.read() or b"").decode()
        return self.printed

    def address(self, kind):
        """(host, port) of the first listener of a kind, if there is one."""
        found = re.search(rf"^  {kind} +(\S+):(\d+)$", self.printed, re.MULTILINE)
        return (found[1].strip("[]"), int(found[2])) if found else None

    def stderr(self):
        """What it has logged. The gateway writes where the file's position is, so that must not move:
        what it logged next would stand over what it logged first."""
        log = self.log.fileno()
        return os.pread(log, os.fstat(log).st_size, 0).decode(errors="replace")

    def ask_to_end(self, signal_number):
        """Asks it to end, once."""
        if not self.signalled and self.process.poll() is None:
            self.process.send_signal(signal_number)
        self.signalled = True

    def stop(self, signal_number=signal.SIGTERM):
        """Ends it in order; anything but exit code 0 and a clean log is a failure."""
        if self.process.stdout.closed:
            return
        with self.process.stdout:
            self.ask_to_end(signal_number)
            code = exit_code(self.process)
        log = self.stderr()
        self.log.close()
        if IO and f"{IO} on Linux" not in log:
            raise AssertionError(f"the gateway was to run on {IO}:\n{log[-20000:]}")
        # What clients and pushers say is nobody's to read: tokens least of all.
        if '"mid"' in log or '"accepts"' in log:
            raise AssertionError(f"the log tells tokens:\n{log[-20000:]}")
        if code != 0 or SANITIZER.search(log):
            raise AssertionError(f"the gateway ended badly (exit code {code}):\n{log[-20000:]}")

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stop()


class KeepingTest(unittest.TestCase):
    """Tests that open what must be closed after them."""

    def keep(self, closable):
        """Closes it after the test."""
        self.addCleanup(closable.close)
        return closable


class OwnGatewayTest(KeepingTest):
    """Tests with gateways of their own."""

    def start(self, *flags, **options):
        gateway = Gateway(*flags, **options)
        self.addCleanup(gateway.stop)
        return gateway

    def ctl(self, gateway, *words, code=0):
        """What halleyctl prints: of a failure, why."""
        ended = subprocess.run([program("HALLEYCTL_BIN"), "--push", "%s:%d" % gateway.push, *words],
                               capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(ended.returncode, code, ended.stderr)
        return ended.stderr if code else ended.stdout

    def hang_up(self, gateway, line):
        """Sends SIGHUP, and waits for one more such line in the log."""
        before = gateway.stderr().count(line)
        gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: gateway.stderr().count(line) > before, line)


class GatewayTest(KeepingTest):
    """A class of tests that share one gateway, started with `flags`."""

    flags = ()
    shards = 2

    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(*cls.flags, shards=cls.shards)
        cls.addClassCleanup(cls.gateway.stop)


def raise_descriptor_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main():
    """unittest.main() that tells meson when everything was skipped, and why."""
    run = unittest.main(module="__main__", exit=False, verbosity=2).result
    skipped = len(run.skipped)
    if run.wasSuccessful() and skipped and (run.testsRun == 0 or skipped == run.testsRun):
        print("skipped:", "; ".join(sorted({why for _, why in run.skipped})))
        sys.exit(EXIT_SKIPPED)
    sys.exit(not run.wasSuccessful())
