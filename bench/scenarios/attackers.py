"""attackers: thousands of clients do harm; those who do none must not notice, nor the memory."""

import contextlib
import json
import pathlib
import subprocess
import sys
import time

from lib.bench import run_first
from lib.process import Failed, end
from lib.results import MEASURED, measured, table

from .slow import Watch

TITLE = "half handshakes, floods of fragments, compression bombs: the others' latency, memory"

SCRIPT = pathlib.Path(__file__).parent.parent / "lib/attackers.py"
RATE = 40
GOAL_P99 = 1.2
GOAL_BYTES = 64 << 20
PACE_S = 5


class Attackers:
    """They attack from here to the end of the `with`; then `told` is what they say of it."""

    def __init__(self, bench, gateway, count, pace):
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), gateway.addresses["ws"], "--attackers", str(count),
             "--cpus", bench.options.load_cpu, "--pace", str(pace)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            end(self.process)
            raise Failed("the attackers did not get there")
        self.began = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.began
        out, _ = self.process.communicate()  # ends its standard input
        self.told = json.loads(out)


def one(bench, name, clients, attackers):
    with bench.gateway(options=["--websocket.deflate_bytes=256"]) as gateway, \
            Watch(gateway.pid) as watch, contextlib.ExitStack() as attack:
        there = None
        if attackers:
            pace = bench.size(PACE_S, 0.2)
            there = attack.enter_context(Attackers(bench, gateway, attackers, pace))
        report = run_first(bench, bench.load_command(gateway, "--quiet", clients=clients, rate=RATE,
                                                     count=RATE * bench.size(20, 3)))
        attack.close()
    ended = there.told["ended"] if there else {}
    return {"who": name, "clients": clients, "attackers": attackers,
            "attacks_ended_per_s": sum(ended.values()) / there.seconds if there else 0,
            "ended": ended, "not_taken": there.told["not_taken"] if there else {},
            "missed": report["lost"], "exact": report["ok"], "resident_most": watch.most,
            **measured(report)}


def run(bench):
    clients = bench.size(2000, 60)
    attackers = bench.size(10000, 90)
    rows = []
    for number in range(bench.size(3, 1)):
        rows += [one(bench, f"calm, {number + 1}", clients, 0),
                 one(bench, f"attacked, {number + 1}", clients, attackers)]
    table(f"one room of {clients} clients at {RATE} pushes/s, beside {attackers} attackers",
          (("who", "who", ""), ("attacks ended/s", "attacks_ended_per_s", ",.0f"),
           ("missed", "missed", ""), ("exact", "exact", ""),
           ("most resident bytes", "resident_most", ","), *MEASURED), rows)
    ratios = [attacked["p99_ms"] / calm["p99_ms"]
              for calm, attacked in zip(rows[::2], rows[1::2])]
    added = max(attacked["resident_most"] - calm["resident_most"]
                for calm, attacked in zip(rows[::2], rows[1::2]))
    print("p99 attacked : calm " + ", ".join(f"{ratio:.2f}" for ratio in ratios) +
          f", goal {GOAL_P99:g}; memory added at most {added:,} bytes, goal {GOAL_BYTES:,}")
    return {"rows": rows, "p99_ratios": ratios, "added_bytes": added}
