"""How results are told: tables, JSON with the machine they are from, and charts."""

import datetime
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys

from .bench import ROOT


def spread(values, digits=0):
    return (f"{statistics.median(values):.{digits}f} "
            f"[{min(values):.{digits}f}-{max(values):.{digits}f}]")


def measured(report):
    """What every scenario states of a run that pushed."""
    return {
        "deliveries_per_s": report["deliveries_per_s"],
        "sends_per_s": report["sends_per_s"],
        "cpu_ns_per_delivery": report["cpu_ns_per_delivery"] + report["softirq_ns_per_delivery"],
        "p50_ms": report["latency_p50_ns"] / 1e6,
        "p99_ms": report["latency_p99_ns"] / 1e6,
        "max_ms": report["latency_max_ns"] / 1e6,
        "server_cores": report["server_cores"],
        "load_cores": report["load_cores"],
    }


MEASURED = (
    ("deliveries/s", "deliveries_per_s", ",.0f"),
    ("sends/s", "sends_per_s", ",.0f"),
    ("CPU ns/delivery", "cpu_ns_per_delivery", ",.0f"),
    ("p50 ms", "p50_ms", ".2f"),
    ("p99 ms", "p99_ms", ".2f"),
    ("max ms", "max_ms", ".1f"),
    ("server busy", "server_cores", ".2f"),
    ("load busy", "load_cores", ".2f"),
)


def table(title, columns, rows):
    """Prints rows (dicts) under columns (heading, name, format); a missing value is a dash."""
    cells = [[heading for heading, _, _ in columns]]
    for row in rows:
        cells.append(["-" if row.get(name) is None else format(row[name], form)
                      for _, name, form in columns])
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    print(f"\n{title}")
    for number, line in enumerate(cells):
        print("| " + " | ".join(cell.rjust(width) for cell, width in zip(line, widths)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|", flush=True)


def machine():
    """Where and when figures were taken."""
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True, check=False).stdout.strip()
    memory = re.search(r"MemTotal: +(\d+)", pathlib.Path("/proc/meminfo").read_text())
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit or "unknown",
        "kernel": platform.release(),
        "cpu": cpu[1] if cpu else platform.machine(),
        "cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": 1024 * int(memory[1]),
    }


def write_json(path, command, results):
    text = json.dumps({"machine": machine(), "command": command, **results}, indent=1)
    pathlib.Path(path).write_text(text + "\n")


def write_chart(path, title, lines, x_label, y_label, log=True):
    """`lines`: name -> points (x, y). Says so, and goes on, where there is nothing to draw with."""
    try:
        import matplotlib
    except ImportError:
        print(f"no chart: {sys.executable} has no matplotlib: install the Debian package "
              "python3-matplotlib and run this with /usr/bin/python3.")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(8, 5))
    for name, points in lines.items():
        axes.plot(*zip(*points), marker="o", label=name)
    if log:
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.set_title(title)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(True, alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
