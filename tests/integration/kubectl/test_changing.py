"""rollback, retry, approve, restart, pause and resume: what they write, when they refuse, how they end."""

from __future__ import annotations

import pytest
from conftest import Plugin

from support import pod_simulator as pods
from support.pod_simulator import PodSimulator
from support.revisions import NO_PODS, footprint, image, images, install, numbers, rollback_of, wait_outcome
from support.todo_app import TodoApp, annotation
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator")

NEW = {"backend": {"image": image("backend", "2.0.0")}}


def upgraded(app: TodoApp) -> TodoApp:
    install(app, NO_PODS)
    app.patch(NEW)
    wait_outcome(app, 2)
    app.wait_ready()
    return app


def failed(app: TodoApp, simulator: PodSimulator) -> None:
    """An upgrade to `2.0.0` fails, and the first content is brought back."""
    install(app)
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image("backend", "2.0.0"))
    app.patch(NEW)
    app.wait_condition("Ready", "False", "RolledBack")


def test_a_rollback_goes_to_the_previous_good_revision_and_undo_follows_the_spec_again(
        app: TodoApp, plugin: Plugin) -> None:
    upgraded(app)
    where = ("todo", "-n", app.namespace)
    ended = plugin("rollback", *where, "--watch", "--timeout", "30s")
    assert (ended.code, ended.err) == (0, ""), ended
    first, *changes = ended.out.splitlines()
    assert first == "todoappdeployment.apps.todoapp.dev/todo is asked to roll back to revision 1"
    assert changes[-1] == "RolledBackOnRequest  revision 3  frontend 0/0  backend 0/0"
    assert app.get()["spec"]["rollback"] == {"toRevision": 1}
    assert rollback_of(app, 3) == "1"
    again = plugin("rollback", *where)
    assert again.code == 1 and "it is pinned to revision 1 already" in again.err
    assert plugin("rollback", *where, "--undo", "--watch").code == 0
    assert "rollback" not in app.get()["spec"]
    assert images(app)["backend"] == image("backend", "2.0.0")
    nothing = plugin("rollback", *where, "--undo")
    assert nothing.code == 1 and "it is not pinned" in nothing.err


def test_a_rollback_goes_by_contents_and_says_where_it_changes_nothing(
        app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    hold = {"upgrade": {"onFailure": "Hold"}}
    install(app, {**NO_PODS, **hold, "backend": {"replicas": 1}})
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image("backend", "2.0.0"))
    app.patch(NEW)
    app.wait_condition("Ready", "False", "RolloutFailed")
    app.patch({"backend": {"image": image("backend", "1.0.0")}})
    wait_outcome(app, 3)
    app.wait_ready()
    where = ("rollback", "todo", "-n", app.namespace)
    before = app.get()["metadata"]["generation"]
    refused = plugin(*where)
    assert (refused.code, refused.out) == (1, ""), "revision 1 holds what revision 3 does"
    assert "no revision before 3 succeeded with another content" in refused.err
    assert app.get()["metadata"]["generation"] == before
    ended = plugin(*where, "--to-revision", "1", "--watch")
    assert (ended.code, ended.err) == (0, ""), ended
    assert ended.out.startswith("todoappdeployment.apps.todoapp.dev/todo is pinned to revision 1, whose content serves "
                                "already (revision 3): nothing will be rolled out\n")
    assert numbers(app) == [1, 2, 3], "as it says"
    # And to another content it goes as ever.
    assert plugin("rollback", "todo", "-n", app.namespace, "--undo").code == 0
    app.patch({"backend": {"image": image("backend", "1.5.0")}})
    wait_outcome(app, 4)
    app.wait_ready()
    assert plugin.said(*where).endswith("/todo is asked to roll back to revision 3\n")


def test_a_rollback_that_cannot_be_is_refused_and_writes_nothing(app: TodoApp, plugin: Plugin) -> None:
    install(app, {**NO_PODS, "secrets": [{"name": "KEY", "generate": {"bytes": 16}}]})
    app.patch({"secrets": None})
    wait_outcome(app, 2)
    app.wait_ready()
    sealed = app.sealed("Secret", "backend")["metadata"]["name"]
    app.api.delete("Secret", sealed, app.namespace)

    def told() -> bool:
        app.patch({"revisionHistoryLimit": 9 if app.get()["spec"]["revisionHistoryLimit"] != 9 else 8})
        return any(not entry["restorable"] for entry in app.status["revisions"])

    eventually(told, "the status to say that revision 1 cannot be restored")
    before = app.get()["metadata"]["generation"]
    for arguments in ([], ["--to-revision", "1"]):
        refused = plugin("rollback", "todo", "-n", app.namespace, *arguments)
        assert (refused.code, refused.out) == (1, "")
        assert f"revision 1 cannot be restored: its sealed Secret {sealed} is gone" in refused.err
    unknown = plugin("rollback", "todo", "-n", app.namespace, "--to-revision", "7")
    assert unknown.code == 1 and "there are 2, 1" in unknown.err
    assert app.get()["metadata"]["generation"] == before


