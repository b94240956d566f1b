"""A running echo server (echo_server.cc)."""

import os
import re
import select
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import DEADLINE_S, SANITIZER, exit_code, start  # noqa: E402


class EchoServer:
    """`flags` are its own. With `with`, or give its stop() to addCleanup()."""

    def __init__(self, program, *flags):
        self.log = tempfile.TemporaryFile("w+")
        self.process = start([program, *flags], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=self.log)
        text = b""
        while text.count(b"\n") < 2:
            readable, _, _ = select.select([self.process.stdout], [], [], DEADLINE_S)
            part = os.read(self.process.stdout.fileno(), 4096) if readable else b""
            if not part:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the echo server did not start: {self._logged()}")
            text += part
        address, self.ring = text.decode().splitlines()
        host, port = re.fullmatch(r"([\d.]+):(\d+)", address).groups()
        self.address = (host, int(port))

    def _logged(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        """Ends it in order; anything but exit code 0 and an empty log is a failure."""
        with self.process.stdout:
            self.process.send_signal(signal.SIGTERM)
            code = exit_code(self.process)
        log = self._logged()
        self.log.close()
        if code != 0 or SANITIZER.search(log):
            raise AssertionError(f"the echo server ended badly (exit code {code}):\n{log}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
