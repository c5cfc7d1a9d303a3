"""What the operator may do, by the API server's own words: `kubectl auth can-i --list` as its service account, for each
way of installing it, against tests/golden/rbac. UPDATE_GOLDEN=1 writes those anew: read the difference before it is
committed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from support.api import Api
from support.charts import OPERATOR_CHART, Helm, Values
from support.control_plane import REPOSITORY, Kubectl
from support.rbac import SYSTEM_NAMESPACE, rendered
from support.waiting import eventually

GOLDEN = REPOSITORY / "tests" / "golden" / "rbac"
OVERLAYS = REPOSITORY / "manifests" / "overlays"
ACCOUNT = f"system:serviceaccount:{SYSTEM_NAMESPACE}:todoapp-operator"
OTHER_NAMESPACE = "somebody-elses"

# Each mode, with the values that say it to the chart.
MODES: dict[str, Values] = {
    "cluster-wide": {},
    "namespaced": {"watchNamespaces": [SYSTEM_NAMESPACE], "rbac": {"aggregateRoles": False}},
    "monitoring": {"metrics": {"requireAuthorization": True, "serviceMonitor": {"enabled": True},
                               "prometheusRule": {"enabled": True}, "dashboard": {"enabled": True}}},
}

# What every service account may ask, whatever is installed.
EVERYBODYS = ("selfsubjectreviews.authentication.k8s.io", "selfsubjectaccessreviews.authorization.k8s.io",
              "selfsubjectrulesreviews.authorization.k8s.io")

Undo = Callable[[], None]


@pytest.fixture(scope="module")
def places(api: Api, kubectl: Kubectl) -> None:
    """Two namespaces, and the kinds of the Prometheus operator."""
    for name in (SYSTEM_NAMESPACE, OTHER_NAMESPACE):
        api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    kubectl("apply", "--server-side", "-f", str(REPOSITORY / "tests" / "support" / "monitoring_crds.yaml"))
    kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd/servicemonitors.monitoring.coreos.com",
            "crd/prometheusrules.monitoring.coreos.com")


def kustomized(mode: str, kubectl: Kubectl, helm: Helm) -> Undo:
    # The namespace is there, and so is the CRD, which other tests need: taking them away again would hurt those.
    kept = ("Namespace", "CustomResourceDefinition")
    text = yaml.safe_dump_all([entry for entry in rendered(str(OVERLAYS / mode)) if entry["kind"] not in kept])
    kubectl("apply", "--server-side", "-f", "-", stdin=text)
    return lambda: kubectl("delete", "--wait=false", "-f", "-", stdin=text) and None


def installed(mode: str, kubectl: Kubectl, helm: Helm) -> Undo:
    values = {"crds": {"install": False}, **MODES[mode]}
    helm("install", "todoapp-operator", str(OPERATOR_CHART), "--namespace", SYSTEM_NAMESPACE, values=values)
    return lambda: helm("uninstall", "todoapp-operator", "--namespace", SYSTEM_NAMESPACE) and None


@pytest.fixture(params=[(way, mode) for mode in MODES for way in (kustomized, installed)],
                ids=lambda param: f"{param[1]}-{param[0].__name__}")
def mode(request: pytest.FixtureRequest, places: None, kubectl: Kubectl, cluster_helm: Helm) -> Iterator[str]:
    """Installed, in one of the ways; gone afterwards."""
    way, name = request.param
    undo = way(name, kubectl, cluster_helm)
    yield name
    undo()


def rights(kubectl: Kubectl, namespace: str) -> list[str]:
    """Lines `resource or path: verbs`, sorted, without what everybody may."""
    said = kubectl("auth", "can-i", "--list", f"--as={ACCOUNT}", "-n", namespace)
    lines = []
    for line in said.splitlines()[1:]:
        match = re.match(r"^(\S*)\s+\[(.*?)\]\s+\[(.*?)\]\s+\[(.*?)\]$", line)
        assert match, line
        resource, paths, names, verbs = match.groups()
        if resource in EVERYBODYS or (not resource and not is_ours(paths)):
            continue
        what = resource or paths
        lines.append(f"{what}{f' [{names}]' if names else ''}: {' '.join(sorted(verbs.split()))}")
    return sorted(lines)


def is_ours(paths: str) -> bool:
    """Version, health and discovery are open to every account that is authenticated."""
    return not re.match(r"^/(api|apis|healthz|livez|readyz|openapi|openid|version|\.well-known)(/|$)", paths)


def golden_text(kubectl: Kubectl) -> str:
    places = ((SYSTEM_NAMESPACE, "In its own namespace"), (OTHER_NAMESPACE, "In any other namespace"))
    return "".join(f"{line}\n" for namespace, title in places for line in [f"# {title}", *rights(kubectl, namespace)])


def test_the_account_may_do_what_the_golden_file_says(mode: str, kubectl: Kubectl) -> None:
    file = GOLDEN / f"{mode}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        eventually(lambda: "todoappdeployments" in golden_text(kubectl), "the API server to know the roles")
        file.write_text(golden_text(kubectl))

    def same() -> bool:
        # The authorizer learns of roles a moment after they are made, or gone.
        assert golden_text(kubectl) == file.read_text()
        return True

    eventually(same, f"the rights of {file.name}", 40)


def test_who_reads_metrics_may_read_nothing_else(places: None, kubectl: Kubectl, cluster_helm: Helm) -> None:
    undo = installed("monitoring", kubectl, cluster_helm)
    try:
        role = yaml.safe_load(kubectl("get", "clusterrole", "todoapp-operator-metrics-reader", "-o", "yaml"))
        assert role["rules"] == [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]
    finally:
        undo()


def test_an_operator_of_one_namespace_may_do_nothing_elsewhere() -> None:
    """Read off the golden files, so that no update of them takes this away."""
    own, elsewhere = (GOLDEN / "namespaced.txt").read_text().split("# In any other namespace\n")
    assert "secrets: create delete get list patch watch" in own
    assert elsewhere == ""


def test_no_mode_has_a_right_on_nodes_roles_or_a_whole_group() -> None:
    for name in MODES:
        for line in Path(GOLDEN / f"{name}.txt").read_text().splitlines():
            assert "*" not in line, f"{name}: {line}"
            assert not re.match(r"(nodes|namespaces|(cluster)?role(binding)?s|persistentvolume)", line), f"{name}: {line}"
