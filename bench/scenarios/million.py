"""million: as many live connections as asked, both ends on this machine."""

import resource

from lib.process import Failed, meminfo
from lib.results import table

TITLE = "a million connections: connect, weigh, idle with heartbeats, one broadcast to all"

# What both ends of one connection took of the machine when this was measured (bench/README.md),
# rounded up, and what is left to everybody else.
MACHINE_BYTES_PER_CONNECTION = 12 * 1024
SPARE_BYTES = 2 << 30
# A shard's share of the keys is drawn: descriptors beyond its mean take in the spread.
SHARD_FILL = 0.93
DESCRIPTORS_OWN = 600
CLIENTS_PER_SOURCE = 8000
SOURCES_MAX = 250


def needs(clients, descriptors):
    """What it takes, and a sentence if that is not here."""
    per_shard = int((descriptors - DESCRIPTORS_OWN) * SHARD_FILL)
    shards = -(-clients // per_shard)
    sources = clients // CLIENTS_PER_SOURCE + 1
    wanted = clients * MACHINE_BYTES_PER_CONNECTION + SPARE_BYTES
    available = meminfo("MemAvailable")
    print(f"{clients:,} connections need {shards} shards of at most {descriptors:,} descriptors, "
          f"{sources} loopback source addresses of {CLIENTS_PER_SOURCE:,} ports, and about "
          f"{wanted / 2**30:.1f} GiB of memory; available are {available / 2**30:.1f} GiB",
          flush=True)
    if shards > 256:
        raise Failed(f"{clients:,} connections need {shards} shards, but a gateway has at most "
                     "256: raise RLIMIT_NOFILE or give fewer --clients.")
    if sources > SOURCES_MAX:
        raise Failed(f"{clients:,} connections need {sources} source addresses, but 127.0.0.1 to "
                     f".{SOURCES_MAX} are used: give fewer --clients.")
    if wanted > available:
        fit = max(0, available - SPARE_BYTES) // MACHINE_BYTES_PER_CONNECTION
        raise Failed(f"{clients:,} connections need about {wanted / 2**30:.1f} GiB, but "
                     f"{available / 2**30:.1f} GiB are available: give --clients {fit // 1000}000 "
                     "or less.")
    return shards


def run(bench):
    clients = bench.options.clients or bench.size(1_000_000, 500)
    descriptors = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 1 << 20)
    shards = max(needs(clients, descriptors), bench.size(1, 2))
    cpus = f"{bench.options.server_cpu},{bench.options.load_cpu}"
    hold = bench.options.hold or bench.size(60, 1)
    with bench.gateway(shards, cpus, ["--shard.buckets=1", "--client.handshake_timeout_ms=60s"]
                       ) as gateway:
        if gateway.connections_max < clients:
            raise Failed(f"the gateway holds {gateway.connections_max:,} connections on {shards} "
                         "shards: give fewer --clients.")
        report = bench.load(gateway, clients=clients, rooms=0, to="all", window=1, count=1,
                            heartbeat=bench.size(240, 1), hold=hold, settle_ms=2000,
                            drain_ms=120000, connect_timeout_ms=60000, receive_buffer=4096,
                            cpus=None, softirq_cpus=None)
    row = {
        "clients": clients, "shards": shards, "connect_s": report["connect_s"],
        "connects_per_s": report["logins_per_s"],
        "gateway_bytes": report["bytes_per_connection"],
        "slab_bytes": report["slab_bytes_per_connection"],
        "machine_bytes": report["machine_bytes_per_connection"],
        "idle_server_cores": report["hold_server_cores"],
        "idle_load_cores": report["hold_load_cores"],
        "idle_us_per_s": report["hold_server_cores"] * 1e6 / clients,
        "heartbeats": report["heartbeats"], "heartbeat_p99_ms": report["heartbeat_p99_ns"] / 1e6,
        "broadcast_s": report["measured_s"], "received": report["received"],
        "deliveries_per_s": report["deliveries_per_s"], "sends_per_s": report["sends_per_s"],
        "p50_ms": report["latency_p50_ns"] / 1e6, "p99_ms": report["latency_p99_ns"] / 1e6,
        "max_ms": report["latency_max_ns"] / 1e6,
        "cpu_ns_per_delivery": report["cpu_ns_per_delivery"],
    }
    table("connecting", (("clients", "clients", ","), ("shards", "shards", ""),
                         ("s", "connect_s", ".1f"), ("connects/s", "connects_per_s", ",.0f")),
          [row])
    table("bytes per connection: the gateway's, the kernel's objects of both ends, the machine's "
          "with halley-load",
          (("gateway", "gateway_bytes", ",.0f"), ("kernel, both ends", "slab_bytes", ",.0f"),
           ("machine, both ends", "machine_bytes", ",.0f")), [row])
    table(f"idle for {hold} s with heartbeats every {bench.size(240, 1)} s",
          (("server cores", "idle_server_cores", ".3f"), ("load cores", "idle_load_cores", ".3f"),
           ("CPU us/s each", "idle_us_per_s", ".3f"), ("heartbeats", "heartbeats", ","),
           ("p99 ms", "heartbeat_p99_ms", ".2f")), [row])
    table("one broadcast to all",
          (("received", "received", ","), ("s", "broadcast_s", ".2f"),
           ("deliveries/s", "deliveries_per_s", ",.0f"), ("sends/s", "sends_per_s", ",.0f"),
           ("CPU ns/delivery", "cpu_ns_per_delivery", ",.0f"), ("p50 ms", "p50_ms", ",.0f"),
           ("p99 ms", "p99_ms", ",.0f"), ("max ms", "max_ms", ",.0f")), [row])
    return {"rows": [row]}
