"""A stand-in for bilibili discovery: its HTTP API and what it answers, as far as goim uses it, with ways
to have it forget, fail, dawdle and talk nonsense."""

import http.server
import json
import threading
import time
import urllib.parse

# As the registry: the longest that a poll waits.
POLL_S = 30


class Registry:
    """Instances by (env, appid, zone, hostname). `calls`: every request that came, as (verb, fields)."""

    def __init__(self, poll_s=POLL_S, port=0):
        self.poll_s = poll_s
        self.changed = threading.Condition()
        self.instances = {}
        self.latest = time.time_ns()
        self.calls = []
        self.mode = "good"  # "slow": answers nothing; "garbage"; "error": HTTP status 500
        self.refuses = False  # registrations, with a code
        self.released = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                target = urllib.parse.urlsplit(self.path)
                self.serve(target.path, target.query)

            def do_POST(self):
                assert self.headers["Content-Type"] == "application/x-www-form-urlencoded"
                self.serve(self.path, self.rfile.read(int(self.headers["Content-Length"])).decode())

            def serve(self, path, text):
                fields = urllib.parse.parse_qs(text, keep_blank_values=True, strict_parsing=True)
                verb = path.removeprefix("/discovery/")
                with outer.changed:
                    outer.calls.append((verb, fields))
                    outer.changed.notify_all()
                if outer.mode == "slow":
                    outer.released.wait(60)
                    self.close_connection = True
                    return
                if outer.mode == "garbage":
                    return self.answer(b"<html>go away</html>")
                if outer.mode == "error":
                    return self.answer(b"", 500)
                verbs = {"GET": ["polls"], "POST": ["register", "renew", "set", "cancel"]}
                if verb not in verbs[self.command]:
                    return self.answer(b"", 404)
                reply = getattr(outer, verb)(fields)
                return self.answer(json.dumps(reply).encode())

            def answer(self, body, status=200):
                if outer.released.is_set():
                    # It is gone, for who is still connected, too.
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # who has its answer may hang up

        self.server = Server(("127.0.0.1", port), Handler)
        self.node = "127.0.0.1:%d" % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @staticmethod
    def required(fields, *names):
        return all(fields.get(name, [""])[0] for name in names)

    def register(self, fields):
        if self.refuses or not self.required(fields, "zone", "env", "appid", "hostname", "status", "addrs"):
            return {"code": -400}
        self.put(fields["env"][0], fields["appid"][0], fields["zone"][0], fields["hostname"][0],
                 fields["addrs"], json.loads(fields["metadata"][0]), fields["region"][0],
                 fields["version"][0])
        return {"code": 0, "message": "0", "ttl": 1}

    def put(self, env, appid, zone, hostname, addrs, metadata=None, region="", version=""):
        """As somebody who registers."""
        with self.changed:
            self.latest = max(self.latest + 1, time.time_ns())
            self.instances[env, appid, zone, hostname] = {
                "region": region, "zone": zone, "env": env, "appid": appid, "hostname": hostname,
                "addrs": addrs, "version": version, "metadata": metadata, "status": 1,
                "latest_timestamp": self.latest}
            self.changed.notify_all()

    def drop(self, env, appid, zone, hostname):
        with self.changed:
            self.latest = max(self.latest + 1, time.time_ns())
            gone = self.instances.pop((env, appid, zone, hostname), None)
            self.changed.notify_all()
            return gone

    def name(self, fields):
        return tuple(fields.get(field, [""])[0] for field in ("env", "appid", "zone", "hostname"))

    def renew(self, fields):
        with self.changed:
            found = self.instances.get(self.name(fields))
            return {"code": 0, "data": found} if found else {"code": -404}

    def set(self, fields):
        with self.changed:
            found = self.instances.get(self.name(fields))
            if not found or fields["status"][0] not in "12":
                return {"code": -400}
            found["metadata"].update(json.loads(fields["metadata"][0]))
            found["status"] = int(fields["status"][0])
            self.changed.notify_all()
            return {"code": 0}

    def cancel(self, fields):
        return {"code": 0} if self.drop(*self.name(fields)) else {"code": -404}

    def listed(self, env, appid):
        zones = {}
        for (its_env, its_appid, zone, _), instance in sorted(self.instances.items()):
            if (its_env, its_appid) == (env, appid):
                zones.setdefault(zone, []).append(instance)
        return zones

    def polls(self, fields):
        """Waits until there is something newer than latest_timestamp; -304 when there is not in time. Of
        nobody there, the newest waits, too: so does this."""
        env, appid = fields["env"][0], fields["appid"][0]
        since, end = int(fields["latest_timestamp"][0]), time.monotonic() + self.poll_s
        with self.changed:
            while True:
                zones = self.listed(env, appid)
                if zones and self.latest > since:
                    return {"code": 0, "data": {appid: {"instances": zones,
                                                        "latest_timestamp": self.latest}},
                            "error": {"-404": None}}
                left = end - time.monotonic()
                if left <= 0 or self.released.is_set():
                    return {"code": -304}
                self.changed.wait(min(left, 0.2))

    def forget(self):
        """As one that was started again."""
        with self.changed:
            self.instances.clear()
            self.latest = time.time_ns()

    def find(self, env, appid, zone, hostname):
        with self.changed:
            found = self.instances.get((env, appid, zone, hostname))
            return dict(found, metadata=dict(found["metadata"])) if found else None

    def count(self, verb):
        with self.changed:
            return sum(1 for each, _ in self.calls if each == verb)

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
