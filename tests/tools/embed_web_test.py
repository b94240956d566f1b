#!/usr/bin/env python3
"""What becomes of the files for browsers in the program."""

import ast
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import embed_web  # noqa: E402


def bytes_of(literals):
    """Adjacent literals, read as C++ would; Python's bytes have the same escapes."""
    return b"".join(ast.literal_eval("b" + line.strip()) for line in literals.splitlines())


class EmbedWeb(unittest.TestCase):
    def test_every_byte_comes_through(self):
        for data in (b"", bytes(range(256)), b'"\\??=\n' * 100, "naïve ✓ 1".encode() * 50,
                     b"\x01" + b"7" * 200):
            literals = embed_web.literal(data)
            self.assertEqual(bytes_of(literals), data)
            self.assertTrue(literals.isascii())
            self.assertNotIn("?", literals, "no trigraph")

    def test_names_the_style_and_the_script_by_their_hash(self):
        page = b"<style>b {}</style><script type=\"module\">\n1;\n</script>"
        # printf 'b {}' | openssl dgst -sha256 -binary | base64
        self.assertEqual(embed_web.source_hash(page, b"style"),
                         b"'sha256-zy87ZYlZV4kMyp51wB+3ABJeEclAGRFupKDmlDS9DAw='")
        self.assertEqual(embed_web.source_hash(page, b"script"),
                         b"'sha256-o/XC9OlEggfse39RlivbQFMYA0QAu6G2MgWEuPWdudM='")

    def test_one_script_and_one_style(self):
        for page in (b"<style></style>", b"<script></script>",
                     b"<style></style><script></script><script></script>"):
            with self.assertRaises(SystemExit):
                embed_web.embed(page, b"")

    def test_the_page_itself(self):
        page = (ROOT / "src/web/index.html").read_bytes()
        text = embed_web.embed(page, b"script\n")
        found = re.search(r"kIndexHtmlBytes\[\] =\n(.*?);\n", text, re.DOTALL)
        self.assertEqual(bytes_of(found[1]), page)
        self.assertIn('kHalleyJsBytes[] =\n    "script\\012";', text)


if __name__ == "__main__":
    unittest.main()
