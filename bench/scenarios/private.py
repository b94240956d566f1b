"""private: what others wait for while one big room is flushed again and again.

A big halley-load keeps the room busy; a small one, which the kernel prefers on the same CPU where
that is permitted, measures the gateway's answers to private pushes, heartbeats and logins, and the
trickle of another room."""

from lib.bench import run_first
from lib.results import table

TITLE = "private pushes, heartbeats, logins and another room beside a storm"

GOAL_P99_MS = 10.0


def probe(bench, gateway, **flags):
    return run_first(bench, bench.load_command(gateway, "--quiet", heartbeat=1, warmup=10,
                                               **flags))


def beside(bench, gateway, name):
    """The figures of both probes; whatever goes on meanwhile is the caller's."""
    seconds = bench.size(10, 1)
    private = probe(bench, gateway, clients=50, rooms=0, to="key", rate=200, churn=50,
                    count=200 * seconds)
    trickle = probe(bench, gateway, clients=50, rooms=1, rate=20, count=20 * seconds)
    rows = []
    for what, report, prefix in (("private push", private, "latency"),
                                 ("heartbeat", private, "heartbeat"),
                                 ("login", private, "login"),
                                 ("other room's push", trickle, "latency")):
        rows.append({"beside": name, "what": what,
                     **{f"{each}_ms": report[f"{prefix}_{each}_ns"] / 1e6
                        for each in ("p50", "p99", "max")}})
    return rows


def run(bench):
    members = bench.options.clients or bench.size(10000, 100)
    rows, storms = [], []
    with bench.gateway() as gateway:
        rows += beside(bench, gateway, "nothing")
        for window in (1, 16):
            with bench.start_load(gateway, "messages received", clients=members, window=window,
                                  seconds=bench.size(60, 5)) as storm:
                name = f"{members} members, {window} in flight"
                rows += beside(bench, gateway, name)
                if not storm.running():
                    print("  the storm was over before the probes: read its rows as quiet ones")
                report = storm.report()
                storms.append({"beside": name, "deliveries_per_s": report["deliveries_per_s"],
                               "sends_per_s": report["sends_per_s"],
                               "server_cores": report["server_cores"],
                               "load_cores": report["load_cores"]})
    table("latency of the probes", (("beside", "beside", ""), ("what", "what", ""),
                                    ("p50 ms", "p50_ms", ".2f"), ("p99 ms", "p99_ms", ".2f"),
                                    ("max ms", "max_ms", ".1f")), rows)
    table("the storms", (("storm", "beside", ""), ("deliveries/s", "deliveries_per_s", ",.0f"),
                         ("sends/s", "sends_per_s", ",.0f"), ("server busy", "server_cores", ".2f"),
                         ("load busy", "load_cores", ".2f")), storms)
    worst = max(row["p99_ms"] for row in rows[4:])
    print(f"worst p99 beside a storm: {worst:.2f} ms, goal {GOAL_P99_MS:g}")
    return {"rows": rows, "storms": storms, "worst_p99_ms": worst}
