"""/ready and the API while the database is away, silent, or another one; and that no secret is told then."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.backend import BackendClient, BackendMaker, BackendProcess
from support.postgres import PASSWORD, PASSWORD_IN_URL, Postgres
from support.waiting import DEADLINE_FACTOR, eventually


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """One that may be stopped."""
    with Postgres().serving() as server:
        yield server


def on_postgres(new_backend: BackendMaker, server: Postgres) -> BackendProcess:
    backend = new_backend({"DATABASE_URL": server.url(server.new_database()), "AUTO_MIGRATE": "true"})
    backend.wait_until_ready()
    return backend


def becomes(client: BackendClient, status: int) -> None:
    eventually(lambda: client.get("/ready").status == status, f"/ready to be answered with {status}", 20)


def test_a_database_that_goes_and_comes_back_is_used_again(new_backend: BackendMaker, own_postgres: Postgres) -> None:
    backend = on_postgres(new_backend, own_postgres)
    client = backend.client
    client.create("before")
    assert client.metric("todo_ready") == 1

    own_postgres.stop()
    becomes(client, 503)
    assert client.metric("todo_ready") == 0
    for method, body in [("GET", None), ("POST", {"title": "t"})]:
        answer = client.ask(method, "/api/todos", body)
        assert (answer.status, answer.json["detail"]) == (503, "the database does not answer")
        assert answer.headers["Retry-After"] == "1"
    assert client.get("/health").status == 200, "to restart this program would mend nothing"
    assert client.metric('todo_database_errors_total{kind="unavailable"}') >= 2

    own_postgres.start()
    becomes(client, 200)
    # Each connection of the pool finds out by itself, so all of them are used.
    for number in range(12):
        client.create(f"after {number}")
    assert client.page()["total"] == 13
    assert len(backend.log_lines("Became unready")) == 1, "said once, not with each probe"


def test_connections_that_were_cut_are_made_anew_without_a_failed_request(new_backend: BackendMaker,
                                                                          postgres: Postgres) -> None:
    ours = "FROM pg_stat_activity WHERE application_name = 'todo-backend'"
    client = on_postgres(new_backend, postgres).client
    for turn in range(5):
        client.create(f"t{turn}")
        postgres.sql(f"SELECT pg_terminate_backend(pid) {ours}")
        eventually(lambda: postgres.sql(f"SELECT count(*) {ours}") == "0", "the connections to end")
    assert client.page()["total"] == 5


def test_a_silent_database_costs_ready_no_more_than_its_limit(new_backend: BackendMaker, own_postgres: Postgres) -> None:
    client = on_postgres(new_backend, own_postgres).client
    client.create("before")
    with own_postgres.silent():
        took = []
        for _ in range(3):
            started = time.monotonic()
            assert client.get("/ready").status == 503
            took.append(time.monotonic() - started)
        # A busy machine may hold up one of them.
        assert min(took) < 2 * DEADLINE_FACTOR, "a probe of the operator waits for 2 seconds"
        assert client.get("/api/todos").status == 503, "within the client's own limit of 20 seconds"
        assert client.get("/health").status == 200
    becomes(client, 200)
    assert client.titles() == ["before"]


def test_more_requests_than_have_room_are_told_to_come_later(new_backend: BackendMaker, own_postgres: Postgres) -> None:
    database = own_postgres.url(own_postgres.new_database())
    backend = new_backend({"DATABASE_URL": database, "AUTO_MIGRATE": "true", "DATABASE_CONNECTIONS": "1"})
    client = BackendClient(backend.wait_until_ready().url, connections=300)
    with own_postgres.silent(), ThreadPoolExecutor(300) as pool:
        asked = [pool.submit(client.get, "/api/todos") for _ in range(300)]
        answers = [future.result() for future in asked]
    assert {answer.status for answer in answers} == {503}
    told = [answer.json["detail"] for answer in answers]
    assert told.count("too many requests wait for the database") >= 300 - 256 - 2
    becomes(client, 200)
    assert client.page()["total"] == 0


def test_a_file_that_is_gone_is_noticed_and_one_that_comes_is_used(new_backend: BackendMaker, tmp_path: Path) -> None:
    file = tmp_path / "todos.db"
    client = new_backend({"DATABASE_PATH": str(file)}).wait_until_ready()
    client.create("lost")
    for end in ("", "-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    becomes(client, 503)
    assert client.ask("POST", "/api/todos", {"title": "t"}).status == 503, "not into a file that nobody will find"
    new_backend.migrate(environment={"DATABASE_PATH": str(file)})
    becomes(client, 200)
    assert client.page()["total"] == 0


def test_a_path_that_cannot_be_written_ends_the_program_with_its_reason(new_backend: BackendMaker, tmp_path: Path) -> None:
    backend = new_backend({"DATABASE_PATH": str(tmp_path / "no" / "folder" / "todos.db")})
    assert backend.wait(30) == 1
    failed = backend.log_lines("Failed to bring the schema up to date")[0]
    assert "no/folder/todos.db: unable to open database file" in failed["error"]


def test_a_wrong_password_is_told_nobody(new_backend: BackendMaker, postgres: Postgres) -> None:
    name = postgres.new_database()
    url = postgres.url(name).replace(PASSWORD_IN_URL, "wr0ng%2Fsecret")
    backend = new_backend({"DATABASE_URL": url, "LOG_LEVEL": "trace"})
    ready = backend.client.get("/ready")
    asked = backend.client.get("/api/todos")
    done = new_backend.command("migrate", "--wait", "0", environment={"DATABASE_URL": url})
    assert (ready.status, asked.status, done.returncode) == (503, 503, 1)
    told = backend.log() + ready.text + asked.text + backend.client.get("/metrics").text + done.stdout + done.stderr
    assert "password authentication failed" in done.stderr, "but why it failed is said"
    for secret in (url, "wr0ng", "127.0.0.1:" + str(postgres.port) + "/" + name):
        assert secret not in told


@pytest.mark.parametrize("url", [f"mysql://todo:{PASSWORD}@db/todo", PASSWORD,
                                 f"postgresql://todo:{PASSWORD_IN_URL}@db/todo?x=1"])
def test_a_url_that_cannot_be_read_is_not_repeated(new_backend: BackendMaker, url: str) -> None:
    done = new_backend.command(environment={"DATABASE_URL": url})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "todo-backend: DATABASE_URL is no connection string that libpq can read\n"
