"""docker/backend/openapi.yaml and the program say the same: schemathesis asks what is in the file and judges the answers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from support.backend import BackendClient
from support.control_plane import REPOSITORY
from support.waiting import DEADLINE_FACTOR

CONTRACT = REPOSITORY / "docker" / "backend" / "openapi.yaml"


def schemathesis(contract: Path, url: str, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("schemathesis"), "run", contract, "--url", url, "--checks", "all", "--seed", "1",
         "--request-timeout", "20", "--generation-database", "none", "--no-color", *more],
        capture_output=True, text=True, cwd=folder, timeout=180 * DEADLINE_FACTOR)


def test_the_answers_are_those_of_the_contract(todos: BackendClient, tmp_path: Path) -> None:
    done = schemathesis(CONTRACT, todos.url, tmp_path, "--max-examples", "25")
    assert done.returncode == 0, done.stdout
    assert "Tested: 10" in done.stdout, done.stdout
    assert todos.metric('todo_database_errors_total{kind="failed"}') == 0


def test_a_contract_that_lies_is_noticed(sqlite_todos: BackendClient, tmp_path: Path) -> None:
    contract = yaml.safe_load(CONTRACT.read_text())
    contract["components"]["schemas"]["Title"]["maxLength"] = 500
    contract["components"]["schemas"]["TodoPage"]["properties"]["total"] = {"type": "string"}
    del contract["paths"]["/api/todos/{id}"]["get"]["responses"]["404"]
    file = tmp_path / "openapi.yaml"
    file.write_text(yaml.safe_dump(contract))
    done = schemathesis(file, sqlite_todos.url, tmp_path, "--phases", "examples,coverage", "--max-examples", "20")
    assert done.returncode == 1, done.stdout
    for noticed in ["Schema-valid request rejected", "Response violates schema", "Undocumented status code"]:
        assert noticed in done.stdout, done.stdout


def test_each_example_of_an_error_is_what_the_program_says(sqlite_todos: BackendClient) -> None:
    responses = yaml.safe_load(CONTRACT.read_text())["components"]["responses"]

    def example(name: str) -> Any:
        return responses[name]["content"]["application/problem+json"]["example"]

    json_type = {"Content-Type": "application/json"}
    asked = {
        "BadParameters": sqlite_todos.get("/api/todos?limit=0"),
        "BadJson": sqlite_todos.ask("POST", "/api/todos", raw=b'{"title"', headers=json_type),
        "BadFields": sqlite_todos.ask("POST", "/api/todos", {"title": ""}),
        "NotFound": sqlite_todos.get("/api/todos/7"),
        "TooLarge": sqlite_todos.ask("POST", "/api/todos", raw=b" " * 65537, headers=json_type),
        "NotJson": sqlite_todos.ask("POST", "/api/todos", raw=b"x", headers={"Content-Type": "text/plain"}),
    }
    for name, answer in asked.items():
        assert answer.json == example(name), name
