"""What fails a rollout at once: each cause is found on the pods, told with its evidence, and rolled back."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import pytest
from rollouts import (
    BACKEND_2,
    BOTH_NEW,
    FRONTEND_2,
    NEW_BACKEND,
    Batch,
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
from support.revisions import NO_PODS
from support.todo_app import BACKEND_IMAGE, TodoApp, annotation, environment
from support.waiting import eventually, show

pytestmark = pytest.mark.usefixtures("operator")
story = Stories()
endings = story.fixture()

# Far below the progress deadline of 600 s: what is terminal is not waited for.
WITHIN_SECONDS = 60.0
LAST_WORDS = "panic: cannot read the schema\ngoroutine 1 [running]"
INIT_CONTAINER: Object = {
    "name": "wait", "image": "localhost/wait:1",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}


def init_crash_loop() -> Behaviour:
    return tuple(Step(0.3, partial(statuses.init_crash_loop, restarts=count)) for count in (1, 2))


def between_crashes(pod: Object) -> Object:
    """A crash loop seen without luck: the container runs, and only restarts and last state tell."""
    last = {"terminated": statuses.terminated(3, LAST_WORDS)}
    return statuses.running(pod, ready=False, restarts=2, last=last)


def crashed_an_hour_ago(pod: Object) -> Object:
    then = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    last = {"terminated": {**statuses.terminated(3, LAST_WORDS), "startedAt": then, "finishedAt": then}}
    return statuses.running(pod, restarts=5, last=last)


class Failure(NamedTuple):
    reason: str
    evidence: Object
    message: str
    """Part of the message."""
    behaviour: Behaviour | None = None
    changes: Object | None = None
    tier: str = "backend"
    has_pod: bool = True


FAILURES = {
    "invalid-image-name": Failure("InvalidImageName", {"container": "backend"}, "invalid reference",
                                  pods.invalid_image_name()),
    "crash-loop": Failure("CrashLoopBackOff", {"container": "backend", "exitCode": 3, "restarts": 2}, LAST_WORDS,
                          pods.crash_loop(message=LAST_WORDS, restarts=2)),
    "crash-loop-between-crashes": Failure("CrashLoopBackOff", {"container": "backend", "exitCode": 3, "restarts": 2},
                                          LAST_WORDS, (Step(0.3, between_crashes),)),
    "crash-of-the-frontend": Failure("CrashLoopBackOff", {"container": "frontend", "exitCode": 7, "restarts": 2},
                                     "no such module", pods.crash_loop(7, "no such module", restarts=2),
                                     tier="frontend"),
    "killed-by-its-liveness-probe": Failure("CrashLoopBackOff", {"container": "backend", "exitCode": 137}, "",
                                            pods.crash_loop(exit_code=137, restarts=2)),
    "out-of-memory": Failure("OOMKilled", {"container": "backend", "exitCode": 137, "restarts": 2}, "",
                             pods.out_of_memory(restarts=2)),
    "start-error": Failure("StartError", {"container": "backend", "exitCode": 128, "restarts": 2},
                           "no such file or directory", pods.start_error()[:3]),
    "init-container": Failure("CrashLoopBackOff", {"container": "wait", "exitCode": 4, "restarts": 2}, "",
                              init_crash_loop()),
    "pod-security": Failure("FailedCreate", {}, "violates PodSecurity", has_pod=False, changes={
        "backend": {"securityContext": {"container": {"allowPrivilegeEscalation": True}}}}),
    "no-service-account": Failure("FailedCreate", {}, 'serviceaccount "nobody" not found', has_pod=False,
                                  changes={"backend": {"serviceAccountName": "nobody"}}),
}


@pytest.fixture(scope="module")
def failing(api: Api, operator: OperatorProcess, simulator: PodSimulator) -> Iterator[Batch]:
    """Every failure of the table, all at once."""
    with Batch(api, simulator, "failures") as batch:
        for name in FAILURES:
            batch.add(name)
        batch.wait_ready()
        give_init_container(batch.apps["init-container"])
        for name, failure in FAILURES.items():
            if failure.behaviour is not None:
                batch.behave(name, failure.tier, 2, failure.behaviour)
            batch.upgrade(name, failure.tier, changes=failure.changes)
        yield batch


@pytest.mark.parametrize("name", FAILURES)
def test_it_fails_within_seconds_with_its_evidence(failing: Batch, name: str) -> None:
    app, failure = failing.apps[name], FAILURES[name]
    record = wait_outcome(app, 2, "Failed", WITHIN_SECONDS)
    assert annotation(record, "reason") == failure.reason
    told = wait_rolled_back(app)["failure"]
    assert {"revision": 2, "tier": failure.tier, "reason": failure.reason, **failure.evidence}.items() <= told.items()
    assert failure.message in told["message"], show(told)
    assert told["at"].endswith("Z")
    if failure.has_pod:
        assert told["pod"].startswith(f"{name}-{failure.tier}-"), show(told)
    else:
        assert "pod" not in told and "container" not in told


@pytest.mark.parametrize("name", FAILURES)
def test_it_is_rolled_back_to_the_last_good_revision(failing: Batch, name: str) -> None:
    app, failure = failing.apps[name], FAILURES[name]
    status = wait_rolled_back(app)
    assert outcomes(app) == {1: "Succeeded", 2: "Failed", 3: "Succeeded"}
    told = shown(status)
    assert (told[2]["outcome"], told[2]["reason"]) == ("Failed", failure.reason)
    assert (told[3]["rollbackOf"], told[3]["cause"]) == (1, "rollback to revision 1")
    assert [status[key] for key in ("activeRevision", "targetRevision", "lastGoodRevision")] == [3, 3, 3]
    assert app.container(failure.tier)["image"] == Batch.image(name, failure.tier, 1)
    assert status[failure.tier]["ready"] == "1/1"


@pytest.mark.parametrize("name", FAILURES)
def test_the_conditions_say_that_it_was_rolled_back_and_what_to_do(failing: Batch, name: str) -> None:
    status = wait_rolled_back(failing.apps[name])
    conditions = {entry["type"]: entry for entry in status["conditions"]}
    assert {kind: (entry["status"], entry["reason"]) for kind, entry in conditions.items()} == {
        "Ready": ("False", "RolledBack"), "Stalled": ("True", "RolledBack"),
        "Available": ("True", "MinimumReplicasAvailable")}, "Reconciling is there only while true"
    words = conditions["Ready"]["message"]
    for part in ("Revision 2", FAILURES[name].reason, "revision 3 serves", "apps.todoapp.dev/retry="):
        assert part in words, words
    assert "step" not in status


def test_events_tell_of_the_failure_and_of_the_rollback(failing: Batch, api: Api) -> None:
    app = failing.apps["crash-loop"]
    wait_rolled_back(app)

    def look() -> bool:
        told = {event["reason"]: event for event in api.list("Event", app.namespace)
                if event.get("regarding", {}).get("name") == app.name}
        assert told["RolloutFailed"]["type"] == "Warning"
        assert "CrashLoopBackOff" in told["RolloutFailed"]["note"]
        assert "rollback to revision 1" in told["RollbackStarted"]["note"]
        return True

    eventually(look, "events of the failure and the rollback")


@story
def fewer_restarts_than_allowed_fail_nothing(app: TodoApp, simulator: PodSimulator) -> None:
    app.create({"upgrade": {"maxRestarts": 3}}).wait_ready()
    simulator.behave((*pods.crash_loop(restarts=2), Step(3.5, partial(statuses.running, restarts=2))),
                     namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Succeeded"}


@story
def a_pod_of_a_third_party_with_the_apps_labels_fails_nothing(
        app: TodoApp, api: Api, simulator: PodSimulator) -> None:
    """Somebody's debugging pod is none of the revision's."""
    app.create().wait_ready()
    pod = app.pods("backend")[0]
    labels = {**pod["metadata"]["labels"], "apps.todoapp.dev/template": "other"}
    labels.pop("pod-template-hash")
    simulator.behave(pods.crash_loop(restarts=3), namespace=app.namespace, template="other")
    api.create({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "debugging", "namespace": app.namespace, "labels": {
                    **labels, "app.kubernetes.io/name": "something-else"}},
                "spec": {key: pod["spec"][key] for key in ("containers", "securityContext", "volumes")
                         if key in pod["spec"]}})
    simulator.behave(pods.crash_loop(restarts=2), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    wait_outcome(app, 2, "Failed", WITHIN_SECONDS)


@story
def an_old_pod_that_restarted_long_ago_and_serves_is_no_sign_of_the_environment(
        app: TodoApp, simulator: PodSimulator) -> None:
    app.create().wait_ready()
    simulator.behave((Step(0, crashed_an_hour_ago),), namespace=app.namespace, image=BACKEND_IMAGE, now=True)
    eventually(lambda: app.pods("backend")[0]["status"]["containerStatuses"][0]["restartCount"] == 5, "restarts")
    simulator.behave(pods.crash_loop(restarts=2), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    wait_outcome(app, 2, "Failed", WITHIN_SECONDS)
    wait_rolled_back(app)


@story
def a_rollback_brings_back_image_config_and_pinned_secret_and_keeps_todays_live_one(
        app: TodoApp, api: Api, simulator: PodSimulator, secrets: Callable[[str], str]) -> None:
    source = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "todo-db", "namespace": app.namespace}}
    before = {"pinned": secrets("canary-pinned-old"), "live": secrets("canary-live-old")}
    after = {"pinned": secrets("canary-pinned-new"), "live": secrets("canary-live-new")}
    api.create({**source, "stringData": before})
    app.create({"config": {"LOG_LEVEL": "info"}, "secrets": [from_source("PINNED", "Pinned"),
                                                             from_source("LIVE", "Live")]}).wait_ready()
    config, sealed, container = (app.in_use("ConfigMap", "backend"), app.in_use("Secret", "backend"),
                                 app.container("backend"))
    simulator.behave(pods.crash_loop(restarts=2), namespace=app.namespace, image=BACKEND_2)
    # Nothing is to roll before all of it is changed, and another app shows that the operator has seen the change of it.
    witness = TodoApp(api, app.namespace, "witness").create({**NO_PODS, "secrets": [from_source("LIVE", "Live")]})
    witness.wait_ready()
    app.patch({"suspend": True})
    app.wait_condition("Ready", "False", "Suspended")
    told = witness.child("Deployment", "backend")["metadata"]["generation"]
    api.apply({**source, "data": {key: base64.b64encode(value.encode()).decode() for key, value in after.items()}})
    eventually(lambda: witness.child("Deployment", "backend")["metadata"]["generation"] > told, "the new value to be seen")
    app.patch({**NEW_BACKEND, "config": {"LOG_LEVEL": "debug"}, "suspend": False})
    record = wait_outcome(app, 2, "Failed")
    cause = annotation(record, "cause")
    for words in ("backend image 1.0.0 to 2.0.0", "config LOG_LEVEL", "secret"):
        assert words in cause, cause
    wait_rolled_back(app)
    assert app.in_use("ConfigMap", "backend") == config
    assert app.in_use("Secret", "backend") == sealed
    assert app.container("backend") == container
    assert base64.b64decode(sealed["data"]["PINNED"]).decode() == before["pinned"]
    assert environment(container)["LIVE"] == {"secretKeyRef": {"name": "todo-db", "key": "live"}}


@story
def a_spec_edited_while_it_is_rolled_back_goes_on_at_once(app: TodoApp, simulator: PodSimulator) -> None:
    app.create().wait_ready()
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=FRONTEND_2)
    # The backend on its way back takes for ever.
    simulator.behave(pods.never_ready(), namespace=app.namespace, image=BACKEND_IMAGE)
    app.patch(BOTH_NEW)
    wait_outcome(app, 2, "Failed", WITHIN_SECONDS)
    eventually(lambda: app.container("backend")["image"] == BACKEND_IMAGE, "the backend to be on its way back")
    app.patch({"frontend": {"image": "localhost/todo-frontend:3.0.0"}})
    status = app.wait_ready()["status"]
    assert outcomes(app) == {1: "Succeeded", 2: "Failed", 3: "Superseded", 4: "Succeeded"}
    assert status["backend"]["image"] == BACKEND_2


@story
def a_paused_deployment_is_waited_for_and_said(app: TodoApp, api: Api) -> None:
    app.create().wait_ready()
    api.patch("Deployment", "todo-backend", app.namespace, {"spec": {"paused": True}})
    app.patch({**NEW_BACKEND, "upgrade": {"progressDeadlineSeconds": 3}})
    wait_step(app, "RollingBackend 0/1")
    eventually(lambda: "todo-backend is paused" in app.condition("Ready")["message"], "the pause to be said")
    created = datetime.fromisoformat(app.revision(2)["metadata"]["creationTimestamp"]).timestamp()
    eventually(lambda: time.time() > created + 6, "the deadline, did it count, to be over")
    assert app.outcome(2) == ""
    assert app.child("Deployment", "backend")["spec"]["paused"] is True
    # From here on the deadline does count, and is not what this is about.
    app.patch({"upgrade": {"progressDeadlineSeconds": 600}})
    eventually(lambda: app.child("Deployment", "backend")["spec"]["progressDeadlineSeconds"] == 600, "the longer deadline")
    api.patch("Deployment", "todo-backend", app.namespace, {"spec": {"paused": None}})
    wait_success(app, 2)
    app.wait_ready()


@pytest.mark.parametrize("name", story.names)
def test_that(endings: Endings, name: str) -> None:
    endings.check(name)


def from_source(name: str, policy: str) -> Object:
    return {"name": name, "policy": policy,
            "valueFrom": {"secretKeyRef": {"name": "todo-db", "key": name.lower()}}}


def give_init_container(app: TodoApp) -> None:
    """Somebody else's addition, as a mesh or an admission webhook makes it."""
    patch = {"spec": {"template": {"spec": {"initContainers": [INIT_CONTAINER]}}}}
    app.api.patch("Deployment", f"{app.name}-backend", app.namespace, patch, patch_type="strategic")

    def look() -> bool:
        [pod] = app.pods("backend")
        assert "initContainers" in pod["spec"]
        return bool(app.child("Deployment", "backend")["status"].get("availableReplicas"))

    eventually(look, "the pods with an init container")
    app.wait_ready()

