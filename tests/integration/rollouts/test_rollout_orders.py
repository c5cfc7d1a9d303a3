"""In which order the tiers are written, upwards and back, as a watch of the Deployments shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from rollouts import (
    BACKEND_2,
    BOTH_NEW,
    Batch,
    Pods,
    first_done,
    first_with_image,
    numbers,
    recorded,
    wait_outcome,
    wait_step,
)
from stories import Endings, Stories

from support import pod_simulator as pods
from support.api import Api, Object
from support.operator_process import OperatorProcess
from support.pod_simulator import Behaviour, PodSimulator
from support.todo_app import TIERS, TodoApp
from support.waiting import eventually
from support.watching import Recorder

pytestmark = pytest.mark.usefixtures("operator")
story = Stories()
endings = story.fixture()

ORDERS = {"BackendFirst": ["backend", "frontend"], "FrontendFirst": ["frontend", "backend"]}
# Long enough for a second tier that does not wait to be seen.
SLOW_SECONDS = 0.6
TOGETHER = "together"


def slowly(order: str) -> Behaviour:
    """Of `Together` no pod is ready before both tiers are written (`let_both_go_on`), however long that takes."""
    return pods.never_ready() if order.lower() == TOGETHER else pods.ready(SLOW_SECONDS)


def let_both_go_on(batch: Batch, version: int) -> None:
    app = batch.apps[TOGETHER]
    eventually(lambda: all(app.container(tier)["image"] == Batch.image(TOGETHER, tier, version) for tier in TIERS),
               "both tiers to be written")
    for tier in TIERS:
        batch.behave(TOGETHER, tier, version, pods.ready(), now=True)


class Journey(NamedTuple):
    """Apps, one for each order, that go the same way at the same time; and what the watch saw of it."""

    batch: Batch
    recorder: Recorder

    def times(self, order: str, tier: str, version: int, since: int) -> tuple[int, int]:
        """When a tier was written and when it was done, after that revision was recorded."""
        app, image = self.batch.apps[order.lower()], Batch.image(order.lower(), tier, version)
        after = recorded(self.recorder, app, since)
        return (first_with_image(self.recorder, app, tier, image, after).version,
                first_done(self.recorder, app, tier, image, after).version)


@pytest.fixture(scope="module")
def upwards(api: Api, operator: OperatorProcess, simulator: PodSimulator) -> Iterator[Journey]:
    """Both tiers get a new image."""
    with Batch(api, simulator, "orders") as batch:
        for order in (*ORDERS, "Together"):
            batch.add(order.lower(), {"upgrade": {"order": order}})
            for tier in TIERS:
                batch.behave(order.lower(), tier, 2, slowly(order))
        batch.wait_ready()
        with Recorder(api, batch.namespace, ["Deployment", "ControllerRevision"]) as recorder:
            for name in batch.apps:
                batch.upgrade(name, *TIERS)
            let_both_go_on(batch, version=2)
            batch.wait_ready()
            recorder.catch_up()
            yield Journey(batch, recorder)


@pytest.fixture(scope="module")
def backwards(api: Api, operator: OperatorProcess, simulator: PodSimulator) -> Iterator[Journey]:
    """The tier that comes last fails (with `Together` the backend), so that both have to go back."""
    with Batch(api, simulator, "back") as batch:
        for order in (*ORDERS, "Together"):
            name, last = order.lower(), "frontend" if order == "BackendFirst" else "backend"
            batch.add(name, {"upgrade": {"order": order}})
            batch.behave(name, last, 2, pods.crash_loop(restarts=2))
        batch.wait_ready()
        with Recorder(api, batch.namespace, ["Deployment", "ControllerRevision"]) as recorder:
            for name in batch.apps:
                for tier in TIERS:  # The old pods that come back take a while.
                    batch.behave(name, tier, 1, slowly(name))
                batch.upgrade(name, *TIERS)
            wait_outcome(batch.apps[TOGETHER], 2, "Failed")
            let_both_go_on(batch, version=1)
            for app in batch.apps.values():
                app.wait_condition("Ready", "False", "RolledBack")
            recorder.catch_up()
            yield Journey(batch, recorder)


@pytest.fixture(scope="module")
def stuck(api: Api, operator: OperatorProcess, simulator: PodSimulator) -> Iterator[Batch]:
    """The tier that comes first fails."""
    with Batch(api, simulator, "stuck") as batch:
        for order, tiers in ORDERS.items():
            batch.add(order.lower(), {"upgrade": {"order": order}})
            batch.behave(order.lower(), tiers[0], 2, pods.crash_loop(restarts=2))
        yield batch


@pytest.mark.parametrize("order", ORDERS)
def test_the_second_tier_is_written_when_all_of_the_first_is_available(upwards: Journey, order: str) -> None:
    first, second = ORDERS[order]
    _, done = upwards.times(order, first, version=2, since=2)
    written, _ = upwards.times(order, second, version=2, since=2)
    assert done < written


def test_together_means_that_both_tiers_are_written_before_one_is_done(upwards: Journey) -> None:
    times = [upwards.times("Together", tier, version=2, since=2) for tier in TIERS]
    assert max(written for written, _ in times) < min(done for _, done in times)


def test_each_tier_is_written_once_on_the_way_up(upwards: Journey) -> None:
    for app in upwards.batch.apps.values():
        for tier in TIERS:
            generations = {change.object["metadata"]["generation"] for change in
                           upwards.recorder.changes("Deployment", f"{app.name}-{tier}")}
            assert generations == {1, 2}, f"{app.name} {tier}"


@pytest.mark.parametrize("order", ORDERS)
def test_a_rollback_goes_the_other_way_round(backwards: Journey, order: str) -> None:
    second, first = ORDERS[order]
    _, done = backwards.times(order, first, version=1, since=3)
    written, _ = backwards.times(order, second, version=1, since=3)
    assert done < written


def test_a_rollback_together_writes_both_tiers_before_one_is_done(backwards: Journey) -> None:
    frontend, _ = backwards.times("Together", "frontend", version=1, since=3)
    backend, _ = backwards.times("Together", "backend", version=1, since=3)
    # The old pod of the backend still serves, so only the frontend's can be waited for.
    _, done = backwards.times("Together", "frontend", version=1, since=3)
    assert max(frontend, backend) < done


def test_a_tier_whose_turn_does_not_come_is_never_touched(stuck: Batch) -> None:
    stuck.wait_ready()
    waiting = {order: Pods(stuck.apps[order.lower()], tiers[1]) for order, tiers in ORDERS.items()}
    for name in stuck.apps:
        stuck.upgrade(name, *TIERS)
    for order, tier in waiting.items():
        stuck.apps[order.lower()].wait_condition("Ready", "False", "RolledBack")
        tier.check_untouched()


@story
def live_settings_reach_a_tier_that_waits_for_its_turn(app: TodoApp, simulator: PodSimulator) -> None:
    app.create().wait_ready()
    simulator.behave(pods.never_ready(), namespace=app.namespace, image=BACKEND_2)
    app.patch(BOTH_NEW)
    wait_step(app, "RollingBackend")
    before = app.container("frontend")
    app.patch({"frontend": {"replicas": 2}})
    eventually(lambda: len(app.pods("frontend")) == 2, "two pods of the frontend")
    assert app.container("frontend") == before
    assert numbers(app) == [1, 2]
    simulator.behave(pods.ready(), namespace=app.namespace, image=BACKEND_2, now=True)
    assert app.wait_ready()["status"]["frontend"]["ready"] == "2/2"


@story
def an_order_changed_alone_moves_nothing(app: TodoApp) -> None:
    app.create().wait_ready()
    tiers = [Pods(app, tier) for tier in TIERS]
    change: Object = {"upgrade": {"order": "FrontendFirst"}}
    app.patch(change)
    app.wait_ready()
    for tier in tiers:
        tier.check_untouched()
    assert numbers(app) == [1]


@pytest.mark.parametrize("name", story.names)
def test_that(endings: Endings, name: str) -> None:
    endings.check(name)
