"""The code blocks of a page in Markdown, and the markers before them: docs/testing.md tells what may stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from support.control_plane import REPOSITORY

# What a reader types: commands alone, or as a terminal shows them. A block that is indented counts as one of commands.
COMMANDS = ("sh", "console", "indented")
OTHER_NAMES = {"bash": "sh", "shell": "sh", "zsh": "sh", "shell-session": "console", "terminal": "console"}

MARKER = re.compile(r"^<!--\s*run:\s*(?P<text>.*?)\s*-->$")
FENCE = re.compile(r"^(?P<indent> *)```(?P<word>[\w-]*).*$")
HEADING = re.compile(r"^(?P<level>#{1,6}) (?P<text>.+)$")
LIST_OR_INDENTED = re.compile(r"^(?:[-*+] |\d+[.)] | )")


class Unreadable(AssertionError):
    """A page has what nobody can run, or mark, in this way."""


@dataclass(frozen=True)
class Marker:
    """`not-here: why`, `by: tests`, `exit: 1`, `after: what a test does first`; of a block or of all blocks of a page."""

    name: str
    value: str
    of_page: bool = False

    @staticmethod
    def read(text: str, place: str) -> Marker:
        name, _, value = (part.strip() for part in text.partition(":"))
        if name == "page":
            inner = Marker.read(value, place)
            if inner.name not in ("not-here", "by"):
                raise Unreadable(f"{place}: a whole page takes not-here or by, not {inner.name}")
            return replace(inner, of_page=True)
        if name not in ("not-here", "by", "exit", "after"):
            raise Unreadable(f"{place}: no marker {name!r}; there are not-here, by, exit and after")
        if not value:
            raise Unreadable(f"{place}: {name} needs a value")
        if name == "exit" and not value.isdecimal():
            raise Unreadable(f"{place}: exit takes a number, not {value}")
        return Marker(name, value)


@dataclass(frozen=True)
class Block:
    page: str
    line: int
    kind: str
    text: str
    headings: tuple[str, ...]
    markers: tuple[Marker, ...]
    # What a ```text block after it shows.
    output: str | None = None

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    def marked(self, name: str) -> str | None:
        return next((marker.value for marker in self.markers if marker.name == name), None)

    @property
    def commands(self) -> list[tuple[str, str | None]]:
        """Each with what it is to print, or None where nothing is said of that."""
        if self.kind != "console":
            return [(self.text, self.output)]
        found: list[tuple[str, list[str]]] = []
        going_on = False
        for line in self.text.splitlines():
            if going_on:
                found[-1] = (f"{found[-1][0]}\n{line.removeprefix('> ')}", [])
            elif line.startswith("$ "):
                found.append((line[2:], []))
            elif not found:
                raise Unreadable(f"{self.place}: a console block begins with a command, $ and a blank before it")
            else:
                found[-1][1].append(line)
            going_on = line.endswith("\\") and (going_on or line.startswith("$ "))
        return [(command, "\n".join(lines)) for command, lines in found]

    @property
    def script(self) -> str:
        return "\n".join(command for command, _ in self.commands)


class Page:
    """Reads all of it at once, so that a page with a mistake fails before any command of it is run."""

    def __init__(self, document: Path) -> None:
        self.document = document
        inside = document.is_relative_to(REPOSITORY)
        self.name = str(document.relative_to(REPOSITORY)) if inside else document.name
        self._markers: list[Marker] = []
        self._page_markers: list[Marker] = []
        self._headings: dict[int, str] = {}
        # The block that a ```text block here would show the output of.
        self._output_of: Block | None = None
        self.blocks: list[Block] = []
        self._read(document.read_text().splitlines())
        inherited = tuple(self._page_markers)
        self.blocks = [replace(block, markers=(*block.markers, *inherited)) if not self._own_way(block) else block
                       for block in self.blocks]

    def under(self, heading: str) -> list[Block]:
        found = [block for block in self.blocks if heading in block.headings]
        if not found:
            raise Unreadable(f"{self.name}: no commands under a heading {heading!r}")
        return found

    @staticmethod
    def _own_way(block: Block) -> bool:
        return any(block.marked(name) for name in ("not-here", "by"))

    def _read(self, lines: list[str]) -> None:
        text_before = ""
        numbered: Iterator[tuple[int, str]] = iter(enumerate(lines, 1))
        indented: tuple[int, list[str]] | None = None
        for number, line in numbered:
            if indented is not None:
                if line.startswith("    ") or not line.strip():
                    indented[1].append(line[4:])
                    continue
                self._add(indented[0], "indented", "\n".join(indented[1]).rstrip())
                indented = None
            if fence := FENCE.match(line):
                self._fenced(number, fence, numbered)
                text_before = ""
            elif (line.startswith("    ") and not "".join(lines[:number - 1][-1:]).strip()
                  and not LIST_OR_INDENTED.match(text_before)):
                indented = (number, [line[4:]])
            elif line.strip():
                self._prose(number, line)
                text_before = line
        if indented is not None:
            self._add(indented[0], "indented", "\n".join(indented[1]).rstrip())
        if self._markers:
            raise Unreadable(f"{self.name}: a marker at the end, with no block after it")

    def _fenced(self, number: int, fence: re.Match[str], lines: Iterator[tuple[int, str]]) -> None:
        word, inside = fence["word"], []
        for _, line in lines:
            if line.strip() == "```":
                break
            inside.append(line.removeprefix(fence["indent"]))
        else:
            raise Unreadable(f"{self.name}:{number}: a block without an end")
        if word in OTHER_NAMES:
            raise Unreadable(f"{self.name}:{number}: write ```{OTHER_NAMES[word]} and not ```{word}")
        self._add(number, word, "\n".join(inside))

    def _add(self, number: int, kind: str, text: str) -> None:
        place = f"{self.name}:{number}"
        if kind == "text":
            self._output(place, text)
        elif kind in COMMANDS:
            headings = tuple(self._headings[level] for level in sorted(self._headings))
            block = Block(self.name, number, kind, text, headings, tuple(self._markers))
            if not block.commands or not block.script.strip():
                raise Unreadable(f"{place}: a block without a command")
            self.blocks.append(block)
            self._output_of = block
        else:
            self._output_of = None
            if self._markers:
                raise Unreadable(f"{place}: a marker before a block that is none of commands")
        self._markers = []

    def _output(self, place: str, text: str) -> None:
        before = self._output_of
        if before is None or before.kind == "console":
            raise Unreadable(f"{place}: a ```text block is what the ```sh block before it prints, and there is none; "
                             "for a picture take a fence without a word")
        if self._markers:
            raise Unreadable(f"{place}: markers stand before the commands, not before what they print")
        self.blocks[-1] = replace(before, output=text)
        self._output_of = None

    def _prose(self, number: int, line: str) -> None:
        if marker := MARKER.match(line.strip()):
            found = Marker.read(marker["text"], f"{self.name}:{number}")
            (self._page_markers if found.of_page else self._markers).append(found)
            return
        if re.search(r"(?<!`)<!-- run", line):
            raise Unreadable(f"{self.name}:{number}: a marker has a line of its own, and a colon: <!-- run: ... -->")
        if self._markers:
            raise Unreadable(f"{self.name}:{number}: there is text between a marker and its block")
        if heading := HEADING.match(line):
            level = len(heading["level"])
            self._headings = {have: text for have, text in self._headings.items() if have < level}
            self._headings[level] = heading["text"]
            self._output_of = None


def documents() -> list[Path]:
    """Each that may have commands which somebody copies."""
    return sorted([REPOSITORY / "README.md", REPOSITORY / "cluster" / "README.md", *(REPOSITORY / "docs").rglob("*.md"),
                   *(REPOSITORY / "helm").glob("*/README.md")])
