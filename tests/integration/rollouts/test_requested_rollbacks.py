"""spec.rollback.toRevision: a recorded content comes back as it was, or nothing moves and the reason says why."""

from __future__ import annotations

import pytest
from support import pod_simulator as pods
from support.api import Api, Object
from support.audit import AuditLog
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator
from support.revisions import (
    NO_PODS,
    PINNED,
    cause,
    footprint,
    image,
    images,
    install,
    numbers,
    put_secret,
    rollback_of,
    shown,
    template_of,
    values_used,
    wait_outcome,
)
from support.todo_app import TIERS, TodoApp
from support.waiting import eventually
from support.watching import Change, Recorder

pytestmark = pytest.mark.usefixtures("operator")

BOTH_UPGRADED: Object = {"frontend": {"image": image("frontend", "1.1.0")},
                         "backend": {"image": image("backend", "1.1.0")}}


def upgraded(app: TodoApp, **settings: Object) -> TodoApp:
    """An app at revision 2, which differs from revision 1 in both images."""
    install(app, settings)
    app.patch(BOTH_UPGRADED)
    wait_outcome(app, 2)
    app.wait_ready()
    return app


def pin(app: TodoApp, number: int) -> None:
    app.patch({"rollback": {"toRevision": number}})


def test_images_config_and_pinned_secrets_come_back_and_live_settings_stay(app: TodoApp, api: Api) -> None:
    put_secret(api, app, "canary-comes-back-1")
    install(app, {"config": {"LOG_LEVEL": "info", "GONE": "not yet"}, "secrets": [PINNED]})
    first = {tier: template_of(app, tier) for tier in TIERS}
    app.patch({**BOTH_UPGRADED, "config": {"LOG_LEVEL": "debug", "GONE": None}})
    wait_outcome(app, 2)
    put_secret(api, app, "canary-comes-back-2")
    wait_outcome(app, 3)
    app.patch({"backend": {"replicas": 2}})
    app.wait_ready()
    pin(app, 1)
    app.wait_ready(reason="RolledBackOnRequest")
    assert {tier: template_of(app, tier) for tier in TIERS} == first
    for tier in TIERS:
        assert app.in_use("ConfigMap", tier)["data"] == {"LOG_LEVEL": "info", "GONE": "not yet"}
    assert values_used(app, "backend") == {"DATABASE_URL": "canary-comes-back-1"}
    assert app.child("Deployment", "backend")["spec"]["replicas"] == 2
    assert (rollback_of(app, 4), cause(app, 4)) == ("1", "rollback to revision 1")
    status = app.status
    assert (status["activeRevision"], status["targetRevision"], status["lastGoodRevision"]) == (4, 4, 4)
    assert shown(app, 4)["rollbackOf"] == 1
    assert status["backend"]["image"] == image("backend", "1.0.0")


@pytest.mark.parametrize(("order", "first", "second"), [("BackendFirst", "frontend", "backend"),
                                                       ("FrontendFirst", "backend", "frontend")])
def test_a_rollback_goes_the_other_way_round(
        app: TodoApp, api: Api, simulator: PodSimulator, order: str, first: str, second: str) -> None:
    upgraded(app, upgrade={"order": order})
    simulator.behave(pods.ready(0.4), namespace=app.namespace)
    with Recorder(api, app.namespace, ["Deployment"]) as recorder:
        pin(app, 1)
        app.wait_ready(reason="RolledBackOnRequest")
    changes = recorder.changes("Deployment")
    began = [next(change.version for change in changes if restored(change, tier)) for tier in (first, second)]
    done = next(change.version for change in changes if restored(change, first) and is_complete(change.object))
    assert began[0] < done < began[1]


def restored(change: Change, tier: str) -> bool:
    container = change.object["spec"]["template"]["spec"]["containers"][0]
    return change.name == f"todo-{tier}" and container["image"] == image(tier, "1.0.0")


