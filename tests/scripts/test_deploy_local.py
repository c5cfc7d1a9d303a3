"""The whole way of scripts/deploy-local.sh, with the operator that was built already: up, up again, upgrade, rollback, down,
and once more as into a cluster of the user's own. As root the operator and the app are real pods, of the images of docker/.
"""

from __future__ import annotations

import hashlib
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

from support.api import Object
from support.control_plane import LOCAL, REPOSITORY, run, status_of
from support.guides import Guide
from support.images import todo_images
from support.todo_client import TodoClient

SCRIPT = REPOSITORY / "scripts" / "deploy-local.sh"
REAL = os.geteuid() == 0
NODES = "real" if REAL else "simulated"
real_only = pytest.mark.skipif(not REAL, reason="only real pods serve a page, and are pulled")
simulated_only = pytest.mark.skipif(REAL, reason="with real pods the operator is one of them")

# A first run may have to build Kubernetes.
FIRST_SECONDS = 1800
# Bounds for what hangs. What they wait for by themselves, the scripts give up with words of their own.
SECOND_SECONDS = 400
GO_ON_SECONDS = 600

# What no second run may change. Leases and Events are not among them: time alone changes those.
KINDS = ("namespaces,customresourcedefinitions,todoappdeployments,deployments,replicasets,pods,services,configmaps,secrets,"
         "controllerrevisions,persistentvolumeclaims,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings")


class Deployment:
    """One cluster with its operator and app, in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def up(self, binary: Path, *options: str, seconds: float = FIRST_SECONDS) -> str:
        return run([str(SCRIPT), "--nodes", NODES, "--dir", str(self.directory), "--operator", str(binary), *options],
                   seconds=seconds)

    def go_on(self, verb: str) -> str:
        return run([str(SCRIPT), verb, "--dir", str(self.directory)], seconds=GO_ON_SECONDS)

    def elsewhere(self, *options: str, seconds: float = GO_ON_SECONDS) -> str:
        """The script, to which this cluster is one of the user's own."""
        return run(["env", f"KUBECONFIG={self.directory / 'kubeconfig'}", str(SCRIPT), "--context", self.context, *options],
                   seconds=seconds)

    def down(self) -> None:
        run([str(SCRIPT), "--down", "--dir", str(self.directory)])

    def kubectl(self, *arguments: str) -> str:
        return run([str(LOCAL), "kubectl", "--dir", str(self.directory), "--", *arguments])

    @property
    def context(self) -> str:
        return self.kubectl("config", "current-context").strip()

    @property
    def node_address(self) -> str:
        return str(status_of(self.directory)["node_address"])

    @property
    def page(self) -> str:
        return f"http://{self.node_address}:30000"

    def app(self, path: str) -> str:
        return self.kubectl("-n", "todo", "get", "tad", "todo", "-o", f"jsonpath={{{path}}}")

    def ready(self) -> str:
        return self.app('.status.conditions[?(@.type=="Ready")].reason')

    def contents(self) -> dict[str, Object]:
        """Every object that is to stay, without what Kubernetes may write at any time: that a probe failed once, or that
        a pod of the revision before has ended."""
        found = {}
        for entry in json.loads(self.kubectl("get", KINDS, "-A", "-o", "json"))["items"]:
            metadata = entry["metadata"]
            if "deletionTimestamp" in metadata or entry["kind"] == "ReplicaSet" and entry["spec"]["replicas"] == 0:
                continue  # On its way out, now or soon: what a rollout has replaced.
            metadata = {key: value for key, value in metadata.items() if key not in ("resourceVersion", "managedFields")}
            name = f"{entry['kind']} {metadata.get('namespace', '')}/{metadata['name']}"
            history = {key: entry.get("status", {}).get(key) for key in ("revisions", "activeRevision")}
            found[name] = {**entry, "metadata": metadata, "status": history}
            if entry["kind"] == "Secret":  # None of its values is for a test's output.
                found[name]["data"] = hashlib.sha256(json.dumps(entry.get("data"), sort_keys=True).encode()).hexdigest()
        return found

    def pods(self) -> set[str]:
        return set(self.kubectl("-n", "todo", "get", "pods", "-o", "name").split())

    def operator_image(self) -> str:
        return self.kubectl("-n", "todoapp-system", "get", "pods", "-l", "app.kubernetes.io/component=controller", "-o",
                            "jsonpath={.items[*].spec.containers[0].image}")

    def operator_pid(self) -> int:
        return int((self.directory / "operator" / "pid").read_text().split()[0])

    def servers(self) -> dict[str, int]:
        """The pids of what is to run on. (Others come and go: kube-proxy asks iptables, the kubelet runs probes.)"""
        found = {row["component"]: row["pid"] for row in status_of(self.directory)["components"]}
        return found if REAL else {**found, "operator": self.operator_pid()}

    def processes(self) -> list[int]:
        """All that carry the cluster's mark, an operator beside the cluster among them."""
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
    if REAL:
        todo_images()
    return deployment.up(operator_binary)


