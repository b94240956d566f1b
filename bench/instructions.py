#!/usr/bin/env python3
"""Counts the instructions that the gateway executes in user space per delivery and per login.

It runs under valgrind's callgrind, which counts them all and is repeatable to a few in a hundred, so
two runs that differ in one thing tell what that thing costs: pushes, or clients. What the kernel
does is not in it. Valgrind is a Debian package; nothing else uses it.

On epoll, unless --io says otherwise: valgrind 3.19 lets no other thread run while one waits in
io_uring_enter(2), so that on io_uring the gateway starts and ends in its own good time, or too late.

Exit code: 0 when all was counted, whether or not a goal was reached; 1 when something was lost;
           2 for wrong options; 77 when valgrind or the gateway cannot run here.
"""

import pathlib
import re
import shutil
import sys
import tempfile

from lib.bench import Bench, common_options, parser_of
from lib.process import EXIT_SKIPPED, Failed, Server, Skipped
from lib.results import write_json

GOAL_PER_DELIVERY = 150


class Counted:
    """Instructions of one gateway from start to end, for so many clients and pushes."""

    def __init__(self, bench, transport, window):
        self.bench = bench
        self.transport = transport
        self.window = window

    def run(self, clients, count):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder, "valgrind.log")
            options = self.bench.options
            command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                       f"--log-file={log}", options.halley, "--tcp", "127.0.0.1:0",
                       "--ws", "127.0.0.1:0", "--push", "127.0.0.1:0", "--admin", "", "--shards", "1",
                       "--cpus", options.server_cpu, "--log-level", "error"]
            command.append(f"--io={options.io or 'epoll'}")
            with Server(command, r"^\s*(tcp|ws|push) +(\S+)$", ("tcp", "ws", "push")) as gateway:
                self.bench.load(gateway, transport=self.transport, clients=clients, count=count,
                                window=self.window, heartbeat=0)
            return int(re.search(r"Collected : (\d+)", log.read_text())[1])


def main():
    parser = parser_of(__doc__)
    common_options(parser)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--pushes", type=int, default=100)
    parser.add_argument("--tiny", action="store_true",
                        help="small: shows that it works, counts nothing")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("valgrind is not installed: apt-get install valgrind")
        return EXIT_SKIPPED
    clients, pushes = (20, 5) if options.tiny else (options.clients, options.pushes)
    bench = Bench(options)
    result = {"clients": clients, "pushes": pushes}
    try:
        for window in (1, 16):
            counted = Counted(bench, "ws", window)
            few, many = (counted.run(clients, window * n) for n in (10, 10 + pushes))
            per_delivery = (many - few) / (clients * pushes * window)
            result[f"per_delivery_{window}"] = per_delivery
            print(f"{window} in flight: {per_delivery:.1f} instructions per delivery")
        for transport in ("ws", "tcp"):
            counted = Counted(bench, transport, 1)
            few, many = (counted.run(n, 1) for n in (clients // 2, clients + clients // 2))
            result[f"per_login_{transport}"] = (many - few) / clients
            print(f"{transport}: {result[f'per_login_{transport}']:,.0f} instructions per accept, "
                  f"handshake, login and end")
    except Skipped as why:
        print(why)
        return EXIT_SKIPPED
    except Failed as why:
        print(why)
        return 1
    reached = result["per_delivery_1"] <= GOAL_PER_DELIVERY
    print(f"goal of {GOAL_PER_DELIVERY} per delivery, one in flight: "
          f"{'reached' if reached else 'MISSED'}")
    if options.json:
        write_json(options.json, sys.argv, result)
    return 1 if bench.lost else 0


if __name__ == "__main__":
    sys.exit(main())
