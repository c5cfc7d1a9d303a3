"""A second API server beside that of a control plane, which reaches etcd by a line that can be stopped.

While the line is stopped it goes on serving what it saw last: an API server of a cluster of several, which the others
have left behind.
"""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from pathlib import Path
from types import TracebackType

from support.api import Api, ApiError
from support.certificates import ADDRESS
from support.control_plane import ControlPlane
from support.kubeconfig import Connection
from support.ports import free_port
from support.waiting import eventually

READ_BYTES = 65536
START_SECONDS = 60.0


class Line:
    """Carries bytes between whoever connects to its port and another port of this machine; stopped, it keeps them."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server((ADDRESS, 0))
        self.port = int(self._listener.getsockname()[1])
        self._open = threading.Event()
        self._open.set()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, name="line", daemon=True).start()

    def stop(self) -> None:
        self._open.clear()

    def go_on(self) -> None:
        self._open.set()

    def close(self) -> None:
        self.go_on()
        # `shutdown` wakes the threads that wait on them.
        for each in [self._listener, *self._sockets]:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # The other side was faster.
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection((ADDRESS, self._target))
            except OSError:
                return  # Closed.
            self._sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, sink), name="line", daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(READ_BYTES):
                self._open.wait()
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # Either side has gone.


class SecondServer:
    """Runs within a `with`. Its line to etcd is `line`."""

    def __init__(self, cluster: ControlPlane, folder: Path) -> None:
        ports = json.loads((cluster.directory / "cluster.json").read_text())["ports"]
        arguments = json.loads((cluster.directory / "run" / "kube-apiserver.json").read_text())["argv"]
        self._log = folder / "second-apiserver.log"
        self.line = Line(ports["etcd"])
        self._port = free_port()
        own = {"--etcd-servers": f"https://{ADDRESS}:{self.line.port}", "--secure-port": str(self._port),
               "--audit-log-path": str(folder / "second-audit.log")}
        self._command = [f"{flag}={own[flag]}" if (flag := each.partition("=")[0]) in own else each
                         for each in arguments]

    def __enter__(self) -> SecondServer:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                             start_new_session=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self.line.close()

    def connection(self, first: Connection) -> Connection:
        """To this one, as the same user."""
        return first._replace(server=f"https://{ADDRESS}:{self._port}")

    def api(self, first: Connection) -> Api:
        """Once it is ready."""
        api = Api(self.connection(first))

        def is_ready() -> bool:
            assert self._process.poll() is None, self._log.read_text()[-2000:]
            try:
                return api.raw("/readyz").startswith("ok")
            except ApiError as refusal:
                raise AssertionError(str(refusal)) from refusal

        eventually(is_ready, "the second API server to be ready", START_SECONDS)
        return api
