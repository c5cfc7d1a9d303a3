"""A real terminal: tmux draws what a program writes, and tells what stands on the screen then."""

from __future__ import annotations

import re
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from support.waiting import eventually

COMMAND_SECONDS = 30.0
# What a shell writes in front of a command that is typed.
PROMPT = "prompt>"


class Tmux:
    """One window with a shell in it."""

    def __init__(self, socket: str, environment: dict[str, str]) -> None:
        self._command = ["tmux", "-u", "-L", socket, "-f", "/dev/null"]
        self._environment = environment

    def run(self, *arguments: str) -> str:
        done = subprocess.run([*self._command, *arguments], env=self._environment, capture_output=True, text=True,
                              timeout=COMMAND_SECONDS, check=False)
        assert done.returncode == 0, f"tmux {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def type(self, command: str) -> None:
        self.run("send-keys", "-l", command)
        self.press("Enter")

    def press(self, key: str) -> None:
        self.run("send-keys", key)

    def resize(self, columns: int, rows: int) -> None:
        self.run("resize-window", "-x", str(columns), "-y", str(rows))
        # tmux tells the programs in it a moment later.
        terminal = self.run("display-message", "-p", "#{pane_tty}").strip()
        eventually(lambda: _columns_of(terminal) == columns, f"{terminal} to have {columns} columns")

    def shown(self, *, colours: bool = False, history: bool = True) -> str:
        """The lines on the screen, and those that were pushed off it; a broken line is two."""
        return self.run("capture-pane", "-p", *(["-e"] if colours else []), *(["-S", "-"] if history else []))

    def wait(self, pattern: str, deadline: float = 60.0) -> str:
        """Waits until a line begins so, which that of a typed command does not."""

        def look() -> str:
            seen = self.shown()
            assert re.search(f"^(?:{pattern})", seen, re.M), seen
            return seen

        return eventually(look, f"the terminal to show a line {pattern!r}", deadline)


def _columns_of(terminal: str) -> int:
    done = subprocess.run(["stty", "-F", terminal, "size"], capture_output=True, text=True, timeout=COMMAND_SECONDS,
                          check=True)
    return int(done.stdout.split()[1])


@contextmanager
def terminal(environment: dict[str, str], columns: int = 100, rows: int = 30) -> Iterator[Tmux]:
    window = Tmux(f"todoapp-{uuid.uuid4()}", environment)
    window.run("new-session", "-d", "-x", str(columns), "-y", str(rows), "env", f"PS1={PROMPT} ", "bash",
               "--norc", "--noprofile")
    try:
        window.wait(PROMPT)
        yield window
    finally:
        window.run("kill-server")
