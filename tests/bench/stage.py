"""What the bench plays around the operator: the deployment controller, and an onlooker who notes when what was seen.

kube-controller-manager is stopped, so that the operator and the API server have the machine to themselves.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from support.api import Api, Object
from support.todo_app import condition_of
from support.waiting import eventually
from support.watching import Watch, Watching

Key = tuple[str, str]


def key_of(item: Object) -> Key:
    return item["metadata"]["namespace"], item["metadata"]["name"]


class Rollouts(Watching):
    """Says of every Deployment that all of it is up, as soon as it is there or was changed."""

    def __init__(self, api: Api) -> None:
        self._api = api
        super().__init__([Watch(api, "Deployment", self._complete)])

    def _complete(self, change: str, deployment: Object) -> None:
        generation, wanted = deployment["metadata"]["generation"], deployment["spec"]["replicas"]
        if change == "DELETED" or deployment.get("status", {}).get("observedGeneration") == generation:
            return
        namespace, name = key_of(deployment)
        counts = {count: wanted for count in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")}
        self._api.patch("Deployment", name, namespace,
                        {"status": {"observedGeneration": generation, **counts}}, subresource="status")


class Onlooker(Watching):
    """Follows apps and Deployments with watches of its own: which apps are ready, and when each generation came."""

    def __init__(self, api: Api) -> None:
        self._lock = threading.Lock()
        self._ready: dict[Key, int] = {}
        self._apps: dict[Key, dict[int, float]] = {}
        self._deployments: dict[Key, dict[int, float]] = {}
        super().__init__([Watch(api, "TodoAppDeployment", self._app), Watch(api, "Deployment", self._deployment)])

    def _app(self, change: str, app: Object) -> None:
        seen = time.monotonic()
        ready = condition_of(app, "Ready")
        with self._lock:
            self._apps.setdefault(key_of(app), {}).setdefault(app["metadata"]["generation"], seen)
            if ready.get("status") == "True":
                self._ready[key_of(app)] = ready["observedGeneration"]

    def _deployment(self, change: str, deployment: Object) -> None:
        seen = time.monotonic()
        with self._lock:
            self._deployments.setdefault(key_of(deployment), {}).setdefault(deployment["metadata"]["generation"], seen)

    def ready(self, wanted: dict[Key, int]) -> int:
        """How many of these apps are ready in the generation wanted."""
        with self._lock:
            return sum(1 for key, generation in wanted.items() if self._ready.get(key, 0) >= generation)

    def wait_ready(self, wanted: dict[Key, int]) -> None:
        def all_are() -> bool:
            count = self.ready(wanted)
            assert count == len(wanted), f"{count} of {len(wanted)} apps are ready"
            return True
        eventually(all_are, f"{len(wanted)} apps to be ready", deadline=60 + len(wanted) * 0.5)

    def seen_app(self, key: Key, generation: int) -> float:
        return self._seen(self._apps, key, generation)

    def seen_deployment(self, key: Key, generation: int) -> float:
        return self._seen(self._deployments, key, generation)

    def _seen(self, table: dict[Key, dict[int, float]], key: Key, generation: int) -> float:
        def look() -> float:
            with self._lock:
                return table.get(key, {})[generation]
        return eventually(look, f"{key} in generation {generation}", deadline=60)


class Taken:
    """How long something took."""

    def __init__(self) -> None:
        self.seconds = 0.0


@contextmanager
def taken() -> Iterator[Taken]:
    result, start = Taken(), time.monotonic()
    yield result
    result.seconds = time.monotonic() - start


def in_parallel(work: Callable[[int], None], count: int, threads: int = 4) -> None:
    """Several clients at once: one alone would measure its own slowness."""
    failures: list[BaseException] = []

    def run(first: int) -> None:
        try:
            for number in range(first, count, threads):
                work(number)
        except BaseException as failure:  # Raised again below, by the thread that asked for the work.
            failures.append(failure)

    running = [threading.Thread(target=run, args=[first], daemon=True) for first in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if failures:
        raise failures[0]
