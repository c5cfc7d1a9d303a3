"""An operator that comes back asks for each kind once, and goes on from what it finds."""

from __future__ import annotations

from collections import Counter

from support import pod_simulator as pods
from support.api import Api
from support.audit import AuditLog
from support.full_app import FULL_SPEC
from support.operators import OperatorMaker
from support.pod_simulator import PodSimulator
from support.todo_app import TIERS, TodoApp
from support.waiting import eventually

COMPONENT = "app.kubernetes.io/component"

LIVE = {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "todo-db", "key": "url"}}}


def test_a_restart_with_nothing_to_do_costs_one_list_and_watch_a_kind(
        app: TodoApp, api: Api, new_operator: OperatorMaker, audit: AuditLog) -> None:
    api.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "todo-db", "namespace": app.namespace},
                "stringData": {"url": "postgres://canary-restart-19"}})
    scope = f"--watch-namespace={app.namespace}"
    operator = new_operator(scope)
    app.create({**FULL_SPEC, "secrets": [*FULL_SPEC["secrets"], LIVE]}).wait_ready()
    audit.settled([operator.user], app.namespace)
    before = app.get()
    operator.terminate()

    start = audit.mark()
    operator.start()
    end = audit.settled([operator.user], app.namespace)
    traffic = audit.between(start, end).by(operator.user)
    assert not traffic.writes(), f"\n{traffic}"
    assert not traffic.reads(), f"\n{traffic}"
    watched = Counter(request.resource for request in traffic.lists() if request.verb == "watch")
    assert set(watched.values()) == {1}, f"\n{traffic.lists()}"
    listed = Counter(request.resource for request in traffic.lists() if request.verb == "list")
    assert all(count == 1 for count in listed.values()), f"\n{traffic.lists()}"
    assert "pods" not in watched
    assert app.get() == before


def test_what_changed_while_the_operator_was_away_is_done_when_it_is_back(
        app: TodoApp, api: Api, new_operator: OperatorMaker) -> None:
    operator = new_operator()
    app.create({"config": {"STEP": "1"}}).wait_ready()
    operator.terminate()
    app.patch({"backend": {"replicas": 2}, "config": {"STEP": "2"}})
    api.delete("Service", "todo-frontend", app.namespace)
    api.patch("Service", "todo-backend", app.namespace, {"spec": {"selector": {COMPONENT: "frontend"}}})
    operator.start()
    app.wait_ready()
    assert app.child("Service", "frontend")
    eventually(lambda: selected_component(app) == "backend", "the drift put right")
    assert app.child("Deployment", "backend")["spec"]["replicas"] == 2
    assert app.outcome(2) == "Succeeded"


def test_an_operator_killed_in_mid_rollout_goes_on_where_it_was(
        app: TodoApp, api: Api, simulator: PodSimulator, new_operator: OperatorMaker, audit: AuditLog) -> None:
    simulator.behave(pods.never_ready(), namespace=app.namespace, tier="backend")
    operator = new_operator()
    start = audit.mark()
    app.create()
    app.wait_child("Deployment", "backend")
    operator.kill()
    simulator.behave(pods.ready(), namespace=app.namespace, tier="backend", now=True)
    operator.start()
    app.wait_ready()
    assert [item["metadata"]["name"] for item in app.owned("ControllerRevision")] == ["todo-rev-1"]
    traffic = audit.since(start).by(operator.user).inside(app.namespace)
    created = Counter(request.which for request in traffic.writes() if request.code == 201)
    assert all(count == 1 for count in created.values()), f"\n{traffic}"
    assert not [request for request in traffic if request.verb == "delete"], f"\n{traffic}"


def test_an_operator_killed_again_and_again_finishes_all_the_same(
        app: TodoApp, simulator: PodSimulator, new_operator: OperatorMaker) -> None:
    simulator.behave(pods.ready(0.4), namespace=app.namespace)
    operator = new_operator()
    app.create(FULL_SPEC)
    for kind in ("ControllerRevision", "Secret", "Deployment"):
        eventually(lambda kind=kind: app.owned(kind), f"a first {kind}")
        operator.kill()
        operator.start()
    app.wait_ready()
    app.patch({"backend": {"image": "localhost/todo-backend:1.1.0"}})
    eventually(lambda: len(app.owned("ControllerRevision")) == 2, "revision 2")
    operator.kill()
    operator.start()
    app.wait_ready()
    assert app.status["activeRevision"] == 2
    assert len(app.owned("ControllerRevision")) == 2
    values = {app.sealed("Secret", tier)["data"]["SESSION_KEY"] for tier in TIERS}
    assert len(values) == 1


def selected_component(app: TodoApp) -> str:
    """Whose pods the backend's Service selects."""
    return str(app.child("Service", "backend")["spec"]["selector"][COMPONENT])
