"""comet: goim's comet service, called as its job calls it, by halley-comet-load."""

import json
import subprocess

from lib.bench import RUN_SECONDS_MAX, Failed
from lib.results import table

TITLE = "pushes/s and keys/s through goim's gRPC comet service"

ROUNDS = 3


def load(bench, gateway, **flags):
    command = ["taskset", "-c", bench.options.load_cpu, bench.options.comet_load,
               "--comet", gateway.addresses["comet_grpc"], "--tcp", gateway.addresses["tcp"]]
    for name, value in flags.items():
        command += ["--" + name.replace("_", "-"), str(value)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=False)
    if done.returncode != 0:
        raise Failed(done.stderr.strip().rsplit("\n", maxsplit=1)[-1])
    return json.loads(done.stdout)


def run(bench):
    clients = bench.size(1000, 20)
    batch = bench.size(1000, 10)
    seconds = bench.size(5, 0.2)
    # name, keys per call, calls in flight, connections
    shapes = (("one at a time", 1, 1, 1), ("64 in flight", 1, 64, 1), ("128 in flight", 1, 128, 1),
              ("256 in flight", 1, 256, 1), (f"batches of {batch}", batch, 8, 1))
    rows = []
    with bench.gateway(options=("--listen.comet_grpc", "127.0.0.1:0")) as gateway:
        for name, keys, in_flight, channels in shapes:
            for _ in range(bench.size(ROUNDS, 1)):
                report = load(bench, gateway, clients=clients, batch=keys, in_flight=in_flight,
                              channels=channels, seconds=seconds)
                rows.append({"shape": name, **report})
    table(f"PushMsg to {clients} clients in turn, each message 64 bytes",
          (("calls", "shape", ""), ("calls/s", "calls_per_s", ",.0f"), ("keys/s", "keys_per_s", ",.0f"),
           ("p50 us", "p50_us", ",.0f"), ("p99 us", "p99_us", ",.0f")), rows)
    return {"rows": rows}
