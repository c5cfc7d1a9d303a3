"""approval: Manual. An upgrade waits, shows what it would do, and goes on with the right hash only."""

from __future__ import annotations

import pytest
from support import pod_simulator as pods
from support.api import Api, Object
from support.audit import AuditLog
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator
from support.revisions import (
    GENERATED,
    NO_PODS,
    PINNED,
    footprint,
    image,
    images,
    install,
    numbers,
    put_secret,
    rollback_of,
    wait_outcome,
)
from support.todo_app import TodoApp
from support.waiting import eventually, show

pytestmark = pytest.mark.usefixtures("operator")

MANUAL: Object = {"upgrade": {"approval": "Manual"}}
UPGRADE: Object = {"backend": {"image": image("backend", "1.1.0")}}


def installed(app: TodoApp, **settings: Object) -> TodoApp:
    install(app, {**MANUAL, **settings})
    return app


def wait_plan(app: TodoApp) -> Object:
    """The plan of the present generation."""
    plan: Object = app.wait_condition("Ready", "False", "AwaitingApproval")["status"]["plan"]
    return plan


def approve(app: TodoApp, plan: Object) -> None:
    app.annotate(approve=plan["hash"])


def test_the_first_install_needs_no_approval(app: TodoApp) -> None:
    installed(app).wait_ready()
    assert numbers(app) == [1]
    assert "plan" not in app.status


def test_an_upgrade_waits_and_shows_what_it_would_do(
        app: TodoApp, operator: OperatorProcess, audit: AuditLog) -> None:
    installed(app, config={"LOG_LEVEL": "info"})
    start, before = audit.settled([operator.user], app.namespace), footprint(app)
    app.patch({**UPGRADE, "config": {"LOG_LEVEL": "debug"}})
    plan = wait_plan(app)
    changes = {change["path"]: (change.get("from"), change.get("to")) for change in plan["changes"]}
    assert changes == {"backend.image": (image("backend", "1.0.0"), image("backend", "1.1.0")),
                       "backend.config.LOG_LEVEL": ("info", "debug"), "frontend.config.LOG_LEVEL": ("info", "debug")}
    assert plan["hash"]
    message = app.condition("Ready")["message"]
    assert "backend image 1.0.0 to 1.1.0" in message and f"apps.todoapp.dev/approve={plan['hash']}" in message
    assert app.status["step"] == "AwaitingApproval"
    end = audit.settled([operator.user], app.namespace)
    writes = audit.between(start, end).by(operator.user).inside(app.namespace).object_writes()
    assert not writes, f"\n{writes}"
    assert (numbers(app), footprint(app)) == ([1], before)
    assert not app.condition("Stalled"), "it waits for a yes, nothing is wrong"
    assert app.condition("Available")["status"] == "True"


def test_the_right_hash_lets_it_go_on(app: TodoApp) -> None:
    installed(app)
    app.patch(UPGRADE)
    approve(app, wait_plan(app))
    wait_outcome(app, 2)
    app.wait_ready()
    assert images(app)["backend"] == image("backend", "1.1.0")
    assert "plan" not in app.status and "step" not in app.status


def test_a_wrong_hash_does_not(app: TodoApp) -> None:
    installed(app)
    app.patch(UPGRADE)
    plan, before = wait_plan(app), footprint(app)
    for wrong in ("yes", plan["hash"][:-1], plan["hash"] + "0", plan["hash"].upper() + " ", ""):
        app.annotate(approve=wrong)
        # A change that shows proves that the annotation was seen.
        app.patch({"backend": {"service": {"annotations": {"example.org/tried": wrong or "nothing"}}}})
        eventually(lambda wrong=wrong: tried(app) == (wrong or "nothing"), "the operator to look again")
    assert wait_plan(app)["hash"] == plan["hash"], "a live setting is no part of the plan"
    assert (numbers(app), footprint(app)) == ([1], before)
    approve(app, plan)
    wait_outcome(app, 2)


def tried(app: TodoApp) -> str:
    return str(app.child("Service", "backend")["metadata"].get("annotations", {}).get("example.org/tried"))


def test_a_spec_edited_after_the_plan_needs_a_new_approval(app: TodoApp, api: Api) -> None:
    installed(app)
    app.patch(UPGRADE)
    first, before = wait_plan(app), footprint(app)
    change = {"metadata": {"annotations": {"apps.todoapp.dev/approve": first["hash"]}},
              "spec": {"backend": {"image": image("backend", "1.2.0")}}}
    api.patch("TodoAppDeployment", "todo", app.namespace, change)
    second = wait_plan(app)
    assert second["hash"] != first["hash"]
    assert (numbers(app), footprint(app)) == ([1], before)
    app.patch(UPGRADE)
    wait_outcome(app, 2)
    assert images(app)["backend"] == image("backend", "1.1.0"), "what was approved is what is asked for again"


