"""operate: what operators do to a node: scrape its metrics, drain it, kill it."""

import http.client
import json
import os
import pathlib
import resource
import signal
import statistics
import time

from lib.bench import Failed
from lib.process import end
from lib.results import spread, table

TITLE = "scraped each second, drained over a window, killed under load and started again"

TICKS = os.sysconf("SC_CLK_TCK")
DESCRIPTORS_OWN = 1000  # of each shard


def ask(address, target):
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    try:
        connection.request("GET", target)
        return connection.getresponse().read()
    finally:
        connection.close()


def status(gateway):
    shards = json.loads(ask(gateway.addresses["admin"], "/v1/status"))["shards"]
    return {"connections": sum(shard["connections"] for shard in shards),
            "channels": sum(shard["channels"] for shard in shards),
            "draining": sum(shard["closed"]["draining"] for shard in shards)}


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def gateway_of(bench, *options, clients=1):
    """A node that its operators ask, over its admin port, of as many shards as its clients take."""
    of_each = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - DESCRIPTORS_OWN
    return bench.gateway(-(-clients // of_each), options=("--admin", "127.0.0.1:0", *options))


def fill(bench, gateway, clients):
    """Clients that stay and listen."""
    load = bench.start_load(gateway, r"\S", clients=clients, rooms=0, to="all", window=1, count=1,
                            hold=3600, connect_timeout_ms=60_000)
    until = time.monotonic() + 120
    while status(gateway)["channels"] < clients:
        if time.monotonic() > until or not load.running():
            raise Failed(f"{clients:,} clients did not log in within 120 s")
        time.sleep(0.1)
    return load


def scrape(bench, clients):
    """CPU of the gateway without and with a scrape a second, one after the other."""
    seconds, rounds = bench.size(10, 1), bench.size(5, 1)
    without, with_scrapes, took = [], [], []
    with gateway_of(bench, clients=clients) as gateway, fill(bench, gateway, clients):
        time.sleep(bench.size(3, 0))
        for _ in range(rounds):
            for scraped, shares in ((False, without), (True, with_scrapes)):
                before, began = cpu_s(gateway.pid), time.monotonic()
                for second in range(seconds):
                    if scraped:
                        asked = time.monotonic()
                        size = len(ask(gateway.addresses["admin"], "/metrics"))
                        took.append((time.monotonic() - asked) * 1e3)
                    time.sleep(max(0, began + second + 1 - time.monotonic()))
                shares.append((cpu_s(gateway.pid) - before) / (time.monotonic() - began))
    added = [b - a for a, b in zip(without, with_scrapes)]
    row = {"clients": clients, "bytes": size, "without": spread([100 * x for x in without], 2),
           "with": spread([100 * x for x in with_scrapes], 2),
           "added": spread([100 * x for x in added], 2), "took": spread(took, 1)}
    table("scraped each second", (("clients", "clients", ","), ("bytes", "bytes", ","),
                                  ("% of a CPU without", "without", ""), ("with", "with", ""),
                                  ("added", "added", ""), ("a scrape takes ms", "took", "")), [row])
    return {**row, "added_cores": added, "scrape_ms": took}


def drain(bench, clients):
    """How many are told in each second of the window, and whether anybody is left."""
    seconds = bench.size(20, 2)
    with gateway_of(bench, f"--gateway.drain_window_ms={seconds * 1000}",
                    "--gateway.drain_retry_ms=0", clients=clients) as gateway, fill(bench, gateway, clients):
        gateway.process.send_signal(signal.SIGTERM)
        began, told = time.monotonic(), []
        for second in range(1, seconds):
            time.sleep(max(0, began + second - time.monotonic()))
            told.append((time.monotonic() - began, status(gateway)["draining"]))
        code = gateway.process.wait(60)
    rates = [(b[1] - a[1]) / (b[0] - a[0]) * seconds / clients for a, b in zip(told, told[1:])]
    rates = rates or [told[0][1] / told[0][0] * seconds / clients]
    row = {"clients": clients, "seconds": seconds, "code": code, "least": min(rates),
           "median": statistics.median(rates), "most": max(rates)}
    table("drained: the rate in each second, to an even one",
          (("clients", "clients", ","), ("over s", "seconds", ""), ("least", "least", ".3f"),
           ("median", "median", ".3f"), ("most", "most", ".3f"), ("exit code", "code", "")), [row])
    return row


def kill(bench, clients):
    """SIGKILL under load, again and again on the same ports: until it serves a status again."""
    times = bench.size(50, 3)
    with bench.gateway() as first:
        ports = {name: first.addresses[name] for name in ("tcp", "ws", "push")}
    took = []
    for _ in range(times):
        began = time.monotonic()
        gateway = gateway_of(bench, *(f"--{name}={address}" for name, address in ports.items()))
        try:
            ask(gateway.addresses["admin"], "/health/ready")
            took.append(time.monotonic() - began)
            with bench.start_load(gateway, "messages received", clients=clients, window=1, seconds=60):
                gateway.process.kill()
                gateway.process.wait()
        finally:
            end(gateway.process)
    row = {"kills": times, "median": statistics.median(took), "most": max(took)}
    table("killed under load, and started again on the same ports",
          (("kills", "kills", ""), ("s until it serves", "median", ".3f"), ("most", "most", ".3f")),
          [row])
    return row


def run(bench):
    clients = bench.options.clients or bench.size(18_000, 50)
    return {"rows": [scrape(bench, clients), drain(bench, clients), kill(bench, bench.size(500, 20))]}