def test_a_retry_tries_once_more_and_is_refused_where_nothing_failed(
        app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    failed(app, simulator)
    where = ("todo", "-n", app.namespace)
    # Still broken: the watch does not take the old failure for the new one.
    ended = plugin("retry", *where, "--watch")
    assert ended.code == 1, ended
    assert numbers(app)[:4] == [1, 2, 3, 4] and app.outcome(4) == "Failed"
    assert f"cannot go on by itself; why, and what to do: kubectl todoapp explain todo -n {app.namespace}" in ended.err
    app.wait_condition("Ready", "False", "RolledBack")
    simulator.behave(pods.ready(), namespace=app.namespace, image=image("backend", "2.0.0"))
    ended = plugin("retry", *where, "--watch")
    assert (ended.code, ended.err) == (0, ""), ended
    assert images(app)["backend"] == image("backend", "2.0.0")
    refused = plugin("retry", *where)
    assert refused.code == 1 and "no failed rollout waits for another try (it is Succeeded)" in refused.err


def test_an_approval_is_for_the_plan_that_waits(app: TodoApp, plugin: Plugin) -> None:
    install(app, {**NO_PODS, "upgrade": {"approval": "Manual"}})
    app.wait_ready()
    where = ("todo", "-n", app.namespace)
    refused = plugin("approve", *where)
    assert refused.code == 1 and "no plan waits for approval (it is Succeeded)" in refused.err
    app.patch(NEW)
    plan = app.wait_condition("Ready", "False", "AwaitingApproval")["status"]["plan"]
    assert "backend.image: localhost/todo-backend:1.0.0 -> localhost/todo-backend:2.0.0" in plugin.said(
        "status", *where, "-o", "wide")
    ended = plugin("approve", *where, "--watch")
    assert (ended.code, ended.err) == (0, ""), ended
    assert f"has the approval for plan {plan['hash']}: backend.image\n" in ended.out
    assert app.outcome(2) == "Succeeded"


def test_a_restart_replaces_the_pods_and_records_nothing(app: TodoApp, plugin: Plugin) -> None:
    install(app)
    app.wait_ready()
    before = footprint(app).pods
    assert plugin.said("restart", "todo", "-n", app.namespace) == (
        "todoappdeployment.apps.todoapp.dev/todo is asked to restart its pods\n")
    eventually(lambda: not footprint(app).pods & before, "all pods to be new ones")
    assert numbers(app) == [1]


def test_a_restart_can_be_waited_for(app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    install(app)
    app.wait_ready()
    where = ("restart", "todo", "-n", app.namespace, "--watch", "--timeout")
    for delay in (0.0, 1.0):
        simulator.behave(pods.ready(delay), namespace=app.namespace)
        token = annotation(app.get(), "restart")
        ended = plugin(*where, "60s")
        assert (ended.code, ended.err) == (0, ""), ended
        assert ended.out.endswith("frontend 1/1 new  backend 1/1 new\n"), ended
        assert annotation(app.get(), "restart") != token
        for tier in ("frontend", "backend"):
            deployment = app.child("Deployment", tier)
            marks = deployment["spec"]["template"]["metadata"]["annotations"]
            assert marks["apps.todoapp.dev/restart"] == annotation(app.get(), "restart")
            status = deployment["status"]
            assert (status["replicas"], status["updatedReplicas"], status["availableReplicas"]) == (1, 1, 1)
    simulator.behave(pods.never_ready(), namespace=app.namespace)
    ended = plugin(*where, "2s")
    assert ended.code == 3 and "its new pods do not all serve after 2 s" in ended.err, ended


def test_a_pause_holds_and_a_resume_goes_on(app: TodoApp, plugin: Plugin) -> None:
    install(app, NO_PODS)
    where = ("todo", "-n", app.namespace)
    assert "is paused" in plugin.said("pause", *where)
    app.wait_condition("Ready", "False", "Suspended")
    app.patch(NEW)
    app.wait_condition("Ready", "False", "Suspended")
    assert "was paused already" in plugin.said("pause", *where)
    assert f"paused; to go on: kubectl todoapp resume todo -n {app.namespace}" in plugin.said("status", *where)
    refused = plugin("restart", *where)
    assert refused.code == 1 and f"kubectl todoapp resume todo -n {app.namespace} first" in refused.err
    assert numbers(app) == [1]
    ended = plugin("resume", *where, "--watch")
    assert (ended.code, ended.err) == (0, ""), ended
    assert app.outcome(2) == "Succeeded"


def test_what_it_writes_is_owned_under_its_own_name(app: TodoApp, plugin: Plugin) -> None:
    upgraded(app)
    plugin.said("restart", "todo", "-n", app.namespace)
    after = app.get()
    assert "kubectl-todoapp" in {entry["manager"] for entry in after["metadata"]["managedFields"]}
    assert annotation(after, "restart").isdigit()
