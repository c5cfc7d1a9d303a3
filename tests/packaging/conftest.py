"""Fixtures of the tests of charts, rights and monitoring. Most of them render and judge, and need no cluster; those that
install take the control plane of tests/conftest.py, which has no node.
"""

from __future__ import annotations

import pytest

from support.charts import Helm
from support.control_plane import ControlPlane

# The operator decides the same with either transport: what is tested here is not one of them.
TRANSPORT = "asio"


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Without a cluster."""
    return Helm(tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def cluster_helm(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """As the cluster's administrator."""
    return Helm(tmp_path_factory.mktemp("helm"), cluster.kubeconfig)


@pytest.fixture(scope="module")
def transport() -> str:
    return TRANSPORT
