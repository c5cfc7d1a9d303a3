"""Row 22: a walk over all fields of the CRD. Each is changed and taken back again, in an app of its own.

What the children hold after the change is what those of an app hold that was installed with it; what they hold after
the way back is what they held at first. The apps have no pods, so that their rollouts are over at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import yaml
from fields import ELSEWHERE, TIER, WHOLE, Step
from support.api import Api, Object
from support.control_plane import REPOSITORY
from support.end_state import differences
from support.namespaces import make_namespace
from support.operator_process import OperatorProcess
from support.todo_app import TIERS, TodoApp, condition_of, merged
from support.waiting import eventually, show

CRD = REPOSITORY / "crds" / "apps.todoapp.dev_todoappdeployments.yaml"
KINDS = ["Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Ingress"]
NO_PODS: Object = {tier: {"replicas": 0} for tier in TIERS}
# For some two hundred apps.
WALK_SECONDS = 400.0
# What differs by nature, or is the operator's own note of what it wrote.
MASKED = re.compile(r'"(apps\.todoapp\.dev/[a-z-]+|deployment\.kubernetes\.io/revision|clusterIPs?|nodePort)": '
                    r'("[^"]*"|\d+|\["[^"]*"\])')

STEPS: dict[str, Step] = {**{f"tiers.{field}": step for field, step in TIER.items()}, **WHOLE}

# By the app's name.
Children = dict[str, dict[str, Any]]


class Walk(NamedTuple):
    """What the children held, one after another, and what those of apps hold that were installed with the change."""

    before: Children
    changed: Children
    reverted: Children
    installed: Children


def test_every_field_of_the_schema_is_walked_or_looked_at_elsewhere() -> None:
    known = {*TIER, *WHOLE, *ELSEWHERE}
    schema = yaml.safe_load(CRD.read_text())["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    leaves = set(_leaves(schema["properties"]["spec"]))
    fields = {re.sub(r"^(frontend|backend)\.", "", name) for name in leaves}
    unknown = {name for name in fields if name not in known and name.partition(".")[0] not in ELSEWHERE}
    assert not unknown, sorted(unknown)
    gone = {name for name in known if not any(field == name or field.startswith(f"{name}.") for field in fields)}
    assert not gone, sorted(gone)


@pytest.fixture(scope="module")
def walk(api: Api, operator: OperatorProcess) -> Iterator[Walk]:
    """Of all fields at once."""
    walked, fresh = (make_namespace(api, words) for words in ("walk", "fresh"))
    for field, step in STEPS.items():
        given = merged(NO_PODS, _placed(field, step.given))
        TodoApp(api, walked, _name(field)).create(given)
        TodoApp(api, fresh, _name(field)).create(merged(given, _placed(field, _nested(field, step.value))))
    before, installed = _wait(api, walked), _wait(api, fresh)
    first, second = _children(api, walked), _children(api, fresh)
    _replace_specs(api, walked, installed)
    _wait(api, walked)
    changed = _children(api, walked)
    _replace_specs(api, walked, before)
    _wait(api, walked)
    yield Walk(first, changed, _children(api, walked), second)
    for namespace in (walked, fresh):
        api.delete("Namespace", namespace, missing_ok=True)


@pytest.mark.parametrize("field", STEPS)
def test_the_change_arrives_and_is_taken_back(walk: Walk, field: str) -> None:
    app = _name(field)
    assert differences(walk.changed[app], walk.before[app]), "nothing changed"
    assert not differences(walk.changed[app], walk.installed[app]), "not as one that was installed so"
    assert not differences(walk.reverted[app], walk.before[app]), "not as it was"


def _name(field: str) -> str:
    return f"app-{list(STEPS).index(field)}"


def _placed(field: str, fragment: Object) -> Object:
    """A fragment of both tiers, or of the whole spec."""
    return {tier: fragment for tier in TIERS} if field.startswith("tiers.") else fragment


def _nested(field: str, value: Any) -> Object:
    for name in reversed(field.removeprefix("tiers.").split(".")):
        value = {name: value}
    nested: Object = value
    return nested


def _wait(api: Api, namespace: str) -> dict[str, Object]:
    """Until all apps are ready; the specs that they then have."""

    def all_ready() -> list[Object]:
        apps = api.list("TodoAppDeployment", namespace)
        late = {app["metadata"]["name"]: app.get("status", {}).get("conditions") for app in apps
                if condition_of(app, "Ready").get("status") != "True"
                or condition_of(app, "Ready")["observedGeneration"] != app["metadata"]["generation"]}
        fields = list(STEPS)
        assert not late, show({f"{name}: {fields[int(name[4:])]}": words for name, words in late.items()})
        return apps

    return {app["metadata"]["name"]: app["spec"]
            for app in eventually(all_ready, f"the apps of {namespace} to be ready", WALK_SECONDS)}


def _replace_specs(api: Api, namespace: str, specs: dict[str, Object]) -> None:
    for name, spec in specs.items():
        TodoApp(api, namespace, name).replace_spec(spec)


def _children(api: Api, namespace: str) -> Children:
    found: Children = {_name(field): {} for field in STEPS}
    scaled = {item["spec"]["scaleTargetRef"]["name"] for item in api.list("HorizontalPodAutoscaler", namespace)}
    for kind in KINDS:
        for item in api.list(kind, namespace):
            meta = item["metadata"]
            if kind == "Deployment" and meta["name"] in scaled:
                del item["spec"]["replicas"]  # The autoscaler's.
            shown = {"labels": meta.get("labels"), "annotations": meta.get("annotations"), "spec": item["spec"]}
            text = MASKED.sub(r'"\1": null', json.dumps(shown))
            [owner] = meta["ownerReferences"]
            found[owner["name"]][f"{kind} {meta['name']}"] = json.loads(text)
    return found


def _leaves(schema: Object, path: str = "") -> Iterator[str]:
    if schema.get("type") != "object" or not schema.get("properties"):
        yield path
        return
    for name, entry in schema["properties"].items():
        yield from _leaves(entry, f"{path}.{name}" if path else name)
