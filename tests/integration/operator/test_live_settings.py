"""Live settings are applied at once, make no revision and restart no pod."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.api import Api, Object
from support.audit import AuditLog
from support.operator_process import OperatorProcess
from support.todo_app import MANAGER, TodoApp
from support.waiting import eventually, show

pytestmark = pytest.mark.usefixtures("operator")

AUTOSCALING = {"minReplicas": 2, "maxReplicas": 5, "targetCPUUtilizationPercentage": 70}


@pytest.fixture
def running(app: TodoApp) -> Iterator[TodoApp]:
    """A ready app; afterwards it must still have its first revision and its first pods' template."""
    app.create().wait_ready()
    templates = {tier: template_of(app, tier) for tier in ("frontend", "backend")}
    yield app
    assert [item["metadata"]["name"] for item in app.owned("ControllerRevision")] == ["todo-rev-1"]
    assert {tier: template_of(app, tier) for tier in templates} == templates


def test_replicas_follow_the_spec(running: TodoApp) -> None:
    running.patch({"backend": {"replicas": 3}})
    running.wait_ready()
    assert running.child("Deployment", "backend")["spec"]["replicas"] == 3
    # It is ready all the while.
    eventually(lambda: running.status["backend"]["ready"] == "3/3", "three ready pods")


def test_ready_stays_true_while_scaling(running: TodoApp, api: Api) -> None:
    generation = running.patch({"backend": {"replicas": 2}})

    def look() -> Object:
        status = running.status
        assert status["observedGeneration"] == generation, show(status)
        return status

    status = eventually(look, "the new generation to be seen")
    assert next(entry for entry in status["conditions"] if entry["type"] == "Ready")["status"] == "True"
    running.wait_ready()


def test_an_autoscaler_owns_the_replicas_while_there_is_one(running: TodoApp, api: Api) -> None:
    running.patch({"backend": {"autoscaling": AUTOSCALING}})
    scaler = running.wait_child("HorizontalPodAutoscaler", "backend")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 5)
    assert scaler["scaleTargetRef"]["name"] == "todo-backend"
    running.wait_ready()
    assert "f:replicas" not in owned_fields(running.child("Deployment", "backend"))["f:spec"]

    api.patch("Deployment", "todo-backend", running.namespace, {"spec": {"replicas": 4}}, subresource="scale")
    running.patch({"upgrade": {"progressDeadlineSeconds": 500}})  # Makes the operator apply the Deployment.
    eventually(lambda: running.child("Deployment", "backend")["spec"]["progressDeadlineSeconds"] == 500, "the apply")
    assert running.child("Deployment", "backend")["spec"]["replicas"] == 4

    running.patch({"backend": {"autoscaling": None, "replicas": 2}})
    eventually(lambda: not running.owned("HorizontalPodAutoscaler"), "the autoscaler to go")
    eventually(lambda: running.child("Deployment", "backend")["spec"]["replicas"] == 2, "the spec's replicas")
    running.wait_ready()


def test_turning_autoscaling_on_never_drops_the_replicas(running: TodoApp, api: Api) -> None:
    running.patch({"backend": {"replicas": 3}})
    running.wait_ready()
    eventually(lambda: running.status["backend"]["replicas"] == 3, "the operator to see three replicas")
    running.patch({"backend": {"autoscaling": AUTOSCALING}})
    running.wait_child("HorizontalPodAutoscaler", "backend")
    running.wait_ready()
    assert running.child("Deployment", "backend")["spec"]["replicas"] == 3


def test_a_disruption_budget_comes_changes_its_kind_and_goes(running: TodoApp) -> None:
    running.patch({"backend": {"disruptionBudget": {"minAvailable": 1}}})
    budget = running.wait_child("PodDisruptionBudget", "backend")
    assert budget["spec"]["minAvailable"] == 1
    running.patch({"backend": {"disruptionBudget": {"minAvailable": None, "maxUnavailable": "50%"}}})

    def look() -> bool:
        spec = running.child("PodDisruptionBudget", "backend")["spec"]
        assert spec.get("maxUnavailable") == "50%" and "minAvailable" not in spec, show(spec)
        return True

    eventually(look, "the other kind of budget")
    running.patch({"backend": {"disruptionBudget": None}})
    eventually(lambda: not running.owned("PodDisruptionBudget"), "the budget to go")
    running.wait_ready()


def test_a_changed_service_port_replaces_the_old_one(app: TodoApp) -> None:
    app.create().wait_ready()
    before = app.child("Service", "frontend")
    app.patch({"frontend": {"service": {"port": 8080}}})

    def look() -> Object:
        service = app.child("Service", "frontend")
        assert [port["port"] for port in service["spec"]["ports"]] == [8080], show(service["spec"])
        return service

    after = eventually(look, "one port, the new one")
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["clusterIP"] == before["spec"]["clusterIP"]
    app.wait_ready()
    assert len(app.owned("ControllerRevision")) == 1, "the frontend's port is in nobody's environment"


def test_a_service_becomes_a_node_port_changes_it_and_goes_back(running: TodoApp) -> None:
    running.patch({"frontend": {"service": {"type": "NodePort"}}})
    eventually(lambda: running.child("Service", "frontend")["spec"]["type"] == "NodePort", "a NodePort")
    chosen = running.child("Service", "frontend")["spec"]["ports"][0]["nodePort"]
    wanted = chosen + 1 if chosen < 32767 else chosen - 1
    running.patch({"frontend": {"service": {"nodePort": wanted}}})
    eventually(lambda: running.child("Service", "frontend")["spec"]["ports"][0]["nodePort"] == wanted, "its number")
    running.patch({"frontend": {"service": {"type": "ClusterIP", "nodePort": None}}})

    def look() -> bool:
        service = running.child("Service", "frontend")
        spec = service["spec"]
        assert spec["type"] == "ClusterIP" and "nodePort" not in spec["ports"][0], show(spec)
        return True

    eventually(look, "a ClusterIP without a node port")
    running.wait_ready()


