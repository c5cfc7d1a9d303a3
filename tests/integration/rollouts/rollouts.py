"""What the tests of rollouts share: images to upgrade to, and questions about how a rollout went."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.api import Api, Object
from support.audit import AuditLog, Traffic
from support.namespaces import make_namespace
from support.operator_process import OperatorProcess
from support.pod_simulator import Behaviour, PodSimulator
from support.todo_app import TIERS, TodoApp, annotation, merged
from support.waiting import eventually, show
from support.watching import Change, Recorder

BACKEND_2 = "localhost/todo-backend:2.0.0"
FRONTEND_2 = "localhost/todo-frontend:2.0.0"
NEW_BACKEND: Object = {"backend": {"image": BACKEND_2}}
NEW_FRONTEND: Object = {"frontend": {"image": FRONTEND_2}}
BOTH_NEW: Object = {**NEW_BACKEND, **NEW_FRONTEND}

# Longer than the pause between two looks at the pods of a rollout that has just stopped moving.
QUIET_SECONDS = 4.0

ROLLED_BACK = "RolledBack"


def wait_outcome(app: TodoApp, number: int, outcome: str, deadline: float = 120.0) -> Object:
    """Waits until a revision ended like this; returns its record."""

    def look() -> Object:
        record = app.revision(number)
        marks = record["metadata"]["annotations"]
        assert annotation(record, "outcome") == outcome, show({"marks": marks, "status": app.status})
        return record

    return eventually(look, f"{app.namespace}/{app.name}: revision {number} {outcome}", deadline)


def trusted(app: TodoApp, number: int) -> None:
    """The rollout of that revision has not failed; where it has, waiting for a success would be in vain."""
    record = app.revision(number)
    if annotation(record, "outcome") == "Failed":
        pytest.fail(f"revision {number} of {app.name} failed: {show(record['metadata']['annotations'])}")


def wait_success(app: TodoApp, number: int, deadline: float = 120.0) -> None:
    """Waits for the success of a rollout that must not fail on the way there."""

    def look() -> bool:
        trusted(app, number)
        return app.outcome(number) == "Succeeded"

    eventually(look, f"{app.namespace}/{app.name}: revision {number} to succeed", deadline)


def wait_rolled_back(app: TodoApp, deadline: float = 120.0) -> Object:
    """Waits until an automatic rollback is over; returns the app's status."""
    status: Object = app.wait_condition("Ready", "False", ROLLED_BACK, deadline)["status"]
    return status


def wait_step(app: TodoApp, words: str, deadline: float = 120.0) -> Object:
    """Waits until the status says that the rollout waits for this; returns the status."""

    def look() -> Object:
        status = app.status
        assert words in status.get("step", ""), show(status)
        return status

    return eventually(look, f"{app.namespace}/{app.name}: step {words}", deadline)


def numbers(app: TodoApp) -> list[int]:
    """Of all records, oldest first."""
    return sorted(item["revision"] for item in app.owned("ControllerRevision"))


def outcomes(app: TodoApp) -> dict[int, str]:
    """By number, as the records say; empty while a rollout goes on."""
    return {item["revision"]: annotation(item, "outcome") for item in app.owned("ControllerRevision")}


def shown(status: Object) -> dict[int, Object]:
    """`status.revisions` by number."""
    return {entry["number"]: entry for entry in status["revisions"]}


def pod_uids(app: TodoApp, tier: str) -> set[str]:
    return {pod["metadata"]["uid"] for pod in app.pods(tier) if "deletionTimestamp" not in pod["metadata"]}


def template_of(app: TodoApp, tier: str) -> Object:
    template: Object = app.child("Deployment", tier)["spec"]["template"]
    return template


class Pods:
    """A tier as it is now, to compare with later."""

    def __init__(self, app: TodoApp, tier: str) -> None:
        self.app = app
        self.tier = tier
        self.uids = pod_uids(app, tier)
        self._deployment = app.child("Deployment", tier)

    def check_untouched(self) -> None:
        """Nobody wrote the Deployment or replaced a pod."""
        now = self.app.child("Deployment", self.tier)
        assert now["metadata"]["generation"] == self._deployment["metadata"]["generation"], show(now["spec"])
        assert pod_uids(self.app, self.tier) == self.uids, f"pods of {self.tier} were replaced"

    def check_all_replaced(self) -> None:
        now = pod_uids(self.app, self.tier)
        assert now and not now & self.uids, f"pods of {self.tier} were not replaced"


