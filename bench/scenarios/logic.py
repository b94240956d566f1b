"""logic: goim's logic over gRPC as the backend: logins beside a broadcast, logic that stops, and a crowd
that waits for it. Logic is a program in Go, on the load's CPU."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time

from lib.bench import ROOT, Failed, Skipped, run_first
from lib.results import table

from .operate import ask, cpu_s

TITLE = "logins through goim's logic over gRPC, logic that stops, and a crowd that waits for it"

LOGINS_PER_S = 5000
STOPPED_S = 60
CROWD = 6_000
CROWD_PROCESSES = 3  # addresses that they come from


def build_peer():
    go = shutil.which("go") or "/usr/local/go/bin/go"
    if not os.path.exists(go):
        raise Skipped("go is not installed")
    program = ROOT / "build/bench/go_peer"
    program.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([go, "build", "-o", program, "."], cwd=ROOT / "tests/e2e/go_peer",
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skipped(f"go cannot build the peer: {done.stderr.strip().splitlines()[-1]}")
    return program


class Peer:
    """A process that tells a line of JSON now and then: the newest counts."""

    def __init__(self, bench, program, *arguments):
        self.process = subprocess.Popen(
            ["taskset", "-c", bench.options.load_cpu, program, *arguments],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "GOMAXPROCS": "1"})
        self.told = json.loads(self.process.stdout.readline())
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.told = json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        self.reader.join()


def gateway_for(bench, address):
    return bench.gateway(options=("--backend=goim", f"--goim.addresses={address}", "--goim.server=n",
                                  "--admin=127.0.0.1:0"))


def until(true, what, seconds):
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > seconds:
            raise Failed(f"{what} took more than {seconds} s")
        time.sleep(0.02)
    return time.monotonic() - began


def usable(gateway):
    return b"ok" in ask(gateway.addresses["admin"], "/monitor/ping")


def broadcast(bench, gateway, seconds):
    return bench.load_command(gateway, "--quiet", transport="tcp", clients=bench.size(2000, 20), rate=10,
                              count=10 * seconds, warmup=10)


def beside_logins(bench, gateway):
    """The p99 of a room's broadcast, alone and beside logins."""
    seconds = bench.size(15, 1)
    rate = bench.size(LOGINS_PER_S, 50)
    rows = []
    for round_number in range(bench.size(3, 1)):
        alone = run_first(bench, broadcast(bench, gateway, seconds))
        with bench.start_load(gateway, "messages received", transport="tcp", clients=bench.size(500, 20),
                              rooms=0, to="key", rate=5, churn=rate, seconds=2 * seconds + bench.size(10, 3)) as churn:
            beside = run_first(bench, broadcast(bench, gateway, seconds))
            logins = churn.report()
        rows.append({"round": round_number + 1, "alone_ms": alone["latency_p99_ns"] / 1e6,
                     "beside_ms": beside["latency_p99_ns"] / 1e6,
                     "ratio": beside["latency_p99_ns"] / alone["latency_p99_ns"],
                     "logins_per_s": logins["reconnects"] / logins["measured_s"],
                     "login_p99_ms": logins["login_p99_ns"] / 1e6,
                     "server": beside["server_cores"], "load": beside["load_cores"]})
    table("a broadcast to 2,000 ten times a second, beside logins",
          (("round", "round", ""), ("p99 ms alone", "alone_ms", ".2f"), ("beside", "beside_ms", ".2f"),
           ("ratio", "ratio", ".2f"), ("logins/s", "logins_per_s", ",.0f"),
           ("login p99 ms", "login_p99_ms", ".1f"), ("server busy", "server", ".2f")), rows)
    return rows


def as_fast_as_it_goes(bench, gateway):
    rows = []
    for _ in range(bench.size(3, 1)):
        report = bench.load(gateway, transport="tcp", clients=bench.size(10_000, 20), rooms=0, push=False)
        rows.append({"logins_per_s": report["logins_per_s"], "cpu_us": report["login_cpu_ns"] / 1e3,
                     "server": report["login_server_cores"], "load": report["login_load_cores"]})
    table("logins as fast as they go", (("logins/s", "logins_per_s", ",.0f"), ("shard us", "cpu_us", ".1f"),
                                        ("server busy", "server", ".2f"), ("load busy", "load", ".2f")),
          rows)
    return rows


