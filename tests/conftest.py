"""Options and fixtures of the integration and e2e tests.

One control plane serves a whole session; each test has a namespace of its own. Tests that share an operator take
`operator` (one process for a module and transport); tests that stop, kill or configure one take `new_operator`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import namespaces, rbac
from support.api import Api, ApiError, Object
from support.audit import AuditLog
from support.control_plane import REPOSITORY, ControlPlane, Kubectl
from support.operator_process import OperatorProcess
from support.operators import FAILED, OPERATOR_USERS, OperatorMaker
from support.pod_simulator import PodSimulator
from support.todo_app import TodoApp

TRANSPORTS = ["asio", "cpprestsdk"]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("todoapp")
    group.addoption("--operator", default=os.environ.get("TODOAPP_OPERATOR"),
                    help="the operator to test (default: $TODOAPP_OPERATOR, else build/dev/todoapp-operator)")
    group.addoption("--api-client", choices=[*TRANSPORTS, "both"], default="both",
                    help="with which transport the operator is tested (default: both, one after the other)")
    group.addoption("--cluster-dir", default=None,
                    help="use the control plane in this directory, and start and leave it there (default: a new one)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "transport" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--api-client")
        metafunc.parametrize("transport", TRANSPORTS if chosen == "both" else [chosen], scope="module")


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    kept = request.config.getoption("--cluster-dir")
    directory = Path(kept).absolute() if kept else tmp_path_factory.mktemp("cluster") / "plane"
    with ControlPlane(directory).serving(keep=bool(kept)) as plane:
        yield plane


@pytest.fixture(scope="session")
def api(cluster: ControlPlane) -> Api:
    """With all rights."""
    return cluster.api


@pytest.fixture(scope="session")
def kubectl(cluster: ControlPlane) -> Kubectl:
    return cluster.kubectl


@pytest.fixture(scope="session")
def simulator(cluster: ControlPlane) -> Iterator[PodSimulator]:
    plays = PodSimulator(cluster.api).start()
    yield plays
    plays.stop()


@pytest.fixture
def audit(cluster: ControlPlane) -> AuditLog:
    return AuditLog(cluster.audit_log, cluster.api)


@pytest.fixture
def make_namespace(api: Api, request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Makes namespaces that enforce Pod Security *restricted*; they are deleted when the test is over."""
    made: list[str] = []
    words = re.sub(r"[^a-z0-9]+", "-", request.node.originalname.removeprefix("test_").lower())[:30].strip("-")

    def make() -> str:
        made.append(namespaces.make_namespace(api, words))
        return made[-1]

    yield make
    for name in made:
        try:
            # Not waited for: the next test has a namespace of its own.
            api.delete("Namespace", name, missing_ok=True)
        except ApiError as refusal:
            print(f"namespace {name} stays: {refusal}")
        if "simulator" in request.fixturenames:
            request.getfixturevalue("simulator").forget(name)


@pytest.fixture
def namespace(make_namespace: Callable[[], str]) -> str:
    return make_namespace()


@pytest.fixture
def app(api: Api, namespace: str, simulator: PodSimulator) -> TodoApp:
    """An app that is not created yet; its pods will be ready soon, unless the test says otherwise."""
    return TodoApp(api, namespace)


@pytest.fixture(scope="session")
def operator_binary(request: pytest.FixtureRequest) -> Path:
    binary = Path(request.config.getoption("--operator") or REPOSITORY / "build" / "dev" / "todoapp-operator")
    assert binary.is_file(), f"no operator at {binary}: build it, or name it with --operator or TODOAPP_OPERATOR"
    return binary.absolute()


@pytest.fixture(scope="session")
def granted(cluster: ControlPlane) -> list[Object]:
    """Gives the operator's users what manifests/base gives its service account; returns those manifests."""
    if cluster.api.find("Namespace", rbac.SYSTEM_NAMESPACE) is None:
        cluster.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": rbac.SYSTEM_NAMESPACE}})
    objects = rbac.rendered(str(rbac.CLUSTER_WIDE))
    rbac.grant(cluster.api, objects, OPERATOR_USERS)
    return objects


@pytest.fixture(scope="module")
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def module_secrets() -> list[str]:
    """Secret values that no log of this module's operator may hold."""
    return []


@pytest.fixture
def secrets(module_secrets: list[str]) -> Callable[[str], str]:
    """Notes a value that must never be in a log, and hands it back."""

    def note(value: str) -> str:
        module_secrets.append(value)
        return value

    return note


@pytest.fixture(scope="module")
def operator(cluster: ControlPlane, granted: list[Object], operator_binary: Path, transport: str,
             simulator: PodSimulator, module_secrets: list[str],
             tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorProcess]:
    """A running operator that looks after all namespaces, shared by the tests of a module."""
    maker = OperatorMaker(cluster, operator_binary, transport, tmp_path_factory.mktemp("operator"))
    with maker.alone():
        yield maker()
        maker.finish(module_secrets)


@pytest.fixture
def new_operator(cluster: ControlPlane, granted: list[Object], operator_binary: Path, transport: str,
                 simulator: PodSimulator, module_secrets: list[str], tmp_path: Path) -> Iterator[OperatorMaker]:
    """Starts operators for one test: `new_operator("--leader-elect", user=...)`."""
    maker = OperatorMaker(cluster, operator_binary, transport, tmp_path)
    with maker.alone():
        yield maker
        maker.finish(module_secrets)


@pytest.fixture(autouse=True)
def the_operator_lives(request: pytest.FixtureRequest) -> Iterator[None]:
    """A shared operator that dies or restarts in the middle of a test is a failure of that test."""
    shared = request.getfixturevalue("operator") if "operator" in request.fixturenames else None
    before = shared.pid if shared else None
    secrets = request.getfixturevalue("module_secrets") if shared else []
    yield
    if shared:
        assert shared.is_running, f"the operator died\n{shared.last_lines()}"
        assert shared.pid == before, "the operator is another process than before the test"
        shared.assert_silent_about(secrets)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
    """Shows the end of the operators' logs with a failure."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    if report.failed and hasattr(item, "funcargs"):
        shared = item.funcargs.get("operator")
        maker = item.funcargs.get("new_operator")
        for process in [*([shared] if shared else []), *(maker.made if maker else [])]:
            report.sections.append((f"log of {process.user} ({process.log_file})", process.last_lines()))
    return report


def pytest_sessionstart(session: pytest.Session) -> None:
    # A CI that has had enough sends TERM: then, too, the control plane and the operators must not stay behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if shutil.which("kubectl") is None:
        pytest.exit("kubectl is missing", returncode=2)
