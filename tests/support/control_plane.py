"""A control plane of its own for a test session, made by `cluster/local`: etcd, API server, controller manager.

No scheduler and no node: pods are brought to life by `support.pod_simulator`.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

from support.api import KINDS, Api, ApiError, Object
from support.waiting import eventually

REPOSITORY = Path(__file__).resolve().parents[2]
# The variable lets the harness be tried against another program with the same commands.
LOCAL = Path(os.environ.get("TODOAPP_CLUSTER_LOCAL", REPOSITORY / "cluster" / "local"))

# A first start builds Kubernetes from source.
UP_SECONDS = 1800
COMMAND_SECONDS = 120


class ControlPlane:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._users: dict[str, Path] = {}

    def up(self) -> ControlPlane:
        self._local("up", "--nodes", "none", "--audit-log", seconds=UP_SECONDS)
        self._connect()
        return self

    @contextmanager
    def serving(self, *, keep: bool) -> Iterator[Self]:
        """Up, with the CRD; goes down again unless it is to be kept."""
        try:
            self.up()
            self.kubectl("apply", "--server-side", "-f", str(REPOSITORY / "crds"))
            eventually(lambda: self.api.list("TodoAppDeployment") == [] or keep, "the API server to serve the new kind")
            yield self
        finally:
            if not keep:
                self.down()

    def _connect(self) -> None:
        self.kubeconfig = Path(self._local("kubeconfig"))
        self.api = Api.from_kubeconfig(self.kubeconfig)
        self.kubectl = Kubectl(self.kubeconfig)

    def down(self) -> None:
        self._local("down")

    def user(self, name: str) -> Path:
        """The kubeconfig of a user with a client certificate, who may do nothing yet."""
        if name not in self._users:
            self._users[name] = Path(self._local("user", name))
        return self._users[name]

    def stop(self, component: str = "kube-apiserver") -> None:
        self._local("stop", component)

    def kill(self, component: str = "kube-apiserver") -> None:
        self._local("kill", component)

    def pause(self, component: str = "kube-apiserver") -> None:
        self._local("pause", component)

    def resume(self, component: str = "kube-apiserver") -> None:
        self._local("resume", component)

    def start(self, component: str = "kube-apiserver") -> None:
        self._local("start", component)
        eventually(self._is_ready, "the API server to be ready", deadline=60)
        # A namespace that is deleted before the server knows its custom resources again leaves them behind for ever.
        eventually(self._serves_custom_resources, "the API server to serve its custom resources", deadline=60)
        if component == "kube-apiserver":
            # The controllers' own watches back off for up to half a minute each; new ones begin at once.
            self._local("kill", "kube-controller-manager")
            self._local("start", "kube-controller-manager")

    @property
    def audit_log(self) -> Path:
        return self.directory / "audit.log"

    def _is_ready(self) -> bool:
        try:
            return self.api.raw("/readyz").startswith("ok")
        except ApiError as refusal:
            # A server that has just come up refuses everybody until its roles are read.
            raise AssertionError(str(refusal)) from refusal

    def _serves_custom_resources(self) -> bool:
        for entry in self.api.list("CustomResourceDefinition"):
            spec = entry["spec"]
            served = self.api.request("GET", f"/apis/{spec['group']}/{spec['versions'][0]['name']}")["resources"]
            assert spec["names"]["plural"] in [resource["name"] for resource in served], served
            if spec["names"]["kind"] in KINDS:
                self.api.list(spec["names"]["kind"])
        return True

    def _local(self, *arguments: str, seconds: float = COMMAND_SECONDS) -> str:
        command = [str(LOCAL), *arguments, "--dir", str(self.directory)]
        return run(command, seconds=seconds).strip()


class Kubectl:
    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        return run(["kubectl", f"--kubeconfig={self._kubeconfig}", *arguments], stdin=stdin)


def status_of(directory: Path) -> Object:
    """What `cluster/local status` tells of a cluster. Its exit code says whether every server answers just now, which on
    a busy machine none is sure to do: who needs that asks the rows."""
    done = subprocess.run([LOCAL, "status", "--json", "--dir", directory], capture_output=True, text=True,
                          timeout=COMMAND_SECONDS, check=False)
    assert done.stdout, done.stderr
    told: Object = json.loads(done.stdout)
    return told


def run(command: list[str], *, stdin: str | None = None, seconds: float = COMMAND_SECONDS) -> str:
    """The output of a command; what it complained about is in the message if it failed."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaints:
        # Files and no pipes: daemons that the command leaves behind would hold a pipe open for ever.
        done = subprocess.run(command, input=stdin and stdin.encode(), stdout=output, stderr=complaints,
                              timeout=seconds, check=False)
        text, words = (_content(file) for file in (output, complaints))
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{words}{text}")
    return text


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
