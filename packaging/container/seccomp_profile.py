#!/usr/bin/env python3
"""Adds the three system calls of io_uring to a container runtime's default seccomp profile, and
nothing else. Docker has none without them since version 25, containerd since 2.0.

usage: seccomp_profile.py DEFAULT.json > halley-seccomp.json

Docker's default is profiles/seccomp/default.json of github.com/moby/profiles, Podman's
/usr/share/containers/seccomp.json. What io_uring does is not seen by the profile's other rules.
"""

import json
import sys

CALLS = ["io_uring_enter", "io_uring_register", "io_uring_setup"]


def extended(profile):
    """The profile with a rule that comes before those that forbid."""
    rule = {"names": CALLS, "action": "SCMP_ACT_ALLOW"}
    others = []
    for each in profile["syscalls"]:
        if each["action"] != "SCMP_ACT_ALLOW":
            # Two rules for one call are an error to some runtimes.
            each = {**each, "names": [name for name in each["names"] if name not in CALLS]}
        if each["names"]:
            others.append(each)
    return {**profile, "syscalls": [rule, *others]}


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    with open(arguments[0], encoding="utf-8") as file:
        json.dump(extended(json.load(file)), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
