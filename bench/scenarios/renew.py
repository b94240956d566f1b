"""renew: a node of many rooms tells goim's logic of all of them every ten seconds (RenewOnline), beside
pushes to single rooms. Logic is a program in Go, on the load's CPU."""

import time

from lib.results import table

from .logic import Peer, build_peer, until, usable
from .operate import cpu_s, gateway_of

TITLE = "reports of 100,000 rooms to goim's logic, beside pushes"

PERIOD_S = 10


def measure(bench, name, gateway, clients, logic=None):
    """Pushes to one room after another for some reports' time: their latency, and the gateway's CPU."""
    seconds = bench.size(4 * PERIOD_S, 2)
    with bench.start_load(gateway, "messages received", transport="tcp", clients=clients, rooms=clients,
                          rate=500, seconds=seconds + bench.size(5, 1), connect_window=256,
                          connect_timeout_ms=120_000) as load:
        had = logic.told["reports"] if logic else 0
        before, began = cpu_s(gateway.pid), time.monotonic()
        time.sleep(seconds)
        cores = (cpu_s(gateway.pid) - before) / (time.monotonic() - began)
        if logic and not bench.options.tiny:
            until(lambda: logic.told["reports"] > had, "a report", 3 * PERIOD_S)
        reports = logic.told["reports"] - had if logic else 0
        report = load.report()
    return {"backend": name, "cpu_percent": 100 * cores, "reports": reports,
            "rooms": logic.told["rooms"] if logic else 0,
            "kilobytes": logic.told["report_bytes"] / 1e3 if logic else 0,
            **{f"{each}_ms": report[f"latency_{each}_ns"] / 1e6 for each in ("p50", "p99", "max")}}


def run(bench):
    program = build_peer()
    clients = bench.options.clients or bench.size(100_000, 60)
    rows = []
    with gateway_of(bench, clients=clients) as gateway:
        rows.append(measure(bench, "embedded", gateway, clients))
    with Peer(bench, program, "counting_logic", "127.0.0.1:0") as logic:
        address = logic.told["address"]
        with gateway_of(bench, "--backend=goim", f"--goim.addresses={address}", "--goim.server=n",
                        clients=clients) as gateway:
            until(lambda: usable(gateway) and "reports" in logic.told, "finding logic", 30)
            rows.append(measure(bench, "goim", gateway, clients, logic))
    extra = (rows[1]["cpu_percent"] - rows[0]["cpu_percent"]) / 100 * PERIOD_S * 1e3
    table(f"{clients:,} rooms of one member, 500 pushes a second",
          (("backend", "backend", ""), ("% of a CPU", "cpu_percent", ".1f"), ("reports", "reports", ""),
           ("rooms in each", "rooms", ","), ("kB of gzip", "kilobytes", ",.0f"), ("p50 ms", "p50_ms", ".2f"),
           ("p99 ms", "p99_ms", ".2f"), ("max ms", "max_ms", ".1f")), rows)
    print(f"a report every {PERIOD_S} s takes {extra:.0f} ms of a CPU")
    return {"rows": rows}
