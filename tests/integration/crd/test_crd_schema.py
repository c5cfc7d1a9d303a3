"""The schema as a text: complete, described, and the same for both tiers but for what the design says."""

from __future__ import annotations

import json
from typing import Any

from crd_objects import fields, read_crd, root_schema, rules_of, version_of

# kubectl apply without --server-side keeps the whole object in an annotation, which has this limit.
ANNOTATION_BYTES = 262144


def test_every_field_has_a_description() -> None:
    # The API server allows none on the metadata of the root.
    bare = [path for path, field in fields(root_schema()) if path != ".metadata" and not field.get("description")]
    assert not bare


def test_every_description_is_a_sentence() -> None:
    texts = {path: field["description"] for path, field in fields(root_schema()) if path != ".metadata"}
    sloppy = [path for path, text in texts.items()
              if not text.endswith(".") or not (text[0].isupper() or text.startswith("metadata."))]
    assert not sloppy


def test_every_list_has_a_list_type_and_every_list_map_has_required_keys() -> None:
    for path, field in fields(root_schema()):
        if field.get("type") != "array":
            continue
        kind = field.get("x-kubernetes-list-type")
        assert kind in ("atomic", "set", "map"), path
        if kind == "map":
            assert set(field["x-kubernetes-list-map-keys"]) <= set(field["items"]["required"]), path


def test_no_part_of_an_object_escapes_the_schema() -> None:
    for path, field in fields(root_schema()):
        assert "x-kubernetes-preserve-unknown-fields" not in field, path
        if field.get("type") == "object" and path != ".metadata":
            assert ("properties" in field) != ("additionalProperties" in field), path


def test_every_rule_has_a_message() -> None:
    assert all(rule.get("message") for _, rule in rules_of(root_schema()))


def test_required_fields_are_declared() -> None:
    for path, field in fields(root_schema()):
        assert set(field.get("required", [])) <= set(field.get("properties", {})), path


def difference(one: Any, other: Any, path: str = "") -> set[str]:
    """Paths at which two schemas differ, descriptions apart."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = (set(one) | set(other)) - {"description"}
        return set().union(*(difference(one.get(key), other.get(key), f"{path}.{key}") for key in keys))
    return set() if one == other else {path.replace(".properties", "")}


def test_the_tiers_differ_only_in_defaults_and_migration() -> None:
    tiers = root_schema()["properties"]["spec"]["properties"]
    assert difference(tiers["frontend"], tiers["backend"]) == {
        ".migration", ".port.default", ".service.port.default", ".resources.requests.default.memory",
        ".resources.limits.default.cpu", ".resources.limits.default.memory",
    }


def test_the_spec_has_the_fields_of_the_design_and_no_others() -> None:
    spec = root_schema()["properties"]["spec"]["properties"]
    assert list(spec) == ["frontend", "backend", "config", "secrets", "upgrade", "rollback", "revisionHistoryLimit",
                          "suspend", "ingress", "networkPolicy"]
    assert list(spec["backend"]["properties"]) == [
        "image", "imagePullPolicy", "imagePullSecrets", "replicas", "port", "service", "env", "config", "resources",
        "probes", "autoscaling", "disruptionBudget", "strategy", "terminationGracePeriodSeconds", "preStopSeconds",
        "nodeSelector",
        "tolerations", "affinity", "topologySpreadConstraints", "priorityClassName", "serviceAccountName", "podLabels",
        "podAnnotations", "volumes", "volumeMounts", "securityContext", "migration"]


def test_the_status_has_the_fields_of_the_design_and_no_others() -> None:
    status = root_schema()["properties"]["status"]["properties"]
    assert list(status) == ["observedGeneration", "conditions", "activeRevision", "targetRevision", "lastGoodRevision",
                            "step", "frontend", "backend", "revisions", "failure", "plan"]


def test_no_rule_stands_in_the_way_of_a_status_write() -> None:
    """Status is output: the operator must be able to write it whatever was there before."""
    assert not list(rules_of(root_schema()["properties"]["status"]))


def test_the_crd_fits_an_ordinary_kubectl_apply() -> None:
    assert len(json.dumps(read_crd())) < ANNOTATION_BYTES * 0.9


def test_the_resource_is_named_as_the_design_says() -> None:
    spec = read_crd()["spec"]
    assert spec["group"] == "apps.todoapp.dev"
    assert spec["scope"] == "Namespaced"
    assert spec["names"] == {"kind": "TodoAppDeployment", "listKind": "TodoAppDeploymentList",
                             "plural": "todoappdeployments", "singular": "todoappdeployment", "shortNames": ["tad"],
                             "categories": ["todoapp"]}
    assert version_of(read_crd())["subresources"] == {"status": {}}
