#!/usr/bin/env python3
"""Writes docs/api-reference.md from the CRD; with --check, says whether it is not as it would be written.

One table for each object of the API: fields, types, defaults, limits and what they mean; below it the rules (CEL) with
the messages that a refusal has. The two tiers have the same fields and are told once, as TIER. An object that stands in
several places with the same fields is told where it first stands, and the others lead there.

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
DOCUMENT = REPOSITORY / "docs" / "api-reference.md"
TIERS = ("frontend", "backend")

ROOT = "TodoAppDeployment"
TIER_WORDS = "`spec.frontend` or `spec.backend`: one Deployment and what belongs to it."

Schema = dict[str, Any]

TITLE = """\
# API reference

<!-- Written by scripts/render-manifests.sh from crds/; do not edit. -->

`TodoAppDeployment`, `{group}/{version}`; {scope}; short name {short}, category {category}. Every field of the API, as the CRD
has it; `kubectl explain tad.spec` says the same. An unknown field is refused by `kubectl apply` and `create`; `kubectl patch` drops it
with a warning. What the words mean is told in [concepts](concepts.md), what a reason means in [troubleshooting](deployment/troubleshooting.md).

**required** marks a field that must be given. Where the two tiers have different defaults, both are named. Below a table
stand the rules that the API server checks, each with the message of a refusal, then the rule itself (CEL).
"""

COLUMNS = """
## What `kubectl get tad` shows

| Column | Says | From | Only with `-o wide` |
| --- | --- | --- | --- |
"""

ANNOTATIONS = """
## Annotations on the app

By `kubectl annotate tad NAME --overwrite ANNOTATION`.