def recorded(recorder: Recorder, app: TodoApp, number: int) -> int:
    """When a revision was recorded, as a resource version that orders all changes."""
    return recorder.changes("ControllerRevision", f"{app.name}-rev-{number}")[0].version


def first_with_image(recorder: Recorder, app: TodoApp, tier: str, image: str, after: int = 0) -> Change:
    """When a tier's Deployment first asked for that image."""
    return next(change for change in recorder.changes("Deployment", f"{app.name}-{tier}")
                if change.version > after
                and change.object["spec"]["template"]["spec"]["containers"][0]["image"] == image)


def first_done(recorder: Recorder, app: TodoApp, tier: str, image: str, after: int = 0) -> Change:
    """When all of a tier's pods first had that image and were available."""

    def is_done(deployment: Object) -> bool:
        status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
        return (deployment["spec"]["template"]["spec"]["containers"][0]["image"] == image
                and status.get("observedGeneration") == deployment["metadata"]["generation"]
                and [status.get(key) for key in ("replicas", "updatedReplicas", "availableReplicas")] == [wanted] * 3)

    return next(change for change in recorder.changes("Deployment", f"{app.name}-{tier}")
                if change.version > after and is_done(change.object))


def settled_traffic(app: TodoApp, operator: OperatorProcess, audit: AuditLog, start: int,
                    quiet: float = 1.5) -> Traffic:
    """What the operator asked for in the app's namespace from `start` until it had nothing left to do."""
    end = audit.settled([operator.user], app.namespace, quiet)
    return audit.between(start, end).by(operator.user).inside(app.namespace)


class FirstPod:
    """A step of the simulated kubelet that goes one way for an app's first pod of a template and another way for those
    that come after it."""

    def __init__(self, first: Callable[[Object], Object], later: Callable[[Object], Object]) -> None:
        self._first = first
        self._later = later
        self._seen: dict[tuple[str, str], str] = {}

    def __call__(self, pod: Object) -> Object:
        meta = pod["metadata"]
        whose = (meta["namespace"], meta["labels"]["app.kubernetes.io/instance"])
        return (self._first if self._seen.setdefault(whose, meta["uid"]) == meta["uid"] else self._later)(pod)


class Batch:
    """Apps in one namespace that go through their rollouts at the same time; each test looks at one of them.

    Their images tell the simulated kubelet one app from another: `backend:slow` is that of the app `slow`.
    """

    def __init__(self, api: Api, simulator: PodSimulator, prefix: str) -> None:
        self.api = api
        self.namespace = make_namespace(api, prefix)
        self.apps: dict[str, TodoApp] = {}
        self._simulator = simulator

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, *_: object) -> None:
        self.api.delete("Namespace", self.namespace, missing_ok=True)
        self._simulator.forget(self.namespace)

    def add(self, name: str, changes: Object | None = None) -> TodoApp:
        images = {tier: {"image": self.image(name, tier, 1)} for tier in TIERS}
        self.apps[name] = TodoApp(self.api, self.namespace, name).create(merged(images, changes or {}))
        return self.apps[name]

    def wait_ready(self) -> None:
        for app in self.apps.values():
            app.wait_ready()

    def behave(self, name: str, tier: str, version: int, behaviour: Behaviour, *, now: bool = False) -> None:
        self._simulator.behave(behaviour, namespace=self.namespace, image=self.image(name, tier, version), now=now)

    def upgrade(self, name: str, *tiers: str, version: int = 2, changes: Object | None = None) -> None:
        images = {tier: {"image": self.image(name, tier, version)} for tier in tiers}
        self.apps[name].patch(merged(images, changes or {}))

    @staticmethod
    def image(name: str, tier: str, version: int) -> str:
        return f"localhost/todo-{tier}:{name}-{version}"