def test_an_old_approval_is_none_for_the_next_upgrade(app: TodoApp) -> None:
    installed(app, **NO_PODS)
    app.patch(UPGRADE)
    plan = wait_plan(app)
    approve(app, plan)
    wait_outcome(app, 2)
    app.patch({"backend": {"image": image("backend", "1.0.0")}})
    back = wait_plan(app)
    approve(app, back)
    wait_outcome(app, 3)
    # The same step as the first one, from another revision.
    app.patch(UPGRADE)
    again = wait_plan(app)
    assert len({plan["hash"], back["hash"], again["hash"]}) == 3
    app.annotate(approve=plan["hash"])
    app.patch({"frontend": {"service": {"annotations": {"example.org/seen": "yes"}}}})
    app.wait_condition("Ready", "False", "AwaitingApproval")
    assert numbers(app) == [1, 2, 3]


def test_live_settings_need_no_approval(app: TodoApp) -> None:
    installed(app)
    app.patch({"backend": {"replicas": 2}})
    app.wait_ready()
    app.patch({**UPGRADE, "frontend": {"replicas": 2}})
    wait_plan(app)
    eventually(lambda: app.child("Deployment", "frontend")["spec"]["replicas"] == 2, "the live setting to count")
    assert numbers(app) == [1]


def test_secrets_in_a_plan_are_named_and_nothing_more(app: TodoApp, api: Api) -> None:
    put_secret(api, app, "canary-plan-1")
    installed(app, secrets=[PINNED], **NO_PODS)
    put_secret(api, app, "canary-plan-2")
    eventually(lambda: app.condition("Ready")["reason"] == "AwaitingApproval", "the plan")
    app.patch({"secrets": [PINNED, GENERATED], "backend": {"image": image("backend", "1.1.0")}})
    plan = wait_plan(app)
    about_secrets = [change for change in plan["changes"] if "ecret" in change["path"]]
    assert any("SESSION_KEY" in change["path"] for change in about_secrets), show(plan)
    assert all(change.keys() == {"path"} for change in about_secrets), show(plan)
    assert "canary-plan" not in show(app.status)
    approve(app, plan)
    wait_outcome(app, 2)


def test_a_requested_rollback_is_an_approval_in_itself_and_the_way_back_is_none(app: TodoApp) -> None:
    installed(app)
    app.patch(UPGRADE)
    approve(app, wait_plan(app))
    wait_outcome(app, 2)
    app.patch({"rollback": {"toRevision": 1}})
    app.wait_ready(reason="RolledBackOnRequest")
    assert rollback_of(app, 3) == "1"
    before = footprint(app)
    app.patch({"rollback": None})
    plan = wait_plan(app)
    assert footprint(app) == before
    approve(app, plan)
    wait_outcome(app, 4)
    app.wait_ready()


def test_an_automatic_rollback_waits_for_nobody_and_a_quarantined_content_asks_nobody(
        app: TodoApp, simulator: PodSimulator) -> None:
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image("backend", "1.1.0"))
    installed(app)
    app.patch(UPGRADE)
    approve(app, wait_plan(app))
    wait_outcome(app, 2, "Failed")
    app.wait_condition("Ready", "False", "RolledBack")
    wait_outcome(app, 3)
    assert "plan" not in app.status
    app.patch({"backend": {"disruptionBudget": {"maxUnavailable": 1}}})
    app.wait_condition("Ready", "False", "RolledBack")
    assert numbers(app) == [1, 2, 3]


def test_in_mid_rollout_the_first_plan_goes_on_until_the_next_is_approved(
        app: TodoApp, simulator: PodSimulator) -> None:
    installed(app)
    simulator.behave(pods.ready(1.0), namespace=app.namespace)
    app.patch(UPGRADE)
    approve(app, wait_plan(app))
    eventually(lambda: images(app)["backend"] == image("backend", "1.1.0"), "the rollout to begin")
    app.patch({"backend": {"image": image("backend", "1.2.0")}})
    plan = wait_plan(app)
    wait_outcome(app, 2)
    assert images(app)["backend"] == image("backend", "1.1.0")
    approve(app, wait_plan(app))
    wait_outcome(app, 3)
    app.wait_ready()
    assert plan["changes"] == [{"path": "backend.image", "from": image("backend", "1.1.0"),
                                "to": image("backend", "1.2.0")}]


def test_to_go_back_to_automatic_lets_what_waits_go_on(app: TodoApp) -> None:
    installed(app)
    app.patch(UPGRADE)
    wait_plan(app)
    app.patch({"upgrade": {"approval": "Automatic"}})
    wait_outcome(app, 2)
    app.wait_ready()
    assert "plan" not in app.status
