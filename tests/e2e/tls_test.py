#!/usr/bin/env python3
"""TLS in front of everything: goim on TCP and WebSocket, pushers with certificates, and what is not
TLS at all. The clients are Python's, on the OpenSSL of this host."""

import os
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

import harness
from certificates import Authority, trusting
from goim import TcpClient, pushed
from harness import Gateway, program, wait_until
from push_port import Pusher
from stream import Ended
from websocket import TEXT, WsClient


class Tls(harness.KeepingTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name, "root")
        cls.pushers = Authority(folder.name, "pushers")
        cls.authority.issue("site", "site.example")
        cls.authority.issue("other", "other.example")
        cls.pushers.issue("pusher", "pusher")
        cls.gateway = Gateway(
            "--wss", "127.0.0.1:0", "--tcp-tls", "127.0.0.1:0",
            "--listen.gopusher_tls", "127.0.0.1:0",
            "--tls-certificates", f"{cls.authority.file('site')}, {cls.authority.file('other')}",
            "--tls-keys",
            f"{cls.authority.file('site', 'key')},{cls.authority.file('other', 'key')}",
            "--push.tls_certificate", cls.authority.file("site"),
            "--push.tls_key", cls.authority.file("site", "key"),
            "--push.tls_client_ca", cls.pushers.root)
        cls.addClassCleanup(cls.gateway.stop)
        cls.wss = cls.gateway.address("wss")
        cls.tcp_tls = cls.gateway.address("tcp_tls")

    def setUp(self):
        self.context = trusting(self.authority)
        self.pusher = self.pusher_with(trusting(
            self.authority, self.pushers.file("pusher"), self.pushers.file("pusher", "key")))

    def pusher_with(self, context):
        return self.keep(Pusher(self.gateway, tls=(context, "site.example")))

    def tls_client(self, kind=TcpClient, name="site.example", context=None, **options):
        address = self.tcp_tls if kind is TcpClient else self.wss
        return self.keep(kind(address, tls=(context or self.context, name), **options))

    def test_a_client_of_gopushers(self):
        client = self.keep(WsClient(self.gateway.address("gopusher_tls"), upgrade=False,
                                    tls=(self.context, "site.example")))
        client.upgrade("/ws?c=secure&t=any")
        self.assertEqual(self.pusher.push_keys(["secure"], b"as it is").taken, 1)
        self.assertEqual(client.read_ws(), (0x80 | TEXT, b"as it is"))

    def tls_figure(self, name):
        return self.pusher.status().tls[name]

    def test_all_kinds_of_clients_in_one_room(self):
        room = "tls://mixed"
        clients = [self.tls_client(), self.tls_client(WsClient), self.tls_client(),
                   self.keep(TcpClient(self.gateway.tcp)), self.keep(WsClient(self.gateway.ws))]
        for number, client in enumerate(clients):
            client.login(key=f"tls-{number}", room_id=room, accepts=[1000])
        for client in clients:
            wait_until(lambda c=client: c.online() == len(clients), "everybody to be counted")
        bodies = [b"", b"x", b"y" * 16384, b"z" * 200_000, bytes(range(256))]
        for body in bodies:
            self.assertEqual(self.pusher.push_rooms([room], body).taken, len(clients))
        for body in bodies:
            for client in clients:
                self.assertEqual(client.receive(), pushed(body))
        for number, client in enumerate(clients):
            self.assertEqual(self.pusher.push_keys([f"tls-{number}"], b"you").taken, 1)
            self.assertEqual(client.receive(), pushed(b"you"))

    def test_both_versions(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = trusting(self.authority)
            context.minimum_version = context.maximum_version = version
            client = self.tls_client(context=context).login(key=f"tls-{version}")
            self.assertEqual(client.socket.version(), version.name.replace("v1_", "v1."))

    def test_certificates_by_name(self):
        for name in ("site.example", "other.example"):
            shown = self.tls_client(name=name).socket.getpeercert()
            self.assertEqual(shown["subjectAltName"], (("DNS", name),))
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.tls_client(name="third.example")

    def test_the_web_agrees_on_http(self):
        context = trusting(self.authority)
        context.set_alpn_protocols(["h2", "http/1.1"])
        client = self.tls_client(WsClient, context=context)
        self.assertEqual(client.socket.selected_alpn_protocol(), "http/1.1")
        context = trusting(self.authority)
        context.set_alpn_protocols(["h2"])
        with self.assertRaises(ssl.SSLError):
            self.tls_client(WsClient, context=context)

    def test_who_comes_back_needs_no_full_handshake(self):
        first = self.tls_client().login(key="tls-again")
        resumed = self.tls_figure("resumed")
        raw = socket.create_connection(self.tcp_tls)
        second = self.context.wrap_socket(raw, server_hostname="site.example",
                                          session=first.socket.session)
        self.addCleanup(second.close)
        self.assertTrue(second.session_reused)
        wait_until(lambda: self.tls_figure("resumed") == resumed + 1, "it to be counted")

    def test_nobody_pushes_without_a_certificate(self):
        strangers = Authority(tempfile.mkdtemp(dir=self.authority.folder), "strangers")
        strangers.issue("stranger", "pusher")
        for context in (trusting(self.authority),
                        trusting(self.authority, strangers.file("stranger"),
                                 strangers.file("stranger", "key"))):
            # With TLS 1.3 a client learns of it only when it reads.
            with self.assertRaises((ssl.SSLError, ConnectionError, Ended)):
                self.pusher_with(context).push_keys(["nobody"], b"x")

    def halleyctl(self, *arguments, certificate="pusher"):
        flags = ["--push", "%s:%d" % self.gateway.push, "--tls-ca", self.authority.root,
                 "--tls-name", "site.example"]
        if certificate:
            flags += ["--tls-certificate", self.pushers.file(certificate),
                      "--tls-key", self.pushers.file(certificate, "key")]
        return subprocess.run([program("HALLEYCTL_BIN"), *flags, *arguments], text=True,
                              capture_output=True, timeout=harness.DEADLINE_S, check=False)

    def test_halleyctl_pushes(self):
        client = self.tls_client().login(key="tls-ctl", room_id="tls://ctl", accepts=[1000])
        ended = self.halleyctl("push", "room", "tls://ctl", "from a shell")
        self.assertEqual((ended.returncode, ended.stdout), (0, "taken by 1 connection\n"), ended.stderr)
        self.assertEqual(client.receive(), pushed(b"from a shell"))
        large = os.path.join(self.authority.folder, "large")
        with open(large, "wb") as file:
            file.write(b"l" * 250_000)
        ended = self.halleyctl("push", "key", "tls-ctl", "--file", large)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertEqual(client.receive(), pushed(b"l" * 250_000))
        ended = self.halleyctl("status", certificate=None)
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("certificate required; check certificates", ended.stderr)

    def test_halleyctl_listens(self):
        for number, where in enumerate((["--ws", "wss://%s:%d/sub" % self.wss],
                                        ["--tcp", "%s:%d" % self.tcp_tls])):
            listener = harness.start(
                [program("HALLEYCTL_BIN"), "listen", *where, "--tls-ca", self.authority.root,
                 "--tls-name", "site.example", "--room", f"tls://listen-{number}", "--count", "1"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            with listener:
                wait_until(lambda n=number: self.pusher.push_rooms([f"tls://listen-{n}"],
                                                                   b"heard").taken, "the listener")
                self.assertIn("heard", listener.stdout.read())
                self.assertEqual(listener.wait(harness.DEADLINE_S), 0)

    def test_what_is_not_tls_harms_nobody(self):
        failures = self.tls_figure("failures")
        closed = self.pusher.status().closed["tls_failed"]
        bystander = self.tls_client().login(key="tls-bystander", accepts=[1000])
        junk = [b"GET /sub HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16" * 20000, b"\x00" * 100,
                b"\x16\x03\x01\x00\x05hello"]
        for index, what in enumerate(junk):
            with socket.create_connection(self.wss) as raw:
                raw.settimeout(harness.DEADLINE_S)
                raw.sendall(what)
                while True:
                    try:
                        if not raw.recv(4096):
                            break
                    except ConnectionResetError:
                        break
            wait_until(lambda: self.tls_figure("failures") == failures + index + 1,
                       "it to be counted")
        self.assertEqual(self.pusher.status().closed["tls_failed"], closed + len(junk))
        self.assertEqual(self.pusher.push_keys(["tls-bystander"], b"fine").taken, 1)
        self.assertEqual(bystander.receive(), pushed(b"fine"))

    def test_a_slow_reader_gets_every_byte(self):
        client = self.tls_client(receive_buffer_bytes=4096).login(key="tls-slow", room_id="tls://slow")
        body = bytes(range(256)) * 400
        for _ in range(30):
            self.assertEqual(self.pusher.push_rooms(["tls://slow"], body).taken, 1)
        for number in range(30):
            self.assertEqual(client.receive(), pushed(body), number)

    def test_a_farewell_is_heard(self):
        client = self.tls_client(WsClient).login(key="tls-kicked", accepts=[1000])
        self.pusher.push_keys(["tls-kicked"], b"z" * 60000)
        self.pusher.kick_keys("tls-kicked")
        self.assertEqual(client.receive(), pushed(b"z" * 60000))
        self.assertEqual(client.read_close(), 3003)


class Reload(unittest.TestCase):
    def test_certificates_change_without_a_disconnect(self):
        with tempfile.TemporaryDirectory() as folder:
            authority = Authority(folder, "root")
            site = authority.issue("site", "old.example")
            with Gateway("--tcp-tls", "127.0.0.1:0", "--tls-certificates", site,
                         "--tls-keys", authority.file("site", "key"), shards=2) as gateway:
                address = gateway.address("tcp_tls")
                context = trusting(authority)
                old = TcpClient(address, tls=(context, "old.example")).login(key="old")
                authority.issue("site", "new.example")
                gateway.process.send_signal(signal.SIGHUP)

                def comes_as_new():
                    try:
                        return TcpClient(address, tls=(context, "new.example"))
                    except ssl.SSLCertVerificationError:
                        return None
                new = wait_until(comes_as_new, "the new certificate").login(key="new")
                with open(site, "w", encoding="ascii") as broken:
                    broken.write("no certificate")
                gateway.process.send_signal(signal.SIGHUP)
                wait_until(lambda: "nothing was changed: cannot use the certificate in"
                           in gateway.stderr(), "a line in the log")
                TcpClient(address, tls=(context, "new.example")).login(key="newer").close()
                self.assertEqual(old.online(), 0)
                self.assertEqual(new.online(), 0)
                old.close()
                new.close()

    def test_a_wrong_file_is_named_at_the_start(self):
        command = [program("HALLEY_BIN"), "--wss", "127.0.0.1:0",
                   "--tls-certificates", "/nowhere/site.pem"]
        for extra in ([], ["--check-config"]):
            ended = subprocess.run(command + extra, capture_output=True, text=True, timeout=30,
                                   check=False)
            self.assertEqual(ended.returncode, 78)
            self.assertIn("cannot use the certificate in '/nowhere/site.pem': ", ended.stderr)


if __name__ == "__main__":
    harness.main()
