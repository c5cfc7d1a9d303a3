"""SIGTERM: no request that was sent is lost, and the program ends by itself."""

from __future__ import annotations

import http.client
import signal
import socket
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3

from support.backend import BackendClient, BackendMaker
from support.waiting import DEADLINE_FACTOR, eventually


DRAIN = 3
# Whoever has come when the drain ends, and has asked nothing, has this long to do so (HttpLimits::linger).
ARRIVAL = 1


@dataclass
class Load:
    """Clients that ask without a pause, some on kept connections, until nobody listens any more."""

    url: str
    created: list[int] = field(default_factory=list)
    answered: int = 0
    failures: list[str] = field(default_factory=list)

    def run(self, keep_alive: bool) -> None:
        client = BackendClient(self.url)
        headers = {} if keep_alive else {"Connection": "close"}
        spoke = time.monotonic()
        try:
            while True:
                for method, path, body in (("POST", "/api/todos", {"title": "t"}), ("GET", "/api/todos?limit=5", None)):
                    answer = client.ask(method, path, body, headers=dict(headers))
                    self.answered += 1
                    if answer.status == 201:
                        self.created.append(answer.json["id"])
                    if answer.status >= 400:
                        self.failures.append(f"{answer.status} {answer.text}")
                    spoke = time.monotonic()
        except urllib3.exceptions.NewConnectionError:
            return  # nobody listens, so nothing was sent
        except Exception as failure:
            quiet = time.monotonic() - spoke
            # A client that the machine did not let run may come back to a connection that ended as was promised.
            promised = quiet >= ARRIVAL and is_end_without_answer(failure)
            print(f"{failure!r}, {quiet:.3f} s after this client's last answer")
            if not promised:
                self.failures.append(repr(failure))


def is_end_without_answer(failure: Exception) -> bool:
    causes = failure.args[1:] if isinstance(failure, urllib3.exceptions.ProtocolError) else ()
    return any(isinstance(cause, http.client.RemoteDisconnected) for cause in causes)


@pytest.mark.parametrize("round_number", range(3))
def test_under_load_no_request_fails(new_backend: BackendMaker, tmp_path: Path, round_number: int) -> None:
    file = tmp_path / "todos.db"
    backend = new_backend({"DATABASE_PATH": str(file), "DRAIN_SECONDS": str(DRAIN), "LOG_LEVEL": "info"})
    load = Load(backend.wait_until_ready().url)
    threads = [threading.Thread(target=load.run, args=(number % 2 == 0,)) for number in range(8)]
    for thread in threads:
        thread.start()
    eventually(lambda: load.answered > 100, "the load to have begun")
    before = load.answered
    started = time.monotonic()
    backend.signal(signal.SIGTERM)
    assert backend.wait(DRAIN + 7) == 0
    took = time.monotonic() - started
    for thread in threads:
        thread.join(20 * DEADLINE_FACTOR)
        assert not thread.is_alive()
    assert load.failures == []
    assert load.answered > before, "it went on answering meanwhile"
    assert took >= DRAIN, "so long new connections are taken"
    with sqlite3.connect(file) as connection:
        kept = {row[0] for row in connection.execute("SELECT id FROM todos")}
    connection.close()
    assert kept == set(load.created), "each todo that was told of is there"


def test_while_draining_ready_says_no_and_answers_are_the_last(new_backend: BackendMaker, tmp_path: Path) -> None:
    backend = new_backend({"DATABASE_PATH": str(tmp_path / "todos.db"), "DRAIN_SECONDS": "60"})
    client = backend.wait_until_ready()
    assert "Connection" not in client.get("/health").headers
    backend.signal(signal.SIGTERM)
    eventually(lambda: backend.log_lines("Began to drain"), "the drain to begin")
    ready = client.get("/ready")
    assert (ready.status, ready.json["detail"]) == (503, "the program is about to end")
    listed = client.get("/api/todos")
    assert (listed.status, listed.headers["Connection"]) == (200, "close")
    assert client.get("/health").status == 200
    backend.signal(signal.SIGTERM)
    assert backend.wait(5) == 0, "a second signal does not wait for the rest of the minute"


def test_a_request_that_began_before_is_answered_after(new_backend: BackendMaker, tmp_path: Path) -> None:
    backend = new_backend({"DATABASE_PATH": str(tmp_path / "todos.db")})
    address = urlsplit(backend.wait_until_ready().url)
    body = b'{"title": "slow"}'
    with socket.create_connection((address.hostname, address.port), timeout=20) as link:
        link.sendall(b"POST /api/todos HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(body) + body[:5])
        eventually(lambda: backend.client.metric("todo_http_connections") >= 2, "the connection to be there")
        backend.signal(signal.SIGTERM)
        eventually(lambda: refuses(address.port), "new connections to be refused")
        link.sendall(body[5:])
        assert link.recv(65536).startswith(b"HTTP/1.1 201 ")
    assert backend.wait(5) == 0


def refuses(port: int | None) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_idle_connections_do_not_hold_up_the_end(new_backend: BackendMaker, tmp_path: Path) -> None:
    backend = new_backend({"DATABASE_PATH": str(tmp_path / "todos.db")})
    address = urlsplit(backend.wait_until_ready().url)
    idle = [socket.create_connection((address.hostname, address.port)) for _ in range(20)]
    eventually(lambda: backend.client.metric("todo_http_connections") >= 20, "the connections to be there")
    backend.signal(signal.SIGTERM)
    assert backend.wait(8) == 0, "whoever asks something would have 10 seconds"
    for link in idle:
        link.close()


def test_a_client_that_never_ends_its_request_is_cut_off(new_backend: BackendMaker, tmp_path: Path) -> None:
    backend = new_backend({"DATABASE_PATH": str(tmp_path / "todos.db")})
    address = urlsplit(backend.wait_until_ready().url)
    with socket.create_connection((address.hostname, address.port)) as link:
        link.sendall(b"POST /api/todos HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx")
        eventually(lambda: backend.client.metric("todo_http_connections") >= 2, "the connection to be there")
        backend.signal(signal.SIGTERM)
        assert backend.wait(15) == 0
    assert backend.log_lines("Cut off what did not end in time")
