"""The Todo backend as a process, and a client of its API that shows what it got."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from support.waiting import DEADLINE_FACTOR, eventually

Json = Any
LAST_LINES = 40


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class BackendClient:
    """Asks as a page would; nothing is asked twice by itself."""

    def __init__(self, url: str, connections: int = 1) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(maxsize=connections, retries=False,
                                         timeout=urllib3.Timeout(20 * DEADLINE_FACTOR))

    def ask(self, method: str, path: str, body: Json = None, raw: bytes | None = None,
            headers: dict[str, str] | None = None) -> Answer:
        sent = dict(headers or {})
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        got = self._pool.request(method, self.url + path, body=data, headers=sent, redirect=False)
        return Answer(got.status, got.headers, got.data)

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def create(self, title: str, **fields: Json) -> Json:
        answer = self.ask("POST", "/api/todos", {"title": title, **fields})
        assert answer.status == 201, answer
        return answer.json

    def page(self, query: str = "") -> Json:
        answer = self.get("/api/todos" + (f"?{query}" if query else ""))
        assert answer.status == 200, answer
        return answer.json

    def titles(self, query: str = "") -> list[str]:
        return [todo["title"] for todo in self.page(query)["items"]]

    def edit(self, number: int, **fields: Json) -> Json:
        answer = self.ask("PATCH", f"/api/todos/{number}", fields)
        assert answer.status == 200, answer
        return answer.json

    def metric(self, sample: str) -> float:
        """Of a sample as it is written, labels included; 0 where it is not there."""
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(sample + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0


class BackendProcess:
    """`todo-backend serve` with this environment and no other, on a port of its own."""

    def __init__(self, binary: Path, log_file: Path, environment: dict[str, str], wrapper: list[str] | None = None) -> None:
        self.log_file = log_file
        with log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [*(wrapper or []), str(binary)], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": "0", **environment})
        self._client: BackendClient | None = None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def client(self) -> BackendClient:
        """Waits until it serves."""
        if self._client is None:
            started = eventually(self._started, "the backend to serve", 20)
            self._client = BackendClient(f"http://127.0.0.1:{started['port']}", connections=16)
        return self._client

    def wait_until_ready(self) -> BackendClient:
        def ready() -> bool:
            answer = self.client.get("/ready")
            assert answer.status == 200, answer.text
            return True

        eventually(ready, "/ready to be answered with 200", 20)
        return self.client

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def log_lines(self, message: str) -> list[Json]:
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line["msg"] == message]

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        return self._process.wait(seconds * DEADLINE_FACTOR)

    def stop(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.terminate()
            self._process.wait(20 * DEADLINE_FACTOR)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def last_lines(self) -> str:
        return "\n".join(self.log().splitlines()[-LAST_LINES:])

    def _started(self) -> Json:
        if self._process.poll() is not None:
            raise RuntimeError(f"the backend ended with {self._process.returncode}:\n{self.last_lines()}")
        return next(iter(self.log_lines("Started")), None)


class BackendMaker:
    """Starts backends and commands of one binary; what it started ends with the test."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self.binary = binary
        self.folder = folder
        self.made: list[BackendProcess] = []

    def __call__(self, environment: dict[str, str], wrapper: list[str] | None = None) -> BackendProcess:
        log_file = self.folder / f"backend-{len(self.made)}.log"
        self.made.append(BackendProcess(self.binary, log_file, {"DRAIN_SECONDS": "0", **environment}, wrapper))
        return self.made[-1]

    def command(self, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.binary, *arguments], env={"PATH": os.environ["PATH"], **environment},
                              capture_output=True, text=True, timeout=60 * DEADLINE_FACTOR)

    def migrate(self, *arguments: str, environment: dict[str, str]) -> str:
        done = self.command("migrate", *arguments, environment=environment)
        assert done.returncode == 0, done
        return done.stdout

    @contextlib.contextmanager
    def ending(self) -> Iterator[BackendMaker]:
        try:
            yield self
        finally:
            for process in self.made:
                process.stop()
