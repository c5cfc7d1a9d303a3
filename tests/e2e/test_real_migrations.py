"""Migrations as real Jobs: before the first new pod where they end well, and instead of any where they do not."""

from __future__ import annotations


import pytest

from support.api import Object
from support.real_node import QUICK
from support.todo_app import condition_of
from support.trials import MakeTrial, Trial

DONE_SECONDS = 180.0

NEXT = "localhost/todo-backend:2.0.0"


def migration(compatible_from: int = 1, command: str = "todo-backend", **environment: str) -> Object:
    variables = [{"name": name, "value": value} for name, value in environment.items()]
    return {"command": [command, "migrate"], "schemaVersion": 2, "compatibleFrom": compatible_from, "backoffLimit": 0,
            "env": variables}


CHANGES = {
    "good": migration(compatible_from=2, MIGRATE_TAKES="2s"),
    "failing": migration(CRASH_AFTER="0s", EXIT_CODE="9"),
    "no-command": migration(command="no-such-program"),
}


@pytest.fixture(scope="module")
def migrating(make_trial: MakeTrial, pulls: dict[str, Trial]) -> dict[str, Trial]:
    trials = {name: make_trial(f"migration-{name}").install(QUICK) for name in CHANGES}
    for name, trial in trials.items():
        trial.wait_installed().change({"backend": {"image": NEXT, "migration": CHANGES[name]}})
    return trials


def test_no_new_pod_is_made_before_the_migration_is_done(migrating: dict[str, Trial]) -> None:
    trial = migrating["good"]
    trial.app.wait_ready(DONE_SECONDS)
    done = trial.timeline.first("Job", "todo-migrate-2", is_complete, trial.began)
    rolled = trial.timeline.first("Deployment", "todo-backend", asks_for_next, trial.began)
    assert done is not None and rolled is not None
    # Arrivals from two watches may change places; the API server's own numbers do not.
    assert version_of(done.object) < version_of(rolled.object)
    assert trial.outcomes(2) == ["", "Succeeded"]
    assert trial.versions("backend") == {"2.0.0"}


def is_complete(job: Object) -> bool:
    return bool(condition_of(job, "Complete").get("status") == "True")


def asks_for_next(deployment: Object) -> bool:
    return bool(deployment["spec"]["template"]["spec"]["containers"][0]["image"] == NEXT)


def version_of(item: Object) -> int:
    return int(item["metadata"]["resourceVersion"])


def test_code_that_the_new_schema_shuts_out_cannot_be_asked_back(migrating: dict[str, Trial]) -> None:
    trial = migrating["good"]
    trial.app.wait_ready(DONE_SECONDS)
    trial.change({"rollback": {"toRevision": 1}})
    trial.wait_reason("SchemaBarrier", DONE_SECONDS)
    trial.assert_the_pods_of_before_serve()
    trial.app.patch({"rollback": None})
    trial.app.wait_ready(DONE_SECONDS)
    trial.assert_the_pods_of_before_serve()


@pytest.mark.parametrize(("name", "exit_code", "words"), [
    ("failing", 9, "ending with exit code 9, as told"),
    ("no-command", 128, "no-such-program"),
])
def test_a_failed_migration_touches_no_pod_and_says_why(
        migrating: dict[str, Trial], name: str, exit_code: int, words: str) -> None:
    trial = migrating[name]
    trial.wait_reason("RolloutFailed", DONE_SECONDS)
    failure = trial.failure
    assert (failure["reason"], failure["revision"], failure["tier"]) == ("MigrationFailed", 2, "backend")
    assert failure["exitCode"] == exit_code, failure
    assert words in failure["message"], failure
    assert trial.timeline.first("Deployment", "todo-backend", asks_for_next) is None
    trial.assert_the_pods_of_before_serve()
    assert trial.rollback_of(3) is None
    assert trial.app.status["activeRevision"] == 1


def test_a_migration_that_was_mended_runs_and_the_upgrade_goes_on(migrating: dict[str, Trial]) -> None:
    trial = migrating["no-command"]
    trial.wait_reason("RolloutFailed", DONE_SECONDS)
    trial.change({"backend": {"migration": migration()}})
    trial.app.wait_ready(DONE_SECONDS)
    assert trial.outcomes(3) == ["", "Succeeded"]
    assert trial.versions("backend") == {"2.0.0"}
