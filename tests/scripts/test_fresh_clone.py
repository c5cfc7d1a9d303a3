"""What scripts answer at once in a clone where nothing has been built yet: nothing is installed, built or started for it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.control_plane import REPOSITORY

SECONDS = 60.0
FOLDERS = {"cluster", "scripts"}
# `--help` of these says all flags, and what else they take.
WORDS = {"test.sh": ["--kubernetes VERSION", "ctest"], "bench.sh": re.findall(
    r'add_argument\("(--[a-z-]+)"', (REPOSITORY / "tests" / "bench" / "__main__.py").read_text())}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The scripts and what they read; neither build/ nor what they would build."""
    for name in FOLDERS:
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def asked(clone: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([clone / "scripts" / script, *arguments], capture_output=True, text=True, timeout=SECONDS,
                          stdin=subprocess.DEVNULL)
    assert {entry.name for entry in clone.iterdir()} == FOLDERS, "something was made"
    return done


@pytest.mark.parametrize("script", sorted(path.name for path in (REPOSITORY / "scripts").glob("*.sh")))
def test_help_is_answered_at_once(clone: Path, script: str) -> None:
    done = asked(clone, script, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: scripts/{script}") and done.stderr == ""
    assert [word for word in WORDS.get(script, []) if word not in done.stdout] == []


def test_help_is_answered_wherever_it_stands_among_what_goes_to_ctest(clone: Path) -> None:
    assert asked(clone, "test.sh", "-R", "unit", "--help").stdout.startswith("usage: scripts/test.sh")
    assert asked(clone, "test.sh", "-h").stdout.startswith("usage: scripts/test.sh")


def test_an_address_that_does_not_answer_is_told_before_anything_is_made_for_the_other(clone: Path) -> None:
    done = asked(clone, "verify-parity.sh", "--cluster", "http://127.0.0.1:1")
    assert done.returncode == 2
    assert done.stderr == "error: http://127.0.0.1:1 does not answer /health as the Todo page does\n"
