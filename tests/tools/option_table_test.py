"""option_table.py against a program that prints a table of its own."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools" / "option_table.py"
TABLE = "| a | b |\n"


class OptionTable(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.readme = pathlib.Path(folder.name, "README.md")
        self.program = pathlib.Path(folder.name, "program")
        self.program.write_text("#!/bin/sh\n"
                                f"[ $1 = --print-options-markdown ] && cat <<E\n{TABLE}E\n")
        self.program.chmod(0o755)

    def run_script(self, *flags):
        done = subprocess.run([sys.executable, SCRIPT, self.readme, self.program, *flags],
                              text=True, check=False, stdout=subprocess.PIPE)
        return done.returncode, done.stdout

    def write(self, table):
        self.readme.write_text(f"x\n<!-- options:begin -->\n{table}<!-- options:end -->\ny\n")

    def test_accepts_the_same_table(self):
        self.write(TABLE)
        self.assertEqual(self.run_script(), (0, ""))

    def test_rejects_another_table_and_names_the_cure(self):
        self.write("| a | c |\n")
        code, out = self.run_script()
        self.assertEqual(code, 1)
        self.assertIn("run 'tools/option_table.py README.md build/halley --write'", out)

    def test_rejects_missing_markers_and_a_missing_page(self):
        begin, end = "<!-- options:begin -->\n", "<!-- options:end -->\n"
        for text in ("", begin, end, end + begin):
            self.readme.write_text(text)
            code, out = self.run_script()
            self.assertEqual(code, 1)
            self.assertIn("has no option table", out)
        self.readme.unlink()
        code, out = self.run_script()
        self.assertEqual(code, 1)
        self.assertIn("does not exist", out)

    def test_writes_the_table_and_nothing_else(self):
        self.write("old\nlines\n")
        self.assertEqual(self.run_script("--write"), (0, ""))
        self.assertEqual(self.readme.read_text(),
                         f"x\n<!-- options:begin -->\n{TABLE}<!-- options:end -->\ny\n")
        self.assertEqual(self.run_script(), (0, ""))


if __name__ == "__main__":
    unittest.main()
