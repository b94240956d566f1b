#!/usr/bin/env python3
"""Holds the gateway to the bare loop of send(), and measures logins, memory and 100,000 clients.

Gateway and halley-limit stand side by side, idle while the other is measured; rounds alternate
between them, with the same halley-load against both. All traffic is loopback. What the figures mean
and how they are taken: README.md beside this file.

Exit code: 0 when everything was measured and nothing was lost, whether or not a goal was reached;
           1 when something was lost or a program failed; 2 for wrong options;
           77 when the kernel or its limits do not let the gateway start.
"""

import contextlib
import json
import pathlib
import statistics
import sys

from lib.bench import Bench, Failed, Skipped, common_options, parser_of
from lib.fan_out import one_run, rounds
from lib.process import EXIT_SKIPPED
from lib.results import spread

GOAL_RATIO = {1: 1.03, 16: 1.00}
GOAL_LATENCY = 1.05
GOAL_MEMORY_BYTES = 320
GOAL_LOGIN_US = 25.0
GOAL_IDLE_US = 0.5
HEARTBEAT_S = 30


class Comparison(Bench):
    def fan_out(self):
        options = self.options
        print(f"fan-out: {options.clients} WebSocket clients in one room, 64 bytes, server on CPU "
              f"{options.server_cpu}, load on CPU {options.load_cpu}, {options.rounds} rounds")
        print("  CPU ns per delivery; gateway: its shard thread, bare: the loop of send() alone; "
              "both with ksoftirqd")
        results = {ring: {"fan_out": {}, "login_us": []} for ring in options.rings}
        with contextlib.ExitStack() as stack:
            gateways = {ring: stack.enter_context(self.gateway(io=ring)) for ring in options.rings}
            limit = stack.enter_context(self.limit())
            for server in (*gateways.values(), limit):
                # Page faults, slabs and caches of a first time.
                one_run(self, server, 1, 1, options.clients)
            named = {gateway_on(ring): gateway for ring, gateway in gateways.items()}
            for window, pushes in ((1, options.pushes), (16, 16 * options.pushes)):
                reports = rounds(self, named, limit, window, pushes, options.clients,
                                 options.rounds)
                for ring, pairs in zip(options.rings, reports.values()):
                    results[ring]["login_us"] += [
                        (ours["login_cpu_ns"] + ours["login_softirq_ns"]) / 1000
                        for ours, _ in pairs]
                    results[ring]["fan_out"][window] = summary(pairs)
        return results

    def logins_tcp(self, ring):
        """CPU per login on TCP; on WebSocket every fan-out run measures it."""
        with self.gateway(io=ring) as gateway:
            values = []
            for _ in range(self.options.rounds):
                report = self.load(gateway, transport="tcp", clients=self.options.clients, count=1)
                values.append((report["login_cpu_ns"] + report["login_softirq_ns"]) / 1000)
        return values

    def idle(self, ring, transport):
        """What an idle connection takes of a gateway that has served nobody before: bytes, and
        microseconds of CPU each second with a heartbeat every 30 s."""
        options = self.options
        with self.gateway(io=ring) as gateway:
            report = self.load(gateway, transport=transport, push=False,
                               clients=options.idle_clients, settle_ms=options.settle_ms,
                               heartbeat=HEARTBEAT_S, hold=options.hold)
        return (report["bytes_per_connection"],
                report["hold_server_cores"] * 1e6 / options.idle_clients)

    def hundred(self, ring):
        options = self.options
        cpus = f"{options.server_cpu},{options.load_cpu}"
        with self.gateway(options.many_shards, cpus, io=ring) as gateway:
            return self.load(gateway, clients=options.many_clients, rooms=0, to="all", window=1,
                             count=5, drain_ms=30000, connect_timeout_ms=60000,
                             receive_buffer=4096, cpus=None, softirq_cpus=None, pid=None)


def summary(pairs):
    ratios = [ours["ns"] / bare["ns"] for ours, bare in pairs]
    return {
        "gateway_ns": [ours["ns"] for ours, _ in pairs],
        "bare_ns": [bare["ns"] for _, bare in pairs],
        "ratio": ratios,
        "latency": {quantile: {
            "gateway_ms": [ours[f"latency_{quantile}_ns"] / 1e6 for ours, _ in pairs],
            "bare_ms": [bare[f"latency_{quantile}_ns"] / 1e6 for _, bare in pairs],
            "ratio": [ours[f"latency_{quantile}_ns"] / bare[f"latency_{quantile}_ns"]
                      for ours, bare in pairs]} for quantile in ("p50", "p99")},
    }


