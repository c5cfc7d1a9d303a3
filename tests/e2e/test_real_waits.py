"""What only time or an administrator can mend: the upgrade waits past its progress deadline, says for what, and goes on
when it is mended; or another spec takes its place. The old pods serve meanwhile.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest

from support.api import Api, Object
from support.real_node import QUICK, RealCluster
from support.trials import Figures, MakeTrial, Trial
from support.waiting import eventually

# Soon over, but time enough for a pod that may start. (Another spec has all the time in the world.)
DEADLINE: Object = {"upgrade": {"progressDeadlineSeconds": 30}}
NO_DEADLINE: Object = {"upgrade": {"progressDeadlineSeconds": 600}}
SAID_SECONDS = 90.0
OVERDUE_SECONDS = 150.0
# A ReplicaSet that was refused a pod, and a container that crashed, are tried again after ever longer times: up to as long as
# they have been in trouble, and then as long again.
MENDED_SECONDS = 400.0

# Both templates read this when they start.
WEATHER: Object = {"name": "CRASH_AFTER",
                   "valueFrom": {"configMapKeyRef": {"name": "weather", "key": "crash", "optional": True}}}

NO_ROOM = "waits for Unschedulable: 0/1 nodes are available: 1 Insufficient cpu"


def asking(millicores: int) -> Object:
    cpu = f"{millicores}m"
    return {"requests": {"cpu": cpu, "memory": "16Mi"}, "limits": {"cpu": cpu, "memory": "64Mi"}}


@pytest.fixture(scope="module")
def share(cluster: RealCluster) -> int:
    """More than half of what is free on the node, in millicores."""
    return cluster.free_millicores() * 6 // 10


@pytest.fixture(scope="module")
def hog(api: Api, share: int) -> Iterator[Object]:
    """A pod that takes most of the node's room."""
    namespace = f"hog-{uuid.uuid4().hex[:6]}"
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    resources = {"requests": {"cpu": f"{share}m"}}
    container = {"name": "hog", "image": "localhost/todo-backend:1.0.0", "resources": resources}
    made = api.create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "hog", "namespace": namespace},
                       "spec": {"containers": [container], "terminationGracePeriodSeconds": 0}})
    # It comes first: it may have to wait for the end of pods whose upgrade is over.
    eventually(lambda: "nodeName" in api.get("Pod", "hog", namespace)["spec"], "the hog to have its place", SAID_SECONDS)
    yield made
    api.delete("Namespace", namespace, missing_ok=True)


@pytest.fixture(scope="module")
def waiting(api: Api, share: int, hog: Object, make_trial: MakeTrial, pulls: dict[str, Trial]) -> dict[str, Trial]:
    """Three apps whose upgrade cannot go on."""
    trials = {name: make_trial(name) for name in ("no-room-yet", "no-room-ever", "quota")}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"pods": "2"}},
             "metadata": {"name": "few", "namespace": trials["quota"].app.namespace}}
    api.create(quota)
    for trial in trials.values():
        trial.install(QUICK)
    changes = {"no-room-yet": {"resources": asking(share)}, "no-room-ever": {"resources": asking(1_000_000)},
               "quota": {"image": "localhost/todo-backend:1.1.0"}}
    for name, trial in trials.items():
        trial.wait_installed().change({"backend": changes[name], **DEADLINE})
    return trials


@pytest.fixture(scope="module")
def stormy(api: Api, make_trial: MakeTrial, waiting: dict[str, Trial]) -> Trial:
    """An app whose backend crashes for a reason that has nothing to do with its upgrade."""
    trial = make_trial("stormy").install(QUICK, {"backend": {"env": [WEATHER]}}).wait_installed()
    api.create({"apiVersion": "v1", "kind": "ConfigMap", "data": {"crash": "0s"},
                "metadata": {"name": "weather", "namespace": trial.app.namespace}})
    (pod,) = trial.pods("backend")
    api.delete("Pod", pod["metadata"]["name"], trial.app.namespace)
    trial.wait_restarts("backend", 2, OVERDUE_SECONDS)
    return trial.change({"backend": {"image": "localhost/todo-backend:1.1.0"}})


