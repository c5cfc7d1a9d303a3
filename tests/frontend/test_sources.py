"""The page's sources: its own checks, and what its lock file and image say."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from support.control_plane import REPOSITORY
from support.todo_servers import PAGE_SERVER

SOURCES = REPOSITORY / "docker" / "frontend"
BUILT = PAGE_SERVER.parent.parent


@pytest.mark.parametrize("script", ["lint", "typecheck", "test"])
def test_npm_run(script: str) -> None:
    done = subprocess.run(["npm", "run", "--silent", script], cwd=BUILT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_that_is_installed_is_pinned_by_hash_and_names_no_host() -> None:
    lock = json.loads((SOURCES / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    for name, entry in packages.items():
        assert entry["integrity"].startswith("sha512-") and "resolved" not in entry, name
    asked = json.loads((SOURCES / "package.json").read_text(encoding="utf-8"))
    for name, version in {**asked["dependencies"], **asked["devDependencies"]}.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version) and packages[f"node_modules/{name}"]["version"] == version, name


def test_the_lock_file_knows_every_platform() -> None:
    """An optional package that was left out of it, for a platform that is not this one, makes `npm ci` refuse the whole."""
    packages = json.loads((SOURCES / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    missing = [f"{owner}: {name}" for owner, entry in packages.items()
               for name in entry.get("optionalDependencies", {})
               if f"node_modules/{name}" not in packages and f"{owner}/node_modules/{name}" not in packages]
    assert not missing


def test_what_is_served_holds_no_picture_library_and_no_telemetry() -> None:
    held = {path.name for path in (PAGE_SERVER / "node_modules").iterdir()}
    assert "next" in held and not held & {"sharp", "@img", "typescript", "axe-core", "@biomejs"}
    size = sum(file.stat().st_size for file in PAGE_SERVER.rglob("*") if file.is_file())
    assert size < 40_000_000, f"{size} bytes"


def test_the_build_context_leaves_out_what_the_build_makes() -> None:
    ignored = Path(SOURCES / ".dockerignore").read_text(encoding="utf-8").split()
    assert {"node_modules", ".next", ".tests", "tests"} <= set(ignored)
