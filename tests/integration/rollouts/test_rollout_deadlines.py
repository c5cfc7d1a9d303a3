"""Deadlines, soak, restarts and retries: how long a rollout may take, and how often it is tried."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial

import pytest
from rollouts import (
    BACKEND_2,
    NEW_BACKEND,
    Batch,
    FirstPod,
    numbers,
    outcomes,
    shown,
    wait_outcome,
    wait_rolled_back,
    wait_step,
    wait_success,
)
from stories import Endings, Stories

from support import pod_simulator as pods
from support import pod_statuses as statuses
from support.api import Api, Object
from support.operator_process import OperatorProcess
from support.pod_simulator import Behaviour, PodSimulator, Step
from support.todo_app import BACKEND_IMAGE, TodoApp, annotation
from support.waiting import eventually, show
from support.watching import Recorder

pytestmark = pytest.mark.usefixtures("operator")
story = Stories()
endings = story.fixture()

TIMEOUT_SECONDS = 10
# A machine may stand still just when the time is over.
LATE_SECONDS = 8
SOAK_SECONDS = 6


def flapping(period: float = 0.7, times: int = 40) -> Behaviour:
    """Ready and not, again and again: it always moves, so no progress deadline ever comes."""
    return tuple(Step(period, partial(statuses.running, ready=bool(count % 2))) for count in range(times))


@pytest.fixture(scope="module")
def late(api: Api, operator: OperatorProcess, simulator: PodSimulator) -> Iterator[Batch]:
    """Upgrades that only the absolute time-out ends."""
    cases = {"flapping": flapping(), "unschedulable": pods.unschedulable(), "never-ready": pods.never_ready(),
             "in-the-soak": pods.ready()}
    with Batch(api, simulator, "late") as batch:
        for name, behaviour in cases.items():
            batch.add(name)
            batch.behave(name, "backend", 2, behaviour)
        batch.wait_ready()
        for name in cases:
            limits: Object = {"timeoutSeconds": TIMEOUT_SECONDS, "soakSeconds": TIMEOUT_SECONDS - 1}
            batch.upgrade(name, "backend", changes={"upgrade": limits})
        # The last one loses a pod in its soak, so that there is no time for another one.
        wait_step(batch.apps["in-the-soak"], "Soaking")
        batch.behave("in-the-soak", "backend", 2, (Step(0, partial(statuses.running, ready=False)),
                                                   Step(2, statuses.running)), now=True)
        for app in batch.apps.values():
            wait_outcome(app, 2, "Failed")
            # The rollback has to keep to these as well.
            app.patch({"upgrade": {"timeoutSeconds": 600, "soakSeconds": 0}})
        yield batch


@pytest.mark.parametrize("name", ["flapping", "unschedulable", "never-ready", "in-the-soak"])
def test_the_absolute_timeout_ends_a_rollout_whatever_the_cause(late: Batch, name: str) -> None:
    app = late.apps[name]
    record = wait_outcome(app, 2, "Failed")
    assert annotation(record, "reason") == "TimedOut"
    status = wait_rolled_back(app)
    assert status["failure"]["reason"] == "TimedOut"
    assert f"{TIMEOUT_SECONDS} s" in status["failure"]["message"], show(status["failure"])
    took = instant(status["failure"]["at"]) - instant(shown(status)[2]["createdAt"])
    assert TIMEOUT_SECONDS <= took <= TIMEOUT_SECONDS + LATE_SECONDS
    assert outcomes(app) == {1: "Succeeded", 2: "Failed", 3: "Succeeded"}


def test_a_timeout_names_what_was_waited_for(late: Batch) -> None:
    told = wait_rolled_back(late.apps["unschedulable"])["failure"]
    assert "Unschedulable" in told["message"] and "1 Insufficient cpu" in told["message"], show(told)


@story
def the_progress_deadline_is_that_of_each_tier(app: TodoApp, simulator: PodSimulator) -> None:
    """Two tiers that take most of the deadline each are both in time."""
    app.create().wait_ready()
    simulator.behave(pods.ready(7), namespace=app.namespace)
    app.patch({"config": {"LOG_LEVEL": "debug"}, "upgrade": {"progressDeadlineSeconds": 13}})
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Succeeded"}


@story
def a_longer_deadline_given_in_mid_rollout_counts(app: TodoApp, simulator: PodSimulator) -> None:
    app.create().wait_ready()
    simulator.behave(pods.never_ready(), namespace=app.namespace, image=BACKEND_2)
    app.patch({**NEW_BACKEND, "upgrade": {"progressDeadlineSeconds": 25, "timeoutSeconds": 25}})
    wait_step(app, "RollingBackend")
    app.patch({"upgrade": {"progressDeadlineSeconds": 300, "timeoutSeconds": 600}})
    created = instant(shown(app.status)[2]["createdAt"])
    eventually(lambda: time.time() > created + 27, "the old deadlines to be over")
    assert app.outcome(2) == ""
    simulator.behave(pods.ready(), namespace=app.namespace, image=BACKEND_2, now=True)
    app.wait_ready()
    assert numbers(app) == [1, 2]


@story
def the_outcome_waits_for_the_whole_soak_and_says_until_when(app: TodoApp, api: Api) -> None:
    app.create().wait_ready()
    began = time.time()
    with Recorder(api, app.namespace, ["TodoAppDeployment"]) as recorder:
        app.patch({**NEW_BACKEND, "upgrade": {"soakSeconds": SOAK_SECONDS}})
        app.wait_ready()
    steps = [change.object["status"].get("step", "") for change in recorder.changes()]
    said = [step.removeprefix("Soaking until ") for step in steps if step.startswith("Soaking until ")]
    assert len(set(said)) == 1, steps
    until = datetime.combine(datetime.now(UTC).date(), datetime.strptime(said[0], "%H:%M:%SZ").time(), UTC).timestamp()
    available, written = last_ready(app), ended_at(app, 2)
    assert began + SOAK_SECONDS <= until
    # All but the first are whole seconds, and the end may come late.
    assert available + SOAK_SECONDS <= until <= written + 1
    assert written - available >= SOAK_SECONDS - 1


@story
def a_restart_in_the_soak_starts_the_soak_again(app: TodoApp, simulator: PodSimulator) -> None:
    app.create()
    wait_outcome(app, 1, "Succeeded")
    app.patch({**NEW_BACKEND, "upgrade": {"soakSeconds": 60}})
    wait_step(app, "Soaking")
    simulator.behave((Step(0, statuses.crashed),), namespace=app.namespace, image=BACKEND_2, now=True)
    wait_step(app, "RollingBackend")
    app.patch({"upgrade": {"soakSeconds": SOAK_SECONDS}})
    last = {"terminated": statuses.terminated(3)}
    simulator.behave((Step(0, partial(statuses.running, restarts=1, last=last)),), namespace=app.namespace,
                     image=BACKEND_2, now=True)
    wait_outcome(app, 2, "Succeeded")
    assert ended_at(app, 2) - last_ready(app) >= SOAK_SECONDS - 1, "both are whole seconds"
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Succeeded"}


@story
def restarts_in_the_soak_fail_a_rollout_that_the_deployment_calls_complete(
        app: TodoApp, simulator: PodSimulator) -> None:
    """Without a readiness probe a crash-looping pod is ready for a moment, and the Deployment is done."""
    app.create()
    wait_outcome(app, 1, "Succeeded")
    simulator.behave((Step(0.1, statuses.running), *pods.crash_loop(restarts=2)[1:]), namespace=app.namespace,
                     image=BACKEND_2)
    app.patch({**NEW_BACKEND, "upgrade": {"soakSeconds": 60}})
    record = wait_outcome(app, 2, "Failed")
    assert annotation(record, "reason") == "CrashLoopBackOff"
    app.patch({"upgrade": {"soakSeconds": 0}})
    wait_rolled_back(app)


@story
def max_restarts_is_the_number_that_fails(app: TodoApp, simulator: PodSimulator) -> None:
    app.create({"upgrade": {"maxRestarts": 4, "progressDeadlineSeconds": 60}}).wait_ready()
    simulator.behave(pods.crash_loop(restarts=4, pause=0.3), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    assert wait_rolled_back(app)["failure"]["restarts"] == 4


@story
def retries_are_attempts_with_numbers_of_their_own_and_then_comes_quarantine(
        app: TodoApp, simulator: PodSimulator) -> None:
    app.create({"upgrade": {"maxRetries": 2}}).wait_ready()
    simulator.behave(pods.crash_loop(restarts=2), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    status = wait_rolled_back(app)
    told = shown(status)
    assert {number: entry["outcome"] for number, entry in told.items()} == {
        1: "Succeeded", 2: "Failed", 3: "Failed", 4: "Failed", 5: "Succeeded"}
    assert [told[number]["cause"] for number in (3, 4)] == ["retry of revision 2", "retry of revision 3"]
    assert told[5]["rollbackOf"] == 1
    assert all("rollbackOf" not in told[number] for number in (2, 3, 4))
    assert status["failure"]["revision"] == 4
    hashes = {annotation(app.revision(number), "content") for number in (2, 3, 4)}
    assert len(hashes) == 1 and "" not in hashes, "one content"


@story
def a_retry_gets_pods_and_time_of_its_own(app: TodoApp, simulator: PodSimulator) -> None:
    app.create({"upgrade": {"maxRetries": 1}}).wait_ready()
    unready = partial(statuses.running, ready=False)
    # Slower than at once, and faster than the deadline.
    simulator.behave((Step(0.1, unready), Step(2, FirstPod(unready, statuses.running))), namespace=app.namespace,
                     image=BACKEND_2)
    app.patch({**NEW_BACKEND, "upgrade": {"progressDeadlineSeconds": 10}})
    first = eventually(lambda: pods_of(app, BACKEND_2), "pods of the first attempt")
    wait_outcome(app, 2, "Failed")
    wait_success(app, 3)
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Failed", 3: "Succeeded"}
    assert not pods_of(app, BACKEND_2) & first


@story
def retries_begin_anew_for_another_content(app: TodoApp, simulator: PodSimulator) -> None:
    app.create({"upgrade": {"maxRetries": 1}}).wait_ready()
    for image in (BACKEND_2, "localhost/todo-backend:3.0.0"):
        simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image)
        app.patch({"backend": {"image": image}})
        wait_rolled_back(app)
    assert outcomes(app) == {1: "Succeeded", 2: "Failed", 3: "Failed", 4: "Succeeded",
                             5: "Failed", 6: "Failed", 7: "Succeeded"}
    assert app.container("backend")["image"] == BACKEND_IMAGE


@pytest.mark.parametrize("name", story.names)
def test_that(endings: Endings, name: str) -> None:
    endings.check(name)


def pods_of(app: TodoApp, image: str) -> set[str]:
    return {pod["metadata"]["uid"] for pod in app.pods("backend")
            if pod["spec"]["containers"][0]["image"] == image and "deletionTimestamp" not in pod["metadata"]}


def last_ready(app: TodoApp) -> float:
    """When the last of the backend's pods came to be ready."""
    return max(instant(entry["lastTransitionTime"]) for pod in app.pods("backend")
               for entry in pod["status"]["conditions"] if entry["type"] == "Ready")


def ended_at(app: TodoApp, number: int) -> float:
    """When the outcome of a revision was written: the last that was done to its record."""
    return max(instant(entry["time"]) for entry in app.revision(number)["metadata"]["managedFields"])


def instant(text: str) -> float:
    return math.floor(datetime.fromisoformat(text).timestamp())
