#!/usr/bin/env python3
"""PID 1 as in many containers: runs one command, ends with it, and waits for nobody else's death."""
import os
import subprocess
import sys

process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
_, status = os.waitpid(process.pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)
