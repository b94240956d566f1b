#!/usr/bin/env python3
"""Sums up test runs from meson's logs: what failed, a line per run, and "N passed, M failed".

Counts single cases where a program says how many it had (GoogleTest, python's unittest, TAP), and
one for a program that does not. A program that fails beyond its cases (a crash, a leak found at
its end) counts as one failure more. A log that is missing is a run that could not be built: one
failure.

usage: test_report.py NAME=TESTLOG_JSON=EXIT_CODE_OF_MESON...
exit code: 0 when nothing failed and something passed
"""

import json
import pathlib
import re
import sys

GOOD = ("OK", "EXPECTEDFAIL")
SHOWN_LINES_MAX = 60

GTEST_END = re.compile(r"^\[  (PASSED|SKIPPED|FAILED) *\] (\d+) tests?[.,]", re.MULTILINE)
GTEST_CASE = re.compile(r"^\[ +(OK|SKIPPED|FAILED) +\] \S+.* \(\d+ ms\)$", re.MULTILINE)
GTEST_NOISE = re.compile(r"^\[( RUN      |       OK |-{10})\]")
UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
UNITTEST_END = re.compile(r"^(?:OK|FAILED)(?: \(([^)]*)\))?$", re.MULTILINE)
UNITTEST_PART = re.compile(r"(failures|errors|skipped)=(\d+)")
TAP_CASE = re.compile(r"^(ok|not ok)\b([^\n]*)$", re.MULTILINE)
TAP_PLAN = re.compile(r"^1\.\.\d+", re.MULTILINE)


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def __iadd__(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        return self

    def __str__(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def count_gtest(out):
    ends = {kind: int(number) for kind, number in GTEST_END.findall(out)}
    if "PASSED" in ends:
        return Count(ends["PASSED"], ends.get("FAILED", 0), ends.get("SKIPPED", 0))
    cases = GTEST_CASE.findall(out)
    if cases:  # it did not live to its end
        return Count(cases.count("OK"), cases.count("FAILED"), cases.count("SKIPPED"))
    return None


def count_unittest(out):
    ran = UNITTEST_RAN.search(out)
    end = UNITTEST_END.search(out, ran.end()) if ran else None
    if not end:
        return None
    parts = {kind: int(number) for kind, number in UNITTEST_PART.findall(end[1] or "")}
    failed = parts.get("failures", 0) + parts.get("errors", 0)
    skipped = parts.get("skipped", 0)
    return Count(int(ran[1]) - failed - skipped, failed, skipped)


def count_tap(out):
    if not TAP_PLAN.search(out):
        return None
    count = Count()
    for kind, rest in TAP_CASE.findall(out):
        if "# skip" in rest.lower():
            count.skipped += 1
        elif kind == "ok":
            count.passed += 1
        else:
            count.failed += 1
    return count


def output(test):
    return (test.get("stdout") or "") + "\n" + (test.get("stderr") or "")


def count_test(test):
    """The cases of one program, by what it printed and how meson judged it."""
    out = output(test)
    good = test["result"] in GOOD
    if test["result"] == "SKIP":
        return Count(skipped=1)
    count = count_gtest(out) or count_unittest(out) or count_tap(out)
    if count is None:
        return Count(passed=1) if good else Count(failed=1)
    if not good and count.failed == 0:
        count.failed = 1
    return count


def show(run, test):
    out = [each for each in output(test).strip().splitlines() if not GTEST_NOISE.match(each)]
    print(f"--- {run}: {test['name']}: {test['result']} ({test['duration']:.0f} s)")
    if len(out) > SHOWN_LINES_MAX:
        print(f"    ... {len(out) - SHOWN_LINES_MAX} lines before")
    for line in out[-SHOWN_LINES_MAX:]:
        print("   ", line)


def count_run(run, log, code):
    if not log.is_file():
        print(f"--- {run}: did not build or did not run")
        return Count(failed=1)
    total = Count()
    for line in log.read_text(errors="replace").splitlines():
        test = json.loads(line)
        count = count_test(test)
        if count.failed:
            show(run, test)
        total += count
    if code != 0 and not total.failed:
        print(f"--- {run}: meson ended with {code}, though no test of its log failed")
        total.failed = 1
    return total


def main(arguments):
    runs = [each.split("=") for each in arguments]
    if not runs or any(len(each) != 3 for each in runs):
        print(__doc__.strip())
        return 2
    total = Count()
    lines = []
    for run, log, code in runs:
        count = count_run(run, pathlib.Path(log), int(code))
        lines.append(f"{run}: {count}")
        total += count
    if len(lines) > 1:
        print("\n".join(lines))
    print(total)
    return 0 if total.passed and not total.failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
