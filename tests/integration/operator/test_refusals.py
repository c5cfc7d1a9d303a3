"""What the API server refuses is said in its own words, costs no hot loop, stops no other app, and heals."""

from __future__ import annotations



from support.api import Api
from support.audit import AuditLog
from support.operator_process import OperatorProcess
from support.todo_app import TodoApp, condition_of
from support.waiting import eventually, show

# The operator looks again at growing intervals: nothing tells it that a port or a quota became free.
HEALING_SECONDS = 90.0
MANY_TRIES = 25


def test_a_node_port_in_use_is_rejected_with_the_servers_words_until_it_is_free(
        app: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog) -> None:
    taken = api.create({"apiVersion": "v1", "kind": "Service",
                        "metadata": {"name": "in-the-way", "namespace": app.namespace},
                        "spec": {"type": "NodePort", "selector": {"a": "b"}, "ports": [{"port": 80}]}})
    port = taken["spec"]["ports"][0]["nodePort"]
    start = audit.mark()
    app.create({"frontend": {"service": {"type": "NodePort", "nodePort": port}}})
    app.wait_condition("Ready", "False", "Rejected")
    message = app.condition("Ready")["message"]
    assert "provided port is already allocated" in message and "todo-frontend" in message, message
    app.wait_condition("Stalled", "True", "Rejected")
    end = audit.settled([operator.user], app.namespace, quiet=1)
    tries = audit.between(start, end).by(operator.user).inside(app.namespace).refused()
    assert len(tries) < MANY_TRIES, f"\n{tries}"

    api.delete("Service", "in-the-way", app.namespace)
    app.wait_ready(HEALING_SECONDS)
    app.wait_no_condition("Stalled")


def test_a_rejected_app_goes_on_at_once_when_its_spec_changes(
        app: TodoApp, api: Api, operator: OperatorProcess) -> None:
    app.create({"frontend": {"service": {"type": "NodePort", "nodePort": 1}}})
    app.wait_condition("Ready", "False", "Rejected")
    assert "not in the valid range" in app.condition("Ready")["message"], app.condition("Ready")
    app.patch({"frontend": {"service": {"type": "ClusterIP", "nodePort": None}}})
    app.wait_ready()


def test_an_exceeded_quota_is_named_and_waited_for(app: TodoApp, api: Api, operator: OperatorProcess) -> None:
    api.create({"apiVersion": "v1", "kind": "ResourceQuota",
                "metadata": {"name": "tight", "namespace": app.namespace},
                "spec": {"hard": {"count/services": "1"}}})
    eventually(lambda: "used" in api.get("ResourceQuota", "tight", app.namespace)["status"], "the quota to count")
    app.create()
    app.wait_condition("Ready", "False", "QuotaExceeded")
    assert "tight" in app.condition("Ready")["message"], app.condition("Ready")
    api.delete("ResourceQuota", "tight", app.namespace)
    app.wait_ready(HEALING_SECONDS)


def test_a_quota_on_pods_is_infrastructure_and_no_failure(
        app: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog) -> None:
    api.create({"apiVersion": "v1", "kind": "ResourceQuota",
                "metadata": {"name": "tight", "namespace": app.namespace}, "spec": {"hard": {"pods": "0"}}})
    eventually(lambda: "used" in api.get("ResourceQuota", "tight", app.namespace)["status"], "the quota to count")
    # Time enough for Kubernetes to say that the quota is the cause, or the deadline would pass without one.
    app.create({"upgrade": {"progressDeadlineSeconds": 8}})

    def look() -> bool:
        conditions = app.status["conditions"]
        assert any("quota" in entry["message"].lower() for entry in conditions), show(conditions)
        return True

    eventually(look, "a condition that tells of the quota")
    eventually(lambda: condition_of(app.child("Deployment", "backend"), "Progressing")["status"] == "False", "the deadline")
    audit.settled([operator.user], app.namespace)
    assert look() and app.outcome(1) == ""
    api.delete("ResourceQuota", "tight", app.namespace)
    app.wait_ready(HEALING_SECONDS)
