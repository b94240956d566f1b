"""The other servers: how each is started for a fan-out to one channel, and what it is called."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

from lib.process import START_SECONDS_MAX, Failed, Skipped, end

NCHAN_MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so"
INSTALL = "bench/peers/install.sh"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def program(name, *places):
    """The path of a program, or None."""
    for place in places:
        if place and pathlib.Path(place).exists():
            return str(place)
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/bin")


class Peer:
    """One running server with its own folder, on one CPU."""

    NAME = ""
    SPEAKS = ""      # what its subscribers speak
    LIKE = "ws"      # the gateway's transport that it is held against
    BODY = 64        # bytes to push for 64 on the wire

    def __init__(self, options, folder):
        self.folder = pathlib.Path(folder)
        self.options = options
        path = program(*self.where())
        if not path:
            raise Skipped(f"{self.NAME} is not installed: run {INSTALL} {self.NAME}.")
        ports = [free_port() for _ in range(2)]
        self.told = open(self.folder / "told", "w+", encoding="utf-8")
        cpu = int(options.server_cpu)
        self.process = subprocess.Popen(
            self.command(path, *ports), stdin=subprocess.DEVNULL, stdout=self.told,
            stderr=self.told, cwd=self.folder,
            preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
        self.addresses = {"clients": f"127.0.0.1:{ports[0]}", "push": f"127.0.0.1:{ports[0]}"}
        self._await(ports[0])

    def where(self):
        raise NotImplementedError

    def command(self, path, port, other_port):
        raise NotImplementedError

    @property
    def pid(self):
        return self.process.pid

    def _await(self, port):
        until = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        self.told.seek(0)
        lines = self.told.read().strip().splitlines()
        end(self.process)
        raise Failed(f"{self.NAME} did not start: {lines[-1] if lines else 'it said nothing'}")

    def stop(self):
        end(self.process)
        self.told.close()


class Redis(Peer):
    NAME = "redis"
    SPEAKS = "RESP2 on TCP"
    LIKE = "tcp"

    def where(self):
        return ("redis-server",)

    def command(self, path, port, other_port):
        return [path, "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "no", "--protected-mode", "no", "--maxclients", "19900",
                "--tcp-backlog", "512", "--loglevel", "warning", "--dir", str(self.folder)]


class Nats(Peer):
    NAME = "nats"
    SPEAKS = "NATS text on TCP"
    LIKE = "tcp"

    def where(self):
        return ("nats-server",)

    def command(self, path, port, other_port):
        return [path, "--addr", "127.0.0.1", "--port", str(port)]


class Nchan(Peer):
    NAME = "nchan"
    SPEAKS = "WebSocket"

    def where(self):
        return ("nginx",) if pathlib.Path(NCHAN_MODULE).exists() else ("nginx-with-nchan",)

    def command(self, path, port, other_port):
        # One process, so that it is one that is measured; messages stay long enough to be sent.
        (self.folder / "nginx.conf").write_text(f"""
load_module {NCHAN_MODULE};
daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 20000;
pid nginx.pid; error_log stderr crit;
events {{ worker_connections 19900; }}
http {{
  access_log off; keepalive_requests 1000000000; nchan_shared_memory_size 256M;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port} backlog=512;
    location = /sub {{ nchan_subscriber websocket; nchan_channel_id fan;
                       nchan_subscriber_first_message newest; }}
    location = /pub {{ nchan_publisher; nchan_channel_id fan; nchan_message_buffer_length 64;
                       nchan_message_timeout 30s; }}
  }}
}}
""")
        return [path, "-p", str(self.folder), "-c", "nginx.conf"]


class Centrifugo(Peer):
    NAME = "centrifugo"
    SPEAKS = "its JSON on WebSocket"
    BODY = 48  # base64

    def where(self):
        return ("centrifugo", self.options.centrifugo)

    def command(self, path, port, other_port):
        (self.folder / "config.json").write_text(json.dumps({
            "address": "127.0.0.1", "port": port, "api_key": "fan",
            "websocket_handler_prefix": "/sub", "allow_anonymous_connect_without_token": True,
            "allow_subscribe_for_client": True, "allow_subscribe_for_anonymous": True,
            "client_user_connection_limit": 0, "log_level": "error"}))
        return [path, "--config", "config.json"]


PEERS = {peer.NAME: peer for peer in (Redis, Nats, Nchan, Centrifugo)}
