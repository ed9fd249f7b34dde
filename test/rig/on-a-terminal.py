"""Runs a program on a pseudo-terminal and answers what it asks: on-a-terminal.py '[["Name", "shop\\r"]]' PROGRAM ARGUMENTS…

Each answer is typed once its question is on the screen, which is printed at the end; the exit code is the program's,
or 1 with a line on stderr if something was never asked."""
import json
import os
import pty
import sys


def main():
    answers = json.loads(sys.argv[1])
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[2], sys.argv[2:])
    screen = b""
    begin = 0
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:
            # EIO: nobody has the other side open any more.
            break
        screen += piece
        if answers:
            question, answer = answers[0]
            found = screen.find(question.encode(), begin)
            if found >= 0:
                begin = len(screen)
                answers.pop(0)
                os.write(terminal, answer.encode())
    _, status = os.waitpid(pid, 0)
    sys.stdout.buffer.write(screen)
    if answers:
        sys.exit(f"was not asked {answers[0][0]!r}")
    sys.exit(os.waitstatus_to_exitcode(status))


main()
