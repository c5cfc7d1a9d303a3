"""What monitoring and the kubelet ask the operator."""

from __future__ import annotations

import pytest

from support.api import Api
from support.metrics import Metrics, complaints_of_promtool
from support.operator_process import OperatorProcess
from support.todo_app import TodoApp
from support.waiting import DEADLINE_FACTOR, eventually

EXPECTED_METRICS = {
    "controller_runtime_reconcile_total", "controller_runtime_reconcile_errors_total",
    "controller_runtime_reconcile_time_seconds", "controller_runtime_active_workers",
    "controller_runtime_max_concurrent_reconciles", "workqueue_depth", "workqueue_adds_total",
    "workqueue_queue_duration_seconds", "workqueue_work_duration_seconds", "workqueue_unfinished_work_seconds",
    "workqueue_longest_running_processor_seconds", "workqueue_retries_total", "rest_client_requests_total",
    "leader_election_master_status", "process_cpu_seconds_total", "process_resident_memory_bytes",
    "process_open_fds", "process_start_time_seconds",
}
MOST_SERIES = 500
# Another reason, status code or kind may show for the first time at any time.
GROWING = {"rest_client_requests_total", "todoapp_apps", "todoapp_drift_repaired_total", "todoapp_failures_total",
           "todoapp_watch_restarts_total"}
# From the design's aim: 12 MiB idle. A debug build and a few apps need more; a leak needs far more.
MOST_RESIDENT_BYTES = 64 * 1024 * 1024


def test_promtool_has_no_complaint_about_the_metrics(app: TodoApp, operator: OperatorProcess) -> None:
    app.create().wait_ready()
    assert complaints_of_promtool(operator.metrics().text) == ""


def test_the_metrics_that_dashboards_know_are_there(operator: OperatorProcess) -> None:
    metrics = operator.metrics()
    assert metrics.names() >= EXPECTED_METRICS, EXPECTED_METRICS - metrics.names()
    assert any(name.startswith("todoapp_") for name in metrics.names())


def test_the_number_of_series_does_not_grow_with_the_apps(api: Api, app: TodoApp, operator: OperatorProcess) -> None:
    app.create().wait_ready()
    before = series_of(operator.metrics())
    others = [TodoApp(api, app.namespace, f"app-{number}").create() for number in range(4)]
    uids = [str(other.wait_ready(60)["metadata"]["uid"]) for other in others]
    metrics = operator.metrics()
    assert {name for name, _ in series_of(metrics) - before} <= GROWING
    assert metrics.series() < MOST_SERIES
    for word in (app.namespace, *(other.name for other in others), *uids):
        assert word not in metrics.text


def series_of(metrics: Metrics) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    return {(sample.name, frozenset(sample.labels.items())) for sample in metrics.samples}


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
def test_health_checks_say_ok_and_list_their_parts_when_asked(operator: OperatorProcess, path: str) -> None:
    status, text = operator.health(path)
    assert (status, text.strip()) == (200, "ok")
    status, text = operator.health(f"{path}?verbose")
    assert status == 200
    assert any(line.startswith("[+]") for line in text.splitlines()), text


def test_an_unknown_path_is_not_found(operator: OperatorProcess) -> None:
    assert operator.health("/nothing")[0] == 404


def test_memory_and_files_stay_flat_over_many_changes(app: TodoApp, operator: OperatorProcess) -> None:
    app.create().wait_ready()
    files = operator.open_files()
    for round_ in range(3):
        app.patch({"config": {"ROUND": str(round_)}})
        app.wait_ready()
    # Connections for requests that were under way together are closed when they are not needed for half a minute.
    eventually(lambda: operator.open_files() <= files + 2, "the files to be as few as before", 60)
    assert operator.resident_bytes() < MOST_RESIDENT_BYTES * DEADLINE_FACTOR
