"""What the cluster sees: metrics, logs, settings, a read-only root; and the image's Dockerfile."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.backend import BackendClient, BackendMaker
from support.control_plane import REPOSITORY

FOLDER = REPOSITORY / "docker" / "backend"
DOCKERFILE = FOLDER / "Dockerfile"


def test_metrics_are_as_promtool_wants_them(todos: BackendClient) -> None:
    todos.create("t")
    todos.ask("PUT", "/api/todos")
    todos.get("/nowhere")
    text = todos.get("/metrics")
    assert text.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    done = subprocess.run(["promtool", "check", "metrics"], input=text.text, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_requests_are_counted_by_route_method_and_code(sqlite_todos: BackendClient) -> None:
    def count(code: int, method: str, route: str) -> float:
        return sqlite_todos.metric(f'todo_http_requests_total{{code="{code}",method="{method}",route="{route}"}}')

    for number in range(3):
        sqlite_todos.create(f"t{number}")
        sqlite_todos.get(f"/api/todos/{number + 1}")
    sqlite_todos.ask("POST", "/api/todos", {})
    sqlite_todos.ask("POST", "/api/todos", raw=b"x" * 70_000)
    sqlite_todos.ask("BREW", "/secret")
    assert count(201, "POST", "/api/todos") == 3
    assert count(200, "GET", "/api/todos/{id}") == 3
    assert count(422, "POST", "/api/todos") == 1
    assert count(413, "POST", "/api/todos") == 1
    assert count(404, "other", "unknown") == 1
    labels = 'code="201",method="POST",route="/api/todos"'
    assert sqlite_todos.metric(f'todo_http_request_duration_seconds_count{{{labels}}}') == 3
    assert sqlite_todos.metric(f'todo_http_request_duration_seconds_bucket{{{labels},le="+Inf"}}') == 3
    assert 0 < sqlite_todos.metric(f'todo_http_request_duration_seconds_sum{{{labels}}}') < 10
    assert sqlite_todos.metric("todo_http_requests_in_flight") == 1, "the scrape itself"
    assert sqlite_todos.metric('todo_schema_version{kind="found"}') == 2
    assert sqlite_todos.metric("process_resident_memory_bytes") > 1_000_000
    assert "/secret" not in sqlite_todos.get("/metrics").text


def test_series_stay_few_whatever_clients_ask(sqlite_todos: BackendClient) -> None:
    sqlite_todos.ask("M0", "/path/0")
    before = len(sqlite_todos.get("/metrics").text.splitlines())
    for number in range(200):
        sqlite_todos.ask(f"M{number}", f"/path/{number}")
        sqlite_todos.get(f"/path/{number}")
        sqlite_todos.get(f"/api/todos/{number + 1}")
    after = len(sqlite_todos.get("/metrics").text.splitlines())
    # Two series more (GET of nowhere, GET of a todo), each with a counter and a histogram of 16 lines; and the scrape's.
    assert after - before <= 3 * 17


def test_logs_are_json_and_hold_no_todo(new_backend: BackendMaker, tmp_path: Path) -> None:
    backend = new_backend({"DATABASE_PATH": str(tmp_path / "todos.db"), "LOG_LEVEL": "trace"})
    client = backend.wait_until_ready()
    made = client.create("canary-title", notes="canary-notes")
    client.get("/api/todos?q=canary-search")
    client.edit(made["id"], title="canary-edit")
    lines = [json.loads(line) for line in backend.log().splitlines()]
    assert {"Started", "Answered"} <= {line["msg"] for line in lines}
    answered = [line for line in backend.log_lines("Answered") if line["route"] == "/api/todos"]
    assert [(line["method"], line["status"]) for line in answered] == [("POST", 201), ("GET", 200)]
    assert "canary" not in backend.log()


def test_settings_that_are_wrong_are_all_named(new_backend: BackendMaker) -> None:
    done = new_backend.command(environment={"PORT": "80x", "LOG_LEVEL": "loud", "SCHEMA_VERSION": "3"})
    assert done.returncode == 2
    for name in ("PORT", "LOG_LEVEL", "SCHEMA_VERSION"):
        assert name in done.stderr


def test_a_port_in_use_ends_the_program_with_its_reason(new_backend: BackendMaker, sqlite_todos: BackendClient,
                                                        tmp_path: Path) -> None:
    second = new_backend({"DATABASE_PATH": str(tmp_path / "other.db"), "PORT": sqlite_todos.url.rsplit(":", 1)[1]})
    assert second.wait(60) == 1
    assert "Address already in use" in second.log_lines("Failed to start")[0]["error"]


def test_help_names_every_variable_that_the_readme_names(new_backend: BackendMaker) -> None:
    said = new_backend.command("--help", environment={}).stdout
    readme = set(re.findall(r"^\| `([A-Z_]+)` \|", (FOLDER / "README.md").read_text(), re.M))
    assert readme == set(re.findall(r"^  ([A-Z_]{4,})  ", said, re.M))
    assert len(readme) >= 9


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_a_read_only_root_and_a_user_without_rights_are_enough(new_backend: BackendMaker, tmp_path: Path) -> None:
    """As in a pod: nothing can be written but /tmp, and there is no /data."""
    binary = tmp_path / "todo-backend"
    shutil.copy(new_backend.binary, binary)
    # The binary's own folder goes under the new /tmp, so it is brought in there.
    script = ('mount --make-rprivate / && exec 9<"$0" && mount -t tmpfs tmpfs /tmp && cat <&9 >/tmp/program && exec 9<&- && '
              'chmod 755 /tmp/program && chmod 1777 /tmp && mount -o remount,bind,ro / && '
              'exec setpriv --reuid 1001 --regid 1001 --clear-groups --no-new-privs --bounding-set=-all /tmp/program')
    backend = new_backend({}, wrapper=["unshare", "--mount", "sh", "-c", script])
    client = backend.wait_until_ready()
    status = Path(f"/proc/{backend.pid}/status").read_text()
    assert re.search(r"^Uid:\s+1001\s", status, re.M)
    assert re.search(r"^CapEff:\s+0+$", status, re.M)
    client.create("t")
    assert client.page()["total"] == 1
    started = backend.log_lines("Started")[0]
    if not Path("/data").is_dir():
        assert started["database"] == "/tmp/todos.db"
        assert backend.log_lines("Found no folder /data, so todos go when this container goes")


def test_the_dockerfile_installs_no_more_than_the_scripts() -> None:
    prepare = (REPOSITORY / "scripts" / "lib" / "prepare.sh").read_text()
    known = " ".join(re.findall(r"^packages_of_(?:build|backend)=\((.*?)\)", prepare, re.M | re.S)).split()
    installed = re.search(r"--no-install-recommends (.*?) && rm", DOCKERFILE.read_text(), re.S)
    assert installed
    names = installed.group(1).replace("\\", " ").split()
    assert set(names) <= set(known)
    assert {"libsqlite3-dev", "libpq-dev", "g++"} <= set(names)


def test_the_dockerfile_copies_what_is_there_and_not_ignored() -> None:
    copied = [name for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE.read_text(), re.M) for name in line.split()]
    let_through = re.findall(r"^!(\S+)$", (FOLDER / ".dockerignore").read_text(), re.M)
    assert copied == let_through
    for name in copied:
        assert (FOLDER / name).exists()


def test_the_image_is_as_pods_need_it() -> None:
    text = DOCKERFILE.read_text()
    assert "\nFROM scratch\n" in text
    assert "\nUSER 1001:1001\n" in text
    assert "\nEXPOSE 8000\n" in text
    assert '\nENTRYPOINT ["/usr/local/bin/todo-backend"]\n' in text
    assert "\nARG BUILD_IMAGE=debian:bookworm-slim\n" in text