def is_complete(deployment: Object) -> bool:
    status = deployment["status"]
    return (status["observedGeneration"] == deployment["metadata"]["generation"]
            and status.get("replicas") == status.get("updatedReplicas") == status.get("availableReplicas") == 1)


def test_while_it_is_set_a_changed_spec_is_noted_and_not_rolled_out(app: TodoApp) -> None:
    upgraded(app)
    pin(app, 1)
    app.wait_ready(reason="RolledBackOnRequest")
    before = footprint(app)
    app.patch({"backend": {"image": image("backend", "1.2.0")}, "config": {"LOG_LEVEL": "debug"}})
    app.wait_ready(reason="RolledBackOnRequest")
    assert (numbers(app), footprint(app)) == ([1, 2, 3], before)
    app.patch({"backend": {"replicas": 2}})
    app.wait_ready(reason="RolledBackOnRequest")
    eventually(lambda: len(app.pods("backend")) == 2, "a live setting to count all the same")
    app.patch({"rollback": None})
    wait_outcome(app, 4)
    app.wait_ready()
    assert images(app) == {"frontend": image("frontend", "1.1.0"), "backend": image("backend", "1.2.0")}
    assert app.in_use("ConfigMap", "backend")["data"] == {"LOG_LEVEL": "debug"}


def test_taking_it_away_rolls_out_the_spec_again_as_a_new_revision(app: TodoApp) -> None:
    upgraded(app)
    second = {tier: template_of(app, tier) for tier in TIERS}
    pin(app, 1)
    wait_outcome(app, 3)
    app.patch({"rollback": None})
    wait_outcome(app, 4)
    app.wait_ready()
    assert {tier: template_of(app, tier) for tier in TIERS} == second
    assert rollback_of(app, 4) == ""
    assert app.status["activeRevision"] == 4


def test_taking_it_away_moves_nothing_where_the_specs_content_is_quarantined(
        app: TodoApp, simulator: PodSimulator) -> None:
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image("backend", "bad"))
    install(app)
    app.patch({"config": {"STEP": "2"}})
    wait_outcome(app, 2)
    app.patch({"backend": {"image": image("backend", "bad")}})
    wait_outcome(app, 4)
    pin(app, 1)
    app.wait_ready(reason="RolledBackOnRequest")
    before = footprint(app)
    app.patch({"rollback": None})
    app.wait_condition("Ready", "False", "RolledBack")
    message = app.condition("Ready")["message"]
    assert "Revision 3 " in message and "InvalidImageName" in message
    assert (numbers(app), footprint(app)) == ([1, 2, 3, 4, 5], before)


@pytest.mark.parametrize("number", [7, 1], ids=["never recorded", "pruned"])
def test_a_revision_that_is_not_in_the_history_is_refused_and_nothing_moves(
        app: TodoApp, operator: OperatorProcess, audit: AuditLog, number: int) -> None:
    install(app, {"revisionHistoryLimit": 1})
    for step in (2, 3):
        app.patch({"config": {"STEP": str(step)}})
        wait_outcome(app, step)
    eventually(lambda: numbers(app) == [2, 3], "the history within its limit")
    start, before = audit.settled([operator.user], app.namespace), footprint(app)
    # The spec changes as well: a request that cannot be met is no leave to do something else.
    app.patch({"rollback": {"toRevision": number}, "backend": {"image": image("backend", "1.1.0")}})
    app.wait_condition("Ready", "False", "RevisionNotFound")
    assert f"Revision {number} " in app.condition("Stalled")["message"]
    end = audit.settled([operator.user], app.namespace)
    writes = audit.between(start, end).by(operator.user).inside(app.namespace).object_writes()
    assert not writes, f"\n{writes}"
    assert footprint(app) == before
    assert app.condition("Available")["status"] == "True"
    app.patch({"rollback": None})
    wait_outcome(app, 4)


