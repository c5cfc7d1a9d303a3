"""Fixtures of the guides: one real node with the operator in it for all pages; and at the end, what was run and what not.

The node has the real Todo app as localhost/todo-{backend,frontend}:1.0.0 and 1.1.0, and the stand-ins under their other tags
(1.2.0, bad-crash, bad-unready, ...).
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from support.charts import tool
from support.control_plane import LOCAL, REPOSITORY, run
from support.guides import RAN, Guide
from support.images import todo_images
from support.pages import Page, Unreadable, documents
from support.real_node import RealCluster, real_cluster
from support.todo_app import TodoApp
from support.waiting import eventually

APP_TAGS = ("1.0.0", "1.1.0")
LOAD_SECONDS = 180
GONE_SECONDS = 240
READY_SECONDS = 240

MakeGuide = Callable[..., Guide]


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    with real_cluster(request, tmp_path_factory) as node:
        yield node


def retagged(archive: Path, name: str, target: Path) -> None:
    """The same image under each of the app's tags."""
    with tarfile.open(archive) as old, tarfile.open(target, "w") as new:
        for entry in old:
            content = old.extractfile(entry) if entry.isfile() else None
            if entry.name == "manifest.json" and content:
                (image,) = json.load(content)
                image["RepoTags"] = [f"localhost/{name}:{tag}" for tag in APP_TAGS]
                data = json.dumps([image]).encode()
                entry.size, content = len(data), io.BytesIO(data)
            if entry.name != "repositories":
                new.addfile(entry, content)


@pytest.fixture(scope="session")
def images(cluster: RealCluster, operator_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a reader has built and loaded: the operator's image, and the app's."""
    folder = tmp_path_factory.mktemp("images")
    program, operator = folder / "todoapp-operator", folder / "todoapp-operator.tar"
    program.symlink_to(operator_binary)
    run([str(REPOSITORY / "cluster" / "pack-image"), str(program), str(operator)])
    archives = [operator]
    for name, archive in todo_images().items():
        archives.append(folder / f"{name}.tar")
        retagged(archive, name, archives[-1])
    run([str(LOCAL), "load-image", *map(str, archives), "--dir", str(cluster.directory)], seconds=LOAD_SECONDS)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def variables(cluster: RealCluster, operator_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What a reader's shell has: kubectl, helm and the plugin, and this cluster as the current one."""
    folder = tmp_path_factory.mktemp("reader")
    places = [str(operator_binary.parent), str(Path(tool("helm")).parent), os.environ["PATH"]]
    homes = {f"HELM_{name}_HOME": str(folder / name) for name in ("CACHE", "CONFIG", "DATA")}
    return {"KUBECONFIG": str(cluster.kubeconfig), "TODOAPP_CLUSTER_DIR": str(cluster.directory), "LC_ALL": "C.UTF-8",
            "PATH": ":".join(places), **homes}


@pytest.fixture(scope="session")
def installed(cluster: RealCluster, images: None) -> None:
    """The operator, in the cluster, by its manifests."""
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "-k", str(REPOSITORY / "manifests/overlays/cluster-wide"))
    cluster.kubectl("-n", "todoapp-system", "rollout", "status", "deployment/todoapp-operator", "--timeout=2m")


@pytest.fixture(scope="session")
def make_guide(variables: Mapping[str, str]) -> MakeGuide:
    """`make_guide("docs/deployment/configuration.md", steps={"the node is away": function}, replaced={...})`"""

    def make(page: str, steps: Mapping[str, Callable[[], object]] | None = None,
             replaced: Mapping[str, str] | None = None) -> Guide:
        return Guide(REPOSITORY / page, variables, replaced or {}, steps)

    return make


@pytest.fixture
def todo(cluster: RealCluster, installed: None) -> Iterator[TodoApp]:
    """The app of manifests/local, new and ready, as deploy-local.sh leaves it: `todo` in the namespace `todo`."""
    kubectl = cluster.kubectl
    forget(cluster, "todo")
    kubectl("create", "namespace", "todo")
    kubectl("label", "namespace", "todo", "pod-security.kubernetes.io/enforce=restricted")
    kubectl("-n", "todo", "apply", "-f", str(REPOSITORY / "manifests" / "local" / "todo.yaml"))
    # A live setting, and all that is other than a reader has it: guides have many rollouts.
    kubectl("-n", "todo", "patch", "tad", "todo", "--type=merge", "-p", '{"spec":{"upgrade":{"soakSeconds":1}}}')
    app = TodoApp(cluster.api, "todo")
    app.wait_ready(READY_SECONDS)
    yield app
    # Not waited for: whoever needs the name next does.
    cluster.api.delete("Namespace", "todo", missing_ok=True)


@pytest.fixture
def nothing(cluster: RealCluster, images: None) -> Iterator[None]:
    """No app yet: the node's port and the namespace `todo` are free."""
    forget(cluster, "todo")
    yield
    cluster.api.delete("Namespace", "todo", missing_ok=True)


def forget(cluster: RealCluster, namespace: str) -> None:
    """Waits until it is gone, for its node port is needed again; so are volumes, of which the node has twelve."""
    api = cluster.api
    api.delete("Namespace", namespace, missing_ok=True)
    eventually(lambda: api.find("Namespace", namespace) is None, f"the namespace {namespace} to be gone", GONE_SECONDS)
    for volume in json.loads(cluster.kubectl("get", "persistentvolumes", "-o", "json"))["items"]:
        if volume["status"]["phase"] == "Released":
            folder = Path(volume["spec"]["local"]["path"])
            for entry in folder.iterdir():
                if entry.is_dir():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
            cluster.kubectl("patch", "persistentvolume", volume["metadata"]["name"], "--type=merge", "-p",
                            '{"spec":{"claimRef":null}}')


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Every block of commands that nobody runs, with its reason."""
    terminalreporter.section("commands in the documents")
    blocks, marked = 0, 0
    for document in documents():
        try:
            page = Page(document)
        except Unreadable:
            continue  # A failed test has told it.
        if page.name in RAN:
            terminalreporter.write_line(f"{page.name}: {RAN[page.name]} blocks run here")
        for block in page.blocks:
            blocks += 1
            if reason := block.marked("not-here"):
                marked += 1
                terminalreporter.write_line(f"{block.place}: not run: {reason}")
    terminalreporter.write_line(f"{blocks} blocks of commands in all; {marked} of them are run by nobody, each for its reason")
