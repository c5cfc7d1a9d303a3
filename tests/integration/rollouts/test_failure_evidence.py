"""The evidence of a failure: it names the pod, holds the last log lines, and never a secret value."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from rollouts import BACKEND_2, NEW_BACKEND, Batch, wait_outcome, wait_rolled_back
from stories import Endings, Stories

from support import pod_simulator as pods
from support import pod_statuses as statuses
from support.api import Api, Object
from support.control_plane import Kubectl
from support.operator_process import OperatorProcess
from support.pod_simulator import Behaviour, PodSimulator, Step
from support.todo_app import BACKEND_IMAGE, TodoApp
from support.waiting import eventually, show

pytestmark = pytest.mark.usefixtures("operator")
story = Stories()
endings = story.fixture()

# Two of them begin alike, and one ends with a line feed, as files do.
VALUES = {"URL": "postgres://todo:canary-71c0@db/todo", "TOKEN": "canary-token-QWJ1",
          "TOKEN_2": "canary-token-QWJ1-more", "KEY": "canary-key-8d10\n"}
GENERATED: Object = {"name": "SESSION_KEY", "generate": {"bytes": 24}, "tiers": ["backend", "frontend"]}
PINNED = ["TOKEN_2"]


@story
def no_secret_value_is_in_the_evidence_or_anywhere_else(
        app: TodoApp, api: Api, kubectl: Kubectl, operator: OperatorProcess, simulator: PodSimulator,
        secrets: Callable[[str], str]) -> None:
    api.create(source(app.namespace))
    app.create({"secrets": [*(reference(name) for name in VALUES), GENERATED]}).wait_ready()
    generated = base64.b64decode(app.sealed("Secret", "backend")["data"]["SESSION_KEY"]).decode()
    values = [secrets(value.strip()) for value in (*VALUES.values(), generated)]
    log = "\n".join(f"cannot log in with {value}, giving up" for value in values)
    simulator.behave(pods.crash_loop(message=log, restarts=2), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    told = wait_rolled_back(app)["failure"]
    assert told["message"] == "\n".join(["cannot log in with ***, giving up"] * len(values)), show(told)
    all_but_secrets = "tad,controllerrevisions,configmaps,deployments,events.events.k8s.io"
    everywhere = kubectl("-n", app.namespace, "get", all_but_secrets, "-o", "yaml") + operator.metrics().text
    # Not of such letters as uids and hashes are made of, which are everywhere.
    for value in (*values, "QWJ1", "-more"):
        assert value not in everywhere


@story
def a_value_that_was_rotated_in_mid_failure_is_masked_too(
        app: TodoApp, api: Api, simulator: PodSimulator, secrets: Callable[[str], str]) -> None:
    """The pods may have started with either value."""
    api.create(source(app.namespace, URL=secrets("canary-url-before")))
    app.create({"secrets": [{**reference("URL"), "policy": "Pinned"}]}).wait_ready()
    simulator.behave(pods.crash_loop(message="tried canary-url-after, then canary-url-before", restarts=2),
                     namespace=app.namespace, image=BACKEND_2)
    api.apply(source(app.namespace, URL=secrets("canary-url-after")))
    app.patch(NEW_BACKEND)

    def look() -> Object:
        told: Object = app.status["failure"]
        assert told["message"] == "tried ***, then ***", show(told)
        return told

    eventually(look, "a failure that says no value")


@story
def a_first_install_masks_as_well(
        app: TodoApp, api: Api, simulator: PodSimulator, secrets: Callable[[str], str]) -> None:
    api.create(source(app.namespace, URL=secrets("canary-first-09bb")))
    simulator.behave(pods.crash_loop(message="no server at canary-first-09bb", restarts=2), namespace=app.namespace)
    app.create({"secrets": [reference("URL")]})
    told = app.wait_condition("Ready", "False", "InstallFailed")["status"]["failure"]
    assert told["message"] == "no server at ***"


@story
def a_long_log_is_cut_to_its_last_kibibyte(app: TodoApp, simulator: PodSimulator) -> None:
    log = "".join(f"line {number}: größer als gedacht\n" for number in range(60))
    app.create().wait_ready()
    simulator.behave(pods.crash_loop(message=log, restarts=2), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    message = wait_rolled_back(app)["failure"]["message"]
    assert 512 < len(message.encode()) <= 1024
    assert log.rstrip().endswith(message.rstrip()), "the end of the log, and no character cut in two"


def never_started(pod: Object) -> Object:
    return statuses.creating(pod)


SLOW: dict[str, Behaviour] = {
    "never-ready": pods.never_ready(),
    "never-started": (Step(0.1, never_started),),
    "crashed-once": (Step(0.1, partial(statuses.crashed, message="no database")),
                     Step(0.3, partial(statuses.crash_loop, restarts=1, message="no database"))),
}


@pytest.fixture(scope="module")
def slow(api: Api, operator: OperatorProcess, simulator: PodSimulator) -> Iterator[Batch]:
    """Upgrades that fail at the progress deadline."""
    with Batch(api, simulator, "slow") as batch:
        for name in SLOW:
            batch.add(name)
        batch.wait_ready()
        for name, behaviour in SLOW.items():
            batch.behave(name, "backend", 2, behaviour)
            batch.upgrade(name, "backend", changes={"upgrade": {"progressDeadlineSeconds": 8, "maxRestarts": 5}})
        yield batch


@pytest.mark.parametrize("name", SLOW)
def test_at_the_progress_deadline_the_evidence_names_the_pod_that_was_waited_for(slow: Batch, name: str) -> None:
    app = slow.apps[name]
    wait_outcome(app, 2, "Failed")
    told = wait_rolled_back(app)["failure"]
    assert told["reason"] in ("ProgressDeadlineExceeded", *(["CrashLoopBackOff"] if name == "crashed-once" else []))
    assert (told["revision"], told["tier"]) == (2, "backend")
    assert told.get("pod", "").startswith(f"{name}-backend-"), show(told)
    assert told.get("container") == "backend", show(told)


def test_the_evidence_of_a_crash_before_the_deadline_holds_its_last_words(slow: Batch) -> None:
    told = wait_rolled_back(slow.apps["crashed-once"])["failure"]
    assert (told["exitCode"], told["restarts"]) == (3, 1)
    assert "no database" in told["message"]


@story
def the_failure_shown_is_the_last_one_and_goes_with_no_success(app: TodoApp, simulator: PodSimulator) -> None:
    app.create().wait_ready()
    for version, reason in (("2.0.0", "InvalidImageName"), ("3.0.0", "CrashLoopBackOff")):
        image = f"localhost/todo-backend:{version}"
        simulator.behave(pods.invalid_image_name() if version == "2.0.0" else pods.crash_loop(restarts=2),
                         namespace=app.namespace, image=image)
        app.patch({"backend": {"image": image}})
        assert wait_rolled_back(app)["failure"]["reason"] == reason
    app.patch({"backend": {"image": BACKEND_IMAGE}})
    told = app.wait_ready()["status"]["failure"]
    assert (told["revision"], told["reason"]) == (4, "CrashLoopBackOff")


@pytest.mark.parametrize("name", story.names)
def test_that(endings: Endings, name: str) -> None:
    endings.check(name)


def reference(name: str) -> Object:
    chosen: Object = {"name": name, "valueFrom": {"secretKeyRef": {"name": "todo-db", "key": name}}}
    return {**chosen, "policy": "Pinned"} if name in PINNED else chosen


def source(namespace: str, **values: str) -> Object:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in (values or VALUES).items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "todo-db", "namespace": namespace},
            "data": data}