| Annotation | Does |
| --- | --- |
| `apps.todoapp.dev/retry=$(date +%s)` | any new value, such as this one: a content in quarantine is tried once more |
| `apps.todoapp.dev/approve=HASH` | approves the plan of that hash (`status.plan.hash`), with `upgrade.approval: Manual` |
| `apps.todoapp.dev/restart=$(date +%s)` | any new value: all pods are replaced, rolling; no new revision |
| `apps.todoapp.dev/rotate=$(date +%s)` | any new value: secrets with `generate` get new values |
| `kubernetes.io/change-cause=WORDS` | becomes the cause of the next revision |
"""


def words(text: str) -> str:
    return " ".join(text.split())


def cell(text: str) -> str:
    return words(text).replace("|", "\\|")


def merged(one: Any, other: Any, name: str = "") -> Any:
    """The frontend's schema and the backend's as one. What only one has is marked, what differs is kept for both."""
    if one == other:
        return one
    if name == "default":
        return {tier: default for tier, default in zip(TIERS, (one, other))}
    if name == "description":
        return one
    if not isinstance(one, dict) or not isinstance(other, dict):
        raise SystemExit(f"the tiers differ in {name}, which this script does not know how to tell")
    made = {}
    for key in [*one, *(key for key in other if key not in one)]:
        if key in one and key in other:
            made[key] = merged(one[key], other[key], key)
            if key == "default" and one[key] != other[key]:
                made["x-per-tier"] = True
        elif name == "properties":
            made[key] = {**one.get(key, other.get(key)), "x-only": TIERS[key in other]}
        else:
            raise SystemExit(f"only one tier has {key} at {name}, which this script does not know how to tell")
    return made


def plain(schema: Schema) -> str:
    """What two places have in common that are told once: all but the words at the place itself."""
    return json.dumps({key: value for key, value in schema.items() if key not in ("description", "x-only", "default")},
                      sort_keys=True)


def inner(schema: Schema) -> tuple[str, Schema]:
    """What the lists and maps around an object hold, and how a path says so."""
    suffix = ""
    while True:
        if "items" in schema:
            schema, suffix = schema["items"], suffix + "[]"
        elif isinstance(schema.get("additionalProperties"), dict):
            schema, suffix = schema["additionalProperties"], suffix + "{}"
        else:
            return suffix, schema


def kind_of(schema: Schema) -> str:
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if "items" in schema:
        return f"list of {kind_of(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"map of {kind_of(schema['additionalProperties'])}"
    return str(schema.get("format") if schema.get("format") == "date-time" else schema.get("type", "any"))


def code(value: Any) -> str:
    return f"`{cell(json.dumps(value))}`"


def default_of(schema: Schema) -> str:
    if "default" not in schema:
        return ""
    if schema.get("x-per-tier"):
        return ", ".join(f"{tier}: {code(schema['default'][tier])}" for tier in TIERS)
    return code(schema["default"])


def span(schema: Schema, least: str, most: str, what: str) -> list[str]:
    low, high = schema.get(least), schema.get(most)
    if low is not None and high is not None:
        return [f"{low} to {high}{what}"]
    if low is not None:
        return [f"at least {low}{what}"]
    return [f"at most {high}{what}"] if high is not None else []


def limits_of(schema: Schema) -> str:
    found = []
    if "enum" in schema:
        found.append(", ".join(f"`{value}`" for value in schema["enum"]))
    found += span(schema, "minimum", "maximum", "")
    found += span(schema, "minLength", "maxLength", " characters")
    found += span(schema, "minItems", "maxItems", " entries")
    found += span(schema, "minProperties", "maxProperties", " keys")
    if "pattern" in schema:
        found.append(f"pattern `{cell(schema['pattern'])}`")
    if schema.get("x-kubernetes-list-type") == "map":
        found.append("unique by " + ", ".join(f"`{key}`" for key in schema["x-kubernetes-list-map-keys"]))
    if schema.get("x-kubernetes-list-type") == "set":
        found.append("each once")
    suffix, held = inner(schema)
    if suffix and "properties" not in held and (of_each := limits_of(held)):
        found.append(f"each: {of_each}")
    return "; ".join(found)


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def rules_of(name: str, schema: Schema) -> list[str]:
    """The rules at a field, and those of what it holds, if that is not told elsewhere."""
    found = []
    for rule in schema.get("x-kubernetes-validations", []):
        at = f"{name}{rule.get('fieldPath', '')}".lstrip(".")
        where = f"`{at}`: " if at else ""
        found.append(f"- {where}{words(rule['message'])}<br>`{words(rule['rule'])}`")
    suffix, held = inner(schema)
    if suffix and "properties" not in held:
        found += rules_of(f"{name}{suffix}", held)
    return found


class Reference:
    """Collects sections; each object once."""

    def __init__(self) -> None:
        self.sections: list[str] = []
        self._told: dict[str, str] = {}  # what an object is, and where it is told

    def tell(self, path: str, schema: Schema) -> None:
        """A section for the object, and one for each that it holds and that is not told yet."""
        self._told.setdefault(plain(schema), path)
        later: list[tuple[str, Schema]] = []
        rules = rules_of("", schema)
        rows = []
        for name, entry in schema["properties"].items():
            suffix, held = inner(entry)
            if "properties" in held:
                place = ("TIER" if name in TIERS else name) + suffix
                place = place if path == ROOT else f"{path}.{place}"
                if self._told.setdefault(plain(held), place) == place:
                    later.append((place, held))
            if suffix or "properties" not in held:
                rules += rules_of(name, entry)
            rows.append(self._row(name, entry, name in schema.get("required", [])))
        about = TIER_WORDS if path == "spec.TIER" else words(schema.get("description", ""))
        text = [f"\n## `{path}`\n", *([about, ""] if about else []), "| Field | Type | Default | Limits | Meaning |",
                "| --- | --- | --- | --- | --- |", *rows, ""]
        if rules:
            text += ["Rules:\n", *dict.fromkeys(rules), ""]
        self.sections.append("\n".join(text))
        for place, held in dict(later).items():
            self.tell(place, held)

    def _row(self, name: str, entry: Schema, required: bool) -> str:
        _, held = inner(entry)
        kind = kind_of(entry)
        if "properties" in held:
            kind = f"[{kind}](#{anchor(self._told[plain(held)])})"
        if required:
            kind += ", **required**"
        only = f"Only the {entry['x-only']}. " if "x-only" in entry else ""
        return (f"| `{name}` | {kind} | {default_of(entry)} | {limits_of(entry)} | "
                f"{only}{cell(entry.get('description', ''))} |")


def columns(version: Schema) -> str:
    rows = [f"| {column['name'].upper()} | {cell(column['description'])} | `{column['jsonPath']}` | "
            f"{'yes' if column.get('priority') else ''} |" for column in version["additionalPrinterColumns"]]
    return COLUMNS + "\n".join(rows) + "\n"


def rendered() -> str:
    crd = yaml.safe_load(CRD.read_text())["spec"]
    (version,) = crd["versions"]
    root = version["schema"]["openAPIV3Schema"]
    tiers = root["properties"]["spec"]["properties"]
    tier = merged(*(tiers[name] for name in TIERS))
    for name in TIERS:
        tiers[name] = {**tier, "description": tiers[name]["description"]}
    reference = Reference()
    reference.tell(ROOT, root)
    headings = re.findall(r"^## (.+)$", "".join(reference.sections), re.M)
    if len({anchor(heading) for heading in headings}) < len(headings):
        raise SystemExit("two sections would have the same anchor")
    names = crd["names"]
    title = TITLE.format(group=crd["group"], version=version["name"], scope=crd["scope"].lower(),
                         short=", ".join(f"`{name}`" for name in names["shortNames"]),
                         category=", ".join(f"`{name}`" for name in names["categories"]))
    return title + columns(version) + ANNOTATIONS + "".join(reference.sections)


def main() -> int:
    text = rendered()
    fresh = DOCUMENT.exists() and DOCUMENT.read_text() == text
    if sys.argv[1:] == ["--check"]:
        if not fresh:
            print(f"{DOCUMENT.relative_to(REPOSITORY)} is stale: run scripts/render-manifests.sh")
        return 0 if fresh else 1
    if not fresh:
        DOCUMENT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
