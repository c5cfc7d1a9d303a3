"""upgrade: what it changes, how it ends, and when it changes nothing."""

from __future__ import annotations

import pytest
from conftest import Plugin

from support import pod_simulator as pods
from support.pod_simulator import PodSimulator
from support.revisions import NO_PODS, image, images, install, numbers, wait_outcome
from support.todo_app import TodoApp, merged

pytestmark = pytest.mark.usefixtures("operator")

NEW = ("--backend-image", image("backend", "2.0.0"))
CONFIG = {"config": {"LOG_LEVEL": "info", "MODE": "x"}}


def test_it_changes_what_it_is_given_waits_and_ends_with_0(
        app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    install(app, CONFIG)
    app.wait_ready()
    # Until it has told of them no new pod becomes ready.
    simulator.behave(pods.ready(3600.0), namespace=app.namespace)
    before = app.get()["spec"]
    ended = plugin.followed(
        ("revision 2  Rolling", lambda: simulator.behave(pods.ready(), namespace=app.namespace, now=True)),
        "upgrade", "todo", "-n", app.namespace, *NEW, "--set-config", "LOG_LEVEL=debug", "--set-config", "MODE-",
        "--set-backend-config", "CACHE=off")
    assert (ended.code, ended.err) == (0, ""), ended
    first, *changes = ended.out.splitlines()
    assert first == ("todoappdeployment.apps.todoapp.dev/todo is asked for backend image localhost/todo-backend:2.0.0, "
                     "config LOG_LEVEL, config MODE, backend config CACHE")
    assert any("revision 2  Rolling" in line for line in changes), ended.out
    assert changes[-1] == "Succeeded  revision 2  frontend 1/1  backend 1/1"
    expected = merged(before, {"config": {"LOG_LEVEL": "debug", "MODE": None},
                               "backend": {"image": image("backend", "2.0.0"), "config": {"CACHE": "off"}}})
    after = app.get()
    assert after["spec"] == expected
    owned = next(entry for entry in after["metadata"]["managedFields"] if entry["manager"] == "kubectl-todoapp")
    assert set(owned["fieldsV1"]["f:spec"]) == {"f:backend", "f:config"}, "nobody else's field becomes its own"
    again = plugin("upgrade", "todo", "-n", app.namespace, *NEW, "--set-config", "MODE-")
    assert (again.code, again.err) == (0, "")
    assert again.out == "todoappdeployment.apps.todoapp.dev/todo has all of that already and serves it\n"
    assert numbers(app) == [1, 2]


def test_a_failure_ends_with_1_and_shows_reason_and_evidence(
        app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    install(app)
    app.wait_ready()
    simulator.behave(pods.crash_loop(message="cannot open the database"), namespace=app.namespace,
                     image=image("backend", "2.0.0"))
    ended = plugin("upgrade", "todo", "-n", app.namespace, *NEW)
    assert ended.code == 1, ended
    for words in ("todo in namespace " + app.namespace + " is not ready since ", "; now: RolledBack\n",
                  "Evidence of revision 2\n", "  reason     CrashLoopBackOff\n", "  | cannot open the database\n",
                  f"    kubectl todoapp retry todo -n {app.namespace}\n"):
        assert words in ended.out, ended.out
    assert ended.err == f"kubectl-todoapp: {app.namespace}/todo was not upgraded\n"
    assert images(app)["backend"] == image("backend", "1.0.0")
    # As a job that is run again does it.
    again = plugin("upgrade", "todo", "-n", app.namespace, *NEW)
    assert again.code == 1 and "Evidence of revision 2\n" in again.out, again
    assert again.out.startswith("todoappdeployment.apps.todoapp.dev/todo has all of that already, and does not serve it "
                                "(RolledBack)\n")
    assert again.err == (f"kubectl-todoapp: {app.namespace}/todo was not upgraded: the spec asks for that already, and it "
                         "failed (revision 2: CrashLoopBackOff); try it again: kubectl todoapp retry todo -n "
                         f"{app.namespace}\n")
    asked = plugin("upgrade", "todo", "-n", app.namespace, *NEW, "--no-wait")
    assert (asked.code, asked.err, asked.out.count("\n")) == (0, "", 1), asked


def test_a_time_that_is_up_ends_with_3_and_no_wait_with_0(
        app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    install(app)
    app.wait_ready()
    simulator.behave(pods.never_ready(), namespace=app.namespace, image=image("backend", "2.0.0"))
    ended = plugin("upgrade", "todo", "-n", app.namespace, *NEW, "--timeout", "2s")
    assert ended.code == 3 and "is not ready after 2 s" in ended.err, ended
    again = plugin("upgrade", "todo", "-n", app.namespace, *NEW, "--timeout", "1s")
    assert again.code == 3 and "is not ready after 1 s" in again.err, "what was asked for before is waited for as well"
    ended = plugin("upgrade", "todo", "-n", app.namespace, "--set-config", "A=b", "--no-wait")
    assert (ended.code, ended.err, ended.out.count("\n")) == (0, "", 1), ended


def test_it_is_refused_while_the_app_is_pinned_or_paused(app: TodoApp, plugin: Plugin) -> None:
    install(app, NO_PODS)
    app.patch({"backend": {"image": image("backend", "1.5.0")}})
    wait_outcome(app, 2)
    app.wait_ready()
    where = ("todo", "-n", app.namespace)
    assert plugin("rollback", *where, "--watch").code == 0
    generation = app.get()["metadata"]["generation"]
    refused = plugin("upgrade", *where, *NEW)
    assert (refused.code, refused.out) == (1, "")
    assert "it is pinned to revision 1" in refused.err and f"rollback todo -n {app.namespace} --undo" in refused.err
    assert app.get()["metadata"]["generation"] == generation, "nothing is written"
    assert plugin("rollback", *where, "--undo", "--watch").code == 0
    plugin.said("pause", *where)
    paused = plugin("upgrade", *where, *NEW)
    assert paused.code == 1 and f"kubectl todoapp resume todo -n {app.namespace} first" in paused.err


def test_an_approval_is_asked_for_and_not_waited_for(app: TodoApp, plugin: Plugin) -> None:
    install(app, {**NO_PODS, "upgrade": {"approval": "Manual"}})
    app.wait_ready()
    where = ("todo", "-n", app.namespace)
    ended = plugin("upgrade", *where, *NEW, "--timeout", "60s")
    assert ended.code == 1, ended
    assert f"waits for an approval: kubectl todoapp approve todo -n {app.namespace}" in ended.err
    assert plugin("approve", *where, "--watch").code == 0
    assert app.outcome(2) == "Succeeded"


def test_a_dry_run_shows_what_diff_shows_and_changes_nothing(app: TodoApp, plugin: Plugin) -> None:
    install(app, NO_PODS)
    app.wait_ready()
    generation = app.get()["metadata"]["generation"]
    where = ("todo", "-n", app.namespace)
    told = plugin("upgrade", *where, *NEW, "--dry-run")
    assert (told.code, told.err) == (0, ""), told
    assert f"# {app.namespace}/todo: revision 2 would be recorded: backend image 1.0.0 to 2.0.0\n" in told.out
    assert "deployment.apps/todo-backend  changed\n" in told.out
    same = plugin("upgrade", *where, "--backend-image", image("backend", "1.0.0"), "--dry-run")
    assert same.out == "todoappdeployment.apps.todoapp.dev/todo: nothing would change\n"
    assert app.get()["metadata"]["generation"] == generation and numbers(app) == [1]
