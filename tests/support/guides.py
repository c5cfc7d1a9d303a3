"""Runs the commands of a guide as they stand there, so that a guide that lies fails.

What a reader does in one shell, one block after another, is done in one here: variables and the folder go on from block to
block. docs/testing.md tells how a page is written; `pages` reads it, `shown` compares.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from support.control_plane import REPOSITORY
from support.pages import Block, Page, Unreadable
from support.shown import difference
from support.waiting import DEADLINE_FACTOR

# Longer than what a block waits for by itself, which has its own words for what did not come.
BLOCK_SECONDS = 600

# A page's commands that ran, and those that were marked, in a whole session: told at its end.
RAN: dict[str, int] = {}

# All that the block before has set, then the block, then all that it has set.
FRAME = """set -a
if [ -s "$GUIDE_STATE" ]; then . "$GUIDE_STATE"; cd -- "$GUIDE_FOLDER"; fi
trap 'guide_code=$?; GUIDE_FOLDER=$PWD; export -p >"$GUIDE_STATE"; exit $guide_code' EXIT
{options}
{script}
"""


class Guide:
    """One document. `replaced` says what a command takes in place of what a reader has: other files, other names.
    `steps` are what a test does before a block, by the names in the page's `after` markers.
    """

    def __init__(self, document: Path, environment: Mapping[str, str], replaced: Mapping[str, str],
                 steps: Mapping[str, Callable[[], object]] | None = None) -> None:
        self.page = Page(document)
        self._environment = environment
        self._replaced = replaced
        self._steps = steps or {}
        self._state = tempfile.TemporaryDirectory(prefix="guide-")

    def commands(self, heading: str) -> str:
        """Of the one block of commands under a heading."""
        blocks = [block for block in self.page.under(heading) if block.kind == "sh"]
        assert len(blocks) == 1, f"{heading}: {len(blocks)} blocks of commands"
        return blocks[0].text

    def run(self, heading: str) -> str:
        """What the one block under a heading prints; the first command that fails ends it."""
        code, text = self._shell(self.commands(heading), "-euo pipefail")
        assert code == 0, f"{self.page.name}, {heading}: ended with {code}:\n{text}"
        self._count()
        return text

    def follow(self, heading: str = "") -> None:
        """All blocks under a heading, or of the page, in order; what they print is what the page shows."""
        blocks = self.page.under(heading) if heading else self.page.blocks
        for block in blocks:
            if block.marked("not-here") is None:
                self._follow(block)

    def _follow(self, block: Block) -> None:
        step = block.marked("after")
        if step is not None:
            if step not in self._steps:
                raise Unreadable(f"{block.place}: the test has no step {step!r}")
            self._steps[step]()
        commands = block.commands
        expected = int(block.marked("exit") or 0)
        if expected and len(commands) > 1:
            raise Unreadable(f"{block.place}: an exit code is that of one command, and here are {len(commands)}")
        options = "-uo pipefail" if block.kind == "console" else "-euo pipefail"
        for command, shown in commands:
            code, printed = self._shell(command, options)
            assert code == expected, f"{block.place}: ended with {code}, not {expected}:\n{command}\n{printed}"
            wrong = "" if shown is None else difference(self._in_place(shown), printed)
            assert not wrong, f"{block.place}: {command}\n{wrong}"
        self._count()

    def _count(self) -> None:
        RAN[self.page.name] = RAN.get(self.page.name, 0) + 1

    def _in_place(self, text: str) -> str:
        for theirs, ours in self._replaced.items():
            text = text.replace(theirs, ours)
        return text

    def _shell(self, script: str, options: str) -> tuple[int, str]:
        """Exit code, and all that a terminal would show."""
        state = Path(self._state.name) / "state"
        whole = FRAME.format(options=f"set {options}", script=self._in_place(script))
        environment = {**os.environ, **self._environment, "GUIDE_STATE": str(state)}
        # A file and no pipe: a daemon that a command leaves behind would hold a pipe open for ever.
        with tempfile.TemporaryFile() as output:
            shell = subprocess.Popen(["bash", "-c", whole], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                     env=environment, cwd=REPOSITORY, start_new_session=True)
            try:
                code = shell.wait(BLOCK_SECONDS * DEADLINE_FACTOR)
            except subprocess.TimeoutExpired:
                code = None
            # What it left in the background, or all of it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()
            output.seek(0)
            printed = output.read().decode(errors="replace")
        assert code is not None, f"{self.page.name}: not over after {BLOCK_SECONDS} s:\n{script}\n{printed}"
        return code, printed
