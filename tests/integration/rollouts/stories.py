"""Tests that mostly wait, run at the same time: each is a story of one app in a namespace of its own.

A module collects its stories with a decorator, and one test, parametrized over them, tells how each of them ended.
A story takes what it needs by the names of fixtures, as a test does.
"""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.audit import AuditLog
from support.control_plane import ControlPlane
from support.namespaces import make_namespace
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator
from support.todo_app import TodoApp
from support.waiting import DEADLINE_FACTOR

Story = Callable[..., None]

# Every wait in a story is bounded; this is for those that hang all the same.
STORY_SECONDS = 480.0


class Stories:
    def __init__(self) -> None:
        self._stories: dict[str, Story] = {}

    def __call__(self, story: Story) -> Story:
        """The decorator."""
        self._stories[story.__name__] = story
        return story

    @property
    def names(self) -> list[str]:
        return list(self._stories)

    def fixture(self) -> Any:
        """A fixture of the module that runs all of them at once."""

        @pytest.fixture(scope="module")
        def endings(cluster: ControlPlane, operator: OperatorProcess, simulator: PodSimulator,
                    module_secrets: list[str]) -> Iterator[Endings]:
            def note(value: str) -> str:
                module_secrets.append(value)
                return value

            with Endings(cluster, simulator) as ended:
                ended.play(self._stories, {"operator": operator, "simulator": simulator, "secrets": note})
                yield ended

        return endings


class Endings:
    """How the stories ended: what went wrong is kept for the test that asks."""

    def __init__(self, cluster: ControlPlane, simulator: PodSimulator) -> None:
        self._cluster = cluster
        self._api = cluster.api
        self._simulator = simulator
        self._namespaces: list[str] = []
        self._errors: dict[str, BaseException | None] = {}

    def __enter__(self) -> Endings:
        return self

    def __exit__(self, *_: object) -> None:
        for namespace in self._namespaces:
            self._api.delete("Namespace", namespace, missing_ok=True)
            self._simulator.forget(namespace)

    def play(self, stories: dict[str, Story], given: dict[str, Any]) -> None:
        threads = [threading.Thread(target=self._play_one, args=(name, story, given), name=name, daemon=True)
                   for name, story in stories.items()]
        for thread in threads:
            thread.start()
        limit = time.monotonic() + STORY_SECONDS * DEADLINE_FACTOR
        for thread in threads:
            thread.join(max(0.0, limit - time.monotonic()))

    def check(self, name: str) -> None:
        assert name in self._errors, "the story has not ended"
        error = self._errors[name]
        if error is not None:
            raise error

    def _play_one(self, name: str, story: Story, given: dict[str, Any]) -> None:
        try:
            namespace = make_namespace(self._api, name.replace("_", "-")[:30].strip("-"))
            self._namespaces.append(namespace)
            # An app for each; and a reader of the audit log is used by one thread only.
            every = {**given, "api": self._api, "kubectl": self._cluster.kubectl,
                     "app": TodoApp(self._api, namespace), "audit": AuditLog(self._cluster.audit_log, self._api)}
            story(**{wanted: every[wanted] for wanted in inspect.signature(story).parameters})
        except BaseException as error:  # Raised again by the test, pytest's own kinds too.
            self._errors[name] = error
        else:
            self._errors[name] = None
