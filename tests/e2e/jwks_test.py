#!/usr/bin/env python3
"""Token keys that are fetched from a server, which changes them, fails, dawdles, and talks nonsense."""

import http.server
import json
import os
import signal
import ssl
import subprocess
import tempfile
import threading
import time

import goim
import harness
from certificates import Authority
from goim import TcpClient
from harness import DEADLINE_S, Gateway, program, wait_until
from push_port import Pusher
from stream import Ended
from tokens import KeyPair, base64url, claims, with_secret

SECRET = b"a secret of thirty-two bytes ..."
FETCHED = "new logins need the token keys that were fetched from jwt.jwks_url"


class KeyServer:
    """Answers every request with what it was last told to, and counts them."""

    def __init__(self, certificate=None, key=None):
        self.status, self.body, self.headers, self.requests = 200, b"", {}, 0
        self.hangs = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests += 1
                if outer.hangs.is_set():
                    outer.released.wait(60)
                    return
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(outer.body)))
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(outer.body)
                except OSError:
                    pass  # it has heard enough

            def log_message(self, *_):
                pass

        self.released = threading.Event()
        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # who does not trust the certificate hangs up

        self.server = Server(("127.0.0.1", 0), Handler)
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
            scheme = "https"
        self.url = f"{scheme}://localhost:{self.server.server_address[1]}/keys.json?sesame"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def publish(self, *pairs):
        self.status, self.headers = 200, {}
        self.body = json.dumps({"keys": [jwk(pair) for pair in pairs]}).encode()

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def jwk(pair):
    """The public half of an Ed25519 pair; its `kid` is the name of its file."""
    der = subprocess.run(["openssl", "pkey", "-pubin", "-in", pair.public, "-outform", "DER"],
                         check=True, capture_output=True).stdout
    return {"kty": "OKP", "crv": "Ed25519", "kid": kid_of(pair), "x": base64url(der[-32:]).decode()}


def kid_of(pair):
    return os.path.basename(pair.public)


