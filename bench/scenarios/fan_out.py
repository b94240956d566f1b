"""paced and burst: one room, 1 or 16 pushes in flight, beside the bare loop of send()."""

import statistics

from lib.fan_out import one_run, rounds
from lib.results import MEASURED, measured, spread, table


class FanOut:
    def __init__(self, title, window, pushes, goal):
        self.TITLE = title
        self.window = window
        self.pushes = pushes
        self.goal = goal

    def run(self, bench):
        clients = bench.size(10000, 100)
        pushes = bench.size(self.pushes, self.window)
        with bench.gateway() as gateway, bench.limit() as limit:
            # Page faults, slabs and caches of a first time.
            one_run(bench, gateway, 1, 1, clients)
            one_run(bench, limit, 1, 1, clients)
            pairs = rounds(bench, {"gateway": gateway}, limit, self.window, pushes, clients,
                           bench.size(7, 1))["gateway"]
        rows = [{"server": name, "ns": report["ns"], **measured(report)}
                for pair in pairs for name, report in zip(("gateway", "bare loop"), pair)]
        table(f"{clients} WebSocket clients in one room, {self.window} in flight",
              (("server", "server", ""), ("ns/delivery", "ns", ",.0f"), *MEASURED), rows)
        ratios = [ours["ns"] / bare["ns"] for ours, bare in pairs]
        print(f"gateway : bare loop {spread(ratios, 3)}, goal {self.goal:g}")
        return {"rows": rows, "ratios": ratios, "ratio": statistics.median(ratios)}


Paced = FanOut("one push in flight", 1, 20, 1.10)
Burst = FanOut("sixteen pushes in flight", 16, 320, 1.30)
