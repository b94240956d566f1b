"""storm: everybody connects at once."""

from lib.results import table

TITLE = "connects as fast as possible: accept, handshake, login"

SECRET = "a secret of thirty-two bytes ..."
# transport, what the gateway goes by, what halley-load logs in with
KINDS = (("ws", (), {}), ("tcp", (), {}),
         ("tcp, signed", ("--backend=jwt", f"--jwt.secret={SECRET}"), {"jwt_secret": SECRET}))


def run(bench):
    rows = []
    for name, options, flags in KINDS:
        transport = name.split(",", maxsplit=1)[0]
        for number in range(bench.size(3, 1)):
            with bench.gateway(options=options) as gateway:
                clients = bench.size(min(18000, gateway.connections_max), 100)
                report = bench.load(gateway, transport=transport, clients=clients, rooms=1,
                                    connect_window=1024, count=1, to="room", **flags)
            rows.append({
                "transport": name, "round": number + 1, "clients": clients,
                "connects_per_s": report["logins_per_s"],
                "cpu_us": (report["login_cpu_ns"] + report["login_softirq_ns"]) / 1e3,
                "p50_ms": report["login_p50_ns"] / 1e6, "p99_ms": report["login_p99_ns"] / 1e6,
                "max_ms": report["login_max_ns"] / 1e6,
                "server_cores": report["login_server_cores"],
                "load_cores": report["login_load_cores"]})
    table("1,024 logins under way, into one room; then one push reaches all",
          (("transport", "transport", ""), ("round", "round", ""), ("clients", "clients", ""),
           ("connects/s", "connects_per_s", ",.0f"), ("CPU us each", "cpu_us", ".1f"),
           ("p50 ms", "p50_ms", ".1f"), ("p99 ms", "p99_ms", ".1f"), ("max ms", "max_ms", ".1f"),
           ("server busy", "server_cores", ".2f"), ("load busy", "load_cores", ".2f")), rows)
    return {"rows": rows}
