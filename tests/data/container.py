"""A container for the emulator's tests: it streams, sleeps until told, fails, ignores SIGTERM, forks."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

CHUNK = b"y\n" * (32 << 10)


def wait_for(path, deadline=50.0):
    end = time.monotonic() + deadline
    while not Path(path).exists():
        if time.monotonic() > end:
            raise TimeoutError(path)
        time.sleep(0.01)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 0

    def log_message(self, *args):
        pass

    def say(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def start_stream(self, kind="text/plain"):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def do_GET(self):
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        route = getattr(self, "get_" + (url.path.strip("/") or "info").replace("/", "_"), None)
        try:
            if route is None:
                self.say(404, b"no such path")
            else:
                route(query)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
            if "left" in query:
                Path(query["left"]).touch()

    do_HEAD = do_GET

    def do_POST(self):
        if urlsplit(self.path).path == "/refuse":
            self.say(403, b"not read")
            self.close_connection = True
            return
        if urlsplit(self.path).path == "/echo":
            self.start_stream()
            for part in self.body():
                self.chunk(part)
            self.wfile.write(b"0\r\n\r\n")
            return
        size = sum(len(part) for part in self.body())
        self.say(200, str(size).encode())

    def body(self):
        if "content-length" in self.headers:
            left = int(self.headers["content-length"])
            while left and (part := self.rfile.read1(min(left, 65536))):
                left -= len(part)
                yield part
            return
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def get_info(self, query):
        info = {
            "pid": os.getpid(),
            "path": self.path,
            "cwd": os.getcwd(),
            "env": dict(os.environ),
            "headers": self.headers.items(),
        }
        self.say(200, json.dumps(info).encode(), Content_Type="application/json")

    def get_hold(self, query):
        """Stream a line at once, then nothing until the file `until` exists."""
        self.start_stream("text/event-stream")
        self.chunk(b"data: %d\n\n" % os.getpid())
        wait_for(query["until"])
        self.chunk(b"data: end\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def get_sleep(self, query):
        """Answer nothing until the file `until` exists."""
        wait_for(query["until"])
        self.say(200, b"woken")

    def get_tick(self, query):
        """Stream for ever, a line each 10 ms; the file `left` appears when the client is gone."""
        self.start_stream("text/event-stream")
        while True:
            self.chunk(b"data: %f\n\n" % time.time())
            time.sleep(float(query.get("every", 0.01)))

    def get_flood(self, query):
        self.start_stream()
        for _ in range(int(query["chunks"])):
            self.chunk(CHUNK)
        self.wfile.write(b"0\r\n\r\n")

    def get_raw(self, query):
        """A body that ends with the connection, as HTTP/1.0 servers send it."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end")
        self.close_connection = True

    def get_large(self, query):
        self.send_response(200)
        self.send_header("Content-Length", str(33 << 20))
        self.end_headers()

    def get_garbage(self, query):
        self.wfile.write(b"this is not HTTP\r\n\r\n")
        self.close_connection = True

    def get_die(self, query):
        os._exit(3)

    def get_half(self, query):
        """Half a response, then the end of the process."""
        self.start_stream()
        self.chunk(b"half")
        os._exit(3)

    def get_print(self, query):
        print(query["text"], flush=True)
        print(query["text"], file=sys.stderr, flush=True)
        self.say(200, b"printed")

    def get_burn(self, query):
        """Use a whole CPU and so many MiB until the file `until` exists."""
        held = b"x" * (int(query.get("mib", 1)) << 20)
        self.start_stream()
        self.chunk(b"burning")
        while not Path(query["until"]).exists():
            sum(range(20000))
        self.chunk(b"%d" % len(held))
        self.wfile.write(b"0\r\n\r\n")

    def get_hello(self, query):
        """As the worker does: how many tasks run, here one until the file is there."""
        is_busy = not Path(os.environ["BUSY_UNTIL"]).exists() if "BUSY_UNTIL" in os.environ else False
        self.say(200, json.dumps({"activeTasks": int(is_busy)}).encode())

    def get_health(self, query):
        ready = os.environ.get("READY_FILE")
        self.say(200 if ready is None or Path(ready).exists() else 503, b"")

    get_health_ready = get_health


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def fork_away(path):
    """A grandchild in its own session, out of its parent's reach; its pid goes into the file."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            Path(path + ".new").write_text(str(os.getpid()))
            os.rename(path + ".new", path)
            time.sleep(300)
        os._exit(0)
    os.wait()


def main():
    env = os.environ
    if "STARTS_FILE" in env:
        with open(env["STARTS_FILE"], "a") as file:
            file.write(f"{os.getpid()}\n")
    if "FAIL" in env and not Path(env["FAIL"]).exists():
        print("cannot start: no database", file=sys.stderr, flush=True)
        return 7
    if "FORK_FILE" in env:
        fork_away(env["FORK_FILE"])
    if "IGNORE_SIGTERM" in env:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:

        def leave(*_):
            if "TERM_FILE" in env:
                Path(env["TERM_FILE"]).touch()
            os._exit(0)

        signal.signal(signal.SIGTERM, leave)
    if "START_WHEN" in env:
        wait_for(env["START_WHEN"])
    Server((env["HOST"], int(env["PORT"])), Handler).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