@pytest.mark.parametrize(("name", "reason", "words"), [
    ("no-room-yet", "Progressing", NO_ROOM),
    ("no-room-ever", "Progressing", NO_ROOM),
    ("quota", "QuotaExceeded", "exceeded quota: few"),
])
def test_an_upgrade_without_room_says_so_and_waits_past_its_deadline(
        waiting: dict[str, Trial], name: str, reason: str, words: str) -> None:
    trial = waiting[name]
    trial.wait_reason(reason, SAID_SECONDS, words)
    trial.wait_progress_deadline("backend", OVERDUE_SECONDS)
    # The operator hears of that as we do. What it says of a later generation it says knowing it.
    trial.app.patch({"frontend": {"disruptionBudget": {"maxUnavailable": 1}}})
    trial.wait_words_of_generation(reason, words, SAID_SECONDS)
    assert trial.outcomes(2) == [""]
    trial.assert_the_pods_of_before_serve()
    eventually(lambda: trial.app.condition("Available")["status"] == "True", "the app to be available")


# Early, for the later it is the longer Kubernetes waits until it tries again.
def test_an_upgrade_goes_on_when_the_quota_is_raised(
        waiting: dict[str, Trial], api: Api, figures: Figures) -> None:
    trial = waiting["quota"]
    trial.wait_progress_deadline("backend", OVERDUE_SECONDS)
    began = time.monotonic()
    api.patch("ResourceQuota", "few", trial.app.namespace, {"spec": {"hard": {"pods": "4"}}})
    trial.app.wait_ready(MENDED_SECONDS)
    figures["quota raised to Ready (Kubernetes' own back-off)"] = f"{time.monotonic() - began:.1f} s"
    assert trial.outcomes(2) == ["", "Succeeded"]
    assert trial.versions("backend") == {"1.1.0"}


def test_an_upgrade_goes_on_when_there_is_room(
        waiting: dict[str, Trial], api: Api, hog: Object, figures: Figures) -> None:
    trial = waiting["no-room-yet"]
    trial.wait_progress_deadline("backend", OVERDUE_SECONDS)
    began = time.monotonic()
    api.delete("Pod", "hog", hog["metadata"]["namespace"], grace_seconds=0)
    trial.app.wait_ready(MENDED_SECONDS)
    figures["room on the node to Ready"] = f"{time.monotonic() - began:.1f} s"
    assert trial.outcomes(2) == ["", "Succeeded"]
    assert trial.reasons()[-1] == "Succeeded"
    assert trial.serving("backend").isdisjoint(trial.served_before["backend"])


def test_a_spec_that_asks_for_less_takes_the_place_of_one_that_asks_too_much(waiting: dict[str, Trial]) -> None:
    trial = waiting["no-room-ever"]
    trial.wait_progress_deadline("backend", OVERDUE_SECONDS)
    trial.app.patch({"backend": {"resources": asking(20)}, **NO_DEADLINE})
    trial.app.wait_ready(MENDED_SECONDS)
    assert trial.outcomes(2) == ["", "Superseded"]
    assert trial.outcomes(3) == ["", "Succeeded"]


def test_pods_that_crash_like_those_of_before_are_not_blamed_on_the_upgrade(stormy: Trial, api: Api) -> None:
    stormy.wait_reason("EnvironmentFailing", OVERDUE_SECONDS, "waits for CrashLoopBackOff")
    assert stormy.outcomes(2) == [""]
    api.delete("ConfigMap", "weather", stormy.app.namespace)
    stormy.app.wait_ready(MENDED_SECONDS)
    assert stormy.outcomes(2) == ["", "Succeeded"]
    assert stormy.versions("backend") == {"1.1.0"}
