"""Which of the operator's objects were made and deleted, and what revisions held all the while; seen by watches."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict

from support.api import Api, Object
from support.end_state import KINDS, plain_name
from support.pod_simulator import MANAGED
from support.waiting import show
from support.watching import Callback, Watch


class Births:
    """Of all namespaces, from `start` on."""

    def __init__(self, api: Api) -> None:
        self._lock = threading.Lock()
        self._changes: dict[str, list[str]] = defaultdict(list)
        self._contents: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._watches = [Watch(api, kind, self._keeper(kind), selector=MANAGED) for kind in KINDS
                         if kind != "TodoAppDeployment"]

    def start(self) -> Births:
        for watch in self._watches:
            watch.start()
        return self

    def stop(self) -> None:
        for watch in self._watches:
            watch.stop()

    def of(self, namespace: str) -> Counter[str]:
        """`ADDED Deployment todo-backend`: how often, by now."""
        self._catch_up(namespace)
        with self._lock:
            return Counter(self._changes[namespace])

    def rewritten(self, namespace: str) -> list[str]:
        """Numbers of revisions that were used twice, or whose record did not always hold the same, by now."""
        self._catch_up(namespace)
        with self._lock:
            return [f"{name} held:\n" + "\n".join(sorted(seen))
                    for (where, name), seen in self._contents.items() if where == namespace and len(seen) > 1]

    def _catch_up(self, namespace: str) -> None:
        for watch in self._watches:
            watch.catch_up(namespace)

    def _keeper(self, kind: str) -> Callback:
        def keep(change: str, item: Object) -> None:
            meta = item["metadata"]
            with self._lock:
                if change != "MODIFIED":
                    self._changes[meta["namespace"]].append(f"{change} {kind} {plain_name(meta['name'])}")
                if kind == "ControllerRevision":
                    held = {"number": item["revision"], "uid": meta["uid"], "data": item["data"]}
                    self._contents[meta["namespace"], meta["name"]].add(show(held))

        return keep
