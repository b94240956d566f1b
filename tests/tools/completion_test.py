"""The completions, in a bash: what it offers after some words, of programs that are made up."""

import pathlib
import subprocess
import tempfile
import unittest

COMPLETIONS = pathlib.Path(__file__).resolve().parents[2] / "packaging" / "completions"
HALLEY_HELP = """\
Usage: halley [--config FILE] [--flag VALUE]...
  --config FILE                               read options from this TOML file
  --doctor                                    look at this host
  --tcp, --listen.tcp ADDRESSES               goim on TCP, not --this
  --tls-certificates, --tls.certificates FILES
"""
HALLEYCTL_HELP = """\
  halleyctl push key|mid|room TARGET... MESSAGE   push
  halleyctl rooms [PREFIX]                        list
  halleyctl drain                                 tell
Everywhere
  --push ADDRESS       the node's push port
  --json               print JSON
"""


class Completion(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name, text in (("halley", HALLEY_HELP), ("halleyctl", HALLEYCTL_HELP)):
            program = self.folder / name
            program.write_text(f"#!/bin/bash\ncat <<'END'\n{text}END\n")
            program.chmod(0o755)
        (self.folder / "site.pem").touch()

    def offered(self, *words):
        """What is offered for the last of the words."""
        quoted = " ".join(f"'{word}'" for word in words)
        script = (f"source '{COMPLETIONS / words[0]}'; PATH=$PWD:$PATH; COMP_WORDS=({quoted}); "
                  f"COMP_CWORD={len(words) - 1}; _{words[0]}; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
        ended = subprocess.run(["bash", "-euc", script], cwd=self.folder, capture_output=True,
                               text=True, check=True)
        self.assertEqual(ended.stderr, "")
        return sorted(ended.stdout.split())

    def test_flags_of_the_gateway(self):
        self.assertEqual(self.offered("halley", "--"), [
            "--config", "--doctor", "--listen.tcp", "--tcp", "--tls-certificates", "--tls.certificates"])
        self.assertEqual(self.offered("halley", "--doctor", "--t"),
                         ["--tcp", "--tls-certificates", "--tls.certificates"])

    def test_files_of_the_gateway(self):
        self.assertEqual(self.offered("halley", "--config", "s"), ["site.pem"])
        self.assertEqual(self.offered("halley", "--tls.certificates", ""),
                         ["halley", "halleyctl", "site.pem"])
        self.assertEqual(self.offered("halley", "--config", "=", "s"), ["site.pem"])
        self.assertEqual(self.offered("halley", "--config", "="), ["halley", "halleyctl", "site.pem"])
        self.assertEqual(self.offered("halley", "--tcp", "s"), [])

    def test_commands_and_flags_of_halleyctl(self):
        self.assertEqual(self.offered("halleyctl", ""), ["drain", "push", "rooms"])
        self.assertEqual(self.offered("halleyctl", "--json", "d"), ["drain"])
        self.assertEqual(self.offered("halleyctl", "rooms", ""), [])
        self.assertEqual(self.offered("halleyctl", "push", "r"), ["room"])
        self.assertEqual(self.offered("halleyctl", "push", "room", "--j"), ["--json"])
        self.assertEqual(self.offered("halleyctl", "trace", ""), ["ip", "key", "list", "mid", "off"])
        self.assertEqual(self.offered("halleyctl", "trace", "off", "k"), ["key"])
        self.assertEqual(self.offered("halleyctl", "--secret-file", "s"), ["site.pem"])


if __name__ == "__main__":
    unittest.main()
