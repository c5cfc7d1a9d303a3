"""What docs/deployment/install.md says of a Helm and of a change to it, typed as it stands there, on a cluster whose pods are
simulated: no operator works in it, so what is asked is who owns what. (Real pods: tests/e2e.)
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.charts import OPERATOR_CHART, Helm
from support.control_plane import LOCAL, REPOSITORY, run
from support.guides import Guide

# A first run may have to build Kubernetes.
UP_SECONDS = 1800
SYSTEM = ("-n", "todoapp-system")


class Cluster:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def kubectl(self, *arguments: str) -> str:
        return run([str(LOCAL), "kubectl", "--dir", str(self.directory), "--", *arguments])

    def operator(self, path: str) -> str:
        return self.kubectl(*SYSTEM, "get", "deployment", "todoapp-operator", "-o", f"jsonpath={{{path}}}")

    def crd(self, path: str) -> str:
        return self.kubectl("get", "crd", "todoappdeployments.apps.todoapp.dev", "-o", f"jsonpath={{{path}}}")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    directory = tmp_path_factory.mktemp("install") / "local"
    try:
        run([str(LOCAL), "up", "--nodes", "simulated", "--dir", str(directory)], seconds=UP_SECONDS)
        yield Cluster(directory)
    finally:
        run([str(LOCAL), "down", "--dir", str(directory)])


@pytest.fixture(scope="module")
def guide(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Guide:
    """A reader's shell, which has this cluster's kubectl and no Helm."""
    home = tmp_path_factory.mktemp("helm")
    places = [place for place in os.environ["PATH"].split(":") if not (Path(place) / "helm").exists()]
    variables = {"TODOAPP_CLUSTER_DIR": str(cluster.directory), "PATH": ":".join([str(cluster.directory / "bin"), *places]),
                 **{f"HELM_{name}_HOME": str(home / name) for name in ("CACHE", "CONFIG", "DATA")}}
    assert shutil.which("helm", path=variables["PATH"]) is None
    return Guide(REPOSITORY / "docs" / "deployment" / "install.md", variables, {})


@pytest.fixture
def helm(cluster: Cluster, tmp_path: Path) -> Helm:
    return Helm(tmp_path, cluster.directory / "kubeconfig")


def test_what_the_manifests_installed_is_handed_over_to_helm(cluster: Cluster, guide: Guide) -> None:
    guide.run("A Helm on your PATH")
    guide.run("Install")
    cluster.kubectl("create", "namespace", "shop")
    cluster.kubectl("-n", "shop", "apply", "-f", str(REPOSITORY / "manifests" / "samples" / "generated.yaml"))
    selector, crd = cluster.operator(".spec.selector"), cluster.crd(".metadata.uid")
    apps = cluster.kubectl("get", "tad", "-A", "-o", "jsonpath={.items[*].metadata.uid}")
    said = guide.run("From manifests to Helm")
    assert "STATUS: deployed" in said
    # The reason why the page deletes it: were they the same, it would say too much.
    assert cluster.operator(".spec.selector") != selector
    assert cluster.operator(".metadata.labels.app\\.kubernetes\\.io/managed-by") == "Helm"
    assert cluster.crd(".metadata.uid") == crd
    assert cluster.kubectl("get", "tad", "-A", "-o", "jsonpath={.items[*].metadata.uid}") == apps
    with pytest.raises(AssertionError, match='conflicts with "helm"'):
        cluster.kubectl("apply", "--server-side", "-k", str(REPOSITORY / "manifests" / "overlays" / "cluster-wide"))


def test_a_release_that_failed_because_the_deployment_was_there_is_mended_by_the_same_commands(
        cluster: Cluster, guide: Guide, helm: Helm) -> None:
    helm("uninstall", "todoapp-operator", *SYSTEM, "--ignore-not-found", "--wait")
    guide.run("Install")
    with pytest.raises(AssertionError, match="field is immutable"):
        helm("install", "todoapp-operator", str(OPERATOR_CHART), *SYSTEM, "--take-ownership", "--force-conflicts")
    assert "STATUS: deployed" in guide.run("From manifests to Helm")
