#!/usr/bin/env python3
"""Certificates of the admin port and of gRPC, and the secret and the addresses of a backend, that are read
again while the gateway runs."""

import contextlib
import hashlib
import hmac
import os
import shutil
import socket
import ssl
import struct
import threading

import certificates
import harness
from goim import TcpClient
from harness import wait_until
from http_backend_test import Backend
from reload_test import ReloadTest

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS, PING = 4, 6
ACK = 1


class Shown:
    """A connection over TLS, and what it was shown."""

    def __init__(self, address, authority, name="node.example", **options):
        context = certificates.trusting(authority, **options)
        context.set_alpn_protocols(["h2", "http/1.1"])
        plain = socket.create_connection(address, harness.DEADLINE_S)
        try:
            self.stream = context.wrap_socket(plain, server_hostname=name)
        except Exception:
            plain.close()
            raise
        certificate = self.stream.getpeercert(binary_form=True)
        self.certificate = hashlib.sha256(certificate).hexdigest()

    def get(self, target=b"/health/live"):
        """The status of a request; the connection stays."""
        self.stream.sendall(b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % target)
        answer = b""
        while b"\r\n\r\nok\n" not in answer:
            part = self.stream.recv(65536)
            if not part:
                raise EOFError(answer)
            answer += part
        return int(answer.split()[1])

    def read(self, count):
        data = b""
        while len(data) < count:
            part = self.stream.recv(count - len(data))
            if not part:
                raise EOFError(data)
            data += part
        return data

    def ping(self, greet=False):
        """Asks an HTTP/2 server for a sign of life."""
        if greet:
            self.stream.sendall(PREFACE + struct.pack(">I", 0)[1:] + bytes([SETTINGS, 0, 0, 0, 0, 0]))
        self.stream.sendall(struct.pack(">I", 8)[1:] + bytes([PING, 0, 0, 0, 0, 0]) + b"halley-8")
        while True:
            head = self.read(9)
            body = self.read(int.from_bytes(head[:3], "big"))
            if head[3] == PING and head[4] & ACK:
                return body

    def close(self):
        self.stream.close()


class Certificates(ReloadTest):
    """One port's: `section` has its options, and `use()` shows that a connection goes on."""

    def setUp(self):
        super().setUp()
        self.authority = certificates.Authority(self.folder, "root")
        for name in ("first", "second", "caller"):
            self.authority.issue(name, "node.example")
        self.certificate, self.key = (os.path.join(self.folder, name) for name in ("node.pem", "node.key"))
        self.install("first")

    def install(self, name):
        shutil.copy(self.authority.file(name), self.certificate)
        shutil.copy(self.authority.file(name, "key"), self.key)

    def fingerprint(self, name):
        with open(self.authority.file(name), encoding="ascii") as file:
            return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()

    def check(self, connect, use, section, reload):
        """What must hold of any port."""
        old = self.keep(connect())
        self.assertEqual(old.certificate, self.fingerprint("first"))
        use(old, True)

        self.install("second")
        with contextlib.closing(connect()) as before:
            self.assertEqual(before.certificate, self.fingerprint("first"), "nobody has asked for it yet")
        reload()

        def new():
            with contextlib.closing(connect()) as connection:
                use(connection, True)
                return connection.certificate
        wait_until(lambda: new() == self.fingerprint("second"), "the new certificate")
        use(old, False)

        # A key of another, no certificate, and nothing there.
        for break_it, option in (
                (lambda: shutil.copy(self.authority.file("first", "key"), self.key), f"{section}.tls_key"),
                (lambda: shutil.copy(self.key, self.certificate), f"{section}.tls_certificate"),
                (lambda: os.remove(self.certificate), f"{section}.tls_certificate")):
            break_it()
            told = reload(code=4)
            self.assertIn("nothing was changed: ", told)
            self.assertIn(os.path.dirname(self.certificate), told)
            if section == "admin":
                self.assertIn(option, told)
            self.assertEqual(len(told.splitlines()), 1, told)
        self.assertEqual(new(), self.fingerprint("second"))
        use(old, False)

    def test_of_the_admin_port(self):
        gateway = self.start("--admin.tls_certificate", self.certificate, "--admin.tls_key", self.key)
        self.check(lambda: Shown(gateway.admin, self.authority),
                   lambda shown, _: self.assertEqual(shown.get(), 200), "admin",
                   lambda code=0: self.ctl(gateway, "reload", code=code))
        self.assertIn("new connections get the certificates that were read again", self.hung_up(gateway))

    def hung_up(self, gateway):
        self.install("first")
        self.hang_up(gateway, "new connections get the certificates")
        return gateway.stderr()

    def grpc(self, *flags):
        gateway = self.start("--listen.comet_grpc", "127.0.0.1:0", "--comet_grpc.tls_certificate",
                             self.certificate, "--comet_grpc.tls_key", self.key, *flags)
        return gateway, gateway.address("comet_grpc")

    def test_of_grpc(self):
        gateway, address = self.grpc()
        self.check(lambda: Shown(address, self.authority),
                   lambda shown, first: self.assertEqual(shown.ping(first), b"halley-8"), "comet_grpc",
                   lambda code=0: self.ctl(gateway, "reload", code=code))

    def test_of_grpc_who_may_call(self):
        other = certificates.Authority(self.folder, "other")
        other.issue("stranger", "node.example")
        trusted = os.path.join(self.folder, "trusted.pem")
        shutil.copy(self.authority.root, trusted)
        gateway, address = self.grpc("--comet_grpc.tls_client_ca", trusted)

        def may_call(authority, name):
            with contextlib.suppress(OSError, EOFError), contextlib.closing(
                    Shown(address, self.authority, certificate=authority.file(name),
                          key=authority.file(name, "key"))) as shown:
                return shown.ping(True) == b"halley-8"
            return False
        self.assertTrue(may_call(self.authority, "caller"))
        self.assertFalse(may_call(other, "stranger"))
        shutil.copy(other.root, trusted)
        self.ctl(gateway, "reload")
        wait_until(lambda: may_call(other, "stranger"), "whom the new authority has signed")
        self.assertFalse(may_call(self.authority, "caller"))


