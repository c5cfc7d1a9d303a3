"""The CRD in a cluster: accepted without a warning, shown as the design says, defaults filled in, status its own."""

from __future__ import annotations

import pytest
from crd_objects import CRD_FILE, CRD_NAME, KIND, app_object, dry_create
from support.api import Api, Object, path_of
from support.control_plane import Kubectl
from support.todo_app import UNVISITED

FULL_STATUS: Object = {
    "observedGeneration": 1,
    "conditions": [
        {"type": "Ready", "status": "False", "reason": "Progressing", "message": "Rolling the backend.",
         "lastTransitionTime": "2026-01-01T12:00:00Z", "observedGeneration": 1},
        {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": "",
         "lastTransitionTime": "2026-01-01T12:00:00Z", "observedGeneration": 1},
        {"type": "Reconciling", "status": "True", "reason": "Progressing", "message": "",
         "lastTransitionTime": "2026-01-01T12:00:00Z", "observedGeneration": 1},
    ],
    "activeRevision": 1, "targetRevision": 2, "lastGoodRevision": 1, "step": "RollingBackend 1/2",
    "frontend": {"image": "a:1", "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
                 "ready": "2/2"},
    "backend": {"image": "b:2", "replicas": 2, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
                "ready": "1/2"},
    "revisions": [
        {"number": 2, "createdAt": "2026-01-01T12:00:00Z", "cause": "backend image 1 to 2", "outcome": "",
         "restorable": True},
        {"number": 1, "createdAt": "2026-01-01T11:00:00Z", "cause": "first install", "outcome": "Succeeded",
         "reason": "Succeeded", "rollbackOf": 1, "restorable": False, "notRestorableReason": "SchemaBarrier"},
    ],
    "failure": {"revision": 2, "tier": "backend", "pod": "todo-backend-1", "container": "backend",
                "reason": "CrashLoopBackOff", "exitCode": 1, "restarts": 2, "message": "panic",
                "at": "2026-01-01T12:00:00Z"},
    "plan": {"hash": "abc",
             "changes": [{"path": "backend.image", "from": "b:1", "to": "b:2"}, {"path": "secrets.KEY"}]},
}


@pytest.fixture
def shown(api: Api, namespace: str) -> Object:
    """An app that has a status with every field."""
    api.create(app_object(namespace))
    return api.patch(KIND, "todo", namespace, {"status": FULL_STATUS}, subresource="status")


def test_the_crd_is_accepted_without_a_warning(kubectl: Kubectl) -> None:
    # Under another group, so that this is a create, which the server looks at most closely.
    fresh = CRD_FILE.read_text().replace("apps.todoapp.dev", "check.todoapp.dev")
    said = kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=fresh)
    assert "created (server dry run)" in said
    assert "warning" not in said.lower()


