"""slow: half of the clients stop reading under load and come back; the others must not notice."""

import threading

from lib.process import resident_bytes
from lib.results import MEASURED, measured, table

TITLE = "half of the clients stop reading: the healthy half's latency, memory, the books"

RATE = 40
GOAL = 1.2  # p99 of those that read, with the others stalled, to the same with all reading


class Watch:
    """The most memory that a process had while it was watched."""

    def __init__(self, pid):
        self.pid = pid
        self.most = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while True:
            self.most = max(self.most, resident_bytes(self.pid))
            if self.over.wait(0.2):
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def one(bench, name, clients, stalled):
    # A small log, so that those who stall fall out of it, and bodies that fill socket buffers. Not
    # smaller buffers: a window of few messages opens at the pace of the kernel's probes.
    options = ["--room.log_bytes=128KiB", "--push.body_bytes=4KiB"]
    with bench.gateway(options=options) as gateway, Watch(gateway.pid) as watch:
        report = bench.load(gateway, clients=clients, stalled=stalled, rate=RATE, size=1024,
                            count=RATE * bench.size(10, 3), receive_buffer=32768,
                            drain_ms=20000)
    return {"who": name, "clients": clients, "stalled": report["stalled_clients"],
            "expected": report["expected"], "received": report["received"],
            "skipped": report["server_skipped"] + report["server_refused"],
            "missed": report["lost"], "exact": report["ok"],
            "resident_before": report["resident_bytes"], "resident_most": watch.most,
            **measured(report)}


def run(bench):
    clients = bench.size(2000, 60)
    rows = []
    for number in range(bench.size(3, 1)):
        rows += [one(bench, f"half of them, all read, {number + 1}", clients // 2, 0),
                 one(bench, f"all read, {number + 1}", clients, 0),
                 one(bench, f"half stalled, {number + 1}", clients, 50)]
    table(f"one room, 1 KiB at {RATE} pushes/s; latency is of those that read",
          (("who", "who", ""), ("stalled", "stalled", ""), ("skipped", "skipped", ""),
           ("missed", "missed", ""), ("exact", "exact", ""),
           ("most resident bytes", "resident_most", ","), *MEASURED), rows)
    ratios = [stalled["p99_ms"] / reading["p99_ms"]
              for reading, stalled in zip(rows[1::3], rows[2::3])]
    growth = max(row["resident_most"] - row["resident_before"] for row in rows[2::3])
    print("p99 with half stalled : with all reading " +
          ", ".join(f"{ratio:.2f}" for ratio in ratios) + f", goal {GOAL:g}; "
          f"the gateway grew by at most {growth:,} bytes while they stalled")
    return {"rows": rows, "p99_ratios": ratios, "growth_bytes": growth}
