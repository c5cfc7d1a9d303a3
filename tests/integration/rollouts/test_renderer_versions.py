"""The operator itself is upgraded: a renderer of another version restarts no pod, and old revisions come back exactly.

The second operator is `todoapp-operator-next-renderer` (tests/support/next_renderer.cpp), built beside the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import pod_simulator as pods
from support.api import Api, Object
from support.audit import AuditLog, Traffic
from support.control_plane import ControlPlane
from support.operator_process import OperatorProcess
from support.operators import OperatorMaker
from support.pod_simulator import PodSimulator
from support.revisions import (
    GENERATED,
    LIVE,
    as_served,
    footprint,
    image,
    install,
    numbers,
    put_secret,
    sealed_part,
    template_of,
    wait_outcome,
)
from support.todo_app import TIERS, TodoApp
from support.waiting import eventually

NEXT = "todoapp-operator-next-renderer"
MARK = "example.org/renderer"
BOTH: Object = {"backend": {"image": image("backend", "1.1.0")}, "frontend": {"image": image("frontend", "1.1.0")}}


@pytest.fixture
def older(new_operator: OperatorMaker) -> OperatorProcess:
    """The operator that is to be replaced."""
    return new_operator()


@pytest.fixture
def newer(new_operator: OperatorMaker, cluster: ControlPlane, operator_binary: Path, transport: str,
          tmp_path: Path) -> Iterator[OperatorProcess]:
    """The same operator with another renderer, not yet started."""
    binary = operator_binary.with_name(NEXT)
    assert binary.is_file(), f"no {binary}: it is built with the tests (cmake --build)"
    maker = OperatorMaker(cluster, binary, transport, tmp_path / "next")
    (tmp_path / "next").mkdir()
    yield maker(start=False)
    maker.finish([])


def replace(old: OperatorProcess, new: OperatorProcess, app: TodoApp, audit: AuditLog) -> Traffic:
    """Stops one operator and starts the other; returns what that one asked for until it had nothing left to do."""
    audit.settled([old.user], app.namespace)
    old.terminate()
    start = audit.mark()
    new.start()
    end = audit.settled([new.user], app.namespace)
    return audit.between(start, end).by(new.user).inside(app.namespace)


def mark_on(app: TodoApp, tier: str) -> str | None:
    """The annotation that only the newer renderer makes."""
    annotations = template_of(app, tier)["metadata"].get("annotations", {})
    return annotations.get(MARK)


def test_another_renderer_writes_nothing_reads_one_record_and_restarts_no_pod(
        app: TodoApp, api: Api, older: OperatorProcess, newer: OperatorProcess, audit: AuditLog) -> None:
    put_secret(api, app, "canary-renderer-1")
    install(app, {"config": {"LOG_LEVEL": "info"}, "secrets": [LIVE, GENERATED]})
    app.patch(BOTH)
    wait_outcome(app, 2)
    app.wait_ready()
    audit.settled([older.user], app.namespace)
    before, shown = footprint(app), app.get()
    traffic = replace(older, newer, app, audit)
    assert not traffic.writes(), f"\n{traffic}"
    assert traffic.reads().counts() == {"get controllerrevisions todo-rev-2": 1}, f"\n{traffic}"
    assert not traffic.of("pods").lists(), f"\n{traffic}"
    assert (footprint(app), app.get()) == (before, shown)
    # And it does look after them: what it keeps is what the older one rendered.
    app.patch({"backend": {"replicas": 2}})
    app.wait_ready()
    eventually(lambda: app.status["backend"]["ready"] == "2/2", "a live setting to count")
    api.patch("Deployment", "todo-frontend", app.namespace, {"spec": {"minReadySeconds": 7}})
    eventually(lambda: not app.child("Deployment", "frontend")["spec"].get("minReadySeconds"), "the drift put right")
    assert footprint(app).templates == before.templates
    assert numbers(app) == [1, 2]


def test_an_upgrade_by_another_renderer_restarts_only_the_tier_that_it_changes(
        app: TodoApp, older: OperatorProcess, newer: OperatorProcess, audit: AuditLog) -> None:
    install(app, {"config": {"LOG_LEVEL": "info"}})
    replace(older, newer, app, audit)
    before = app.child("Deployment", "frontend")["metadata"]["generation"]
    app.patch({"backend": {"image": image("backend", "1.1.0")}})
    wait_outcome(app, 2)
    app.wait_ready()
    assert mark_on(app, "backend") == "next"
    assert mark_on(app, "frontend") is None
    assert app.child("Deployment", "frontend")["metadata"]["generation"] == before
    recorded = app.revision(2)["data"]
    for tier in TIERS:
        assert as_served(app, recorded[tier]["podTemplate"]) == sealed_part(template_of(app, tier))
    app.patch({"frontend": {"image": image("frontend", "1.1.0")}})
    wait_outcome(app, 3)
    assert mark_on(app, "frontend") == "next"


def test_a_rollback_brings_back_the_older_renderers_templates_exactly(
        app: TodoApp, older: OperatorProcess, newer: OperatorProcess, audit: AuditLog) -> None:
    install(app, {"config": {"LOG_LEVEL": "info"}})
    first = {tier: template_of(app, tier) for tier in TIERS}
    replace(older, newer, app, audit)
    app.patch({**BOTH, "config": {"LOG_LEVEL": "debug"}})
    wait_outcome(app, 2)
    assert {mark_on(app, tier) for tier in TIERS} == {"next"}
    app.patch({"rollback": {"toRevision": 1}})
    app.wait_ready(reason="RolledBackOnRequest")
    assert {tier: template_of(app, tier) for tier in TIERS} == first
    assert app.revision(3)["data"] == app.revision(1)["data"]


def test_an_automatic_rollback_does_so_too(
        app: TodoApp, simulator: PodSimulator, older: OperatorProcess, newer: OperatorProcess,
        audit: AuditLog) -> None:
    install(app)
    first = {tier: template_of(app, tier) for tier in TIERS}
    replace(older, newer, app, audit)
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image("backend", "1.1.0"))
    app.patch(BOTH)
    app.wait_condition("Ready", "False", "RolledBack")
    assert {tier: template_of(app, tier) for tier in TIERS} == first


def test_the_older_operator_comes_back_and_restarts_no_pod_either(
        app: TodoApp, older: OperatorProcess, newer: OperatorProcess, audit: AuditLog) -> None:
    install(app)
    replace(older, newer, app, audit)
    app.patch(BOTH)
    wait_outcome(app, 2)
    app.wait_ready()
    audit.settled([newer.user], app.namespace)
    before = footprint(app)
    traffic = replace(newer, older, app, audit)
    assert not traffic.writes(), f"\n{traffic}"
    assert traffic.reads().counts() == {"get controllerrevisions todo-rev-2": 1}, f"\n{traffic}"
    assert footprint(app) == before


def test_a_rollout_begun_by_the_one_is_finished_by_the_other(
        app: TodoApp, simulator: PodSimulator, older: OperatorProcess, newer: OperatorProcess) -> None:
    install(app)
    simulator.behave(pods.never_ready(), namespace=app.namespace, image=image("backend", "1.1.0"))
    app.patch(BOTH)
    eventually(lambda: app.container("backend")["image"] == image("backend", "1.1.0"), "the rollout to begin")
    recorded = app.revision(2)["data"]
    older.kill()
    newer.start()
    simulator.behave(pods.ready(), namespace=app.namespace, image=image("backend", "1.1.0"), now=True)
    wait_outcome(app, 2)
    app.wait_ready()
    assert numbers(app) == [1, 2]
    for tier in TIERS:
        assert sealed_part(template_of(app, tier)) == as_served(app, recorded[tier]["podTemplate"])
        assert mark_on(app, tier) is None
