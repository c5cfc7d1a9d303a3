"""Failures with no way back: the app holds, is watched, heals, and says what to do; and it never loops."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from rollouts import (
    BACKEND_2,
    BOTH_NEW,
    FRONTEND_2,
    NEW_BACKEND,
    NEW_FRONTEND,
    QUIET_SECONDS,
    Batch,
    Pods,
    outcomes,
    settled_traffic,
    shown,
    wait_outcome,
)
from stories import Endings, Stories

from support import pod_simulator as pods
from support import pod_statuses as statuses
from support.api import Api, Object
from support.audit import AuditLog
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator, Step
from support.todo_app import BACKEND_IMAGE, FRONTEND_IMAGE, TodoApp, condition_of
from support.waiting import eventually, show

pytestmark = pytest.mark.usefixtures("operator")
story = Stories()
endings = story.fixture()

HOLD: Object = {"upgrade": {"onFailure": "Hold"}}
RETRY_COMMAND = "kubectl annotate tad {name} --namespace {namespace} --overwrite apps.todoapp.dev/retry="


@pytest.fixture(scope="module")
def held(api: Api, operator: OperatorProcess, simulator: PodSimulator) -> Iterator[Batch]:
    """Apps that fail at the same time: an upgrade that holds, two first installs, a rollback that fails as well."""
    with Batch(api, simulator, "held") as batch:
        batch.add("upgrade", {**HOLD, "backend": {"replicas": 2}})
        batch.add("rollback")
        batch.wait_ready()
        batch.behave("install", "backend", 1, pods.crash_loop(message="no schema", restarts=2))
        batch.add("install")
        batch.behave("install-late", "frontend", 1, pods.never_ready())
        batch.add("install-late", {"upgrade": {"progressDeadlineSeconds": 8}})
        batch.behave("upgrade", "backend", 2, pods.crash_loop(restarts=2))
        batch.upgrade("upgrade", "backend", "frontend")
        # The backend goes up, the frontend fails, and on the way back the old backend does not start any more.
        batch.behave("rollback", "backend", 1, pods.crash_loop(exit_code=9, message="schema is newer", restarts=2))
        batch.behave("rollback", "frontend", 2, pods.invalid_image_name())
        batch.upgrade("rollback", "backend", "frontend")
        yield batch


HELD = {"upgrade": ("RolloutFailed", 2), "install": ("InstallFailed", 1), "install-late": ("InstallFailed", 1),
        "rollback": ("RollbackFailed", 3)}


@pytest.mark.parametrize("name", HELD)
def test_it_says_that_it_holds_and_what_to_do(held: Batch, name: str) -> None:
    app, (reason, number) = held.apps[name], HELD[name]
    status = app.wait_condition("Ready", "False", reason)["status"]
    conditions = {entry["type"]: entry for entry in status["conditions"]}
    assert (conditions["Stalled"]["status"], conditions["Stalled"]["reason"]) == ("True", reason)
    assert "Reconciling" not in conditions
    message = conditions["Ready"]["message"]
    for words in (f"Revision {number}", status["failure"]["reason"], "change the spec",
                  RETRY_COMMAND.format(name=name, namespace=app.namespace)):
        assert words in message, message
    assert status["failure"]["revision"] == number
    assert shown(status)[number]["outcome"] == "Failed"


def test_none_of_them_makes_a_further_revision_or_writes_anything(
        held: Batch, operator: OperatorProcess, audit: AuditLog) -> None:
    for name, (reason, _) in HELD.items():
        held.apps[name].wait_condition("Ready", "False", reason)
    audit.settled([operator.user], held.namespace, quiet=QUIET_SECONDS)
    for name, (_, number) in HELD.items():
        assert max(outcomes(held.apps[name])) == number, name
        assert held.apps[name].outcome(number) == "Failed", name


def test_an_upgrade_that_holds_leaves_the_pods_as_they_are(held: Batch) -> None:
    app = held.apps["upgrade"]
    status = app.wait_condition("Ready", "False", "RolloutFailed")["status"]
    assert app.container("backend")["image"] == Batch.image("upgrade", "backend", 2)
    assert app.container("frontend")["image"] == Batch.image("upgrade", "frontend", 1), "its turn did not come"
    assert [status[key] for key in ("activeRevision", "targetRevision", "lastGoodRevision")] == [1, 2, 1]
    assert condition_of(app.get(), "Available")["status"] == "True", "the old pods serve on"


def test_a_first_install_that_failed_has_no_good_revision(held: Batch) -> None:
    status = held.apps["install"].wait_condition("Ready", "False", "InstallFailed")["status"]
    assert "lastGoodRevision" not in status and "activeRevision" not in status
    assert condition_of({"status": status}, "Available")["status"] == "False"
    assert "no schema" in status["failure"]["message"]


def test_a_rollback_that_failed_names_both_revisions(held: Batch) -> None:
    app = held.apps["rollback"]
    status = app.wait_condition("Ready", "False", "RollbackFailed")["status"]
    told = shown(status)
    assert {number: entry["outcome"] for number, entry in told.items()} == {1: "Succeeded", 2: "Failed", 3: "Failed"}
    assert (told[2]["reason"], told[3]["reason"]) == ("InvalidImageName", "CrashLoopBackOff")
    assert told[3]["rollbackOf"] == 1
    assert "schema is newer" in status["failure"]["message"]
    assert app.container("frontend")["image"] == Batch.image("rollback", "frontend", 1), "it went back first"


@pytest.mark.parametrize("name", HELD)
def test_pods_that_become_healthy_turn_the_outcome_into_success(held: Batch, name: str) -> None:
    """The last test of these apps: from here on they are well."""
    app, (reason, number) = held.apps[name], HELD[name]
    app.wait_condition("Ready", "False", reason)
    for tier in ("frontend", "backend"):
        for version in (1, 2):
            held.behave(name, tier, version, pods.ready(), now=True)
    wait_outcome(app, number, "Succeeded")
    if name == "rollback":
        status = app.wait_condition("Ready", "False", "RolledBack")["status"]
    else:
        status = app.wait_ready()["status"]
    assert max(outcomes(app)) == number, "no new revision"
    assert [status[key] for key in ("activeRevision", "targetRevision", "lastGoodRevision")] == [number] * 3
    assert {status[tier]["ready"] for tier in ("frontend", "backend")} <= {"1/1", "2/2"}


@story
def a_held_upgrade_that_heals_soaks_before_it_is_a_success(app: TodoApp, simulator: PodSimulator) -> None:
    app.create(HOLD).wait_ready()
    simulator.behave(pods.crash_loop(restarts=2), namespace=app.namespace, image=BACKEND_2)
    app.patch({**NEW_BACKEND, "upgrade": {"soakSeconds": 60}})
    wait_outcome(app, 2, "Failed")
    # It comes up for a moment only, which is no success.
    simulator.behave((Step(0.1, statuses.running), Step(1.5, statuses.crashed),
                      Step(1, partial(statuses.crash_loop, restarts=4))), namespace=app.namespace, image=BACKEND_2,
                     now=True)
    eventually(lambda: any(pod["status"]["containerStatuses"][0]["restartCount"] == 4 for pod in app.pods("backend")),
               "the crash after the moment of health")
    assert app.outcome(2) == "Failed"
    app.patch({"upgrade": {"soakSeconds": 3}})
    simulator.behave(pods.ready(), namespace=app.namespace, image=BACKEND_2, now=True)
    wait_outcome(app, 2, "Succeeded")
    app.wait_ready()


@story
def a_corrected_spec_ends_the_hold_of_an_upgrade_and_of_an_install(
        app: TodoApp, simulator: PodSimulator) -> None:
    simulator.behave(pods.crash_loop(restarts=2), namespace=app.namespace, image=BACKEND_IMAGE)
    app.create(HOLD).wait_condition("Ready", "False", "InstallFailed")
    app.patch(NEW_BACKEND)
    app.wait_ready()
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=FRONTEND_2)
    app.patch(NEW_FRONTEND)
    app.wait_condition("Ready", "False", "RolloutFailed")
    app.patch({"frontend": {"image": "localhost/todo-frontend:3.0.0"}})
    app.wait_ready()
    assert outcomes(app) == {1: "Failed", 2: "Succeeded", 3: "Failed", 4: "Succeeded"}


@story
def a_held_upgrade_taken_back_in_the_spec_serves_the_old_content_again(
        app: TodoApp, simulator: PodSimulator) -> None:
    app.create(HOLD).wait_ready()
    frontend, backend = Pods(app, "frontend"), Pods(app, "backend")
    simulator.behave(pods.crash_loop(restarts=2), namespace=app.namespace, image=BACKEND_2)
    app.patch(BOTH_NEW)
    app.wait_condition("Ready", "False", "RolloutFailed")
    app.patch({"backend": {"image": BACKEND_IMAGE}, "frontend": {"image": FRONTEND_IMAGE}})
    app.wait_ready()
    frontend.check_untouched()
    assert {pod["metadata"]["uid"] for pod in app.pods("backend")} >= backend.uids, "the old pod served all the time"
    assert outcomes(app) == {1: "Succeeded", 2: "Failed", 3: "Succeeded"}


@story
def hold_turned_into_rollback_after_the_failure_goes_back(app: TodoApp, simulator: PodSimulator) -> None:
    app.create(HOLD).wait_ready()
    simulator.behave(pods.crash_loop(restarts=2), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    app.wait_condition("Ready", "False", "RolloutFailed")
    app.patch({"upgrade": {"onFailure": "Rollback"}})
    app.wait_condition("Ready", "False", "RolledBack")
    assert outcomes(app) == {1: "Succeeded", 2: "Failed", 3: "Succeeded"}


@story
def drift_of_a_held_app_is_put_right(app: TodoApp, api: Api, simulator: PodSimulator) -> None:
    app.create(HOLD).wait_ready()
    simulator.behave(pods.crash_loop(restarts=2), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    app.wait_condition("Ready", "False", "RolloutFailed")
    api.delete("Service", "todo-backend", app.namespace)
    app.wait_child("Service", "backend")
    app.patch({"backend": {"replicas": 2}})
    eventually(lambda: app.child("Deployment", "backend")["spec"]["replicas"] == 2, "two replicas")
    assert outcomes(app) == {1: "Succeeded", 2: "Failed"}


@story
def a_rolled_back_app_rests(
        app: TodoApp, simulator: PodSimulator, operator: OperatorProcess, audit: AuditLog) -> None:
    app.create({"upgrade": {"maxRetries": 1}}).wait_ready()
    start = audit.settled([operator.user], app.namespace)
    simulator.behave(pods.crash_loop(restarts=2), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    app.wait_condition("Ready", "False", "RolledBack")
    traffic = settled_traffic(app, operator, audit, start, quiet=QUIET_SECONDS)
    writes = traffic.object_writes()
    assert writes.of("controllerrevisions").objects() == {
        "controllerrevisions todo-rev-2": 2, "controllerrevisions todo-rev-3": 2, "controllerrevisions todo-rev-4": 2
    }, f"\n{writes}"
    assert writes.of("deployments").objects() == {"deployments todo-backend": 3}, f"\n{writes}"
    assert not writes.where(lambda request: request.resource not in ("controllerrevisions", "deployments")), show(
        str(writes))


@pytest.mark.parametrize("name", story.names)
def test_that(endings: Endings, name: str) -> None:
    endings.check(name)
