"""What only time or an administrator can mend is waited for, past the progress deadline, and said."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import pytest
from rollouts import (
    BACKEND_2,
    NEW_BACKEND,
    Batch,
    FirstPod,
    outcomes,
    pod_uids,
    trusted,
    wait_outcome,
    wait_rolled_back,
    wait_success,
)
from stories import Endings, Stories

from support import pod_simulator as pods
from support import pod_statuses as statuses
from support.api import Api, Object
from support.audit import AuditLog
from support.operator_process import OperatorProcess
from support.pod_simulator import Behaviour, PodSimulator, Step
from support.todo_app import BACKEND_IMAGE, TodoApp, condition_of
from support.waiting import eventually, show

pytestmark = pytest.mark.usefixtures("operator")
story = Stories()
endings = story.fixture()

# Longer than a busy machine takes to give a new pod its first status, which says what is the matter.
DEADLINE_SECONDS = 8
UPGRADE: Object = {"upgrade": {"progressDeadlineSeconds": DEADLINE_SECONDS, "maxRetries": 1}}


def lost_node(pod: Object) -> Object:
    """What the node lifecycle controller makes of a pod whose kubelet does not answer any more: the containers are as
    they were last seen, and only the pod's condition Ready is false, without a reason."""
    status = statuses.running(pod)
    for condition in status["conditions"]:
        if condition["type"] == "Ready":
            condition["status"] = "False"
    return status


EVICTED_ONCE = FirstPod(statuses.evicted, partial(
    statuses.unschedulable, message="0/1 nodes are available: 1 node(s) had untolerated taint(s)."))
NODE_SHUTDOWN: Object = {"phase": "Failed", "reason": "Terminated",
                         "message": "Pod was terminated in response to imminent node shutdown."}


class Trouble(NamedTuple):
    behaviour: Behaviour
    words: list[str]
    """All in the message of the condition."""


TROUBLES = {
    "unschedulable": Trouble(pods.unschedulable("0/3 nodes are available: 3 Insufficient memory."),
                             ["Unschedulable", "3 Insufficient memory"]),
    "registry-refuses-connections": Trouble(pods.image_pull(statuses.REGISTRY_AWAY),
                                            ["ImagePull", "connection refused"]),
    "registry-times-out": Trouble(pods.image_pull('failed to pull and unpack image "{image}": failed to resolve '
                                                  'reference "{image}": failed to do request: Head "https://r/v2/": '
                                                  "dial tcp 10.0.0.1:443: i/o timeout"), ["ImagePull", "i/o timeout"]),
    "registry-fails": Trouble(pods.image_pull('failed to pull and unpack image "{image}": failed to resolve reference '
                                              '"{image}": unexpected status from HEAD request to https://r/v2/todo/'
                                              "manifests/2: 503 Service Unavailable"), ["ImagePull", "503"]),
    "evicted": Trouble((Step(0.3, EVICTED_ONCE),), []),
    "node-lost": Trouble((Step(0.1, lost_node),), ["NodeNotReady"]),
}


@pytest.fixture(scope="module")
def waiting(api: Api, operator: OperatorProcess, simulator: PodSimulator) -> Iterator[Batch]:
    """Every trouble of the table, all at once; new pods of the tiers cannot start."""
    with Batch(api, simulator, "waiting") as batch:
        for name in TROUBLES:
            batch.add(name)
        # No node for its new pod until the deadline is over; then it starts, and takes its time.
        batch.add("late")
        batch.behave("late", "backend", 2, (Step(0.1, statuses.unschedulable), Step(15, statuses.creating),
                                            Step(7.5, statuses.running)))
        batch.wait_ready()
        batch.upgrade("late", "backend", changes={"upgrade": {"progressDeadlineSeconds": 13}})
        for name, trouble in TROUBLES.items():
            batch.behave(name, "backend", 2, trouble.behaviour)
            batch.upgrade(name, "backend", changes=UPGRADE)
        yield batch


@pytest.mark.parametrize("name", TROUBLES)
def test_it_is_waited_for_past_the_progress_deadline_and_said(waiting: Batch, name: str) -> None:
    app = waiting.apps[name]
    wait_past_deadline(app)

    def look() -> bool:
        ready = app.condition("Ready")
        assert (ready["status"], ready["reason"]) == ("False", "Progressing"), show(ready)
        for words in ("Revision 2", "waits for", *TROUBLES[name].words):
            assert words in ready["message"], show(ready)
        return True

    eventually(look, "a word about what is waited for")
    assert outcomes(app) == {1: "Succeeded", 2: ""}
    status = app.status
    assert "failure" not in status
    assert not condition_of(app.get(), "Stalled")
    assert condition_of(app.get(), "Available")["status"] == "True", "the old pod serves"
    assert status["targetRevision"] == 2


@pytest.mark.parametrize("name", TROUBLES)
def test_when_it_is_over_the_same_revision_goes_on_and_no_retry_is_spent(waiting: Batch, name: str) -> None:
    app = waiting.apps[name]
    wait_past_deadline(app)
    waiting.behave(name, "backend", 2, pods.ready(), now=True)
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Succeeded"}


