"""The app of the benchmarks for gunicorn: the same answers as bench-app.mjs (which see), as a WSGI application."""
import os
import random
import sys
import time

with open(os.path.join(os.environ["BENCH_DIR"], "version"), encoding="utf-8") as file:
    VERSION, BROKEN = (file.read().split() + [""])[:2]
DELAYS = [float(part) / 1000 for part in os.environ.get("BENCH_DELAY", "0-0").split("-")]
SLOW_SHARE = float(os.environ.get("BENCH_SLOW_SHARE", "0"))

if BROKEN == "exits":
    sys.exit('Error: relation "orders" has no column "total"')
if BROKEN == "never-listens":
    time.sleep(1 << 30)


def application(environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) if length else f"version {VERSION}\n".encode()
    status = "200 OK"
    if BROKEN == "errors":
        status, body = "500 Internal Server Error", f"version {VERSION} is broken\n".encode()
    elif environ["PATH_INFO"] != "/healthz":
        time.sleep(0.5 if random.random() < SLOW_SHARE else random.uniform(DELAYS[0], DELAYS[-1]))
    headers = [
        ("X-Version", VERSION),
        ("X-Pid", str(os.getpid())),
        ("Content-Type", "application/octet-stream"),
        ("Content-Length", str(len(body))),
    ]
    start_response(status, headers)
    return [body]