def test_a_first_run_ends_with_a_ready_app(deployment: Deployment, first_run: str) -> None:
    assert deployment.ready() == "Succeeded"
    assert "deployment.apps/todo-backend" in first_run
    assert "persistentvolumeclaim/todo-data" in deployment.kubectl("-n", "todo", "get", "pvc", "-o", "name")
    assert "Succeeded" in first_run


@real_only
def test_the_operator_is_a_pod_of_the_packed_image(deployment: Deployment, first_run: str) -> None:
    assert re.fullmatch(r"localhost/todoapp-operator:dev-[0-9a-f]{12}", deployment.operator_image())


@real_only
def test_the_printed_address_is_the_todo_page_in_front_of_its_api(deployment: Deployment, first_run: str) -> None:
    assert f"The Todo app is at {deployment.page} (Todo" in first_run
    answer = urllib3.PoolManager(timeout=10.0).request("GET", deployment.page)
    assert answer.status == 200 and b"<html" in answer.data
    made = TodoClient(deployment.page).add("to be kept")
    assert made["title"] == "to be kept"


@simulated_only
def test_the_operator_beside_the_cluster_has_no_more_rights_than_the_manifests_give(
        deployment: Deployment, first_run: str) -> None:
    assert deployment.operator_pid() in deployment.processes()
    user = next((deployment.directory / "users").glob("*.kubeconfig"))
    assert "todoapp-system_todoapp-operator" in user.name
    asked = ["auth", "can-i", "--kubeconfig", str(user)]
    assert deployment.kubectl(*asked, "patch", "deployments.apps", "-n", "todo").strip() == "yes"
    with pytest.raises(AssertionError, match="no"):
        deployment.kubectl(*asked, "delete", "deployments.apps", "-n", "todo")


def test_the_lines_of_the_page_and_the_printed_one_make_this_cluster_kubectls_own(
        deployment: Deployment, first_run: str) -> None:
    (printed,) = re.findall(r"^By kubectl:  +(export KUBECONFIG=.+)$", first_run, re.M)
    page = Guide(REPOSITORY / "docs" / "deployment" / "local.md", {}, {}).commands("Look around").splitlines()
    # A shell in which nothing of that is set.
    clean = ["env", "-i", f"HOME={os.environ['HOME']}", "PATH=/usr/bin:/bin", f"TODOAPP_CLUSTER_DIR={deployment.directory}"]
    for lines in (page, [printed, page[1]]):
        said = run([*clean, "bash", "-euc", "\n".join([f"cd {REPOSITORY}", *lines, "kubectl -n todo get tad; echo $PATH"])])
        assert re.search(r"^todo +True ", said, re.M), said
        (folder,) = re.findall(r"^/usr/bin:/bin:(.+)$", said, re.M)
        assert Path(folder) == deployment.directory / "bin" and (Path(folder) / "kubectl").is_file()


def test_the_last_lines_name_the_plugin_and_the_operator_that_was_given(
        deployment: Deployment, first_run: str, operator_binary: Path) -> None:
    assert "--target kubectl-todoapp" in first_run and "3 minutes" in first_run
    assert f"Run it again: scripts/deploy-local.sh --dir {deployment.directory} --operator {operator_binary}\n" in first_run


def metrics(deployment: Deployment) -> str:
    if REAL:
        pod = deployment.kubectl("-n", "todoapp-system", "get", "pods", "-l", "app.kubernetes.io/component=controller", "-o",
                                 "jsonpath={.items[0].metadata.name}")
        return deployment.kubectl("get", "--raw", f"/api/v1/namespaces/todoapp-system/pods/{pod}:8080/proxy/metrics")
    port = (deployment.directory / "operator" / "ports").read_text().split()[0]
    return urllib3.PoolManager(timeout=10.0).request("GET", f"http://127.0.0.1:{port}/metrics").data.decode()


def test_the_metrics_are_described_in_their_own_words(deployment: Deployment, first_run: str) -> None:
    described = (REPOSITORY / "docs" / "metrics.md").read_text().replace("`", "")
    for name, words in re.findall(r"^# HELP (\S+) (.*)$", metrics(deployment), re.M):
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
    before, servers = deployment.contents(), deployment.servers()
    start = time.monotonic()
    deployment.up(operator_binary, seconds=SECOND_SECONDS)
    print(f"the second run took {time.monotonic() - start:.1f} s")
    assert deployment.contents() == before
    assert deployment.servers() == servers


def test_a_second_run_leaves_what_the_user_changed(deployment: Deployment, first_run: str, operator_binary: Path) -> None:
    deployment.kubectl("-n", "todo", "patch", "tad", "todo", "--type=merge", "-p", '{"spec":{"frontend":{"replicas":1}}}')
    deployment.up(operator_binary, seconds=SECOND_SECONDS)
    replicas = deployment.kubectl("-n", "todo", "get", "deployment", "todo-frontend", "-o", "jsonpath={.spec.replicas}")
    assert replicas == "1"


