"""scripts/verify-parity.sh, with two apps that run alone: alike, different, broken alike."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.control_plane import REPOSITORY
from support.todo_servers import Gate, Server, backend_alone

SCRIPT = REPOSITORY / "scripts" / "verify-parity.sh"
SECONDS = 480


def verify(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, timeout=SECONDS)


def verdicts(said: str) -> dict[str, str]:
    found = re.findall(r"^  (same|different|wrong) +(.+)$", said, re.M)
    return {name: verdict for verdict, name in found}


@pytest.fixture
def other_backend(backend_program: Path, tmp_path: Path) -> Any:
    server = backend_alone(backend_program, tmp_path)
    yield server.start()
    server.stop()


def test_two_apps_that_are_alike_are_in_parity_and_keep_what_others_made(
        page_server: Server, new_page_server: Callable[..., Server], other_backend: Server, todos: Any) -> None:
    # Ids and counts differ from the first.
    for number in range(3):
        todos.add(f"of somebody else {number}")
    other = new_page_server(other_backend.address)
    done = verify("--alone", other.address, "--cluster", page_server.address)
    assert done.returncode == 0, done.stdout + done.stderr
    found = verdicts(done.stdout)
    assert len(found) >= 24 and set(found.values()) == {"same"}
    assert {"the whole flow works with nothing but the keyboard", "the list comes in pages"} <= set(found)
    assert re.search(rf"^{len(found)} checks in \d+ s: {len(found)} the same and right, 0 not$", done.stdout, re.M)
    assert len(todos.all()) == 3
    assert other_backend.ask("GET", "/api/todos").json()["total"] == 0


def test_a_difference_is_found_told_and_makes_the_exit_code_1(page_server: Server, backend: Server,
                                                              new_page_server: Callable[..., Server]) -> None:
    lying = Gate(backend.port, instead=(b'"completed":true', b'"completed":null'))
    other = new_page_server(lying.address)
    done = verify("--no-page", "--alone", page_server.address, "--cluster", other.address)
    lying.shut()
    assert done.returncode == 1, done.stdout + done.stderr
    found = verdicts(done.stdout)
    different = {name for name, verdict in found.items() if verdict == "different"}
    assert "a todo is completed and opened again, twice as well as once" in different
    assert found["a todo is deleted, and then it is not there"] == "same"
    assert re.search(r'^ +-.*"completed": true', done.stdout, re.M)
    assert re.search(r'^ +\+.*"completed": null', done.stdout, re.M)


def test_two_apps_that_are_broken_in_the_same_way_are_not_in_parity(backend: Server,
                                                                    new_page_server: Callable[..., Server]) -> None:
    careless = Gate(backend.port, instead=(b"HTTP/1.1 422", b"HTTP/1.1 200"))
    address = new_page_server(careless.address).address
    done = verify("--no-page", "--alone", address, "--cluster", address)
    careless.shut()
    assert done.returncode == 1, done.stdout + done.stderr
    found = verdicts(done.stdout)
    assert found["fields that are wrong are refused, each in words"] == "wrong"
    assert found["the list comes in pages"] == "same"
    assert "both: AssertionError: POST /api/todos answered 200, not 422" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["--cluster"], ["--cluster", "127.0.0.1:30000"], ["--colour"],
                                       ["--cluster", "http://127.0.0.1:1", "--alone", "http://127.0.0.1:1", "--no-page"]])
def test_wrong_usage_and_an_app_that_does_not_answer_make_the_exit_code_2(arguments: list[str]) -> None:
    done = verify(*arguments)
    assert done.returncode == 2 and "error: " in done.stderr


def test_help_says_what_it_takes() -> None:
    done = verify("--help")
    assert done.returncode == 0
    assert all(option in done.stdout for option in ("--cluster", "--alone", "--no-page", "Exit code"))
