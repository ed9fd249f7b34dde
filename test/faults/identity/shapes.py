#!/usr/bin/env python3
"""Runs the Python app of the first argument in the shape that $APP_SHAPE names: who listens is not who was started."""
import os
import runpy
import signal
import sys
import time

shape = os.environ["APP_SHAPE"]
app = sys.argv[1]


def serve():
    sys.argv = [app]
    runpy.run_path(app, run_name="__main__")


def serve_without_instance():
    rest = {name: value for name, value in os.environ.items() if name != "GRACEFUL_INSTANCE"}
    os.execvpe(sys.executable, [sys.executable, "-u", app], rest)


def stay():
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # reaps
    while True:
        time.sleep(3600)


if shape == "its parent exits at once":
    if os.fork():
        os._exit(0)
    serve()
elif shape == "its parent exits when it is ready":
    if os.fork():
        signal.sigwait([signal.SIGUSR1])
        os._exit(0)
    serve()
elif shape == "a group of its own":
    if os.fork():
        stay()
    os.setpgid(0, 0)
    serve()
elif shape == "a session of its own":
    if os.fork():
        stay()
    os.setsid()
    serve()
elif shape == "a grandchild":
    if os.fork():
        stay()
    if os.fork():
        stay()
    serve()
elif shape == "a grandchild that ignores SIGTERM":
    os.environ["APP_ON_SIGTERM"] = "ignore"
    if os.fork():
        stay()
    if os.fork():
        stay()
    serve()
elif shape == "a child that wrote over its environment":
    if os.fork():
        stay()
    serve_without_instance()
elif shape == "a leader that wrote over its environment":
    serve_without_instance()
