"""Other people's judgement of what is installed: Kubernetes' own schemas of each supported version (kubeconform), good
habits (kube-score), and an API server that enforces Pod Security *restricted*.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.api import Object
from support.charts import APP_CHART, OPERATOR_CHART, Helm, Values, of_kind, tool, values_of
from support.control_plane import REPOSITORY, Kubectl
from support.rbac import rendered
from support.schemas import PATTERN, crds_of, lay_out, minor_versions

OVERLAYS = REPOSITORY / "manifests" / "overlays"
CRDS = [*crds_of(REPOSITORY / "crds" / "apps.todoapp.dev_todoappdeployments.yaml"),
        *crds_of(REPOSITORY / "tests" / "support" / "monitoring_crds.yaml")]
JUDGE_SECONDS = 60
ACCOUNT = "the-pods"

# All objects that the chart can make.
EVERYTHING: Values = {
    "replicaCount": 2,
    "metrics": {"requireAuthorization": True, "serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True},
                "dashboard": {"enabled": True}},
    "networkPolicy": {"enabled": True},
}

Install = Callable[[Helm], list[Object]]


def chart(values: Values) -> Install:
    return lambda helm: helm.rendered(OPERATOR_CHART, values)


INSTALLS: dict[str, Install] = {
    "chart": chart({}),
    "chart-dev": chart(values_of(OPERATOR_CHART, "values-dev.yaml")),
    "chart-everything": chart(EVERYTHING),
    "chart-namespaced": chart({"watchNamespaces": ["team-a"], "metrics": {"tls": {"secretName": "tls"}}}),
    **{overlay: (lambda helm, folder=OVERLAYS / overlay: rendered(str(folder)))  # type: ignore[misc]
       for overlay in ("cluster-wide", "namespaced", "monitoring")},
}


def supported() -> list[int]:
    """What the charts say that they need, as far as there are schemas."""
    said = [values_of(folder, "Chart.yaml")["kubeVersion"] for folder in (OPERATOR_CHART, APP_CHART)]
    lowest = {re.match(r">=1\.(\d+)\.0-0$", words) for words in said}
    (least,) = {int(match[1]) for match in lowest if match}
    found = [minor for minor in minor_versions() if minor >= least]
    assert found[0] == least and len(found) >= 5
    return found


@pytest.fixture(scope="module")
def everything(helm: Helm) -> list[Object]:
    """All installs at once, and apps."""
    apps = [entry for file in ("values.yaml", "values-dev.yaml")
            for entry in helm.rendered(APP_CHART, values_of(APP_CHART, file), name="todo")]
    found = apps + [entry for install in INSTALLS.values() for entry in install(helm)]
    return [json.loads(text) for text in sorted({json.dumps(entry) for entry in found})]


def stream(objects: list[Object]) -> str:
    """As YAML documents: JSON is YAML, and far quicker to write."""
    return "".join(f"---\n{json.dumps(entry, indent=1)}\n" for entry in objects)


def kubeconform(folder: Path, minor: int, objects: list[Object]) -> str:
    """What it says of objects that are not as they should be; empty where all are good."""
    lay_out(folder, minor, objects, CRDS)
    done = subprocess.run([tool("kubeconform"), "-strict", "-output=json", "-summary", f"-kubernetes-version=1.{minor}.0",
                           f"-schema-location={folder}/{PATTERN}"], input=stream(objects), text=True,
                          capture_output=True, timeout=JUDGE_SECONDS, check=False)
    said = json.loads(done.stdout)
    if done.returncode == 0:
        assert said["summary"]["valid"] == len(objects), said
        return ""
    return json.dumps(said["resources"])


@pytest.mark.parametrize("minor", supported(), ids=lambda minor: f"1.{minor}")
def test_every_object_is_one_that_kubernetes_of_that_version_knows(everything: list[Object], tmp_path: Path,
                                                                   minor: int) -> None:
    assert len(everything) > 40
    assert kubeconform(tmp_path, minor, everything) == ""


@pytest.mark.parametrize(("kind", "path", "field"), [
    ("Deployment", ("spec", "template", "spec"), "terminationGrace"),
    ("ServiceMonitor", ("spec",), "selectors"),
    ("TodoAppDeployment", ("spec", "backend"), "imagee"),
])
def test_a_field_that_does_not_exist_is_found(everything: list[Object], tmp_path: Path, kind: str, path: tuple[str, ...],
                                              field: str) -> None:
    entry = json.loads(json.dumps(of_kind(everything, kind)[0]))
    place: Any = entry
    for name in path:
        place = place[name]
    place[field] = "x"
    assert field in kubeconform(tmp_path, supported()[-1], [entry])


# What kube-score finds and we leave as it is, with the reason. A finding that is not here fails, and so does an exception
# that nothing needs any more.
EXCEPTIONS: dict[str, str] = {
    "container-ephemeral-storage-request-and-limit":
        "the root file system is read-only and there is no volume to write to, so there is nothing to limit",
    "container-security-context-user-group-id":
        "user 1001 is that of all images of this project; Pod Security restricted asks for no higher one",
    "container-image-pull-policy":
        "a tag is never moved, and a node that has the image must be able to start the pod without a registry",
}
# Of one install alone.
EXCEPTIONS_OF: dict[str, dict[str, str]] = {
    "pod-networkpolicy": {
        **{install: "who may scrape is for the cluster's owner to say: networkPolicy.enabled, or a policy of one's own"
           for install in INSTALLS},
        "chart-everything": "what goes out goes to the API server, whose address no chart can know"},
    "deployment-replicas": {
        "monitoring": "one replica is enough: apps go on without it, and the Service is there for Prometheus alone"},
    "deployment-has-host-podantiaffinity": {
        "chart-everything": "where replicas run is for the cluster's owner to say: topologySpreadConstraints, affinity"},
}


def findings(objects: list[Object]) -> dict[str, list[str]]:
    """Checks that kube-score is not content with, and of which objects. The pod of `helm test` is none of them: it lives
    for a second."""
    lasting = [entry for entry in objects if entry["kind"] not in ("Pod", "TodoAppDeployment")]
    done = subprocess.run([tool("kube-score"), "score", "--kubernetes-version=v1.36", "--output-format=json", "-"],
                          input=stream(lasting), text=True, capture_output=True, timeout=JUDGE_SECONDS, check=False)
    found: dict[str, list[str]] = {}
    scored = json.loads(done.stdout)
    assert scored, done.stderr
    for entry in scored:
        for check in entry["checks"]:
            if not check["skipped"] and check["grade"] < 10:
                found.setdefault(check["check"]["id"], []).append(entry["object_name"])
    return found


@pytest.mark.parametrize("install", INSTALLS)
def test_kube_score_finds_only_what_is_explained(helm: Helm, install: str) -> None:
    explained = set(EXCEPTIONS) | {check for check, installs in EXCEPTIONS_OF.items() if install in installs}
    assert set(findings(INSTALLS[install](helm))) == explained


@pytest.mark.parametrize("install", INSTALLS)
def test_every_pod_passes_pod_security_restricted(helm: Helm, kubectl: Kubectl, namespace: str, install: str) -> None:
    objects = INSTALLS[install](helm)
    templates = [entry["spec"]["template"] for entry in of_kind(objects, "Deployment")]
    pods = [{"apiVersion": "v1", "kind": "Pod",
             "metadata": {"name": f"pod-{number}", "labels": pod["metadata"]["labels"]},
             "spec": {**pod["spec"], "serviceAccountName": ACCOUNT}}
            for number, pod in enumerate([*templates, *of_kind(objects, "Pod")])]
    assert pods
    kubectl("-n", namespace, "create", "serviceaccount", ACCOUNT)
    said = kubectl("-n", namespace, "create", "--dry-run=server", "--validate=strict", "-f", "-",
                   stdin=stream(pods))
    assert said.count("created (server dry run)") == len(pods)
    assert "warning" not in said.lower()


def test_a_pod_that_is_not_restricted_is_refused_there(kubectl: Kubectl, namespace: str, helm: Helm) -> None:
    (deployment,) = of_kind(helm.rendered(OPERATOR_CHART, {"podSecurityContext": {"runAsNonRoot": False}}), "Deployment")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "loose"},
           "spec": {**deployment["spec"]["template"]["spec"], "serviceAccountName": ACCOUNT}}
    kubectl("-n", namespace, "create", "serviceaccount", ACCOUNT)
    with pytest.raises(AssertionError, match='violates PodSecurity "restricted:latest"'):
        kubectl("-n", namespace, "create", "--dry-run=server", "-f", "-", stdin=stream([pod]))
