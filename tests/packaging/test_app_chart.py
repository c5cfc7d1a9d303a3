"""The chart of one app: its values can say all that a spec can say, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from support.api import Object
from support.charts import APP_CHART, Helm, Values, json_of, values_of
from support.control_plane import REPOSITORY, Kubectl

SAMPLES = REPOSITORY / "manifests" / "samples"
CRD = REPOSITORY / "crds" / "apps.todoapp.dev_todoappdeployments.yaml"
TIERS = ("frontend", "backend")
# What is not an image, and no part of a spec.
OWN_VALUES = {"global", "nameOverride", "labels", "annotations", "keep"}


def app(helm: Helm, values: Values | None = None, *flags: str) -> Object:
    (made,) = helm.rendered(APP_CHART, values, *flags, name="todo", namespace="todo")
    return made


def as_values(sample: Object) -> Object:
    """The values that a user would write for a spec: the same, with the images in parts."""
    spec: Object = yaml.safe_load(yaml.safe_dump(sample["spec"]))
    for tier in TIERS:
        repository, _, tag = spec[tier]["image"].rpartition(":")
        spec[tier]["image"] = {"repository": repository, "tag": tag}
    return spec


def spec_schema() -> Object:
    crd = yaml.safe_load(CRD.read_text())
    schema: Object = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


@pytest.mark.parametrize("file", sorted(SAMPLES.glob("[!k]*.yaml")), ids=lambda file: file.name)
def test_every_sample_can_be_said_by_values(helm: Helm, file: Any) -> None:
    sample = yaml.safe_load(file.read_text())
    made = app(helm, as_values(sample))
    assert (made["apiVersion"], made["kind"]) == (sample["apiVersion"], sample["kind"])
    assert made["spec"] == sample["spec"]


def paths(schema: Object, prefix: str = "") -> set[str]:
    """Of all fields, whatever depth."""
    found: set[str] = set()
    for name, entry in schema.get("properties", {}).items():
        found |= {f"{prefix}{name}"} | paths(entry, f"{prefix}{name}.")
    for word in ("items", "additionalProperties"):
        if isinstance(schema.get(word), dict):
            found |= paths(schema[word], f"{prefix}[].")
    return found


def test_the_schema_of_values_has_every_field_of_a_spec_and_no_other() -> None:
    values = paths(json_of(APP_CHART / "values.schema.json"))
    images = {f"{tier}.image.{part}" for tier in TIERS for part in ("repository", "tag", "digest")}
    assert values - images - OWN_VALUES == paths(spec_schema())
    assert images | OWN_VALUES <= values


def a_value(schema: Object) -> Any:
    """Something that the schema allows and that is not its default."""
    if schema.get("x-kubernetes-int-or-string") or schema.get("type") == "integer":
        return int(schema.get("minimum", 1)) + 1
    if "enum" in schema:
        return schema["enum"][-1]
    if schema.get("type") == "boolean":
        return not schema.get("default", False)
    if schema.get("type") == "array":
        return [a_value(schema["items"])]
    if schema.get("type") == "object" or "properties" in schema:
        return {name: a_value(entry) for name, entry in schema.get("properties", {}).items()} or {"KEY": "value"}
    return "value"


@pytest.mark.parametrize("tier", TIERS)
def test_every_field_of_a_tier_reaches_the_spec(helm: Helm, tier: str) -> None:
    # One after the other, since some exclude each other, and with `--skip-schema-validation`, since not each value is one
    # that the API takes: what is asked is whether the template hands it on.
    fields = {name: a_value(entry) for name, entry in spec_schema()["properties"][tier]["properties"].items()
              if name != "image"}
    assert len(fields) > 20
    made = app(helm, {tier: fields}, "--skip-schema-validation")
    assert made["spec"][tier] == {"image": f"localhost/todo-{tier}:1.0.0", **fields}


def test_every_other_field_reaches_the_spec(helm: Helm) -> None:
    fields = {name: a_value(entry) for name, entry in spec_schema()["properties"].items() if name not in TIERS}
    made = app(helm, fields, "--skip-schema-validation")
    assert {name: value for name, value in made["spec"].items() if name not in TIERS} == fields


def test_what_is_not_said_is_left_to_the_api(helm: Helm) -> None:
    assert app(helm)["spec"] == {tier: {"image": f"localhost/todo-{tier}:1.0.0"} for tier in TIERS}


def test_zero_and_false_say_something(helm: Helm) -> None:
    made = app(helm, {"frontend": {"replicas": 0, "preStopSeconds": 0}, "suspend": False, "upgrade": {"soakSeconds": 0}})
    assert made["spec"]["frontend"]["replicas"] == made["spec"]["frontend"]["preStopSeconds"] == 0
    assert made["spec"]["suspend"] is False
    assert made["spec"]["upgrade"] == {"soakSeconds": 0}


def test_the_values_for_a_local_node_ask_for_node_port_30000_and_one_pod_each(helm: Helm) -> None:
    spec = app(helm, values_of(APP_CHART, "values-dev.yaml"))["spec"]
    assert spec["frontend"]["service"] == {"type": "NodePort", "port": 80, "nodePort": 30000}
    assert [spec[tier]["replicas"] for tier in TIERS] == [1, 1]


def test_an_image_may_be_named_by_its_digest(helm: Helm) -> None:
    digest = "sha256:" + "0" * 64
    made = app(helm, {"backend": {"image": {"repository": "example.org/todo-backend", "digest": digest}}})
    assert made["spec"]["backend"]["image"] == f"example.org/todo-backend@{digest}"


def test_the_app_stays_when_the_release_goes_only_where_asked(helm: Helm) -> None:
    assert "annotations" not in app(helm)["metadata"]
    kept = app(helm, {"keep": True, "annotations": {"apps.todoapp.dev/retry": "1"}})["metadata"]["annotations"]
    assert kept == {"helm.sh/resource-policy": "keep", "apps.todoapp.dev/retry": "1"}


@pytest.mark.parametrize("values", [
    {"secrets": [{"name": "DATABASE_URL", "value": "postgres://me:secret@db/todo"}]},
    {"secrets": [{"name": "DATABASE_URL", "valueFrom": {"value": "x"}}]},
    {"secrets": {"DATABASE_URL": "postgres://me:secret@db/todo"}},
], ids=["value", "valueFrom", "map"])
def test_a_secret_cannot_be_given_by_value(helm: Helm, values: Values) -> None:
    with pytest.raises(AssertionError, match="values don't meet the specifications of the schema"):
        app(helm, values)


@pytest.mark.parametrize("values", [
    {"frontend": {"replica": 2}}, {"frontend": {"image": "localhost/todo-frontend:1.0.0"}},
    {"backend": {"replicas": "two"}}, {"backend": {"replicas": 1001}},
    {"frontend": {"migration": {}}}, {"upgrade": {"order": "Sideways"}},
    {"ingress": {"hosts": []}}, {"nameOverride": "Todo"}, {"frontend": {"probes": {"liveness": {"url": "/"}}}},
], ids=str)
def test_a_value_that_the_api_does_not_know_is_refused(helm: Helm, values: Values) -> None:
    with pytest.raises(AssertionError, match="values don't meet the specifications of the schema"):
        app(helm, values)


@pytest.mark.parametrize("file", [None, "values-dev.yaml"], ids=["defaults", "dev"])
def test_the_api_server_takes_what_is_rendered(helm: Helm, kubectl: Kubectl, namespace: str, file: str | None) -> None:
    values = values_of(APP_CHART, file) if file else {}
    (made,) = helm.rendered(APP_CHART, values, name="todo", namespace=namespace)
    said = kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=yaml.safe_dump(made))
    assert "created (server dry run)" in said


def test_the_notes_say_where_the_page_is(helm: Helm) -> None:
    def notes(values: Values) -> str:
        return helm("install", "todo", str(APP_CHART), "--namespace", "shop", "--dry-run=client", values=values)

    assert "port 30000 of any node" in notes(values_of(APP_CHART, "values-dev.yaml"))
    assert "kubectl -n shop port-forward service/todo-frontend 8080:80" in notes({})
