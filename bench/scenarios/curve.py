"""curve: what a delivery costs when more is pushed, and when pushes wait for company."""

from lib.results import MEASURED, measured, table, write_chart

TITLE = "deliveries/s and CPU per delivery against the push rate, by linger"

RATES = (10, 40, 100, 1000)
LINGERS_MS = (0, 10, 100, 1000)


def run(bench):
    rates = bench.size(RATES, (40, 100))
    seconds = bench.size(10, 1)
    rows = []
    for linger in bench.size(LINGERS_MS, LINGERS_MS[:2]):
        for rate in rates:
            with bench.gateway(options=[f"--room.linger_ms={linger}"]) as gateway:
                clients = bench.size(min(20000, gateway.connections_max), 100)
                report = bench.load(gateway, clients=clients, rate=rate, count=rate * seconds,
                                    warmup=rate, size=64, drain_ms=30000)
            rows.append({"linger_ms": linger, "rate": rate, "clients": clients,
                         "offered_per_s": rate * clients,
                         "sends_per_delivery": report["sends_per_delivery"],
                         **measured(report)})
            row = rows[-1]
            print(f"  linger {linger} ms, {rate} pushes/s: {row['deliveries_per_s']:,.0f} "
                  f"deliveries/s, {row['cpu_ns_per_delivery']:,.0f} ns each", flush=True)
    table(f"one room, 64 bytes, {seconds} s each",
          (("linger ms", "linger_ms", ""), ("pushes/s", "rate", ""), ("clients", "clients", ""),
           ("offered/s", "offered_per_s", ",.0f"), *MEASURED), rows)
    return {"rows": rows}


def chart(result, path):
    lines = {}
    for row in result["rows"]:
        lines.setdefault(f"linger {row['linger_ms']} ms", []).append(
            (row["rate"], row["cpu_ns_per_delivery"]))
    write_chart(path, "CPU per delivery in one room", lines, "pushes per second",
                "server CPU, ns per delivery")