def test_the_crd_is_established_and_structural(api: Api) -> None:
    crd = api.get("CustomResourceDefinition", CRD_NAME)
    conditions = {entry["type"]: entry["status"] for entry in crd["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}


def test_an_ordinary_list_shows_the_columns_of_the_design(kubectl: Kubectl, namespace: str, shown: Object) -> None:
    header, row = kubectl("get", "tad", "--namespace", namespace).splitlines()
    assert header.split() == ["NAME", "READY", "REVISION", "FRONTEND", "BACKEND", "AGE"]
    assert row.split()[:5] == ["todo", "False", "1", "2/2", "1/2"]


def test_a_wide_list_shows_target_reason_and_message_too(kubectl: Kubectl, namespace: str, shown: Object) -> None:
    header, row = kubectl("get", "tad", "--namespace", namespace, "--output", "wide").splitlines()
    assert header.split() == ["NAME", "READY", "REVISION", "FRONTEND", "BACKEND", "AGE", "TARGET", "REASON", "MESSAGE"]
    assert row.split()[6:] == ["2", "Progressing", "Rolling", "the", "backend."]


def test_apps_are_in_the_category_todoapp(kubectl: Kubectl, namespace: str, shown: Object) -> None:
    said = kubectl("get", "todoapp", "--namespace", namespace, "--output", "name")
    assert said.strip() == "todoappdeployment.apps.todoapp.dev/todo"


def test_a_status_with_every_field_comes_back_as_it_was_written(shown: Object) -> None:
    assert shown["status"] == FULL_STATUS


def test_status_is_not_written_with_the_object_and_the_spec_not_with_the_status(api: Api, namespace: str) -> None:
    created = api.create({**app_object(namespace), "status": {"activeRevision": 7}})
    assert created["status"] == UNVISITED

    both = {"spec": {"suspend": True}, "status": {"activeRevision": 1}}
    after = api.patch(KIND, "todo", namespace, both, subresource="status")
    assert after["spec"]["suspend"] is False
    assert after["metadata"]["generation"] == 1


def test_a_status_may_be_lost_and_go_back(api: Api, namespace: str, shown: Object) -> None:
    lower = {"activeRevision": 0, "targetRevision": 0, "lastGoodRevision": 0, "observedGeneration": 0, "revisions": []}
    api.patch(KIND, "todo", namespace, {"status": lower}, subresource="status")
    after = api.patch(KIND, "todo", namespace, {"status": None}, subresource="status")
    assert after["status"] == UNVISITED


def probe(path: str, period: int, failures: int) -> Object:
    return {"path": path, "periodSeconds": period, "timeoutSeconds": 2, "failureThreshold": failures,
            "initialDelaySeconds": 0, "disabled": False}


def tier(image: str, port: int, service_port: int, requests: Object, limits: Object) -> Object:
    return {
        "image": image, "replicas": 1, "port": port,
        "service": {"type": "ClusterIP", "port": service_port},
        "resources": {"requests": requests, "limits": limits},
        "probes": {"liveness": probe("/health", 10, 3), "readiness": probe("/ready", 5, 3),
                   "startup": probe("/health", 2, 30)},
        "strategy": {"maxSurge": "25%", "maxUnavailable": 0, "minReadySeconds": 0},
        "terminationGracePeriodSeconds": 30, "preStopSeconds": 5,
        "securityContext": {
            "pod": {"fsGroup": 1001, "runAsGroup": 1001, "runAsNonRoot": True, "runAsUser": 1001,
                    "seccompProfile": {"type": "RuntimeDefault"}},
            "container": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                          "capabilities": {"drop": ["ALL"]}},
        },
    }


def test_the_smallest_app_gets_every_default(api: Api, namespace: str) -> None:
    assert dry_create(api, app_object(namespace))["spec"] == {
        "frontend": tier("localhost/todo-frontend:1.0.0", 3000, 80,
                         requests={"cpu": "100m", "memory": "128Mi"}, limits={"cpu": "500m", "memory": "512Mi"}),
        "backend": tier("localhost/todo-backend:1.0.0", 8000, 8000,
                        requests={"cpu": "100m", "memory": "256Mi"}, limits={"cpu": "1000m", "memory": "1Gi"}),
        "config": {}, "secrets": [],
        "upgrade": {"order": "BackendFirst", "progressDeadlineSeconds": 600, "timeoutSeconds": 1800, "soakSeconds": 10,
                    "maxRestarts": 2, "onFailure": "Rollback", "maxRetries": 0, "approval": "Automatic"},
        "revisionHistoryLimit": 10, "suspend": False, "networkPolicy": {"enabled": False},
    }


OPTIONAL_PARTS: list[tuple[Object, str, Object]] = [
    ({"ingress": {}}, "ingress", {"path": "/", "exposeBackend": False}),
    ({"secrets": [{"name": "A", "generate": {}}]}, "secrets",
     {"name": "A", "generate": {"bytes": 32}, "tiers": ["backend"]}),
    ({"secrets": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}, "secrets",
     {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}, "tiers": ["backend"]}),
    ({"backend": {"migration": {"args": ["migrate"], "schemaVersion": 1, "compatibleFrom": 1}}}, "migration",
     {"args": ["migrate"], "schemaVersion": 1, "compatibleFrom": 1, "backoffLimit": 1, "activeDeadlineSeconds": 600}),
    ({"backend": {"autoscaling": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 80}}}, "autoscaling",
     {"minReplicas": 1, "maxReplicas": 3, "targetCPUUtilizationPercentage": 80}),
]


@pytest.mark.parametrize(("changes", "part", "expected"), OPTIONAL_PARTS)
def test_an_optional_part_gets_its_defaults_where_it_is_set(api: Api, namespace: str, changes: Object, part: str,
                                                            expected: Object) -> None:
    spec = dry_create(api, app_object(namespace, {"spec": changes}))["spec"]
    found = spec.get(part, spec["backend"].get(part))
    assert (found[0] if isinstance(found, list) else found) == expected


def test_a_security_setting_replaces_its_default_and_leaves_the_others(api: Api, namespace: str) -> None:
    changes = {"pod": {"runAsUser": 2000},
               "container": {"readOnlyRootFilesystem": False, "capabilities": {"add": ["NET_BIND_SERVICE"]}}}
    spec = dry_create(api, app_object(namespace, {"spec": {"backend": {"securityContext": changes}}}))["spec"]
    assert spec["backend"]["securityContext"] == {
        "pod": {"fsGroup": 1001, "runAsGroup": 1001, "runAsNonRoot": True, "runAsUser": 2000,
                "seccompProfile": {"type": "RuntimeDefault"}},
        "container": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": False,
                      "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}},
    }


def test_the_default_security_context_passes_pod_security_restricted(api: Api, namespace: str) -> None:
    # The namespace of a test enforces that level. Its service account may not be there yet, so it is made.
    api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}})
    spec = dry_create(api, app_object(namespace))["spec"]
    for name in ("frontend", "backend"):
        security = spec[name]["securityContext"]
        container = {"name": name, "image": spec[name]["image"], "securityContext": security["container"],
                     "resources": spec[name]["resources"]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace},
               "spec": {"securityContext": security["pod"], "containers": [container],
                        "automountServiceAccountToken": False}}
        api.request("POST", path_of("Pod", namespace), pod, query={"dryRun": "All", "fieldValidation": "Strict"})
