#!/usr/bin/env python3
"""Options, tokens and room types that are read again while the gateway runs."""

import contextlib
import json
import os
import select
import signal
import tempfile

import goim
import harness
from admin_test import Admin
from goim import TcpClient, pushed
from harness import wait_until
from push_port import Pusher
from stream import Ended
from websocket import WsClient

RELOADS = 100 if harness.SANITIZE == "none" else 20
UNAUTHENTICATED = 16


class ReloadTest(harness.OwnGatewayTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.file = os.path.join(folder.name, "halley.toml")

    def write(self, text, name="halley.toml"):
        path = os.path.join(self.folder, name)
        with open(path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(path + ".new", path)
        return path

    def start_with(self, text, *flags):
        self.write(text)
        return self.start("--config", self.file, *flags)


class Counts(ReloadTest):
    def test_what_has_changed_counts_and_what_must_wait_is_named(self):
        gateway = self.start_with("[client]\nidle_timeout_ms = 60000\n")
        old = self.keep(TcpClient(gateway.tcp)).login()
        self.assertEqual(self.ctl(gateway, "reload"), "no option has changed that counts at once\n")
        self.write("[client]\nidle_timeout_ms = 300\n[shard]\nbuckets = 8\n")
        self.assertEqual(self.ctl(gateway, "reload"),
                         "client.idle_timeout_ms counts from now on\nshard.buckets waits for a restart\n")
        # The same again is nothing new; what waits is no longer told, for it was.
        self.assertEqual(json.loads(self.ctl(gateway, "reload", "--json")),
                         {"changed": [], "need_restart": []})

        def short_lived():
            with contextlib.closing(TcpClient(gateway.tcp).login()) as client:
                return bool(select.select([client.socket], [], [], 2)[0]) and not client.pump()
        wait_until(short_lived, "a login that ends by the new time", pause_s=0)
        # Who was there has what it was let in with.
        self.assertEqual(old.call(goim.HEARTBEAT, 1).op, goim.HEARTBEAT_REPLY)

    def test_flags_win_again(self):
        gateway = self.start_with("", "--client.idle_timeout_ms", "70000")
        self.write("[client]\nidle_timeout_ms = 300\n")
        self.assertEqual(self.ctl(gateway, "reload"), "no option has changed that counts at once\n")

    def test_nothing_counts_when_anything_is_wrong(self):
        gateway = self.start_with("[client]\nidle_timeout_ms = 60000\n")
        for text, why in (("[client]\nidle_timeout_ms = 300\nnothing = 1\n", "client.nothing"),
                          ("[client]\nidle_timeout_ms = 300\n[push]\nbody_bytes = 9999999\n", "push.body_bytes"),
                          ("[client\n", "halley.toml:1")):
            self.write(text)
            told = self.ctl(gateway, "reload", code=4)
            self.assertIn("nothing was changed: ", told)
            self.assertIn(why, told)
            self.hang_up(gateway, "SIGHUP: nothing was changed: ")
        os.remove(self.file)
        self.assertIn("nothing was changed: ", self.ctl(gateway, "reload", code=4))
        self.write("[client]\nidle_timeout_ms = 60000\n")
        self.hang_up(gateway, "SIGHUP: no option has changed")

    def test_what_waits_and_what_counts_must_go_together(self):
        gateway = self.start_with("")
        self.write("[push]\nbody_bytes = 1024\n[room]\nlog_bytes = 65536\n")
        self.assertIn("with what waits for a restart, room.log_bytes (65536) is less than twice push.body_bytes",
                      self.ctl(gateway, "reload", code=4))
        self.write("[push]\nbody_bytes = 1024\n")
        self.assertEqual(self.ctl(gateway, "reload"), "no option has changed that counts at once\n"
                         "push.body_bytes waits for a restart\n")

    def test_the_log_level(self):
        gateway = self.start_with("[gateway]\nlog_level = \"info\"\n")
        self.hang_up(gateway, "SIGHUP: no option has changed")
        self.write("[gateway]\nlog_level = \"error\"\n")
        self.ctl(gateway, "reload")
        self.ctl(gateway, "reload")
        self.write("[gateway]\nlog_level = \"info\"\n")
        self.hang_up(gateway, "SIGHUP: these options count from now on: gateway.log_level")
        # The two that were asked for over the push port said nothing.
        self.assertEqual(gateway.stderr().count("no option has changed"), 1)
        self.assertNotIn("a reload that was asked for", gateway.stderr())

    def test_limits_begin_and_end(self):
        gateway = self.start_with("", "--shards", "2")
        clients = [self.keep(TcpClient(gateway.tcp)).login() for _ in range(2)]

        def is_refused():
            with contextlib.closing(TcpClient(gateway.tcp)) as client:
                try:
                    client.login()
                except (Ended, ConnectionError):
                    return True
            return False
        self.assertFalse(is_refused())
        pusher = self.keep(Pusher(gateway))
        wait_until(lambda: pusher.status().connections == 2, "the third to have gone")
        self.write("[limits]\nip_connections = 2\nmessages_per_s = 1\nmessages_burst = 2\n")
        self.assertIn("limits.ip_connections counts from now on", self.ctl(gateway, "reload"))
        self.assertTrue(is_refused())
        clients[0].send(goim.frame(goim.HEARTBEAT) * 10)
        clients[0].read_all()
        self.assertEqual(pusher.status().closed["rate_limited"], 1)
        self.write("")
        self.ctl(gateway, "reload")
        for _ in range(10):
            clients[1].online()
            self.assertFalse(is_refused())

    def test_room_types(self):
        gateway = self.start_with("[room.live]\nlinger_ms = 0\n")
        pusher = self.keep(Pusher(gateway))
        client = self.keep(TcpClient(gateway.tcp)).login(room_id="live://1")
        late = self.keep(TcpClient(gateway.tcp)).login(room_id="later://1")

        def waits(room):
            return pusher.push_rooms([room], "x", confirm_ms=200).deliveries[2] == 1
        self.assertFalse(waits("live://1"))
        self.write("[room.live]\nlinger_ms = 1500\n[room.late]\nlinger_ms = 1500\n")
        self.assertEqual(self.ctl(gateway, "reload"),
                         "room.live counts from now on\nroom.late counts from now on\n")
        wait_until(lambda: waits("live://1"), "a room that is there to wait for more", pause_s=0)
        new = self.keep(TcpClient(gateway.tcp)).login(room_id="late://1")
        wait_until(lambda: waits("late://1"), "a room of the new type to wait for more", pause_s=0)
        self.assertFalse(waits("later://1"))
        self.write("")
        self.assertEqual(self.ctl(gateway, "reload"),
                         "room.live counts from now on\nroom.late counts from now on\n")
        wait_until(lambda: not waits("live://1"), "it to wait no longer", pause_s=0)
        for each in (client, late, new):
            self.assertEqual(each.receive(), pushed(b"x"))


class Tokens(ReloadTest):
    def test_of_pushers(self):
        secret = self.write("first", "secret")
        gateway = self.start_with(f'[push]\nsecret_file = "{secret}"\n')
        old = self.keep(Pusher(gateway))
        old.hello(b"first")
        self.write("second\n", "secret")
        self.hang_up(gateway, "these options count from now on: push.secret")
        # On every shard, as soon as it has been said.
        for _ in range(8):
            with contextlib.closing(Pusher(gateway)) as pusher:
                self.assertEqual(pusher.hello(b"first").code, UNAUTHENTICATED)
            with contextlib.closing(Pusher(gateway)) as pusher:
                self.assertEqual(pusher.hello(b"second").code, 0)
        self.assertGreater(old.status().connections, -1)
        self.assertNotIn("second", gateway.stderr())

    def test_of_the_admin_port(self):
        token = self.write("first", "token")
        gateway = self.start_with(f'[admin]\ntoken_file = "{token}"\n')
        first, second = (Admin(gateway.admin, name) for name in ("first", "second"))
        self.assertEqual((first.get("/v1/status")[0], second.get("/v1/status")[0]), (200, 401))
        self.write("second", "token")
        self.assertEqual(first.post("/v1/reload"), (200, {"changed": ["admin.token"], "need_restart": []}))
        self.assertEqual((first.get("/v1/status")[0], second.get("/v1/status")[0]), (401, 200))
        self.write("", "token")
        status, answer = second.post("/v1/reload")
        self.assertEqual(status, 409)
        self.assertIn("is empty", answer["error"])


class UnderLoad(ReloadTest):
    def test_many_reloads_lose_nobody_and_nothing(self):
        texts = ["[client]\nidle_timeout_ms = %d\n[room]\nlog_messages = %d\n[room.live]\nlinger_ms = %d\n"
                 % (60000 + i, 1000 + i, i) for i in range(2)]
        gateway = self.start_with(texts[0])
        pusher = self.keep(Pusher(gateway))
        kinds = (lambda: TcpClient(gateway.tcp), lambda: WsClient(gateway.ws))
        clients = [self.keep(kinds[i % 2]()).login(room_id="live://1") for i in range(20)]
        for number in range(RELOADS):
            self.write(texts[(number + 1) % 2])
            gateway.process.send_signal(signal.SIGHUP)
            self.assertEqual(pusher.push_rooms(["live://1"], b"%d" % number).taken, len(clients))
            wait_until(lambda: gateway.stderr().count("count from now on") == number + 1, "the reload",
                       pause_s=0.002)
        for client in clients:
            for number in range(RELOADS):
                self.assertEqual(client.receive(), pushed(b"%d" % number))
        status = pusher.status()
        self.assertEqual((sum(status.closed.values()), status.connections), (0, len(clients)))


if __name__ == "__main__":
    harness.main()
