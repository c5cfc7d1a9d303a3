"""An object of a child's name that the app does not own is never touched, and the app says which."""

from __future__ import annotations

import pytest

from support.api import Api, Object
from support.audit import AuditLog
from support.operator_process import OperatorProcess
from support.todo_app import TodoApp, is_owned_by, managers_of

# Somebody else's object may look just like the operator's.
LABELS = {"app.kubernetes.io/name": "todoapp", "app.kubernetes.io/instance": "todo",
          "app.kubernetes.io/managed-by": "todoapp-operator", "app.kubernetes.io/component": "backend"}

# How soon the operator looks again for an object that its watches cannot see.
HEALING_SECONDS = 75.0

FOREIGN: dict[str, Object] = {
    "Deployment": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "todo-backend"},
                   "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "other"}},
                            "template": {"metadata": {"labels": {"app": "other"}},
                                         "spec": {"containers": [{"name": "other", "image": "localhost/other:1"}]}}}},
    "Service": {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "todo-frontend"},
                "spec": {"selector": {"app": "other"}, "ports": [{"port": 1234}]}},
    "Secret": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "todo-keys"},
               "stringData": {"mine": "not yours"}},
    "ControllerRevision": {"apiVersion": "apps/v1", "kind": "ControllerRevision",
                           "metadata": {"name": "todo-rev-1"}, "revision": 1, "data": {"mine": True}},
    "PodDisruptionBudget": {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
                            "metadata": {"name": "todo-backend"},
                            "spec": {"minAvailable": 0, "selector": {"matchLabels": {"app": "other"}}}},
}
SPEC: Object = {"backend": {"disruptionBudget": {"maxUnavailable": 1}},
                "secrets": [{"name": "SESSION_KEY", "generate": {"bytes": 16}}]}


# The operator's watches see one with its labels; one without is found only when a create meets it.
CASES = [(kind, True) for kind in FOREIGN] + [("Service", False), ("ControllerRevision", False)]


@pytest.mark.parametrize(("kind", "labelled"), CASES,
                         ids=[f"{kind}{'-that-looks-like-ours' if labelled else ''}" for kind, labelled in CASES])
def test_a_foreign_object_is_named_and_left_alone_until_it_goes(
        app: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog, kind: str, labelled: bool) -> None:
    foreign = api.create(placed(FOREIGN[kind], app.namespace, LABELS if labelled else {}))
    name = foreign["metadata"]["name"]
    start = audit.mark()
    app.create(SPEC)
    stalled = app.wait_condition("Stalled", "True", "ForeignObject")
    message = next(entry for entry in stalled["status"]["conditions"] if entry["type"] == "Stalled")["message"]
    assert kind in message and name in message, message
    assert app.condition("Ready")["status"] == "False"

    after = api.get(kind, name, app.namespace)
    assert unchanged(after) == unchanged(foreign)
    assert "todoapp-operator" not in managers_of(after)
    end = audit.settled([operator.user], app.namespace, quiet=1)
    writes = audit.between(start, end).by(operator.user).inside(app.namespace).object_writes()
    # A create that is refused tells that the name is taken: that is how an unlabelled object is found.
    touched = [request for request in writes if request.name == name and request.code < 400
               and request.resource == plural(kind)]
    assert not touched, f"\n{writes}"

    api.delete(kind, name, app.namespace)
    app.wait_ready(HEALING_SECONDS)
    app.wait_no_condition("Stalled")
    assert is_owned_by(api.get(kind, name, app.namespace), app.get())


def test_a_child_whose_owner_reference_was_taken_away_is_foreign(
        app: TodoApp, api: Api, operator: OperatorProcess) -> None:
    owner = app.create().wait_ready()
    reference = owner["metadata"]["uid"]
    disowned = api.patch("Service", "todo-backend", app.namespace, {"metadata": {"ownerReferences": None}})
    assert reference not in str(disowned["metadata"].get("ownerReferences"))
    app.wait_condition("Stalled", "True", "ForeignObject")
    assert unchanged(app.child("Service", "backend")) == unchanged(disowned)

    api.delete("Service", "todo-backend", app.namespace)
    app.wait_ready(HEALING_SECONDS)


def test_apps_whose_names_begin_alike_do_not_meet(app: TodoApp, api: Api, operator: OperatorProcess) -> None:
    app.create().wait_ready()
    other = TodoApp(api, app.namespace, "todo-frontend").create()
    other.wait_ready()
    app.wait_ready()
    assert other.child("Service", "frontend")["metadata"]["name"] == "todo-frontend-frontend"


def placed(item: Object, namespace: str, labels: dict[str, str]) -> Object:
    return {**item, "metadata": {**item["metadata"], "namespace": namespace, "labels": labels}}


def unchanged(item: Object) -> Object:
    """All but what Kubernetes' own controllers write."""
    meta = {key: value for key, value in item["metadata"].items()
            if key in ("uid", "labels", "ownerReferences", "generation")}
    rest = {key: value for key, value in item.items() if key not in ("metadata", "status")}
    return {**rest, "metadata": meta}


def plural(kind: str) -> str:
    return {"PodDisruptionBudget": "poddisruptionbudgets"}.get(kind, kind.lower() + "s")
