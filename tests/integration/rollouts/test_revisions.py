"""A revision is recorded whole, once, and never changed; history is pruned, and what is needed stays."""

from __future__ import annotations

from typing import Any

import pytest
from support import pod_simulator as pods
from support.api import Api, Object
from support.pod_simulator import PodSimulator
from support.revisions import (
    GENERATED,
    LIVE,
    NO_PODS,
    PINNED,
    as_served,
    cause,
    footprint,
    image,
    install,
    names_in,
    numbers,
    put_secret,
    records,
    rollback_of,
    sealed_names,
    sealed_part,
    shown,
    template_of,
    values_used,
    wait_outcome,
)
from support.todo_app import TIERS, TodoApp, annotation, merged
from support.waiting import eventually, show
from support.watching import Recorder

pytestmark = pytest.mark.usefixtures("operator")

MIGRATION: Object = {"command": ["todo-backend", "migrate"], "schemaVersion": 3, "compatibleFrom": 1}
# What Go would escape must come back as it was, or the record could never be changed again.
AWKWARD = "a <b> & 'c' \u2028 \"d\""


def test_a_record_holds_templates_config_names_of_sealed_objects_migration_and_the_renderer(
        app: TodoApp, api: Api) -> None:
    put_secret(api, app, "canary-record-41")
    install(app, {"config": {"LOG_LEVEL": "info", "AWKWARD": AWKWARD}, "secrets": [PINNED, GENERATED],
                "backend": {"migration": MIGRATION}})
    record = app.revision(1)
    data = record["data"]
    assert record["revision"] == 1
    assert data["rendererVersion"] >= 1
    for tier in TIERS:
        assert data[tier]["config"] == {"LOG_LEVEL": "info", "AWKWARD": AWKWARD}
        assert data[tier]["configName"] == app.in_use("ConfigMap", tier)["metadata"]["name"]
        assert data[tier]["secretsName"] == app.in_use("Secret", tier)["metadata"]["name"]
        live = template_of(app, tier)
        assert live["metadata"]["labels"]["apps.todoapp.dev/template"] == data[tier]["templateHash"]
        assert sealed_part(live) == as_served(app, data[tier]["podTemplate"])
    assert (data["migration"]["schemaVersion"], data["migration"]["compatibleFrom"]) == (3, 1)
    job = data["migration"]["job"]["template"]["spec"]["containers"][0]
    assert (job["image"], job["command"]) == (image("backend", "1.0.0"), MIGRATION["command"])
    for value in ("canary-record-41", *values_used(app, "backend").values()):
        assert value not in show(record)


def test_the_cause_is_made_from_the_difference(app: TodoApp) -> None:
    install(app, {**NO_PODS, "config": {"LOG_LEVEL": "info"}})
    assert cause(app, 1) == "first install"
    secret = {**GENERATED, "name": "TOKEN"}
    steps: list[tuple[Object, str]] = [
        ({"backend": {"image": image("backend", "1.1.0")}}, "backend image 1.0.0 to 1.1.0"),
        ({"frontend": {"image": "other/web:2"}}, f"frontend image {image('frontend', '1.0.0')} to other/web:2"),
        ({"config": {"LOG_LEVEL": "debug"}}, "config LOG_LEVEL"),
        ({"backend": {"config": {"PAGE": "50"}}, "config": {"LOG_LEVEL": None}}, "config PAGE; config LOG_LEVEL"),
        ({"backend": {"resources": {"limits": {"memory": "2Gi"}}}}, "backend resources"),
        ({"frontend": {"port": 3001}}, "frontend port"),
        ({"backend": {"env": [{"name": "WORKERS", "value": "4"}]}}, "backend env WORKERS"),
        ({"secrets": [secret]}, "secret TOKEN; secret values"),
    ]
    for number, (change, words) in enumerate(steps, 2):
        app.patch(change)
        wait_outcome(app, number)
        assert set(cause(app, number).split("; ")) == set(words.split("; "))
    app.patch({"backend": {"image": image("backend", "1.2.0")}, "config": {"LOG_LEVEL": "warn"}})
    wait_outcome(app, len(steps) + 2)
    assert cause(app, len(steps) + 2) == "backend image 1.1.0 to 1.2.0; config LOG_LEVEL"
    app.wait_ready()
    assert shown(app, 2)["cause"] == "backend image 1.0.0 to 1.1.0"


