"""What an app lives through: install, rotation of a secret of each policy, upgrade, failed upgrade, rollback on request.

Its deletion is none of these: there the operator has nothing to write (tests/fault/state.py kills it there).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from support import pod_simulator as pods
from support.api import Api, Object
from support.pod_simulator import PodSimulator
from support.specs import INSTALLED, UPGRADED
from support.todo_app import TodoApp, annotation, is_rolled_out

# Values that must never be in a log.
SECRETS = {"todo-db": "postgres://canary-crash-0001", "todo-db-2": "postgres://canary-crash-0002",
           "todo-mail": "smtp://canary-crash-0003"}
ROTATED = {"todo-db": "postgres://canary-crash-0004", "todo-mail": "smtp://canary-crash-0005"}
BAD_IMAGE = "localhost/todo-frontend:2.0.0"


# The backend goes first and well, so that both tiers have to come back.
BROKEN: Object = {"frontend": {"image": BAD_IMAGE}, "backend": {"image": "localhost/todo-backend:2.0.0"}}


class Phase(NamedTuple):
    name: str
    begin: Callable[[TodoApp], object]
    ready: str
    """Status of the condition Ready when it is over, and below its reason."""
    reason: str
    is_done: Callable[[TodoApp], bool] = lambda _: True
    """Where the generation does not tell: the spec stays as it is."""


def rotate(app: TodoApp, name: str) -> None:
    app.api.patch("Secret", name, app.namespace, {"stringData": {"url": ROTATED[name]}})


def has_read(app: TodoApp, name: str) -> bool:
    """Whether the backend's pods have been given the Secret's newest version: Ready may not say that they are restarted."""
    version = app.api.get("Secret", name, app.namespace)["metadata"]["resourceVersion"]
    deployment = app.child("Deployment", "backend")
    given = f"{name}={version}:" in annotation(deployment, "secret-versions")
    return given and is_rolled_out(deployment)


# A Secret each: of two that change together one pass may see both or only the first, and restarts the backend twice.
PHASES = [
    Phase("install", lambda app: app.create(INSTALLED), "True", "Succeeded"),
    Phase("rotation of a pinned secret", lambda app: rotate(app, "todo-db"), "True", "Succeeded",
          lambda app: bool(app.status["activeRevision"] == 2)),
    Phase("rotation of a live secret", lambda app: rotate(app, "todo-mail"), "True", "Succeeded",
          lambda app: has_read(app, "todo-mail")),
    Phase("upgrade", lambda app: app.patch(UPGRADED), "True", "Succeeded"),
    Phase("failed upgrade", lambda app: app.patch(BROKEN), "False", "RolledBack"),
    Phase("rollback", lambda app: app.patch({"rollback": {"toRevision": 1}}), "True", "RolledBackOnRequest"),
]


def prepare(api: Api, simulator: PodSimulator, namespace: str) -> None:
    """What has to be there before the app is."""
    for name, value in SECRETS.items():
        api.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
                    "stringData": {"url": value}})
    simulator.behave(pods.invalid_image_name(), namespace=namespace, image=BAD_IMAGE)
