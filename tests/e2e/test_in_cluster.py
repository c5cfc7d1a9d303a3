"""The operator as its manifests install it: in a pod, from an image, under Pod Security *restricted*. The commands are
those of docs/deployment/install.md.

Runs before the tests whose operator is a process: a cluster has one operator at a time.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.api import Api, Object
from support.control_plane import REPOSITORY, Kubectl
from support.guides import Guide
from support.metrics import Metrics
from support.namespaces import make_namespace
from support.operators import OperatorMaker
from support.rbac import SYSTEM_NAMESPACE
from support.real_node import QUICK, RealCluster
from support.todo_app import MANAGER, UNVISITED, TodoApp, condition_of
from support.trials import INSTALL_SECONDS, Figures, restarts
from support.waiting import eventually, show

OPERATOR = "todoapp-operator"
PODS = "app.kubernetes.io/component=controller"
APP_NAMESPACE = "todo"
APP = "todo-generated"
# All that an app has. Events, and what a namespace is given by the cluster, are not the operator's.
KINDS = ["TodoAppDeployment", "ControllerRevision", "Deployment", "ReplicaSet", "Pod", "Service", "ConfigMap", "Secret"]

STOP_SECONDS = 90.0
# A pod's own end, the next pod, and the lease.
TAKEOVER_SECONDS = 120.0


def pods_of_the_operator(api: Api, namespace: str = SYSTEM_NAMESPACE) -> list[Object]:
    return api.list("Pod", namespace, PODS)


def the_pod(api: Api, namespace: str = SYSTEM_NAMESPACE) -> Object:
    """The one pod of the operator, when it is Ready and alone."""

    def look() -> Object:
        (pod,) = pods_of_the_operator(api, namespace)
        assert condition_of(pod, "Ready").get("status") == "True", show(pod["status"])
        return pod

    return eventually(look, f"one ready pod of the operator in {namespace}", TAKEOVER_SECONDS)


def asked(api: Api, pod: Object, port: int, path: str) -> str:
    """What a pod answers to the API server."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    return api.raw(f"/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy/{path}")


def stop(api: Api, namespace: str = SYSTEM_NAMESPACE) -> None:
    api.delete("Deployment", OPERATOR, namespace, missing_ok=True)
    eventually(lambda: not pods_of_the_operator(api, namespace), f"no operator in {namespace}", STOP_SECONDS)


@pytest.fixture(scope="module")
def guide(cluster: RealCluster, operator_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guide]:
    folder = tmp_path_factory.mktemp("image")
    program = folder / OPERATOR
    program.symlink_to(operator_binary)
    variables = {"KUBECONFIG": str(cluster.kubeconfig), "TODOAPP_CLUSTER_DIR": str(cluster.directory)}
    # Guards against a process of the operator's that works at the same time.
    with OperatorMaker(cluster, operator_binary, "asio", folder).alone():
        yield Guide(REPOSITORY / "docs" / "deployment" / "install.md", variables,
                    {"build/release/todoapp-operator": str(program), "build/todoapp-operator.tar": str(folder / "image.tar")})
    (folder / "image.tar").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def image(guide: Guide) -> None:
    """Loaded into the node."""
    guide.run("The image")


@pytest.fixture(scope="module")
def installed(guide: Guide, image: None, api: Api, figures: Figures) -> Iterator[Object]:
    """The operator's pod. What it leaves behind is what other tests need too: the CRD, the namespace, the rights."""
    began = time.monotonic()
    guide.run("Install")
    figures["apply of the manifests to a ready operator in the cluster"] = f"{time.monotonic() - began:.1f} s"
    yield the_pod(api)
    stop(api)


@pytest.fixture(scope="module")
def app(guide: Guide, installed: Object, api: Api) -> Iterator[TodoApp]:
    """The guide's own, and ready."""
    guide.run("Try it")
    yield TodoApp(api, APP_NAMESPACE, APP)
    api.delete("Namespace", APP_NAMESPACE)


@pytest.fixture(scope="module")
def make_place(api: Api) -> Iterator[Callable[[str], str]]:
    """Makes namespaces that enforce Pod Security *restricted*."""
    made: list[str] = []

    def make(words: str) -> str:
        made.append(make_namespace(api, words))
        return made[-1]

    yield make
    for name in made:
        api.delete("Namespace", name, missing_ok=True)


def test_the_operators_pod_is_ready_where_pod_security_is_restricted(installed: Object, api: Api) -> None:
    namespace = api.get("Namespace", SYSTEM_NAMESPACE)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    (status,) = installed["status"]["containerStatuses"]
    assert status["image"] == "localhost/todoapp-operator:dev"
    assert status["restartCount"] == 0
    assert installed["spec"]["serviceAccountName"] == OPERATOR


def test_an_app_becomes_ready(app: TodoApp) -> None:
    app.wait_ready(INSTALL_SECONDS)
    for tier in ("frontend", "backend"):
        pods = app.pods(tier)
        assert pods and all(condition_of(pod, "Ready")["status"] == "True" for pod in pods)


