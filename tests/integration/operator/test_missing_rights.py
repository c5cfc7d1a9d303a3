"""A right that the operator lacks is said, costs no hot loop, stops no other app, and heals."""

from __future__ import annotations

import uuid

import pytest
from support import rbac
from support.api import Api, Object
from support.audit import AuditLog
from support.control_plane import ControlPlane
from support.operators import OperatorMaker
from support.todo_app import TodoApp
from support.waiting import eventually

# Nothing tells the operator that it got a right: it tries again at growing intervals.
HEALING_SECONDS = 90.0
MANY_TRIES = 25


@pytest.fixture
def limited(api: Api, cluster: ControlPlane, granted: list[Object]) -> tuple[str, str]:
    """A user with all rights of the operator, and the ClusterRole that holds them."""
    name = f"todoapp-limited-{uuid.uuid4().hex[:6]}"
    give(api, name, operator_rules(granted))
    # Or nobody could tell a right that was taken away from one that the authorizer has not heard of yet.
    eventually(lambda: rbac.may(api, name, "create", "policy", "poddisruptionbudgets"), "the rights to be known")
    return name, name


def test_a_missing_right_is_said_and_healed_and_stops_no_other_app(
        app: TodoApp, api: Api, granted: list[Object], limited: tuple[str, str], new_operator: OperatorMaker,
        audit: AuditLog) -> None:
    user, role = limited
    give(api, role, rbac.without(operator_rules(granted), "create", "poddisruptionbudgets"))
    eventually(lambda: not rbac.may(api, user, "create", "policy", "poddisruptionbudgets"), "the right to be gone")
    operator = new_operator(user=user)
    other = TodoApp(api, app.namespace, "other").create()
    start = audit.mark()
    app.create({"backend": {"disruptionBudget": {"maxUnavailable": 1}}})
    app.wait_condition("Ready", "False", "Forbidden")
    message = app.condition("Ready")["message"]
    assert "poddisruptionbudgets" in message and "create" in message, message
    other.wait_ready()
    end = audit.settled([operator.user], app.namespace, quiet=1)
    tries = audit.between(start, end).by(operator.user).inside(app.namespace).refused()
    assert len(tries) < MANY_TRIES, f"\n{tries}"
    give(api, role, operator_rules(granted))
    app.wait_ready(HEALING_SECONDS)


def test_a_kind_that_may_not_be_watched_makes_the_operator_unready_and_says_which(
        api: Api, granted: list[Object], limited: tuple[str, str], new_operator: OperatorMaker) -> None:
    user, role = limited
    rules = rbac.without(rbac.without(operator_rules(granted), "watch", "jobs"), "list", "jobs")
    give(api, role, rules)
    eventually(lambda: not rbac.may(api, user, "watch", "batch", "jobs"), "the right to be gone")
    operator = new_operator(user=user, start=False).start(wait=False)
    eventually(lambda: "jobs" in operator.log_text(), "a word about jobs in the log")
    status, text = operator.health("/readyz?verbose")
    assert status != 200, text
    give(api, role, operator_rules(granted))
    eventually(operator.is_ready, "the operator to be ready", HEALING_SECONDS)


def operator_rules(granted: list[Object]) -> rbac.Rules:
    [role] = [entry for entry in granted
              if entry["kind"] == "ClusterRole" and entry["metadata"]["name"] == "todoapp-operator"]
    rules: rbac.Rules = role["rules"]
    return rules


def give(api: Api, name: str, rules: rbac.Rules) -> None:
    group = "rbac.authorization.k8s.io"
    api.apply({"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules})
    api.apply({"apiVersion": f"{group}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
               "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
               "subjects": [rbac.user_subject(name)]})
