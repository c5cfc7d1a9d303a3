"""Following what happens in the cluster: a watch that survives everything, and a recorder of what it saw.

A `Watch` outlives restarts of the API server, expired resource versions and broken connections. What it missed shows
as the difference between two lists, so the callback sees every object's last state and every deletion, but perhaps
not each state in between.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from typing import NamedTuple, Self

import urllib3

from support.api import KINDS, Api, ApiError, Object, WatchStream, path_of
from support.waiting import eventually

RETRY_SECONDS = 0.2

# What a stream raises when the server goes away in mid-read, or when another thread shuts it down.
BROKEN_STREAM = (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError, ValueError)


class Change(NamedTuple):
    """One change of one object. Versions come from one etcd, so they order changes of all kinds."""

    version: int
    type: str
    kind: str
    name: str
    object: Object


Callback = Callable[[str, Object], None]


class Watch:
    """Calls `callback(type, object)` for each change, on a thread of its own, until `stop`."""

    def __init__(self, api: Api, kind: str, callback: Callback, namespace: str | None = None,
                 selector: str = "") -> None:
        self._api = api
        self._kind = kind
        self._callback = callback
        self._namespace = namespace
        self._selector = selector
        # Both are changed after the callback was called: what they hold has been told of.
        self._known: dict[str, Object] = {}
        self._gone: set[str] = set()
        self._stopping = threading.Event()
        self._listed = threading.Event()
        self._stream: WatchStream | None = None
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"watch-{kind}", daemon=True)

    def start(self) -> Watch:
        self._thread.start()
        # Whoever starts a watch means to see what happens from now on.
        if not self._listed.wait(30):
            raise AssertionError(f"no list of {self._kind} within 30 s")
        return self

    def stop(self) -> None:
        self._stopping.set()
        stream = self._stream
        if stream is not None:
            stream.stop()
        self._thread.join(10)
        if self._failure is not None:
            raise self._failure

    def catch_up(self, namespace: str | None = None) -> None:
        """Until the callback has been told of all that has happened by now: a watch comes after the fact.

        Of one that watches all namespaces one may do. An object that came and went since the watch last told of
        something is in no list: who expects one waits for it.
        """
        answer = self._api.request("GET", path_of(self._kind, namespace or self._namespace), query=self._query())
        listed = {item["metadata"]["uid"]: _version_of(item) for item in answer["items"]}
        at = int(answer["metadata"]["resourceVersion"])

        def untold() -> list[str]:
            known = {uid: _version_of(item) for uid, item in dict(self._known).items()
                     if namespace in (None, item["metadata"].get("namespace"))}
            changed = [uid for uid, version in listed.items() if uid not in self._gone and known.get(uid, 0) < version]
            return changed + [uid for uid, version in known.items() if uid not in listed and version <= at]

        eventually(lambda: self._failure is not None or not untold(), f"the watch of {self._kind} to have caught up")

    def _query(self) -> dict[str, str]:
        return {"labelSelector": self._selector} if self._selector else {}

    def _run(self) -> None:
        version: str | None = None
        while not self._stopping.is_set():
            try:
                if version is None:
                    version = self._relist()
                version = self._follow(version)
            except ApiError as refusal:
                if refusal.status == 410:
                    version = None
                self._stopping.wait(RETRY_SECONDS)
            except BROKEN_STREAM:
                self._stopping.wait(RETRY_SECONDS)
            except Exception as failure:  # The callback's: whoever stops the watch must hear of it.
                self._failure = failure
                return

    def _relist(self) -> str:
        answer = self._api.request("GET", path_of(self._kind, self._namespace), query=self._query())
        seen: dict[str, Object] = {}
        for item in answer["items"]:
            item.update(apiVersion=KINDS[self._kind].api_version, kind=self._kind)
            seen[item["metadata"]["uid"]] = item
        for uid in [uid for uid in self._known if uid not in seen]:
            self._callback("DELETED", self._known[uid])
            self._forget(uid)
        for uid, item in seen.items():
            before = self._known.get(uid)
            if before is None:
                self._callback("ADDED", item)
            elif before["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
                self._callback("MODIFIED", item)
            self._known[uid] = item
        self._listed.set()
        return str(answer["metadata"]["resourceVersion"])

    def _follow(self, version: str) -> str:
        self._stream = self._api.open_watch(self._kind, self._namespace, self._selector, version)
        if self._stopping.is_set():  # `stop` may have come before there was a stream to stop.
            self._stream.stop()
        for kind_of_change, item in self._stream:
            if self._stopping.is_set():
                break
            if kind_of_change == "ERROR":
                raise ApiError(int(item.get("code", 0)), str(item.get("reason")), str(item.get("message")), "WATCH")
            version = str(item["metadata"]["resourceVersion"])
            if kind_of_change == "BOOKMARK":
                continue
            uid = item["metadata"]["uid"]
            self._callback(kind_of_change, item)
            if kind_of_change == "DELETED":
                self._forget(uid)
            else:
                self._known[uid] = item
        return version

    def _forget(self, uid: str) -> None:
        self._gone.add(uid)
        self._known.pop(uid, None)


def _version_of(item: Object) -> int:
    return int(item["metadata"]["resourceVersion"])


class Watching:
    """Watches that begin and end together, in a `with`."""

    def __init__(self, watches: list[Watch]) -> None:
        self._watches = watches

    def __enter__(self) -> Self:
        for watch in self._watches:
            watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        for watch in self._watches:
            watch.stop()

    def catch_up(self, namespace: str | None = None) -> None:
        for watch in self._watches:
            watch.catch_up(namespace)


class Recorder(Watching):
    """Keeps every change of some kinds in a namespace, in the order in which they were made.

    All that was made in the `with` is there after it. Who asks within it calls `catch_up` first, or waits.
    """

    def __init__(self, api: Api, namespace: str, kinds: list[str]) -> None:
        self._changes: list[Change] = []
        self._lock = threading.Lock()
        super().__init__([Watch(api, kind, self._keeper(kind), namespace) for kind in kinds])

    def __exit__(self, failure: type[BaseException] | None, *more: object) -> None:
        try:
            if failure is None:
                self.catch_up()
        finally:
            super().__exit__(failure, *more)

    def changes(self, kind: str | None = None, name: str | None = None) -> list[Change]:
        with self._lock:
            chosen = [change for change in self._changes
                      if (kind is None or change.kind == kind) and (name is None or change.name == name)]
        return sorted(chosen, key=lambda change: change.version)

    def created(self, kind: str) -> list[str]:
        return [change.name for change in self.changes(kind) if change.type == "ADDED"]

    def deleted(self, kind: str) -> list[str]:
        return [change.name for change in self.changes(kind) if change.type == "DELETED"]

    def _keeper(self, kind: str) -> Callback:
        def keep(kind_of_change: str, item: Object) -> None:
            meta = item["metadata"]
            change = Change(int(meta["resourceVersion"]), kind_of_change, kind, meta["name"], item)
            with self._lock:
                self._changes.append(change)

        return keep
