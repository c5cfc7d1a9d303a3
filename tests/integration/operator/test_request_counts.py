"""The floor of requests (design/behaviour.md), counted in the API server's audit log."""

from __future__ import annotations

from collections import Counter

import pytest

from support import pod_simulator as pods
from support.api import Api, Object
from support.audit import AuditLog, Traffic
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator
from support.todo_app import TIERS, TodoApp

BASE = ["deployments todo-frontend", "deployments todo-backend", "services todo-frontend", "services todo-backend"]
REVISION = ["controllerrevisions todo-rev-1"]
OUTCOME = REVISION
AT_MOST_STATUS_WRITES = 3


@pytest.fixture
def at_once(app: TodoApp, simulator: PodSimulator) -> TodoApp:
    """An app whose pods are ready as soon as they are there."""
    simulator.behave(pods.ready(0), namespace=app.namespace)
    return app


def test_a_smallest_app_costs_its_objects_its_record_and_its_outcome(
        at_once: TodoApp, operator: OperatorProcess, audit: AuditLog) -> None:
    traffic = cost_of_creating(at_once, operator, audit, {})
    assert traffic.object_writes().objects() == Counter(BASE + REVISION + OUTCOME), f"\n{traffic}"
    assert not traffic.reads(), f"\n{traffic}"


def test_config_costs_one_sealed_object_a_tier(
        at_once: TodoApp, operator: OperatorProcess, audit: AuditLog) -> None:
    traffic = cost_of_creating(at_once, operator, audit, {"config": {"LOG_LEVEL": "info"}})
    sealed = [f"configmaps {at_once.sealed('ConfigMap', tier)['metadata']['name']}" for tier in TIERS]
    assert traffic.object_writes().objects() == Counter(BASE + REVISION + OUTCOME + sealed), f"\n{traffic}"
    assert not traffic.reads(), f"\n{traffic}"


def test_a_generated_secret_costs_a_sealed_object_a_tier_and_the_keys(
        at_once: TodoApp, operator: OperatorProcess, audit: AuditLog) -> None:
    secret = {"name": "SESSION_KEY", "generate": {"bytes": 32}, "tiers": ["frontend", "backend"]}
    traffic = cost_of_creating(at_once, operator, audit, {"secrets": [secret]})
    sealed = [f"secrets {at_once.sealed('Secret', tier)['metadata']['name']}" for tier in TIERS]
    wanted = BASE + REVISION + OUTCOME + sealed + ["secrets todo-keys"]
    assert traffic.object_writes().objects() == Counter(wanted), f"\n{traffic}"
    assert not traffic.reads(), f"\n{traffic}"


def test_a_secret_of_the_user_costs_one_read(
        at_once: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog) -> None:
    api.create(user_secret(at_once.namespace))
    traffic = cost_of_creating(at_once, operator, audit, {"secrets": [live_secret()]})
    assert traffic.object_writes().objects() == Counter(BASE + REVISION + OUTCOME), f"\n{traffic}"
    assert traffic.reads().counts() == {"get secrets todo-db": 1}, f"\n{traffic}"


def test_a_pinned_secret_costs_its_copy_and_the_keys_besides_one_read(
        at_once: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog) -> None:
    api.create(user_secret(at_once.namespace))
    secret = {**live_secret(), "policy": "Pinned"}
    traffic = cost_of_creating(at_once, operator, audit, {"secrets": [secret]})
    sealed = [f"secrets {at_once.sealed('Secret', 'backend')['metadata']['name']}", "secrets todo-keys"]
    assert traffic.object_writes().objects() == Counter(BASE + REVISION + OUTCOME + sealed), f"\n{traffic}"
    assert traffic.reads().counts() == {"get secrets todo-db": 1}, f"\n{traffic}"


def test_scaling_costs_one_apply_and_at_most_two_status_writes(
        at_once: TodoApp, operator: OperatorProcess, audit: AuditLog) -> None:
    at_once.create().wait_ready()
    start = audit.settled([operator.user], at_once.namespace)
    at_once.patch({"backend": {"replicas": 3}})
    at_once.wait_ready()
    traffic = settled_traffic(at_once, operator, audit, start)
    assert traffic.object_writes().objects() == {"deployments todo-backend": 1}, f"\n{traffic}"
    traffic.assert_status_writes(at_most=2)
    assert not traffic.reads(), f"\n{traffic}"


