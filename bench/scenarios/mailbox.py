"""mailbox: the push port, and the road from shard to shard."""

from lib.results import MEASURED, measured, table

TITLE = "pushes/s and keys/s through the push port, on one shard and on more"


def run(bench):
    clients = bench.size(10000, 100)
    batch = bench.size(1000, 10)
    seconds = bench.size(5, 1)
    # name, keys per push, pushes in flight, push connections
    shapes = (("one at a time", 1, 1, 1), ("256 in flight", 1, 256, 1),
              ("256 in flight on 2 connections", 1, 256, 2), (f"batches of {batch}", batch, 4, 1))
    rows = []
    for shards in (1, 2):
        cpus = bench.options.server_cpu
        if shards > 1:
            cpus += "," + bench.options.load_cpu
        with bench.gateway(shards, cpus) as gateway:
            for name, keys, window, pushers in shapes:
                report = bench.load(gateway, clients=clients, rooms=0, to="key", batch=keys,
                                    window=window, pushers=pushers, seconds=seconds)
                rows.append({"shards": shards, "shape": name,
                             "pushes_per_s": report["pushes_per_s"], **measured(report)})
    table(f"private pushes to {clients} clients in turn; of two shards the second shares the "
          "load's CPU",
          (("shards", "shards", ""), ("pushes", "shape", ""), ("pushes/s", "pushes_per_s", ",.0f"),
           *MEASURED), rows)
    return {"rows": rows}
