"""All lives are lived before the first test looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from life import World
from lives import Lives, live_all
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
    folder = tmp_path_factory.mktemp("crash")
    user = OPERATOR_USERS[0]
    births = Births(cluster.api).start()
    yield World(cluster.api, births, simulator, read_kubeconfig(cluster.user(user)), make_certificates(folder),
                operator_binary, transport, user, folder)
    births.stop()


@pytest.fixture(scope="module")
def lives(world: World) -> Iterator[Lives]:
    lived = live_all(world)
    yield lived
    for life in [*lived.undisturbed, *lived.struck]:
        world.api.delete("Namespace", life.namespace, missing_ok=True)
        world.simulator.forget(life.namespace)
