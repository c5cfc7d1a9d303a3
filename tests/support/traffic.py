"""Clients that ask the app without a pause worth the name, and keep a tally of every answer.

Each request has a connection of its own, as a new visitor has; so no connection outlives the pod that it led to, and
every request is routed by what the node's rules say just then.
"""

from __future__ import annotations

import http.client
import threading
import time
from typing import NamedTuple
from urllib.parse import urlsplit

from support.waiting import show

# About a hundred requests a second from each client, which leaves the machine to the cluster.
PAUSE_SECONDS = 0.01
# Longer than a busy machine stands still; what leads nowhere is refused long before.
ANSWER_SECONDS = 15.0


class Answer(NamedTuple):
    began: float  # of time.monotonic()
    seconds: float
    url: str
    text: str  # of a good answer
    fault: str  # empty for a good answer


class Tally:
    def __init__(self, answers: list[Answer], began: float) -> None:
        self.answers = answers
        self.failed = [answer for answer in answers if answer.fault]
        self._began = began

    def texts(self, url: str) -> list[str]:
        return [answer.text for answer in self.answers if answer.url == url and not answer.fault]

    @property
    def slowest_seconds(self) -> float:
        return max((answer.seconds for answer in self.answers), default=0.0)

    def __str__(self) -> str:
        faults = [f"{answer.began - self._began:.2f} s: {answer.url}: {answer.fault}" for answer in self.failed]
        told = f"{len(self.failed)} of {len(self.answers)} requests failed, slowest {self.slowest_seconds:.2f} s"
        return told + (f"\n{show(faults)}" if faults else "")


class Traffic:
    """One client for each address, from `start` to `stop`."""

    def __init__(self, urls: list[str]) -> None:
        self._answers: list[Answer] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(url,), name=f"client-{url}", daemon=True)
                         for url in urls]

    def start(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(2 * ANSWER_SECONDS)

    def since(self, began: float) -> Tally:
        """Of the requests that began since then and are answered by now."""
        with self._lock:
            return Tally([answer for answer in self._answers if answer.began >= began], began)

    def _run(self, url: str) -> None:
        while not self._stopping.wait(PAUSE_SECONDS):
            answer = _ask(url)
            with self._lock:
                self._answers.append(answer)


def _ask(url: str) -> Answer:
    parts = urlsplit(url)
    began = time.monotonic()
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_SECONDS)
    text, fault = "", ""
    try:
        connection.request("GET", f"{parts.path}?{parts.query}" if parts.query else parts.path or "/")
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace").strip()
        if answer.status != 200:
            fault = f"{answer.status} {text}"
    except (OSError, http.client.HTTPException) as error:
        fault = f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return Answer(began, time.monotonic() - began, url, text, fault)
