"""A changed content becomes a numbered revision; only the tiers that it changes are restarted, and its end is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from rollouts import (
    BACKEND_2,
    BOTH_NEW,
    FRONTEND_2,
    NEW_BACKEND,
    NEW_FRONTEND,
    Batch,
    Pods,
    numbers,
    outcomes,
    pod_uids,
    settled_traffic,
    shown,
    wait_outcome,
    wait_step,
)
from stories import Endings, Stories

from support import pod_simulator as pods
from support.api import Api, Object
from support.audit import AuditLog
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator
from support.todo_app import BACKEND_IMAGE, TIERS, TodoApp
from support.waiting import eventually, show
from support.watching import Recorder

pytestmark = pytest.mark.usefixtures("operator")
story = Stories()
endings = story.fixture()

CHANGE_CAUSE = "kubernetes.io/change-cause"
CONFIG: Object = {"config": {"LOG_LEVEL": "info"}, "backend": {"config": {"PAGE": "50"}}}


class Upgrade(NamedTuple):
    change: Object
    restarted: list[str]
    cause: str


UPGRADES = {
    "backend-code": Upgrade(NEW_BACKEND, ["backend"], "backend image 1.0.0 to 2.0.0"),
    "frontend-code": Upgrade(NEW_FRONTEND, ["frontend"], "frontend image 1.0.0 to 2.0.0"),
    "backend-config": Upgrade({"backend": {"config": {"PAGE": "100"}}}, ["backend"], "config PAGE"),
    "common-config": Upgrade({"config": {"LOG_LEVEL": "debug"}}, list(TIERS), "config LOG_LEVEL"),
    "both-codes": Upgrade(BOTH_NEW, list(TIERS), "backend image 1.0.0 to 2.0.0; frontend image 1.0.0 to 2.0.0"),
    "code-and-common-config": Upgrade({**NEW_BACKEND, "config": {"LOG_LEVEL": "debug"}}, list(TIERS),
                                      "backend image 1.0.0 to 2.0.0; config LOG_LEVEL"),
    "code-and-config-of-one-tier": Upgrade({"backend": {"image": BACKEND_2, "config": {"PAGE": "100"}}}, ["backend"],
                                           "backend image 1.0.0 to 2.0.0; config PAGE"),
}


@pytest.fixture(scope="module")
def upgraded(api: Api, operator: OperatorProcess, simulator: PodSimulator) -> Iterator[dict[str, dict[str, Pods]]]:
    """Every upgrade of the table, all at once; the tiers as they were before."""
    with Batch(api, simulator, "upgrades") as batch:
        for name in UPGRADES:
            batch.apps[name] = TodoApp(api, batch.namespace, name).create(CONFIG)
        batch.wait_ready()
        before = {name: {tier: Pods(app, tier) for tier in TIERS} for name, app in batch.apps.items()}
        for name, upgrade in UPGRADES.items():
            batch.apps[name].patch(upgrade.change)
        batch.wait_ready()
        yield before


@pytest.mark.parametrize("name", UPGRADES)
def test_an_upgrade_restarts_the_tiers_that_it_changes_and_no_other(
        upgraded: dict[str, dict[str, Pods]], name: str) -> None:
    for tier, pods_before in upgraded[name].items():
        if tier in UPGRADES[name].restarted:
            pods_before.check_all_replaced()
        else:
            pods_before.check_untouched()


@pytest.mark.parametrize("name", UPGRADES)
def test_the_cause_of_a_revision_tells_what_changed(upgraded: dict[str, dict[str, Pods]], name: str) -> None:
    status = upgraded[name]["backend"].app.status
    assert {number: entry["cause"] for number, entry in shown(status).items()} == {
        1: "first install", 2: UPGRADES[name].cause}
    assert [status[key] for key in ("activeRevision", "targetRevision", "lastGoodRevision")] == [2, 2, 2]


@story
def a_changed_config_reaches_the_pods_as_a_new_sealed_object_and_the_old_one_stays(
        app: TodoApp, api: Api) -> None:
    app.create(CONFIG).wait_ready()
    before = app.in_use("ConfigMap", "backend")
    app.patch({"config": {"LOG_LEVEL": "debug"}})
    app.wait_ready()
    after = app.in_use("ConfigMap", "backend")
    assert after["data"] == {"LOG_LEVEL": "debug", "PAGE": "50"}
    assert after["metadata"]["name"] != before["metadata"]["name"]
    kept = api.get("ConfigMap", before["metadata"]["name"], app.namespace)
    assert kept["data"] == {"LOG_LEVEL": "info", "PAGE": "50"}, "revision 1 may be wanted again"


@story
def an_image_upgrade_shows_in_every_pod_and_in_the_status(app: TodoApp) -> None:
    app.create({"backend": {"replicas": 3}}).wait_ready()
    app.patch(BOTH_NEW)
    status = app.wait_ready()["status"]
    for tier, image in (("backend", BACKEND_2), ("frontend", FRONTEND_2)):
        found = {pod["spec"]["containers"][0]["image"] for pod in app.pods(tier)
                 if "deletionTimestamp" not in pod["metadata"]}
        assert found == {image}
        assert status[tier]["image"] == image
    assert (status["backend"]["updatedReplicas"], status["backend"]["ready"]) == (3, "3/3")


@story
def the_status_names_the_revisions_and_the_step_while_the_upgrade_goes_on(
        app: TodoApp, simulator: PodSimulator) -> None:
    app.create({"backend": {"replicas": 2}}).wait_ready()
    simulator.behave(pods.never_ready(), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    status = wait_step(app, "RollingBackend 0/2")
    assert (status["activeRevision"], status["targetRevision"], status["lastGoodRevision"]) == (1, 2, 1)
    assert [entry["number"] for entry in status["revisions"]] == [2, 1]
    assert "outcome" not in status["revisions"][0]
    conditions = {entry["type"]: (entry["status"], entry["reason"]) for entry in status["conditions"]}
    assert conditions["Ready"] == ("False", "Progressing")
    assert conditions["Reconciling"] == ("True", "Progressing")
    assert conditions["Available"][0] == "True", "the old pods serve"
    assert "Stalled" not in conditions
    simulator.behave(pods.ready(), namespace=app.namespace, image=BACKEND_2, now=True)
    status = app.wait_ready()["status"]
    assert (status["activeRevision"], status["lastGoodRevision"]) == (2, 2)
    assert [entry.get("outcome") for entry in status["revisions"]] == ["Succeeded", "Succeeded"]
    assert "step" not in status and "failure" not in status


@story
def a_change_cause_of_the_user_becomes_the_revisions_cause(app: TodoApp, api: Api) -> None:
    app.create(annotations={CHANGE_CAUSE: "the beginning"}).wait_ready()
    api.patch("TodoAppDeployment", "todo", app.namespace, {
        "metadata": {"annotations": {CHANGE_CAUSE: "TICKET-7: a faster backend"}}, "spec": NEW_BACKEND})
    status = app.wait_ready()["status"]
    assert {number: entry["cause"] for number, entry in shown(status).items()} == {
        1: "the beginning", 2: "TICKET-7: a faster backend"}


@story
def a_change_cause_alone_makes_no_revision(
        app: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog) -> None:
    app.create().wait_ready()
    start = audit.settled([operator.user], app.namespace)
    api.patch("TodoAppDeployment", "todo", app.namespace,
              {"metadata": {"annotations": {CHANGE_CAUSE: "nothing at all"}}})
    traffic = settled_traffic(app, operator, audit, start)
    assert not traffic.writes(), f"\n{traffic}"
    assert numbers(app) == [1]


@story
def success_is_recorded_once_and_after_it_the_operator_rests(
        app: TodoApp, operator: OperatorProcess, audit: AuditLog) -> None:
    app.create().wait_ready()
    start = audit.settled([operator.user], app.namespace)
    app.patch({**BOTH_NEW, "upgrade": {"soakSeconds": 1}})
    app.wait_ready()
    traffic = settled_traffic(app, operator, audit, start)
    record = traffic.object_writes().of("controllerrevisions")
    assert record.objects() == {"controllerrevisions todo-rev-2": 2}, f"\n{record}"
    applies = traffic.object_writes().of("deployments")
    assert applies.objects() == {"deployments todo-backend": 1, "deployments todo-frontend": 1}, f"\n{applies}"
    assert not traffic.reads(), f"\n{traffic}"


@story
def an_outage_after_success_is_degraded_and_no_failed_upgrade(
        app: TodoApp, simulator: PodSimulator, operator: OperatorProcess, audit: AuditLog) -> None:
    app.create().wait_ready()
    app.patch(NEW_BACKEND)
    app.wait_ready()
    tiers = [Pods(app, tier) for tier in TIERS]
    simulator.behave(pods.crash_loop(restarts=3), namespace=app.namespace, image=BACKEND_2, now=True)
    app.wait_condition("Ready", "False", "Degraded")
    audit.settled([operator.user], app.namespace, quiet=3)
    assert outcomes(app) == {1: "Succeeded", 2: "Succeeded"}
    for tier in tiers:
        tier.check_untouched()
    simulator.behave(pods.ready(), namespace=app.namespace, image=BACKEND_2, now=True)
    app.wait_ready()


@story
def a_spec_edited_in_mid_rollout_supersedes_it(app: TodoApp, api: Api, simulator: PodSimulator) -> None:
    app.create({"backend": {"replicas": 2}}).wait_ready()
    simulator.behave(pods.never_ready(), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    wait_step(app, "RollingBackend")
    frontend = Pods(app, "frontend")
    with Recorder(api, app.namespace, ["Deployment"]) as recorder:
        app.patch({"backend": {"image": "localhost/todo-backend:3.0.0"}})
        status = app.wait_ready()["status"]
    assert outcomes(app) == {1: "Succeeded", 2: "Superseded", 3: "Succeeded"}
    assert shown(status)[2]["outcome"] == "Superseded"
    assert shown(status)[3]["cause"] == "backend image 2.0.0 to 3.0.0"
    assert "failure" not in status, "to be overtaken is no failure"
    images = {change.object["spec"]["template"]["spec"]["containers"][0]["image"]
              for change in recorder.changes("Deployment", "todo-backend")[1:]}
    assert BACKEND_IMAGE not in images, "it went on from where the pods were"
    frontend.check_untouched()


@story
def a_spec_taken_back_in_mid_rollout_is_a_new_revision_with_the_old_pods(
        app: TodoApp, simulator: PodSimulator) -> None:
    app.create({"backend": {"replicas": 2}}).wait_ready()
    serving = pod_uids(app, "backend")
    simulator.behave(pods.never_ready(), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    wait_step(app, "RollingBackend")
    app.patch({"backend": {"image": BACKEND_IMAGE}})
    app.wait_ready()
    assert outcomes(app) == {1: "Succeeded", 2: "Superseded", 3: "Succeeded"}
    assert pod_uids(app, "backend") == serving


@story
def edits_in_quick_succession_end_with_the_last_one(app: TodoApp) -> None:
    app.create().wait_ready()
    for version in range(2, 7):
        app.patch({"backend": {"image": f"localhost/todo-backend:{version}.0.0"}})
    status = app.wait_ready()["status"]
    assert status["backend"]["image"] == "localhost/todo-backend:6.0.0"
    ended = outcomes(app)
    last = max(ended)
    assert ended[last] == "Succeeded"
    assert set(ended.values()) <= {"Succeeded", "Superseded"}, ended
    assert sorted(ended) == list(range(1, last + 1)), "a number was left out"


@story
def a_first_install_that_is_edited_before_it_is_ready_is_superseded_too(
        app: TodoApp, simulator: PodSimulator) -> None:
    simulator.behave(pods.never_ready(), namespace=app.namespace, image=BACKEND_IMAGE)
    app.create()
    app.wait_child("Deployment", "backend")
    app.patch(NEW_BACKEND)
    app.wait_ready()
    assert outcomes(app) == {1: "Superseded", 2: "Succeeded"}


@story
def a_tier_with_no_replicas_is_upgraded_all_the_same(app: TodoApp) -> None:
    app.create({"frontend": {"replicas": 0}}).wait_ready()
    app.patch(BOTH_NEW)
    app.wait_ready()
    assert app.container("frontend")["image"] == FRONTEND_2


@story
def a_tier_scaled_in_mid_rollout_is_done_with_the_new_number(app: TodoApp, simulator: PodSimulator) -> None:
    app.create({"backend": {"replicas": 2}}).wait_ready()
    simulator.behave(pods.never_ready(), namespace=app.namespace, image=BACKEND_2)
    app.patch(NEW_BACKEND)
    wait_step(app, "RollingBackend 0/2")
    app.patch({"backend": {"replicas": 3}})
    wait_step(app, "/3")
    simulator.behave(pods.ready(), namespace=app.namespace, image=BACKEND_2, now=True)
    assert app.wait_ready()["status"]["backend"]["ready"] == "3/3"
    assert outcomes(app) == {1: "Succeeded", 2: "Succeeded"}


@story
def events_tell_of_the_start_and_the_end_of_an_upgrade(app: TodoApp, api: Api) -> None:
    app.create().wait_ready()
    app.patch(NEW_BACKEND)
    app.wait_ready()

    def look() -> bool:
        notes = {event["reason"]: event["note"] for event in api.list("Event", app.namespace)
                 if event.get("reportingController", "").endswith("todoapp-operator")
                 and "Revision 2" in event.get("note", "")}
        assert "backend image 1.0.0 to 2.0.0" in notes["RolloutStarted"], show(notes)
        assert "backend image 1.0.0 to 2.0.0" in notes["RolloutSucceeded"], show(notes)
        return True

    eventually(look, "both events")


@story
def a_revision_never_changes_what_it_recorded(app: TodoApp) -> None:
    app.create(CONFIG).wait_ready()
    first = app.revision(1)
    app.patch(BOTH_NEW)
    wait_outcome(app, 2, "Succeeded")
    app.wait_ready()
    assert app.revision(1) == first


@pytest.mark.parametrize("name", story.names)
def test_that(endings: Endings, name: str) -> None:
    endings.check(name)
