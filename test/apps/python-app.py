#!/usr/bin/env python3
"""The example app again, in Python's standard library: same settings, same answers as node-app.mjs (which see).

WebSocket and SSE are left to the Node one.
"""
import json
import os
import random
import signal
import socket
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler

SETTINGS = os.environ
BROKEN = SETTINGS.get("APP_BROKEN")
SLOW_SHARE = float(SETTINGS.get("APP_SLOW_SHARE", "0"))
DELAYS_MS = [float(part) for part in SETTINGS.get("APP_DELAY", "0").split("-")]
SLOW_S = 0.5


def read_version():
    if SETTINGS.get("APP_VERSION_FILE"):
        with open(SETTINGS["APP_VERSION_FILE"], encoding="utf-8") as file:
            return file.read().strip()
    return SETTINGS.get("APP_VERSION", "0")


def say(text):
    print(text, file=sys.stderr, flush=True)


def sleep_forever():
    while True:
        time.sleep(3600)


VERSION = read_version()


class State:
    healthy = True
    hung = False
    closing = False


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in one write.
    wbufsize = -1

    def setup(self):
        super().setup()
        self.busy = False
        with self.server.guard:
            self.server.handlers.add(self)

    def finish(self):
        with self.server.guard:
            self.server.handlers.discard(self)
        try:
            super().finish()
        except OSError:
            pass  # EPIPE: the client did not wait for its answer.

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # ECONNRESET, EPIPE: likewise.

    def parse_request(self):
        self.busy = True
        if State.hung:
            sleep_forever()
        return super().parse_request()

    def handle_one_request(self):
        super().handle_one_request()
        self.busy = False
        if State.closing:
            self.close_connection = True

    def do_GET(self):
        if BROKEN == "500":
            self.answer(500, f"version {VERSION} is broken\n".encode())
        elif self.path == "/healthz":
            self.answer(200 if State.healthy else 503, f"version {VERSION}\n".encode())
        elif self.path == "/headers":
            self.answer(200, json.dumps({name.lower(): value for name, value in self.headers.items()}).encode())
        elif self.path == "/whoami":
            who = {
                "pid": os.getpid(),
                "version": VERSION,
                "slot": SETTINGS.get("GRACEFUL_SLOT"),
                "name": SETTINGS.get("GRACEFUL_NAME"),
                "cwd": os.getcwd(),
            }
            self.answer(200, json.dumps(who).encode())
        else:
            self.delay()
            self.answer(200, f"version {VERSION}\n".encode())

    do_HEAD = do_GET

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if BROKEN == "500":
            self.answer(500, f"version {VERSION} is broken\n".encode())
        elif self.path == "/hang":
            self.close_connection = True
            self.answer(200, b"hanging from now on\n")
            State.hung = True
        elif self.path == "/fail-health":
            State.healthy = False
            self.answer(200, b"unhealthy from now on\n")
        else:
            self.delay()
            self.answer(200, body)

    def delay(self):
        if self.path == "/slow" or "X-Slow" in self.headers or random.random() < SLOW_SHARE:
            time.sleep(SLOW_S)
        elif DELAYS_MS[-1] > 0:
            time.sleep(random.uniform(DELAYS_MS[0], DELAYS_MS[-1]) / 1000)

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Version", VERSION)
        self.send_header("X-Pid", str(os.getpid()))
        if self.close_connection or State.closing:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format, *args):
        pass


class ServesThreads(socketserver.ThreadingMixIn):
    # As many as Node's default; the five of socketserver overflow under any load.
    request_queue_size = 511
    # Threads are waited for by hand: a process that is told to exit exits.
    daemon_threads = True

    def __init__(self, address):
        self.guard = threading.Lock()
        self.handlers = set()
        super().__init__(address, Handler)

    def handle_error(self, request, client_address):
        say(f"request failed: {sys.exc_info()[1]!r}")


class UnixServer(ServesThreads, socketserver.UnixStreamServer):
    pass


class TcpServer(ServesThreads, socketserver.TCPServer):
    pass


def close_well(server):
    """Stops listening, ends idle connections, waits for the busy ones."""
    State.closing = True
    server.shutdown()
    server.socket.close()
    while True:
        with server.guard:
            if not server.handlers:
                break
            for handler in server.handlers:
                if not handler.busy:
                    try:
                        handler.connection.shutdown(socket.SHUT_RD)
                    except OSError:
                        pass  # ENOTCONN: the client closed it meanwhile.
        time.sleep(0.01)
    os._exit(0)


def on_sigterm(server):
    manner = SETTINGS.get("APP_ON_SIGTERM", "close")
    if manner == "ignore" or State.hung:
        return
    if manner == "exit" or server is None:
        os._exit(0)
    # shutdown() waits for serve_forever(), which this very thread runs.
    threading.Thread(target=close_well, args=(server,)).start()


def main():
    server = None
    signal.signal(signal.SIGTERM, lambda *_: on_sigterm(server))
    if BROKEN == "exits":
        say("Reading settings")
        say("Connecting to the database")
        say('Error: relation "orders" has no column "total"')
        sys.exit(3)
    if BROKEN == "hangs":
        say("Waiting for a lock that nobody will release")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        sleep_forever()
    time.sleep(float(SETTINGS.get("APP_START_DELAY_MS", "0")) / 1000)
    if BROKEN == "never-listens":
        say("Started, and doing anything but listening")
        sleep_forever()
    if BROKEN == "tcp":
        server = TcpServer(("127.0.0.1", 0))
        say(f"Listening on port {server.server_address[1]}")
    else:
        path = SETTINGS.get("GRACEFUL_SOCKET")
        if not path:
            say("GRACEFUL_SOCKET is not set")
            sys.exit(2)
        if BROKEN == "wrong-path":
            path += ".wrong"
        server = UnixServer(path)
        say(f"Version {VERSION} is listening on {path}")
    server.serve_forever(poll_interval=0.05)


main()
