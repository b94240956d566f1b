#!/usr/bin/env python3
"""Writes src/web/embedded.h's definitions: the files for browsers as string literals.

usage: embed_web.py INDEX_HTML HALLEY_JS OUT_CC
"""

import base64
import hashlib
import pathlib
import re
import sys

BYTES_PER_LINE = 80


def literal(data):
    """`data` as adjacent string literals. Octal escapes of three digits end by themselves."""
    lines = []
    for at in range(0, len(data), BYTES_PER_LINE):
        part = "".join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\?' else f"\\{byte:03o}"
                       for byte in data[at:at + BYTES_PER_LINE])
        lines.append(f'    "{part}"')
    return "\n".join(lines or ['    ""'])


def source_hash(page, tag):
    """Of the only element of that kind in the page that has its text in it."""
    found = re.findall(rb"<%s(?: [^>]*)?>(.*?)</%s>" % (tag, tag), page, re.DOTALL)
    if len(found) != 1:
        raise SystemExit(f"embed_web.py: {len(found)} <{tag.decode()}> elements: there must be one")
    digest = base64.b64encode(hashlib.sha256(found[0]).digest()).decode()
    return f"'sha256-{digest}'".encode()


def definition(name, data):
    return (f"constexpr char {name}Bytes[] =\n{literal(data)};\n"
            f"const std::string_view {name}({name}Bytes, sizeof {name}Bytes - 1);\n")


def embed(page, script):
    parts = {"kIndexHtml": page, "kHalleyJs": script,
             "kIndexStyleHash": source_hash(page, b"style"),
             "kIndexScriptHash": source_hash(page, b"script")}
    return ('// Written by tools/embed_web.py.\n#include "web/embedded.h"\n\n'
            "namespace halley::web {\n\n" +
            "\n".join(definition(name, data) for name, data in parts.items()) +
            "\n}  // namespace halley::web\n")


def main(index, script, out):
    text = embed(pathlib.Path(index).read_bytes(), pathlib.Path(script).read_bytes())
    pathlib.Path(out).write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
