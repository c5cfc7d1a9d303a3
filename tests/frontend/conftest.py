"""The Todo page in a real Chromium, served by the built server, in front of the real backend; no cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.browser import Browser, Tab, as_elsewhere, chromium
from support.control_plane import REPOSITORY
from support.todo_page import TodoPage
from support.todo_servers import BACKEND, PAGE_SERVER, Gate, Server, backend_alone, page_alone

SCREENSHOTS = REPOSITORY / "build" / "log" / "screenshots"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("todo page")
    group.addoption("--page-server", default=PAGE_SERVER, type=Path,
                    help=f"what Next.js made, its folder standalone (default: {PAGE_SERVER.relative_to(REPOSITORY)})")
    group.addoption("--page-backend", default=BACKEND, type=Path,
                    help=f"the program todo-backend (default: {BACKEND.relative_to(REPOSITORY)})")


class Todos:
    """The todos at the backend, past the page."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def add(self, title: str, **fields: Any) -> int:
        answer = self._server.ask("POST", "/api/todos", json={"title": title, **fields})
        assert answer.status == 201, answer.data
        return int(answer.json()["id"])

    def delete(self, number: int) -> None:
        assert self._server.ask("DELETE", f"/api/todos/{number}").status in (204, 404)

    def all(self) -> list[dict[str, Any]]:
        return list(json.loads(self._server.ask("GET", "/api/todos?limit=100").data)["items"])

    def clear(self) -> None:
        while found := self.all():
            for todo in found:
                self.delete(todo["id"])


@pytest.fixture(scope="session")
def backend_program(request: pytest.FixtureRequest) -> Path:
    return Path(request.config.getoption("--page-backend")).absolute()


@pytest.fixture(scope="session")
def built_page(request: pytest.FixtureRequest) -> Path:
    return Path(request.config.getoption("--page-server")).absolute()


@pytest.fixture(scope="session")
def backend(backend_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = backend_alone(backend_program, tmp_path_factory.mktemp("backend"))
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def shared_gate(backend: Server) -> Iterator[Gate]:
    gate = Gate(backend.port)
    yield gate
    gate.shut()


@pytest.fixture
def gate(shared_gate: Gate) -> Iterator[Gate]:
    """Stands between the page's server and the backend; open at first."""
    yield shared_gate
    shared_gate.pass_on()


@pytest.fixture(scope="session")
def page_server(built_page: Path, shared_gate: Gate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = page_alone(built_page, tmp_path_factory.mktemp("page"), shared_gate.address)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def new_page_server(built_page: Path, shared_gate: Gate, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server for one test; `new_page_server(backend=..., VARIABLE=...)`."""
    made: list[Server] = []

    def start(backend: str | None = shared_gate.address, built: Path = built_page, **environment: str) -> Server:
        made.append(page_alone(built, tmp_path, backend, **environment))
        return made[-1].start()

    yield start
    for server in made:
        server.stop()


@pytest.fixture
def todos(backend: Server) -> Todos:
    """None at first."""
    kept = Todos(backend)
    kept.clear()
    return kept


@pytest.fixture(scope="session")
def shared_browser() -> Iterator[Browser]:
    with chromium(SCREENSHOTS) as browser:
        yield browser


@pytest.fixture
def browser(shared_browser: Browser) -> Iterator[Browser]:
    yield shared_browser
    shared_browser.close_all()


@pytest.fixture
def open_page(browser: Browser, page_server: Server, todos: Todos) -> Iterator[Callable[..., TodoPage]]:
    """Opens the page in a new tab. When the test is over no tab has complained of anything, nor asked another host.

    What the test itself brings about, as an answer 502, it names: `open_page(expected="502")`.
    """
    tabs: list[tuple[Tab, str]] = []

    def open_tab(path: str = "/", expected: str = r"(?!)", **options: Any) -> TodoPage:
        tab = browser.open(as_elsewhere(page_server.address), path=path, **options)
        tabs.append((tab, expected))
        return TodoPage(tab)

    yield open_tab
    for tab, expected in tabs:
        tab.assert_clean(expected)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
    """With a failure: what was on the screen."""
    report = yield
    browser = getattr(item, "funcargs", {}).get("browser")
    if report.failed and browser:
        pictures = browser.photograph(item.name)
        report.sections.append(("screenshots", "\n".join(str(picture) for picture in pictures)))
    return report