class JwksTest(harness.KeepingTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.old, self.new = (KeyPair(self.folder, "EdDSA", name) for name in ("old", "new"))
        self.server = self.keep(KeyServer())
        self.server.publish(self.old)

    def start(self, *flags, url=None, refresh_s="3600"):
        self.gateway = Gateway("--backend", "jwt", "--jwt.jwks_url", url or self.server.url,
                               "--jwt.jwks_refresh_s", refresh_s, *flags)
        self.addCleanup(self.stop)
        self.pusher = self.keep(Pusher(self.gateway))

    def stop(self):
        log = "" if self.gateway.log.closed else self.gateway.stderr()
        self.gateway.stop()
        self.assertNotIn("sesame", log)

    def takes(self, token):
        """Whether a login with it is taken."""
        client = TcpClient(self.gateway.tcp)
        try:
            return client.call(goim.AUTH, 1, token).op == goim.AUTH_REPLY
        except Ended:
            return False
        finally:
            client.close()

    def token(self, pair, **header):
        return pair.sign(claims(), **{"kid": kid_of(pair), **header})

    def failed(self):
        return self.pusher.status().refused_logins["key_fetch_failed"]

    def hup(self):
        self.gateway.process.send_signal(signal.SIGHUP)


class Rotation(JwksTest):
    def test_keys_change_with_time(self):
        self.start(refresh_s="1")
        old, new = self.token(self.old), self.token(self.new)
        stays = self.keep(TcpClient(self.gateway.tcp))
        self.assertEqual(stays.call(goim.AUTH, 1, old)[:2], (goim.AUTH_REPLY, 1))
        self.server.publish(self.old, self.new)
        before = self.server.requests
        wait_until(lambda: self.server.requests >= before + 2, "the next fetches")
        self.assertTrue(self.takes(old))
        self.assertTrue(self.takes(new))
        self.server.publish(self.new)
        before = self.server.requests
        wait_until(lambda: self.server.requests >= before + 2, "the next fetches")
        self.assertFalse(self.takes(old))
        self.assertTrue(self.takes(new))
        self.assertEqual(stays.online(), 0, "nobody is disconnected")
        self.assertEqual(self.failed(), 0)

    def test_a_token_of_a_new_key_brings_it_early_but_seldom(self):
        self.start()
        self.assertEqual(self.server.requests, 1)
        began = time.monotonic()
        self.server.publish(self.new)
        new = self.token(self.new)
        wait_until(lambda: self.takes(new), "the new key", pause_s=0.1)
        self.assertEqual(self.server.requests, 2)
        # Anybody can name keys that nobody has, for longer than it takes to notice.
        made_up = time.monotonic()
        while time.monotonic() < made_up + 2:
            self.assertFalse(self.takes(with_secret(SECRET, claims(), kid="made up")))
        self.assertTrue(self.takes(new))
        self.assertFalse(self.takes(self.token(self.old)))
        self.assertLessEqual(self.server.requests, 2 + (time.monotonic() - began) // 30)

    def test_sighup(self):
        self.start()
        self.server.publish(self.new)
        self.hup()
        wait_until(lambda: FETCHED in self.gateway.stderr(), "the fetch")
        self.assertEqual(self.server.requests, 2)
        self.assertTrue(self.takes(self.token(self.new)))
        self.assertFalse(self.takes(self.token(self.old)))

    def test_beside_keys_of_files(self):
        self.start("--jwt.secret", SECRET.decode())
        self.assertTrue(self.takes(self.token(self.old)))
        self.assertTrue(self.takes(with_secret(SECRET, claims())))
        self.server.publish(self.new)
        self.hup()
        wait_until(lambda: FETCHED in self.gateway.stderr(), "the fetch")
        self.assertTrue(self.takes(with_secret(SECRET, claims())))
        self.assertFalse(self.takes(self.token(self.old)))


class Failures(JwksTest):
    def assert_keeps(self, wanted):
        """What the server says now changes nothing, is counted, and told when asked for."""
        before, log = self.failed(), len(self.gateway.stderr())
        self.hup()
        wait_until(lambda: self.failed() > before, "the failure")
        wait_until(lambda: wanted in self.gateway.stderr()[log:], wanted)
        self.assertIn("the token keys in use stay: jwt.jwks_url: ", self.gateway.stderr()[log:])
        self.assertTrue(self.takes(self.token(self.old)))

    def test_what_is_no_set_changes_nothing(self):
        self.start()
        good = self.server.body
        for status, body, wanted in (
                (500, good, "HTTP status 500"), (404, good, "HTTP status 404"),
                (204, b"", "HTTP status 204"), (200, b"", "it is no set"),
                (200, b"<html>", "it is no set"), (200, b'{"keys":[]}', "it has no key"),
                (200, good[:-1], "it is no set"),
                (200, good.replace(b'"x": "', b'"x": "A'), "jwt.jwks_url: "),
                (200, json.dumps({"keys": [jwk(self.new), {"kty": "oct", "kid": "s", "k":
                                  base64url(SECRET).decode()}]}).encode(), "it has a secret")):
            self.server.status, self.server.body = status, body
            self.assert_keeps(wanted)
        self.server.publish(self.new)
        self.hup()
        wait_until(lambda: FETCHED in self.gateway.stderr(), "the recovery")
        self.assertTrue(self.takes(self.token(self.new)))

    def test_redirects_are_not_followed(self):
        self.start()
        other = self.keep(KeyServer())
        other.publish(self.new)
        self.server.status, self.server.headers = 302, {"Location": other.url}
        self.assert_keeps("HTTP status 302")
        self.assertEqual(other.requests, 0)

    def test_a_set_of_a_mebibyte_and_no_more(self):
        self.start()
        good = json.dumps({"keys": [jwk(self.old), jwk(self.new)]}).encode()
        self.server.body = good + b" " * ((1 << 20) - len(good))
        self.hup()
        wait_until(lambda: FETCHED in self.gateway.stderr(), "the fetch")
        self.assertTrue(self.takes(self.token(self.new)))
        self.server.publish(self.new)
        self.server.body += b" " * ((1 << 20) + 1 - len(self.server.body))
        self.assert_keeps("more than 1048576 bytes")

    def test_a_failure_that_lasts_is_told_once(self):
        self.start(refresh_s="1")
        self.server.status = 500
        wait_until(lambda: self.failed() >= 3, "three failures")
        self.assertEqual(self.gateway.stderr().count("the token keys in use stay"), 1)
        self.server.publish(self.new)
        wait_until(lambda: FETCHED in self.gateway.stderr(), "the recovery")
        self.assertTrue(self.takes(self.token(self.new)))

    def test_a_server_that_hangs_holds_nobody_up(self):
        self.start()
        self.server.hangs.set()
        self.hup()
        wait_until(lambda: self.server.requests == 2, "the request")
        self.assertTrue(self.takes(self.token(self.old)))
        wait_until(lambda: "no answer within 10 s" in self.gateway.stderr(), "the deadline")
        self.assertTrue(self.takes(self.token(self.old)))
        self.hup()
        wait_until(lambda: self.server.requests == 3, "the next request")
        # It ends in the midst of that one: Gateway.stop() waits, and longer than it should take.


class Secure(JwksTest):
    def test_only_who_can_prove_its_name_is_believed(self):
        authority, other = (Authority(self.folder, name) for name in ("root", "other"))
        certificate = authority.issue("keys", "localhost")
        server = self.keep(KeyServer(certificate, authority.file("keys", "key")))
        server.publish(self.old)
        self.start("--jwt.jwks_ca", authority.root, url=server.url)
        self.assertTrue(self.takes(self.token(self.old)))
        self.gateway.stop()
        self.start("--jwt.jwks_ca", other.root, "--jwt.secret", SECRET.decode(), url=server.url)
        self.assertFalse(self.takes(self.token(self.old)))
        wait_until(lambda: "cannot fetch: " in self.gateway.stderr(), "the log")
        self.gateway.stop()
        self.start("--jwt.jwks_ca", authority.root, "--jwt.secret", SECRET.decode(),
                   url=server.url.replace("localhost", "127.0.0.1"))
        self.assertFalse(self.takes(self.token(self.old)), "another name than the certificate's")


class Starts(JwksTest):
    def refused(self, url, *flags):
        ended = subprocess.run([program("HALLEY_BIN"), "--tcp", "127.0.0.1:0", "--ws", "", "--push", "",
                                "--backend", "jwt", "--jwt.jwks_url", url, *flags],
                               capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        self.assertEqual((ended.returncode, ended.stdout), (78, ""))
        self.assertEqual(len(ended.stderr.splitlines()), 1, ended.stderr)
        self.assertNotIn("sesame", ended.stderr)
        return ended.stderr

    def test_without_any_key_it_does_not_start(self):
        self.server.status = 503
        self.assertIn("jwt.jwks_url: the answer is HTTP status 503", self.refused(self.server.url))
        self.server.status, self.server.body = 200, b"nonsense"
        self.assertIn("jwt.jwks_url: it is no set", self.refused(self.server.url))

    def test_with_other_keys_it_starts_and_catches_up(self):
        self.server.status = 503
        self.start("--jwt.secret", SECRET.decode(), refresh_s="1")
        self.assertTrue(self.takes(with_secret(SECRET, claims())))
        self.assertFalse(self.takes(self.token(self.old)))
        wait_until(lambda: "jwt.jwks_url: the answer is HTTP status 503" in self.gateway.stderr(),
                   "the log")
        self.server.publish(self.old)
        wait_until(lambda: self.takes(self.token(self.old)), "the key", pause_s=0.2)

    def test_urls_that_are_not_asked(self):
        for url in ("http://id.example.com/sesame", "ftp://127.0.0.1/", "nonsense"):
            for more in ((), ("--check-config",)):
                self.assertIn("jwt.jwks_url is n", self.refused(url, *more))

    def test_checking_the_configuration_asks_nobody(self):
        checked = subprocess.run([program("HALLEY_BIN"), "--backend", "jwt", "--jwt.jwks_url",
                                  self.server.url, "--check-config"], capture_output=True, text=True,
                                 timeout=DEADLINE_S, check=False)
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.assertEqual(self.server.requests, 0)


if __name__ == "__main__":
    harness.main()
