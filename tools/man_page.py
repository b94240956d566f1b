#!/usr/bin/env python3
"""Makes a man page of its template: what a program says of itself is never written twice.

In the template, @VERSION@ is the version, @HELP@ what PROGRAM --help prints, and @OPTIONS@ and
@COMMANDS@ the rows of PROGRAM --print-options-markdown with and without a key.

usage: man_page.py TEMPLATE OUTPUT VERSION PROGRAM
"""

import pathlib
import re
import subprocess
import sys


def escaped(text):
    """Text as roff prints it: a backslash, a dash that is to be copied, no request at a line's start."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def plain(cell):
    """A cell of the table without Markdown."""
    return cell.replace("\\|", "|").replace("`", "").strip()


def rows(markdown):
    """The table's rows below its head, as lists of cells."""
    for line in markdown.splitlines()[2:]:
        yield [plain(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def options(markdown):
    """An entry for each option, under its section."""
    out, section = [], None
    for key, flags, _unit, default, span, what in rows(markdown):
        if not key:
            continue
        if key.split(".")[0] != section:
            section = key.split(".")[0]
            out.append(f".SS [{section}]")
        short = [flag for flag in flags.split(", ") if flag != f"--{key}"]
        also = f"; also {short[0]}" if short else ""
        out += [".TP", f".B {escaped(key)}", escaped(f"{what} ({default} by default; {span}{also})")]
    return "\n".join(out)


def commands(markdown):
    out = []
    for key, flags, _unit, _default, _span, what in rows(markdown):
        if not key:
            out += [".TP", f".B {escaped(flags)}", escaped(what)]
    return "\n".join(out)


def page(template, version, ask):
    """The page; `ask` answers what the program prints for a flag."""
    parts = {"VERSION": lambda: version,
             "HELP": lambda: escaped(ask("--help").rstrip("\n")),
             "OPTIONS": lambda: options(ask("--print-options-markdown")),
             "COMMANDS": lambda: commands(ask("--print-options-markdown"))}
    return re.sub(r"@([A-Z]+)@", lambda found: parts[found[1]](), template)


def main(arguments):
    template, output, version, program = arguments

    def ask(flag):
        return subprocess.run([program, flag], capture_output=True, text=True, check=True).stdout
    text = page(pathlib.Path(template).read_text(encoding="utf-8"), version, ask)
    pathlib.Path(output).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
