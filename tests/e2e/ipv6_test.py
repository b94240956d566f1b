#!/usr/bin/env python3
"""Everything over IPv6, alone and beside IPv4."""

import json
import re
import socket
import subprocess
import unittest

import harness
from goim import TcpClient, pushed
from harness import Gateway, program
from push_port import Pusher
from websocket import WsClient


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


@unittest.skipUnless(has_ipv6(), "this host has no ::1")
class Ipv6(harness.KeepingTest):
    def serve(self, host, *flags):
        gateway = Gateway("--tcp", f"[{host}]:0", "--ws", f"[{host}]:0", *flags)
        self.addCleanup(gateway.stop)
        return gateway

    def test_clients_and_pushers(self):
        gateway = self.serve("::1", "--push", "[::1]:0")
        self.assertEqual(gateway.tcp[0], "::1")
        pusher = self.keep(Pusher(gateway))
        clients = [self.keep(TcpClient(gateway.tcp)), self.keep(WsClient(gateway.ws))]
        for number, client in enumerate(clients):
            client.login(key=f"six-{number}", room_id="six://1")
        self.assertEqual(pusher.push_rooms(["six://1"], b"hello").taken, 2)
        for client in clients:
            self.assertEqual(client.receive(), pushed(b"hello"))

    def test_the_tools(self):
        gateway = self.serve("::1", "--push", "[::1]:0")
        client = self.keep(TcpClient(gateway.tcp)).login(key="six", room_id="six://1")
        push = f"[::1]:{gateway.push[1]}"
        ended = subprocess.run([program("HALLEYCTL_BIN"), "--push", push, "push", "room",
                                "six://1", "hello"], capture_output=True, text=True,
                               timeout=harness.DEADLINE_S, check=False)
        self.assertEqual((ended.returncode, ended.stderr), (0, ""))
        self.assertEqual(client.receive(), pushed(b"hello"))
        for transport, address in (("tcp", gateway.tcp), ("ws", gateway.ws)):
            ended = subprocess.run([program("HALLEY_LOAD_BIN"), f"--{transport}",
                                    f"[::1]:{address[1]}", "--push", push, "--clients", "20",
                                    "--count", "5", "--json", "--quiet"], capture_output=True,
                                   text=True, timeout=60, check=False)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertTrue(json.loads(ended.stdout)["ok"])

    def test_both_kinds_of_addresses(self):
        gateway = Gateway("--tcp", "127.0.0.1:0, [::1]:0")
        self.addCleanup(gateway.stop)
        pusher = self.keep(Pusher(gateway))
        ports = re.findall(r"^  tcp +(\S+):(\d+)$", gateway.printed, re.MULTILINE)
        self.assertEqual([host for host, _ in ports], ["127.0.0.1", "[::1]"])
        for host, port in ports:
            client = self.keep(TcpClient((host.strip("[]"), int(port))))
            client.login(key=host, accepts=[1000])
            self.assertEqual(pusher.push_keys([host], b"hello").taken, 1)
            self.assertEqual(client.receive(), pushed(b"hello"))


if __name__ == "__main__":
    harness.main()
