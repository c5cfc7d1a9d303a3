"""Operators for tests: each replica is a user of its own, and all are judged when the test is over."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.control_plane import ControlPlane
from support.operator_process import OperatorProcess

# A user for each replica, so that the audit log tells them apart.
OPERATOR_USERS = ["todoapp-operator", "todoapp-operator-2"]

# Set on a test that has failed, for fixtures that are shared with the tests after it.
FAILED = pytest.StashKey[bool]()


class OperatorMaker:
    """Starts operators that are stopped and judged together."""

    _busy = False

    def __init__(self, cluster: ControlPlane, binary: Path, transport: str, logs: Path) -> None:
        self._cluster = cluster
        self._binary = binary
        self._transport = transport
        self._logs = logs
        self.made: list[OperatorProcess] = []

    def __call__(self, *flags: str, user: str = OPERATOR_USERS[0], start: bool = True) -> OperatorProcess:
        file = self._logs / f"operator-{len(self.made) + 1}.log"
        process = OperatorProcess(self._binary, self._cluster.user(user), user, self._transport, file, flags)
        self.made.append(process)
        return process.start() if start else process

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Two operators without a leader election would do each other's work, and spoil what is counted."""
        assert not OperatorMaker._busy, "a module takes either `operator` or `new_operator`, not both"
        OperatorMaker._busy = True
        try:
            yield
        finally:
            OperatorMaker._busy = False

    def finish(self, secrets: list[str]) -> None:
        """Every operator that still runs must end well, and none may have said a secret."""
        try:
            for process in self.made:
                process.finish()
                process.assert_silent_about(secrets)
                process.logs()
        finally:
            for process in self.made:
                process.clean_up()
