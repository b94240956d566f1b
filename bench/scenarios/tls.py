"""tls: a room of clients inside TLS, beside a room of plain ones."""

import pathlib
import statistics
import subprocess
import tempfile

from lib.results import MEASURED, measured, spread, table

TITLE = "what TLS adds to a delivery, to a login and to a connection's memory"

GOAL_HANDSHAKES = 2000  # full ones with ECDSA, per second of CPU
GOAL_BYTES = 12 << 10   # of an idle connection
SIZES = (64, 4096)


def certificate(folder):
    """A certificate with its key, ECDSA on P-256, as the gateway's options."""
    files = [str(pathlib.Path(folder) / name) for name in ("site.pem", "site.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-days", "2",
                    "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return [f"--tls.certificates={files[0]}", f"--tls.keys={files[1]}"]


def one(bench, options, kind, size):
    """A gateway of its own: the memory of those who were there before is not given back."""
    flags = {"transport": "tcp", "clients": bench.size(4000, 60), "size": size, "window": 1,
             "count": bench.size(20, 1), "warmup": 2}
    with bench.gateway(options=options) as gateway:
        if kind == "tls":
            report = bench.load(gateway, "--spin", "--tls", listener="tcp_tls", **flags)
        else:
            report = bench.load(gateway, "--spin", **flags)
    return {"kind": kind, "size": size,
            "ns": report["cpu_ns_per_delivery"] + report["softirq_ns_per_delivery"],
            "login_us": report["login_cpu_ns"] / 1000, "bytes": report["bytes_per_connection"],
            **measured(report)}


def run(bench):
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        options = ["--tcp-tls", "127.0.0.1:0", *certificate(folder)]
        for number in range(bench.size(5, 1)):
            for size in SIZES:
                order = ("plain", "tls") if number % 2 == 0 else ("tls", "plain")
                rows += [one(bench, options, kind, size) for kind in order]
    table(f"{bench.size(4000, 60)} TCP clients in one room, one push in flight",
          (("clients", "kind", ""), ("body bytes", "size", ","), ("ns/delivery", "ns", ",.0f"),
           ("login us", "login_us", ".1f"), ("bytes/connection", "bytes", ",.0f"), *MEASURED),
          rows)

    def of(kind, field, size=None):
        return [row[field] for row in rows if row["kind"] == kind and size in (None, row["size"])]
    added = {}
    for size in SIZES:
        added[size] = [tls - plain
                       for tls, plain in zip(of("tls", "ns", size), of("plain", "ns", size))]
        print(f"{size} bytes: TLS adds {spread(added[size])} ns to a delivery of "
              f"{spread(of('plain', 'ns', size))}")
    handshake_us = statistics.median(of("tls", "login_us")) - \
        statistics.median(of("plain", "login_us"))
    print(f"a full handshake {handshake_us:.0f} us of CPU, {1e6 / handshake_us:,.0f} per second "
          f"(goal {GOAL_HANDSHAKES:,}); an idle connection {spread(of('tls', 'bytes'))} bytes "
          f"(goal {GOAL_BYTES:,}), a plain one {spread(of('plain', 'bytes'))}")
    return {"rows": rows, "added_ns": added, "handshake_us": handshake_us}
