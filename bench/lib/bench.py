"""Bench: the programs under test with this run's options, and whether anything was lost."""

import argparse
import json
import os
import pathlib
import re
import subprocess

from .process import Failed, Server, Skipped, end, first

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
RUN_SECONDS_MAX = 600


def common_options(parser, many_rings=False):
    """What every script takes: programs, CPUs, where results go."""
    cpus = sorted(os.sched_getaffinity(0))
    parser.add_argument("--halley", default=str(ROOT / "build/halley"))
    parser.add_argument("--load", default=str(ROOT / "build/halley-load"))
    parser.add_argument("--limit", default=str(ROOT / "build/bench/limit/halley-limit"))
    parser.add_argument("--comet-load", default=str(ROOT / "build/bench/comet/halley-comet-load"))
    parser.add_argument("--server-cpu", default=str(cpus[0]))
    parser.add_argument("--load-cpu", default=str(cpus[-1]))
    rings = ("auto", "uring", "epoll")
    if many_rings:
        parser.add_argument("--io", nargs="+", choices=rings, metavar="RING",
                            help=f"the gateway's ring: {', '.join(rings)}; several: one beside the "
                            "other")
    else:
        parser.add_argument("--io", choices=rings, metavar="RING",
                            help=f"the gateway's ring: {', '.join(rings)}")
    parser.add_argument("--gateway-option", action="append", default=[], metavar="--FLAG=VALUE",
                        help="one more flag of the gateway; may be given again")
    parser.add_argument("--json", metavar="FILE", help="write all figures to this file")


def parser_of(text):
    return argparse.ArgumentParser(description=text.split("\n", maxsplit=1)[0])


class Bench:
    def __init__(self, options):
        self.options = options
        self.lost = False

    def size(self, full, tiny):
        """A size of a scenario: the real one, or one that only shows that it works."""
        return tiny if self.options.tiny else full

    def gateway(self, shards=1, cpus=None, options=(), io=None):
        """On that ring; None: on the one of --io, or what it chooses itself."""
        cpus = cpus or self.options.server_cpu
        command = [self.options.halley, "--tcp", "127.0.0.1:0", "--ws", "127.0.0.1:0",
                   "--push", "127.0.0.1:0", "--admin", "", "--shards", str(shards), "--cpus", cpus,
                   "--log-level", "error", *self.options.gateway_option, *options]
        ring = io or (self.options.io if isinstance(self.options.io, str) else None)
        if ring:
            command.append(f"--io={ring}")
        server = Server(command, r"^\s*(tcp|tcp_tls|ws|comet_grpc|admin|push) +(\S+)$", ("tcp", "ws", "push"))
        fit = re.search(r"up to (\d+) connections", server.printed)
        server.connections_max = int(fit[1]) if fit else 0
        return server

    def limit(self, transport="ws"):
        return Server([self.options.limit, "--" + transport, "127.0.0.1:0", "--cpu",
                       self.options.server_cpu], r"(clients|control) (\S+)",
                      ("clients", "control"), on_stderr=True)

    def load_command(self, server, *arguments, transport="ws", listener=None, push=True, **flags):
        """halley-load against a gateway or halley-limit; `flags` are its options. `listener`: the
        one of the gateway's that clients connect to, when it is not called as their transport."""
        options = self.options
        bare = server.addresses.get("control")
        clients = server.addresses["clients" if bare else listener or transport]
        given = {"heartbeat": 0, "cpus": options.load_cpu, "softirq_cpus": options.server_cpu,
                 "pid": server.pid, **flags}
        command = [options.load, "--" + transport, clients, "--json", *arguments]
        if push:
            command += ["--bare", bare] if bare else ["--push", server.addresses["push"]]
        for name, value in given.items():
            if value is not None:
                command += ["--" + name.replace("_", "-"), str(value)]
        return command

    def load(self, server, *arguments, **flags):
        """Runs halley-load to its end and returns its report."""
        command = self.load_command(server, "--quiet", *arguments, **flags)
        try:
            done = subprocess.run(command, capture_output=True, text=True,
                                  timeout=RUN_SECONDS_MAX, check=False)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"halley-load did not end within {RUN_SECONDS_MAX} s") from error
        return self.judge(done.returncode, done.stdout, done.stderr)

    def judge(self, code, out, err):
        if code not in (0, 1):
            raise Failed(err.strip().rsplit("\n", maxsplit=1)[-1])
        report = json.loads(out)
        for failure in report["failures"]:
            self.lost = True
            print(f"  FAILED: {failure}", flush=True)
        return report

    def start_load(self, server, until, *arguments, **flags):
        """Starts halley-load and returns when it has told of its progress what `until` matches."""
        command = self.load_command(server, *arguments, **flags)
        return Background(self, command, until)


class Background:
    """A halley-load that runs beside something else."""

    def __init__(self, bench, command, until, preexec=None):
        self.bench = bench
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, preexec_fn=preexec)
        told = []
        for line in self.process.stderr:
            told.append(line)
            if re.search(until, line):
                return
        self.process.communicate()
        raise Failed("".join(told[-1:]).strip() or "halley-load ended too early")

    def running(self):
        return self.process.poll() is None

    def report(self):
        """Waits for its end."""
        try:
            out, err = self.process.communicate(timeout=RUN_SECONDS_MAX)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"halley-load did not end within {RUN_SECONDS_MAX} s") from error
        return self.bench.judge(self.process.returncode, out, err)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)


def run_first(bench, command):
    """Runs a small halley-load beside a big one on the same CPU, ahead of it."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS_MAX,
                          check=False, preexec_fn=first)
    return bench.judge(done.returncode, done.stdout, done.stderr)


__all__ = ["ROOT", "Bench", "Background", "Failed", "Skipped", "common_options", "parser_of",
           "run_first"]
