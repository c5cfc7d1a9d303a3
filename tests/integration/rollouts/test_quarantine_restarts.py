"""A failure, its rollback and its quarantine outlive the operator and the status: all of it stands in the records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from rollouts import (
    BACKEND_2,
    NEW_BACKEND,
    QUIET_SECONDS,
    Batch,
    Pods,
    numbers,
    outcomes,
    wait_outcome,
    wait_rolled_back,
    wait_step,
    wait_success,
)

from support import pod_simulator as pods
from support import pod_statuses as statuses
from support.api import Api, Object
from support.audit import AuditLog, Traffic
from support.control_plane import ControlPlane
from support.operator_process import OperatorProcess
from support.operators import OperatorMaker
from support.pod_simulator import PodSimulator, Step
from support.todo_app import TIERS, TodoApp, annotation, condition_of
from support.waiting import eventually


@pytest.fixture(scope="module")
def process(cluster: ControlPlane, granted: list[Object], operator_binary: Path, transport: str,
            simulator: PodSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """An operator that these tests may stop."""
    maker = OperatorMaker(cluster, operator_binary, transport, tmp_path_factory.mktemp("operator"))
    with maker.alone():
        yield maker()
        maker.finish([])


class Restarted(NamedTuple):
    batch: Batch
    before: dict[str, Object]
    """The statuses."""
    tiers: list[Pods]
    """Of the app `quarantined`."""
    traffic: Traffic
    """Of the operator, from its start until it had nothing left to do."""


@pytest.fixture(scope="module")
def restarted(
        api: Api, cluster: ControlPlane, process: OperatorProcess, simulator: PodSimulator) -> Iterator[Restarted]:
    """Apps in all kinds of trouble when the operator is killed; meanwhile one loses its status, one gets a token, one
    a node; then it comes back."""
    audit = AuditLog(cluster.audit_log, api)
    with Batch(api, simulator, "restarted") as batch:
        batch.add("held", {"upgrade": {"onFailure": "Hold"}})
        batch.add("waiting")
        batch.behave("waiting", "backend", 2, pods.unschedulable())
        for name in ("quarantined", "no-status", "token", "used-token"):
            batch.add(name)
        for name in ("held", "quarantined", "no-status", "token", "used-token"):
            batch.behave(name, "backend", 2, pods.invalid_image_name())
        batch.wait_ready()
        for name in batch.apps:
            deadline = {"progressDeadlineSeconds": 10 if name == "waiting" else 600}
            batch.upgrade(name, "backend", changes={"upgrade": deadline})
        settle(batch)
        audit.settled([process.user], batch.namespace, QUIET_SECONDS)
        before = {name: app.status for name, app in batch.apps.items()}
        tiers = [Pods(batch.apps["quarantined"], tier) for tier in TIERS]
        process.kill()
        api.patch("TodoAppDeployment", "no-status", batch.namespace, {"status": None}, subresource="status")
        batch.behave("token", "backend", 2, pods.ready())
        batch.apps["token"].annotate(retry="meanwhile")
        batch.behave("waiting", "backend", 2, (Step(0, statuses.creating), Step(3, statuses.running)), now=True)
        start = audit.mark()
        process.start()
        wait_outcome(batch.apps["token"], 4, "Succeeded")
        end = audit.settled([process.user], batch.namespace, QUIET_SECONDS)
        traffic = audit.between(start, end).by(process.user).inside(batch.namespace)
        yield Restarted(batch, before, tiers, traffic)


def settle(batch: Batch) -> None:
    batch.apps["held"].wait_condition("Ready", "False", "RolloutFailed")
    for name in ("quarantined", "no-status", "token", "used-token"):
        wait_rolled_back(batch.apps[name])
    batch.apps["used-token"].annotate(retry="first")
    wait_outcome(batch.apps["used-token"], 5, "Succeeded")
    wait_rolled_back(batch.apps["used-token"])
    eventually(lambda: condition_of(batch.apps["waiting"].child("Deployment", "backend"), "Progressing")["reason"]
               == "ProgressDeadlineExceeded", "the deadline of the app that waits")


def test_the_quarantine_survives_a_restart_without_a_write(restarted: Restarted) -> None:
    wait_rolled_back(restarted.batch.apps["quarantined"])
    for name in ("quarantined", "held", "used-token"):
        writes = restarted.traffic.writes().where(lambda request, name=name: request.name.startswith(name))
        assert not writes, f"\n{writes}"
        assert restarted.batch.apps[name].status == restarted.before[name]
    for tier in restarted.tiers:
        tier.check_untouched()


def test_a_lost_status_is_shown_again_and_moves_nothing(restarted: Restarted) -> None:
    status = wait_rolled_back(restarted.batch.apps["no-status"])
    writes = restarted.traffic.object_writes().where(lambda request: request.name.startswith("no-status"))
    assert not writes, f"\n{writes}"
    for key in ("revisions", "failure", "activeRevision", "targetRevision", "lastGoodRevision"):
        assert status[key] == restarted.before["no-status"][key], f"{key} is derived from the records"


def test_a_token_that_was_used_is_not_used_again(
        restarted: Restarted, process: OperatorProcess, cluster: ControlPlane) -> None:
    app = restarted.batch.apps["used-token"]
    assert annotation(app.revision(4), "retry") == "first"
    app.annotate(retry=None)
    app.annotate(retry="first")
    AuditLog(cluster.audit_log, app.api).settled([process.user], app.namespace, QUIET_SECONDS)
    assert numbers(app) == [1, 2, 3, 4, 5]


def test_a_token_set_while_no_operator_ran_is_taken_up(restarted: Restarted) -> None:
    app = restarted.batch.apps["token"]
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Failed", 3: "Succeeded", 4: "Succeeded"}


def test_a_wait_for_infrastructure_past_the_deadline_is_no_failure_to_who_comes_new(restarted: Restarted) -> None:
    """It sees only a deadline that is over, and pods that are just being started."""
    app = restarted.batch.apps["waiting"]
    wait_success(app, 2)
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Succeeded"}


def test_a_held_upgrade_heals_after_the_restart(restarted: Restarted) -> None:
    app = restarted.batch.apps["held"]
    assert outcomes(app) == {1: "Succeeded", 2: "Failed"}
    restarted.batch.behave("held", "backend", 2, pods.ready(), now=True)
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Succeeded"}


def test_an_operator_killed_at_each_step_of_a_failure_ends_with_one_rollback(
        app: TodoApp, simulator: PodSimulator, process: OperatorProcess, audit: AuditLog) -> None:
    app.create().wait_ready()
    # It fails when the operator has been killed at each step on the way there, or the step might be over unseen.
    simulator.behave(pods.never_ready(), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    for step in (lambda: 2 in numbers(app), lambda: app.container("backend")["image"] == BACKEND_2):
        eventually(step, "the next step")
        restart(process)
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=BACKEND_2, now=True)
    for step in (lambda: app.outcome(2) == "Failed", lambda: 3 in numbers(app)):
        eventually(step, "the next step", 60)
        restart(process)
    wait_rolled_back(app)
    audit.settled([process.user], app.namespace, QUIET_SECONDS)
    assert outcomes(app) == {1: "Succeeded", 2: "Failed", 3: "Succeeded"}


def test_a_restart_in_the_soak_loses_no_more_than_the_time(app: TodoApp, process: OperatorProcess) -> None:
    app.create({"upgrade": {"soakSeconds": 60}})
    wait_step(app, "Soaking")
    restart(process)
    assert app.outcome(1) == ""
    app.patch({"upgrade": {"soakSeconds": 3}})
    wait_success(app, 1)
    app.wait_ready()


def restart(process: OperatorProcess) -> None:
    process.kill()
    process.start()
