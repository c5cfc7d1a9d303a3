"""docs/deployment/configuration.md, with real pods; and its defaults, which are those of the CRD."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
import yaml
from conftest import MakeGuide

from support.control_plane import REPOSITORY, Kubectl
from support.todo_app import TodoApp

GUIDE = REPOSITORY / "docs" / "deployment" / "configuration.md"
MADE = REPOSITORY / "build" / "my-operator"


@pytest.fixture
def operator_as_before(kubectl: Kubectl) -> Iterator[None]:
    """Other guides have it as the manifests do."""
    yield
    kubectl("apply", "--server-side", "--force-conflicts", "-k", str(REPOSITORY / "manifests/overlays/cluster-wide"))
    kubectl("-n", "todoapp-system", "rollout", "status", "deployment/todoapp-operator", "--timeout=2m")
    shutil.rmtree(MADE, ignore_errors=True)


def test_the_configuration_guide(todo: TodoApp, make_guide: MakeGuide, operator_as_before: None) -> None:
    make_guide("docs/deployment/configuration.md").follow()


def test_the_defaults_of_a_tier_are_those_of_the_crd() -> None:
    crd = yaml.safe_load((REPOSITORY / "crds" / "apps.todoapp.dev_todoappdeployments.yaml").read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    rows = {name: (frontend, backend) for name, frontend, backend
            in re.findall(r"^\| `([\w.]+)` \| ([^|]+) \| ([^|]+) \|", GUIDE.read_text(), re.M)}
    for place, tier in enumerate(("frontend", "backend")):
        fields = spec[tier]["properties"]
        for field in ("replicas", "port"):
            assert rows[field][place] == str(fields[field]["default"])
        for part in ("requests", "limits"):
            default = fields["resources"]["properties"][part]["default"]
            assert rows[f"resources.{part}"][place] == f"{default['cpu']}, {default['memory']}"
