#!/usr/bin/env python3
"""goim's job and logic as far as gRPC goes: in Go, with goim's own options of connections."""

import time

import go_grpc
import goim
from comet_grpc_test import FLAGS, broadcast, broadcast_room, push_msg, raw
from goim import TcpClient, pushed
from harness import GatewayTest, OwnGatewayTest, wait_until
from push_port import parse
from websocket import WsClient


def setUpModule():
    go_grpc.build()


class JobCalls(GatewayTest):
    flags = FLAGS

    def setUp(self):
        self.job = self.keep(go_grpc.Job(self.gateway.address("comet_grpc")))

    def test_each_method(self):
        tcp = self.keep(TcpClient(self.gateway.tcp)).login(key="t", room_id="live://1", accepts=[1000])
        ws = self.keep(WsClient(self.gateway.ws)).login(key="w", room_id="live://1", accepts=[1000])
        self.assertEqual(self.job.call("PushMsg", push_msg(["t", "nobody", "w"], raw(b"one"))), b"")
        self.assertEqual(self.job.call("BroadcastRoom", broadcast_room("live://1", raw(b"two"))), b"")
        self.assertEqual(self.job.call("Broadcast", broadcast(raw(b"three"))), b"")
        for client in (tcp, ws):
            self.assertEqual([client.receive() for _ in range(2)], [pushed(b"one"), pushed(b"two")])
            self.assertEqual(client.receive(), pushed(b"three"))
        rooms = self.job.call("Rooms")
        self.assertEqual(parse(parse(rooms)[1][0]), {1: [b"live://1"], 2: [1]})

    def test_refusals_are_statuses_of_gos_too(self):
        self.assertEqual(self.job.call("Nothing")[0], "Unimplemented")
        # What cannot be read has Internal in gRPC's table, and Unimplemented in its C++.
        self.assertIn(self.job.call("BroadcastRoom", b"\xff")[0], ("Internal", "Unimplemented"))
        self.assertEqual(self.job.call("BroadcastRoom", broadcast_room("", raw(b"x")))[0], "InvalidArgument")

    def test_many_at_once_on_one_connection(self):
        client = self.keep(TcpClient(self.gateway.tcp)).login(key="many", accepts=[1000])
        calls = [self.job.begin("PushMsg", push_msg(["many"], raw(b"%d" % number))) for number in range(500)]
        self.assertEqual({self.job.end(call) for call in calls}, {b""})
        self.assertEqual({client.receive().body for _ in calls}, {b"%d" % number for number in range(500)})

    def test_a_batch_as_large_as_a_job_may_send(self):
        client = self.keep(TcpClient(self.gateway.tcp)).login(key="last", accepts=[1000])
        keys = [f"offline-{number:05}" for number in range(20_000)] + ["last"]
        self.assertEqual(self.job.call("PushMsg", push_msg(keys, raw(b"big"))), b"")
        self.assertEqual(client.receive(), pushed(b"big"))

    def test_pings_of_an_idle_job_are_no_flood(self):
        """It pings every 10 s without a call; a server that minds hangs up after the third."""
        client = self.keep(TcpClient(self.gateway.tcp)).login(key="idle", accepts=[1000])
        self.job.call("PushMsg", push_msg(["idle"], raw(b"before")))
        time.sleep(35)
        self.assertEqual(self.job.call("PushMsg", push_msg(["idle"], raw(b"after"))), b"")
        self.assertEqual([client.receive(), client.receive()], [pushed(b"before"), pushed(b"after")])
        closed = [line for line in self.gateway.stderr().splitlines() if "too_many_pings" in line]
        self.assertEqual(closed, [])


class LogicAnswers(OwnGatewayTest):
    def begin(self, *flags, **options):
        self.logic = self.keep(go_grpc.Logic(**options))
        self.gateway = self.start("--backend", "goim", "--goim.addresses", self.logic.address,
                                  "--goim.server", "node-1", *flags)
        wait_until(lambda: self.logic.asked("Ping"), "a probe")

    def login(self, **fields):
        return self.keep(TcpClient(self.gateway.tcp)).login(**fields)

    def test_a_clients_life(self):
        self.begin()
        client = self.login(mid=42, key="k", room_id="live://1", accepts=[1000, 1001])
        connect = parse(self.logic.asked("Connect")[0][0])
        self.assertEqual(connect[1], [b"node-1"])
        client.send_frame(1000, 5, b"up")
        wait_until(lambda: self.logic.asked("Receive"), "the message to be told")
        receive = parse(self.logic.asked("Receive")[0][0])
        self.assertEqual((receive[1], parse(receive[2][0])[4]), ([42], [b"up"]))
        client.close()
        wait_until(lambda: self.logic.asked("Disconnect"), "the end to be told")
        disconnect = parse(self.logic.asked("Disconnect")[0][0])
        self.assertEqual((disconnect[1], disconnect[2]), ([42], [b"k"]))

    def test_a_login_that_goes_cannot_read_is_refused(self):
        self.begin()
        client = self.keep(WsClient(self.gateway.ws))
        client.send_message(goim.frame(goim.AUTH, 1, b"not JSON"))
        client.read_close()
        self.login(key="still")

    def test_rooms_are_reported_with_gzip_and_counts_come_back(self):
        self.begin()
        clients = [self.login(key=f"k{number}", room_id="live://1") for number in range(3)]
        told = wait_until(lambda: self.logic.asked("RenewOnline"), "a report", deadline_s=30)
        self.assertEqual({how for _, how in told}, {"gzip"})
        report = parse(told[-1][0])
        self.assertEqual(report[1], [b"node-1"])
        self.assertEqual(parse(report[2][0]), {1: [b"live://1"], 2: [3]})
        wait_until(lambda: clients[0].online() == 3, "the count to come back")

    def test_connections_that_logic_ends_cost_no_login(self):
        """It ends idle ones and old ones with GOAWAY, at any moment."""
        self.begin(idle="200ms", age="1s")
        end = time.monotonic() + 6
        number = 0
        while time.monotonic() < end:
            self.login(key=f"k{number}").close()
            number += 1
            time.sleep((0.0, 0.02, 0.25)[number % 3])
        self.assertGreater(self.logic.connections("ends"), 3)


if __name__ == "__main__":
    import harness
    harness.main()
