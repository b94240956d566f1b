#!/usr/bin/env python3
"""A node that registers with goim's registry, and finds goim's logic there, whatever the registry does."""

import re
import signal
import subprocess
import time

import goim
import harness
from admin_test import Admin
from goim import TcpClient
from harness import DEADLINE_S, program, wait_until
from registry import Registry

harness.need_admin()

NAME = ("dev", "goim.comet", "sh001", "node-1")
LOGIC = ("dev", "goim.logic", "sh001")


class DiscoveryTest(harness.OwnGatewayTest):
    def start_with(self, *registries, flags=(), addrs="grpc://10.0.0.1:3109", **options):
        gateway = self.start(
            "--discovery.kind", "bilibili", "--discovery.nodes",
            ",".join(each if isinstance(each, str) else each.node for each in registries),
            "--discovery.region", "sh", "--discovery.zone", "sh001", "--discovery.env", "dev",
            "--discovery.host", "node-1", "--discovery.addrs", addrs,
            "--discovery.public_addrs", "203.0.113.1", *flags, **options)
        self.admin = Admin(gateway.admin)
        return gateway

    def registry(self, **options):
        return self.keep(Registry(**options))

    def discovery(self):
        return self.admin.get("/v1/status")[1]["discovery"]

    def failures(self, kind):
        return self.discovery()["failures"][kind]

    def until_registered(self, registry):
        return wait_until(lambda: registry.find(*NAME), "the node to be registered")

    def until_known(self, addresses):
        wait_until(lambda: self.discovery()["addresses"] == addresses, f"{addresses} to be known")


