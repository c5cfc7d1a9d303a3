"""Plain objects that look like the operator's, for tests of the harness that need no operator."""

from __future__ import annotations

from typing import Any

from support.api import Object

MANAGED_LABELS = {"app.kubernetes.io/managed-by": "todoapp-operator", "app.kubernetes.io/component": "backend",
                  "app.kubernetes.io/instance": "sample"}
CONTAINER: dict[str, Any] = {
    "name": "main", "image": "localhost/todo-backend:1.0.0",
    "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "runAsUser": 1001,
                        "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}}}


def deployment(namespace: str, name: str = "sample", replicas: int = 2) -> Object:
    template = {"metadata": {"labels": MANAGED_LABELS}, "spec": {"containers": [CONTAINER]}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
            "spec": {"replicas": replicas, "progressDeadlineSeconds": 3, "selector": {"matchLabels": MANAGED_LABELS},
                     "template": template}}


def job(namespace: str, name: str = "migrate") -> Object:
    template = {"metadata": {"labels": MANAGED_LABELS},
                "spec": {"containers": [CONTAINER], "restartPolicy": "Never"}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": namespace},
            "spec": {"backoffLimit": 0, "template": template}}


def config_map(namespace: str, name: str, **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}
