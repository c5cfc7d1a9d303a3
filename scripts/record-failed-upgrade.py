#!/usr/bin/env python3
"""Records a failed upgrade that is rolled back: the picture of the README, made from what really happens on a terminal.

Needs kubectl and kubectl-todoapp on the PATH, a cluster with the operator in it (docs/deployment/install.md), and the
stand-in images (cluster/local stand-in). Makes the namespace `shop`, which must not be there, and takes it away again.

Writes an SVG that plays by itself, and the last screen and all that scrolled away above it as text. Pauses are shortened to
three seconds; the title counts the seconds as they were.
"""

from __future__ import annotations

import argparse
import fcntl
import html
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]
PICTURE = REPOSITORY / "docs" / "images" / "failed-upgrade.svg"
COLUMNS, ROWS = 142, 46
NAMESPACE = "shop"
WATCH_SECONDS = 240
SETTLE_SECONDS = 180
LONGEST_PAUSE = 3.0
LAST_PAUSE = 8.0

APP = f"""\
apiVersion: apps.todoapp.dev/v1alpha1
kind: TodoAppDeployment
metadata: {{name: todo, namespace: {NAMESPACE}}}
spec:
  frontend: {{image: "localhost/todo-frontend:1.2.0", preStopSeconds: 0}}
  backend: {{image: "localhost/todo-backend:1.2.0", preStopSeconds: 0}}
  config: {{MOOD: good}}
  upgrade: {{soakSeconds: 2}}
"""
CHANGE = '{"spec":{"backend":{"image":"localhost/todo-backend:bad-crash"},"config":{"MOOD":"bad"}}}'
# Each with the exit code that it must have: what waits for an app that only a person can mend ends with 1.
COMMANDS = [
    (f"kubectl -n {NAMESPACE} patch tad todo --type=merge -p '{CHANGE}'", 0),
    (f"kubectl todoapp status todo -n {NAMESPACE} --watch", 1),
    (f"kubectl todoapp explain todo -n {NAMESPACE}", 0),
]

