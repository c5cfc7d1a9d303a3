"""The whole way of scripts/deploy-local.sh, with the operator that was built already: up, up again, down."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from support.control_plane import LOCAL, REPOSITORY, run

SCRIPT = REPOSITORY / "scripts" / "deploy-local.sh"
NODES = "real" if os.geteuid() == 0 else "simulated"

# A first run may have to build Kubernetes.
FIRST_SECONDS = 1800
SECOND_SECONDS = 60

# What no second run may change. Leases and Events are not among them: time alone changes those.
KINDS = ("namespaces,customresourcedefinitions,todoappdeployments,deployments,replicasets,pods,services,configmaps,secrets,"
         "controllerrevisions,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings")


class Deployment:
    """One cluster with its operator and app, in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def up(self, binary: Path, seconds: float = FIRST_SECONDS) -> str:
        return run([str(SCRIPT), "--nodes", NODES, "--dir", str(self.directory), "--operator", str(binary)],
                   seconds=seconds)

    def down(self) -> None:
        run([str(SCRIPT), "--down", "--dir", str(self.directory)])

    def kubectl(self, *arguments: str) -> str:
        return run([str(LOCAL), "kubectl", "--dir", str(self.directory), "--", *arguments])

    def ready(self) -> str:
        path = '{.status.conditions[?(@.type=="Ready")].status}'
        return self.kubectl("-n", "todo", "get", "tad", "todo", "-o", f"jsonpath={path}")

    def versions(self) -> dict[str, str]:
        """The resourceVersion of every object that is nobody's clock."""
        objects = json.loads(self.kubectl("get", KINDS, "-A", "-o", "json"))["items"]
        found = {}
        for entry in objects:
            metadata = entry["metadata"]
            name = f"{entry['kind']} {metadata.get('namespace', '')}/{metadata['name']}"
            found[name] = metadata["resourceVersion"]
        return found

    def pods(self) -> set[str]:
        return set(self.kubectl("-n", "todo", "get", "pods", "-o", "name").split())

    def operator_pid(self) -> int:
        return int((self.directory / "operator" / "pid").read_text().split()[0])

    def processes(self) -> list[int]:
        """All that carry the cluster's mark, the operator among them."""
        mark = f"TODOAPP_LOCAL_CLUSTER={self.directory}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue  # Gone, or another user's.
        return found


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    made = Deployment(tmp_path_factory.mktemp("deploy") / "local")
    yield made
    made.down()


@pytest.fixture(scope="module")
def first_run(deployment: Deployment, operator_binary: Path) -> str:
    """What the first run printed."""
    return deployment.up(operator_binary)


def test_a_first_run_ends_with_a_ready_app(deployment: Deployment, first_run: str) -> None:
    assert deployment.ready() == "True"
    assert "deployment.apps/todo-backend" in first_run
    assert "Succeeded" in first_run
    assert deployment.operator_pid() in deployment.processes()


@pytest.mark.skipif(NODES != "real", reason="simulated pods serve no page")
def test_the_printed_address_answers(deployment: Deployment, first_run: str) -> None:
    status = json.loads(run([str(LOCAL), "status", "--json", "--dir", str(deployment.directory)]))
    address = f"http://{status['node_address']}:30000"
    assert address in first_run
    answer = urllib3.PoolManager(timeout=10.0).request("GET", address)
    assert answer.status == 200
    assert answer.data.decode().startswith("todo-frontend 1.0.0 on todo-frontend-")


def test_the_operator_has_no_more_rights_than_the_manifests_give(deployment: Deployment, first_run: str) -> None:
    user = next((deployment.directory / "users").glob("*.kubeconfig"))
    assert "todoapp-system_todoapp-operator" in user.name
    asked = ["auth", "can-i", "--kubeconfig", str(user)]
    assert deployment.kubectl(*asked, "patch", "deployments.apps", "-n", "todo").strip() == "yes"
    with pytest.raises(AssertionError, match="no"):
        deployment.kubectl(*asked, "delete", "deployments.apps", "-n", "todo")


