"""SIGTERM: no request that was sent is lost, and the program ends by itself."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.backend import BackendMaker
from support.waiting import DEADLINE_FACTOR, eventually


DRAIN = 3
# Whoever has come when the drain ends, and has asked nothing, has this long to do so (HttpLimits::linger).
ARRIVAL = 1


@dataclass
class Load:
    """Clients that ask without a pause, some on kept connections, until nobody listens any more.

    They ask by hand, to know when they had asked: a request that was sent in time is answered, whatever comes.
    """

    url: str
    created: list[int] = field(default_factory=list)
    answered: int = 0
    failures: list[str] = field(default_factory=list)

    def run(self, keep_alive: bool) -> None:
        address = urlsplit(self.url)
        link = http.client.HTTPConnection(str(address.hostname), address.port, timeout=20 * DEADLINE_FACTOR)
        headers = {"Content-Type": "application/json", **({} if keep_alive else {"Connection": "close"})}
        while True:
            for method, path, body in (("POST", "/api/todos", b'{"title": "t"}'), ("GET", "/api/todos?limit=5", b"")):
                fresh = link.sock is None
                try:
                    if fresh:
                        # Before it: the server may know of it long before this client runs again.
                        idle_since = time.monotonic()
                        link.connect()
                except ConnectionRefusedError:
                    return  # nobody listens, so nothing was sent
                sent = None
                try:
                    link.request(method, path, body, headers)
                    sent = time.monotonic()
                    answer = link.getresponse()
                    text = answer.read()
                except Exception as failure:
                    self.judge(failure, fresh, (sent or time.monotonic()) - idle_since)
                    return
                # The server may have answered long before this client ran again.
                idle_since = sent
                self.take(answer.status, text)

    def take(self, status: int, text: bytes) -> None:
        self.answered += 1
        if status == 201:
            self.created.append(json.loads(text)["id"])
        if status >= 400:
            self.failures.append(f"{status} {text!r}")

    def judge(self, failure: Exception, fresh: bool, idle: float) -> None:
        """A client that the machine did not let run, and that asked too late, was promised nothing."""
        kind = "a new" if fresh else "a kept"
        print(f"{failure!r} on {kind} connection, on which this client had sent nothing for {idle:.3f} s")
        if not isinstance(failure, ConnectionError) or idle < (ARRIVAL if fresh else DRAIN):
            self.failures.append(repr(failure))


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
    assert backend.wait(DRAIN + 60) == 0
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
    assert backend.wait(30) == 0, "a second signal does not wait for the rest of the minute"


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
    assert backend.wait(30) == 0


def refuses(port: int | None) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_idle_connections_do_not_hold_up_the_end(new_backend: BackendMaker, tmp_path: Path) -> None:
    backend = new_backend({"DATABASE_PATH": str(tmp_path / "todos.db")})
    address = urlsplit(backend.wait_until_ready().url)
    idle = [socket.create_connection((address.hostname, address.port)) for _ in range(20)]
    eventually(lambda: backend.client.metric("todo_http_connections") >= 20, "the connections to be there")
    backend.signal(signal.SIGTERM)
    assert backend.wait(9) == 0, "whoever asks something would have 10 seconds"
    for link in idle:
        link.close()


def test_a_client_that_never_ends_its_request_is_cut_off(new_backend: BackendMaker, tmp_path: Path) -> None:
    backend = new_backend({"DATABASE_PATH": str(tmp_path / "todos.db")})
    address = urlsplit(backend.wait_until_ready().url)
    with socket.create_connection((address.hostname, address.port)) as link:
        link.sendall(b"POST /api/todos HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx")
        eventually(lambda: backend.client.metric("todo_http_connections") >= 2, "the connection to be there")
        backend.signal(signal.SIGTERM)
        assert backend.wait(60) == 0
    assert backend.log_lines("Cut off what did not end in time")
