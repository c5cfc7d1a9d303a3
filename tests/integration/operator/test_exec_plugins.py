"""No program is run that something in the API names, wherever it stands: exec plugins are for kubeconfig files."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
import yaml

from support.api import Api
from support.audit import AuditLog
from support.operator_process import OperatorProcess
from support.todo_app import TodoApp


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A program that leaves a trace beside it."""
    program = tmp_path / "plugin"
    program.write_text(f"#!/bin/sh\necho run >>{tmp_path}/trace\n")
    program.chmod(0o755)
    subprocess.run([program], check=True, timeout=10)
    trace = tmp_path / "trace"
    assert trace.exists()
    trace.unlink()
    return program


def kubeconfig_with(program: Path) -> str:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program), "interactiveMode": "Never"}
    return yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "it", "user": {"exec": plugin}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}]})


def test_no_program_is_run_that_an_app_or_a_secret_names(
        app: TodoApp, api: Api, operator: OperatorProcess, audit: AuditLog, plugin: Path) -> None:
    text = kubeconfig_with(plugin)
    secret = {"name": "KUBECONFIG_DATA", "policy": "Pinned",
              "valueFrom": {"secretKeyRef": {"name": "a-kubeconfig", "key": "kubeconfig"}}}
    api.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a-kubeconfig", "namespace": app.namespace},
                "data": {"kubeconfig": base64.b64encode(text.encode()).decode()}})
    app.create({"config": {"KUBECONFIG": str(plugin), "A_KUBECONFIG": text}, "secrets": [secret],
                "backend": {"podAnnotations": {"example.org/kubeconfig": text}}}, annotations={"example.org/kubeconfig": text})
    app.wait_ready()
    app.patch({"config": {"A_KUBECONFIG": f"{text}# changed"}})
    app.wait_ready()
    audit.settled([operator.user], app.namespace, quiet=0.5)
    assert not plugin.with_name("trace").exists()
