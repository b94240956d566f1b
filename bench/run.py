#!/usr/bin/env python3
"""Runs scenarios against a gateway of their own and prints a table of each.

usage: bench/run.py SCENARIO... (--list names them)

All traffic is loopback; the server has one CPU, the load another. What the figures mean: README.md
and scenarios.md beside this file.

Exit code: 0 when everything was measured and nothing was lost, duplicated or out of order;
           1 when something was, or a program failed; 2 for wrong options;
           77 when the kernel or its limits do not let the gateway start.
"""

import pathlib
import sys

from lib.bench import Bench, Failed, Skipped, common_options, parser_of
from lib.process import EXIT_SKIPPED
from lib.results import write_json
from scenarios import SCENARIOS


def parse(arguments):
    parser = parser_of(__doc__)
    common_options(parser)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO",
                        help=", ".join(SCENARIOS) + "; none: all but million")
    parser.add_argument("--list", action="store_true", help="say what each scenario is")
    parser.add_argument("--chart", metavar="FILE.png",
                        help="draw the curve; needs python3-matplotlib")
    parser.add_argument("--clients", type=int,
                        help="of million (1,000,000), of renew (100,000), of operate (18,000), in "
                        "the crowd of logic (6,000), or in "
                        "the room of private (10,000)")
    parser.add_argument("--hold", type=int, help="seconds of quiet time of million (60)")
    parser.add_argument("--tiny", action="store_true",
                        help="everything once and small: shows that it works, measures nothing")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.scenarios if name not in SCENARIOS]
    if unknown:
        parser.error(f"no scenario {unknown[0]}: there are {', '.join(SCENARIOS)}")
    options.scenarios = options.scenarios or [name for name in SCENARIOS if name != "million"]
    drawn = [name for name in options.scenarios if hasattr(SCENARIOS[name], "chart")]
    if options.chart and len(drawn) != 1:
        parser.error("a chart is of one scenario with a curve: " + ", ".join(
            name for name, scenario in SCENARIOS.items() if hasattr(scenario, "chart")))
    options.drawn = drawn[0] if options.chart else None
    return options


def main(arguments):
    options = parse(arguments)
    if options.list:
        for name, scenario in SCENARIOS.items():
            print(f"{name:9} {scenario.TITLE}")
        return 0
    bench = Bench(options)
    results = {}
    try:
        for name in options.scenarios:
            print(f"\n== {name}: {SCENARIOS[name].TITLE}", flush=True)
            results[name] = SCENARIOS[name].run(bench)
    except (Failed, Skipped) as error:
        print(f"run: {error}", file=sys.stderr)
        return EXIT_SKIPPED if isinstance(error, Skipped) else 1
    finally:
        if options.json and results:
            write_json(options.json, " ".join(["bench/run.py", *arguments]), results)
    if options.drawn:
        SCENARIOS[options.drawn].chart(results[options.drawn], options.chart)
    return 1 if bench.lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
