"""The Todo app run alone: the backend's program with a database of its own, and the page's server, as processes here.

`Gate` stands between them: through it the backend can be away or hang, whenever a test says so.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import urllib3

from support.control_plane import REPOSITORY
from support.ports import free_port
from support.waiting import DEADLINE_FACTOR, eventually

BACKEND = REPOSITORY / "build" / "dev" / "todo-backend"
PAGE_SERVER = REPOSITORY / "build" / "frontend" / ".next" / "standalone"

START_SECONDS = 60.0
STOP_SECONDS = 30.0
ANSWER_SECONDS = 40.0


class Server:
    """A process that serves HTTP on a port of 127.0.0.1, and says at /health that it does."""

    def __init__(self, command: list[str], environment: dict[str, str], log_file: Path, cwd: Path,
                 port: int | None = None) -> None:
        self.port = port or free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log_file = log_file
        self._command = command
        self._environment = environment
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None
        self._http = urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS)

    def start(self) -> Server:
        environment = {"PATH": os.environ["PATH"], "PORT": str(self.port), **self._environment}
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                             env=environment, cwd=self._cwd, start_new_session=True)
        eventually(self._is_alive, f"{self._command[0]} to serve ({self.log_file})", START_SECONDS)
        return self

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def terminate(self, seconds: float = STOP_SECONDS) -> float:
        """Asks it to end, and insists that it does so in time; returns the seconds that it took."""
        began = time.monotonic()
        self.ask_to_end()
        self.wait_for_end(seconds)
        return time.monotonic() - began

    def ask_to_end(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGTERM)

    def wait_for_end(self, seconds: float) -> None:
        assert self._process
        try:
            self._process.wait(seconds * DEADLINE_FACTOR)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there {seconds:g} s after SIGTERM") from None

    def stop(self) -> None:
        """However it is."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def ask(self, method: str, path: str, **options: Any) -> urllib3.BaseHTTPResponse:
        return self._http.request(method, self.address + path, **options)

    def _is_alive(self) -> bool:
        assert self._process
        if self._process.poll() is not None:
            log = self.log_file.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"{self._command[0]} ended with {self._process.returncode}: {log}")
        try:
            return self.ask("GET", "/health").status == 200
        except urllib3.exceptions.HTTPError as error:
            raise AssertionError(str(error)) from None


def backend_alone(program: Path, directory: Path, port: int | None = None) -> Server:
    assert program.is_file(), f"no backend at {program}: build the target todo-backend"
    environment = {"DATABASE_PATH": str(directory / "todos.db"), "HOST": "127.0.0.1"}
    migrated = subprocess.run([program, "migrate"], env={**os.environ, **environment}, capture_output=True, text=True,
                              timeout=60)
    assert migrated.returncode == 0, f"todo-backend migrate failed: {migrated.stdout}{migrated.stderr}"
    return Server([str(program)], environment, directory / "backend.log", directory, port)


def page_alone(built: Path, directory: Path, backend: str | None, **environment: str) -> Server:
    """`built` is what Next.js calls standalone; `backend` goes into BACKEND_URL."""
    assert (built / "server.js").is_file(), f"no page at {built}: source scripts/lib/prepare.sh, then prepare_frontend"
    node = shutil.which("node")
    assert node, "no node in PATH"
    backend_url = {} if backend is None else {"BACKEND_URL": backend}
    settings = {"HOSTNAME": "127.0.0.1", "NODE_ENV": "production", **backend_url, **environment}
    return Server([node, str(built / "server.js")], settings, directory / "frontend.log", built)


class Gate:
    """Passes connections on to a port, until it is told otherwise.

    With `instead` it lies: where the answer has the first it has the second, which is as long.
    """

    def __init__(self, target: int, instead: tuple[bytes, bytes] = (b"", b"")) -> None:
        assert len(instead[0]) == len(instead[1])
        self._instead = instead
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._target = target
        self._hanging = False
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self.pass_on()

    @property
    def waiting(self) -> bool:
        """Whether somebody hangs there."""
        with self._lock:
            return self._hanging and bool(self._open)

    def pass_on(self) -> None:
        self._set(hanging=False, listening=True)

    def hang(self) -> None:
        """Connections are taken and never answered."""
        self._set(hanging=True, listening=True)

    def shut(self) -> None:
        """Connections are refused, and those that are there are cut."""
        self._set(hanging=False, listening=False)

    def _set(self, *, hanging: bool, listening: bool) -> None:
        with self._lock:
            self._hanging = hanging
            if not listening:
                if self._listener:
                    # Wakes the thread that waits there; closing alone would not.
                    self._listener.shutdown(socket.SHUT_RDWR)
                    self._listener.close()
                    self._listener = None
            elif self._listener is None:
                self._listener = socket.create_server(("127.0.0.1", self.port))
                threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
            for connection in self._open:
                # Its thread, if it has one, closes it then.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.append(client)
                hanging = self._hanging
            if not hanging:
                threading.Thread(target=self._pump, args=(client,), daemon=True).start()

    def _pump(self, client: socket.socket) -> None:
        with client:
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            with server:
                self._copy(client, server)

    def _copy(self, client: socket.socket, server: socket.socket) -> None:
        before, after = self._instead
        try:
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    if ready is client:
                        server.sendall(data)
                    else:
                        client.sendall(data.replace(before, after) if before else data)
        except (OSError, ValueError):
            # Cut by `shut`.
            return
