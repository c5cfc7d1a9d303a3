"""A cluster with real pods, made by `cluster/local`: kubelet, containerd, runc, kube-proxy, and the stand-in images.

What a pod serves is asked at its address, which this machine reaches by the cluster's own link. The images hold
nothing but their program, so a process's environment is read where the kernel keeps it.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import urllib3

from support.api import Object
from support.control_plane import UP_SECONDS, ControlPlane, status_of

# Small enough that a node with two cores holds the pods of all tests at once.
SMALL: Object = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "500m", "memory": "64Mi"}}

# For tests that watch no clock and no client: pods that end at once, and a soak that is there but short.
QUICK: Object = {
    "frontend": {"resources": SMALL, "preStopSeconds": 0},
    "backend": {"resources": SMALL, "preStopSeconds": 0},
    "upgrade": {"soakSeconds": 2},
}

ANSWER_SECONDS = 30.0
NO_ROOT = "real pods need root: kubelet, containerd and network namespaces; run this as root"


class RealCluster(ControlPlane):
    """One node, with all that a real one runs. Needs root."""

    node_address: str

    def up(self) -> RealCluster:
        self._local("up", "--nodes", "real", seconds=UP_SECONDS)
        self._local("stand-in", seconds=UP_SECONDS)
        self.node_address = status_of(self.directory)["node_address"]
        self._connect()
        return self

    def push(self, archive: Path, image: str) -> None:
        """To the registry that the node pulls from."""
        self._local("push", str(archive), "--name", image)

    @property
    def host_address(self) -> str:
        """The machine's own end of the link: where images named host.localhost/... are pulled from, at port 5000."""
        return str(ipaddress.ip_address(self.node_address) - 1)

    def free_millicores(self) -> int:
        """What pods may still ask for, once those are gone that are on their way out."""
        (node,) = self.api.list("Node")
        pods = [pod for pod in self.api.list("Pod") if pod["status"].get("phase") in ("Pending", "Running")
                and "deletionTimestamp" not in pod["metadata"]]
        asked = sum(_millicores(container.get("resources", {}).get("requests", {}).get("cpu", "0"))
                    for pod in pods if pod["spec"].get("nodeName") for container in pod["spec"]["containers"])
        return _millicores(node["status"]["allocatable"]["cpu"]) - asked


@contextmanager
def real_cluster(request: pytest.FixtureRequest, folders: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """A session's own, or the one of --cluster-dir, which is kept; skips without root."""
    if os.geteuid() != 0:
        pytest.skip(NO_ROOT)
    kept = request.config.getoption("--cluster-dir")
    node = RealCluster(Path(kept).absolute() if kept else folders.mktemp("node") / "real")
    with node.serving(keep=bool(kept)):
        yield node


def _millicores(quantity: str) -> int:
    return int(quantity[:-1]) if quantity.endswith("m") else 1000 * int(quantity)


class Page(NamedTuple):
    """What a stand-in says of itself."""

    program: str
    version: str
    pod: str


def page_of(text: str) -> Page:
    """Of "todo-backend 1.0.0 on todo-backend-7747-x2p4q"."""
    program, version, _, pod = text.split()
    return Page(program, version, pod)


def ask_pod(pod: Object, port: int) -> Page:
    address = pod["status"]["podIP"]
    answer = urllib3.PoolManager(retries=False).request("GET", f"http://{address}:{port}/", timeout=ANSWER_SECONDS)
    assert answer.status == 200, f"{pod['metadata']['name']}: {answer.status}"
    return page_of(answer.data.decode())


def environment_of(pod_name: str) -> dict[str, str]:
    """The environment of the one process that runs in a pod, from outside of it."""
    mark = f"HOSTNAME={pod_name}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            variables = (entry / "environ").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue  # Gone meanwhile.
        if mark in variables:
            found.append(variables)
    assert len(found) == 1, f"{len(found)} processes have {mark.decode()}"
    pairs = (variable.decode().split("=", 1) for variable in found[0] if variable)
    return {name: value for name, value in pairs}


def environments_in(pod: Object) -> list[dict[str, str]]:
    """The environment of each process that runs in a pod, from outside of it; known by its cgroup, whatever it is told."""
    mark = f"/pod{pod['metadata']['uid']}/"
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "cgroup").read_text():
                found.append((entry / "environ").read_bytes().split(b"\0"))
        except OSError:
            continue  # Gone meanwhile.
    return [dict(line.decode().split("=", 1) for line in lines if b"=" in line) for lines in found]
