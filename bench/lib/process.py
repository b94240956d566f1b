"""Server processes: started on free ports, read for their addresses, ended by their id."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile

START_SECONDS_MAX = 20
EXIT_SKIPPED = 77
EXIT_CANNOT_START = 78  # the gateway's


class Failed(Exception):
    """A program did not do what it was started for."""


class Skipped(Exception):
    """This machine does not let something start, or does not have it."""


class Server:
    """A server process whose addresses are read from what it prints."""

    def __init__(self, command, pattern, needed, on_stderr=False):
        self.name = pathlib.Path(command[0]).name
        self.printed = ""
        with tempfile.TemporaryFile("w+") as told:
            self._start(command, pattern, needed, on_stderr, told)

    def _start(self, command, pattern, needed, on_stderr, told):
        streams = {"stdout": subprocess.DEVNULL, "stderr": told, "text": True}
        streams["stderr" if on_stderr else "stdout"] = subprocess.PIPE
        self.process = subprocess.Popen(command, **streams)
        signal.signal(signal.SIGALRM, self._late)
        signal.alarm(START_SECONDS_MAX)
        self.addresses = {}
        stream = self.process.stderr if on_stderr else self.process.stdout
        while set(needed) - set(self.addresses):
            line = stream.readline()
            if not line:
                signal.alarm(0)
                self.process.kill()
                code = self.process.wait()
                told.seek(0)
                why = told.read().strip() or f"run it by hand to see why: {' '.join(command)}"
                raise (Skipped if code == EXIT_CANNOT_START else Failed)(
                    f"{self.name} did not start: {why}")
            self.printed += line
            self.addresses.update(re.findall(pattern, line))
        signal.alarm(0)

    @property
    def pid(self):
        return self.process.pid

    def _late(self, *_):
        self.process.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)


def end(process, wait=START_SECONDS_MAX):
    """Ends a process that may have ended already."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(wait)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


def resident_bytes(pid):
    """0 when it cannot be read."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        return 1024 * int(re.search(r"^Rss: +(\d+)", text, re.MULTILINE)[1])
    except (OSError, TypeError):
        return 0


def meminfo(field):
    """Bytes of one line of /proc/meminfo."""
    text = pathlib.Path("/proc/meminfo").read_text()
    return 1024 * int(re.search(rf"^{field}: +(\d+)", text, re.MULTILINE)[1])


def first():
    """preexec_fn: before other programs of its CPU, where the system permits it."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:
        pass
