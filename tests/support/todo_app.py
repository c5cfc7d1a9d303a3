"""The app under test: a spec to start from, and a handle that knows the names of its children."""

from __future__ import annotations

import copy
from typing import Any

from support.api import Api, Object
from support.waiting import eventually, show

API_VERSION = "apps.todoapp.dev/v1alpha1"
ANNOTATIONS = "apps.todoapp.dev/"
MANAGER = "todoapp-operator"
TIERS = ("frontend", "backend")
# The status of an app that no operator has seen yet, as the CRD has it.
UNVISITED = {"observedGeneration": -1}

BACKEND_IMAGE = "localhost/todo-backend:1.0.0"
FRONTEND_IMAGE = "localhost/todo-frontend:1.0.0"


def todo_spec(changes: Object | None = None) -> Object:
    """The smallest spec, which does not soak; with changes merged in as a JSON merge patch would."""
    spec: Object = {"frontend": {"image": FRONTEND_IMAGE}, "backend": {"image": BACKEND_IMAGE},
                    "upgrade": {"soakSeconds": 0}}
    return merged(spec, changes or {})


def merged(base: Object, changes: Object) -> Object:
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


class TodoApp:
    def __init__(self, api: Api, namespace: str, name: str = "todo") -> None:
        self.api = api
        self.namespace = namespace
        self.name = name

    def create(self, changes: Object | None = None, annotations: dict[str, str] | None = None) -> TodoApp:
        meta = {"name": self.name, "namespace": self.namespace, "annotations": annotations or {}}
        self.api.create({"apiVersion": API_VERSION, "kind": "TodoAppDeployment", "metadata": meta,
                         "spec": todo_spec(changes)})
        return self

    def patch(self, spec: Object) -> int:
        """Changes the spec and returns its new generation."""
        after = self.api.patch("TodoAppDeployment", self.name, self.namespace, {"spec": spec})
        return int(after["metadata"]["generation"])

    def replace_spec(self, spec: Object) -> None:
        """All of it, as `kubectl apply` and `kubectl replace` do."""
        # Again, where the operator has written a status in between.
        eventually(lambda: self.api.replace({**self.get(), "spec": spec}), f"another spec of {self.namespace}/{self.name}")

    def annotate(self, **annotations: str | None) -> None:
        marks = {ANNOTATIONS + key: value for key, value in annotations.items()}
        self.api.patch("TodoAppDeployment", self.name, self.namespace, {"metadata": {"annotations": marks}})

    def delete(self, propagation: str = "Background") -> None:
        self.api.delete("TodoAppDeployment", self.name, self.namespace, propagation=propagation)

    def get(self) -> Object:
        return self.api.get("TodoAppDeployment", self.name, self.namespace)

    @property
    def status(self) -> Object:
        status: Object = self.get().get("status", {})
        return status

    def condition(self, kind: str) -> Object:
        """The condition, or an empty one."""
        return condition_of(self.get(), kind)

    def wait_ready(self, deadline: float = 120.0, reason: str = "Succeeded") -> Object:
        """Waits until all that the present spec asks for is done; returns the app."""
        return self.wait_condition("Ready", "True", reason, deadline)

    def wait_condition(self, kind: str, value: str, reason: str, deadline: float = 120.0) -> Object:
        """Waits for this condition to be said of the present generation; returns the app."""

        def look() -> Object:
            app = self.get()
            found = condition_of(app, kind)
            fits = (found.get("status") == value and found.get("reason") == reason
                    and found.get("observedGeneration") == app["metadata"]["generation"])
            assert fits, show({"generation": app["metadata"]["generation"], "status": app.get("status")})
            return app

        return eventually(look, f"{self.namespace}/{self.name}: {kind}={value} {reason}", deadline)

    def wait_no_condition(self, kind: str, deadline: float = 60.0) -> Object:
        def look() -> Object:
            app = self.get()
            assert not condition_of(app, kind), show(app.get("status"))
            return app

        return eventually(look, f"{self.namespace}/{self.name}: no condition {kind}", deadline)

    def child(self, kind: str, tier: str) -> Object:
        """A Deployment, Service, autoscaler, budget or policy of a tier."""
        return self.api.get(kind, f"{self.name}-{tier}", self.namespace)

    def wait_child(self, kind: str, tier: str, deadline: float = 60.0) -> Object:
        return eventually(lambda: self.child(kind, tier), f"{kind} {self.name}-{tier}", deadline)

    def owned(self, kind: str) -> list[Object]:
        """All objects of a kind that this app owns."""
        uid = self.get()["metadata"]["uid"]
        return [entry for entry in self.api.list(kind, self.namespace)
                if any(owner["uid"] == uid for owner in entry["metadata"].get("ownerReferences", []))]

    def sealed(self, kind: str, tier: str) -> Object:
        """The one sealed ConfigMap or Secret of a tier."""
        part = {"ConfigMap": "config", "Secret": "secrets"}[kind]
        found = [entry for entry in self.owned(kind)
                 if entry["metadata"]["name"].startswith(f"{self.name}-{tier}-{part}-")]
        assert len(found) == 1, f"{kind}s of {tier}: {[entry['metadata']['name'] for entry in found]}"
        return found[0]

    def in_use(self, kind: str, tier: str) -> Object:
        """The sealed ConfigMap or Secret that a tier's pods read."""
        reference = {"ConfigMap": "configMapRef", "Secret": "secretRef"}[kind]
        sources = [entry[reference]["name"] for entry in self.container(tier)["envFrom"] if reference in entry]
        assert len(sources) == 1, show(self.container(tier)["envFrom"])
        return self.api.get(kind, sources[0], self.namespace)

    def revision(self, number: int) -> Object:
        return self.api.get("ControllerRevision", f"{self.name}-rev-{number}", self.namespace)

    def outcome(self, number: int) -> str:
        """Empty while the rollout of that revision goes on."""
        return annotation(self.revision(number), "outcome")

    def container(self, tier: str) -> Object:
        container: Object = self.child("Deployment", tier)["spec"]["template"]["spec"]["containers"][0]
        return container

    def pods(self, tier: str) -> list[Object]:
        selector = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component={tier}"
        return self.api.list("Pod", self.namespace, selector)


def condition_of(item: Object, kind: str) -> Object:
    conditions = item.get("status", {}).get("conditions", [])
    return next((entry for entry in conditions if entry["type"] == kind), {})


def annotation(item: Object, name: str) -> str:
    """One of the operator's own annotations."""
    return str(item["metadata"].get("annotations", {}).get(ANNOTATIONS + name, ""))


def is_rolled_out(deployment: Object) -> bool:
    """Whether its controller has seen what is wanted now, and all of its pods have that and are available."""
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    return (status.get("observedGeneration") == deployment["metadata"]["generation"]
            and [status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")] == [wanted] * 3)


def is_owned_by(item: Object, owner: Object) -> bool:
    """Owned, and by a controller reference."""
    references = item["metadata"].get("ownerReferences", [])
    return any(entry["uid"] == owner["metadata"]["uid"] and entry.get("controller") is True for entry in references)


def managers_of(item: Object) -> set[str]:
    return {entry["manager"] for entry in item["metadata"].get("managedFields", [])}


def environment(container: Object) -> dict[str, Any]:
    """Name to value, or to where it comes from."""
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container.get("env", [])}