@story
def an_exceeded_quota_is_waited_for_past_the_deadline_and_named(app: TodoApp, api: Api) -> None:
    app.create().wait_ready()
    api.create({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tight", "namespace": app.namespace},
                "spec": {"hard": {"pods": "2"}}})
    eventually(lambda: api.get("ResourceQuota", "tight", app.namespace)["status"]["used"]["pods"] == "2",
               "the quota to be full")
    serving = pod_uids(app, "backend")
    app.patch({**NEW_BACKEND, **UPGRADE})
    app.wait_condition("Ready", "False", "QuotaExceeded")
    wait_past_deadline(app)
    ready = app.condition("Ready")
    assert "exceeded quota: tight" in ready["message"], ready
    assert ready["reason"] == "QuotaExceeded"
    assert outcomes(app) == {1: "Succeeded", 2: ""}
    assert pod_uids(app, "backend") == serving
    api.delete("ResourceQuota", "tight", app.namespace)
    # The ReplicaSet controller backs off by itself.
    wait_success(app, 2)
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Succeeded"}


@story
def old_pods_that_fail_alike_blame_the_environment_until_they_recover(
        app: TodoApp, simulator: PodSimulator, operator: OperatorProcess, audit: AuditLog) -> None:
    app.create().wait_ready()
    for image in (BACKEND_IMAGE, BACKEND_2):
        simulator.behave(pods.crash_loop(message="no database", restarts=3), namespace=app.namespace, image=image,
                         now=True)
    app.patch({**NEW_BACKEND, **UPGRADE})
    app.wait_condition("Ready", "False", "EnvironmentFailing")
    wait_past_deadline(app)
    audit.settled([operator.user], app.namespace, quiet=3)
    status = app.wait_condition("Ready", "False", "EnvironmentFailing")["status"]
    assert "no database" in app.condition("Ready")["message"]
    assert outcomes(app) == {1: "Succeeded", 2: ""}
    assert status["targetRevision"] == 2 and "failure" not in status
    for image in (BACKEND_IMAGE, BACKEND_2):
        simulator.behave(pods.ready(), namespace=app.namespace, image=image, now=True)
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Succeeded"}


@story
def a_revision_that_still_fails_when_the_environment_has_recovered_is_rolled_back(
        app: TodoApp, simulator: PodSimulator) -> None:
    app.create().wait_ready()
    for image in (BACKEND_IMAGE, BACKEND_2):
        simulator.behave(pods.crash_loop(restarts=3), namespace=app.namespace, image=image, now=True)
    app.patch(NEW_BACKEND)
    app.wait_condition("Ready", "False", "EnvironmentFailing")
    simulator.behave(pods.ready(), namespace=app.namespace, image=BACKEND_IMAGE, now=True)
    eventually(lambda: app.status["backend"]["availableReplicas"] == 1, "the old pods to recover")
    # What crashed in the bad time is forgiven; this pod crashes again.
    simulator.behave(pods.crash_loop(restarts=5)[7:], namespace=app.namespace, image=BACKEND_2, now=True)
    wait_outcome(app, 2, "Failed")
    wait_rolled_back(app)
    assert outcomes(app) == {1: "Succeeded", 2: "Failed", 3: "Succeeded"}


@story
def old_pods_that_fail_in_another_way_are_no_excuse(app: TodoApp, simulator: PodSimulator) -> None:
    app.create().wait_ready()
    simulator.behave(pods.out_of_memory(restarts=3), namespace=app.namespace, image=BACKEND_IMAGE, now=True)
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    assert wait_outcome(app, 2, "Failed")["metadata"]["annotations"]["apps.todoapp.dev/reason"] == "InvalidImageName"


@pytest.mark.parametrize("name", story.names)
def test_that(endings: Endings, name: str) -> None:
    endings.check(name)


@pytest.mark.parametrize("change", [{}, NODE_SHUTDOWN], ids=["evicted", "node-shutdown"])
def test_a_pod_that_its_node_gave_up_is_made_again_and_is_no_failure(
        app: TodoApp, simulator: PodSimulator, change: Object) -> None:
    app.create().wait_ready()
    simulator.behave((Step(0.3, lambda pod: {**statuses.evicted(pod), **change}),), namespace=app.namespace,
                     image=BACKEND_2)
    app.patch(NEW_BACKEND)
    eventually(lambda: any(pod["status"]["phase"] == "Failed" for pod in app.pods("backend")), "a lost pod")
    simulator.behave(pods.ready(), namespace=app.namespace, image=BACKEND_2)
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Succeeded"}


def test_a_pod_that_starts_after_a_long_wait_has_its_time_to_start(waiting: Batch) -> None:
    """The operator looks at the pods in the middle of that start, when nothing is wrong with them any more."""
    app = waiting.apps["late"]
    wait_success(app, 2)
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Succeeded"}


def wait_past_deadline(app: TodoApp) -> None:
    """Until the Deployment's own controller has given up."""

    def look() -> bool:
        trusted(app, 2)
        progress = condition_of(app.child("Deployment", "backend"), "Progressing")
        assert progress["reason"] == "ProgressDeadlineExceeded", show(progress)
        return True

    eventually(look, f"the progress deadline of {app.name}", 120)