def test_a_rollback_to_what_runs_already_does_nothing(
        app: TodoApp, operator: OperatorProcess, audit: AuditLog) -> None:
    upgraded(app)
    start, before = audit.settled([operator.user], app.namespace), footprint(app)
    pin(app, 2)
    app.wait_condition("Ready", "True", "RolledBackOnRequest")
    end = audit.settled([operator.user], app.namespace)
    writes = audit.between(start, end).by(operator.user).inside(app.namespace).object_writes()
    assert not writes, f"\n{writes}"
    assert (numbers(app), footprint(app)) == ([1, 2], before)
    # Pinned all the same: an edit of the spec waits.
    app.patch({"backend": {"image": image("backend", "1.2.0")}})
    app.wait_condition("Ready", "True", "RolledBackOnRequest")
    assert footprint(app) == before


def test_a_rollback_out_of_a_rollout_that_hangs_waits_for_nothing(
        app: TodoApp, simulator: PodSimulator) -> None:
    simulator.behave(pods.never_ready(), namespace=app.namespace, image=image("backend", "slow"))
    install(app)
    first = {tier: template_of(app, tier) for tier in TIERS}
    app.patch({"backend": {"image": image("backend", "slow")}})
    eventually(lambda: images(app)["backend"] == image("backend", "slow"), "the rollout to begin")
    pin(app, 1)
    app.wait_ready(reason="RolledBackOnRequest")
    assert {tier: template_of(app, tier) for tier in TIERS} == first
    wait_outcome(app, 2, "Superseded")
    wait_outcome(app, 3)


def test_another_number_in_the_midst_of_a_rollback_counts_at_once(
        app: TodoApp, simulator: PodSimulator) -> None:
    upgraded(app)
    app.patch({"frontend": {"image": image("frontend", "1.2.0")}})
    wait_outcome(app, 3)
    simulator.behave(pods.never_ready(), namespace=app.namespace, image=image("frontend", "1.0.0"))
    pin(app, 1)
    eventually(lambda: images(app)["frontend"] == image("frontend", "1.0.0"), "the rollback to begin")
    pin(app, 2)
    app.wait_ready(reason="RolledBackOnRequest")
    wait_outcome(app, 4, "Superseded")
    assert images(app) == {tier: image(tier, "1.1.0") for tier in TIERS}
    assert rollback_of(app, 5) == "2"


def test_a_rollback_that_fails_holds_and_is_tried_again_only_on_request(
        app: TodoApp, simulator: PodSimulator) -> None:
    upgraded(app)
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image("frontend", "1.0.0"))
    pin(app, 1)
    wait_outcome(app, 3, "Failed")
    app.wait_condition("Stalled", "True", "RollbackFailed")
    held = footprint(app)
    app.patch({"backend": {"disruptionBudget": {"maxUnavailable": 1}}})
    app.wait_condition("Stalled", "True", "RollbackFailed")
    assert (numbers(app), footprint(app).templates) == ([1, 2, 3], held.templates)
    app.patch({"rollback": None})
    wait_outcome(app, 4)
    app.wait_ready()
    assert images(app) == {tier: image(tier, "1.1.0") for tier in TIERS}


def test_a_rollback_from_a_rollback_goes_forward_again(app: TodoApp) -> None:
    upgraded(app, **NO_PODS)
    for number, target in ((3, 1), (4, 2), (5, 3)):
        pin(app, target)
        wait_outcome(app, number)
        assert rollback_of(app, number) == str(target)
    app.wait_ready(reason="RolledBackOnRequest")
    assert images(app) == {tier: image(tier, "1.0.0") for tier in TIERS}


def test_events_tell_of_a_rollback(app: TodoApp, api: Api) -> None:
    upgraded(app, **NO_PODS)
    pin(app, 1)
    app.wait_ready(reason="RolledBackOnRequest")

    def told() -> Object | None:
        return next((event for event in api.list("Event", app.namespace) if event["reason"] == "RollbackStarted"), None)

    event = eventually(told, "an event")
    assert event["type"] == "Normal" and "rollback to revision 1" in event["note"]
