"""deflate: a broadcast that is compressed once for all, beside a plain one of the same bytes."""

import statistics

from lib.results import MEASURED, measured, spread, table

TITLE = "a compressed broadcast beside a plain one of the compressed size"

GOAL = 1.05
BODY_BYTES = 2048
# Of a plain push on WebSocket: its own header (of 2 or 4 bytes) and goim's two.
PLAIN_HEADERS = 2 + 32
STAMP_BYTES_MIN = 44


def run(bench):
    clients = bench.size(10000, 100)
    pushes = bench.size(20, 1)
    rows, ratios = [], []
    with bench.gateway(options=["--websocket.deflate_bytes=256"]) as gateway:
        def one(*arguments, size):
            report = bench.load(gateway, "--spin", *arguments, clients=clients, size=size, window=1,
                                count=pushes, warmup=2)
            report["ns"] = report["cpu_ns_per_delivery"] + report["softirq_ns_per_delivery"]
            return report

        compressed = one("--deflate", size=BODY_BYTES)
        wire_bytes = compressed["bytes_per_delivery"]
        size = max(round(wire_bytes) - PLAIN_HEADERS, STAMP_BYTES_MIN)
        for number in range(bench.size(9, 1)):
            kinds = {"compressed": lambda: one("--deflate", size=BODY_BYTES),
                     "plain": lambda: one(size=size)}
            order = list(kinds) if number % 2 == 0 else list(reversed(kinds))
            reports = {name: kinds[name]() for name in order}
            for name in kinds:
                report = reports[name]
                rows.append({"messages": name, "ns": report["ns"],
                             "bytes": report["bytes_per_delivery"], **measured(report)})
            ratios.append(reports["compressed"]["ns"] / reports["plain"]["ns"])
    table(f"{clients} WebSocket clients in one room, bodies of {BODY_BYTES} bytes that are "
          f"compressed, and of {size} that are not",
          (("messages", "messages", ""), ("bytes/delivery", "bytes", ",.0f"),
           ("ns/delivery", "ns", ",.0f"), *MEASURED), rows)
    print(f"compressed : plain {spread(ratios, 3)}, goal {GOAL:g}")
    return {"rows": rows, "ratios": ratios, "ratio": statistics.median(ratios)}
