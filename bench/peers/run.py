#!/usr/bin/env python3
"""Measures one fan-out on Halley, on a bare loop of send() and on other servers, in one run.

N subscribers of one room, bodies of 64 bytes, one push in flight and sixteen. Every server is
started first and idle while another is measured, on the same CPU; every one is measured by the
same engine on the same other CPU, and its CPU time is that of its whole process. Rounds go through
the servers in turn. See README.md beside this file.

Exit code: 0 when everything was measured and nothing was lost; 1 when something was lost or a
           program failed; 2 for wrong options; 77 when a server that --only names is not installed,
           or the gateway cannot start here.
"""

import contextlib
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from lib.bench import (ROOT, RUN_SECONDS_MAX, Bench, Failed, Skipped,  # noqa: E402
                       common_options, parser_of)
from lib.process import EXIT_SKIPPED  # noqa: E402
from lib.results import spread, table, write_json  # noqa: E402
from peers.servers import PEERS  # noqa: E402

# Longer than a server that shares its CPU with others may have to wait for it.
DRAIN_MS = 60000
FIRST = ("halley, ws", "halley, tcp", "bare loop, ws")


class Fan(Bench):
    def peer_load(self, peer, **flags):
        options = self.options
        given = {"drain-ms": DRAIN_MS, "tcp": peer.addresses["clients"],
                 "push": peer.addresses["push"], "clients": options.clients, "size": peer.BODY, "heartbeat": 0,
                 "cpus": options.load_cpu, "softirq-cpus": options.server_cpu, "pid": peer.pid,
                 **flags}
        command = [options.fan_client, peer.NAME, "--json", "--quiet", "--spin"]
        for name, value in given.items():
            command += [f"--{name}", str(value)]
        try:
            done = subprocess.run(command, capture_output=True, text=True,
                                  timeout=RUN_SECONDS_MAX, check=False)
        except subprocess.TimeoutExpired as error:
            raise Failed(f"{peer.NAME}: no end within {RUN_SECONDS_MAX} s") from error
        try:
            return self.judge(done.returncode, done.stdout, done.stderr)
        except Failed as error:
            raise Failed(f"{peer.NAME}: {error}") from error

    def servers(self, stack):
        """name -> how to measure it; all of them running."""
        gateway = stack.enter_context(self.gateway())
        limit = stack.enter_context(self.limit())
        clients = self.options.clients

        def ours(server, transport="ws"):
            return lambda **flags: self.load(server, "--spin", transport=transport, size=64,
                                             clients=clients, drain_ms=DRAIN_MS, **flags)

        runs = dict(zip(FIRST, (ours(gateway), ours(gateway, "tcp"), ours(limit))))
        for name in self.options.only or PEERS:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="halley-peer-"))
            try:
                peer = PEERS[name](self.options, folder)
            except Skipped as error:
                if self.options.only:
                    raise
                print(f"left out: {error}")
                continue
            stack.callback(peer.stop)
            runs[name] = lambda peer=peer, **flags: self.peer_load(peer, **flags)
        return runs


def figures(name, reports):
    """The medians of one server's rounds."""
    def median(field):
        return statistics.median(report[field] for report in reports)

    cpu = [report["process_ns_per_delivery"] + report["softirq_ns_per_delivery"]
           for report in reports]
    return {"server": name, "speaks": PEERS[name].SPEAKS if name in PEERS else "goim",
            "ns": statistics.median(cpu), "ns_rounds": cpu,
            "deliveries_per_s": median("deliveries_per_s"),
            "reads_per_delivery": median("reads_per_delivery"),
            "p50_ms": median("latency_p50_ns") / 1e6, "p99_ms": median("latency_p99_ns") / 1e6,
            "max_ms": max(report["latency_max_ns"] for report in reports) / 1e6,
            "login_us": median("login_cpu_ns") / 1e3,
            "server_cores": median("process_cores"), "load_cores": median("load_cores")}


COLUMNS = (("server", "server", ""), ("speaks", "speaks", ""), ("CPU ns/delivery", "spread", ""),
           ("to halley", "to_halley", ".2f"), ("to bare loop", "to_bare", ".2f"),
           ("deliveries/s", "deliveries_per_s", ",.0f"),
           ("reads/delivery", "reads_per_delivery", ".3f"), ("p50 ms", "p50_ms", ".2f"),
           ("p99 ms", "p99_ms", ".2f"), ("max ms", "max_ms", ".1f"),
           ("login CPU us", "login_us", ".1f"), ("server busy", "server_cores", ".2f"),
           ("load busy", "load_cores", ".2f"))


def measure(bench, runs, window, pushes):
    options = bench.options
    reports = {name: [] for name in runs}
    names = list(runs)
    for number in range(options.rounds):
        for name in names[number % len(names):] + names[:number % len(names)]:
            lost = bench.lost
            report = runs[name](window=window, count=pushes, warmup=2 * window)
            reports[name].append(report)
            if bench.lost and not lost:
                print(f"  so it was with {name}, {window} in flight", flush=True)
    rows = [figures(name, of_one) for name, of_one in reports.items()]
    by_name = {row["server"]: row for row in rows}
    for row in rows:
        like = PEERS[row["server"]].LIKE if row["server"] in PEERS else row["server"][-3:].strip()
        ours = by_name["halley, " + like]
        row["to_halley"] = row["ns"] / ours["ns"] if ours["ns"] else None
        bare = by_name["bare loop, ws"]
        row["to_bare"] = row["ns"] / bare["ns"] if bare["ns"] else None
        row["spread"] = spread(row["ns_rounds"])
    table(f"{options.clients} subscribers, {window} in flight, {options.rounds} rounds", COLUMNS,
          rows)
    return rows


def parse(arguments):
    parser = parser_of(__doc__)
    common_options(parser)
    parser.add_argument("--fan-client", default=str(ROOT / "build/bench/peers/fan-client"))
    parser.add_argument("--centrifugo", default=str(ROOT / "build/peers/centrifugo"))
    parser.add_argument("--only", nargs="+", choices=list(PEERS), metavar="PEER",
                        help=", ".join(PEERS) + "; else all that are installed")
    parser.add_argument("--clients", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pushes", type=int, default=20, help="per round, 16 times as many with "
                        "16 in flight")
    parser.add_argument("--tiny", action="store_true",
                        help="everything once and small: shows that it works, measures nothing")
    options = parser.parse_args(arguments)
    if options.tiny:
        options.clients, options.rounds, options.pushes = 50, 1, 3
    return options


def main(arguments):
    options = parse(arguments)
    # Servers inherit it.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = Fan(options)
    results = {}
    try:
        with contextlib.ExitStack() as stack:
            runs = bench.servers(stack)
            for window, pushes in ((1, options.pushes), (16, 16 * options.pushes)):
                results[f"{window}_in_flight"] = measure(bench, runs, window, pushes)
    except (Failed, Skipped) as error:
        print(f"peers: {error}", file=sys.stderr)
        return EXIT_SKIPPED if isinstance(error, Skipped) else 1
    if options.json:
        write_json(options.json, " ".join(["bench/peers/run.py", *arguments]), results)
    return 1 if bench.lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
