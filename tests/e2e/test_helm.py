"""Operator and app by Helm, with real pods. The commands are those of docs/deployment/install.md.

One story, told in the order of the tests: the previous version of the chart, an app, the upgrade to this version, an
uninstall that leaves the app running, and an install that goes on with it. Runs before the tests that install by
manifests, for a cluster has one operator at a time; the CRD that they need stays behind.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from test_in_cluster import OPERATOR, STOP_SECONDS, TAKEOVER_SECONDS, asked, pods_of_the_operator, stop, the_pod

from support.api import Api, Object
from support.charts import APP_CHART, OPERATOR_CHART, Helm, tool, values_of
from support.control_plane import REPOSITORY, Kubectl, run
from support.guides import Guide
from support.metrics import Metrics
from support.namespaces import create_namespace
from support.operators import OperatorMaker
from support.rbac import SYSTEM_NAMESPACE
from support.real_node import RealCluster
from support.todo_app import TodoApp
from support.trials import Figures
from support.waiting import eventually

CRD = "todoappdeployments.apps.todoapp.dev"
APP_NAMESPACE = "shop"
PREVIOUS_IMAGE = "localhost/todoapp-operator:previous"
# All that an app has. What a namespace is given by the cluster is not the operator's.
KINDS = ["TodoAppDeployment", "ControllerRevision", "Deployment", "ReplicaSet", "Pod", "Service", "Secret"]


@pytest.fixture(scope="module")
def guide(cluster: RealCluster, operator_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guide]:
    folder = tmp_path_factory.mktemp("image")
    program = folder / OPERATOR
    program.symlink_to(operator_binary)
    variables = {"KUBECONFIG": str(cluster.kubeconfig), "TODOAPP_CLUSTER_DIR": str(cluster.directory),
                 "PATH": f"{Path(tool('helm')).parent}:{os.environ['PATH']}",
                 **{f"HELM_{name}_HOME": str(folder / name) for name in ("CACHE", "CONFIG", "DATA")}}
    # Guards against a process of the operator's that works at the same time.
    with OperatorMaker(cluster, operator_binary, "asio", folder).alone():
        yield Guide(REPOSITORY / "docs" / "deployment" / "install.md", variables,
                    {"build/release/todoapp-operator": str(program),
                     "build/todoapp-operator.tar": str(folder / "image.tar")})
    (folder / "image.tar").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def helm(cluster: RealCluster, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(tmp_path_factory.mktemp("helm"), cluster.kubeconfig)


@pytest.fixture(scope="module")
def previous_chart(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As long as there is no release: this chart under an earlier version, packed as a user gets it."""
    folder = tmp_path_factory.mktemp("previous")
    chart = shutil.copytree(OPERATOR_CHART, folder / "todoapp-operator")
    about = chart / "Chart.yaml"
    about.write_text(re.sub(r"^(version|appVersion): .*$", r"\1: 0.0.9", about.read_text(), flags=re.M))
    helm("package", str(chart), "--destination", str(folder))
    return folder / "todoapp-operator-0.0.9.tgz"


@pytest.fixture(scope="module")
def previous(cluster: RealCluster, guide: Guide, helm: Helm, previous_chart: Path, operator_binary: Path, api: Api,
             tmp_path_factory: pytest.TempPathFactory) -> Iterator[Object]:
    """The pod of the previous version, from an image of its own, where Pod Security *restricted* is enforced."""
    guide.run("The image")
    folder = tmp_path_factory.mktemp("previous-image")
    older = folder / OPERATOR
    shutil.copy(operator_binary, older)
    with older.open("ab") as file:
        file.write(b"\0")  # Another file, the same program.
    run([str(REPOSITORY / "cluster" / "pack-image"), str(older), str(folder / "image.tar"), "--name", PREVIOUS_IMAGE])
    run([str(REPOSITORY / "cluster" / "local"), "load-image", str(folder / "image.tar"), "--dir", str(cluster.directory)])
    shutil.rmtree(folder)
    # The session has brought the CRD by kubectl; here it is Helm that brings it.
    api.delete("CustomResourceDefinition", CRD)
    eventually(lambda: api.find("CustomResourceDefinition", CRD) is None, "the CRD to be gone")
    for name in (SYSTEM_NAMESPACE, APP_NAMESPACE):
        if api.find("Namespace", name) is None:
            create_namespace(api, name)
    values = {**values_of(OPERATOR_CHART, "values-dev.yaml"), "image": {"tag": "previous"}}
    helm("install", OPERATOR, str(previous_chart), "-n", SYSTEM_NAMESPACE, "--wait", values=values)
    yield the_pod(api)
    # Other tests need the CRD, and nothing else of it.
    stop(api)
    for release, namespace in (("todo", APP_NAMESPACE), (OPERATOR, SYSTEM_NAMESPACE)):
        helm("uninstall", release, "-n", namespace, "--ignore-not-found")
    api.delete("Namespace", APP_NAMESPACE, missing_ok=True)


