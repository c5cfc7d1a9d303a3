#!/usr/bin/env python3
"""Writes what the charts in helm/ have from elsewhere; with --check, says what is not as it would be written.

- helm/todoapp-operator/files: copies, for a chart takes no file from outside of its folder;
- helm/todoapp/values.schema.json: from the schema of the CRD, so that values say what a spec says and nothing else;
- the tables of values between the marks in the READMEs: from the comments in values.yaml, and from the CRD.

Run by scripts/render-manifests.sh. Needs PyYAML.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
CRD = REPOSITORY / "crds" / "apps.todoapp.dev_todoappdeployments.yaml"
MANIFESTS = REPOSITORY / "manifests"
OPERATOR = REPOSITORY / "helm" / "todoapp-operator"
APP = REPOSITORY / "helm" / "todoapp"

COPIES = {
    "crd.yaml": CRD,
    "role.yaml": MANIFESTS / "overlays" / "cluster-wide" / "role.yaml",
    "leader-election.yaml": MANIFESTS / "base" / "leader-election.yaml",
    "users.yaml": MANIFESTS / "users" / "roles.yaml",
    "metrics-rbac.yaml": MANIFESTS / "overlays" / "monitoring" / "metrics-rbac.yaml",
    "prometheus-rule.yaml": MANIFESTS / "overlays" / "monitoring" / "prometheus-rule.yaml",
    "dashboard.json": MANIFESTS / "overlays" / "monitoring" / "dashboard.json",
}

TIERS = ("frontend", "backend")
# Deeper ones are those of a pod, which everybody knows; with all of them the schema would be ten times as large.
DESCRIBED_LEVELS = 3

Schema = dict[str, Any]


def spec_schema() -> Schema:
    crd = yaml.safe_load(CRD.read_text())
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]


# --- values.schema.json -------------------------------------------------------------------------------------------------

KEPT_WORDS = ("type", "enum", "required", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
              "pattern", "minProperties", "maxProperties")


def strict(schema: Schema, level: int = 0) -> Schema:
    """As JSON schema, where an unknown field is an error."""
    made: Schema = {word: schema[word] for word in KEPT_WORDS if word in schema}
    if "description" in schema and level < DESCRIBED_LEVELS:
        made["description"] = " ".join(schema["description"].split())
    if schema.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    if "properties" in schema:
        made["properties"] = {name: strict(entry, level + 1) for name, entry in schema["properties"].items()}
    if isinstance(schema.get("additionalProperties"), dict):
        made["additionalProperties"] = strict(schema["additionalProperties"], level + 1)
    elif "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made["additionalProperties"] = False
    if "items" in schema:
        made["items"] = strict(schema["items"], level + 1)
    return made


IMAGE: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["repository"],
    "description": "Image of the tier, in parts.",
    "properties": {
        "repository": {"type": "string", "minLength": 1, "pattern": r"^\S+$"},
        "tag": {"type": ["string", "null"], "pattern": r"^\S*$"},
        "digest": {"type": ["string", "null"], "pattern": "^(sha256:[0-9a-f]{64})?$"},
    },
}

OWN: Schema = {
    "global": {"type": "object", "description": "Helm's own; nothing is read from it."},
    "nameOverride": {"type": "string", "maxLength": 40, "pattern": "^([a-z]([-a-z0-9]*[a-z0-9])?)?$",
                     "description": "Name of the app; empty: that of the release."},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
    "keep": {"type": "boolean", "description": "Leave the app running when the release is uninstalled."},
}


def values_schema() -> str:
    spec = strict(spec_schema())
    for name in TIERS:
        tier = spec["properties"][name]
        rest = {key: value for key, value in tier["properties"].items() if key != "image"}
        tier["properties"] = {"image": IMAGE, **rest}
    # What an empty map says is nothing, and the chart leaves it out.
    spec["properties"]["rollback"].pop("required", None)
    made = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Values of the chart todoapp",
            "type": "object", "additionalProperties": False, "required": spec["required"],
            "properties": {**OWN, **spec["properties"]}}
    return json.dumps(made, indent=1) + "\n"


# --- tables -------------------------------------------------------------------------------------------------------------

def described_values(text: str) -> list[tuple[str, str]]:
    """Path and description of each value that has a comment of the form `# -- ...`, in the file's order."""
    found: list[tuple[str, str]] = []
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in text.splitlines():
        words = line.strip()
        if words.startswith("# -- "):
            comment = [words.removeprefix("# -- ")]
        elif words.startswith("#") and comment:
            comment.append(words.lstrip("# "))
        elif match := re.match(r"( *)([\w-]+):", line):
            indent = len(match[1])
            path = [entry for entry in path if entry[0] < indent] + [(indent, match[2])]
            if comment:
                found.append((".".join(name for _, name in path), " ".join(comment)))
            comment = []
        else:
            comment = []
    return found


def value_at(values: Any, path: str) -> Any:
    for name in path.split("."):
        values = values[name]
    return values


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def table_of_values(chart: Path) -> str:
    text = (chart / "values.yaml").read_text()
    values = yaml.safe_load(text)
    rows = ["| Value | Default | Meaning |", "| --- | --- | --- |"]
    for path, words in described_values(text):
        rows.append(f"| `{path}` | `{json.dumps(value_at(values, path))}` | {cell(words)} |")
    return "\n".join(rows)


def fields(schema: Schema, prefix: str, levels: int) -> list[str]:
    rows = []
    for name, entry in schema.get("properties", {}).items():
        path = f"{prefix}{name}"
        default = f"`{json.dumps(entry['default'])}`" if entry.get("default") not in (None, {}) else ""
        rows.append(f"| `{path}` | {default} | {cell(entry.get('description', ''))} |")
        if levels > 1:
            rows += fields(entry, f"{path}.", levels - 1)
            if "items" in entry and name == "secrets":
                rows += fields(entry["items"], f"{path}[].", levels - 1)
    return rows


def table_of_fields() -> str:
    spec = spec_schema()["properties"]
    rows = ["| Field | API default | Meaning |", "| --- | --- | --- |"]
    backend = {"properties": {key: value for key, value in spec["backend"]["properties"].items() if key != "image"}}
    rows += fields(backend, "TIER.", 2)
    rows += fields({"properties": {key: value for key, value in spec.items() if key not in TIERS}}, "", 2)
    return "\n".join(rows)


def with_table(readme: Path, mark: str, table: str, text: str | None = None) -> str:
    """The README with another table between two marks."""
    text = readme.read_text() if text is None else text
    begin, end = f"<!-- {mark}: written by scripts/render-manifests.sh -->", f"<!-- end of {mark} -->"
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{readme}: the marks of {mark} are missing")
    return f"{before}{begin}\n{table}\n{end}{after}"


# --- all of it ----------------------------------------------------------------------------------------------------------

def rendered() -> dict[Path, str]:
    made = {OPERATOR / "files" / name: source.read_text() for name, source in COPIES.items()}
    made[APP / "values.schema.json"] = values_schema()
    made[OPERATOR / "README.md"] = with_table(OPERATOR / "README.md", "values", table_of_values(OPERATOR))
    readme = with_table(APP / "README.md", "values", table_of_values(APP))
    made[APP / "README.md"] = with_table(APP / "README.md", "fields", table_of_fields(), readme)
    return made


def main() -> int:
    stale = [path for path, text in rendered().items() if not path.exists() or path.read_text() != text]
    if sys.argv[1:] == ["--check"]:
        for path in stale:
            print(f"{path.relative_to(REPOSITORY)} is stale: run scripts/render-manifests.sh")
        return 1 if stale else 0
    made = rendered()
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
