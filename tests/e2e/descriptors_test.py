#!/usr/bin/env python3
"""More clients than fit: who is in is not disturbed, and when some leave others come in."""

import os
import pathlib
import re
import resource
import time
import unittest

import goim
import harness
from goim import TcpClient, pushed
from harness import wait_until
from push_port import Pusher
from stream import Ended
from websocket import WsClient, request

harness.need_admin()


class DescriptorsTest(harness.OwnGatewayTest):
    def log_in(self, client):
        """Whether it was let in."""
        try:
            client.send(goim.login_frame(room_id="full://1"))
            return client.receive().op == goim.AUTH_REPLY
        except (Ended, ConnectionError):
            return False

    def test_the_limit_of_connections(self):
        gateway = self.start("--shard.connections_max", "20", shards=1)
        pusher = self.keep(Pusher(gateway))
        clients = [self.keep(TcpClient(gateway.tcp)) for _ in range(30)]
        inside = [client for client in clients if self.log_in(client)]
        self.assertEqual(len(inside), 20)
        late = self.keep(WsClient(gateway.ws, upgrade=False))
        late.send(request())
        answer = late.read_all()
        self.assertTrue(answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n"), answer)
        self.assertTrue(answer.endswith(b"try again later.\n"), answer)
        status = pusher.status()
        self.assertEqual((status.closed["server_full"], status.connections), (11, 20))
        self.assertEqual(pusher.push_rooms(["full://1"], "x").taken, 20)
        for client in inside:
            self.assertEqual(client.receive(), pushed(b"x"))
        for client in inside[:5]:
            client.close()
        wait_until(lambda: pusher.status().connections == 15, "five to be gone")
        again = [self.keep(TcpClient(gateway.tcp)) for _ in range(5)]
        self.assertTrue(all(self.log_in(client) for client in again))

    def test_a_shard_keeps_no_socket_of_another(self):
        gateway = self.start(shards=4)
        tables = [[os.readlink(fd) for fd in task.glob("fd/*")]
                  for task in pathlib.Path(f"/proc/{gateway.process.pid}/task").iterdir()]
        sockets = [sum(target.startswith("socket:") for target in table) for table in tables]
        # Its own three listeners and its own ends of three roads; the first shard's ends of the admin
        # port's two connections.
        self.assertEqual(sorted(sockets)[:4], [6, 6, 6, 8], sockets)

    def start_with_few_descriptors(self):
        limit = (320, 320)
        return self.start(shards=1,
                          prepare=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit))

    def test_the_limit_follows_from_descriptors(self):
        gateway = self.start_with_few_descriptors()
        fit = int(re.search(r"up to (\d+) connections", gateway.printed)[1])
        self.assertIn(fit, range(50, 320))
        clients = [self.keep(TcpClient(gateway.tcp)) for _ in range(fit + 20)]
        inside = [client for client in clients if self.log_in(client)]
        self.assertEqual(len(inside), fit)
        # Pushers are not among them.
        self.assertEqual(self.keep(Pusher(gateway)).push_rooms(["full://1"], "x").taken, fit)

    @unittest.skipIf("undefined" in harness.SANITIZE,
                     "UBSan needs descriptors to look at memory, and reports what is none")
    def test_out_of_descriptors(self):
        """Pushers, which do not count as clients, take all descriptors there are."""
        gateway = self.start_with_few_descriptors()
        pusher = self.keep(Pusher(gateway))
        inside = [self.keep(TcpClient(gateway.tcp)).login(room_id="full://1") for _ in range(50)]
        hogs = [self.keep(Pusher(gateway)) for _ in range(350)]
        errors = wait_until(lambda: pusher.status().accept_errors, "accepts to fail")
        crowd = [self.keep(TcpClient(gateway.tcp)) for _ in range(50)]
        for client in crowd:
            client.send(goim.login_frame(room_id="full://1"))

        began = time.monotonic()
        for number in range(20):
            self.assertEqual(pusher.push_rooms(["full://1"], str(number)).taken, 50)
            for client in inside:
                self.assertEqual(client.receive(), pushed(b"%d" % number))
                self.assertEqual(client.call(goim.HEARTBEAT, number).op, goim.HEARTBEAT_REPLY)
        # It tries again now and then, and not all the time.
        failed = pusher.status().accept_errors - errors
        self.assertLess(failed, 100 * (time.monotonic() - began) + 20)
        self.assertEqual([client for client in crowd if self.answered(client)], [])

        for hog in hogs[:200]:
            hog.close()
        wait_until(lambda: all(self.answered(client) for client in crowd), "all to be let in",
                   pause_s=0.02)
        self.assertEqual(pusher.push_rooms(["full://1"], "more").taken, 100)
        for client in inside:
            self.assertEqual(client.receive(), pushed(b"more"))

    @staticmethod
    def answered(client):
        client.pump()
        return len(client.unread) >= 16


if __name__ == "__main__":
    harness.main()