class OfABackend(ReloadTest):
    def begin(self, backend):
        self.secret = self.write("first", "secret")
        self.point_to(backend)
        gateway = self.start("--config", self.file)
        wait_until(lambda: backend.named("ping"), "a probe")
        return gateway

    def point_to(self, *backends):
        urls = ",".join(backend.url for backend in backends)
        self.write(f'[backend]\nkind = "http"\n[http_backend]\nurls = "{urls}"\n'
                   f'secret_file = "{self.secret}"\nnode = "n1"\ntimeout_ms = 20000\n')

    @staticmethod
    def signed_with(backend, secret):
        """Whether the last of its requests is."""
        with backend.lock:
            _, _, headers, body = backend.events[-1]
        parts = dict(part.split("=", 1) for part in headers["Halley-Signature"].split(","))
        right = hmac.new(secret, parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
        return parts["v1"] == right

    def test_the_secret_that_requests_are_signed_with(self):
        backend = self.keep(Backend())
        gateway = self.begin(backend)
        self.assertTrue(self.signed_with(backend, b"first"))
        self.write("second\n", "secret")
        self.assertEqual(self.ctl(gateway, "reload"), "http_backend.secret counts from now on\n")
        wait_until(lambda: self.signed_with(backend, b"second"), "a request with the new one")
        for i in range(3):
            self.keep(TcpClient(gateway.tcp)).login(key=f"key-{i}")
            self.assertTrue(self.signed_with(backend, b"second"))
        os.remove(self.secret)
        self.assertIn("http_backend.secret_file", self.ctl(gateway, "reload", code=4))
        self.keep(TcpClient(gateway.tcp)).login(key="still")
        self.assertTrue(self.signed_with(backend, b"second"))
        self.assertNotIn("second", gateway.stderr())

    def test_where_it_is(self):
        old, new = self.keep(Backend()), self.keep(Backend())
        gateway = self.begin(old)
        asked, released = threading.Event(), threading.Event()
        self.addCleanup(released.set)

        def slowly(event):
            if event["event"] == "connect":
                asked.set()
                released.wait(harness.DEADLINE_S)
            return Backend.well(event)
        old.answer = slowly
        under_way = self.keep(TcpClient(gateway.tcp))
        login = threading.Thread(target=under_way.login, kwargs={"key": "under-way"})
        login.start()
        self.assertTrue(asked.wait(harness.DEADLINE_S))
        self.point_to(new)
        self.assertEqual(self.ctl(gateway, "reload"), "http_backend.urls counts from now on\n")
        wait_until(lambda: new.named("ping"), "the new one to be asked how it is")
        for i in range(3):
            self.keep(TcpClient(gateway.tcp)).login(key=f"key-{i}")
        self.assertEqual((len(old.named("connect")), len(new.named("connect"))), (1, 3))
        # What was under way ends where it was begun; what is told of it later goes to the new one.
        released.set()
        login.join()
        under_way.close()
        wait_until(lambda: new.named("disconnect"), "the end to be told")
        self.assertEqual(new.named("disconnect")[0]["clients"][0]["key"], "under-way")
        pings = len(old.named("ping"))
        wait_until(lambda: len(new.named("ping")) > 3, "some time to be over")
        self.assertLessEqual(len(old.named("ping")), pings + 1)

    def test_what_is_no_address_changes_nothing(self):
        backend = self.keep(Backend())
        gateway = self.begin(backend)
        for urls, why in (("ftp://127.0.0.1/x", "no URL"), ("http://me:pw@127.0.0.1/x", "a password")):
            self.write(f'[backend]\nkind = "http"\n[http_backend]\nurls = "{urls}"\n'
                       f'secret_file = "{self.secret}"\n')
            told = self.ctl(gateway, "reload", code=4)
            self.assertIn("nothing was changed: http_backend.urls names ", told)
            self.assertIn(why, told)
        # Another kind of backend waits for a restart as a whole.
        self.write("")
        self.assertIn("http_backend.urls waits for a restart", self.ctl(gateway, "reload"))
        self.keep(TcpClient(gateway.tcp)).login(key="still")


if __name__ == "__main__":
    harness.need_admin()
    harness.main()
