"""`todo-backend migrate`, and programs of different versions on one database."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.backend import BackendMaker, BackendProcess
from support.postgres import Postgres, programs
from support.waiting import eventually

NEWEST = 2
Environment = dict[str, str]


def name_of(database: Environment) -> str:
    return database.get("DATABASE_PATH", "postgresql")


def test_migrate_prints_from_and_to_and_does_nothing_twice(new_backend: BackendMaker, database: Environment) -> None:
    name = name_of(database)
    assert new_backend.migrate("--to", "1", environment=database) == \
        f"schema version 1: todos\n{name}: schema version 0 -> 1\n"
    assert new_backend.migrate(environment=database) == \
        f"schema version 2: a due date of each todo\n{name}: schema version 1 -> 2\n"
    assert new_backend.migrate(environment=database) == f"{name}: schema version 2 -> 2, nothing to do\n"


def test_nothing_is_taken_back_and_an_older_program_may_ask_so(new_backend: BackendMaker, database: Environment) -> None:
    new_backend.migrate(environment=database)
    said = new_backend.migrate("--to", "1", environment=database)
    assert said.endswith("schema version 2 -> 2, nothing to do\n")
    assert new_backend.migrate(environment={**database, "SCHEMA_VERSION": "1"}) == said


@pytest.mark.parametrize("older", range(1, NEWEST))
def test_an_upgrade_keeps_what_the_older_program_wrote(new_backend: BackendMaker, database: Environment, older: int) -> None:
    before = {**database, "SCHEMA_VERSION": str(older)}
    new_backend.migrate(environment=before)
    old = new_backend(before).wait_until_ready()
    for number in range(5):
        old.create(f"t{number}", notes=f"n{number}", completed=number % 2 == 0)
    written = old.page("sort=createdAt")

    new_backend.migrate(environment=database)
    new = new_backend(database).wait_until_ready()
    assert new.page("sort=createdAt") == written
    new.edit(written["items"][0]["id"], dueDate="2026-12-01")

    # The one that has not been replaced yet, and the one that comes back by a rollback.
    for program in (old, new_backend(before).wait_until_ready()):
        assert program.page()["total"] == 5
        program.edit(written["items"][0]["id"], notes="by the older one")
    assert new.get(f"/api/todos/{written['items'][0]['id']}").json["dueDate"] == "2026-12-01"


def test_an_older_program_does_not_know_newer_fields(new_backend: BackendMaker, database: Environment) -> None:
    new_backend.migrate(environment=database)
    old = new_backend({**database, "SCHEMA_VERSION": "1"}).wait_until_ready()
    assert old.ask("POST", "/api/todos", {"title": "t", "dueDate": "2026-12-01"}).status == 422
    assert old.get("/api/todos?sort=dueDate").status == 400


def test_many_migrations_at_once_apply_each_version_once(new_backend: BackendMaker,
                                                         new_database: Callable[[], Environment]) -> None:
    for _ in range(3):
        database = new_database()
        running = [subprocess.Popen([new_backend.binary, "migrate"], env=database, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True) for _ in range(6)]
        said = [process.communicate(timeout=60) for process in running]
        assert [process.returncode for process in running] == [0] * 6, said
        applied = [line for out, _ in said for line in out.splitlines() if line.startswith("schema version")]
        assert sorted(applied) == ["schema version 1: todos", "schema version 2: a due date of each todo"]
        assert all(out.splitlines()[-1].split(" -> ")[1].startswith("2") for out, _ in said)


def test_programs_that_serve_meanwhile_go_on(new_backend: BackendMaker, database: Environment) -> None:
    before = {**database, "SCHEMA_VERSION": "1"}
    new_backend.migrate(environment=before)
    old = new_backend(before).wait_until_ready()
    migration = subprocess.Popen([new_backend.binary, "migrate"], env=database, stdout=subprocess.PIPE)
    written = 0
    while migration.poll() is None:
        old.create("meanwhile")
        written += 1
    assert migration.wait(30) == 0
    old.create("afterwards")
    assert old.page()["total"] == written + 1
    migration.communicate()


def test_sqlite_migrates_itself_unless_told_not_to(new_backend: BackendMaker, tmp_path: Path) -> None:
    file = tmp_path / "todos.db"
    database = {"DATABASE_PATH": str(file)}
    waiting = new_backend({**database, "AUTO_MIGRATE": "false"})
    assert waiting.client.get("/ready").status == 503
    assert not file.exists()
    assert new_backend(database).wait_until_ready().page()["total"] == 0
    assert waiting.wait_until_ready().page()["total"] == 0


def backend_says(backend: BackendProcess, words: str) -> None:
    """At /ready; that the database does not answer in time, a busy machine may make it say first."""

    def look() -> bool:
        answer = backend.client.get("/ready")
        assert answer.status == 503 and words in answer.json["detail"], answer.text
        return True

    eventually(look, f"/ready to say {words!r}", 20)


def test_postgresql_waits_for_migrate_and_says_so(new_backend: BackendMaker, postgres: Postgres) -> None:
    database = {"DATABASE_URL": postgres.url(postgres.new_database())}
    backend = new_backend(database)
    backend_says(backend, "the database has no schema yet, this program needs schema version 2: run `todo-backend migrate`")
    assert backend.client.get("/api/todos").status == 503
    new_backend.migrate("--to", "1", environment=database)
    backend_says(backend, "has schema version 1, this program needs schema version 2")
    new_backend.migrate(environment=database)
    assert backend.wait_until_ready().get("/ready").json == \
        {"status": "ready", "database": "postgresql", "schema": {"found": 2, "needed": 2}}


def test_a_schema_that_is_too_new_is_refused(new_backend: BackendMaker, tmp_path: Path) -> None:
    file = tmp_path / "todos.db"
    database = {"DATABASE_PATH": str(file)}
    new_backend.migrate(environment=database)
    with sqlite3.connect(file) as connection:
        connection.execute("INSERT INTO todo_schema_versions VALUES (9, 7, '2030-01-01T00:00:00.000Z')")
    connection.close()
    words = ("the database has schema version 9, on which only programs made for version 7 or later work; this one is made "
             "for version 2: run a newer program")
    unready = new_backend(database).client.get("/ready")
    assert (unready.status, unready.json["detail"]) == (503, words)
    refused = new_backend.command("migrate", environment=database)
    assert (refused.returncode, refused.stderr) == (1, f"todo-backend: {words}\n")


def test_a_migration_that_is_killed_leaves_a_version_and_no_part_of_one(new_backend: BackendMaker,
                                                                        postgres: Postgres) -> None:
    name = postgres.new_database()
    database = {"DATABASE_URL": postgres.url(name)}
    new_backend.migrate("--to", "1", environment=database)
    old = new_backend({**database, "SCHEMA_VERSION": "1"}).wait_until_ready()
    old.create("kept")
    # The table is held, so the step waits in its middle: there it is killed.
    holder = subprocess.Popen([programs() / "psql", "-X", "-q", "-c",
                               "BEGIN; LOCK TABLE todos; SELECT pg_sleep(60)", postgres.url(name)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    waits = "SELECT count(*) FROM pg_locks JOIN pg_class ON relation = pg_class.oid WHERE relname = 'todos' AND {} granted"
    try:
        eventually(lambda: postgres.sql(waits.format(""), name) == "1", "the table to be held")
        migration = subprocess.Popen([new_backend.binary, "migrate"], env=database, stdout=subprocess.DEVNULL)
        eventually(lambda: postgres.sql(waits.format("NOT"), name) == "1", "the migration to wait for the table")
        migration.send_signal(signal.SIGKILL)
        migration.wait(60)
    finally:
        holder.kill()
        holder.wait()
    postgres.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert postgres.sql("SELECT max(version) FROM todo_schema_versions", name) == "1"
    assert new_backend.migrate(environment=database).endswith("schema version 1 -> 2\n")
    assert old.titles() == ["kept"]


def test_migrate_waits_for_a_database_that_is_not_up_yet(new_backend: BackendMaker) -> None:
    server = Postgres()
    with server.serving():
        database = {"DATABASE_URL": server.url(server.new_database())}
        server.stop()
        given_up = new_backend.command("migrate", "--wait", "1", environment=database)
        assert given_up.returncode == 1
        assert "Connection refused" in given_up.stderr
        waiting = subprocess.Popen([new_backend.binary, "migrate"], env=database, stdout=subprocess.PIPE, text=True,
                                   stderr=(log := (new_backend.folder / "migrate.log")).open("w"))
        eventually(lambda: "Waited for the database" in log.read_text(), "the migration to wait")
        server.start()
        out, _ = waiting.communicate(timeout=60)
        assert (waiting.returncode, out.splitlines()[-1]) == (0, "postgresql: schema version 0 -> 2")


@pytest.mark.parametrize("arguments", [["migrate", "--to", "0"], ["migrate", "--to", "3"], ["migrate", "up"], ["rollback"]])
def test_what_cannot_be_done_is_refused(new_backend: BackendMaker, tmp_path: Path, arguments: list[str]) -> None:
    file = tmp_path / "todos.db"
    done = new_backend.command(*arguments, environment={"DATABASE_PATH": str(file)})
    assert (done.returncode, done.stdout) == (2, "")
    assert "see todo-backend --help" in done.stderr
    assert not file.exists()
