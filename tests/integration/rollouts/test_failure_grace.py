"""What may still come right by itself (an image that is being pushed, a Secret that is being made) has a minute."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import pytest
from rollouts import Batch, outcomes, trusted, wait_rolled_back

from support import pod_simulator as pods
from support.api import Api
from support.operator_process import OperatorProcess
from support.pod_simulator import Behaviour, PodSimulator
from support.waiting import eventually, show

pytestmark = pytest.mark.usefixtures("operator")

GRACE_SECONDS = 60
# The grace begins with the pod, and the pods are looked at every half minute at least.
LATEST_SECONDS = 95
RESOLVE = 'failed to pull and unpack image "{image}": failed to resolve reference "{image}": '


class Case(NamedTuple):
    reasons: tuple[str, ...]
    words: str
    behaviour: Behaviour


CASES = {
    "not-found": Case(("ErrImagePull", "ImagePullBackOff"), "not found", pods.image_pull()),
    "denied": Case(("ErrImagePull", "ImagePullBackOff"), "authorization failed", pods.image_pull(
        RESOLVE + "pull access denied, repository does not exist or may require authorization: server message: "
        "insufficient_scope: authorization failed")),
    "unauthorized": Case(("ErrImagePull", "ImagePullBackOff"), "401 Unauthorized", pods.image_pull(
        RESOLVE + "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to "
        "https://r/token: 401 Unauthorized")),
    "no-config": Case(("CreateContainerConfigError",), 'secret "missing" not found', pods.config_error()),
    "runs-as-root": Case(("CreateContainerConfigError",), "breaks non-root policy", pods.config_error(
        "container's runAsUser breaks non-root policy")),
}


@pytest.fixture(scope="module")
def graced(api: Api, operator: OperatorProcess, simulator: PodSimulator, transport: str) -> Iterator[Batch]:
    if transport != "asio":
        pytest.skip("waits for more than a minute, and the transport has no part in it: tested with asio")
    with Batch(api, simulator, "grace") as batch:
        for name, case in CASES.items():
            batch.add(name)
            batch.behave(name, "backend", 2, case.behaviour)
        batch.add("heals")
        batch.behave("heals", "backend", 2, pods.config_error())
        batch.wait_ready()
        for name in batch.apps:
            batch.upgrade(name, "backend")
        yield batch


def test_what_comes_right_within_the_minute_is_a_success(graced: Batch) -> None:
    app = graced.apps["heals"]
    created = eventually(lambda: created_at(graced, "heals"), "the new pod")
    eventually(lambda: time.time() > created + GRACE_SECONDS / 3, "a third of the minute to be over")
    trusted(app, 2)
    graced.behave("heals", "backend", 2, pods.ready(), now=True)
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Succeeded"}


@pytest.mark.parametrize("name", CASES)
def test_what_lasts_for_a_minute_fails_then_and_is_rolled_back(graced: Batch, name: str) -> None:
    app, case = graced.apps[name], CASES[name]
    told = wait_rolled_back(app, LATEST_SECONDS + 60)["failure"]
    assert told["reason"] in case.reasons, show(told)
    assert case.words in told["message"], show(told)
    assert (told["revision"], told["tier"], told["container"]) == (2, "backend", "backend")
    took = datetime.fromisoformat(told["at"]).timestamp() - datetime.fromisoformat(
        app.revision(2)["metadata"]["creationTimestamp"]).timestamp()
    assert GRACE_SECONDS <= took <= LATEST_SECONDS
    assert outcomes(app) == {1: "Succeeded", 2: "Failed", 3: "Succeeded"}


def created_at(batch: Batch, name: str) -> float:
    """When the pod of the new revision was made."""
    [pod] = [pod for pod in batch.apps[name].pods("backend")
             if pod["spec"]["containers"][0]["image"] == Batch.image(name, "backend", 2)]
    return datetime.fromisoformat(pod["metadata"]["creationTimestamp"]).timestamp()
