"""Fixtures of the harness's own tests: a fault proxy before the API server, and a client that goes through it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.api import Api
from support.certificates import make_certificates
from support.control_plane import ControlPlane
from support.fault_proxy import FaultProxy
from support.kubeconfig import read_kubeconfig


@pytest.fixture
def proxy(cluster: ControlPlane, tmp_path: Path) -> Iterator[FaultProxy]:
    with FaultProxy(read_kubeconfig(cluster.kubeconfig), make_certificates(tmp_path)) as proxy:
        yield proxy


@pytest.fixture
def through(proxy: FaultProxy, tmp_path: Path) -> Api:
    return Api.from_kubeconfig(proxy.write_kubeconfig(tmp_path / "kubeconfig"))
