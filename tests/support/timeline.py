"""When this program heard of what: the changes of some kinds in all namespaces, each with the time of its arrival."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from support.api import Api, Object
from support.waiting import eventually, show
from support.watching import Callback, Watch, Watching


class Moment(NamedTuple):
    at: float  # of time.monotonic()
    object: Object


Holds = Callable[[Object], bool]


class Timeline(Watching):
    """One for all that is watched: few watches, however many namespaces."""

    def __init__(self, api: Api, kinds: list[str]) -> None:
        self._moments: dict[tuple[str, str, str], list[Moment]] = {}
        self._lock = threading.Lock()
        super().__init__([Watch(api, kind, self._keeper(kind)) for kind in kinds])

    def of(self, namespace: str) -> Chapter:
        return Chapter(self, namespace)

    def moments(self, kind: str, namespace: str, name: str) -> list[Moment]:
        with self._lock:
            return list(self._moments.get((kind, namespace, name), []))

    def _keeper(self, kind: str) -> Callback:
        def keep(kind_of_change: str, item: Object) -> None:
            if kind_of_change == "DELETED":
                return
            meta = item["metadata"]
            moment = Moment(time.monotonic(), item)
            with self._lock:
                self._moments.setdefault((kind, meta["namespace"], meta["name"]), []).append(moment)

        return keep


class Chapter:
    """What a timeline tells of one namespace."""

    def __init__(self, timeline: Timeline, namespace: str) -> None:
        self._timeline = timeline
        self._namespace = namespace

    def moments(self, kind: str, name: str, since: float = 0.0) -> list[Moment]:
        return [moment for moment in self._timeline.moments(kind, self._namespace, name) if moment.at >= since]

    def first(self, kind: str, name: str, holds: Holds, since: float = 0.0) -> Moment | None:
        """The first moment since then at which it held, of all that has happened by now."""
        self._timeline.catch_up(self._namespace)
        return self._first(kind, name, holds, since)

    def wait_first(self, kind: str, name: str, holds: Holds, what: str, deadline: float, since: float = 0.0) -> Moment:
        """The first moment since then at which it held, which may be long over."""

        def look() -> Moment:
            found = self._first(kind, name, holds, since)
            if found is None:
                latest = self.moments(kind, name)[-1:]
                raise AssertionError(show([_telling(moment.object) for moment in latest]))
            return found

        return eventually(look, f"{kind} {self._namespace}/{name}: {what}", deadline)

    def _first(self, kind: str, name: str, holds: Holds, since: float) -> Moment | None:
        return next((moment for moment in self.moments(kind, name, since) if holds(moment.object)), None)

    def distinct(self, kind: str, name: str, read: Callable[[Object], str], since: float = 0.0) -> list[str]:
        """What was read of it by now, one after another, without repetitions."""
        self._timeline.catch_up(self._namespace)
        values: list[str] = []
        for moment in self.moments(kind, name, since):
            value = read(moment.object)
            if not values or values[-1] != value:
                values.append(value)
        return values


def _telling(item: Object) -> Object:
    return {"annotations": item["metadata"].get("annotations"), "status": item.get("status")}
