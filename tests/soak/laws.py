"""What must hold of a soak: nothing grows, and nothing is lost."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import NamedTuple

from support.api import Api, Object
from support.todo_app import TIERS, condition_of

# A record's number; the last ten finished ones are kept beside those in use.
MOST_RECORDS = 14


class Sample(NamedTuple):
    resident: int
    threads: int
    files: int


def growth_of(samples: list[Sample]) -> list[str]:
    """The last quarter against the first: medians, for apps in mid-change need more for a moment."""
    quarter = max(len(samples) // 4, 1)
    first, last = samples[:quarter], samples[-quarter:]

    def grown(name: str, of: Callable[[Sample], int], most: float) -> list[str]:
        before, after = (statistics.median(of(sample) for sample in part) for part in (first, last))
        return [f"{name} grew from {before:g} to {after:g}"] if after > before + most else []

    before = statistics.median(sample.resident for sample in first)
    return [*grown("memory", lambda sample: sample.resident, before * 0.1 + 2**20),
            *grown("threads", lambda sample: sample.threads, 0), *grown("open files", lambda sample: sample.files, 4)]


def broken_laws(api: Api, namespaces: list[str]) -> list[str]:
    """Every app against its own spec, and every child against the apps there are."""
    problems: list[str] = []
    for namespace in namespaces:
        children = {kind: api.list(kind, namespace) for kind in ("Deployment", "Service", "ControllerRevision")}
        for app in api.list("TodoAppDeployment", namespace):
            problems += [f"{namespace}/{app['metadata']['name']}: {what}" for what in _of_app(app, children)]
    return problems


def _of_app(app: Object, children: dict[str, list[Object]]) -> list[str]:
    problems = []
    ready = condition_of(app, "Ready")
    if ready.get("status") != "True" or ready.get("observedGeneration") != app["metadata"]["generation"]:
        problems.append(f"not ready in generation {app['metadata']['generation']}: {ready}")
    mine = {kind: {item["metadata"]["name"]: item for item in items if _owner(item) == app["metadata"]["uid"]}
            for kind, items in children.items()}
    for tier in TIERS:
        name, wanted = f"{app['metadata']['name']}-{tier}", app["spec"][tier]
        if name not in mine["Service"]:
            problems.append(f"no Service {name}")
        deployment = mine["Deployment"].get(name)
        if deployment is None:
            problems.append(f"no Deployment {name}")
            continue
        spec = deployment["spec"]
        if spec["replicas"] != wanted["replicas"]:
            problems.append(f"{name} has {spec['replicas']} replicas, not {wanted['replicas']}")
        if spec["template"]["spec"]["containers"][0]["image"] != wanted["image"]:
            problems.append(f"{name} does not run {wanted['image']}")
    for kind in ("Service", "Deployment"):
        if len(mine[kind]) > len(TIERS):
            problems.append(f"too many of {kind}: {sorted(mine[kind])}")
    if len(mine["ControllerRevision"]) > MOST_RECORDS:
        problems.append(f"{len(mine['ControllerRevision'])} records")
    return problems


def _owner(item: Object) -> str:
    return next((str(entry["uid"]) for entry in item["metadata"].get("ownerReferences", []) if entry.get("controller")),
                "")