def stopped(bench, gateway, logic):
    """Live clients and the gateway's CPU while logic is stopped; and how soon logins are taken again."""
    seconds = bench.size(STOPPED_S, 3)
    with bench.start_load(gateway, "messages received", transport="tcp", clients=bench.size(2000, 20),
                          rate=1, seconds=seconds + bench.size(15, 8)) as live:
        logic.process.send_signal(signal.SIGSTOP)
        until(lambda: not usable(gateway), "finding that logic is stopped", 30)
        before, began = cpu_s(gateway.pid), time.monotonic()
        time.sleep(seconds)
        cores = (cpu_s(gateway.pid) - before) / (time.monotonic() - began)
        logic.process.send_signal(signal.SIGCONT)
        again = until(lambda: usable(gateway), "the return of logic", 30)
        report = live.report()
    row = {"stopped_s": seconds, "cpu_percent": 100 * cores, "again_s": again,
           "received": report["received"], "lost": report["lost"],
           "disconnected": report["disconnected"]}
    table("logic stopped, a push each second to 2,000 who are there",
          (("s", "stopped_s", ""), ("% of a CPU", "cpu_percent", ".2f"), ("usable again after s", "again_s", ".2f"),
           ("received", "received", ","), ("lost", "lost", ""), ("disconnected", "disconnected", "")), [row])
    return row


def crowd(bench, program, gateway, logic):
    """Clients that wait for logic, all of them from before it returns."""
    share = (bench.options.clients or bench.size(CROWD, 60)) // CROWD_PROCESSES
    until(lambda: "logins" in logic.told, "the first count", 10)
    logic.process.send_signal(signal.SIGSTOP)
    until(lambda: not usable(gateway), "finding that logic is stopped", 30)
    had = logic.told["logins"]
    waiting = []
    try:
        for number in range(CROWD_PROCESSES):
            waiting.append(Peer(bench, program, "crowd", gateway.addresses["tcp"],
                                f"127.0.0.{number + 2}", str(share)))
        time.sleep(bench.size(10, 2))
        tries = sum(each.told["tries"] for each in waiting)
        logic.process.send_signal(signal.SIGCONT)
        took = until(lambda: sum(each.told["in"] for each in waiting) == share * len(waiting),
                     "letting the crowd in", 300)
        time.sleep(0.2)
        row = {"clients": share * len(waiting), "tries_before": tries, "took_s": took,
               "logins": logic.told["logins"] - had, "most": logic.told["most"]}
    finally:
        for each in waiting:
            each.__exit__()
    table("a crowd that comes back, later each time, until it is in",
          (("clients", "clients", ","), ("tries while logic was stopped", "tries_before", ","),
           ("all in after s", "took_s", ".1f"), ("logins that logic had", "logins", ","),
           ("at a time, at most", "most", "")), [row])
    return row


def run(bench):
    program = build_peer()
    result = {}
    with Peer(bench, program, "counting_logic", "127.0.0.1:0") as logic:
        address = logic.told["address"]
        with gateway_for(bench, address) as gateway:
            until(lambda: usable(gateway), "finding logic", 30)
            result["logins"] = as_fast_as_it_goes(bench, gateway)
            result["beside"] = beside_logins(bench, gateway)
            result["stopped"] = stopped(bench, gateway, logic)
        with bench.gateway(shards=bench.size(4, 1), options=(
                "--backend=goim", f"--goim.addresses={address}", "--goim.server=n",
                "--admin=127.0.0.1:0")) as gateway:
            until(lambda: usable(gateway), "finding logic", 30)
            result["crowd"] = crowd(bench, program, gateway, logic)
    return {"rows": [result]}
