"""A migration runs before any pod is touched, once for each schema; what cannot run on a schema does not."""

from __future__ import annotations

import pytest
from support import pod_simulator as pods
from support.api import Api, Object
from support.pod_simulator import PodSimulator
from support.revisions import (
    NO_PODS,
    footprint,
    image,
    images,
    install,
    numbers,
    rollback_of,
    shown,
    wait_outcome,
)
from support.todo_app import TodoApp, annotation, environment, merged
from support.waiting import eventually, show
from support.watching import Recorder

pytestmark = pytest.mark.usefixtures("operator")


def migration(schema: int, compatible_from: int, **more: object) -> Object:
    return {"command": ["todo-backend", "migrate"], "schemaVersion": schema, "compatibleFrom": compatible_from,
            "backoffLimit": 0, **more}


def release(number: int, schema: int, compatible_from: int, **more: object) -> Object:
    """The backend's part of a spec whose image needs a schema."""
    return {"backend": {"image": image("backend", f"{number}.0.0"),
                        "migration": migration(schema, compatible_from, **more)}}


def jobs(app: TodoApp) -> list[str]:
    return sorted(job["metadata"]["name"] for job in app.owned("Job"))


def reached(app: TodoApp, number: int) -> str:
    return annotation(app.revision(number), "schema")


