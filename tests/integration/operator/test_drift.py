"""What others change of the operator's own fields is put right with one apply; what they add is theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from support.api import Api, Object
from support.audit import AuditLog
from support.full_app import Child
from support.operator_process import OperatorProcess
from support.todo_app import TodoApp
from support.waiting import eventually, show

MANAGED_BY = "app.kubernetes.io/managed-by"
INSTANCE = "app.kubernetes.io/instance"


class Drift(NamedTuple):
    child: Child
    patch: Any
    """A merge patch, or a JSON patch where it is a list."""
    field: Callable[[Object], Any]
    """What must be again as it was."""
    name: str


DRIFTS = [
    Drift(Child("Deployment", "todo-backend"),
          [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "localhost/evil:1"}],
          lambda item: item["spec"]["template"]["spec"]["containers"][0]["image"], "image"),
    Drift(Child("Deployment", "todo-frontend"), {"spec": {"replicas": 0}}, lambda item: item["spec"]["replicas"],
          "replicas"),
    Drift(Child("Deployment", "todo-frontend"), {"spec": {"progressDeadlineSeconds": 17}},
          lambda item: item["spec"]["progressDeadlineSeconds"], "deadline"),
    Drift(Child("Service", "todo-frontend"), {"spec": {"selector": {"app.kubernetes.io/component": "backend"}}},
          lambda item: item["spec"]["selector"], "selector"),
    # A selector is one field, not a map of fields: what somebody adds to it is a change of ours.
    Drift(Child("Service", "todo-frontend"), {"spec": {"selector": {"example.org/extra": "yes"}}},
          lambda item: item["spec"]["selector"], "addition-to-the-selector"),
    Drift(Child("Service", "todo-frontend"), {"spec": {"ports": [{"port": 80, "targetPort": 9999}]}},
          lambda item: item["spec"]["ports"][0]["targetPort"], "target-port"),
    Drift(Child("HorizontalPodAutoscaler", "todo-backend"), {"spec": {"maxReplicas": 30}},
          lambda item: item["spec"]["maxReplicas"], "maximum"),
    Drift(Child("PodDisruptionBudget", "todo-backend"), {"spec": {"maxUnavailable": 9}},
          lambda item: item["spec"]["maxUnavailable"], "budget"),
    Drift(Child("NetworkPolicy", "todo-backend"), {"spec": {"ingress": []}}, lambda item: item["spec"]["ingress"],
          "policy"),
    Drift(Child("Ingress", "todo"), {"spec": {"rules": [{"host": "evil.example.org"}]}},
          lambda item: item["spec"]["rules"][0]["host"], "host"),
    Drift(Child("ConfigMap", sealed_tier="backend"), {"metadata": {"labels": {INSTANCE: "other"}}},
          lambda item: item["metadata"]["labels"], "label-of-config"),
    Drift(Child("Secret", sealed_tier="backend"), {"metadata": {"labels": {INSTANCE: "other"}}},
          lambda item: item["metadata"]["labels"], "label-of-secret"),
]


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: f"{drift.child.kind}-{drift.name}")
def test_drift_is_put_right_with_one_apply(
        full_app: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog, drift: Drift) -> None:
    before = drift.child.of(full_app)
    name = before["metadata"]["name"]
    start = audit.mark()
    patch_type = "json" if isinstance(drift.patch, list) else "merge"
    api.patch(drift.child.kind, name, full_app.namespace, drift.patch, patch_type=patch_type)

    def look() -> Object:
        now = api.get(drift.child.kind, name, full_app.namespace)
        assert drift.field(now) == drift.field(before), show(drift.field(now))
        return now

    after = eventually(look, f"{name} as it was")
    assert after["metadata"]["uid"] == before["metadata"]["uid"], "put right, not made again"
    end = audit.settled([operator.user], full_app.namespace, quiet=1.2)
    traffic = audit.between(start, end).by(operator.user).inside(full_app.namespace)
    assert traffic.object_writes().objects().total() == 1, f"\n{traffic}"
    # An apply holds all that the operator owns, and no secret value stays in its memory: it may have to read that one.
    allowed = {f"get secrets {name}": 1} if drift.child.kind == "Secret" else {}
    assert traffic.reads().counts() in ({}, allowed), f"\n{traffic}"
    full_app.wait_ready()
    assert len(full_app.owned("ControllerRevision")) == 1


def test_a_child_that_lost_the_label_of_its_manager_gets_it_back(full_app: TodoApp, api: Api) -> None:
    """Without that label the operator's watch no longer sees the object: it looks deleted, and is not."""
    before = full_app.child("Service", "backend")
    api.patch("Service", "todo-backend", full_app.namespace, {"metadata": {"labels": {MANAGED_BY: None}}})

    def look() -> Object:
        now = full_app.child("Service", "backend")
        assert now["metadata"]["labels"] == before["metadata"]["labels"], show(now["metadata"])
        return now

    assert eventually(look, "the label")["metadata"]["uid"] == before["metadata"]["uid"]
    full_app.wait_ready()


