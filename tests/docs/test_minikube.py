"""docs/deployment/minikube-setup.md: the steps that are the same on any cluster."""

from __future__ import annotations

from conftest import MakeGuide

from support.ports import free_port


def test_the_minikube_guide(nothing: None, make_guide: MakeGuide) -> None:
    port = str(free_port())
    make_guide("docs/deployment/minikube-setup.md", replaced={" 8080:80": f" {port}:80", "127.0.0.1:8080": f"127.0.0.1:{port}"}
               ).follow()
