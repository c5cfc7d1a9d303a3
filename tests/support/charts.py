"""The charts in helm/, and Helm itself: what they render, and installs of them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from support.api import Object
from support.control_plane import REPOSITORY, run
from support.rbac import documents

OPERATOR_CHART = REPOSITORY / "helm" / "todoapp-operator"
APP_CHART = REPOSITORY / "helm" / "todoapp"

HELM_SECONDS = 300

Values = Mapping[str, Any]


def tool(name: str) -> str:
    # Ours first: another Helm renders and installs otherwise.
    found = shutil.which(name, path=f"{REPOSITORY / 'build' / 'tools' / 'bin'}:{os.environ['PATH']}")
    assert found, f"{name} is missing: cluster/build --tools makes one, and scripts/test.sh puts it in PATH"
    return found


class Helm:
    """With a kubeconfig, or without for what needs no cluster. Its own folders lie in `home`."""

    def __init__(self, home: Path, kubeconfig: Path | None = None) -> None:
        self._variables = [f"HELM_{name}_HOME={home / name.lower()}" for name in ("CACHE", "CONFIG", "DATA")]
        self._flags = [f"--kubeconfig={kubeconfig}"] if kubeconfig else []

    def __call__(self, *arguments: str, values: Values | None = None, seconds: float = HELM_SECONDS) -> str:
        """What it prints. `values` are given as a file, as a user gives them."""
        given = ["--values", "-"] if values is not None else []
        text = yaml.safe_dump(dict(values)) if values is not None else None
        return run(["env", *self._variables, tool("helm"), *self._flags, *arguments, *given], stdin=text, seconds=seconds)

    def rendered(self, chart: Path, values: Values | None = None, *flags: str, name: str = "todoapp-operator",
                 namespace: str = "todoapp-system") -> list[Object]:
        """All objects that an install would make, hooks included."""
        text = self("template", name, str(chart), "--namespace", namespace, *flags, values=values or {})
        return documents(text)


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [entry for entry in objects if entry["kind"] == kind]


def named(objects: list[Object], kind: str, name: str) -> Object:
    (found,) = [entry for entry in of_kind(objects, kind) if entry["metadata"]["name"] == name]
    return found


def hooks(objects: list[Object]) -> list[Object]:
    return [entry for entry in objects if "helm.sh/hook" in entry["metadata"].get("annotations", {})]


def values_of(chart: Path, file: str = "values.yaml") -> Object:
    made: Object = yaml.safe_load((chart / file).read_text())
    return made


def json_of(file: Path) -> Object:
    made: Object = json.loads(file.read_text())
    return made
