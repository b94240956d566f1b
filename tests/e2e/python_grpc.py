"""grpcio from PyPI, as the other side of gRPC: it shares no code with the product's."""

import fcntl
import importlib
import os
import subprocess
import sys
import unittest

import harness

INSTALL_DEADLINE_S = 90


def load_grpc():
    """The module; skips, with the reason, where it cannot be had."""
    # It is not to watch the forks by which gateways are started.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"
    folder = harness.scratch_folder("grpcio")
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run beside each other
        sys.path.insert(0, folder)
        try:
            return importlib.import_module("grpc")
        except ImportError:
            install_into(folder)
    importlib.invalidate_caches()
    return importlib.import_module("grpc")


def install_into(folder):
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
               "--only-binary", ":all:", "--target", folder, "grpcio>=1.51,<2"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=INSTALL_DEADLINE_S, check=False,
                              text=True)
    except subprocess.TimeoutExpired:
        raise unittest.SkipTest("pip install grpcio took too long: no registry?") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["it does not say why"]
        raise unittest.SkipTest(f"pip cannot install grpcio: {lines[-1]}")