@pytest.fixture(scope="module")
def app(guide: Guide, previous: Object, api: Api) -> TodoApp:
    guide.run("An app with Helm")
    return TodoApp(api, APP_NAMESPACE)


def state(api: Api) -> dict[str, tuple[str, str, int]]:
    """All that the app has: which object it is, which version of its spec, and how often its containers were started. Who
    is ready may change for a moment on a busy machine; what a rollout has replaced is on its way out, sooner or later. Helm's
    own record is not the app's.
    """
    found = {}
    for item in (item for kind in KINDS for item in api.list(kind, APP_NAMESPACE)):
        meta = item["metadata"]
        replaced = "deletionTimestamp" in meta or item["kind"] == "ReplicaSet" and item["spec"]["replicas"] == 0
        if not meta["name"].startswith("sh.helm.") and not replaced:
            # What has no generation is one that only a change of it gives a new version.
            spec = str(meta.get("generation", meta["resourceVersion"] if item["kind"] == "Secret" else ""))
            starts = sum(status["restartCount"] for status in item.get("status", {}).get("containerStatuses", []))
            found[f"{item['kind']} {meta['name']}"] = (meta["uid"], spec, starts)
    return found


def leads_and_has_looked(api: Api) -> Metrics:
    """Another operator than before, once it has nothing left to do."""

    def look() -> Metrics:
        metrics = Metrics(asked(api, the_pod(api), 8080, "metrics"))
        assert metrics.value("leader_election_master_status") == 1
        assert metrics.value("todoapp_apps", ready="True") == 1
        assert metrics.value("workqueue_depth") == metrics.value("controller_runtime_active_workers") == 0
        return metrics

    return eventually(look, "the operator to lead, and to have looked at the app", TAKEOVER_SECONDS)


def image_of(pod: Object) -> str:
    return str(pod["spec"]["containers"][0]["image"])


def test_helm_waits_until_the_app_is_ready(app: TodoApp) -> None:
    # Not waited for here: `--wait` did.
    conditions = {entry["type"]: entry for entry in app.status["conditions"]}
    assert (conditions["Ready"]["status"], conditions["Ready"]["reason"]) == ("True", "Succeeded")
    assert {len(app.pods(tier)) for tier in ("frontend", "backend")} == {1}
    assert app.child("Service", "frontend")["spec"]["ports"][0]["nodePort"] == 30000


def test_an_upgrade_of_the_chart_restarts_no_pod_of_an_app(
        guide: Guide, previous: Object, app: TodoApp, api: Api, figures: Figures) -> None:
    assert image_of(previous) == PREVIOUS_IMAGE
    before = state(api)
    assert len(before) > len(KINDS)
    began = time.monotonic()
    guide.run("Another version with Helm")
    figures["helm upgrade of the operator, to ready"] = f"{time.monotonic() - began:.1f} s"
    pod = the_pod(api)
    assert image_of(pod) == "localhost/todoapp-operator:dev"
    leads_and_has_looked(api)
    assert state(api) == before
    assert api.get("CustomResourceDefinition", CRD)["metadata"]["labels"]["helm.sh/chart"] == (
        f"todoapp-operator-{values_of(OPERATOR_CHART, 'Chart.yaml')['version']}")


def test_helm_test_passes_and_leaves_nothing(helm: Helm, app: TodoApp, api: Api, figures: Figures) -> None:
    began = time.monotonic()
    said = helm("test", OPERATOR, "-n", SYSTEM_NAMESPACE, "--timeout", "90s")
    figures["helm test"] = f"{time.monotonic() - began:.1f} s"
    assert said.count("Succeeded") >= 2, said
    assert api.list("TodoAppDeployment", SYSTEM_NAMESPACE) == []
    eventually(lambda: [pod["metadata"]["name"] for pod in api.list("Pod", SYSTEM_NAMESPACE)]
               == [the_pod(api)["metadata"]["name"]], "no pod but the operator's")


