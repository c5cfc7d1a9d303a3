"""JSON schemas of Kubernetes' kinds, one set for each version, for kubeconform: nothing is fetched.

They come with the Python package kubernetes-validate, whose files name each other by addresses in the web; here they
name each other by file. Kinds of CRDs are added from their own schemas.
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import yaml

from support.api import Object

DEFINITIONS = "_definitions.json"
_BY_ADDRESS = '"/api/_definitions.json#'
# What kubeconform fills in.
PATTERN = "{{.NormalizedKubernetesVersion}}{{.StrictSuffix}}/{{.ResourceKind}}{{.KindSuffix}}.json"


def _package() -> Path:
    spec = importlib.util.find_spec("kubernetes_validate")
    assert spec and spec.submodule_search_locations, "kubernetes-validate is missing: see tests/requirements.txt"
    return Path(spec.submodule_search_locations[0]) / "kubernetes-json-schema"


def minor_versions() -> list[int]:
    """Of Kubernetes 1, for which there are schemas."""
    return sorted(int(folder.name.split(".")[1]) for folder in _package().glob("v1.*.0-local-strict"))


def file_name(kind: str, api_version: str) -> str:
    group, _, version = api_version.rpartition("/")
    short = group.split(".")[0]
    return f"{kind.lower()}-{short}-{version}.json" if short else f"{kind.lower()}-{version}.json"


def lay_out(folder: Path, minor: int, objects: list[Object], crds: list[Object]) -> None:
    """Puts the schemas of these objects' kinds where PATTERN looks for them, below `folder`."""
    source = _package() / f"v1.{minor}.0-local-strict"
    target = folder / f"v1.{minor}.0-strict"
    target.mkdir(parents=True)
    definitions = json.loads((source / DEFINITIONS).read_text())["$defs"]
    needed: set[str] = set()
    for name in {file_name(entry["kind"], entry["apiVersion"]) for entry in objects}:
        if (source / name).is_file():
            text = (source / name).read_text()
            _gather(text, definitions, needed)
            (target / name).write_text(_by_file(text, target))
    kept = json.dumps({"$defs": {name: definitions[name] for name in sorted(needed)}})
    (target / DEFINITIONS).write_text(_by_file(kept, target))
    for crd in crds:
        for version in crd["spec"]["versions"]:
            name = file_name(crd["spec"]["names"]["kind"], f"{crd['spec']['group']}/{version['name']}")
            (target / name).write_text(json.dumps(closed(version["schema"]["openAPIV3Schema"])))


def _gather(text: str, definitions: Object, needed: set[str]) -> None:
    """Adds the definitions that a schema names, and those that they name. All there are take kubeconform seconds."""
    for name in re.findall(r"#/\$defs/([\w.-]+)", text):
        if name not in needed:
            needed.add(name)
            _gather(json.dumps(definitions[name]), definitions, needed)


def _by_file(text: str, folder: Path) -> str:
    schema = json.loads(text.replace(_BY_ADDRESS, f'"{folder}/{DEFINITIONS}#'))
    schema.pop("$id", None)
    return json.dumps(schema)


def closed(schema: Any) -> Any:
    """A CRD's schema with unknown fields as errors, as a strict client has it."""
    if isinstance(schema, list):
        return [closed(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(value) for key, value in schema.items()
            if not key.startswith("x-kubernetes") and key != "default"}
    if schema.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not is_open:
        # The server knows these of each object.
        known = {"metadata": {"type": "object"}, "apiVersion": {"type": "string"}, "kind": {"type": "string"}}
        made["properties"] = {**(known if "metadata" in schema["properties"] else {}), **made["properties"]}
        if "metadata" in schema["properties"]:
            made["properties"]["metadata"] = {"type": "object"}
        made["additionalProperties"] = False
    return made


def crds_of(file: Path) -> list[Object]:
    return [entry for entry in yaml.safe_load_all(file.read_text()) if entry]
