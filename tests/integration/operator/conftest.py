"""Fixtures of the operator's tests alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.api import Api
from support.full_app import FULL_SPEC
from support.namespaces import make_namespace
from support.operator_process import OperatorProcess
from support.operators import FAILED
from support.pod_simulator import PodSimulator
from support.todo_app import TodoApp


class SharedApp:
    """An app with a child of every kind, made when it is first asked for and again after a test that failed."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._app: TodoApp | None = None

    def get(self) -> TodoApp:
        if self._app is None:
            self._app = TodoApp(self._api, make_namespace(self._api, "full-app")).create(FULL_SPEC)
            self._app.wait_ready()
        return self._app

    def drop(self) -> None:
        if self._app is not None:
            self._api.delete("Namespace", self._app.namespace, missing_ok=True)
            self._app = None


@pytest.fixture(scope="module")
def shared_app(api: Api, operator: OperatorProcess, simulator: PodSimulator) -> Iterator[SharedApp]:
    shared = SharedApp(api)
    yield shared
    shared.drop()


@pytest.fixture
def full_app(shared_app: SharedApp, request: pytest.FixtureRequest) -> Iterator[TodoApp]:
    """A ready app with a child of every kind: each test leaves it as it found it, or it is thrown away."""
    yield shared_app.get()
    if FAILED in request.node.stash:
        shared_app.drop()