def test_the_metrics_are_described_in_their_own_words(deployment: Deployment, first_run: str) -> None:
    port = (deployment.directory / "operator" / "ports").read_text().split()[0]
    text = urllib3.PoolManager(timeout=10.0).request("GET", f"http://127.0.0.1:{port}/metrics").data.decode()
    described = (REPOSITORY / "docs" / "metrics.md").read_text().replace("`", "")
    for name, words in re.findall(r"^# HELP (\S+) (.*)$", text, re.M):
        assert f"| {name} |" in described and f"| {words} |" in described, f"docs/metrics.md: {name}: {words}"


def test_the_example_of_the_readme_is_one_that_the_api_server_takes(deployment: Deployment, first_run: str,
                                                                    tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.S)
    assert example is not None
    file = tmp_path / "app.yaml"
    file.write_text(example.group(1))
    said = deployment.kubectl("create", "--dry-run=server", "--validate=strict", "-f", str(file))
    assert "todoappdeployment.apps.todoapp.dev/todo created" in said


def test_a_second_run_changes_nothing(deployment: Deployment, first_run: str, operator_binary: Path) -> None:
    before, pid = deployment.versions(), deployment.operator_pid()
    start = time.monotonic()
    deployment.up(operator_binary, seconds=SECOND_SECONDS)
    print(f"the second run took {time.monotonic() - start:.1f} s")
    assert deployment.versions() == before
    assert deployment.operator_pid() == pid


def test_a_second_run_leaves_what_the_user_changed(deployment: Deployment, first_run: str, operator_binary: Path) -> None:
    deployment.kubectl("-n", "todo", "patch", "tad", "todo", "--type=merge", "-p", '{"spec":{"backend":{"replicas":1}}}')
    deployment.up(operator_binary, seconds=SECOND_SECONDS)
    replicas = deployment.kubectl("-n", "todo", "get", "deployment", "todo-backend", "-o", "jsonpath={.spec.replicas}")
    assert replicas == "1"


def test_another_build_replaces_the_running_operator_and_no_pod(deployment: Deployment, first_run: str,
                                                               operator_binary: Path, tmp_path: Path) -> None:
    other = tmp_path / "todoapp-operator"
    shutil.copy(operator_binary, other)
    with other.open("ab") as file:
        file.write(b"\0")  # Another file, the same program.
    pods, pid = deployment.pods(), deployment.operator_pid()
    deployment.up(other, seconds=SECOND_SECONDS)
    assert deployment.operator_pid() != pid
    assert pid not in deployment.processes()
    # One that the test before scaled away may still be ending.
    assert deployment.pods() <= pods


def test_down_leaves_nothing(deployment: Deployment, first_run: str) -> None:
    assert deployment.processes()
    deployment.down()
    assert deployment.processes() == []
    assert not deployment.directory.exists()
    deployment.down()


def test_down_spares_a_process_that_only_has_the_recorded_pid(tmp_path: Path) -> None:
    (tmp_path / "operator").mkdir()
    with subprocess.Popen(["sleep", "60"]) as innocent:
        (tmp_path / "operator" / "pid").write_text(f"{innocent.pid} 1\n")
        with pytest.raises(AssertionError, match="no cluster in"):
            Deployment(tmp_path).down()
        assert innocent.poll() is None
        innocent.kill()


@pytest.mark.parametrize(("arguments", "words"), [
    (["--bogus"], "unknown argument: --bogus"),
    (["--nodes"], "--nodes needs a value"),
    (["--nodes", "many"], "--nodes takes real or simulated, not many"),
    (["--operator", "/nowhere/operator"], "no program at /nowhere/operator"),
])
def test_arguments_that_make_no_sense_are_refused(arguments: list[str], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        run([str(SCRIPT), *arguments])


def test_help_names_every_flag() -> None:
    shown = run([str(SCRIPT), "--help"])
    for flag in ("--nodes", "--dir", "--operator", "--down"):
        assert flag in shown
