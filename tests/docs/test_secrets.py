"""docs/deployment/secrets-management.md, with real pods; and that what it promises of values is so."""

from __future__ import annotations

import base64

from conftest import MakeGuide

from support.api import Api
from support.control_plane import Kubectl
from support.real_node import environments_in
from support.todo_app import TodoApp


def value(api: Api, name: str, key: str) -> str:
    return base64.b64decode(api.get("Secret", name, "todo")["data"][key]).decode()


def test_the_secrets_guide(todo: TodoApp, make_guide: MakeGuide, api: Api, kubectl: Kubectl) -> None:
    guide = make_guide("docs/deployment/secrets-management.md", steps={})
    for heading in ("Make the Secrets", "Use them"):
        guide.follow(heading)
    first = {"token": value(api, "partner", "token"), "key": value(api, "signing", "key")}
    assert given(todo) == first
    guide.follow("Rotate a Live secret")
    assert given(todo) == {"token": value(api, "partner", "token"), "key": first["key"]}
    assert first["token"] != value(api, "partner", "token")
    guide.follow("Rotate a Pinned secret")
    second = {"token": value(api, "partner", "token"), "key": value(api, "signing", "key")}
    assert given(todo) == second and second["key"] != first["key"]
    guide.follow("Go back across a rotation")
    assert given(todo) == second
    guide.follow("Rotate a generated value")
    guide.follow("What lies where")
    said = kubectl("-n", "todoapp-system", "logs", "deployment/todoapp-operator") + kubectl(
        "-n", "todo", "get", "tad,controllerrevisions,events", "-o", "yaml")
    assert not [name for values in (first, second) for name, word in values.items() if word in said]


def given(app: TodoApp) -> dict[str, str]:
    """What the process of the backend has, where the kernel keeps it."""
    variables = [variables for pod in app.pods("backend") if "deletionTimestamp" not in pod["metadata"]
                 for variables in environments_in(pod) if "SIGNING_KEY" in variables]
    assert variables
    assert len({tuple(sorted(each.items())) for each in variables}) == 1
    return {"token": variables[0]["PARTNER_TOKEN"], "key": variables[0]["SIGNING_KEY"]}
