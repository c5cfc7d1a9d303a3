"""What the bench plays around the operator: the deployment controller, and an onlooker who notes which apps are ready.

kube-controller-manager is stopped, so that the operator and the API server have the machine to themselves.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from support.api import Api, Object
from support.todo_app import TIERS, condition_of
from support.waiting import eventually
from support.watching import Watch, Watching

Key = tuple[str, str]
PROGRESS_SECONDS = 30.0


def key_of(item: Object) -> Key:
    return item["metadata"]["namespace"], item["metadata"]["name"]


class Rollouts(Watching):
    """Says of every Deployment that all of it is up, as soon as it is there or was changed.

    One watch for each namespace and tier, each on a thread of its own: a single one would be what all apps wait for.
    """

    def __init__(self, api: Api, namespaces: list[str]) -> None:
        self._api = api
        super().__init__([Watch(api, "Deployment", self._complete, namespace, f"app.kubernetes.io/component={tier}")
                          for namespace in namespaces for tier in TIERS])

    def _complete(self, change: str, deployment: Object) -> None:
        generation, wanted = deployment["metadata"]["generation"], deployment["spec"]["replicas"]
        if change == "DELETED" or deployment.get("status", {}).get("observedGeneration") == generation:
            return
        namespace, name = key_of(deployment)
        counts = {count: wanted for count in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")}
        self._api.patch("Deployment", name, namespace,
                        {"status": {"observedGeneration": generation, **counts}}, subresource="status")


class Onlooker(Watching):
    """Follows apps with a watch of its own: which are ready, in which generation."""

    def __init__(self, api: Api) -> None:
        self._lock = threading.Lock()
        self._ready: dict[Key, int] = {}
        super().__init__([Watch(api, "TodoAppDeployment", self._app)])

    def _app(self, change: str, app: Object) -> None:
        ready = condition_of(app, "Ready")
        with self._lock:
            if ready.get("status") == "True":
                self._ready[key_of(app)] = ready["observedGeneration"]

    def ready(self, wanted: dict[Key, int]) -> int:
        """How many of these apps are ready in the generation wanted."""
        with self._lock:
            return sum(1 for key, generation in wanted.items() if self._ready.get(key, 0) >= generation)

    def wait_ready(self, wanted: dict[Key, int]) -> None:
        """Says now and then how far they are."""
        told, at = 0, time.monotonic()

        def all_are() -> bool:
            nonlocal told, at
            count = self.ready(wanted)
            if count > told and time.monotonic() - at >= PROGRESS_SECONDS:
                told, at = count, time.monotonic()
                print(f"    {count:,} of {len(wanted):,} apps are ready", file=sys.stderr, flush=True)
            assert count == len(wanted), f"{count} of {len(wanted)} apps are ready"
            return True
        eventually(all_are, f"{len(wanted)} apps to be ready", deadline=60 + len(wanted) * 0.5)


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