class Registers(DiscoveryTest):
    def test_as_goims_comet_does_and_cancels_first(self):
        registry = self.registry()
        gateway = self.start_with(registry)
        ready = time.monotonic()
        found = self.until_registered(registry)
        if harness.SANITIZE == "none":
            self.assertLess(time.monotonic() - ready, 1)
        self.assertEqual(found["addrs"], ["grpc://10.0.0.1:3109"])
        self.assertEqual((found["region"], found["status"]), ("sh", 1))
        self.assertEqual(found["metadata"], {"weight": "10", "offline": "false", "addrs": "203.0.113.1",
                                             "conn_count": "0", "ip_count": "0"})
        wait_until(lambda: self.discovery()["registered"], "it to know")
        self.assertEqual(self.admin.metrics()["halley_discovery_registered"], 1)
        wait_until(lambda: "the node is registered" in gateway.stderr(), "the log")
        # Its clients hear of the end only when the registry has.
        client = self.keep(TcpClient(gateway.tcp)).login()
        gateway.ask_to_end(signal.SIGTERM)
        client.read_all()
        self.assertIsNone(registry.find(*NAME))
        self.assertEqual(registry.count("cancel"), 1)
        gateway.stop()

    def test_where_it_listens_unless_it_is_told_otherwise(self):
        registry = self.registry()
        gateway = self.start_with(registry, addrs="")
        self.assertEqual(self.until_registered(registry)["addrs"],
                         ["tcp://127.0.0.1:%d" % gateway.tcp[1], "ws://127.0.0.1:%d" % gateway.ws[1]])

    def test_a_registry_that_refuses(self):
        registry = self.registry()
        registry.refuses = True
        self.start_with(registry)
        wait_until(lambda: self.failures("refused") >= 2, "refusals to be counted")
        self.assertFalse(self.discovery()["registered"])
        registry.refuses = False
        self.until_registered(registry)

    def test_what_changes_is_told_and_it_renews(self):
        registry = self.registry()
        gateway = self.start_with(registry)
        self.until_registered(registry)
        clients = [self.keep(TcpClient(gateway.tcp)).login() for _ in range(3)]
        wait_until(lambda: registry.find(*NAME)["metadata"]["conn_count"] == "3", "three to be told")
        clients.pop().close()
        wait_until(lambda: registry.find(*NAME)["metadata"]["conn_count"] == "2", "two to be told")
        self.assertEqual(registry.find(*NAME)["metadata"]["offline"], "false")
        wait_until(lambda: registry.count("renew") >= 1, "a renewal", deadline_s=40)
        self.assertEqual(registry.count("register"), 1)

    def test_a_registry_that_forgets_is_told_again(self):
        registry = self.registry()
        gateway = self.start_with(registry)
        self.until_registered(registry)
        registry.forget()
        # What changes brings it to light before the next renewal.
        self.keep(TcpClient(gateway.tcp)).login()
        self.until_registered(registry)
        self.assertEqual(registry.find(*NAME)["metadata"]["conn_count"], "1")
        self.assertGreaterEqual(self.failures("not_found"), 1)

    def test_draining_is_offline_and_undraining_is_not(self):
        registry = self.registry()
        gateway = self.start_with(registry, flags=("--gateway.drain_window_ms", "600000"))
        self.until_registered(registry)
        client = self.keep(TcpClient(gateway.tcp)).login()

        def offline():
            return registry.find(*NAME)["metadata"]["offline"]

        for words, told in ((["drain", "--grace", "60"], "true"), (["undrain"], "false")):
            ended = subprocess.run([program("HALLEYCTL_BIN"), "--push", "%s:%d" % gateway.push, *words],
                                   capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            began = time.monotonic()
            wait_until(lambda: offline() == told, f"offline to be {told}")
            self.assertLess(time.monotonic() - began, 5)
        # It stays registered for as long as it has clients: goim's job must find them.
        gateway.ask_to_end(signal.SIGTERM)
        wait_until(lambda: offline() == "true", "the drain to be told")
        self.assertEqual(client.call(goim.HEARTBEAT, 1).op, goim.HEARTBEAT_REPLY)
        self.assertEqual(registry.count("cancel"), 0)
        client.close()
        self.assertEqual(gateway.process.wait(30), 0)
        self.assertIsNone(registry.find(*NAME))


class Fails(DiscoveryTest):
    def test_the_next_node_is_asked(self):
        gone = Registry()
        gone.close()
        registry = self.registry()
        self.start_with(gone, registry)
        self.until_registered(registry)
        registry.put(*LOGIC, "l-1", ["grpc://127.0.0.1:1"])
        self.until_known(["127.0.0.1:1"])

    def test_without_a_registry_it_serves_and_registers_later(self):
        gone = Registry()
        gone.close()
        gateway = self.start_with(gone.node)
        self.keep(TcpClient(gateway.tcp)).login()
        wait_until(lambda: self.failures("unreachable") >= 2, "failures to be counted")
        self.assertFalse(self.discovery()["registered"])
        wait_until(lambda: "discovery.nodes: a call to the registry failed" in gateway.stderr(), "the log")
        registry = self.registry(port=int(gone.node.rsplit(":", 1)[1]))
        self.until_registered(registry)
        wait_until(lambda: "the node is registered" in gateway.stderr(), "the log")

    def test_what_is_known_outlives_the_registry(self):
        registry = self.registry(poll_s=1)
        registry.put(*LOGIC, "l-1", ["http://127.0.0.1:9", "grpc://127.0.0.1:1"])
        gateway = self.start_with(registry)
        self.until_known(["127.0.0.1:1"])
        self.until_registered(registry)
        for mode, kind in (("garbage", "bad_answer"), ("error", "http_status")):
            before = self.failures(kind)
            registry.mode = mode
            wait_until(lambda: self.failures(kind) > before, f"{kind} to be counted")
            self.assertEqual(self.discovery()["addresses"], ["127.0.0.1:1"])
        registry.mode = "good"
        registry.drop(*LOGIC, "l-1")
        before = registry.count("polls")
        wait_until(lambda: registry.count("polls") >= before + 2, "polls of nobody", deadline_s=60)
        self.assertEqual(self.discovery()["addresses"], ["127.0.0.1:1"])
        registry.put(*LOGIC, "l-2", ["grpc://127.0.0.1:2"])
        self.until_known(["127.0.0.1:2"])
        registry.close()
        before = self.failures("unreachable")
        wait_until(lambda: self.failures("unreachable") > before, "unreachable to be counted")
        self.assertEqual(self.discovery()["addresses"], ["127.0.0.1:2"])
        gateway.stop()

    def test_a_registry_that_does_not_answer_holds_up_neither_clients_nor_the_end(self):
        registry = self.registry()
        registry.mode = "slow"
        gateway = self.start_with(registry)
        wait_until(lambda: registry.count("register") >= 1, "the call")
        client = self.keep(TcpClient(gateway.tcp)).login()
        self.assertEqual(client.call(goim.HEARTBEAT, 1).op, goim.HEARTBEAT_REPLY)
        wait_until(lambda: self.failures("timed_out") >= 1, "the deadline")
        client.close()
        began = time.monotonic()
        gateway.ask_to_end(signal.SIGTERM)
        self.assertEqual(gateway.process.wait(DEADLINE_S), 0)
        took = time.monotonic() - began
        self.assertEqual(registry.count("cancel"), 1)
        self.assertGreater(took, 0.9, "the registry has a second")
        self.assertLess(took, 10)


class Watches(DiscoveryTest):
    def test_who_comes_and_goes(self):
        registry = self.registry()
        registry.put(*LOGIC, "l-1", ["grpc://127.0.0.1:1"])
        self.start_with(registry)
        self.until_known(["127.0.0.1:1"])
        registry.put(*LOGIC, "l-2", ["grpc://127.0.0.1:2"])
        self.until_known(["127.0.0.1:1", "127.0.0.1:2"])
        registry.put("dev", "goim.logic", "other-zone", "l-3", ["grpc://127.0.0.1:3"])
        registry.put("prod", "goim.logic", "sh001", "l-4", ["grpc://127.0.0.1:4"])
        registry.drop(*LOGIC, "l-1")
        self.until_known(["127.0.0.1:2"])
        registry.drop(*LOGIC, "l-2")
        self.until_known(["127.0.0.1:3"])  # of another zone, where there is none in its own
        self.assertEqual(self.admin.metrics()["halley_discovery_addresses"], 1)

    def test_a_poll_that_brings_nothing_is_followed_by_another(self):
        registry = self.registry(poll_s=1)
        registry.put(*LOGIC, "l-1", ["grpc://127.0.0.1:1"])
        self.start_with(registry)
        wait_until(lambda: registry.count("polls") >= 4, "polls")
        polls = [fields["latest_timestamp"][0] for verb, fields in registry.calls if verb == "polls"]
        self.assertEqual(polls[0], "0")
        self.assertGreater(int(polls[2]), 0)
        self.assertEqual(sum(self.discovery()["failures"].values()), 0)


class Here(DiscoveryTest):
    def test_a_list_that_does_not_change(self):
        gateway = self.start("--discovery.kind", "static", "--discovery.static_addresses",
                             "127.0.0.1:3119, logic.example:3119")
        self.admin = Admin(gateway.admin)
        self.assertEqual(self.discovery()["addresses"], ["127.0.0.1:3119", "logic.example:3119"])
        self.assertFalse(self.discovery()["registered"])

    def test_instances(self):
        gateway = self.start("--discovery.zone", "sh001", "--discovery.host", "node-1")
        admin = Admin(gateway.admin)
        self.assertNotIn("discovery", admin.get("/v1/status")[1])
        self.keep(TcpClient(gateway.tcp)).login()
        status, body = admin.get("/goim/nodes/instances")
        self.assertEqual((status, body["code"]), (200, 0))
        [instance] = body["data"]
        self.assertEqual(set(instance), {"region", "zone", "env", "appid", "hostname", "addrs", "version",
                                         "latest_timestamp", "metadata"})
        self.assertEqual((instance["appid"], instance["zone"], instance["hostname"]),
                         ("goim.comet", "sh001", "node-1"))
        self.assertEqual(instance["addrs"], ["tcp://127.0.0.1:%d" % gateway.tcp[1],
                                             "ws://127.0.0.1:%d" % gateway.ws[1]])
        self.assertEqual(instance["metadata"], {"weight": "10", "offline": "false", "addrs": "",
                                                "conn_count": "1", "ip_count": "1"})

    def test_what_is_missing_is_said(self):
        environment = {"PATH": "/nowhere"}
        for flags, what in (
                (("--discovery.kind", "bilibili"), "set discovery.nodes"),
                (("--discovery.kind", "static"), "set discovery.static_addresses"),
                (("--discovery.nodes", "http://r:1"), "is no host and port"),
                (("--discovery.kind", "bilibili", "--discovery.nodes", "r:1"), "set discovery.zone"),
                (("--discovery.kind", "bilibili", "--discovery.nodes", "r:1", "--discovery.zone", "z"),
                 "set discovery.env")):
            for more in ((), ("--check-config",)):
                ended = subprocess.run([program("HALLEY_BIN"), "--tcp", "127.0.0.1:0", "--ws", "",
                                        "--push", "", "--admin", "", *flags, *more], capture_output=True,
                                       text=True, timeout=DEADLINE_S, check=False, env=environment)
                self.assertEqual((ended.returncode, ended.stdout), (78, ""), ended.stderr)
                self.assertRegex(ended.stderr, r"^halley: .*" + re.escape(what) + r"[^\n]*\n$")


if __name__ == "__main__":
    harness.main()
