"""A new app gets all its objects, in order, and says so."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from support import pod_simulator as pods
from support.api import Api, Object
from support.control_plane import Kubectl
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator
from support.todo_app import TIERS, TodoApp, condition_of, environment, is_owned_by
from support.waiting import eventually, show
from support.watching import Recorder

pytestmark = pytest.mark.usefixtures("operator")

CONFIG = {"config": {"LOG_LEVEL": "info"}, "backend": {"config": {"LOG_LEVEL": "debug", "PAGE": "50"}}}
GENERATED = {"name": "SESSION_KEY", "generate": {"bytes": 32}, "tiers": ["frontend", "backend"]}


def test_a_smallest_app_becomes_ready_with_two_tiers_and_one_revision(app: TodoApp, api: Api) -> None:
    app.create().wait_ready()
    assert names(app, "Deployment") == {"todo-frontend", "todo-backend"}
    assert names(app, "Service") == {"todo-frontend", "todo-backend"}
    assert names(app, "ControllerRevision") == {"todo-rev-1"}
    for kind in ("ConfigMap", "Secret", "Job", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy",
                 "Ingress"):
        assert names(app, kind) == set(), f"nobody asked for a {kind}"


def test_an_app_with_everything_gets_every_object_under_its_name(app: TodoApp) -> None:
    app.create(everything()).wait_ready()
    for kind in ("Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget"):
        assert names(app, kind) == {"todo-frontend", "todo-backend"}, kind
    assert "todo-backend" in names(app, "NetworkPolicy")
    assert names(app, "Ingress") == {"todo"}
    for tier in TIERS:
        assert app.sealed("ConfigMap", tier)["immutable"] is True
        assert app.sealed("Secret", tier)["immutable"] is True
    assert "todo-keys" in names(app, "Secret")


def test_every_object_bears_the_labels_and_the_controller_reference_of_its_app(app: TodoApp, api: Api) -> None:
    owner = app.create(everything()).wait_ready()
    for kind in ("Deployment", "Service", "ConfigMap", "Secret", "ControllerRevision", "HorizontalPodAutoscaler",
                 "PodDisruptionBudget", "NetworkPolicy", "Ingress"):
        owned = app.owned(kind)
        assert owned, f"no {kind}"
        for item in owned:
            labels = item["metadata"]["labels"]
            wanted = {"app.kubernetes.io/name": "todoapp", "app.kubernetes.io/instance": "todo",
                      "app.kubernetes.io/part-of": "todoapp", "app.kubernetes.io/managed-by": "todoapp-operator"}
            assert wanted.items() <= labels.items(), show(item["metadata"])
            assert is_owned_by(item, owner), show(item["metadata"])


def test_a_tiers_objects_select_its_own_pods_only(app: TodoApp, api: Api) -> None:
    app.create().wait_ready()
    for tier in TIERS:
        selector = {"app.kubernetes.io/name": "todoapp", "app.kubernetes.io/instance": "todo",
                    "app.kubernetes.io/component": tier}
        assert app.child("Deployment", tier)["spec"]["selector"] == {"matchLabels": selector}
        assert app.child("Service", tier)["spec"]["selector"] == selector
        assert len(app.pods(tier)) == 1


def test_pods_run_where_pod_security_restricted_is_enforced(app: TodoApp, api: Api) -> None:
    app.create(everything()).wait_ready()
    for tier in TIERS:
        [pod, *_] = app.pods(tier)
        spec, container = pod["spec"], pod["spec"]["containers"][0]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 1001
        assert spec["automountServiceAccountToken"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
        assert {"name": "tmp", "mountPath": "/tmp"}.items() <= container["volumeMounts"][0].items()


def test_the_pod_holds_what_the_spec_says_and_the_design_promises(app: TodoApp) -> None:
    app.create({"backend": {"service": {"port": 9000}}}).wait_ready()
    frontend, backend = app.container("frontend"), app.container("backend")
    assert environment(frontend)["BACKEND_URL"] == "http://todo-backend:9000"
    assert "BACKEND_URL" not in environment(backend)
    for container, port in ((frontend, 3000), (backend, 8000)):
        assert [(entry["name"], entry["containerPort"]) for entry in container["ports"]] == [("http", port)]
        assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"
        assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
        assert container["livenessProbe"]["httpGet"]["path"] == "/health"
        assert container["resources"]["requests"]["cpu"] == "100m"


def test_config_of_a_tier_wins_over_the_common_one_and_reaches_its_pods(app: TodoApp) -> None:
    app.create(CONFIG).wait_ready()
    assert app.sealed("ConfigMap", "frontend")["data"] == {"LOG_LEVEL": "info"}
    assert app.sealed("ConfigMap", "backend")["data"] == {"LOG_LEVEL": "debug", "PAGE": "50"}
    for tier in TIERS:
        assert app.in_use("ConfigMap", tier) == app.sealed("ConfigMap", tier)


def test_a_generated_secret_reaches_both_tiers_by_reference_and_appears_nowhere_else(
        app: TodoApp, operator: OperatorProcess, secrets: Callable[[str], str], kubectl: Kubectl) -> None:
    app.create({"secrets": [GENERATED]}).wait_ready()
    values = set()
    for tier in TIERS:
        sealed = app.sealed("Secret", tier)
        assert app.in_use("Secret", tier) == sealed
        assert "SESSION_KEY" not in environment(app.container(tier))
        values.add(sealed["data"]["SESSION_KEY"])
    [encoded] = values
    value = base64.b64decode(encoded).decode("latin-1")
    assert len(value) >= 32
    for form in (encoded, value):
        secrets(form)
        operator.assert_silent_about([form])
        everything_else = "tad,controllerrevisions,configmaps,deployments,events.events.k8s.io,pods"
        assert form not in kubectl("-n", app.namespace, "get", everything_else, "-o", "yaml")
        assert form not in operator.metrics().text


@pytest.mark.parametrize(("order", "first", "second"), [("BackendFirst", "backend", "frontend"),
                                                       ("FrontendFirst", "frontend", "backend")])
def test_the_second_tier_is_made_when_the_first_is_available(
        app: TodoApp, api: Api, simulator: PodSimulator, order: str, first: str, second: str) -> None:
    simulator.behave(pods.ready(0.5), namespace=app.namespace, tier=first)
    with Recorder(api, app.namespace, ["Deployment"]) as recorder:
        app.create({"upgrade": {"order": order}}).wait_ready()
    available = [change.version for change in recorder.changes("Deployment", f"todo-{first}")
                 if change.object["status"].get("availableReplicas") == 1]
    made = recorder.changes("Deployment", f"todo-{second}")[0]
    assert made.type == "ADDED"
    assert available and available[0] < made.version


def test_together_means_that_no_tier_waits_for_the_other(
        app: TodoApp, simulator: PodSimulator) -> None:
    simulator.behave(pods.never_ready(), namespace=app.namespace)
    app.create({"upgrade": {"order": "Together"}})
    app.wait_child("Deployment", "backend")
    app.wait_child("Deployment", "frontend")


def test_the_status_of_a_ready_app_says_all_that_the_design_promises(app: TodoApp) -> None:
    ready = app.create({"backend": {"replicas": 2}}).wait_ready()
    status = ready["status"]
    assert status["observedGeneration"] == ready["metadata"]["generation"]
    assert (status["activeRevision"], status["targetRevision"], status["lastGoodRevision"]) == (1, 1, 1)
    wanted = {"image": "localhost/todo-backend:1.0.0", "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2,
              "availableReplicas": 2, "ready": "2/2"}
    assert wanted.items() <= status["backend"].items(), show(status)
    assert status["frontend"]["ready"] == "1/1"
    [revision] = status["revisions"]
    assert (revision["number"], revision["outcome"]) == (1, "Succeeded")
    assert revision["createdAt"] and revision["cause"]
    conditions = {entry["type"]: (entry["status"], entry["reason"]) for entry in status["conditions"]}
    assert conditions.keys() == {"Ready", "Available"}, "Reconciling and Stalled are there only while true"
    assert conditions["Ready"] == ("True", "Succeeded")
    assert conditions["Available"][0] == "True"
    assert all(entry["observedGeneration"] == status["observedGeneration"] for entry in status["conditions"])


def test_ready_is_false_until_all_pods_are_ready_and_turns_true_once(
        app: TodoApp, api: Api, simulator: PodSimulator) -> None:
    simulator.behave(pods.ready(1.2), namespace=app.namespace)
    with Recorder(api, app.namespace, ["TodoAppDeployment", "Deployment"]) as recorder:
        app.create().wait_ready()
    first = next(change.object for change in recorder.changes("TodoAppDeployment") if condition_of(change.object, "Ready"))
    assert condition_of(first, "Ready")["status"] == "False", "a first verdict"
    assert condition_of(first, "Reconciling")["status"] == "True"
    verdicts = [condition_of(change.object, "Ready").get("status") for change in
                recorder.changes("TodoAppDeployment")]
    turns = [verdict for before, verdict in zip([None, *verdicts], verdicts, strict=False) if verdict != before]
    assert turns in (["False", "True"], [None, "False", "True"]), verdicts
    became_ready = next(change.version for change in recorder.changes("TodoAppDeployment")
                        if condition_of(change.object, "Ready").get("status") == "True")
    for tier in TIERS:
        available = next(change.version for change in recorder.changes("Deployment", f"todo-{tier}")
                         if change.object["status"].get("availableReplicas") == 1)
        assert available < became_ready


def test_the_outcome_is_recorded_only_after_the_soak(app: TodoApp, api: Api) -> None:
    app.create({"upgrade": {"soakSeconds": 600}})
    eventually(lambda: "Soaking" in app.status.get("step", ""), "the soak")
    assert app.outcome(1) == ""
    # A setting like others: what has passed of the soak counts.
    app.patch({"upgrade": {"soakSeconds": 2}})
    app.wait_ready()
    assert app.outcome(1) == "Succeeded"
    assert "step" not in app.status


def test_kubectl_shows_the_columns_of_the_design(app: TodoApp, kubectl: Kubectl) -> None:
    app.create().wait_ready()
    header, row = kubectl("-n", app.namespace, "get", "tad", "todo").splitlines()
    assert header.split() == ["NAME", "READY", "REVISION", "FRONTEND", "BACKEND", "AGE"]
    assert row.split()[:5] == ["todo", "True", "1", "1/1", "1/1"]
    header, row = kubectl("-n", app.namespace, "get", "tad", "todo", "-o", "wide").splitlines()
    assert header.split()[6:] == ["TARGET", "REASON", "MESSAGE"]
    assert row.split()[6:8] == ["1", "Succeeded"]
    assert "todo" in kubectl("-n", app.namespace, "get", "todoapp")


def test_an_app_without_pods_is_ready_at_once(app: TodoApp) -> None:
    app.create({"frontend": {"replicas": 0}, "backend": {"replicas": 0}}).wait_ready()
    assert app.status["backend"]["ready"] == "0/0"


def test_an_event_tells_of_the_success(app: TodoApp, api: Api) -> None:
    app.create().wait_ready()

    def look() -> list[Object]:
        return [event for event in api.list("Event", app.namespace)
                if event.get("regarding", {}).get("kind") == "TodoAppDeployment"
                and event.get("reportingController", "").endswith("todoapp-operator")]

    assert eventually(look, "an event about the app")


def names(app: TodoApp, kind: str) -> set[str]:
    return {item["metadata"]["name"] for item in app.owned(kind)}


def everything() -> Object:
    tier = {"autoscaling": {"minReplicas": 1, "maxReplicas": 3, "targetCPUUtilizationPercentage": 80},
            "disruptionBudget": {"maxUnavailable": 1}}
    return {"frontend": tier, "backend": tier, "config": {"LOG_LEVEL": "info"}, "secrets": [GENERATED],
            "ingress": {"host": "todo.example.org"}, "networkPolicy": {"enabled": True}}