def test_another_build_replaces_the_running_operator_and_no_pod_of_the_app(
        deployment: Deployment, first_run: str, operator_binary: Path, tmp_path: Path) -> None:
    other = tmp_path / "todoapp-operator"
    shutil.copy(operator_binary, other)
    with other.open("ab") as file:
        file.write(b"\0")  # Another file, the same program.
    running = deployment.operator_image if REAL else deployment.operator_pid
    pods, operator = deployment.pods(), running()
    deployment.up(other, seconds=SECOND_SECONDS)
    assert running() != operator
    # One that the test before scaled away may still be ending.
    assert deployment.pods() <= pods


def test_an_upgrade_brings_a_new_tag_and_a_rollback_the_old_one_back(deployment: Deployment, first_run: str) -> None:
    said = deployment.go_on("--upgrade")
    assert "Succeeded" in said
    assert deployment.app(".spec.backend.image") == "localhost/todo-backend:1.1.0"
    assert deployment.app(".status.backend.image") == "localhost/todo-backend:1.1.0"
    said = deployment.go_on("--rollback")
    assert deployment.ready() == "RolledBackOnRequest"
    for tier in ("frontend", "backend"):
        assert deployment.app(f".status.{tier}.image") == f"localhost/todo-{tier}:1.0.0"
    before = deployment.contents()
    deployment.go_on("--rollback")
    assert deployment.contents() == before
    if REAL:
        assert "to be kept" in TodoClient(deployment.page).titles()


@real_only
def test_a_cluster_of_the_users_own_gets_all_of_it_by_a_registry_and_loses_all_of_it(
        deployment: Deployment, first_run: str, operator_binary: Path) -> None:
    deployment.elsewhere("--down")
    assert "todo" not in deployment.kubectl("get", "namespaces", "-o", "name").replace("todoapp", "")
    assert "todoapp" not in deployment.kubectl("get", "crds,namespaces,clusterroles", "-o", "name")
    registry = f"{deployment.node_address}:5000/team"
    said = deployment.elsewhere("--registry", registry, "--plain-http", "--operator", str(operator_binary))
    assert f"The Todo app is at {deployment.page} (Todo" in said
    assert deployment.ready() == "Succeeded"
    assert deployment.app(".spec.frontend.image") == f"{registry}/todo-frontend:1.0.0"
    assert deployment.operator_image().startswith(f"{registry}/todoapp-operator:dev-")


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


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (["--bogus"], 2, "unknown argument: --bogus; see --help"),
    (["--nodes"], 2, "--nodes needs a value; see --help"),
    (["--nodes", "many"], 2, "--nodes takes real or simulated, not many"),
    (["--operator", "/nowhere/operator"], 2, "no program at /nowhere/operator"),
    (["--upgrade", "--rollback"], 2, "one of --upgrade, --rollback and --down at a time"),
    (["--registry", "registry.example.org"], 2, "--registry is for a cluster of your own: name it with --context"),
    (["--context", "mine", "--nodes", "real"], 2, "--nodes is for the local cluster, not for --context"),
    (["--upgrade", "--dir", "/nowhere/cluster"], 1, "no cluster in /nowhere/cluster"),
    (["--context", "nowhere"], 1, "no context nowhere"),
])
def test_arguments_that_make_no_sense_are_refused(arguments: list[str], code: int, words: str) -> None:
    with pytest.raises(AssertionError, match=rf"ended with {code}:\n.*{words}"):
        run([str(SCRIPT), *arguments])


def test_help_names_every_flag() -> None:
    shown = run([str(SCRIPT), "--help"])
    for flag in re.findall(r"--[a-z-]+", SCRIPT.read_text().split("read_arguments()")[1].split("esac")[0]):
        assert flag in shown, flag


def test_a_kubeconfig_without_contexts_is_named_in_place_of_them(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="error: no context nowhere: your kubeconfig has none"):
        run(["env", f"KUBECONFIG={tmp_path / 'none'}", str(SCRIPT), "--context", "nowhere"])


# --- A user's own cluster, as far as it gets without one.

# Of a cluster that answers, in whichever way the variables say.
FAKE_KUBECTL = r"""#!/bin/sh
case "$*" in
  *get-contexts*) exit 0 ;;
  *readyz*) [ -z "$AWAY" ] || { echo "connection refused" >&2; exit 1; } ;;
  *can-i*) echo "${MAY:-yes}" ;;
  *storageclasses*) echo "{\"items\": [$CLASS]}" ;;
  *) echo "unexpected: $*" >&2; exit 1 ;;
esac
"""
DEFAULT_CLASS = '{"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}'


@pytest.mark.parametrize(("variables", "words"), [
    ({"AWAY": "yes"}, "does not answer: connection refused"),
    ({"MAY": "no"}, "an administrator's rights are needed"),
    ({"CLASS": ""}, "has no default StorageClass"),
    ({"CLASS": DEFAULT_CLASS}, "no way for images into the cluster of the context mine"),
])
def test_a_cluster_that_cannot_take_the_app_is_refused_before_anything_is_changed(
        tmp_path: Path, variables: dict[str, str], words: str) -> None:
    (tmp_path / "kubectl").write_text(FAKE_KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    given = [f"{name}={value}" for name, value in variables.items()]
    with pytest.raises(AssertionError, match=words):
        run(["env", f"PATH={tmp_path}:{os.environ['PATH']}", *given, str(SCRIPT), "--context", "mine"])
