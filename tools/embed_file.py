#!/usr/bin/env python3
"""Writes files as string literals: the definitions that a header of ours declares.

usage: embed_file.py HEADER NAMESPACE OUT_CC NAME=FILE...
"""

import pathlib
import sys

from embed_web import definition


def main(header, namespace, out, *files):
    parts = (definition(name, pathlib.Path(path).read_bytes())
             for name, path in (each.split("=", 1) for each in files))
    pathlib.Path(out).write_text(f'// Written by tools/embed_file.py.\n#include "{header}"\n\n'
                                 f"namespace {namespace} {{\n\n" + "\n".join(parts) +
                                 f"\n}}  // namespace {namespace}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