def test_a_change_cause_of_the_user_is_the_cause(app: TodoApp, api: Api) -> None:
    app.create(NO_PODS, annotations={"kubernetes.io/change-cause": "TICKET-7: first day"}).wait_ready()
    assert cause(app, 1) == "TICKET-7: first day"
    change = {"metadata": {"annotations": {"kubernetes.io/change-cause": "TICKET-8: faster lists"}},
              "spec": {"backend": {"image": image("backend", "1.1.0")}}}
    api.patch("TodoAppDeployment", "todo", app.namespace, change)
    wait_outcome(app, 2)
    app.wait_ready()
    assert shown(app, 2)["cause"] == "TICKET-8: faster lists"
    assert shown(app, 1)["cause"] == "TICKET-7: first day"


def test_live_settings_are_no_part_of_a_revision(app: TodoApp) -> None:
    install(app)
    app.patch({"backend": {"replicas": 2, "service": {"annotations": {"example.org/team": "web"}},
                           "disruptionBudget": {"maxUnavailable": 1}, "strategy": {"minReadySeconds": 1}},
               "upgrade": {"timeoutSeconds": 900}, "revisionHistoryLimit": 5})
    app.wait_ready()
    assert numbers(app) == [1]


def test_recorded_content_never_changes_whatever_becomes_of_the_revision(
        app: TodoApp, api: Api, simulator: PodSimulator) -> None:
    put_secret(api, app, "canary-stays-1")
    simulator.behave(pods.crash_loop(pause=0.1), namespace=app.namespace, image=image("backend", "broken"))
    with Recorder(api, app.namespace, ["ControllerRevision"]) as recorder:
        install(app, {"secrets": [PINNED], "config": {"STEP": "1"}})
        app.patch({"backend": {"image": image("backend", "broken")}})
        app.wait_condition("Ready", "False", "RolledBack")
        app.patch({"backend": {"image": image("backend", "1.1.0")}, "config": {"STEP": "2"}})
        app.wait_ready()
        put_secret(api, app, "canary-stays-2")
        wait_outcome(app, 5)
        app.patch({"rollback": {"toRevision": 1}})
        wait_outcome(app, 6)
    seen = recorder.changes("ControllerRevision")
    assert numbers(app) == [1, 2, 3, 4, 5, 6]
    first: dict[str, Any] = {}
    for change in seen:
        assert change.type != "DELETED", change.name
        content = (change.object["revision"], change.object["data"])
        assert first.setdefault(change.name, content) == content, f"{change.name} changed"
    assert (rollback_of(app, 3), rollback_of(app, 6)) == ("1", "1")


def test_history_beyond_its_limit_goes_with_the_sealed_objects_that_only_it_used(app: TodoApp, api: Api) -> None:
    put_secret(api, app, "canary-history-0")
    install(app, {**NO_PODS, "config": {"STEP": "0"}, "secrets": [PINNED], "revisionHistoryLimit": 2})
    for step in range(1, 6):
        if step % 2:
            app.patch({"config": {"STEP": str(step)}})
        else:
            put_secret(api, app, f"canary-history-{step}")
        wait_outcome(app, step + 1)

    def pruned() -> bool:
        # The limit counts finished revisions besides the one that is active, target and last good.
        assert numbers(app) == [4, 5, 6]
        kept: set[str] = set().union(*(names_in(record["data"]) for record in records(app).values()))
        assert sealed_names(app, "ConfigMap") | sealed_names(app, "Secret") == kept
        return True

    eventually(pruned, "only three records and what they name")
    app.wait_ready()
    # A status that was written just before the last one went stands for a second.
    eventually(lambda: [entry["number"] for entry in app.status["revisions"]] == [6, 5, 4], "the status to say so")
    app.patch({"revisionHistoryLimit": 1})
    eventually(lambda: numbers(app) == [5, 6], "a lower limit to count at once")


def test_a_revision_pinned_by_rollback_stays_however_old_it_is(app: TodoApp) -> None:
    install(app, {**NO_PODS, "revisionHistoryLimit": 1})
    app.patch({"config": {"STEP": "2"}})
    wait_outcome(app, 2)
    app.patch({"rollback": {"toRevision": 1}})
    wait_outcome(app, 3)
    app.annotate(restart="a")
    app.wait_ready(reason="RolledBackOnRequest")
    # The limit keeps revision 2 besides; the pin keeps 1.
    assert numbers(app) == [1, 2, 3]
    app.patch({"rollback": None})
    wait_outcome(app, 4)
    eventually(lambda: numbers(app) == [3, 4], "what nothing pins to go")


