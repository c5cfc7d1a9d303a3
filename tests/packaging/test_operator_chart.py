"""The chart of the operator: what it renders, held against the manifests, and what its values switch."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.api import Object
from support.charts import OPERATOR_CHART, Helm, Values, hooks, named, of_kind, values_of
from support.control_plane import REPOSITORY
from support.rbac import CLUSTER_WIDE, NAMESPACED, rendered

NAME = "todoapp-operator"
MONITORING = REPOSITORY / "manifests" / "overlays" / "monitoring"
CRD = REPOSITORY / "crds" / "apps.todoapp.dev_todoappdeployments.yaml"

# All that a user may ask for at once.
EVERYTHING: Values = {
    "replicaCount": 2,
    "metrics": {"requireAuthorization": True, "tls": {"secretName": "metrics-tls"}, "serviceMonitor": {"enabled": True},
                "prometheusRule": {"enabled": True}, "dashboard": {"enabled": True}},
    "networkPolicy": {"enabled": True},
}


def rules_of(objects: list[Object]) -> dict[str, Any]:
    """By kind and name of the role."""
    return {f"{entry['kind']} {entry['metadata']['name']}": entry["rules"]
            for entry in objects if entry["kind"] in ("Role", "ClusterRole")}


def arguments_of(objects: list[Object]) -> list[str]:
    words: list[str] = named(objects, "Deployment", NAME)["spec"]["template"]["spec"]["containers"][0]["args"]
    return words


def kinds(objects: list[Object]) -> set[str]:
    return {entry["kind"] for entry in objects if entry not in hooks(objects)}


@pytest.mark.parametrize("files", [[], ["values-dev.yaml"]], ids=["defaults", "dev"])
@pytest.mark.parametrize("chart", ["todoapp-operator", "todoapp"])
def test_helm_lint_has_no_complaint(helm: Helm, chart: str, files: list[str]) -> None:
    folder = REPOSITORY / "helm" / chart
    given = [f"--values={folder / file}" for file in files]
    said = helm("lint", "--strict", str(folder), *given)
    assert "WARNING" not in said and "ERROR" not in said


def test_what_the_charts_have_from_elsewhere_is_as_it_is_there() -> None:
    done = subprocess.run([sys.executable, "-B", REPOSITORY / "scripts" / "lib" / "render_charts.py", "--check"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pod_is_that_of_the_manifests(helm: Helm) -> None:
    theirs = named(rendered(str(CLUSTER_WIDE)), "Deployment", NAME)["spec"]
    ours = copy.deepcopy(named(helm.rendered(OPERATOR_CHART, {"image": {"tag": "dev"}}), "Deployment", NAME)["spec"])
    # The one thing more: releases are told apart.
    for labels in (ours["selector"]["matchLabels"], ours["template"]["metadata"]["labels"]):
        assert labels.pop("app.kubernetes.io/instance") == NAME
    assert ours == theirs


@pytest.mark.parametrize(("overlay", "values"), [
    (CLUSTER_WIDE, {}),
    (NAMESPACED, {"watchNamespaces": ["todoapp-system"], "rbac": {"aggregateRoles": False}}),
    (MONITORING, {"metrics": {"requireAuthorization": True}}),
], ids=["cluster-wide", "namespaced", "monitoring"])
def test_the_rights_are_those_of_the_manifests(helm: Helm, overlay: Path, values: Values) -> None:
    assert rules_of(helm.rendered(OPERATOR_CHART, values)) == rules_of(rendered(str(overlay)))


def test_an_operator_of_some_namespaces_has_roles_there_and_nothing_of_the_clusters_own(helm: Helm) -> None:
    values = {"watchNamespaces": ["team-a", "team-b"], "rbac": {"aggregateRoles": False}, "crds": {"install": False}}
    objects = helm.rendered(OPERATOR_CHART, values)
    assert kinds(objects) == {"Deployment", "ServiceAccount", "Role", "RoleBinding"}
    roles = [entry["metadata"]["namespace"] for entry in of_kind(objects, "Role") if entry["metadata"]["name"] == NAME]
    assert roles == ["team-a", "team-b"]
    assert [word for word in arguments_of(objects) if "namespace" in word] == [
        "--watch-namespace=team-a", "--watch-namespace=team-b"]


def test_every_binding_names_a_role_and_an_account_that_are_there(helm: Helm) -> None:
    for values in (EVERYTHING, {"watchNamespaces": ["team-a"]}, {"fullnameOverride": "other"}):
        objects = helm.rendered(OPERATOR_CHART, values)
        (account,) = of_kind(objects, "ServiceAccount")
        for entry in [*of_kind(objects, "RoleBinding"), *of_kind(objects, "ClusterRoleBinding")]:
            named(objects, entry["roleRef"]["kind"], entry["roleRef"]["name"])
            assert entry["subjects"] == [{"kind": "ServiceAccount", "name": account["metadata"]["name"],
                                          "namespace": "todoapp-system"}]


def test_the_crd_is_the_one_in_crds_and_stays_when_the_release_goes(helm: Helm) -> None:
    (ours,) = of_kind(helm.rendered(OPERATOR_CHART), "CustomResourceDefinition")
    theirs = yaml.safe_load(CRD.read_text())
    assert ours["spec"] == theirs["spec"]
    assert ours["metadata"]["name"] == theirs["metadata"]["name"]
    assert ours["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    labels = {"app.kubernetes.io/part-of": "todoapp", "app.kubernetes.io/managed-by": "Helm"}
    assert labels.items() <= ours["metadata"]["labels"].items()


def test_the_crd_can_be_left_to_others_or_be_deleted_with_the_release(helm: Helm) -> None:
    assert not of_kind(helm.rendered(OPERATOR_CHART, {"crds": {"install": False}}), "CustomResourceDefinition")
    (crd,) = of_kind(helm.rendered(OPERATOR_CHART, {"crds": {"keep": False}}), "CustomResourceDefinition")
    assert "annotations" not in crd["metadata"]


def test_nothing_of_monitoring_is_there_by_default(helm: Helm) -> None:
    assert kinds(helm.rendered(OPERATOR_CHART)) == {
        "CustomResourceDefinition", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding",
        "Deployment"}


@pytest.mark.parametrize(("values", "more"), [
    ({"metrics": {"service": {"enabled": True}}}, {"Service"}),
    ({"metrics": {"serviceMonitor": {"enabled": True}}}, {"Service", "ServiceMonitor"}),
    ({"metrics": {"prometheusRule": {"enabled": True}}}, {"PrometheusRule"}),
    ({"metrics": {"dashboard": {"enabled": True}}}, {"ConfigMap"}),
    ({"networkPolicy": {"enabled": True}}, {"NetworkPolicy"}),
    ({"replicaCount": 2}, {"PodDisruptionBudget"}),
    ({"replicaCount": 2, "podDisruptionBudget": {"enabled": False}}, set()),
])
def test_a_value_brings_its_objects_and_no_other(helm: Helm, values: Values, more: set[str]) -> None:
    assert kinds(helm.rendered(OPERATOR_CHART, values)) - kinds(helm.rendered(OPERATOR_CHART)) == more


def test_the_monitoring_is_that_of_the_manifests(helm: Helm) -> None:
    values = {"image": {"tag": "dev"}, "metrics": {
        "requireAuthorization": True, "serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True},
        "dashboard": {"enabled": True}}}
    ours, theirs = helm.rendered(OPERATOR_CHART, values), rendered(str(MONITORING))
    assert sorted(arguments_of(ours)) == sorted(arguments_of(theirs))
    endpoints = [named(objects, "ServiceMonitor", NAME)["spec"]["endpoints"] for objects in (ours, theirs)]
    assert endpoints[0] == endpoints[1]
    assert named(ours, "PrometheusRule", NAME)["spec"] == named(theirs, "PrometheusRule", NAME)["spec"]
    assert (named(ours, "ConfigMap", f"{NAME}-dashboard")["data"].keys()
            == named(theirs, "ConfigMap", f"{NAME}-dashboard")["data"].keys())
    ports = [named(objects, "Service", f"{NAME}-metrics")["spec"]["ports"] for objects in (ours, theirs)]
    assert ports[0] == ports[1]


def test_a_service_monitor_finds_the_service_and_that_one_the_pods(helm: Helm) -> None:
    for objects in (helm.rendered(OPERATOR_CHART, EVERYTHING), rendered(str(MONITORING))):
        service = named(objects, "Service", f"{NAME}-metrics")
        pod = named(objects, "Deployment", NAME)["spec"]["template"]
        wanted = named(objects, "ServiceMonitor", NAME)["spec"]["selector"]["matchLabels"]
        assert wanted.items() <= service["metadata"]["labels"].items()
        assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
        assert service["spec"]["ports"][0]["targetPort"] in [
            port["name"] for port in pod["spec"]["containers"][0]["ports"]]


def test_a_serving_certificate_is_mounted_and_named(helm: Helm) -> None:
    objects = helm.rendered(OPERATOR_CHART, EVERYTHING)
    pod = named(objects, "Deployment", NAME)["spec"]["template"]["spec"]
    (mount,) = pod["containers"][0]["volumeMounts"]
    assert pod["volumes"] == [{"name": mount["name"], "secret": {"secretName": "metrics-tls"}}]
    assert f"--metrics-tls-cert-file={mount['mountPath']}/tls.crt" in arguments_of(objects)
    assert f"--metrics-tls-key-file={mount['mountPath']}/tls.key" in arguments_of(objects)
    # One that has an authority is verified.
    assert "tlsConfig" not in named(objects, "ServiceMonitor", NAME)["spec"]["endpoints"][0]


def test_alerts_can_be_left_out_and_runbooks_be_elsewhere(helm: Helm) -> None:
    given = {"enabled": True, "disabled": ["TodoappOperatorDown"], "runbookBaseUrl": "https://wiki.example.org/todo/"}
    rule = named(helm.rendered(OPERATOR_CHART, {"metrics": {"prometheusRule": given}}), "PrometheusRule", NAME)
    alerts = {entry["alert"]: entry for group in rule["spec"]["groups"] for entry in group["rules"]}
    assert "TodoappOperatorDown" not in alerts
    assert alerts["TodoappOperatorNoLeader"]["annotations"]["runbook_url"] == (
        "https://wiki.example.org/todo/TodoappOperatorNoLeader.md")


@pytest.mark.parametrize(("values", "flag"), [
    ({"log": {"level": "debug"}}, "--log-level=debug"),
    ({"log": {"format": "json"}}, "--log-format=json"),
    ({"maxConcurrentReconciles": 4}, "--max-concurrent-reconciles=4"),
    ({"leaderElection": {"leaseDuration": "30s"}}, "--leader-election-lease-duration=30s"),
    ({"leaderElection": {"renewDeadline": "20s"}}, "--leader-election-renew-deadline=20s"),
    ({"leaderElection": {"retryPeriod": "5s"}}, "--leader-election-retry-period=5s"),
    ({"extraArgs": ["--api-client=cpprestsdk"]}, "--api-client=cpprestsdk"),
    ({"metrics": {"port": 9090}}, "--metrics-bind-address=:9090"),
    ({"health": {"port": 9091}}, "--health-probe-bind-address=:9091"),
])
def test_a_value_becomes_a_flag_that_the_operator_knows(helm: Helm, operator_binary: Path, values: Values,
                                                        flag: str) -> None:
    arguments = arguments_of(helm.rendered(OPERATOR_CHART, values))
    assert flag in arguments
    # With --version it judges the flags, and does nothing else.
    done = subprocess.run([operator_binary, *arguments, "--version"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("image", [{"tag": "1.2.3"}, {"digest": "sha256:" + "a" * 64, "tag": "1.2.3"}])
def test_the_tests_pod_takes_the_operators_own_image(helm: Helm, image: dict[str, str]) -> None:
    objects = helm.rendered(OPERATOR_CHART, {"image": image})
    (pod,) = of_kind(hooks(objects), "Pod")
    used = named(objects, "Deployment", NAME)["spec"]["template"]["spec"]["containers"][0]["image"]
    assert pod["spec"]["containers"][0]["image"] == used
    assert used.endswith(image.get("digest", "1.2.3"))


@pytest.mark.parametrize("values", [
    {"replicas": 2}, {"image": {"name": "x"}}, {"watchNamespaces": "team-a"}, {"watchNamespaces": ["Team A"]},
    {"log": {"level": "loud"}}, {"metrics": {"enabled": True}}, {"metrics": {"port": 0}}, {"extraArgs": ["leader-elect"]},
    {"image": {"digest": "latest"}}, {"crds": {"keep": "yes"}}, {"maxConcurrentReconciles": 0},
    {"leaderElection": {"leaseDuration": "fifteen"}},
])
def test_a_value_that_makes_no_sense_is_refused(helm: Helm, values: Values) -> None:
    with pytest.raises(AssertionError, match="values don't meet the specifications of the schema"):
        helm.rendered(OPERATOR_CHART, values)


def leaves(values: Object, prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in values.items():
        found |= leaves(value, f"{prefix}{name}.") if isinstance(value, dict) and value else {f"{prefix}{name}"}
    return found


@pytest.mark.parametrize("chart", ["todoapp-operator", "todoapp"])
def test_every_value_is_described_in_the_readme(chart: str) -> None:
    folder = REPOSITORY / "helm" / chart
    readme = (folder / "README.md").read_text()
    rows = {line.split("`")[1] for line in readme.splitlines() if line.startswith("| `")}
    for path in leaves(values_of(folder)):
        parents = {path.rsplit(".", count)[0] for count in range(path.count(".") + 1)}
        assert parents & rows, f"{chart}: {path} has no comment that begins with `# --`"


def test_the_chart_has_the_version_of_the_program(operator_binary: Path) -> None:
    said = subprocess.run([operator_binary, "--version"], capture_output=True, text=True, timeout=30).stdout
    chart = values_of(OPERATOR_CHART, "Chart.yaml")
    assert said.split()[1] == chart["appVersion"]


def test_the_notes_warn_of_an_uninstall_that_takes_all_apps_along(helm: Helm) -> None:
    def notes(values: Values) -> str:
        return helm("install", NAME, str(OPERATOR_CHART), "--dry-run=client", "--hide-secret", values=values)

    assert "EVERY APP OF THE CLUSTER" in notes({"crds": {"keep": False}})
    assert "leaves the CRD and all apps" in notes({})
