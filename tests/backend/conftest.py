"""Fixtures of the Todo backend's tests: the real binary, with SQLite and with a real PostgreSQL."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.backend import BackendClient, BackendMaker
from support.postgres import PASSWORD, PASSWORD_IN_URL, Postgres
from support.todo_servers import BACKEND

Environment = dict[str, str]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("todoapp").addoption(
        "--backend", default=os.environ.get("TODO_BACKEND"),
        help="the Todo backend to test (default: $TODO_BACKEND, else build/dev/todo-backend)")


@pytest.fixture(scope="session")
def backend_binary(request: pytest.FixtureRequest) -> Path:
    binary = Path(request.config.getoption("--backend") or BACKEND)
    assert binary.is_file(), f"no backend at {binary}: build it, or name it with --backend or TODO_BACKEND"
    return binary.absolute()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres().serving() as server:
        yield server


@pytest.fixture
def new_backend(backend_binary: Path, tmp_path: Path) -> Iterator[BackendMaker]:
    """Starts backends for one test: `new_backend({"DATABASE_PATH": ...})`. No log of theirs holds the password."""
    with BackendMaker(backend_binary, tmp_path).ending() as maker:
        yield maker
    for process in maker.made:
        for secret in (PASSWORD, PASSWORD_IN_URL):
            assert secret not in process.log()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Environment]:
    """Makes databases without a schema: each is what the backend's environment must say."""
    numbers = itertools.count()

    def make() -> Environment:
        if request.param == "sqlite":
            return {"DATABASE_PATH": str(tmp_path / f"todos-{next(numbers)}.db")}
        server: Postgres = request.getfixturevalue("postgres")
        return {"DATABASE_URL": server.url(server.new_database())}

    return make


@pytest.fixture
def database(new_database: Callable[[], Environment]) -> Environment:
    return new_database()


@pytest.fixture
def todos(new_backend: BackendMaker, database: Environment) -> BackendClient:
    """A backend that is ready, with an empty database of either kind."""
    return new_backend({**database, "AUTO_MIGRATE": "true"}).wait_until_ready()


@pytest.fixture
def sqlite_todos(new_backend: BackendMaker, tmp_path: Path) -> BackendClient:
    """For what the database has no part in."""
    return new_backend({"DATABASE_PATH": str(tmp_path / "todos.db")}).wait_until_ready()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Shows the end of the backends' logs with a failure."""
    report = yield
    maker = getattr(item, "funcargs", {}).get("new_backend")
    if report.failed and maker:
        report.sections += [(f"log of {process.log_file.name}", process.last_lines()) for process in maker.made]
    return report
