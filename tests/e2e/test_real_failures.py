"""Upgrades that go wrong in a real pod: each is called by its name, and the last good revision serves again.

All of them go wrong at once, each in a namespace of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from support.api import Api, Object
from support.real_node import QUICK, environment_of
from support.trials import Figures, MakeTrial, Trial
from support.waiting import eventually

# The kubelet waits 10 s before a second restart, and all these pods share two cores.
FAILED_SECONDS = 180.0
BACK_SECONDS = 120.0


class Case(NamedTuple):
    change: Object
    reason: str
    exit_code: int | None = None
    words: str = ""  # in the failure's message
    # Whether the bad pod was ready for a while, so that it took an old one's place.
    replaces: bool = False
    # Where there is no pod, nothing can be named.
    has_pod: bool = True


# Time enough for a busy node to have tried; the grace of an image is longer.
DEADLINE: Object = {"progressDeadlineSeconds": 30}
# Longer than these pods behave, by more than a busy node needs to tell of it.
LONG_SOAK: Object = {"soakSeconds": 20}

CASES = {
    # It listens before it eats, so it could be asked whether it is ready before it is killed. It is never asked.
    "out-of-memory": Case({"backend": {"env": [{"name": "EAT_MEMORY", "value": "200"}],
                                       "probes": {"startup": {"initialDelaySeconds": 60}}}}, "OOMKilled", 137),
    "never-ready": Case({"backend": {"image": "localhost/todo-backend:bad-unready"}, "upgrade": DEADLINE},
                        "ProgressDeadlineExceeded", words="containers with unready status: [backend]"),
    "no-image-in-time": Case({"backend": {"image": "localhost/todo-backend:8.8.8"}, "upgrade": DEADLINE},
                             "ProgressDeadlineExceeded", words="localhost/todo-backend:8.8.8: not found"),
    # The pod itself does not say which.
    "no-volume": Case({"backend": {"volumes": [{"name": "certificates", "secret": {"secretName": "nowhere"}}],
                                   "volumeMounts": [{"name": "certificates", "mountPath": "/certificates"}]},
                       "upgrade": DEADLINE}, "ProgressDeadlineExceeded", words="a volume or the network is not there"),
    # Ended politely when the liveness probe had enough of it.
    "unhealthy": Case({"backend": {"image": "localhost/todo-backend:bad-unhealthy",
                                   "probes": {"liveness": {"periodSeconds": 1, "failureThreshold": 1}}},
                       "upgrade": LONG_SOAK}, "CrashLoopBackOff", 0, "liveness probe", replaces=True),
    "crash-in-the-soak": Case({"backend": {"env": [{"name": "CRASH_AFTER", "value": "4s"},
                                                   {"name": "EXIT_CODE", "value": "7"}]}, "upgrade": LONG_SOAK},
                              "CrashLoopBackOff", 7, "ending with exit code 7, as told", replaces=True),
    "not-admitted": Case({"backend": {"securityContext": {"container": {"allowPrivilegeEscalation": True}}}},
                         "FailedCreate", words='violates PodSecurity "restricted', has_pod=False),
}


def pinned(key: str) -> list[Object]:
    return [{"name": "SESSION_KEY", "policy": "Pinned", "valueFrom": {"secretKeyRef": {"name": "keys", "key": key}}}]


GOOD_VALUES: Object = {"config": {"GREETING": "good morning"}, "secrets": pinned("old")}
# The backend is upgraded well, with another config and secret, before the new frontend crashes.
HALFWAY: Object = {"config": {"GREETING": "good night"}, "secrets": pinned("new"),
                   "backend": {"image": "localhost/todo-backend:1.1.0"},
                   "frontend": {"image": "localhost/todo-frontend:bad-crash"}}
SESSION_KEYS = {"old": "session-0004", "new": "session-0005"}
LATE_SECRET: Object = {"env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "late", "key": "token"}}}]}


@pytest.fixture(scope="module")
def apps(api: Api, make_trial: MakeTrial, pulls: dict[str, Trial], module_secrets: list[str]) -> dict[str, Trial]:
    """The apps, all of them changed for the worse, or wrong from the beginning."""
    module_secrets += SESSION_KEYS.values()
    crashes = make_trial("first-crash").install(QUICK, {"backend": {"image": "localhost/todo-backend:bad-crash"}})
    halfway = make_trial("halfway")
    put_session_keys(api, halfway, SESSION_KEYS)
    halfway.install(QUICK, GOOD_VALUES)
    trials = {name: make_trial(name).install(QUICK) for name in [*CASES, "late-secret"]}
    for name, case in CASES.items():
        trials[name].wait_installed().change(case.change)
    halfway.wait_installed().change(HALFWAY)
    trials["late-secret"].wait_installed().change({"backend": LATE_SECRET})
    # The way back must not need the source. (Before there is a revision, this would make one.)
    eventually(lambda: halfway.outcomes(2), "revision 2")
    put_session_keys(api, halfway, {**SESSION_KEYS, "old": "changed-since"})
    return {**trials, "halfway": halfway, "first-crash": crashes}


def put_session_keys(api: Api, trial: Trial, values: dict[str, str]) -> None:
    api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": trial.app.namespace},
               "stringData": values})


# The first, for it has only a minute.
def test_pods_that_miss_a_secret_wait_for_it_and_go_on(apps: dict[str, Trial], api: Api) -> None:
    trial = apps["late-secret"]
    trial.wait_pod_waiting("backend", "CreateContainerConfigError", FAILED_SECONDS)
    api.create({"apiVersion": "v1", "kind": "Secret", "stringData": {"token": "here"},
                "metadata": {"name": "late", "namespace": trial.app.namespace}})
    trial.app.wait_ready(BACK_SECONDS)
    assert trial.outcomes(2) == ["", "Succeeded"]
    (pod,) = trial.pods("backend")
    assert environment_of(pod["metadata"]["name"])["TOKEN"] == "here"


@pytest.mark.parametrize("name", CASES)
def test_an_upgrade_that_goes_wrong_is_named_and_rolled_back(
        apps: dict[str, Trial], name: str, figures: Figures) -> None:
    trial, case = apps[name], CASES[name]
    failed = trial.wait_outcome(2, "Failed", FAILED_SECONDS)
    back = trial.wait_reason("RolledBack", BACK_SECONDS)
    figures[f"{name}, apply to Failed, to RolledBack"] = f"{trial.seconds(failed):.1f} s, {trial.seconds(back):.1f} s"
    failure = trial.failure
    assert failure["reason"] == case.reason, failure
    assert (failure["revision"], failure["tier"]) == (2, "backend"), failure
    assert failure.get("exitCode") == case.exit_code, failure
    assert case.words in failure["message"], failure
    assert case.reason in trial.app.condition("Ready")["message"]
    if case.has_pod:
        assert failure["pod"].startswith("todo-backend-"), failure
    assert trial.versions("backend") == {"1.0.0"}


@pytest.mark.parametrize("name", CASES)
def test_the_rollback_succeeds_at_the_first_try(apps: dict[str, Trial], name: str) -> None:
    trial = apps[name]
    trial.wait_reason("RolledBack", FAILED_SECONDS + BACK_SECONDS)
    assert trial.outcomes(3) == ["", "Succeeded"]
    assert trial.rollback_of(3) == 1
    assert "RollbackFailed" not in trial.reasons()
    assert trial.app.status["activeRevision"] == 3


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.replaces])
def test_the_old_pods_serve_all_along_where_the_new_ones_never_did(apps: dict[str, Trial], name: str) -> None:
    trial = apps[name]
    trial.wait_reason("RolledBack", FAILED_SECONDS + BACK_SECONDS)
    trial.assert_the_pods_of_before_serve()


def test_a_failure_halfway_takes_back_the_image_the_config_and_the_pinned_secret(apps: dict[str, Trial]) -> None:
    halfway = apps["halfway"]
    halfway.wait_outcome(2, "Failed", FAILED_SECONDS)
    # The new backend had come to serve; or its way back would prove nothing.
    reached = halfway.timeline.first("Deployment", "todo-backend", is_upgraded, halfway.began)
    assert reached is not None
    halfway.wait_reason("RolledBack", BACK_SECONDS)
    assert halfway.failure["tier"] == "frontend"
    assert halfway.failure["reason"] == "CrashLoopBackOff"
    for tier in ("frontend", "backend"):
        assert halfway.versions(tier) == {"1.0.0"}
    (pod,) = halfway.pods("backend")
    environment = environment_of(pod["metadata"]["name"])
    assert environment["GREETING"] == "good morning"
    assert environment["SESSION_KEY"] == SESSION_KEYS["old"]


def is_upgraded(deployment: Object) -> bool:
    """All of its pods have the image of the upgrade."""
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    status = deployment.get("status", {})
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return bool(image.endswith(":1.1.0") and seen and status.get("updatedReplicas") == status.get("replicas") == 1
                and status.get("availableReplicas") == 1)


def test_an_install_that_crashes_says_so_and_is_mended_by_another_image(apps: dict[str, Trial]) -> None:
    trial = apps["first-crash"]
    trial.wait_reason("InstallFailed", FAILED_SECONDS)
    failure = trial.failure
    assert (failure["reason"], failure["exitCode"], failure["container"]) == ("CrashLoopBackOff", 3, "backend")
    assert "ending with exit code 3, as told" in failure["message"]
    trial.change({"backend": {"image": "localhost/todo-backend:1.0.0"}})
    trial.app.wait_ready(BACK_SECONDS)
    assert trial.versions("backend") == {"1.0.0"}
    assert trial.outcomes(1) == ["", "Failed"]
