"""Two runs of scripts/build-images.sh at once: the second waits, and says for whom."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from support.control_plane import REPOSITORY
from support.images import BUILD_IMAGES
from support.waiting import eventually

SECONDS = 120.0


class Build:
    """A run that packs a program; `folder` has programs that it takes in place of the machine's."""

    def __init__(self, operator: Path, place: Path, folder: Path, cache: Path) -> None:
        self._said = place / "said"
        place.mkdir()
        environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(cache)}
        with self._said.open("w") as output:
            self.process = subprocess.Popen([BUILD_IMAGES, "controller", "--operator", operator, "--output", place / "images"],
                                            env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    @property
    def said(self) -> str:
        return self._said.read_text()

    def ends_well(self) -> None:
        assert self.process.wait(SECONDS) == 0, self.said


def program(folder: Path, name: str, script: str) -> Path:
    """In place of the machine's own, which the script calls as $REAL."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\nREAL={shutil.which(name)}\n{script}\nexec $REAL \"$@\"\n")
    (folder / name).chmod(0o755)
    return folder


def quick_flock(folder: Path, asked: Path) -> Path:
    """Writes down for how long somebody wants to wait, and waits for a second."""
    return program(folder, "flock", f'[ "$1" != --wait ] || {{ echo "$2" >>{asked}; shift 2; set -- --wait 1 "$@"; }}')


def test_who_waits_names_the_other_build_and_says_each_minute_that_it_still_waits(
        operator_binary: Path, tmp_path: Path) -> None:
    hold, asked, cache = tmp_path / "hold", tmp_path / "asked", tmp_path / "cache"
    lock = cache / "todoapp-operator" / "images" / "lock"
    os.mkfifo(hold)
    # In the midst of its work, until somebody writes into the pipe.
    slow = program(tmp_path / "slow", "sha256sum", f"read -r line <{hold}")
    first = Build(operator_binary, tmp_path / "first", slow, cache)
    try:
        eventually(lambda: lock.is_file() and lock.read_text(), "the first build to have the lock", SECONDS)
        second = Build(operator_binary, tmp_path / "second", quick_flock(tmp_path / "quick", asked), cache)
        eventually(lambda: "still waiting, for 2 min" in second.said, "the second build to say twice that it waits", SECONDS)
        assert second.process.poll() is None
    finally:
        # It hashes more than once.
        eventually(lambda: released(hold, first), "the first build to go on", SECONDS)
    first.ends_well()
    second.ends_well()
    holder = f"process {first.process.pid} in {REPOSITORY} has the lock {lock}"
    assert f"waiting for another build of images: {holder}\n" in second.said
    assert f"still waiting, for 1 min: {holder}\n" in second.said
    assert set(asked.read_text().split()) == {"60"}
    assert "waiting" not in first.said


def released(hold: Path, build: Build) -> bool:
    """One more of its steps; True when it has ended."""
    if build.process.poll() is not None:
        return True
    try:
        writer = os.open(hold, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return False  # Nobody reads now.
    os.write(writer, b"go on\n")
    os.close(writer)
    return False


def test_a_lock_whose_holder_has_not_said_who_it_is_is_named_all_the_same(operator_binary: Path, tmp_path: Path) -> None:
    lock = tmp_path / "cache" / "todoapp-operator" / "images" / "lock"
    lock.parent.mkdir(parents=True)
    # As a build leaves it that was killed; its number is another process's now.
    lock.write_text(f"{os.getpid()} /somewhere\n")
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        quick = quick_flock(tmp_path / "quick", tmp_path / "asked")
        waiting = Build(operator_binary, tmp_path / "one", quick, tmp_path / "cache")
        eventually(lambda: f"fuser {lock} says who" in waiting.said, "the build to say that it waits", SECONDS)
    waiting.ends_well()
