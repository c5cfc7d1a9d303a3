"""The golden manifests are what a real API server takes as they are: no unknown field, no warning, Pod Security kept.

tests/unit/todoapp/desired/golden_test.cpp holds the renderer to these files; this test holds the files to Kubernetes.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from support.api import Api
from support.control_plane import REPOSITORY, Kubectl

GOLDEN = REPOSITORY / "tests" / "golden"
APPS = sorted((GOLDEN / "apps").glob("*.yaml"))
MANIFESTS = sorted(GOLDEN.glob("*/*.json"))


@pytest.fixture
def strict_namespace(api: Api, namespace: str) -> str:
    """Pod Security is enforced on pods only; of the templates that pods are made from it warns."""
    labels = {"pod-security.kubernetes.io/warn": "restricted"}
    api.patch("Namespace", namespace, None, {"metadata": {"labels": labels}})
    return namespace


def dry_run(kubectl: Kubectl, manifest: dict[str, object]) -> str:
    return kubectl("apply", "--server-side", "--field-manager=todoapp-operator", "--force-conflicts",
                   "--dry-run=server", "--validate=strict", "--warnings-as-errors", "--output=json", "--filename=-",
                   stdin=json.dumps(manifest))


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_manifest_is_accepted_without_a_warning(path: Path, kubectl: Kubectl, strict_namespace: str) -> None:
    manifest = json.loads(path.read_text())
    manifest["metadata"]["namespace"] = strict_namespace
    accepted = json.loads(dry_run(kubectl, manifest))
    assert accepted["metadata"]["name"] == manifest["metadata"]["name"]


@pytest.mark.parametrize("path", APPS, ids=lambda path: path.stem)
def test_app_that_they_are_made_from_is_accepted(path: Path, kubectl: Kubectl, strict_namespace: str) -> None:
    app = yaml.safe_load(path.read_text())
    app["metadata"]["namespace"] = strict_namespace
    dry_run(kubectl, app)


def test_there_is_a_manifest_of_every_kind() -> None:
    kinds = {path.name.split(".")[0] for path in MANIFESTS}
    assert kinds == {"ConfigMap", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job", "NetworkPolicy",
                     "PodDisruptionBudget", "Secret", "Service"}