def test_the_new_image_migrates_before_any_pod_is_touched(
        app: TodoApp, api: Api, simulator: PodSimulator) -> None:
    install(app, {**release(1, 1, 1), "config": {"DATABASE": "todo"}})
    assert (jobs(app), reached(app, 1)) == (["todo-migrate-1"], "1")
    simulator.behave(pods.ready(), namespace=app.namespace, job=True)
    before = footprint(app)
    with Recorder(api, app.namespace, ["Job", "Deployment", "Pod"]) as recorder:
        app.patch(merged(release(2, 2, 1), {"frontend": {"image": image("frontend", "2.0.0")}}))
        eventually(lambda: app.status["step"] == "Migrating", "the status to say so")
        assert footprint(app).templates == before.templates
        simulator.behave(pods.job_succeeds(), namespace=app.namespace, job=True, now=True)
        wait_outcome(app, 2)
        recorder.catch_up()
        complete = next(change.version for change in recorder.changes("Job", "todo-migrate-2")
                        if change.object["status"].get("succeeded"))
        touched = [change.version for change in recorder.changes("Deployment")
                   if change.type == "MODIFIED" and change.object["metadata"]["generation"] > 1]
    assert touched and complete < min(touched)
    pod = api.get("Job", "todo-migrate-2", app.namespace)["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert (container["image"], container["command"]) == (image("backend", "2.0.0"), ["todo-backend", "migrate"])
    assert container["envFrom"] == app.container("backend")["envFrom"]
    assert pod["restartPolicy"] == "Never"
    app.wait_ready()
    assert (jobs(app), reached(app, 2)) == (["todo-migrate-1", "todo-migrate-2"], "2")


def test_a_job_runs_only_where_the_schema_is_above_the_highest_reached(app: TodoApp) -> None:
    install(app, merged(NO_PODS, release(1, 5, 5)))
    for number, (schema, compatible_from) in enumerate([(5, 5), (6, 5), (5, 5), (6, 5), (7, 5)], 2):
        app.patch(release(number, schema, compatible_from))
        wait_outcome(app, number)
    assert jobs(app) == ["todo-migrate-1", "todo-migrate-3", "todo-migrate-6"]
    assert [reached(app, number) for number in numbers(app)] == ["5", "", "6", "", "", "7"]


def test_an_image_without_a_migration_gets_no_job(app: TodoApp) -> None:
    install(app, NO_PODS)
    app.patch({"backend": {"image": image("backend", "2.0.0")}})
    wait_outcome(app, 2)
    assert jobs(app) == []


def test_the_jobs_own_settings_reach_its_pod(app: TodoApp, api: Api) -> None:
    more = {"args": ["--all"], "activeDeadlineSeconds": 120, "env": [{"name": "LOG_LEVEL", "value": "trace"}]}
    install(app, merged(NO_PODS, {**release(1, 1, 0, **more)}))
    job = api.get("Job", "todo-migrate-1", app.namespace)["spec"]
    assert (job["backoffLimit"], job["activeDeadlineSeconds"]) == (0, 120)
    [container] = job["template"]["spec"]["containers"]
    assert container["args"] == ["--all"]
    assert environment(container)["LOG_LEVEL"] == "trace"
    assert "readinessProbe" not in container
    assert "LOG_LEVEL" not in environment(app.container("backend"))


def test_a_failed_migration_fails_the_rollout_and_touches_no_pod(
        app: TodoApp, simulator: PodSimulator) -> None:
    install(app, release(1, 1, 1))
    before = footprint(app)
    simulator.behave(pods.job_fails(message="column exists"), namespace=app.namespace, job=True)
    app.patch(merged(release(2, 2, 2), {"frontend": {"image": image("frontend", "2.0.0")}}))
    wait_outcome(app, 2, "Failed")
    app.wait_condition("Stalled", "True", "RolloutFailed")
    assert numbers(app) == [1, 2], "there is nothing to roll back"
    assert footprint(app) == before
    assert reached(app, 2) == ""
    status = app.status
    assert (status["activeRevision"], status["lastGoodRevision"], status["targetRevision"]) == (1, 1, 2)
    assert (status["failure"]["revision"], status["failure"]["reason"]) == (2, "MigrationFailed")
    assert "todo-migrate-2" in show(status["failure"])
    assert app.condition("Available")["status"] == "True"
    assert shown(app, 1)["restorable"] is True, "no finished migration reached schema 2"


def test_after_a_failed_migration_the_active_revision_is_still_looked_after(
        app: TodoApp, api: Api, simulator: PodSimulator) -> None:
    install(app, {**release(1, 1, 1), "config": {"STEP": "1"}})
    simulator.behave(pods.job_fails(), namespace=app.namespace, job=True)
    app.patch(release(2, 2, 2))
    wait_outcome(app, 2, "Failed")
    app.wait_condition("Ready", "False", "RolloutFailed")
    api.delete("Deployment", "todo-frontend", app.namespace)
    eventually(lambda: app.child("Deployment", "frontend"), "the deleted Deployment")
    app.patch({"backend": {"replicas": 2}})
    eventually(lambda: app.status["backend"]["ready"] == "2/2", "a live setting to count")
    assert images(app)["backend"] == image("backend", "1.0.0")
    assert numbers(app) == [1, 2], show([item["metadata"]["annotations"] for item in app.owned("ControllerRevision")])


def test_a_retry_migrates_again_under_a_new_number(app: TodoApp, simulator: PodSimulator) -> None:
    install(app, release(1, 1, 1))
    simulator.behave(pods.job_fails(), namespace=app.namespace, job=True)
    app.patch(release(2, 2, 2))
    wait_outcome(app, 2, "Failed")
    simulator.behave(pods.job_succeeds(), namespace=app.namespace, job=True)
    app.annotate(retry="again")
    wait_outcome(app, 3)
    app.wait_ready()
    assert jobs(app) == ["todo-migrate-1", "todo-migrate-2", "todo-migrate-3"]
    assert (reached(app, 2), reached(app, 3)) == ("", "2")


def test_a_first_install_whose_migration_fails_makes_no_deployment(
        app: TodoApp, simulator: PodSimulator) -> None:
    simulator.behave(pods.job_fails(), namespace=app.namespace, job=True)
    app.create(release(1, 1, 1))
    wait_outcome(app, 1, "Failed")
    app.wait_condition("Stalled", "True", "InstallFailed")
    assert not app.owned("Deployment")
    simulator.behave(pods.job_succeeds(), namespace=app.namespace, job=True)
    app.patch(release(1, 1, 1, args=["--careful"]))
    wait_outcome(app, 2)
    app.wait_ready()


def test_status_says_of_each_revision_whether_its_code_works_on_the_schema(app: TodoApp) -> None:
    install(app, NO_PODS)
    for number, (schema, compatible_from) in enumerate([(1, 0), (2, 1), (3, 2)], 2):
        app.patch(release(number, schema, compatible_from))
        wait_outcome(app, number)
    app.wait_ready()
    status = app.status["revisions"]
    assert {entry["number"]: entry["restorable"] for entry in status} == {4: True, 3: True, 2: False, 1: False}
    for entry in status[2:]:
        assert "schema 3" in entry["notRestorableReason"] and "schema 2" in entry["notRestorableReason"]
    assert all("notRestorableReason" not in entry for entry in status[:2])


def test_a_rollback_behind_the_barrier_is_refused_and_nothing_moves(app: TodoApp) -> None:
    install(app, release(1, 1, 1))
    app.patch(release(2, 2, 2))
    wait_outcome(app, 2)
    app.wait_ready()
    before = footprint(app)
    app.patch({"rollback": {"toRevision": 1}})
    app.wait_condition("Stalled", "True", "SchemaBarrier")
    assert "Revision 1 cannot be restored" in app.condition("Ready")["message"]
    assert (numbers(app), footprint(app)) == ([1, 2], before)
    app.patch({"rollback": None})
    app.wait_ready()
    assert footprint(app) == before


def test_a_rollback_within_what_the_schema_allows_runs_no_migration(app: TodoApp) -> None:
    install(app, release(1, 1, 1))
    app.patch(release(2, 2, 1))
    wait_outcome(app, 2)
    app.patch({"rollback": {"toRevision": 1}})
    app.wait_ready(reason="RolledBackOnRequest")
    assert images(app)["backend"] == image("backend", "1.0.0")
    app.patch({"rollback": None})
    wait_outcome(app, 4)
    assert jobs(app) == ["todo-migrate-1", "todo-migrate-2"], "the schema was there already"


@pytest.mark.parametrize("spec", [{"migration": migration(1, 1)}, {"migration": None}],
                         ids=["of an older schema", "of before there was one"])
def test_an_earlier_content_by_editing_the_spec_meets_the_same_barrier(app: TodoApp, spec: Object) -> None:
    install(app, release(2, 2, 2))
    before = footprint(app)
    app.patch({"backend": {"image": image("backend", "1.0.0"), **spec}})
    app.wait_condition("Stalled", "True", "SchemaBarrier")
    assert "schema 2" in app.condition("Ready")["message"]
    assert (numbers(app), footprint(app)) == ([1], before)
    app.patch(release(3, 3, 2))
    wait_outcome(app, 2)


def test_an_automatic_rollback_that_the_barrier_forbids_holds(
        app: TodoApp, simulator: PodSimulator) -> None:
    install(app, release(1, 1, 1))
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, tier="backend")
    app.patch(release(2, 2, 2))
    wait_outcome(app, 2, "Failed")
    app.wait_condition("Stalled", "True", "SchemaBarrier")
    assert numbers(app) == [1, 2], show([item["metadata"]["annotations"] for item in app.owned("ControllerRevision")])
    assert images(app)["backend"] == image("backend", "2.0.0")
    assert app.status["failure"]["reason"] == "InvalidImageName"
    # What holds is watched: where the pods recover after all, the rollout did not fail.
    simulator.behave(pods.ready(), namespace=app.namespace, tier="backend", now=True)
    wait_outcome(app, 2)
    app.wait_ready()