# What the programs write: moving up, erasing a line or what follows, and colours.
PART = re.compile(r"\x1b\[(\d*)([AJKm])|(\r\n|\n|\r)|([^\x1b\r\n]+)")
INKS = {"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "2": "#8b949e", "1": "#ffffff"}
INK, PAPER, TITLE = "#c9d1d9", "#0d1117", "#8b949e"
CELL, LINE, TOP, LEFT = 7.8, 18, 44, 14


class Piece(NamedTuple):
    text: str
    ink: str


Row = tuple[Piece, ...]


class Frame(NamedTuple):
    at: float
    rows: tuple[Row, ...]


class Screen:
    """Just so much of a terminal as these programs use."""

    def __init__(self) -> None:
        self.rows: list[list[Piece]] = [[]]
        self._at = 0
        self._ink = ""

    def write(self, text: str) -> None:
        for count, order, end, words in PART.findall(text):
            if words:
                self._print(words)
            elif "\n" in end:
                self._at += 1
                if self._at == len(self.rows):
                    self.rows.append([])
            elif order == "A":
                self._at = max(0, self._at - int(count or 1))
            elif order == "K":
                self.rows[self._at] = []
            elif order == "J":
                del self.rows[self._at:]
                self.rows.append([])
            elif order == "m":
                self._ink = "" if count in ("", "0") else count

    def _print(self, words: str) -> None:
        row = self.rows[self._at]
        while words:
            room = COLUMNS - sum(len(piece.text) for piece in row)
            row.append(Piece(words[:room], self._ink))
            words = words[room:]
            if words:
                self._at += 1
                self.rows.insert(self._at, [])
                row = self.rows[self._at]

    def frame(self, at: float) -> Frame:
        return Frame(at, tuple(tuple(row) for row in self.rows[-ROWS:]))

    def text(self) -> str:
        return "\n".join("".join(piece.text for piece in row) for row in self.rows).rstrip() + "\n"


def on_terminal(command: str, screen: Screen, frames: list[Frame], began: float) -> int:
    """Runs it, and takes a picture each time that something came."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    limit = time.monotonic() + WATCH_SECONDS
    try:
        while select.select([ours], [], [], max(0.0, limit - time.monotonic()))[0]:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says so when nobody holds the other side any more.
                break
            screen.write(piece.decode())
            frames.append(screen.frame(time.monotonic() - began))
        return process.wait(max(1.0, limit - time.monotonic()))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def record() -> tuple[list[Frame], str]:
    screen, frames, began = Screen(), [], time.monotonic()
    for command, expected in COMMANDS:
        screen.write(f"\x1b[1m$ {command}\x1b[0m\r\n")
        frames.append(screen.frame(time.monotonic() - began))
        code = on_terminal(command, screen, frames, began)
        if code != expected:
            raise SystemExit(f"{command} ended with {code}, not {expected}:\n{screen.text()}")
        screen.write("\r\n")
    return frames, screen.text()


def paced(frames: list[Frame]) -> list[float]:
    """When each begins in the picture."""
    starts = [0.0]
    for before, after in zip(frames, frames[1:]):
        starts.append(starts[-1] + min(LONGEST_PAUSE, after.at - before.at))
    return starts


def shown(content: str, begin: float, end: float, whole: float) -> str:
    """Something that is there from one time to another, and in the last picture for those who do not play it."""
    first, last = f"{begin / whole:.4f}", f"{end / whole:.4f}"
    if end >= whole:
        values, times = ("hidden;visible", f"0;{first}") if begin > 0 else ("visible", "0")
        still = "visible"
    else:
        values, times = ("hidden;visible;hidden", f"0;{first};{last}") if begin > 0 else ("visible;hidden", f"0;{last}")
        still = "hidden"
    play = f'<animate attributeName="visibility" calcMode="discrete" dur="{whole:.2f}s" repeatCount="indefinite" ' \
           f'values="{values}" keyTimes="{times}"/>'
    return f'<g visibility="{still}">{play}{content}</g>'


def line(row: Row, number: int) -> str:
    spans, column = [], 0
    for piece in row:
        if piece.text.strip():
            weight = ' font-weight="bold"' if piece.ink == "1" else ""
            spans.append(f'<tspan x="{LEFT + column * CELL:.1f}" fill="{INKS.get(piece.ink, INK)}"{weight}>'
                         f"{html.escape(piece.text)}</tspan>")
        column += len(piece.text)
    return f'<text y="{TOP + number * LINE}" xml:space="preserve">{"".join(spans)}</text>'


def drawing(frames: list[Frame]) -> str:
    starts = paced(frames)
    whole = starts[-1] + LAST_PAUSE
    ends = [*starts[1:], whole]
    parts = []
    for number in range(ROWS):
        begin = 0
        for at in range(1, len(frames) + 1):
            row = frames[begin].rows[number] if number < len(frames[begin].rows) else ()
            if at < len(frames) and row == (frames[at].rows[number] if number < len(frames[at].rows) else ()):
                continue
            if row:
                parts.append(shown(line(row, number), starts[begin], ends[at - 1], whole))
            begin = at
    for frame, begin, end in zip(frames, starts, ends):
        clock = f'<text x="{LEFT + COLUMNS * CELL:.0f}" y="20" text-anchor="end" fill="{TITLE}">{frame.at:.1f} s</text>'
        parts.append(shown(clock, begin, end, whole))
    width, height = LEFT * 2 + COLUMNS * CELL, TOP + ROWS * LINE
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" role="img" '
            'font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="13">\n'
            "<title>A failed upgrade that is rolled back, recorded by scripts/record-failed-upgrade.py</title>\n"
            f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>\n'
            f'<text x="{LEFT}" y="20" fill="{TITLE}">a bad image, recorded on a node with real pods</text>\n'
            + "\n".join(parts) + "\n</svg>\n")


def kubectl(*arguments: str, stdin: str = "") -> None:
    subprocess.run(["kubectl", *arguments], input=stdin, text=True, check=True, stdout=subprocess.DEVNULL,
                   timeout=SETTLE_SECONDS + 30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, default=PICTURE, help="where the SVG goes (default: docs/images)")
    parser.add_argument("--text", type=Path, help="where the text goes (default: nowhere)")
    given = parser.parse_args()
    kubectl("create", "namespace", NAMESPACE)
    try:
        kubectl("apply", "-f", "-", stdin=APP)
        kubectl("-n", NAMESPACE, "wait", "tad/todo", "--for=condition=Ready", f"--timeout={SETTLE_SECONDS}s")
        frames, text = record()
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    given.picture.parent.mkdir(parents=True, exist_ok=True)
    given.picture.write_text(drawing(frames))
    if given.text:
        given.text.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