def test_the_last_good_revision_stays_however_many_fail_after_it(app: TodoApp, simulator: PodSimulator) -> None:
    install(app, {"upgrade": {"onFailure": "Hold"}, "revisionHistoryLimit": 1})
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, tier="backend")
    for number in (2, 3):
        app.patch({"backend": {"image": image("backend", f"bad-{number}")}})
        wait_outcome(app, number, "Failed")
    assert 1 in numbers(app)
    assert app.wait_condition("Ready", "False", "RolloutFailed")["status"]["lastGoodRevision"] == 1


def test_the_record_of_a_quarantined_content_stays_while_the_spec_asks_for_it(
        app: TodoApp, api: Api, simulator: PodSimulator) -> None:
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image("backend", "bad"))
    install(app, {"revisionHistoryLimit": 2})
    for step in (2, 3):
        app.patch({"config": {"STEP": str(step)}})
        wait_outcome(app, step)
    app.patch({"backend": {"image": image("backend", "bad")}})
    wait_outcome(app, 4, "Failed")
    wait_outcome(app, 5)
    for number, target in ((6, 2), (7, 5), (8, 6), (9, 7)):
        app.patch({"rollback": {"toRevision": target}})
        wait_outcome(app, number)
    app.patch({"rollback": None})
    app.wait_condition("Ready", "False", "RolledBack")
    # Without the record of revision 4 its quarantine would be forgotten; the limit holds for all others.
    eventually(lambda: numbers(app) == [4, 7, 8, 9], "the history within its limit")
    before = footprint(app)
    app.patch({"backend": {"disruptionBudget": {"maxUnavailable": 1}}})
    app.wait_condition("Ready", "False", "RolledBack")
    assert (numbers(app), footprint(app)) == ([4, 7, 8, 9], before)
    app.patch({"backend": {"image": image("backend", "1.1.0")}})
    wait_outcome(app, 10)
    eventually(lambda: numbers(app) == [8, 9, 10], "the record that nothing asks for any more to go")


def test_what_a_deployment_or_a_replicaset_refers_to_is_never_removed(
        app: TodoApp, api: Api, simulator: PodSimulator) -> None:
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image("backend", "bad"))
    install(app, {"config": {"STEP": "0"}, "secrets": [GENERATED], "revisionHistoryLimit": 1})
    with Recorder(api, app.namespace, ["ConfigMap", "Secret", "ReplicaSet", "Deployment"]) as recorder:
        app.patch({"config": {"STEP": "1"}})
        wait_outcome(app, 2)
        app.patch({"config": {"STEP": "2"}, "backend": {"image": image("backend", "bad")}})
        app.wait_condition("Ready", "False", "RolledBack")
        app.patch({"config": {"STEP": "3"}, "backend": {"image": image("backend", "1.1.0")}})
        wait_outcome(app, 5)
        app.annotate(rotate="once")
        wait_outcome(app, 6)
        app.patch({"rollback": {"toRevision": 5}})
        app.wait_ready(reason="RolledBackOnRequest")
    seen = recorder.changes()
    referring: dict[str, set[str]] = {}
    for change in seen:
        if change.kind in ("ReplicaSet", "Deployment"):
            empty = change.type == "DELETED" or change.kind == "ReplicaSet" and not change.object["spec"]["replicas"]
            referring[f"{change.kind} {change.name}"] = set() if empty else sources_of(change.object)
        elif change.type == "DELETED":
            users = [name for name, names in referring.items() if change.name in names]
            assert not users, f"{change.kind} {change.name} was deleted, and {users} refer to it"
    assert [change for change in seen if change.type == "DELETED" and change.kind == "ConfigMap"], "nothing was pruned"


def sources_of(workload: Object) -> set[str]:
    sources = workload["spec"]["template"]["spec"]["containers"][0].get("envFrom", [])
    return {entry[key]["name"] for entry in sources for key in ("configMapRef", "secretRef") if key in entry}


