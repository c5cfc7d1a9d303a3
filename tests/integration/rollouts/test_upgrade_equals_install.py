"""An app that was upgraded to a spec has the Deployments of one that was installed with it: nothing is left behind.

Server-side apply takes away what the operator owned, and leaves what the API server had filled in besides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from rollouts import Batch

from support.api import Api, Object
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator
from support.todo_app import TIERS, TodoApp

pytestmark = pytest.mark.usefixtures("operator")


def volumes(**sources: Object) -> Object:
    return {"volumes": [{"name": name, **source} for name, source in sources.items()],
            "volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in sources]}


OF_FIELD: Object = {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
OF_CONFIG: Object = {"valueFrom": {"configMapKeyRef": {"name": "extra", "key": "place", "optional": True}}}
CONFIG_MAP: Object = {"configMap": {"name": "extra", "optional": True}}
SECRET: Object = {"secret": {"secretName": "extra", "optional": True}}

# Specs of the backend that say the same things in other ways, or say nothing.
BACKENDS: dict[str, Object] = {
    "plain": {"image": "localhost/todo-backend:1.0.0"},
    "one": {
        "image": "localhost/todo-backend:latest",
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        "serviceAccountName": "worker",
        **volumes(first=CONFIG_MAP, second=SECRET, third={"emptyDir": {}}, fourth=CONFIG_MAP),
        "env": [{"name": "A", "value": "1"}, {"name": "B", **OF_FIELD}, {"name": "C", **OF_CONFIG},
                {"name": "D", "value": "4"}],
        "probes": {"readiness": {"periodSeconds": 30, "initialDelaySeconds": 5}, "liveness": {"disabled": True}},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "spot", "operator": "Exists"}],
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
        "podLabels": {"team": "a"}, "podAnnotations": {"note": "a"},
        "securityContext": {"pod": {"fsGroup": 2000}},
        "port": 9000,
        "config": {"PAGE": "50"},
        "preStopSeconds": 0, "terminationGracePeriodSeconds": 5,
        "imagePullSecrets": [{"name": "extra"}],
        "strategy": {"maxSurge": 2, "maxUnavailable": 1, "minReadySeconds": 1},
    },
    "other": {
        "image": "localhost/todo-backend:1.0.0",
        "imagePullPolicy": "Always",
        "resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "serviceAccountName": "default",
        **volumes(fourth={"emptyDir": {"medium": "Memory"}}, second=CONFIG_MAP, first=SECRET),
        "env": [{"name": "C", "value": "3"}, {"name": "B", **OF_CONFIG}, {"name": "A", **OF_FIELD}],
        "probes": {"liveness": {"path": "/alive"}, "startup": {"disabled": True}},
        "tolerations": [{"key": "spot", "operator": "Equal", "value": "yes", "effect": "NoExecute"}],
        "podLabels": {"owner": "b"},
        "securityContext": {"container": {"runAsUser": 2000}},
        "config": {"PAGE": "50", "SIZE": "5"},
        "imagePullSecrets": [{"name": "third"}, {"name": "extra"}],
    },
}
WAYS = [("one", "other"), ("other", "one"), ("one", "plain"), ("other", "plain"), ("plain", "one")]


@pytest.fixture(scope="module")
def apps(api: Api, operator: OperatorProcess, simulator: PodSimulator) -> Iterator[Batch]:
    """One app for each way, and for each spec one that was installed with it."""
    with Batch(api, simulator, "ways") as batch:
        api.create({"apiVersion": "v1", "kind": "ServiceAccount",
                    "metadata": {"name": "worker", "namespace": batch.namespace}})
        for spec, backend in BACKENDS.items():
            batch.apps[spec] = TodoApp(api, batch.namespace, f"app-{spec}").create({"backend": backend})
        for before, after in WAYS:
            name = f"app-{before}-{after}"
            batch.apps[name] = TodoApp(api, batch.namespace, name).create({"backend": BACKENDS[before]})
        batch.wait_ready()
        for before, after in WAYS:
            batch.apps[f"app-{before}-{after}"].replace_spec(batch.apps[after].get()["spec"])
        yield batch


@pytest.mark.parametrize(("before", "after"), WAYS)
def test_nothing_of_the_old_spec_stays(apps: Batch, before: str, after: str) -> None:
    upgraded = apps.apps[f"app-{before}-{after}"]
    upgraded.wait_ready()
    for tier in TIERS:
        assert plain(upgraded, tier) == plain(apps.apps[after], tier), tier


def plain(app: TodoApp, tier: str) -> list[str]:
    """A Deployment's spec, line by line, without what differs between any two apps."""
    spec = app.child("Deployment", tier)["spec"]
    text = re.sub(rf"\b{app.name}\b", "APP", json.dumps(spec, indent=1, sort_keys=True))
    return re.sub(r'("apps\.todoapp\.dev/[a-z-]+"): "[^"]*"', r"\1", text).splitlines()
