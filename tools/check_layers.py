#!/usr/bin/env python3
"""Rejects includes and meson dependencies against the direction that tools/layers.txt lays down.

usage: check_layers.py SOURCE_ROOT
"""

import pathlib
import re
import sys

AREAS = ("src", "include", "proto", "tools", "tests", "bench")
SUFFIXES = (".h", ".cc")
# Written with quotes, as their own documentation does, though they are not ours.
FOREIGN = ("absl/", "benchmark/", "gmock/", "google/", "gtest/")

FOLDER_LINE = re.compile(r"^([\w-]+)(?: \(([\w./-]+)\))?:((?: [\w-]+)*| \*)$")
LIBRARY_LINE = re.compile(r"^<([^>\s]+):((?: [\w-]+)+)$")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
MESON_NAME = re.compile(r"\b(\w+)_(?:dep|lib|sources)\b")


class Law:
    """What layers.txt says, checked for sense."""

    def __init__(self, path):
        self.paths = {}  # name -> its folder
        self.allowed = {}  # name -> names
        self.libraries = {}  # header prefix -> names
        self.errors = []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            line = line.split("#")[0].rstrip()
            if line:
                self._read(f"{path.name}:{number}", line)
        self._check_names(path.name)
        self._check_cycles(path.name)

    def _read(self, where, line):
        library = LIBRARY_LINE.match(line)
        if library:
            self.libraries[library[1]] = library[2].split()
            return
        folder = FOLDER_LINE.match(line)
        if not folder:
            self.errors.append(f"{where}: not a line of the law: write 'name: names'")
        elif folder[1] in self.paths:
            self.errors.append(f"{where}: {folder[1]} has a line already: keep one")
        else:
            self.paths[folder[1]] = folder[2] or f"src/{folder[1]}"
            self.allowed[folder[1]] = folder[3].split()

    def _check_names(self, law):
        for name, allowed in list(self.allowed.items()) + list(self.libraries.items()):
            for other in allowed:
                if other != "*" and other not in self.paths:
                    self.errors.append(f"{law}: {name} names {other}, which has no line: add one")

    def _check_cycles(self, law):
        done = set()

        def visit(name, path):
            if name in path:
                cycle = " -> ".join(path[path.index(name):] + [name])
                self.errors.append(f"{law}: {cycle} is a cycle: take one arrow away")
                return
            if name in done:
                return
            for other in self.allowed.get(name, ()):
                if other != "*":
                    visit(other, path + [name])
            done.add(name)

        for name in self.paths:
            visit(name, [])

    def folder_of(self, path):
        """The name that a file's rights come from; None: it is in no known folder."""
        for name, folder in self.paths.items():
            if path.startswith(folder + "/"):
                return name
        parts = path.split("/")
        if parts[0] in ("tests", "bench") and len(parts) > 2 and parts[1] in self.paths:
            return parts[1]
        return None

    def is_free(self, name):
        return "*" in self.allowed[name]

    def may(self, name, other):
        return name == other or self.is_free(name) or other in self.allowed[name]


class Checker:
    def __init__(self, root, law):
        self.root = root
        self.law = law
        self.files_count = 0
        self.errors = []

    def run(self):
        for area in AREAS:
            for path in sorted((self.root / area).rglob("*")):
                name = path.relative_to(self.root).as_posix()
                if path.suffix in SUFFIXES:
                    self.files_count += 1
                    self.check_source(name, path)
                elif path.name == "meson.build":
                    self.check_meson(name, path)

    def check_source(self, name, path):
        folder = self.law.folder_of(name)
        if folder is None:
            self.errors.append(f"{name}: its folder is unknown: give it a line in tools/layers.txt")
            return
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            include = INCLUDE.match(line)
            if include:
                check = self.check_quoted if include[1] == '"' else self.check_angled
                error = check(name, folder, include[2])
                if error:
                    self.errors.append(f"{name}:{number}: {error}")

    def check_angled(self, name, folder, header):
        if self.find(name, header) is not None:
            return f"<{header}> is ours: include it with quotes"
        if is_public(name) and not is_standard(header):
            return f"a public header may not include <{header}>: only std, absl and halley"
        for prefix, names in self.law.libraries.items():
            if header.startswith(prefix) and folder not in names and not self.law.is_free(folder):
                return f"{folder} may not include <{header}>: only {', '.join(names)} may"
        return None

    def check_quoted(self, name, folder, header):
        if header.startswith(FOREIGN):
            if is_public(name) and not header.startswith("absl/"):
                return f'a public header may not include "{header}": only std, absl and halley'
            return None
        found = self.find(name, header)
        if found is None:
            if (self.root / name).parent.joinpath(header).is_file():
                return f'"{header}" is found beside the file only: write it from src/'
            return f'"{header}" is no file of ours: use <> for what is not'
        other = self.law.folder_of(found)
        if other is None or self.law.may(folder, other):
            return None
        return f'{folder} may not include "{header}": tools/layers.txt does not name {other}'

    def find(self, name, header):
        """The file that `header` means, seen from the roots that `name` may write it from."""
        if header.endswith(".pb.h"):
            name_only = header.removesuffix(".pb.h").removesuffix(".grpc")
            source = f"proto/{name_only}.proto"
            return source if (self.root / source).is_file() else None
        roots = ["src", "include"]
        roots += {"tests": ["tests", "tools", "bench"], "tools": ["tools"],
                  "bench": ["bench", "tools"]}.get(name.split("/")[0], [])
        for each in roots:
            path = self.root / each / header
            if path.is_file() and ".." not in pathlib.PurePath(header).parts:
                return f"{each}/{header}"
        return None

    def check_meson(self, name, path):
        folder = self.law.folder_of(name)
        if folder is None:
            return
        names = {each.replace("-", "_"): each for each in self.law.paths}
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for match in MESON_NAME.finditer(line.split("#")[0]):
                other = names.get(match[1])
                if other is not None and not self.law.may(folder, other):
                    self.errors.append(f"{name}:{number}: {folder} may not depend on {match[0]}: "
                                       f"tools/layers.txt does not name {other}")


def is_public(name):
    return name.startswith("include/") and name.endswith(".h")


def is_standard(header):
    return "/" not in header and not header.endswith(".h")


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip())
        return 2
    root = pathlib.Path(arguments[0])
    law = Law(root / "tools" / "layers.txt")
    errors = law.errors
    files_count = 0
    if not errors:
        checker = Checker(root, law)
        checker.run()
        errors, files_count = checker.errors, checker.files_count
        if files_count == 0:
            errors.append(f"{root}: no source file was found: name the project's root")
    for error in errors:
        print(error)
    if not errors:
        print(f"{files_count} files follow tools/layers.txt")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
