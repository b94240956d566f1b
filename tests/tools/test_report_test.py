"""test_report.py on logs as meson writes them."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools" / "test_report.py"

GTEST_GOOD = """[==========] Running 3 tests from 1 test suite.
[ RUN      ] A.One
[       OK ] A.One (0 ms)
[  SKIPPED ] A.Two (0 ms)
[==========] 3 tests from 1 test suite ran. (1 ms total)
[  PASSED  ] 2 tests.
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] A.Two
"""
GTEST_BAD = """[ RUN      ] A.One
a_test.cc:3: Failure
[  FAILED  ] A.One (0 ms)
[==========] 3 tests from 1 test suite ran. (1 ms total)
[  PASSED  ] 2 tests.
[  FAILED  ] 1 test, listed below:
[  FAILED  ] A.One
"""
GTEST_CRASH = """[ RUN      ] A.One
[       OK ] A.One (0 ms)
[ RUN      ] A.Two
[       OK ] A.Two/0, where GetParam() = 1 (12 ms)
[ RUN      ] A.Three
"""


def test(result="OK", stdout="", stderr=None, name="a"):
    return {"name": name, "result": result, "stdout": stdout, "duration": 0.1,
            **({} if stderr is None else {"stderr": stderr})}


class TestReport(unittest.TestCase):
    def report(self, *runs):
        """Exit code and lines for runs of (tests, meson's exit code); None: no log."""
        with tempfile.TemporaryDirectory() as folder:
            arguments = []
            for index, (tests, code) in enumerate(runs):
                log = pathlib.Path(folder, f"{index}.json")
                if tests is not None:
                    log.write_text("".join(json.dumps(each) + "\n" for each in tests))
                arguments.append(f"run{index}={log}={code}")
            done = subprocess.run([sys.executable, SCRIPT, *arguments], text=True, check=False,
                                  stdout=subprocess.PIPE)
        return done.returncode, done.stdout.splitlines()

    def last(self, *runs):
        code, lines = self.report(*runs)
        return code, lines[-1]

    def test_counts_single_cases(self):
        self.assertEqual(self.last(([test(stdout=GTEST_GOOD)], 0)),
                         (0, "2 passed, 0 failed, 1 skipped"))
        self.assertEqual(self.last(([test("FAIL", GTEST_BAD)], 1)), (1, "2 passed, 1 failed"))
        self.assertEqual(self.last(([test(stderr="...\nRan 5 tests in 0.1s\n\nOK (skipped=1)\n")],
                                    0)), (0, "4 passed, 0 failed, 1 skipped"))
        bad = "Ran 5 tests in 1s\n\nFAILED (failures=1, errors=1)\n"
        self.assertEqual(self.last(([test("FAIL", stderr=bad)], 1)), (1, "3 passed, 2 failed"))
        self.assertEqual(self.last(([test("FAIL", "ok 1 a\nnot ok 2 b\nok 3 c # SKIP d\n1..3\n")],
                                    1)), (1, "1 passed, 1 failed, 1 skipped"))

    def test_counts_a_program_without_cases_as_one(self):
        self.assertEqual(self.last(([test(), test("SKIP"), test("EXPECTEDFAIL")], 0)),
                         (0, "2 passed, 0 failed, 1 skipped"))
        for result in ("FAIL", "ERROR", "TIMEOUT", "UNEXPECTEDPASS", "INTERRUPT"):
            self.assertEqual(self.last(([test(), test(result, None)], 1)),
                             (1, "1 passed, 1 failed"))

    def test_counts_a_crash_beside_the_cases(self):
        self.assertEqual(self.last(([test("FAIL", GTEST_CRASH)], 1)), (1, "2 passed, 1 failed"))
        # All cases pass, and the leak checker ends the program with an error.
        self.assertEqual(self.last(([test("FAIL", GTEST_GOOD)], 1)),
                         (1, "2 passed, 1 failed, 1 skipped"))

    def test_counts_what_did_not_run_as_a_failure(self):
        self.assertEqual(self.last(([test()], 0), (None, 1)), (1, "1 passed, 1 failed"))
        self.assertEqual(self.last(([test()], 2)), (1, "1 passed, 1 failed"))
        self.assertEqual(self.last(([], 0)), (1, "0 passed, 0 failed"))

    def test_sums_runs_and_shows_what_failed(self):
        code, lines = self.report(([test(stdout=GTEST_GOOD)], 0),
                                  ([test("FAIL", GTEST_BAD, name="b")], 1))
        self.assertEqual(code, 1)
        self.assertIn("--- run1: b: FAIL (0 s)", lines)
        self.assertIn("    a_test.cc:3: Failure", lines)
        self.assertEqual(lines[-3:], ["run0: 2 passed, 0 failed, 1 skipped",
                                      "run1: 2 passed, 1 failed",
                                      "4 passed, 1 failed, 1 skipped"])


if __name__ == "__main__":
    unittest.main()
