"""What upgrades, failures, rollbacks and approvals cost in requests, and that a restart of the operator costs nothing.

The figures are printed when the module is done.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from support import pod_simulator as pods
from support.api import Api, Object
from support.audit import AuditLog, Traffic
from support.operator_process import OperatorProcess
from support.operators import OperatorMaker
from support.pod_simulator import PodSimulator
from support.revisions import LIVE, PINNED, image, images, numbers, put_secret, sealed_names, wait_outcome
from support.todo_app import TIERS, TodoApp, is_rolled_out
from support.waiting import eventually

AT_MOST_STATUS_WRITES = 3
# The audit log's times and the operator's are of one clock, cut in different places.
FIRST_LOOK_SECONDS = 2.9
UPGRADE: Object = {"backend": {"image": image("backend", "1.1.0")}}
BOTH: Object = {**UPGRADE, "frontend": {"image": image("frontend", "1.1.0")}}
BROKEN: Object = {"backend": {"image": image("backend", "bad")}}


@pytest.fixture(scope="module")
def figures(request: pytest.FixtureRequest, transport: str) -> Iterator[dict[str, str]]:
    """What was measured, by what was done."""
    noted: dict[str, str] = {}
    yield noted
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print()
        for what, figure in noted.items():
            print(f"requests with {transport}: {what}: {figure}")


class Meter:
    """An app whose pods are ready as soon as they are there, an operator for it, and what that asks of the server."""

    def __init__(self, app: TodoApp, operator: OperatorProcess, audit: AuditLog, figures: dict[str, str]) -> None:
        self.app = app
        self._operator = operator
        self._audit = audit
        self._figures = figures

    def install(self, spec: Object | None = None) -> None:
        self.app.create(spec).wait_ready()
        self._audit.settled([self._operator.user], self.app.namespace)

    def cost(self, what: str, act: Callable[[], object], *,
             at_most_status_writes: int = AT_MOST_STATUS_WRITES) -> Traffic:
        """The requests from the beginning of `act` until nothing is left to do."""
        start = self._audit.mark()
        act()
        traffic = self._traffic_since(start)
        assert not traffic.refused(), f"\n{traffic}"
        status = len(traffic.status_writes())
        self._figures[what] = (f"{len(traffic.object_writes())} writes of objects, {status} of status, "
                               f"{len(traffic.reads())} reads, {len(pod_lists(traffic))} lists of pods, "
                               f"{len(traffic.events())} events")
        traffic.assert_status_writes(at_most_status_writes)
        return traffic

    def restart(self) -> Traffic:
        """What a stop and a new start cost, lists and watches left out; which must be no write."""
        before = self.app.get()
        self._operator.terminate()
        start = self._audit.mark()
        self._operator.start()
        traffic = self._traffic_since(start)
        assert not traffic.writes(), f"\n{traffic}"
        assert not traffic.events(), f"\n{traffic}"
        assert self.app.get() == before
        return traffic

    def assert_restart_costs_nothing(self) -> None:
        traffic = self.restart()
        assert not traffic.reads(), f"\n{traffic}"

    def _traffic_since(self, start: int) -> Traffic:
        end = self._audit.settled([self._operator.user], self.app.namespace)
        return self._audit.between(start, end).by(self._operator.user).inside(self.app.namespace)


@pytest.fixture
def meter(app: TodoApp, simulator: PodSimulator, new_operator: OperatorMaker, audit: AuditLog,
          figures: dict[str, str]) -> Meter:
    simulator.behave(pods.ready(0), namespace=app.namespace)
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image("backend", "bad"))
    return Meter(app, new_operator(), audit, figures)


def pod_lists(traffic: Traffic) -> Traffic:
    return traffic.of("pods").lists()


def assert_looks(looks: Traffic, traffic: Traffic) -> None:
    """The pods are looked at only where a rollout has not moved for three seconds, which no healthy one is slow enough for
    unless the machine is."""
    steps = [request for request in traffic if request in looks or request in traffic.object_writes()]
    for before, request in itertools.pairwise(steps):
        if request in looks:
            assert (request.received - before.answered).total_seconds() >= FIRST_LOOK_SECONDS, f"\n{traffic}"
    assert not looks or steps[0] not in looks, f"\n{traffic}"


def recorded(number: int) -> list[str]:
    """A revision's record and its outcome."""
    return [f"controllerrevisions todo-rev-{number}"] * 2


def assert_writes(traffic: Traffic, *objects: str) -> None:
    assert traffic.object_writes().objects() == Counter(objects), f"\n{traffic}"