def test_an_automatic_rollback_that_the_schema_allows_goes_back_without_a_migration(
        app: TodoApp, simulator: PodSimulator) -> None:
    install(app, release(1, 1, 1))
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image("backend", "2.0.0"))
    app.patch(release(2, 2, 1))
    wait_outcome(app, 2, "Failed")
    app.wait_condition("Ready", "False", "RolledBack")
    assert rollback_of(app, 3) == "1"
    assert images(app)["backend"] == image("backend", "1.0.0")
    assert jobs(app) == ["todo-migrate-1", "todo-migrate-2"]


def test_the_barrier_outlives_the_history_that_raised_it(app: TodoApp) -> None:
    install(app, merged(NO_PODS, {**release(1, 2, 2), "revisionHistoryLimit": 1}))
    for number in (2, 3, 4):
        app.patch(release(number, 2, 2))
        wait_outcome(app, number)
    eventually(lambda: numbers(app) == [1, 3, 4], "only the record that reached the schema besides")
    app.patch({"backend": {"migration": None}})
    app.wait_condition("Stalled", "True", "SchemaBarrier")


def test_the_jobs_of_pruned_revisions_go_with_them(app: TodoApp, api: Api) -> None:
    install(app, merged(NO_PODS, {**release(1, 1, 1), "revisionHistoryLimit": 1}))
    for number in (2, 3, 4):
        app.patch(release(number, number, 1))
        wait_outcome(app, number)
    eventually(lambda: jobs(app) == ["todo-migrate-3", "todo-migrate-4"], "only the Jobs of what is kept")
    assert numbers(app) == [3, 4]
    eventually(lambda: {pod["metadata"]["labels"]["batch.kubernetes.io/job-name"] for pod in
                        api.list("Pod", app.namespace)} == set(jobs(app)), "their pods to go as well")


def test_a_spec_edited_in_mid_migration_lets_no_two_run_at_once(
        app: TodoApp, api: Api, simulator: PodSimulator) -> None:
    install(app, release(1, 1, 1))
    simulator.behave(pods.ready(), namespace=app.namespace, job=True)
    with Recorder(api, app.namespace, ["Job"]) as recorder:
        app.patch(release(2, 2, 2))
        eventually(lambda: "todo-migrate-2" in jobs(app), "the first migration")
        edited = app.patch(release(3, 3, 3))
        eventually(lambda: app.status["observedGeneration"] == edited, "the operator to have seen the edit")
        simulator.behave(pods.job_succeeds(), namespace=app.namespace, job=True, now=True)
        app.wait_ready()
    changes = recorder.changes("Job")
    running: set[str] = set()
    for change in changes:
        ended = change.type == "DELETED" or change.object["status"].get("conditions")
        running.discard(change.name) if ended else running.add(change.name)
        assert len(running) <= 1, f"at once: {running}"
    assert reached(app, max(numbers(app))) == "3"


def test_a_migration_that_ends_after_it_was_superseded_counts_for_the_barrier(
        app: TodoApp, simulator: PodSimulator) -> None:
    install(app, release(1, 1, 1))
    simulator.behave(pods.ready(), namespace=app.namespace, job=True)
    app.patch(release(2, 2, 2))
    eventually(lambda: "todo-migrate-2" in jobs(app), "the migration")
    edited = app.patch(release(1, 1, 1))
    eventually(lambda: app.status["observedGeneration"] == edited, "the operator to have seen the edit")
    simulator.behave(pods.job_succeeds(), namespace=app.namespace, job=True, now=True)
    eventually(lambda: reached(app, 2) == "2", "the schema to be recorded as reached")
    eventually(lambda: shown(app, 1)["restorable"] is False, "the status to say so")
