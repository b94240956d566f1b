"""tools/man_page.py: what it makes of what a program prints."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import man_page  # noqa: E402  pylint: disable=wrong-import-position

TABLE = """\
| TOML key | flag | unit | default | range | what it is |
| --- | --- | --- | --- | --- | --- |
| `listen.tcp` | `--tcp`, `--listen.tcp` | addresses | `0.0.0.0:1` | addresses | goim on TCP |
| `listen.backlog` | `--listen.backlog` | count | `512` | 1 to 9 | a \\| b |
| `io.engine` | `--io.engine` | word | empty | auto, epoll | which |
|  | `--config FILE` |  |  |  | read this |
"""


class ManPage(unittest.TestCase):
    def test_options_stand_under_their_sections(self):
        self.assertEqual(man_page.options(TABLE), """\
.SS [listen]
.TP
.B listen.tcp
goim on TCP (0.0.0.0:1 by default; addresses; also \\-\\-tcp)
.TP
.B listen.backlog
a | b (512 by default; 1 to 9)
.SS [io]
.TP
.B io.engine
which (empty by default; auto, epoll)""")

    def test_commands_are_the_rows_without_a_key(self):
        self.assertEqual(man_page.commands(TABLE), ".TP\n.B \\-\\-config FILE\nread this")

    def test_text_is_no_request(self):
        self.assertEqual(man_page.escaped(".x\n'y\na\\b"), "\\&.x\n\\&'y\na\\eb")

    def test_a_template_is_filled_in(self):
        asked = []

        def ask(flag):
            asked.append(flag)
            return "  --a  b\n"
        self.assertEqual(man_page.page("v @VERSION@\n@HELP@\n", "1.2", ask), "v 1.2\n  \\-\\-a  b\n")
        self.assertEqual(asked, ["--help"])
        with self.assertRaises(KeyError):
            man_page.page("@NOTHING@", "1.2", ask)

    @unittest.skipUnless(shutil.which("groff"), "groff is not here")
    def test_groff_has_nothing_to_say_about_the_pages(self):
        for template in sorted((ROOT / "packaging" / "man").iterdir()):
            with self.subTest(page=template.name), tempfile.NamedTemporaryFile("w") as file:
                file.write(man_page.page(template.read_text(), "1.2", lambda flag: TABLE))
                file.flush()
                ended = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", file.name],
                                       capture_output=True, text=True, check=False)
                self.assertEqual((ended.returncode, ended.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
