"""The program as a process: how it starts, what it says, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from support import pod_simulator as pods
from support.api import Api
from support.control_plane import ControlPlane
from support.operator_process import STOP_SECONDS
from support.operators import OPERATOR_USERS, OperatorMaker
from support.pod_simulator import PodSimulator
from support.todo_app import TodoApp
from support.waiting import eventually


def test_sigterm_ends_an_idle_operator_at_once(new_operator: OperatorMaker) -> None:
    # Of three, for the machine may have had something else to do.
    assert any(new_operator().terminate() < 2 for _ in range(3))


def test_sigterm_in_mid_rollout_ends_the_operator_in_time(
        app: TodoApp, simulator: PodSimulator, new_operator: OperatorMaker) -> None:
    simulator.behave(pods.never_ready(), namespace=app.namespace)
    operator = new_operator()
    app.create()
    app.wait_child("Deployment", "backend")
    operator.terminate()


def test_sigint_ends_the_operator_as_well(new_operator: OperatorMaker) -> None:
    operator = new_operator()
    os.kill(operator.pid, signal.SIGINT)
    assert operator.wait(STOP_SECONDS) == 0


def test_every_line_of_the_log_is_an_object_with_time_level_and_message(
        app: TodoApp, new_operator: OperatorMaker) -> None:
    operator = new_operator()
    app.create().wait_ready()
    operator.terminate()
    lines = operator.logs()
    assert lines
    for line in lines:
        assert {"time", "level", "msg"} <= line.keys(), line
        message = line["msg"]
        assert message[0].isupper() and not message.endswith("."), line
        assert line["level"] != "error", line
    about = [line for line in lines if app.namespace in str(line)]
    assert about, "the log tells what was done for the app"


def test_the_metrics_move_with_the_work_and_a_plain_create_meets_no_error(
        app: TodoApp, new_operator: OperatorMaker) -> None:
    operator = new_operator(f"--watch-namespace={app.namespace}")
    app.create().wait_ready()

    def look() -> bool:
        metrics = operator.metrics()
        for name in ("controller_runtime_reconcile_total", "workqueue_adds_total", "rest_client_requests_total"):
            assert metrics.value(name) > 0, name
        assert metrics.value("todoapp_rollouts_total", outcome="Succeeded") == 1
        assert metrics.value("todoapp_apps") == 1
        return True

    eventually(look, "the counters to rise")
    assert operator.metrics().value("controller_runtime_reconcile_errors_total") == 0, operator.last_lines()


def test_once_reconciles_what_is_there_and_ends(
        app: TodoApp, simulator: PodSimulator, new_operator: OperatorMaker) -> None:
    simulator.behave(pods.ready(0), namespace=app.namespace)
    app.create()
    operator = new_operator("--once", f"--watch-namespace={app.namespace}", start=False).start(wait=False)
    assert operator.wait(60) == 0
    assert app.owned("ControllerRevision")


def test_a_configuration_file_is_read_and_flags_win_over_it(
        app: TodoApp, api: Api, tmp_path: Path, new_operator: OperatorMaker) -> None:
    file = tmp_path / "operator.yaml"
    file.write_text("apiVersion: config.todoapp.dev/v1alpha1\nkind: OperatorConfiguration\n"
                    f"watchNamespaces: [{app.namespace}]\nlogFormat: text\nmaxConcurrentReconciles: 3\n")
    operator = new_operator(f"--config={file}")
    app.create().wait_ready()
    assert operator.metrics().value("controller_runtime_max_concurrent_reconciles") == 3
    operator.logs()  # JSON by the flag, though the file says text.


@pytest.mark.parametrize(("arguments", "words"), [
    (["--no-such-flag"], "unknown flag --no-such-flag"),
    (["--leader-elct"], "did you mean --leader-elect?"),
    (["--log-format=xml"], "--log-format"),
    (["--metrics-bind-address=nowhere"], "--metrics-bind-address"),
    (["--watch-namespace=Bad_Name"], "Bad_Name"),
    (["--kubeconfig=/no/such/file"], "/no/such/file"),
    (["--config=/no/such/file"], "/no/such/file"),
    (["--api-client=curl"], "--api-client"),
    (["--leader-elect", "--leader-election-lease-duration=5s", "--leader-election-renew-deadline=9s"],
     "--leader-election-renew-deadline"),
], ids=lambda value: value if isinstance(value, str) else value[0])
def test_a_wrong_setting_ends_the_program_and_is_named(
        operator_binary: Path, arguments: list[str], words: str) -> None:
    done = run_operator(operator_binary, *arguments)
    assert done.returncode not in (0, None) and done.returncode > 0, done
    assert words in done.stderr, done
    assert done.stdout == ""


@pytest.mark.parametrize(("text", "words"), [
    ("apiVersion: config.todoapp.dev/v1alpha1\nkind: OperatorConfiguration\nleaderElct: true\n", "leaderElect"),
    ("apiVersion: config.todoapp.dev/v2\nkind: OperatorConfiguration\n", "config.todoapp.dev/v1alpha1"),
    ("apiVersion: [\n", "operator.yaml"),
], ids=["unknown-key", "unknown-version", "no-yaml"])
def test_a_wrong_configuration_file_ends_the_program_and_is_named(
        operator_binary: Path, tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "operator.yaml"
    file.write_text(text)
    done = run_operator(operator_binary, f"--config={file}")
    assert done.returncode > 0, done
    assert words in done.stderr, done


def test_version_and_help_are_printed_without_a_cluster(operator_binary: Path) -> None:
    version = run_operator(operator_binary, "--version")
    assert version.returncode == 0 and version.stdout.startswith("todoapp-operator "), version
    help_ = run_operator(operator_binary, "--help")
    assert help_.returncode == 0 and "--leader-elect" in help_.stdout, help_


def test_a_port_in_use_ends_the_program_and_is_named(
        operator_binary: Path, cluster: ControlPlane, new_operator: OperatorMaker) -> None:
    running = new_operator()
    done = run_operator(operator_binary, f"--kubeconfig={cluster.user(OPERATOR_USERS[0])}",
                        f"--metrics-bind-address=127.0.0.1:{running.metrics_port}",
                        "--health-probe-bind-address=127.0.0.1:0")
    assert done.returncode > 0, done
    assert str(running.metrics_port) in done.stderr, done


def run_operator(binary: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(binary), *arguments], capture_output=True, text=True, timeout=20, check=False,
                          env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