def test_an_ingress_comes_changes_and_goes(running: TodoApp, api: Api) -> None:
    running.patch({"ingress": {"className": "nginx", "host": "todo.example.org", "exposeBackend": True,
                               "tls": {"secretName": "todo-tls"}, "annotations": {"example.org/size": "8m"}}})
    eventually(lambda: api.get("Ingress", "todo", running.namespace), "the ingress")
    ingress = api.get("Ingress", "todo", running.namespace)
    paths = {path["path"]: path["backend"]["service"]["name"] for path in ingress["spec"]["rules"][0]["http"]["paths"]}
    assert paths == {"/": "todo-frontend", "/api": "todo-backend"}
    assert ingress["spec"]["ingressClassName"] == "nginx"
    assert ingress["spec"]["tls"] == [{"hosts": ["todo.example.org"], "secretName": "todo-tls"}]
    assert ingress["metadata"]["annotations"]["example.org/size"] == "8m"

    running.patch({"ingress": {"host": "app.example.org", "exposeBackend": False, "tls": None, "annotations": None}})

    def look() -> bool:
        item = api.get("Ingress", "todo", running.namespace)
        spec = item["spec"]
        assert [rule["host"] for rule in spec["rules"]] == ["app.example.org"], show(spec)
        assert [path["path"] for path in spec["rules"][0]["http"]["paths"]] == ["/"], show(spec)
        assert "tls" not in spec and "example.org/size" not in item["metadata"]["annotations"], show(item)
        return True

    eventually(look, "the changed ingress")
    running.patch({"ingress": None})
    eventually(lambda: not running.owned("Ingress"), "the ingress to go")
    running.wait_ready()


def test_a_network_policy_lets_the_frontend_and_the_named_ones_reach_the_backend(running: TodoApp) -> None:
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    running.patch({"networkPolicy": {"enabled": True, "allowFrom": [peer]}})
    spec = running.wait_child("NetworkPolicy", "backend")["spec"]
    assert spec["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "backend"
    sources = [source for rule in spec["ingress"] for source in rule["from"]]
    assert peer in sources
    frontend = [source["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for source in sources
                if "podSelector" in source]
    assert frontend == ["frontend"]
    running.patch({"networkPolicy": {"enabled": False}})
    eventually(lambda: not running.owned("NetworkPolicy"), "the policy to go")
    running.wait_ready()


def test_a_policy_of_upgrades_reaches_the_deployments(running: TodoApp) -> None:
    running.patch({"upgrade": {"progressDeadlineSeconds": 120, "onFailure": "Hold", "maxRetries": 2}})
    for tier in ("frontend", "backend"):
        eventually(lambda tier=tier: running.child("Deployment", tier)["spec"]["progressDeadlineSeconds"] == 120,
                   f"the deadline of {tier}")
    running.wait_ready()


def test_a_shorter_history_loses_its_oldest_revisions_and_their_config(app: TodoApp) -> None:
    app.create({"config": {"STEP": "1"}}).wait_ready()
    for step in ("2", "3", "4"):
        app.patch({"config": {"STEP": step}})
        app.wait_ready()
    assert numbers(app) == [1, 2, 3, 4]
    app.patch({"revisionHistoryLimit": 1})
    # Active, target and last good are the fourth; one finished revision is kept besides.
    eventually(lambda: numbers(app) == [3, 4], "revisions 3 and 4 alone")
    eventually(lambda: len(app.owned("ConfigMap")) == 4, "the ConfigMaps of two revisions")
    app.wait_ready()
    eventually(lambda: [entry["number"] for entry in app.status["revisions"]] == [4, 3], "the status to show those")


def test_a_suspended_app_is_not_written_and_catches_up_afterwards(
        running: TodoApp, operator: OperatorProcess, audit: AuditLog) -> None:
    running.patch({"suspend": True})
    running.wait_condition("Ready", "False", "Suspended")
    start = audit.mark()
    running.patch({"backend": {"replicas": 3}})
    running.wait_condition("Ready", "False", "Suspended")
    end = audit.settled([operator.user], running.namespace, quiet=1)
    mine = audit.between(start, end).by(operator.user).inside(running.namespace)
    assert not mine.object_writes(), f"\n{mine}"
    running.patch({"suspend": False})
    running.wait_ready()
    assert running.child("Deployment", "backend")["spec"]["replicas"] == 3


def template_of(app: TodoApp, tier: str) -> Object:
    template: Object = app.child("Deployment", tier)["spec"]["template"]
    return template


def owned_fields(item: Object) -> Object:
    """What the operator owns of an object, as managedFields say."""
    entries = [entry for entry in item["metadata"]["managedFields"]
               if entry["manager"] == MANAGER and entry["operation"] == "Apply"]
    assert entries, show(item["metadata"]["managedFields"])
    fields: Object = entries[0]["fieldsV1"]
    return fields


def numbers(app: TodoApp) -> list[int]:
    return sorted(item["revision"] for item in app.owned("ControllerRevision"))
