"""Looking at an app's history and at what its pods run: records, sealed objects, templates, and that nothing moved."""

from __future__ import annotations

import base64
import copy
from typing import NamedTuple

from support.api import Api, Object, path_of
from support.todo_app import ANNOTATIONS, TIERS, TodoApp, annotation
from support.waiting import eventually, show

# Marks on a pod template that are not content.
OVERLAY = {ANNOTATIONS + name for name in ("template", "restart", "live-secrets", "attempt")}

# A tier without pods is rolled out at once: for tests that are not about pods.
NO_PODS: Object = {"frontend": {"replicas": 0}, "backend": {"replicas": 0}}

LIVE: Object = {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "todo-db", "key": "url"}}}
PINNED: Object = {**LIVE, "policy": "Pinned"}
GENERATED: Object = {"name": "SESSION_KEY", "generate": {"bytes": 32}, "tiers": ["frontend", "backend"]}


def image(tier: str, version: str) -> str:
    return f"localhost/todo-{tier}:{version}"


def records(app: TodoApp) -> dict[int, Object]:
    """The recorded revisions by number, oldest first."""
    found = {int(item["revision"]): item for item in app.owned("ControllerRevision")}
    return dict(sorted(found.items()))


def numbers(app: TodoApp) -> list[int]:
    return list(records(app))


def cause(app: TodoApp, number: int) -> str:
    return annotation(app.revision(number), "cause")


def rollback_of(app: TodoApp, number: int) -> str:
    """Empty for a revision that is no rollback."""
    return annotation(app.revision(number), "rollback-of")


def wait_outcome(app: TodoApp, number: int, outcome: str = "Succeeded", deadline: float = 120.0) -> Object:
    """Waits until a rollout has come to this end; returns its record."""

    def look() -> Object:
        record = app.revision(number)
        assert annotation(record, "outcome") == outcome, show(record["metadata"].get("annotations"))
        return record

    return eventually(look, f"revision {number} of {app.namespace}/{app.name}: {outcome}", deadline)


def shown(app: TodoApp, number: int) -> Object:
    """What the status says of a revision."""
    by_number: dict[int, Object] = {entry["number"]: entry for entry in app.status["revisions"]}
    return by_number[number]


def install(app: TodoApp, spec: Object | None = None) -> TodoApp:
    """Creates the app and waits for its first revision, but not for the status, which may come a second later."""
    app.create(spec)
    wait_outcome(app, 1)
    return app


def template_of(app: TodoApp, tier: str) -> Object:
    template: Object = app.child("Deployment", tier)["spec"]["template"]
    return template


def images(app: TodoApp) -> dict[str, str]:
    return {tier: app.container(tier)["image"] for tier in TIERS}


class Footprint(NamedTuple):
    """All that would show if pods were touched."""

    deployments: dict[str, tuple[str, int]]
    templates: dict[str, Object]
    pods: frozenset[str]


def footprint(app: TodoApp) -> Footprint:
    deployments = {tier: app.child("Deployment", tier) for tier in TIERS}
    return Footprint({tier: (item["metadata"]["uid"], item["metadata"]["generation"])
                      for tier, item in deployments.items()},
                     {tier: item["spec"]["template"] for tier, item in deployments.items()},
                     frozenset(pod["metadata"]["uid"] for tier in TIERS for pod in app.pods(tier)))


def sealed_names(app: TodoApp, kind: str) -> set[str]:
    """Names of all sealed ConfigMaps or Secrets of the app."""
    part = {"ConfigMap": "-config-", "Secret": "-secrets-"}[kind]
    return {item["metadata"]["name"] for item in app.owned(kind) if part in item["metadata"]["name"]}


def names_in(data: Object) -> set[str]:
    """The sealed objects that a record's data names."""
    return {data[tier][key] for tier in TIERS for key in ("configName", "secretsName") if key in data[tier]}


def put_secret(api: Api, app: TodoApp, value: str, key: str = "url", name: str = "todo-db") -> None:
    api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": app.namespace},
               "data": {key: base64.b64encode(value.encode()).decode()}})


def values_in(secret: Object) -> dict[str, str]:
    return {name: base64.b64decode(value).decode() for name, value in secret.get("data", {}).items()}


def values_used(app: TodoApp, tier: str) -> dict[str, str]:
    """The pinned and generated values that a tier's pods get."""
    return values_in(app.in_use("Secret", tier))


def sealed_part(template: Object) -> Object:
    """A live pod template without what lies over the one that a revision seals."""
    result = copy.deepcopy(template)
    for part in ("labels", "annotations"):
        marks = {key: value for key, value in result["metadata"].get(part, {}).items() if key not in OVERLAY}
        result["metadata"].pop(part, None)
        if marks:
            result["metadata"][part] = marks
    return result


def as_served(app: TodoApp, template: Object) -> Object:
    """A recorded pod template as the API server would show it, with its defaults and its way to write quantities."""
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "only-asked"},
            "spec": {"selector": {"matchLabels": template["metadata"]["labels"]}, "template": template}}
    answer = app.api.request("POST", path_of("Deployment", app.namespace), body, query={"dryRun": "All"})
    served: Object = answer["spec"]["template"]
    return sealed_part(served)
