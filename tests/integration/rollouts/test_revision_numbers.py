"""Revision numbers only go up, whatever becomes of records and operators."""

from __future__ import annotations

from collections import Counter

import pytest
from support import pod_simulator as pods
from support.api import Api
from support.audit import AuditLog
from support.operator_process import OperatorProcess
from support.operators import OPERATOR_USERS, OperatorMaker
from support.pod_simulator import PodSimulator
from support.rbac import SYSTEM_NAMESPACE
from support.revisions import NO_PODS, footprint, image, install, numbers, records, wait_outcome
from support.todo_app import TodoApp
from support.waiting import eventually

REPLICA_FLAGS = ["--leader-elect", f"--leader-election-namespace={SYSTEM_NAMESPACE}",
                 "--leader-election-lease-duration=12s", "--leader-election-renew-deadline=10s",
                 "--leader-election-retry-period=500ms"]
MIGRATION = {"command": ["migrate"], "schemaVersion": 1, "compatibleFrom": 0}


def upgrade(app: TodoApp, number: int) -> None:
    app.patch({"backend": {"image": image("backend", f"1.{number}.0")}})
    wait_outcome(app, number)


def test_numbers_go_on_after_pruning_and_after_a_restart(app: TodoApp, new_operator: OperatorMaker) -> None:
    operator = new_operator()
    install(app, {**NO_PODS, "revisionHistoryLimit": 1})
    for number in range(2, 5):
        upgrade(app, number)
    eventually(lambda: numbers(app) == [3, 4], "the history within its limit")
    operator.terminate()
    operator.start()
    upgrade(app, 5)
    operator.kill()
    app.patch({"backend": {"image": image("backend", "1.6.0")}})
    operator.start()
    wait_outcome(app, 6)
    eventually(lambda: numbers(app) == [5, 6], "the history within its limit")


@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "while it is away"])
def test_the_number_of_a_deleted_newest_record_is_not_used_again(
        app: TodoApp, api: Api, new_operator: OperatorMaker, running: bool) -> None:
    operator = new_operator()
    install(app)
    upgrade(app, 2)
    app.wait_ready()
    before = footprint(app)
    if not running:
        operator.terminate()
    api.delete("ControllerRevision", "todo-rev-2", app.namespace)
    if not running:
        operator.start()
    wait_outcome(app, 3)
    app.wait_ready()
    assert numbers(app) == [1, 3]
    assert footprint(app) == before, "what runs is what the spec asks for: no pod moves"


def test_the_number_of_a_deleted_record_that_touched_no_deployment_is_not_used_again(
        app: TodoApp, api: Api, new_operator: OperatorMaker) -> None:
    new_operator()
    install(app, {**NO_PODS, "backend": {"replicas": 0, "migration": MIGRATION}})
    app.patch({"backend": {"migration": {"args": ["--quietly"]}}})
    wait_outcome(app, 2)
    api.delete("ControllerRevision", "todo-rev-2", app.namespace)
    wait_outcome(app, 3)
    assert numbers(app) == [1, 3]


def test_two_replicas_never_use_a_number_twice(
        app: TodoApp, api: Api, simulator: PodSimulator, new_operator: OperatorMaker, audit: AuditLog) -> None:
    for lease in api.list("Lease", SYSTEM_NAMESPACE):
        api.delete("Lease", lease["metadata"]["name"], SYSTEM_NAMESPACE)
    simulator.behave(pods.ready(0.3), namespace=app.namespace)
    first = new_operator(*REPLICA_FLAGS, user=OPERATOR_USERS[0])
    eventually(lambda: first.is_leader, "a leader")
    second = new_operator(*REPLICA_FLAGS, user=OPERATOR_USERS[1])
    start = audit.mark()
    install(app)
    recorded = {1: app.revision(1)["data"]}
    for number, (leader, standby) in enumerate([(first, second), (second, first)], 2):
        app.patch({"backend": {"image": image("backend", f"1.{number}.0")}})
        recorded[number] = eventually(lambda number=number: app.revision(number), "the record")["data"]
        take_over(leader, standby, killed=number == 2)
        wait_outcome(app, number)
        leader.start()
    created = audit.since(start).inside(app.namespace).of("controllerrevisions").where(
        lambda request: request.verb == "create" and request.code == 201)
    assert created.counts() == Counter({f"create controllerrevisions todo-rev-{number}": 1 for number in (1, 2, 3)})
    assert {number: record["data"] for number, record in records(app).items()} == recorded


def take_over(leader: OperatorProcess, standby: OperatorProcess, *, killed: bool) -> None:
    leader.kill() if killed else leader.terminate()
    eventually(lambda: standby.is_leader, "the standby to lead", 60)

