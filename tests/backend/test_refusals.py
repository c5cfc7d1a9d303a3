"""What the API refuses, and in which words."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from support.backend import Answer, BackendClient
from support.waiting import DEADLINE_FACTOR

JSON = {"Content-Type": "application/json"}


def refused(answer: Answer, status: int) -> Any:
    problem = answer.json
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status, problem["status"]) == (status, status), problem
    assert problem["title"] and problem["detail"]
    return problem


def named(problem: Any) -> list[str]:
    return [error["field"] for error in problem["errors"]]


def test_paths_that_are_not_there_are_not_found(sqlite_todos: BackendClient) -> None:
    for path in ["/", "/api", "/api/todos/", "/api/todos/1/", "/api/todos/1/finish", "/healthz",
                 "/api/todos/../../etc/passwd"]:
        refused(sqlite_todos.get(path), 404)


@pytest.mark.parametrize("number", ["0", "-1", "01", "abc", "1.0", "9007199254740992", "99999999999999999999", "1%20OR%201"])
def test_only_whole_numbers_are_ids(sqlite_todos: BackendClient, number: str) -> None:
    refused(sqlite_todos.get(f"/api/todos/{number}"), 404)
    refused(sqlite_todos.ask("DELETE", f"/api/todos/{number}"), 404)


def test_other_methods_are_told_which_there_are(sqlite_todos: BackendClient) -> None:
    allowed = {"/api/todos": "GET, HEAD, POST", "/api/todos/1": "GET, HEAD, PATCH, DELETE", "/api/todos/1/complete": "POST",
               "/api/todos/1/reopen": "POST", "/health": "GET, HEAD", "/ready": "GET, HEAD", "/metrics": "GET, HEAD"}
    for path, methods in allowed.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"} - set(methods.split(", ")):
            answer = sqlite_todos.ask(method, path)
            refused(answer, 405)
            assert answer.headers["Allow"] == methods, (method, path)


def test_a_body_that_is_not_json_is_refused(sqlite_todos: BackendClient) -> None:
    sqlite_todos.create("t")
    for method, path in [("POST", "/api/todos"), ("PATCH", "/api/todos/1")]:
        for raw in [b"", b"{", b"title=t", b"\xff\xfe", b'{"title": "\xff"}', b'{"title": NaN}', b'{"title": "t"} x']:
            refused(sqlite_todos.ask(method, path, raw=raw, headers=JSON), 400)
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]:
            problem = refused(sqlite_todos.ask(method, path, raw=b'{"title": "t"}', headers={"Content-Type": kind}), 415)
            assert "application/json" in problem["detail"]


@pytest.mark.parametrize(("body", "fields"), [
    ({}, ["title"]),
    ({"title": ""}, ["title"]),
    ({"title": " "}, ["title"]),
    ({"title": "a\nb"}, ["title"]),
    ({"title": "a\x00b"}, ["title"]),
    ({"title": "x" * 201}, ["title"]),
    ({"title": None}, ["title"]),
    ({"title": ["t"]}, ["title"]),
    ({"title": "t", "notes": "x" * 2001}, ["notes"]),
    ({"title": "t", "notes": "\x00"}, ["notes"]),
    ({"title": "t", "completed": "false"}, ["completed"]),
    ({"title": "t", "dueDate": "2026-02-30"}, ["dueDate"]),
    ({"title": "t", "dueDate": "0000-01-01"}, ["dueDate"]),
    ({"title": "t", "dueDate": "2026-12-01T00:00:00Z"}, ["dueDate"]),
    ({"title": "t", "id": 5}, ["id"]),
    ({"title": "", "completed": 1, "dueDate": 5, "x": 1}, ["title", "completed", "dueDate", "x"]),
])
def test_wrong_fields_are_named(sqlite_todos: BackendClient, body: Any, fields: list[str]) -> None:
    problem = refused(sqlite_todos.ask("POST", "/api/todos", body), 422)
    assert named(problem) == fields
    for field in fields:
        assert field in problem["detail"]
    assert sqlite_todos.page()["total"] == 0, "nothing was made"


def test_an_edit_that_is_wrong_changes_nothing(sqlite_todos: BackendClient) -> None:
    made = sqlite_todos.create("t")
    path = f"/api/todos/{made['id']}"
    for body in [{}, [], {"title": ""}, {"title": "new", "completed": 5}, {"createdAt": "2020-01-01T00:00:00.000Z"}]:
        refused(sqlite_todos.ask("PATCH", path, body), 422)
    assert sqlite_todos.get(path).json == made


@pytest.mark.parametrize(("query", "fields"), [
    ("limit=0", ["limit"]), ("limit=101", ["limit"]), ("limit=1e1", ["limit"]), ("offset=-1", ["offset"]),
    ("completed=yes", ["completed"]), ("sort=id", ["sort"]), ("sort=title;DROP TABLE todos", ["sort"]),
    ("q=%00", ["q"]), ("q=%FF%FE", ["q"]), ("q=a&q=b", ["q"]), ("page=1", ["page"]),
    ("limit=x&offset=x&y=1", ["limit", "offset", "y"]),
])
def test_wrong_parameters_are_named(sqlite_todos: BackendClient, query: str, fields: list[str]) -> None:
    assert named(refused(sqlite_todos.get("/api/todos?" + query.replace(" ", "%20")), 400)) == fields


def test_a_body_may_have_64_kib_and_no_more(sqlite_todos: BackendClient) -> None:
    todo = b'{"title": "t"}'
    sqlite_todos.create("t")
    for method, path, taken in [("POST", "/api/todos", 201), ("PATCH", "/api/todos/1", 200)]:
        assert sqlite_todos.ask(method, path, raw=todo.ljust(65536), headers=JSON).status == taken
        refused(sqlite_todos.ask(method, path, raw=todo.ljust(65537), headers=JSON), 413)
        refused(sqlite_todos.ask(method, path, raw=todo.ljust(500_000), headers=JSON), 413)
    assert sqlite_todos.get("/health").status == 200


def test_a_header_may_have_16_kib_and_no_more(sqlite_todos: BackendClient) -> None:
    assert sqlite_todos.ask("GET", "/health", headers={"X-Long": "x" * 8_000}).status == 200
    refused(sqlite_todos.ask("GET", "/health", headers={"X-Long": "x" * 17_000}), 431)


def talk(client: BackendClient, sent: bytes) -> bytes:
    """What comes back until the server closes."""
    address = urlsplit(client.url)
    with socket.create_connection((address.hostname, address.port), timeout=40 * DEADLINE_FACTOR) as link:
        link.sendall(sent)
        return b"".join(iter(lambda: link.recv(65536), b""))


@pytest.mark.parametrize(("sent", "status"), [
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    (b"GET /health HTTP/1.1\r\n\r\n", b"400"),
    (b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
    (b"GET /health HTTP/9.9\r\nHost: a\r\n\r\n", b"505"),
    (b"POST /api/todos HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
    (b"POST /api/todos HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", b"400"),
    (b"POST /api/todos HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\n", b"400"),
    (b"GET /health HTTP/1.1\r\nHost a\r\n\r\n", b"400"),
])
def test_what_is_no_http_is_refused_and_the_connection_ends(sqlite_todos: BackendClient, sent: bytes, status: bytes) -> None:
    assert talk(sqlite_todos, sent).startswith(b"HTTP/1.1 " + status + b" ")


def test_a_slow_client_is_told_so_and_holds_up_nobody(sqlite_todos: BackendClient) -> None:
    """Within ten seconds for a header: hundreds of them at once, while others are served quickly."""
    address = urlsplit(sqlite_todos.url)
    # The first of them has its ten seconds from now on.
    started = time.monotonic()
    slow = [socket.create_connection((address.hostname, address.port)) for _ in range(300)]
    for link in slow:
        link.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: ")
    answers: list[bytes] = []
    reader = threading.Thread(target=lambda: answers.append(slow[0].recv(65536)))
    reader.start()
    served = 0
    while reader.is_alive() and time.monotonic() - started < 60 * DEADLINE_FACTOR:
        assert sqlite_todos.page()["total"] == 0
        served += 1
        # A pause, not a wait: to load the server is not the point.
        reader.join(0.05)
    took = time.monotonic() - started
    for link in slow:
        link.close()
    assert answers and answers[0].startswith(b"HTTP/1.1 408 ")
    assert 9 < took < 30 * DEADLINE_FACTOR
    # Had they waited for the slow ones, one or two would have been served by now.
    assert served > 10


def test_answers_are_not_to_be_kept_or_guessed_at(sqlite_todos: BackendClient) -> None:
    for path in ["/api/todos", "/health", "/nowhere"]:
        headers = sqlite_todos.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Date"].endswith(" GMT")
