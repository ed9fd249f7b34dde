"""Runs each of some commands so many times in turn, and prints wall and CPU time of each run as JSON (wait4(2) knows).

stdin: {"runs": 10, "cwd": …, "commands": {name: [argv]}, "env": {…}, "ok": [0]}; the first run of each is a warm-up.
"""
import json
import os
import subprocess
import sys
import time

task = json.load(sys.stdin)
samples = {name: [] for name in task["commands"]}
for run in range(task["runs"] + 1):
    for name, argv in task["commands"].items():
        started = time.perf_counter()
        child = subprocess.Popen(
            argv, cwd=task["cwd"], env=task["env"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in task.get("ok", [0]):
            sys.exit(f"{name} exited with {child.returncode}")
        if run > 0:
            samples[name].append({"wallMs": wall * 1000, "cpuMs": (usage.ru_utime + usage.ru_stime) * 1000})
json.dump(samples, sys.stdout)