def test_metrics_of_the_pod_are_for_who_may_read_them(helm: Helm, app: TodoApp, api: Api, kubectl: Kubectl) -> None:
    helm("upgrade", OPERATOR, str(OPERATOR_CHART), "-n", SYSTEM_NAMESPACE, "--reuse-values", "--wait",
         "--set", "metrics.requireAuthorization=true", "--set", "metrics.service.enabled=true")
    kubectl("-n", SYSTEM_NAMESPACE, "create", "serviceaccount", "prometheus")
    kubectl("create", "clusterrolebinding", f"{OPERATOR}-metrics-reader", f"--clusterrole={OPERATOR}-metrics-reader",
            f"--serviceaccount={SYSTEM_NAMESPACE}:prometheus")
    try:
        tokens = {name: kubectl("-n", SYSTEM_NAMESPACE, "create", "token", name).strip()
                  for name in ("prometheus", "default")}
        address = the_pod(api)["status"]["podIP"]
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        http = urllib3.PoolManager(cert_reqs="CERT_NONE", assert_hostname=False, retries=False, timeout=30.0)

        def status(token: str | None) -> int:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            try:
                return http.request("GET", f"https://{address}:8080/metrics", headers=headers).status
            except urllib3.exceptions.HTTPError as error:
                raise AssertionError(str(error)) from error

        eventually(lambda: status(tokens["prometheus"]) == 200, "the metrics, for who may read them", 40)
        assert (status(None), status(tokens["default"])) == (401, 403)
    finally:
        kubectl("delete", "clusterrolebinding", f"{OPERATOR}-metrics-reader")
        kubectl("-n", SYSTEM_NAMESPACE, "delete", "serviceaccount", "prometheus")
        helm("rollback", OPERATOR, "-n", SYSTEM_NAMESPACE, "--wait")
    leads_and_has_looked(api)


def test_helm_test_fails_where_no_operator_works(helm: Helm, app: TodoApp, api: Api) -> None:
    api.patch("Deployment", OPERATOR, SYSTEM_NAMESPACE, {"spec": {"replicas": 0}})
    eventually(lambda: not pods_of_the_operator(api), "no operator", STOP_SECONDS)
    try:
        with pytest.raises(AssertionError, match="ended with 1"):
            helm("test", OPERATOR, "-n", SYSTEM_NAMESPACE, "--timeout", "12s")
    finally:
        for kind in ("Pod", "TodoAppDeployment"):
            api.delete(kind, f"{OPERATOR}-test", SYSTEM_NAMESPACE, missing_ok=True)
        api.patch("Deployment", OPERATOR, SYSTEM_NAMESPACE, {"spec": {"replicas": 1}})
    leads_and_has_looked(api)


def test_an_app_is_upgraded_and_rolled_back_by_helm(guide: Guide, app: TodoApp) -> None:
    guide.run("Another image with Helm")
    assert app.outcome(2) == "Succeeded"
    assert app.outcome(3) == "Succeeded"
    assert app.container("backend")["image"].endswith("todo-backend:1.0.0")


def test_an_uninstall_leaves_the_app_and_an_install_goes_on_with_it(
        guide: Guide, app: TodoApp, api: Api, kubectl: Kubectl) -> None:
    before = state(api)
    assert "todo" in guide.run("Take it away with Helm")
    eventually(lambda: not pods_of_the_operator(api), "no operator", STOP_SECONDS)
    assert api.find("ClusterRole", OPERATOR) is None
    assert state(api) == before
    said = guide.run("With Helm")
    assert "Succeeded" in said
    metrics = leads_and_has_looked(api)
    assert metrics.value("rest_client_requests_total", code="403") == 0
    assert state(api) == before


def test_an_app_ends_with_its_release(helm: Helm, app: TodoApp, api: Api) -> None:
    helm("uninstall", "todo", "-n", APP_NAMESPACE, "--wait")
    for kind in ("TodoAppDeployment", "Deployment", "Pod"):
        eventually(lambda kind=kind: api.list(kind, APP_NAMESPACE) == [], f"no {kind}", 120)  # type: ignore[misc]


def test_an_app_that_is_to_be_kept_stays(helm: Helm, app: TodoApp, api: Api) -> None:
    values = {**values_of(APP_CHART, "values-dev.yaml"), "keep": True, "suspend": True}
    helm("install", "todo", str(APP_CHART), "-n", APP_NAMESPACE, values=values)
    helm("uninstall", "todo", "-n", APP_NAMESPACE)
    assert api.get("TodoAppDeployment", "todo", APP_NAMESPACE)["metadata"].get("deletionTimestamp") is None
