"""All rows that may run side by side are run before the first test looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rows import undisturbed
from run import Model, World
from support.api import Object
from support.births import Births
from support.certificates import make_certificates
from support.control_plane import ControlPlane
from support.kubeconfig import read_kubeconfig
from support.operators import OPERATOR_USERS
from support.pod_simulator import PodSimulator


@pytest.fixture(scope="module")
def world(cluster: ControlPlane, granted: list[Object], simulator: PodSimulator, operator_binary: Path, transport: str,
          tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("fault")
    user = OPERATOR_USERS[0]
    births = Births(cluster.api).start()
    yield World(cluster, births, simulator, read_kubeconfig(cluster.user(user)), read_kubeconfig(cluster.kubeconfig),
                make_certificates(folder), operator_binary, transport, user, folder)
    births.stop()


@pytest.fixture(scope="module")
def model(world: World) -> Model:
    """What an undisturbed run comes to."""
    return undisturbed(world)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What does not depend on the transport is run with the first one only."""
    left_out = [item for item in items if "cpprestsdk" in item.name and not item.get_closest_marker("both_transports")
                and Path(__file__).parent in item.path.parents]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_transports: a row about the wire")
