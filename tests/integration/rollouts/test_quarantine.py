"""A content that failed is not tried again unless somebody asks: with another content, or with a retry token."""

from __future__ import annotations

import pytest
from rollouts import (
    BACKEND_2,
    NEW_BACKEND,
    QUIET_SECONDS,
    Pods,
    numbers,
    outcomes,
    settled_traffic,
    shown,
    wait_rolled_back,
)
from stories import Endings, Stories

from support import pod_simulator as pods
from support.api import Object
from support.audit import AuditLog
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator
from support.todo_app import BACKEND_IMAGE, TIERS, TodoApp
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator")
story = Stories()
endings = story.fixture()

OTHER: Object = {"backend": {"image": "localhost/todo-backend:3.0.0"}}


def quarantine(app: TodoApp, simulator: PodSimulator) -> None:
    """Rolled back from revision 2, which the spec still asks for."""
    app.create().wait_ready()
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    wait_rolled_back(app)


@story
def live_settings_are_applied_and_make_no_attempt(app: TodoApp, simulator: PodSimulator) -> None:
    quarantine(app, simulator)
    app.patch({"backend": {"replicas": 2}, "upgrade": {"progressDeadlineSeconds": 120}})
    eventually(lambda: app.child("Deployment", "backend")["spec"]["replicas"] == 2, "two replicas")
    assert wait_rolled_back(app)["backend"]["image"] == BACKEND_IMAGE
    assert numbers(app) == [1, 2, 3]


@story
def an_edit_away_succeeds_and_the_way_back_meets_the_quarantine(
        app: TodoApp, simulator: PodSimulator, operator: OperatorProcess, audit: AuditLog) -> None:
    quarantine(app, simulator)
    app.patch(OTHER)
    assert shown(app.wait_ready()["status"])[4]["outcome"] == "Succeeded"
    tiers = [Pods(app, tier) for tier in TIERS]
    app.patch(NEW_BACKEND)
    wait_rolled_back(app)
    audit.settled([operator.user], app.namespace, quiet=QUIET_SECONDS)
    for tier in tiers:
        tier.check_untouched()
    assert numbers(app) == [1, 2, 3, 4]
    message = app.condition("Ready")["message"]
    assert "Revision 2" in message and "revision 4 serves" in message, message
    # Back to what serves: all is well, and nothing had to be done for it.
    app.patch(OTHER)
    app.wait_ready()
    assert numbers(app) == [1, 2, 3, 4]


@story
def the_failed_content_with_a_change_is_another_content(app: TodoApp, simulator: PodSimulator) -> None:
    quarantine(app, simulator)
    simulator.behave(pods.ready(), namespace=app.namespace, image=BACKEND_2)
    app.patch({"backend": {"config": {"FIXED": "yes"}}})
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Failed", 3: "Succeeded", 4: "Succeeded"}
    # And without the change it is what it was.
    app.patch({"backend": {"config": None}})
    assert wait_rolled_back(app)["activeRevision"] == 4
    assert numbers(app) == [1, 2, 3, 4]


@story
def a_retry_after_the_cause_was_mended_ends_the_quarantine(app: TodoApp, simulator: PodSimulator) -> None:
    quarantine(app, simulator)
    simulator.behave(pods.ready(), namespace=app.namespace, image=BACKEND_2)
    app.annotate(retry="mended")
    status = app.wait_ready()["status"]
    assert outcomes(app) == {1: "Succeeded", 2: "Failed", 3: "Succeeded", 4: "Succeeded"}
    assert status["backend"]["image"] == BACKEND_2
    assert [status[key] for key in ("activeRevision", "targetRevision", "lastGoodRevision")] == [4, 4, 4]
    for change in (OTHER, NEW_BACKEND):
        app.patch(change)
        app.wait_ready()
    assert outcomes(app)[6] == "Succeeded", "the content that had failed is as good as any other"


@story
def each_new_token_is_one_attempt_and_the_history_stays_short(
        app: TodoApp, simulator: PodSimulator, operator: OperatorProcess, audit: AuditLog) -> None:
    quarantine(app, simulator)
    app.patch({"revisionHistoryLimit": 1})
    for attempt, token in ((4, "a"), (6, "b")):
        app.annotate(retry=token)
        eventually(lambda attempt=attempt: attempt + 1 in numbers(app), f"the rollback of attempt {attempt}")
        wait_rolled_back(app)
    # The failed attempt stays, for the spec still asks for it; one more finished revision is kept.
    eventually(lambda: {6, 7} <= set(numbers(app)) <= {5, 6, 7}, "the history within its limit")
    audit.settled([operator.user], app.namespace, quiet=QUIET_SECONDS)
    assert {6, 7} <= set(numbers(app)) <= {5, 6, 7}
    assert wait_rolled_back(app)["failure"]["revision"] == 6


@story
def a_token_that_stood_there_before_the_failure_is_used_up_by_it(
        app: TodoApp, simulator: PodSimulator, operator: OperatorProcess, audit: AuditLog) -> None:
    app.create(annotations={"apps.todoapp.dev/retry": "old"}).wait_ready()
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    wait_rolled_back(app)
    audit.settled([operator.user], app.namespace, quiet=QUIET_SECONDS)
    assert numbers(app) == [1, 2, 3]


@story
def a_retry_of_a_failed_install_makes_new_pods_and_heals(app: TodoApp, simulator: PodSimulator) -> None:
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, tier="backend")
    app.create().wait_condition("Ready", "False", "InstallFailed")
    first = Pods(app, "backend")
    # Only pods that are made from now on are well.
    simulator.behave(pods.ready(), namespace=app.namespace, tier="backend")
    app.annotate(retry="now")
    app.wait_ready()
    first.check_all_replaced()
    assert outcomes(app) == {1: "Failed", 2: "Succeeded"}


@story
def a_retry_of_a_failed_rollback_tries_the_spec_again(app: TodoApp, simulator: PodSimulator) -> None:
    app.create().wait_ready()
    bad_frontend = "localhost/todo-frontend:2.0.0"
    for image in (bad_frontend, BACKEND_IMAGE):
        simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image)
    both: Object = {**NEW_BACKEND, "frontend": {"image": bad_frontend}}
    app.patch(both)
    app.wait_condition("Ready", "False", "RollbackFailed")
    simulator.behave(pods.ready(), namespace=app.namespace, image=bad_frontend)
    app.annotate(retry="mended")
    status = app.wait_ready()["status"]
    assert (status["backend"]["image"], status["frontend"]["image"]) == (BACKEND_2, bad_frontend)
    assert outcomes(app) == {1: "Succeeded", 2: "Failed", 3: "Failed", 4: "Succeeded"}


@story
def a_retry_token_for_an_app_that_is_well_does_nothing(
        app: TodoApp, operator: OperatorProcess, audit: AuditLog) -> None:
    app.create().wait_ready()
    start = audit.settled([operator.user], app.namespace)
    app.annotate(retry="for nothing")
    traffic = settled_traffic(app, operator, audit, start)
    assert not traffic.writes(), f"\n{traffic}"


@pytest.mark.parametrize("name", story.names)
def test_that(endings: Endings, name: str) -> None:
    endings.check(name)