OTHERS = [
    Drift(Child("Deployment", "todo-backend"), {"metadata": {"annotations": {"example.org/owner": "team"}}},
          lambda item: item["metadata"]["annotations"]["example.org/owner"], "annotation"),
    Drift(Child("Deployment", "todo-backend"),
          {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}}},
          lambda item: item["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"],
          "rollout-restart"),
    Drift(Child("Service", "todo-frontend"), {"spec": {"sessionAffinity": "ClientIP"}},
          lambda item: item["spec"]["sessionAffinity"], "affinity"),
    Drift(Child("ConfigMap", sealed_tier="backend"), {"metadata": {"labels": {"example.org/owner": "team"}}},
          lambda item: item["metadata"]["labels"]["example.org/owner"], "label"),
]


@pytest.mark.parametrize("addition", OTHERS, ids=lambda drift: f"{drift.child.kind}-{drift.name}")
def test_what_others_add_stays_even_when_the_operator_writes_the_object(
        full_app: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog, addition: Drift) -> None:
    name = addition.child.of(full_app)["metadata"]["name"]
    start = audit.settled([operator.user], full_app.namespace, quiet=0.5)
    after = api.patch(addition.child.kind, name, full_app.namespace, addition.patch)
    end = audit.settled([operator.user], full_app.namespace, quiet=1.2)
    traffic = audit.between(start, end).by(operator.user).inside(full_app.namespace)
    assert not traffic.object_writes(), f"\n{traffic}"

    # Now the operator has a reason to write.
    drift = {"metadata": {"labels": {INSTANCE: "other"}}}
    api.patch(addition.child.kind, name, full_app.namespace, drift)

    def look() -> Object:
        now = api.get(addition.child.kind, name, full_app.namespace)
        assert now["metadata"]["labels"][INSTANCE] == "todo", show(now["metadata"])
        return now

    assert addition.field(eventually(look, f"{name} put right")) == addition.field(after)
    full_app.wait_ready()


def test_repaired_drift_is_counted_and_told(full_app: TodoApp, api: Api, operator: OperatorProcess) -> None:
    def repaired() -> float:
        # Of Services: what a test before this one changed last was another kind.
        return operator.metrics().value("todoapp_drift_repaired_total", kind="Service")

    before = repaired()
    api.patch("Service", "todo-frontend", full_app.namespace, {"metadata": {"labels": {INSTANCE: "other"}}})
    eventually(lambda: repaired() == before + 1, "the metric")

    def look() -> list[Object]:
        return [event for event in api.list("Event", full_app.namespace)
                if "drift" in event["reason"].lower() or "drift" in event.get("note", "").lower()]

    assert eventually(look, "an event about drift")


def test_a_deployment_paused_by_somebody_stays_paused_and_a_condition_says_so(
        app: TodoApp, api: Api, operator: OperatorProcess) -> None:
    app.create().wait_ready()
    api.patch("Deployment", "todo-backend", app.namespace, {"spec": {"paused": True}})
    app.patch({"backend": {"image": "localhost/todo-backend:1.1.0"}})

    def look() -> bool:
        messages = [entry["message"] for entry in app.status["conditions"]]
        assert any("paused" in message for message in messages), show(app.status)
        return True

    eventually(look, "a condition that says it is paused")
    assert app.child("Deployment", "backend")["spec"]["paused"] is True
    api.patch("Deployment", "todo-backend", app.namespace, {"spec": {"paused": False}})
    app.wait_ready()