def assert_no_reads(traffic: Traffic) -> None:
    assert not traffic.reads(), f"\n{traffic}"
    assert_looks(pod_lists(traffic), traffic)


def test_an_image_upgrade_of_one_tier(meter: Meter) -> None:
    def upgrade() -> None:
        meter.app.patch(UPGRADE)
        wait_outcome(meter.app, 2)

    meter.install()
    traffic = meter.cost("image upgrade of one tier", upgrade)
    assert_writes(traffic, *recorded(2), "deployments todo-backend")
    assert_no_reads(traffic)
    meter.assert_restart_costs_nothing()


def test_an_image_upgrade_where_the_history_is_full_costs_one_delete_more(meter: Meter) -> None:
    def upgrade() -> None:
        meter.app.patch({"backend": {"image": image("backend", "1.3.0")}})
        wait_outcome(meter.app, 3)
        eventually(lambda: numbers(meter.app) == [2, 3], "the history within its limit")

    meter.install({"revisionHistoryLimit": 1})
    meter.cost("image upgrade that fills the history", lambda: (meter.app.patch(UPGRADE), wait_outcome(meter.app, 2)))
    traffic = meter.cost("image upgrade with a full history", upgrade)
    assert_writes(traffic, *recorded(3), "deployments todo-backend", "controllerrevisions todo-rev-1")
    assert traffic.where(lambda request: request.verb == "delete").counts() == {
        "delete controllerrevisions todo-rev-1": 1}
    assert_no_reads(traffic)
    assert numbers(meter.app) == [2, 3]


def test_a_config_upgrade(meter: Meter) -> None:
    def upgrade() -> None:
        meter.app.patch({"config": {"LOG_LEVEL": "debug"}})
        wait_outcome(meter.app, 2)

    meter.install({"config": {"LOG_LEVEL": "info"}})
    before = sealed_names(meter.app, "ConfigMap")
    traffic = meter.cost("config upgrade of both tiers", upgrade)
    sealed = [f"configmaps {name}" for name in sealed_names(meter.app, "ConfigMap") - before]
    assert len(sealed) == 2
    assert_writes(traffic, *recorded(2), *sealed, "deployments todo-backend", "deployments todo-frontend")
    assert_no_reads(traffic)
    meter.assert_restart_costs_nothing()


def test_an_upgrade_with_a_migration(meter: Meter) -> None:
    def upgrade() -> None:
        migration = {"command": ["migrate"], "schemaVersion": 1, "compatibleFrom": 0}
        meter.app.patch({"backend": {"image": image("backend", "1.1.0"), "migration": migration}})
        wait_outcome(meter.app, 2)

    meter.install()
    traffic = meter.cost("image upgrade with a migration", upgrade)
    # The schema reached is noted at once, or the barrier would not hold after a crash.
    noted = "controllerrevisions todo-rev-2"
    assert_writes(traffic, *recorded(2), noted, "jobs todo-migrate-2", "deployments todo-backend")
    assert_no_reads(traffic)
    meter.assert_restart_costs_nothing()


def test_a_failed_upgrade_with_its_rollback(meter: Meter) -> None:
    def fail() -> None:
        meter.app.patch(BROKEN)
        meter.app.wait_condition("Ready", "False", "RolledBack")

    meter.install()
    traffic = meter.cost("failed upgrade with its rollback", fail, at_most_status_writes=2 * AT_MOST_STATUS_WRITES)
    assert_writes(traffic, *recorded(2), *recorded(3), *["deployments todo-backend"] * 2)
    # What it goes back to stands in that record alone.
    assert traffic.reads().counts() == {"get controllerrevisions todo-rev-1": 1}, f"\n{traffic}"
    assert pod_lists(traffic), f"\n{traffic}"
    assert_looks(pod_lists(traffic), traffic)
    after = meter.restart()
    assert after.reads().counts() == {"get controllerrevisions todo-rev-3": 1}, f"\n{after}"
    assert not pod_lists(after), f"\n{after}"


