"""What the tests of the CRD share: the file, its schema as a list of fields, the tables of objects, and dry runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from support.api import Api, Object, path_of
from support.control_plane import REPOSITORY
from support.todo_app import API_VERSION, merged

KIND = "TodoAppDeployment"
CRD_FILE = REPOSITORY / "crds" / "apps.todoapp.dev_todoappdeployments.yaml"
CRD_NAME = "todoappdeployments.apps.todoapp.dev"

# What the server adds when a field is so wrong that it does not try the CEL rules.
NOT_ALL_RULES = re.compile(r"^\[(?P<rest>.*), <nil>: Invalid value: [^,]*some validation rules were not checked.*\]$",
                           re.S)
ANOTHER_COMPLAINT = re.compile(r", (?:spec|metadata)[^ ]*: (?:Invalid|Required|Duplicate|Unsupported|Forbidden|Too)")


class Case(NamedTuple):
    given: str
    patch: Object
    existing: bool
    path: str
    says: str


def cases(table: str) -> list[Case]:
    entries = yaml.safe_load(Path(__file__).with_name(table).read_text())
    return [Case(entry["given"], entry["patch"], entry.get("existing", False), entry.get("path", ""),
                 entry.get("says", "")) for entry in entries]


def app_object(namespace: str, changes: Object | None = None) -> Object:
    """The smallest good object, with changes merged in as a JSON merge patch would."""
    base: Object = {
        "apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "todo", "namespace": namespace},
        "spec": {"frontend": {"image": "localhost/todo-frontend:1.0.0"},
                 "backend": {"image": "localhost/todo-backend:1.0.0"}},
    }
    return merged(base, changes or {})


def dry_create(api: Api, body: Object) -> Object:
    path = path_of(KIND, body["metadata"]["namespace"])
    return api.request("POST", path, body, query={"dryRun": "All", "fieldValidation": "Strict"})


def dry_update(api: Api, body: Object) -> Object:
    path = path_of(KIND, body["metadata"]["namespace"], body["metadata"]["name"])
    return api.request("PUT", path, body, query={"dryRun": "All", "fieldValidation": "Strict"})


def only_complaint(message: str) -> tuple[str, str]:
    """Path and words of what the server complains about; fails if it complains about two things."""
    text = message.split(" is invalid: ", 1)[-1]
    found = NOT_ALL_RULES.match(text)
    if found:
        text = found["rest"]
    path, _, words = text.partition(": ")
    several = text.startswith("[") or ANOTHER_COMPLAINT.search(words)
    assert not several, f"more than one complaint: {message}"
    return path, words


@cache
def read_crd() -> Object:
    """The CRD; not to be changed, for it is read once."""
    return yaml.safe_load(CRD_FILE.read_text())


def version_of(crd: Object) -> Object:
    return crd["spec"]["versions"][0]


def root_schema() -> Object:
    return version_of(read_crd())["schema"]["openAPIV3Schema"]


def fields(schema: Object, path: str = "") -> Iterator[tuple[str, Object]]:
    """Every schema below this one, with its path: `[]` for the items of a list, `{}` for the values of a map."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from fields(child, f"{path}.{name}")
    if "items" in schema:
        yield from fields(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from fields(schema["additionalProperties"], path + "{}")


def rules_of(schema: Object) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, field in fields(schema):
        for rule in field.get("x-kubernetes-validations", []):
            yield path, rule
