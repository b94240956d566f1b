#!/usr/bin/env python3
"""Rejects source files that nothing compiles, and tests and benchmarks that nothing runs.

Asks what meson made of the build files, so a file, a folder or a test that was forgotten or
commented out is found whatever way it was left out.

usage: check_built.py SOURCE_ROOT BUILD_ROOT
"""

import json
import os.path
import pathlib
import sys

AREAS = ("src", "include", "proto", "tools", "tests", "bench")
RUN_SUFFIXES = ("_test.cc", "_bench.cc", "_fuzz.cc")
SCRIPT_SUFFIXES = ("_test.py", "_test.js", "_test.mjs", "_test.sh")


class Build:
    """What meson knows; all paths absolute, without "..": meson writes some of them with it."""

    def __init__(self, build_root):
        info = build_root / "meson-info"
        self.build_files = plain(self._read(info, "buildsystem_files"))
        self.compiled = set()
        self.programs = []  # (name, folder of its meson.build, sources, its files)
        for target in self._read(info, "targets"):
            parts = target["target_sources"]
            sources = plain(each for part in parts for each in part.get("sources", ()))
            self.compiled |= sources
            if target["type"] == "executable":
                folder = pathlib.PurePath(target["defined_in"]).parent.as_posix()
                self.programs.append((target["name"], folder, sources, plain(target["filename"])))
        self.run = set()  # every word of every command of a test or benchmark
        for kind in ("tests", "benchmarks"):
            for each in self._read(info, kind):
                # A program among the arguments is written from the build folder.
                self.run |= plain(build_root / word for word in each["cmd"])

    @staticmethod
    def _read(info, name):
        return json.loads((info / f"intro-{name}.json").read_text())


def plain(paths):
    return {os.path.normpath(each) for each in paths}


def check_files(root, build):
    for area in AREAS:
        for path in sorted((root / area).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.suffix == ".cc" and str(path) not in build.compiled:
                yield f"{name}: no target compiles it: name it in a meson.build"
            elif path.name == "meson.build" and str(path) not in build.build_files:
                yield f"{name}: nothing reads it: add a subdir() in the folder above"
            elif path.name.endswith(SCRIPT_SUFFIXES) and str(path) not in build.run:
                yield f"{name}: no test runs it: add a test() that does"


def check_programs(root, build):
    bench = (root / "bench").as_posix()
    for name, folder, sources, files in build.programs:
        in_bench = folder == bench or folder.startswith(bench + "/")
        if not in_bench and not any(each.endswith(RUN_SUFFIXES) for each in sources):
            continue
        if not files & build.run:
            yield f"{name}: the program is built but never run: add a test() or benchmark() of it"


def main(arguments):
    if len(arguments) != 2:
        print(__doc__.strip())
        return 2
    root = pathlib.Path(arguments[0]).resolve()
    build = Build(pathlib.Path(arguments[1]).resolve())
    errors = [*check_files(root, build), *check_programs(root, build)]
    for error in errors:
        print(error)
    if not errors:
        print(f"{len(build.compiled)} source files are compiled, every test is run")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
