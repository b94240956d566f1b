#!/usr/bin/env python3
"""Runs a test of halley.js in node; skips where there is none.

usage: node_test.py SCRIPT
"""

import shutil
import subprocess
import sys

EXIT_SKIPPED = 77

if not shutil.which("node"):
    print("skipped: node is not installed (apt-get install nodejs)")
    sys.exit(EXIT_SKIPPED)
sys.exit(subprocess.run(["node", sys.argv[1]], check=False).returncode)
