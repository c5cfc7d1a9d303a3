"""The plugin as its users run it: in a pipe, on a terminal, alone and through kubectl."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from support.control_plane import ControlPlane
from support.waiting import DEADLINE_FACTOR

PLUGIN_SECONDS = 60.0


# What is to happen when something has been printed for the first time.
When = tuple[str, Callable[[], object]]


class Ended(NamedTuple):
    code: int
    out: str
    err: str


class Plugin:
    """Uses one kubeconfig unless a call says otherwise; with `alone` off, kubectl runs it."""

    def __init__(self, binary: Path, kubeconfig: Path) -> None:
        self.binary = binary
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "LC_ALL": "C.UTF-8", "TERM": "xterm",
                             "PATH": f"{binary.parent}{os.pathsep}{os.environ['PATH']}"}
        self._environment.pop("NO_COLOR", None)

    def __call__(self, *arguments: str, alone: bool = True, given: str = "", **environment: str) -> Ended:
        """`given` is what it reads."""
        done = subprocess.run(self._command(arguments, alone), env={**self._environment, **environment}, text=True,
                              capture_output=True, timeout=PLUGIN_SECONDS * DEADLINE_FACTOR, check=False, input=given)
        return Ended(done.returncode, done.stdout, done.stderr)

    def said(self, *arguments: str) -> str:
        """What it prints, where nothing goes wrong."""
        ended = self(*arguments)
        assert (ended.code, ended.err) == (0, ""), ended
        return ended.out

    def shell(self, script: str) -> str:
        """What bash prints, with the plugin on its PATH."""
        return subprocess.run(["bash", "-euc", script], env=self._environment, text=True, capture_output=True,
                              timeout=PLUGIN_SECONDS, check=True, stdin=subprocess.DEVNULL).stdout

    @property
    def environment(self) -> dict[str, str]:
        return dict(self._environment)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(self._command(arguments, True), env=self._environment, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def followed(self, when: When, *arguments: str) -> Ended:
        """In a pipe that is read line by line."""
        words, then = when
        process = self.start(*arguments)
        too_late = threading.Timer(PLUGIN_SECONDS * DEADLINE_FACTOR, process.kill)
        too_late.start()
        try:
            assert process.stdout is not None and process.stderr is not None
            out = ""
            for line in process.stdout:
                if words in line and words not in out:
                    then()
                out += line
            return Ended(process.wait(), out, process.stderr.read())
        finally:
            too_late.cancel()
            process.kill()
            process.communicate()

    def on_terminal(self, *arguments: str, columns: int = 100, rows: int = 30, when: When | None = None,
                    **environment: str) -> Ended:
        """Both outputs in one, as a terminal gets them."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        process = subprocess.Popen(self._command(arguments, True), env={**self._environment, **environment},
                                   stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
        os.close(theirs)
        try:
            shown = _read_all(ours, when)
            return Ended(process.wait(timeout=PLUGIN_SECONDS), shown, "")
        finally:
            process.kill()
            process.wait()
            os.close(ours)

    def _command(self, arguments: tuple[str, ...], alone: bool) -> list[str]:
        return [str(self.binary), *arguments] if alone else ["kubectl", "todoapp", *arguments]


def _read_all(terminal: int, when: When | None) -> str:
    """Until the other side is closed."""
    limit = time.monotonic() + PLUGIN_SECONDS * DEADLINE_FACTOR
    shown = b""
    while select.select([terminal], [], [], max(0.0, limit - time.monotonic()))[0]:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux says so when nobody holds the other side any more.
            break
        if not piece:
            break
        shown += piece
        if when is not None and when[0].encode() in shown:
            when[1]()
            when = None
    return shown.decode().replace("\r\n", "\n")


@pytest.fixture(scope="session")
def plugin(operator_binary: Path, cluster: ControlPlane) -> Plugin:
    binary = operator_binary.parent / "kubectl-todoapp"
    assert binary.is_file(), f"no plugin beside the operator: {binary}"
    return Plugin(binary, cluster.kubeconfig)