def test_another_live_setting_costs_one_apply_and_at_most_two_status_writes(
        at_once: TodoApp, operator: OperatorProcess, audit: AuditLog) -> None:
    at_once.create().wait_ready()
    start = audit.settled([operator.user], at_once.namespace)
    at_once.patch({"frontend": {"service": {"annotations": {"example.org/team": "web"}}}})
    at_once.wait_ready()
    traffic = settled_traffic(at_once, operator, audit, start)
    assert traffic.object_writes().objects() == {"services todo-frontend": 1}, f"\n{traffic}"
    traffic.assert_status_writes(at_most=2)
    assert not traffic.reads(), f"\n{traffic}"


def test_an_image_upgrade_of_one_tier_costs_a_record_an_apply_and_an_outcome(
        at_once: TodoApp, operator: OperatorProcess, audit: AuditLog) -> None:
    at_once.create().wait_ready()
    start = audit.settled([operator.user], at_once.namespace)
    at_once.patch({"backend": {"image": "localhost/todo-backend:1.1.0"}})
    at_once.wait_ready()
    traffic = settled_traffic(at_once, operator, audit, start)
    wanted = {"controllerrevisions todo-rev-2": 2, "deployments todo-backend": 1}
    assert traffic.object_writes().objects() == wanted, f"\n{traffic}"
    traffic.assert_status_writes(at_most=AT_MOST_STATUS_WRITES)
    assert not traffic.reads(), f"\n{traffic}"


def test_events_of_no_consequence_cost_nothing(
        at_once: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog) -> None:
    at_once.create({"config": {"LOG_LEVEL": "info"}}).wait_ready()
    start = audit.settled([operator.user], at_once.namespace)
    note = {"metadata": {"annotations": {"example.org/note": "seen"}}}
    api.patch("TodoAppDeployment", "todo", at_once.namespace, note)
    api.patch("Service", "todo-backend", at_once.namespace, note)
    api.patch("ConfigMap", at_once.sealed("ConfigMap", "backend")["metadata"]["name"], at_once.namespace, note)
    api.patch("ControllerRevision", "todo-rev-1", at_once.namespace, note)
    traffic = settled_traffic(at_once, operator, audit, start)
    assert not traffic.writes(), f"\n{traffic}"
    assert not traffic.reads(), f"\n{traffic}"


def test_a_deployments_annotation_by_others_makes_ready_flap_not_once(
        at_once: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog) -> None:
    at_once.create().wait_ready()
    start = audit.settled([operator.user], at_once.namespace)
    note = {"metadata": {"annotations": {"example.org/note": "seen"}}}
    api.patch("Deployment", "todo-backend", at_once.namespace, note)
    traffic = settled_traffic(at_once, operator, audit, start)
    assert not traffic.writes(), f"\n{traffic}"


def test_a_deleted_status_is_shown_again_and_moves_nothing(
        at_once: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog) -> None:
    before = at_once.create().wait_ready()["status"]
    start = audit.settled([operator.user], at_once.namespace)
    api.patch("TodoAppDeployment", "todo", at_once.namespace, {"status": None}, subresource="status")
    after = at_once.wait_ready()["status"]
    traffic = settled_traffic(at_once, operator, audit, start)
    assert not traffic.object_writes(), f"\n{traffic}"
    assert not traffic.reads(), f"\n{traffic}"
    assert after["revisions"] == before["revisions"]
    assert after["activeRevision"] == before["activeRevision"]


def cost_of_creating(app: TodoApp, operator: OperatorProcess, audit: AuditLog, changes: Object) -> Traffic:
    start = audit.mark()
    app.create(changes).wait_ready()
    traffic = settled_traffic(app, operator, audit, start)
    traffic.assert_status_writes(at_most=AT_MOST_STATUS_WRITES)
    assert not traffic.refused(), f"\n{traffic}"
    return traffic


def settled_traffic(app: TodoApp, operator: OperatorProcess, audit: AuditLog, start: int) -> Traffic:
    """What the operator asked for in the app's namespace from `start` until it had nothing left to do."""
    end = audit.settled([operator.user], app.namespace)
    return audit.between(start, end).by(operator.user).inside(app.namespace)


def user_secret(namespace: str) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "todo-db", "namespace": namespace},
            "stringData": {"url": "postgres://todo:canary-5b1f@db/todo"}}


def live_secret() -> Object:
    return {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "todo-db", "key": "url"}}}
