"""As a small site runs it. A worker of an app that exits at once at SIGTERM does so under gunicorn, too."""
import os
import signal

workers = 2
threads = 8


def post_worker_init(worker):
    if os.environ.get("BENCH_ON_SIGTERM") == "exit":
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