def test_a_requested_rollback_and_the_way_back(meter: Meter) -> None:
    def roll_back() -> None:
        meter.app.patch({"rollback": {"toRevision": 1}})
        wait_outcome(meter.app, 3)

    def go_on() -> None:
        meter.app.patch({"rollback": None})
        wait_outcome(meter.app, 4)

    meter.install()
    meter.cost("image upgrade of both tiers", lambda: (meter.app.patch(BOTH), wait_outcome(meter.app, 2)))
    traffic = meter.cost("requested rollback of both tiers", roll_back)
    both = [f"deployments todo-{tier}" for tier in TIERS]
    assert_writes(traffic, *recorded(3), *both)
    assert traffic.reads().counts() == {"get controllerrevisions todo-rev-1": 1}, f"\n{traffic}"
    assert_looks(pod_lists(traffic), traffic)
    after = meter.restart()
    assert after.reads().counts() == {"get controllerrevisions todo-rev-3": 1}, f"\n{after}"
    traffic = meter.cost("way back from a requested rollback", go_on)
    assert_writes(traffic, *recorded(4), *both)
    assert_no_reads(traffic)
    meter.assert_restart_costs_nothing()


def test_an_upgrade_that_waits_for_approval(meter: Meter) -> None:
    def ask() -> None:
        meter.app.patch(UPGRADE)
        meter.app.wait_condition("Ready", "False", "AwaitingApproval")

    def approve() -> None:
        meter.app.annotate(approve=meter.app.status["plan"]["hash"])
        wait_outcome(meter.app, 2)

    meter.install({"upgrade": {"approval": "Manual"}})
    traffic = meter.cost("plan of an upgrade", ask, at_most_status_writes=1)
    assert_writes(traffic)
    # What runs is not what the spec asks for, so it stands in its record alone.
    running = {"get controllerrevisions todo-rev-1": 1}
    assert traffic.reads().counts() == running, f"\n{traffic}"
    after = meter.restart()
    assert after.reads().counts() == running, f"\n{after}"
    traffic = meter.cost("approved upgrade", approve)
    assert_no_reads(traffic)
    assert_writes(traffic, *recorded(2), "deployments todo-backend")
    meter.assert_restart_costs_nothing()


@pytest.mark.parametrize("secret", [LIVE, PINNED], ids=["live", "pinned"])
def test_a_rotated_secret(meter: Meter, api: Api, secret: Object) -> None:
    def rotate() -> None:
        before = meter.app.child("Deployment", "backend")["metadata"]["generation"]
        put_secret(api, meter.app, "canary-rotated-2")
        eventually(lambda: meter.app.child("Deployment", "backend")["metadata"]["generation"] > before, "the restart")
        eventually(lambda: is_rolled_out(meter.app.child("Deployment", "backend")), "the restarted pods")
        if secret is PINNED:
            wait_outcome(meter.app, 2)

    put_secret(api, meter.app, "canary-rotated-1")
    meter.install({"secrets": [secret]})
    kind = "live" if secret is LIVE else "pinned"
    traffic = meter.cost(f"rotation of a {kind} secret", rotate)
    if secret is LIVE:
        assert_writes(traffic, "deployments todo-backend")
        assert traffic.reads().counts() == {"get secrets todo-db": 1}, f"\n{traffic}"
    else:
        sealed = f"secrets {meter.app.in_use('Secret', 'backend')['metadata']['name']}"
        assert_writes(traffic, *recorded(2), sealed, "deployments todo-backend")
        # The new name is made with the app's own key.
        assert traffic.reads().counts() == {"get secrets todo-db": 1, "get secrets todo-keys": 1}, f"\n{traffic}"
    meter.assert_restart_costs_nothing()


def test_a_restart_in_the_midst_of_an_upgrade_repeats_nothing(meter: Meter, simulator: PodSimulator) -> None:
    meter.install()
    simulator.behave(pods.never_ready(), namespace=meter.app.namespace, image=image("backend", "1.1.0"))

    def has_new_pod() -> bool:
        status = meter.app.child("Deployment", "backend")["status"]
        return bool((status["replicas"], status["updatedReplicas"]) == (2, 1) and len(meter.app.pods("backend")) == 2)

    def begin() -> None:
        meter.app.patch(UPGRADE)
        eventually(lambda: images(meter.app)["backend"] == image("backend", "1.1.0"), "the rollout to begin")
        eventually(has_new_pod, "the new pod, beside the old one")

    traffic = meter.cost("first half of an upgrade", begin)
    assert_writes(traffic, "controllerrevisions todo-rev-2", "deployments todo-backend")
    meter.assert_restart_costs_nothing()

    def finish() -> None:
        simulator.behave(pods.ready(0), namespace=meter.app.namespace, image=image("backend", "1.1.0"), now=True)
        wait_outcome(meter.app, 2)

    traffic = meter.cost("second half, after a restart", finish)
    assert_writes(traffic, "controllerrevisions todo-rev-2")
    assert not traffic.reads(), f"\n{traffic}"
