"""A child that somebody deleted is made again, as it was."""

from __future__ import annotations

import pytest

from support.api import Api, Object
from support.audit import AuditLog
from support.full_app import CHILDREN, Child
from support.operator_process import OperatorProcess
from support.todo_app import TIERS, TodoApp
from support.waiting import eventually


@pytest.mark.parametrize("child", CHILDREN, ids=str)
def test_a_deleted_child_is_made_again_with_one_create(
        full_app: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog, child: Child) -> None:
    full_app.wait_ready()
    before = child.of(full_app)
    name = before["metadata"]["name"]
    start = audit.settled([operator.user], full_app.namespace, quiet=0.5)
    api.delete(child.kind, name, full_app.namespace)

    def look() -> Object:
        now = api.get(child.kind, name, full_app.namespace)
        assert now["metadata"]["uid"] != before["metadata"]["uid"], "the old one is still there"
        return now

    after = eventually(look, f"another {child}")
    assert after.get("data", {}).get("SESSION_KEY") == before.get("data", {}).get("SESSION_KEY")
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    full_app.wait_ready()
    end = audit.settled([operator.user], full_app.namespace, quiet=1.2)
    traffic = audit.between(start, end).by(operator.user).inside(full_app.namespace)
    assert traffic.object_writes().objects().total() == 1, f"\n{traffic}"
    assert len(full_app.owned("ControllerRevision")) == 1


@pytest.mark.parametrize("child", [Child("Secret", "todo-keys"), Child("Secret", sealed_tier="backend"),
                                   Child("ConfigMap", sealed_tier="backend"), Child("Service", "todo-backend")],
                         ids=str)
def test_no_pod_restarts_for_a_deleted_child(full_app: TodoApp, api: Api, child: Child) -> None:
    full_app.wait_ready()
    pods = pod_uids(full_app)
    values = generated_values(full_app)
    before = child.of(full_app)
    api.delete(child.kind, before["metadata"]["name"], full_app.namespace)
    eventually(lambda: child.of(full_app)["metadata"]["uid"] != before["metadata"]["uid"], f"another {child}")
    full_app.wait_ready()
    assert pod_uids(full_app) == pods
    assert generated_values(full_app) == values


def test_keys_and_sealed_secrets_deleted_together_make_the_app_go_on_with_what_it_can(
        app: TodoApp, api: Api, operator: OperatorProcess) -> None:
    """Nobody knows the old value any more: a new one is the only way, and it must reach both tiers."""
    secret = {"name": "SESSION_KEY", "generate": {"bytes": 16}, "tiers": ["frontend", "backend"]}
    app.create({"secrets": [secret]}).wait_ready()
    names = [item["metadata"]["name"] for item in app.owned("Secret")]
    assert len(names) == 3
    # Else it might have made the first again before the last is gone.
    operator.pause()
    try:
        for name in names:
            api.delete("Secret", name, app.namespace)
    finally:
        operator.resume()

    def look() -> bool:
        sealed = [app.sealed("Secret", tier)["data"]["SESSION_KEY"] for tier in TIERS]
        assert len(set(sealed)) == 1, "both tiers have the same value"
        return True

    eventually(look, "sealed secrets of both tiers")
    app.wait_ready()


def pod_uids(app: TodoApp) -> set[str]:
    return {pod["metadata"]["uid"] for tier in TIERS for pod in app.pods(tier)}


def generated_values(app: TodoApp) -> set[str]:
    return {app.sealed("Secret", tier)["data"]["SESSION_KEY"] for tier in TIERS}