def verdict(value, goal, options):
    if options.quick:
        return f"goal {goal:g}, not judged by a quick run"
    return f"goal {goal:g}: {'reached' if value <= goal else 'MISSED'}"


def gateway_on(ring):
    return f"gateway on {ring}" if ring else "gateway"


def run_alone(bench, ring, result):
    """The parts that measure one gateway after the other."""
    options = bench.options
    on_ring = f" on {ring}" if ring else ""
    if "login" in options.only:
        result["login_tcp_us"] = bench.logins_tcp(ring)
        print(f"login, TCP{on_ring}: {spread(result['login_tcp_us'], 1)} us of CPU each, "
              f"{verdict(statistics.median(result['login_tcp_us']), GOAL_LOGIN_US, options)}")
    if "idle" in options.only:
        for transport in ("ws", "tcp"):
            memory, cpu = bench.idle(ring, transport)
            result["memory_" + transport], result["idle_us_per_s_" + transport] = memory, cpu
            print(f"idle, {transport}{on_ring}, of {options.idle_clients}: {memory:.0f} bytes "
                  f"resident each, {verdict(memory, GOAL_MEMORY_BYTES, options)}; {cpu:.2f} us of "
                  f"CPU each per second with a heartbeat every {HEARTBEAT_S} s, "
                  f"{verdict(cpu, GOAL_IDLE_US, options)}", flush=True)
    if "hundred" in options.only:
        report = result["hundred"] = bench.hundred(ring)
        print(f"{report['clients']} clients on {options.many_shards} shards{on_ring}: logged in at "
              f"{report['logins_per_s']:.0f}/s; {report['pushed']} broadcasts, expected "
              f"{report['expected']}, received {report['received']}, "
              f"{report['deliveries_per_s']:.0f} deliveries/s")


def run(bench):
    """All figures; by ring, when rings were named."""
    options = bench.options
    results = {ring: {} for ring in options.rings}
    if "fan-out" in options.only:
        for ring, result in bench.fan_out().items():
            results[ring].update(result)
            for window, row in result["fan_out"].items():
                median = statistics.median(row["ratio"])
                print(f"{window:2} in flight: {gateway_on(ring)} {spread(row['gateway_ns'])} ns, "
                      f"bare {spread(row['bare_ns'])} ns per delivery, ratio "
                      f"{spread(row['ratio'], 3)}, "
                      f"{verdict(median, GOAL_RATIO[window], options)}")
                for quantile, times in row["latency"].items():
                    print(f"   {quantile} of a delivery: {spread(times['gateway_ms'], 1)} ms, bare "
                          f"{spread(times['bare_ms'], 1)} ms, ratio {spread(times['ratio'], 3)}, "
                          f"{verdict(statistics.median(times['ratio']), GOAL_LATENCY, options)}")
            print(f"login, WebSocket{f' on {ring}' if ring else ''}: "
                  f"{spread(result['login_us'], 1)} us of CPU each, "
                  f"{verdict(statistics.median(result['login_us']), GOAL_LOGIN_US, options)}")
    for ring, result in results.items():
        run_alone(bench, ring, result)
    return results if options.io else results[None]


def parse(arguments):
    parser = parser_of(__doc__)
    parts = ("fan-out", "login", "idle", "hundred")
    common_options(parser, many_rings=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clients", type=int, default=10000)
    parser.add_argument("--idle-clients", type=int, default=18000, help="for what idle ones take")
    parser.add_argument("--many-clients", type=int, default=100000)
    parser.add_argument("--many-shards", type=int, default=8)
    parser.add_argument("--pushes", type=int, default=20, help="per round, 16 times as many with "
                        "16 in flight")
    parser.add_argument("--only", nargs="+", choices=parts, default=parts, metavar="PART",
                        help=", ".join(parts))
    parser.add_argument("--quick", action="store_true",
                        help="everything once and small: shows that it works, measures nothing")
    options = parser.parse_args(arguments)
    options.rings = tuple(dict.fromkeys(options.io)) if options.io else (None,)
    options.settle_ms = 100 if options.quick else 2000
    options.hold = 1 if options.quick else HEARTBEAT_S
    if options.quick:
        options.rounds, options.clients, options.idle_clients, options.pushes = 1, 200, 200, 3
        options.many_clients, options.many_shards = 1000, 2
    return options


def main(arguments):
    bench = Comparison(parse(arguments))
    try:
        result = run(bench)
    except (Failed, Skipped) as error:
        print(f"compare: {error}", file=sys.stderr)
        return EXIT_SKIPPED if isinstance(error, Skipped) else 1
    if bench.options.json:
        pathlib.Path(bench.options.json).write_text(json.dumps(result, indent=1) + "\n")
    return 1 if bench.lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