def test_a_vanished_sealed_config_is_made_again_from_the_record(app: TodoApp, api: Api) -> None:
    install(app, {"config": {"STEP": "1"}})
    old = app.in_use("ConfigMap", "backend")
    app.patch({"config": {"STEP": "2"}})
    wait_outcome(app, 2)
    before = footprint(app)
    for item in (old, app.in_use("ConfigMap", "backend")):
        api.delete("ConfigMap", item["metadata"]["name"], app.namespace)
    eventually(lambda: app.in_use("ConfigMap", "backend")["data"] == {"STEP": "2"}, "the one in use to be back")
    app.wait_ready()
    assert footprint(app) == before
    eventually(lambda: shown(app, 1)["restorable"] is True, "the status to say so")
    app.patch({"rollback": {"toRevision": 1}})
    app.wait_ready(reason="RolledBackOnRequest")
    again = app.in_use("ConfigMap", "backend")
    assert (again["metadata"]["name"], again["data"]) == (old["metadata"]["name"], {"STEP": "1"})
    # The spec asks for something else now: only the record knows what belongs in there.
    api.delete("ConfigMap", again["metadata"]["name"], app.namespace)
    back = eventually(lambda: app.in_use("ConfigMap", "backend"), "it to be back")
    assert back["metadata"]["uid"] != again["metadata"]["uid"]
    assert (back["data"], back["immutable"]) == ({"STEP": "1"}, True)


def test_a_vanished_sealed_secret_makes_its_revisions_not_restorable_and_says_so(app: TodoApp, api: Api) -> None:
    put_secret(api, app, "canary-lost-1")
    install(app, {"secrets": [PINNED]})
    lost = app.in_use("Secret", "backend")["metadata"]["name"]
    app.patch({"config": {"STEP": "2"}})
    wait_outcome(app, 2)
    put_secret(api, app, "canary-lost-2")
    wait_outcome(app, 3)
    app.wait_ready()
    eventually(lambda: [entry["restorable"] for entry in app.status["revisions"]] == [True] * 3, "the status to say so")
    api.delete("Secret", lost, app.namespace)
    for number in (1, 2):
        eventually(lambda number=number: shown(app, number)["restorable"] is False, f"revision {number} to say so")
        assert lost in shown(app, number)["notRestorableReason"]
    assert shown(app, 3)["restorable"] is True
    before = footprint(app)
    app.patch({"rollback": {"toRevision": 1}})
    stalled = eventually(lambda: app.condition("Stalled"), "the refusal")
    assert lost in stalled["message"]
    assert footprint(app) == before
    assert numbers(app) == [1, 2, 3]


def test_a_vanished_sealed_secret_in_use_comes_back_from_an_unchanged_source(app: TodoApp, api: Api) -> None:
    put_secret(api, app, "canary-back-1")
    install(app, {"secrets": [PINNED]})
    before, sealed = footprint(app), app.in_use("Secret", "backend")
    api.delete("Secret", sealed["metadata"]["name"], app.namespace)
    again = eventually(lambda: app.in_use("Secret", "backend"), "it to be back")
    assert again["data"] == sealed["data"]
    app.wait_ready()
    assert numbers(app) == [1]
    assert footprint(app) == before
    # In between it may have been said that it is gone.
    eventually(lambda: shown(app, 1)["restorable"] is True, "the status to say so")


def test_a_vanished_sealed_secret_whose_source_changed_meanwhile_makes_a_revision(app: TodoApp, api: Api) -> None:
    put_secret(api, app, "canary-moved-1")
    install(app, {"secrets": [PINNED]})
    app.patch({"suspend": True})
    app.wait_condition("Ready", "False", "Suspended")
    put_secret(api, app, "canary-moved-2")
    api.delete("Secret", app.in_use("Secret", "backend")["metadata"]["name"], app.namespace)
    app.patch({"suspend": False})
    wait_outcome(app, 2)
    app.wait_ready()
    assert values_used(app, "backend") == {"DATABASE_URL": "canary-moved-2"}
    eventually(lambda: shown(app, 1)["restorable"] is False, "the status to say so")


def test_a_record_says_what_it_is_and_belongs_to_its_app(app: TodoApp) -> None:
    owner = app.create(merged(NO_PODS, {"secrets": [LIVE, GENERATED]}))
    put_secret(app.api, app, "canary-labels-1")
    app.wait_ready()
    record = owner.revision(1)
    assert record["metadata"]["labels"]["app.kubernetes.io/instance"] == "todo"
    assert annotation(record, "content") and annotation(record, "outcome") == "Succeeded"
    # The names of sources are in the record, not what they hold.
    assert "todo-db" in show(record["data"]["backend"])
    assert "canary-labels-1" not in show(record)
