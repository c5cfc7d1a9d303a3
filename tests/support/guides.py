"""Runs the commands of a guide as they stand there, so that a guide that lies fails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from support.control_plane import REPOSITORY, run

BLOCK_SECONDS = 180


class Guide:
    """One document. `replaced` says what a command takes in place of what a reader has: other files, other names."""

    def __init__(self, document: Path, environment: Mapping[str, str], replaced: Mapping[str, str]) -> None:
        self._text = document.read_text()
        self._environment = environment
        self._replaced = replaced

    def commands(self, heading: str) -> str:
        """Of the one block of commands under a heading."""
        section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", self._text, re.M | re.S)
        assert section, f"no heading {heading}"
        blocks = re.findall(r"^```sh\n(.*?)^```$", section.group(1), re.M | re.S)
        assert len(blocks) == 1, f"{heading}: {len(blocks)} blocks of commands"
        return str(blocks[0])

    def run(self, heading: str) -> str:
        """What the commands print; the first that fails ends them."""
        script = self.commands(heading)
        for theirs, ours in self._replaced.items():
            script = script.replace(theirs, ours)
        variables = [f"{name}={value}" for name, value in self._environment.items()]
        return run(["env", "-C", str(REPOSITORY), *variables, "bash", "-euo", "pipefail", "-c", script],
                   seconds=BLOCK_SECONDS)
