"""What an interactive zsh offers for a line: zsh-completion.py 'graceful sta', in the directory that holds _graceful."""
import os
import pty
import re
import select
import sys
import time

SETUP = r"""
PS1=; unsetopt zle_bracketed_paste 2>/dev/null; fpath=($PWD $fpath)
autoload -U compinit; compinit -u -D
zstyle ':completion:*' list-grouped false
zstyle ':completion:*' insert-tab false
zstyle ':completion:*' list-separator ''
zmodload zsh/zutil
compadd () {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return $?; fi
  typeset -a __hits; builtin compadd -A __hits "$@"
  local hit; for hit in $__hits; do print -r -- "OFFER $hit" >>$PWD/zsh-offers; done
  builtin compadd "$@"
}
bindkey '^I' complete-word
# The line editor has the terminal from here on: what is typed before, ^U empties in the kernel.
zle-line-init () { print READY }
zle -N zle-line-init
"""


def main():
    if os.path.exists("zsh-offers"):
        os.remove("zsh-offers")
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "dumb"
        os.execvp("zsh", ["zsh", "-f", "-i"])
    read_until(terminal, b"", 1)
    with open("zsh-setup", "w", encoding="utf-8") as file:
        file.write(SETUP)
    os.write(terminal, b"source ./zsh-setup\n")
    read_until(terminal, b"READY", 60)
    # A key is read when what the one before it asks for is done: then the line is emptied, and another command is run.
    os.write(terminal, sys.argv[1].encode() + b"\t" + b"\x15" + b"print -r -- D''ONE\n")
    read_until(terminal, b"DONE", 60)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    with open("zsh-offers", encoding="utf-8") as file:
        offers = set(re.findall(r"^OFFER (\S+)", file.read(), re.M))
    print("\n".join(sorted(offers)))


def read_until(terminal, wanted, seconds):
    seen = b""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and (not wanted or seen.count(wanted) < 1):
        if select.select([terminal], [], [], 0.05)[0]:
            seen += os.read(terminal, 65536)
    return seen


main()