def test_health_and_metrics_answer(guide: Guide, installed: Object, app: TodoApp, api: Api) -> None:
    # The app is ready in its status before the operator has heard of that write.
    eventually(lambda: Metrics(asked(api, the_pod(api), 8080, "metrics")).value("todoapp_apps", ready="True") == 1,
               "the operator to count the app as ready")
    said = guide.run("See how it is")
    assert "readyz check passed" in said
    assert 'todoapp_apps{ready="True"' in said
    for path in ("livez", "healthz", "readyz"):
        assert asked(api, the_pod(api), 8081, path) == "ok"
    metrics = Metrics(asked(api, the_pod(api), 8080, "metrics"))
    assert metrics.value("leader_election_master_status") == 1
    assert metrics.value("rest_client_requests_total", code="403") == 0


def state(api: Api) -> dict[str, tuple[str, int, str, int]]:
    """All that the app has: which object it is, which version of its spec, what the operator's own writes were, and how often
    its containers were started. Who is ready may change for a moment on a busy machine, and the status tells it."""
    return {f"{item['kind']} {item['metadata']['name']}": (
        item["metadata"]["uid"], item["metadata"].get("generation", 0), writes_of_the_operator(item), restarts(item))
        for kind in KINDS for item in api.list(kind, APP_NAMESPACE) if "deletionTimestamp" not in item["metadata"]}


def writes_of_the_operator(item: Object) -> str:
    """Fields and times of all that it has written but a status."""
    return json.dumps([entry for entry in item["metadata"].get("managedFields", [])
                       if entry["manager"] == MANAGER and entry.get("subresource") != "status"], sort_keys=True)


def life(pod: Object) -> tuple[str, int]:
    """Another one after each start of the operator."""
    (status,) = pod["status"]["containerStatuses"]
    return pod["metadata"]["uid"], status["restartCount"]


def deleted(guide: Guide, api: Api) -> None:
    (pod,) = pods_of_the_operator(api)
    api.delete("Pod", pod["metadata"]["name"], SYSTEM_NAMESPACE)


def killed(guide: Guide, api: Api) -> None:
    """The container starts again in its pod. Nobody has given up the lease."""
    (pod,) = pods_of_the_operator(api)
    mark = f"HOSTNAME={pod['metadata']['name']}".encode()
    (process,) = (entry for entry in Path("/proc").glob("[0-9]*") if mark in environment(entry).split(b"\0"))
    os.kill(int(process.name), signal.SIGKILL)


def environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""  # Gone meanwhile.


def replaced_by_another_build(guide: Guide, api: Api) -> None:
    guide.run("Another build")


@pytest.mark.parametrize("restart", [deleted, killed, replaced_by_another_build])
def test_an_operator_that_is_restarted_changes_nothing_of_an_app(
        guide: Guide, app: TodoApp, api: Api, figures: Figures, restart: Callable[[Guide, Api], None]) -> None:
    app.wait_ready(INSTALL_SECONDS)
    old, before = life(the_pod(api)), state(api)
    assert len(before) > len(KINDS)
    began = time.monotonic()
    restart(guide, api)

    def the_next_one_leads() -> bool:
        pod = the_pod(api)
        assert life(pod) != old
        metrics = Metrics(asked(api, pod, 8080, "metrics"))
        assert metrics.value("leader_election_master_status") == 1
        assert metrics.value("todoapp_apps", ready="True") == 1
        assert metrics.value("workqueue_depth") == metrics.value("controller_runtime_active_workers") == 0
        return True

    eventually(the_next_one_leads, "the next operator to lead, and to have looked at the app", TAKEOVER_SECONDS)
    figures[f"operator {restart.__name__.replace('_', ' ')}, to the next one at work"] = f"{time.monotonic() - began:.1f} s"
    assert state(api) == before


def test_an_operator_without_its_pod_leaves_apps_alone(guide: Guide, app: TodoApp, api: Api) -> None:
    before = state(api)
    guide.run("Take it away")
    eventually(lambda: not pods_of_the_operator(api), "no operator", STOP_SECONDS)
    assert state(api) == before


def test_an_operator_of_one_namespace_looks_after_that_one_only(
        cluster: RealCluster, guide: Guide, image: None, api: Api, kubectl: Kubectl,
        make_place: Callable[[str], str]) -> None:
    stop(api)
    kubectl("apply", "--server-side", "-f", str(REPOSITORY / "crds"))
    other = TodoApp(api, make_place("not-team-a")).create(QUICK)
    try:
        guide.run("For one namespace")
        app = TodoApp(api, "team-a").create(QUICK)
        app.wait_ready(INSTALL_SECONDS)
        metrics = Metrics(asked(api, the_pod(api, "team-a"), 8080, "metrics"))
        assert metrics.value("leader_election_master_status") == 1
        assert metrics.value("todoapp_apps") == 1
        assert metrics.value("rest_client_requests_total", code="403") == 0
        assert other.status == UNVISITED
        assert not other.owned("Deployment")
    finally:
        # In this order, so that its apps are not left without anybody.
        api.delete("Namespace", "team-a", missing_ok=True)
        shutil.rmtree(REPOSITORY / "build" / "team-a", ignore_errors=True)
