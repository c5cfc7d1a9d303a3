"""What no schema can catch is said in a condition, moves nothing, and heals with the spec."""

from __future__ import annotations

import pytest

from support.api import Api, ApiError, Object
from support.audit import AuditLog
from support.operator_process import OperatorProcess
from support.todo_app import TodoApp

# Each part fits into the schema; together they are above 256 KiB.
TOO_MUCH: Object = {"config": {"COMMON": "x" * 150_000}, "backend": {"config": {"OWN": "y" * 150_000}}}
LESS = {"config": {"COMMON": "x"}}


def test_a_new_app_with_too_much_config_gets_no_object_until_it_has_less(
        app: TodoApp, operator: OperatorProcess, audit: AuditLog) -> None:
    start = audit.mark()
    app.create(TOO_MUCH)
    app.wait_condition("Ready", "False", "InvalidSpec")
    app.wait_condition("Stalled", "True", "InvalidSpec")
    assert "config" in app.condition("Ready")["message"]
    assert "256 KiB" in app.condition("Ready")["message"]
    end = audit.settled([operator.user], app.namespace, quiet=1)
    writes = audit.between(start, end).by(operator.user).inside(app.namespace).object_writes()
    assert not writes, f"\n{writes}"
    app.patch(LESS)
    app.wait_ready()
    app.wait_no_condition("Stalled")


def test_an_invalid_change_leaves_the_running_app_as_it_is(app: TodoApp, operator: OperatorProcess) -> None:
    app.create().wait_ready()
    templates = [app.child("Deployment", tier)["spec"]["template"] for tier in ("frontend", "backend")]
    app.patch({**TOO_MUCH, "backend": {**TOO_MUCH["backend"], "image": "localhost/todo-backend:2.0.0"}})
    app.wait_condition("Stalled", "True", "InvalidSpec")
    assert app.condition("Available")["status"] == "True"
    assert [app.child("Deployment", tier)["spec"]["template"] for tier in ("frontend", "backend")] == templates
    app.patch({"config": None, "backend": {"config": None, "image": "localhost/todo-backend:1.0.0"}})
    app.wait_ready()
    assert len(app.owned("ControllerRevision")) == 1


def test_config_just_within_the_limit_is_taken_with_all_its_characters(
        app: TodoApp, operator: OperatorProcess) -> None:
    """A revision whose data is not written as Go would write it could never be changed again."""
    awkward = "<a href=\"x\">&amp;</a>\u2028\u2029 é \U0001f600 \\ \t"
    app.create({"config": {"AWKWARD": awkward, "BIG": "x" * 200_000}}).wait_ready()
    assert app.sealed("ConfigMap", "backend")["data"]["AWKWARD"] == awkward
    assert app.outcome(1) == "Succeeded"


@pytest.mark.parametrize(("changes", "words"), [
    ({"backend": {"image": "not an image"}}, "white space"),
    ({"backend": {"imagePullPolicyy": "Always"}}, "unknown field"),
    ({"backend": {"replicas": 1001}}, "replicas"),
], ids=["white-space", "unknown-field", "too-many-replicas"])
def test_the_schema_refuses_at_once_what_it_can(
        app: TodoApp, api: Api, changes: Object, words: str) -> None:
    with pytest.raises(ApiError, match=words):
        app.create(changes)
