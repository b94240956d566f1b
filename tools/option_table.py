#!/usr/bin/env python3
"""Compares README.md's option table with what the program prints; --write brings it up to date.

The table stands between the lines of BEGIN and END.

usage: option_table.py README PROGRAM [--write]
"""

import pathlib
import subprocess
import sys

BEGIN = "<!-- options:begin -->"
END = "<!-- options:end -->"
CURE = "run 'tools/option_table.py README.md build/halley --write'"


def split(text):
    """The text before the table, the table, and the text after it; None without both markers."""
    begin = text.find(BEGIN + "\n")
    end = text.find(END)
    if begin < 0 or end < begin:
        return None
    start = begin + len(BEGIN) + 1
    return text[:start], text[start:end], text[end:]


def main(arguments):
    write = "--write" in arguments
    names = [each for each in arguments if each != "--write"]
    if len(names) != 2:
        print(__doc__.strip())
        return 2
    readme = pathlib.Path(names[0])
    program = pathlib.Path(names[1]).resolve()
    table = subprocess.run([program, "--print-options-markdown"], check=True, text=True,
                           stdout=subprocess.PIPE).stdout
    if not readme.is_file():
        print(f"{readme} does not exist: write it, with the lines {BEGIN} and {END}")
        return 1
    parts = split(readme.read_text())
    if parts is None:
        print(f"{readme} has no option table: add the lines {BEGIN} and {END}, then {CURE}")
        return 1
    before, old, after = parts
    if write:
        readme.write_text(before + table + after)
    elif old != table:
        print(f"{readme}'s option table is not what the program says: {CURE}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
