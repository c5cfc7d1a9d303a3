"""A real Prometheus, for as long as a test: it scrapes what it is told to, and is asked as Grafana asks it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
import yaml

from support.charts import tool
from support.ports import free_port
from support.waiting import eventually

START_SECONDS = 30.0
STOP_SECONDS = 20.0

Answer = Any


class Prometheus:
    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"
        self._http = urllib3.PoolManager(retries=False, timeout=10.0)

    def ask(self, path: str, **query: str) -> Answer:
        """The data of an answer of its API."""
        address = f"{self._address}/api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            answer = json.loads(self._http.request("GET", address).data)
        except urllib3.exceptions.HTTPError as error:
            raise AssertionError(f"Prometheus: {path}: {error}") from error
        assert answer["status"] == "success", f"{query}: {answer}"
        return answer["data"]

    def values(self, expression: str) -> list[float]:
        """Of all series that it is true of just now."""
        return [float(entry["value"][1]) for entry in self.ask("query", query=expression)["result"]]

    def names(self) -> set[str]:
        return set(self.ask("label/__name__/values"))

    def target(self, job: str) -> Answer:
        """The one target of a job: its health, and what was wrong with the last scrape."""
        (found,) = [target for target in self.ask("targets")["activeTargets"] if target["labels"]["job"] == job]
        return found


@contextmanager
def running(folder: Path, scrapes: list[dict[str, Any]], rules: list[dict[str, Any]]) -> Iterator[Prometheus]:
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": rules}))
    (folder / "prometheus.yaml").write_text(yaml.safe_dump({
        "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"], "scrape_configs": scrapes}))
    port = free_port()
    log = folder / "prometheus.log"
    with log.open("wb") as out:
        process = subprocess.Popen([tool("prometheus"), f"--config.file={folder}/prometheus.yaml",
                                    f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"],
                                   stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=folder)
    try:
        served = Prometheus(port)

        def up() -> bool:
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            return bool(served.ask("status/buildinfo"))

        eventually(up, "Prometheus to answer", START_SECONDS)
        yield served
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
