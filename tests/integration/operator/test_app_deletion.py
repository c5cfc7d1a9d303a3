"""A deleted app leaves nothing behind and nothing is made again; Kubernetes does the removing."""

from __future__ import annotations

from support import pod_simulator as pods
from support.api import Api
from support.audit import AuditLog
from support.full_app import FULL_SPEC
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator
from support.todo_app import TodoApp
from support.waiting import eventually, show
from support.watching import Recorder

CHILD_KINDS = ["Deployment", "Service", "ConfigMap", "Secret", "ControllerRevision", "HorizontalPodAutoscaler",
               "PodDisruptionBudget", "NetworkPolicy", "Ingress"]
# Kubernetes puts this one into every namespace.
FOREIGN = {"kube-root-ca.crt"}


def test_a_deleted_app_leaves_nothing_and_nothing_is_made_again(
        app: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog) -> None:
    app.create(FULL_SPEC).wait_ready()
    with Recorder(api, app.namespace, CHILD_KINDS) as recorder:
        start = audit.settled([operator.user], app.namespace)
        recorder.catch_up()
        listed = len(recorder.changes())
        app.delete()
        eventually(lambda: leftovers(api, app) == [], "nothing left", 60)
        end = audit.settled([operator.user], app.namespace, quiet=1)
        recorder.catch_up()
        made = [change for change in recorder.changes()[listed:]
                if change.type == "ADDED" and change.name not in FOREIGN]
    assert not made, [f"{change.kind} {change.name}" for change in made]
    writes = audit.between(start, end).by(operator.user).inside(app.namespace).writes()
    assert not writes, f"\n{writes}"


def test_an_app_that_waits_for_its_children_to_go_is_left_alone(
        app: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog) -> None:
    app.create({"config": {"LOG_LEVEL": "info"}}).wait_ready()
    start = audit.settled([operator.user], app.namespace)
    app.delete(propagation="Foreground")
    eventually(lambda: api.find("TodoAppDeployment", "todo", app.namespace) is None, "the app to go", 60)
    eventually(lambda: leftovers(api, app) == [], "nothing left", 60)
    end = audit.settled([operator.user], app.namespace, quiet=1)
    writes = audit.between(start, end).by(operator.user).inside(app.namespace).writes()
    assert not writes, f"\n{writes}"


def test_orphaned_children_stay_and_are_foreign_to_a_new_app_of_that_name(
        app: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog) -> None:
    app.create().wait_ready()
    app.delete(propagation="Orphan")
    eventually(lambda: api.find("TodoAppDeployment", "todo", app.namespace) is None, "the app to go", 60)
    before = {name: api.get("Deployment", name, app.namespace)["metadata"]["generation"]
              for name in ("todo-frontend", "todo-backend")}
    app.create()
    app.wait_condition("Stalled", "True", "ForeignObject")
    after = {name: api.get("Deployment", name, app.namespace)["metadata"]["generation"] for name in before}
    assert after == before


def test_an_app_deleted_in_mid_rollout_leaves_nothing(
        app: TodoApp, api: Api, operator: OperatorProcess, simulator: PodSimulator) -> None:
    simulator.behave(pods.never_ready(), namespace=app.namespace)
    app.create()
    app.wait_child("Deployment", "backend")
    app.delete()
    eventually(lambda: leftovers(api, app) == [], "nothing left", 60)


def test_an_app_made_again_at_once_under_the_same_name_becomes_ready(
        app: TodoApp, api: Api, operator: OperatorProcess) -> None:
    first = app.create().wait_ready()["metadata"]["uid"]
    app.delete()
    second = app.create().wait_ready(60)["metadata"]["uid"]
    assert first != second
    for kind in ("Deployment", "Service", "ControllerRevision"):
        for item in api.list(kind, app.namespace):
            assert [owner["uid"] for owner in item["metadata"]["ownerReferences"]] == [second], show(item["metadata"])


def leftovers(api: Api, app: TodoApp) -> list[str]:
    return [f"{kind} {item['metadata']['name']}" for kind in [*CHILD_KINDS, "TodoAppDeployment", "ReplicaSet", "Pod"]
            for item in api.list(kind, app.namespace) if item["metadata"]["name"] not in FOREIGN]
