"""Fixtures of the tests with real pods: one real node and one operator for a whole session, and apps that go their
ways side by side. What is measured is printed at the end of the session.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.api import Api, Object
from support.images import todo_images
from support.namespaces import make_namespace
from support.operator_process import OperatorProcess
from support.operators import OperatorMaker
from support.real_node import QUICK, RealCluster, real_cluster
from support.registry import BusyRegistry
from support.timeline import Timeline
from support.trials import KINDS, Figures, MakeTrial, Trial

FIGURES = pytest.StashKey[Figures]()


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    with real_cluster(request, tmp_path_factory) as node:
        yield node


@pytest.fixture(scope="session")
def module_secrets() -> list[str]:
    """Secret values that no log of the operator may hold."""
    return []


@pytest.fixture(scope="session")
def operator(request: pytest.FixtureRequest, cluster: RealCluster, granted: list[Object], operator_binary: Path,
             module_secrets: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """One for all: a cluster has one. What its transports differ in is no matter of pods."""
    chosen = request.config.getoption("--api-client")
    maker = OperatorMaker(cluster, operator_binary, "asio" if chosen == "both" else chosen,
                          tmp_path_factory.mktemp("operator"))
    with maker.alone():
        yield maker()
        maker.finish(module_secrets)


@pytest.fixture(scope="session")
def make_trial(api: Api, operator: OperatorProcess) -> Iterator[MakeTrial]:
    """An app that is not created yet, in a namespace of its own that enforces Pod Security *restricted*."""
    made: list[str] = []

    def make(name: str) -> Trial:
        namespace = make_namespace(api, name)
        made.append(namespace)
        return Trial(api, timeline, namespace)

    with Timeline(api, KINDS) as timeline:
        yield make
    for namespace in made:
        api.delete("Namespace", namespace, missing_ok=True)


@pytest.fixture(scope="session")
def busy_registry(cluster: RealCluster) -> Iterator[BusyRegistry]:
    """On this machine's end of the link, beside the node's own registries: it answers, and only that it cannot."""
    with BusyRegistry(cluster.host_address) as busy:
        yield busy


# What a pull that fails says takes a minute to believe: these begin with the first tests and are judged by the last. The
# first two ask the node's own registries, of which one knows no such image and the other wants a password.
PULLS = {"missing": "localhost/todo-backend:9.9.9", "private": "private.localhost/todo-backend:1.1.0",
         "unavailable": "host.localhost/todo-backend:1.1.0"}
# What waits for the network is past its deadline by then; what is refused is not, so that the grace ends first.
PULL_DEADLINES: Object = {"unavailable": {"progressDeadlineSeconds": 10}}


@pytest.fixture(scope="session")
def pulls(make_trial: MakeTrial, busy_registry: BusyRegistry) -> dict[str, Trial]:
    """Apps whose backend is asked to become an image that cannot be pulled."""
    trials = {name: make_trial(f"{name}-image") for name in PULLS}
    for trial in trials.values():
        trial.install(QUICK)
    for name, trial in trials.items():
        trial.wait_installed().change({"backend": {"image": PULLS[name]}, "upgrade": PULL_DEADLINES.get(name, {})})
    return trials


@pytest.fixture(scope="session")
def pushed(cluster: RealCluster) -> Callable[[str, str], str]:
    """Puts an image of docker/ into the node's registry under a tag, and returns its name there. It has a folder of its
    own, for the stand-ins have the plain names."""
    archives = todo_images()

    def push(name: str, tag: str) -> str:
        image = f"localhost/todoapp/{name}:{tag}"
        cluster.push(archives[name], image)
        return image

    return push


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Figures:
    """What was measured, by its name: printed when all is over."""
    return request.config.stash.setdefault(FIGURES, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash.get(FIGURES, {})
    if found:
        terminalreporter.section("measured with real pods")
        for what, value in found.items():
            terminalreporter.write_line(f"{what}: {value}")
