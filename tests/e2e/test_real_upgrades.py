"""One app as it is shipped, with clients that never rest: installed, upgraded, upgraded badly, taken back on request.

Each stage builds on the one before it, so each is a fixture; what the clients saw is judged stage by stage.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from support.api import Object
from support.real_node import RealCluster, environment_of, page_of
from support.todo_app import TIERS
from support.traffic import Tally, Traffic
from support.trials import Figures, MakeTrial, Trial

# The Todo app itself has 30000.
NODE_PORT = 30010
# A soak of ten seconds is part of each.
DONE_SECONDS = 180.0
# With the kubelet's own back-off: ten seconds before the second restart.
BACK_SECONDS = 30.0

# The values that the pinned secret has had, by the key in its source.
SESSION_KEYS = {"morning": "session-0001", "day": "session-0002", "night": "session-0003"}


def pinned(key: str) -> list[Object]:
    return [{"name": "SESSION_KEY", "policy": "Pinned", "valueFrom": {"secretKeyRef": {"name": "keys", "key": key}}}]


# Of all that is shipped only this is changed: more pods, and an address.
SHIPPED: Object = {
    "frontend": {"image": "localhost/todo-frontend:1.0.0", "replicas": 2,
                 "service": {"type": "NodePort", "port": 80, "nodePort": NODE_PORT}},
    "backend": {"image": "localhost/todo-backend:1.0.0", "replicas": 2},
    "config": {"GREETING": "good morning"}, "secrets": pinned("morning"), "upgrade": {"soakSeconds": None},
}
UPGRADE: Object = {
    "frontend": {"image": "localhost/todo-frontend:1.1.0"}, "backend": {"image": "localhost/todo-backend:1.1.0"},
    "config": {"GREETING": "good day"}, "secrets": pinned("day"),
}
BAD_UPGRADE: Object = {
    "backend": {"image": "localhost/todo-backend:bad-crash"},
    "config": {"GREETING": "good night"}, "secrets": pinned("night"),
}


class Stage(NamedTuple):
    done: float  # seconds until Ready said that it is over
    seen: Tally  # by the clients, meanwhile
    template: str = ""  # of the backend, before


class Shop:
    """The app and its clients: one asks the frontend, one asks the backend through the frontend."""

    def __init__(self, trial: Trial, page: str) -> None:
        self.trial = trial
        self._urls = {"frontend": f"{page}/", "backend": f"{page}/ask?url=http://todo-backend:8000/"}
        self.traffic = Traffic(list(self._urls.values()))

    def put_session_keys(self, values: dict[str, str]) -> None:
        meta = {"name": "keys", "namespace": self.trial.app.namespace}
        self.trial.api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": values})

    def change(self, spec: Object, reason: str) -> Stage:
        template = template_of(self.trial.app.child("Deployment", "backend"))
        self.trial.change(spec)
        done = self.trial.wait_reason(reason, DONE_SECONDS)
        return Stage(self.trial.seconds(done), self.traffic.since(self.trial.began), template)

    def environments(self, name: str) -> set[str]:
        """What the processes of the backend have for that variable."""
        return {environment_of(pod["metadata"]["name"])[name] for pod in self.trial.pods("backend")}

    def versions_seen(self, stage: Stage, tier: str) -> set[str]:
        return {page_of(text).version for text in stage.seen.texts(self._urls[tier])}


def template_of(deployment: Object) -> str:
    return str(deployment["spec"]["template"]["metadata"]["labels"]["apps.todoapp.dev/template"])


def is_alone(deployment: Object, template: str) -> bool:
    """All pods are of this template, available, and there are no others."""
    status = deployment.get("status", {})
    counts = {status.get(name) for name in ("replicas", "updatedReplicas", "availableReplicas")}
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return template_of(deployment) == template and seen and counts == {deployment["spec"]["replicas"]}


@pytest.fixture(scope="module")
def shop(make_trial: MakeTrial, cluster: RealCluster, module_secrets: list[str]) -> Iterator[Shop]:
    made = Shop(make_trial("shop"), f"http://{cluster.node_address}:{NODE_PORT}")
    module_secrets += SESSION_KEYS.values()
    made.put_session_keys(SESSION_KEYS)
    yield made
    made.traffic.stop()


@pytest.fixture(scope="module")
def installed(shop: Shop) -> Stage:
    trial = shop.trial.install(SHIPPED).wait_installed()
    done = trial.wait_reason("Succeeded", DONE_SECONDS)
    shop.traffic.start()
    return Stage(trial.seconds(done), shop.traffic.since(trial.began))


@pytest.fixture(scope="module")
def upgraded(shop: Shop, installed: Stage) -> Stage:
    return shop.change(UPGRADE, "Succeeded")


@pytest.fixture(scope="module")
def crashed(shop: Shop, upgraded: Stage) -> Stage:
    return shop.change(BAD_UPGRADE, "RolledBack")


@pytest.fixture(scope="module")
def asked_back(shop: Shop, crashed: Stage) -> Stage:
    # The way back must not need the source, which has moved on.
    shop.put_session_keys({**SESSION_KEYS, "morning": "changed-since"})
    return shop.change({"rollback": {"toRevision": 1}}, "RolledBackOnRequest")


def assert_nobody_was_turned_away(stage: Stage) -> None:
    # Or the clients were not there.
    assert len(stage.seen.answers) > stage.done
    assert not stage.seen.failed, str(stage.seen)


def test_an_install_is_ready_within_half_a_minute(shop: Shop, installed: Stage, figures: Figures) -> None:
    figures["install, apply to Ready (soak of 10 s included)"] = f"{installed.done:.1f} s"
    # How long a busy node takes to start a container is no matter of the operator.
    assert installed.done - sum(shop.trial.start_seconds(tier) for tier in TIERS) < 30
    for tier in TIERS:
        assert shop.trial.versions(tier) == {"1.0.0"}
    assert shop.environments("GREETING") == {"good morning"}
    assert shop.environments("SESSION_KEY") == {SESSION_KEYS["morning"]}


def test_an_upgrade_replaces_every_pod_and_no_client_sees_it(shop: Shop, upgraded: Stage, figures: Figures) -> None:
    figures["upgrade of both tiers, apply to Ready (soak of 10 s included)"] = f"{upgraded.done:.1f} s"
    figures["clients during the upgrade"] = str(upgraded.seen)
    assert_nobody_was_turned_away(upgraded)
    for tier in TIERS:
        assert shop.versions_seen(upgraded, tier) == {"1.0.0", "1.1.0"}


def test_an_upgrade_that_crashes_is_taken_back_within_half_a_minute(
        shop: Shop, crashed: Stage, figures: Figures) -> None:
    trial = shop.trial
    failed = trial.wait_outcome(3, "Failed", DONE_SECONDS)
    alone = trial.timeline.first("Deployment", "todo-backend", lambda item: is_alone(item, crashed.template), failed.at)
    assert alone is not None
    figures["crash-looping upgrade, apply to Failed"] = f"{trial.seconds(failed):.1f} s"
    figures["crash-looping upgrade, apply to the old revision alone again"] = f"{trial.seconds(alone):.1f} s"
    figures["crash-looping upgrade, apply to RolledBack (soak of 10 s included)"] = f"{crashed.done:.1f} s"
    # Until it is given up the bad container is started three times. A busy node needs for each what it needed for the good one.
    assert trial.seconds(alone) - 3 * trial.start_seconds("backend") < BACK_SECONDS
    assert trial.outcomes(4) == ["", "Succeeded"] and trial.rollback_of(4) == 2
    failure = trial.failure
    assert (failure["reason"], failure["exitCode"], failure["restarts"]) == ("CrashLoopBackOff", 3, 2)
    assert "ending with exit code 3, as told" in failure["message"]


def test_no_client_sees_the_upgrade_that_crashes_nor_its_rollback(
        shop: Shop, crashed: Stage, figures: Figures) -> None:
    figures["clients during the crash-looping upgrade and its rollback"] = str(crashed.seen)
    assert_nobody_was_turned_away(crashed)
    for tier in TIERS:
        assert shop.versions_seen(crashed, tier) == {"1.1.0"}


def test_a_rollback_on_request_brings_image_config_and_pinned_secret_back_and_no_client_sees_it(
        shop: Shop, asked_back: Stage, figures: Figures) -> None:
    figures["rollback on request, apply to Ready (soak of 10 s included)"] = f"{asked_back.done:.1f} s"
    figures["clients during the rollback on request"] = str(asked_back.seen)
    assert_nobody_was_turned_away(asked_back)
    for tier in TIERS:
        assert shop.versions_seen(asked_back, tier) == {"1.0.0", "1.1.0"}
        assert shop.trial.versions(tier) == {"1.0.0"}
    assert shop.environments("GREETING") == {"good morning"}
    assert shop.environments("SESSION_KEY") == {SESSION_KEYS["morning"]}
    assert shop.trial.rollback_of(5) == 1
