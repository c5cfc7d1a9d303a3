"""Secrets of the user: missing ones are waited for, live ones restart, pinned ones make a revision."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from support.api import Api, Object
from support.todo_app import TodoApp, environment
from support.waiting import eventually, show

pytestmark = pytest.mark.usefixtures("operator")

LIVE: Object = {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "todo-db", "key": "url"}}}
PINNED: Object = {**LIVE, "policy": "Pinned"}


def test_a_missing_secret_is_named_and_waited_for(
        app: TodoApp, api: Api, secrets: Callable[[str], str]) -> None:
    app.create({"secrets": [LIVE]})
    app.wait_condition("Ready", "False", "SecretNotFound")
    assert "todo-db" in app.condition("Ready")["message"]
    assert not app.owned("Deployment")
    put_secret(api, app, secrets("canary-missing-7c1e"))
    app.wait_ready()
    reference = {"name": "todo-db", "key": "url"}
    assert environment(app.container("backend"))["DATABASE_URL"]["secretKeyRef"] == reference
    assert "DATABASE_URL" not in environment(app.container("frontend"))


def test_a_missing_key_of_a_secret_is_named_and_waited_for(
        app: TodoApp, api: Api, secrets: Callable[[str], str]) -> None:
    put_secret(api, app, secrets("canary-key-55aa"), key="other")
    app.create({"secrets": [LIVE]})
    app.wait_condition("Ready", "False", "SecretNotFound")
    assert "url" in app.condition("Ready")["message"]
    put_secret(api, app, secrets("canary-key-55ab"))
    app.wait_ready()


def test_a_new_value_of_a_live_secret_restarts_its_tier_without_a_revision(
        app: TodoApp, api: Api, secrets: Callable[[str], str]) -> None:
    put_secret(api, app, secrets("canary-live-0001"))
    app.create({"secrets": [LIVE]}).wait_ready()
    backend, frontend = template_of(app, "backend"), template_of(app, "frontend")
    put_secret(api, app, secrets("canary-live-0002"))
    eventually(lambda: template_of(app, "backend") != backend, "the backend to restart")
    app.wait_ready()
    assert template_of(app, "frontend") == frontend
    assert len(app.owned("ControllerRevision")) == 1
    assert "canary-live" not in show(template_of(app, "backend"))


def test_a_change_of_another_key_of_a_live_secret_restarts_nothing(
        app: TodoApp, api: Api, secrets: Callable[[str], str]) -> None:
    put_secret(api, app, secrets("canary-same-0001"))
    app.create({"secrets": [LIVE]}).wait_ready()
    before = template_of(app, "backend")
    api.patch("Secret", "todo-db", app.namespace, {"stringData": {"unused": "changed"}})
    # A change that comes later and does show proves that the earlier one was seen.
    app.patch({"backend": {"replicas": 2}})
    app.wait_ready()
    assert template_of(app, "backend") == before


def test_a_new_value_of_a_pinned_secret_makes_a_revision(
        app: TodoApp, api: Api, secrets: Callable[[str], str]) -> None:
    put_secret(api, app, secrets("canary-pinned-0001"))
    app.create({"secrets": [PINNED]}).wait_ready()
    first = app.sealed("Secret", "backend")
    assert decoded(first) == "canary-pinned-0001"
    put_secret(api, app, secrets("canary-pinned-0002"))
    eventually(lambda: app.outcome(2) == "Succeeded", "revision 2")
    app.wait_ready()
    second = app.in_use("Secret", "backend")
    assert second["metadata"]["name"] != first["metadata"]["name"]
    assert decoded(second) == "canary-pinned-0002"
    assert api.find("Secret", first["metadata"]["name"], app.namespace), "revision 1 may be wanted again"


def test_a_secret_that_vanishes_later_moves_nothing(
        app: TodoApp, api: Api, secrets: Callable[[str], str]) -> None:
    put_secret(api, app, secrets("canary-gone-0001"))
    app.create({"secrets": [LIVE]}).wait_ready()
    before = template_of(app, "backend")
    api.delete("Secret", "todo-db", app.namespace)
    app.wait_condition("Ready", "False", "SecretNotFound")
    assert app.condition("Available")["status"] == "True"
    assert template_of(app, "backend") == before
    put_secret(api, app, secrets("canary-gone-0002"))
    app.wait_ready()
    assert len(app.owned("ControllerRevision")) == 1


def test_rotation_on_request_gives_both_tiers_a_new_generated_value(app: TodoApp) -> None:
    secret = {"name": "SESSION_KEY", "generate": {"bytes": 32}, "tiers": ["frontend", "backend"]}
    app.create({"secrets": [secret]}).wait_ready()
    first = app.sealed("Secret", "backend")["data"]["SESSION_KEY"]
    app.annotate(rotate="once")

    def look() -> set[str]:
        values = {app.in_use("Secret", tier)["data"]["SESSION_KEY"] for tier in ("frontend", "backend")}
        assert len(values) == 1 and first not in values, "one value, and a new one"
        return values

    eventually(look, "the new value in both tiers")
    app.wait_ready()


def test_a_restart_on_request_restarts_both_tiers_without_a_revision(app: TodoApp) -> None:
    app.create().wait_ready()
    before = {tier: template_of(app, tier) for tier in ("frontend", "backend")}
    app.annotate(restart="once")
    for tier, template in before.items():
        eventually(lambda tier=tier, template=template: template_of(app, tier) != template, f"a restart of {tier}")
    app.wait_ready()
    assert len(app.owned("ControllerRevision")) == 1


def put_secret(api: Api, app: TodoApp, value: str, key: str = "url") -> None:
    api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "todo-db", "namespace": app.namespace},
               "data": {key: base64.b64encode(value.encode()).decode()}})


def decoded(secret: Object) -> str:
    return base64.b64decode(secret["data"]["DATABASE_URL"]).decode()


def template_of(app: TodoApp, tier: str) -> Object:
    template: Object = app.child("Deployment", tier)["spec"]["template"]
    return template
