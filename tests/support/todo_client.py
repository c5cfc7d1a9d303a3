"""The Todo app from outside, at its one address: its API, and a client that never stops writing."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import urllib3

ANSWER_SECONDS = 30.0
PAUSE_SECONDS = 0.1
PAGE = 100


class TodoClient:
    def __init__(self, address: str) -> None:
        self._todos = f"{address}/api/todos"
        # A connection for each request, as a new visitor has.
        self._headers = {"Connection": "close"}
        self._http = urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS)

    def ask(self, method: str, path: str = "", **options: Any) -> urllib3.BaseHTTPResponse:
        return self._http.request(method, self._todos + path, headers=self._headers, **options)

    def add(self, title: str, **fields: Any) -> dict[str, Any]:
        answer = self.ask("POST", json={"title": title, **fields})
        assert answer.status == 201, f"{answer.status} {answer.data.decode()}"
        return dict(answer.json())

    def all(self) -> list[dict[str, Any]]:
        """The oldest first."""
        found: list[dict[str, Any]] = []
        for offset in itertools.count(0, PAGE):
            page = self.ask("GET", f"?sort=createdAt&limit={PAGE}&offset={offset}").json()
            found += page["items"]
            if len(found) >= page["total"]:
                return found
        raise AssertionError("never")

    def titles(self) -> list[str]:
        return [todo["title"] for todo in self.all()]


class Writer:
    """Adds one todo after another, from `start` to `stop`, and keeps what was acknowledged and what was not."""

    def __init__(self, client: TodoClient) -> None:
        self.acknowledged: list[str] = []
        self.faults: list[str] = []
        self._client = client
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> Writer:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2 * ANSWER_SECONDS)

    def _run(self) -> None:
        for number in itertools.count(1):
            if self._stopping.wait(PAUSE_SECONDS):
                return
            title = f"written {number}"
            try:
                self._client.add(title)
                self.acknowledged.append(title)
            except (AssertionError, urllib3.exceptions.HTTPError) as error:
                self.faults.append(f"{title}: {type(error).__name__}: {error}")
