"""Who asked the API server for what: read from its audit log.

A `mark` is a point in that log: the reader sends a request of its own and finds it there, so everything that was
answered before is before it. Times are the server's own. Requests still on their way when the mark is made may land
on either side of it: measure only after `settled`.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from support.api import Api
from support.waiting import Calm, eventually

WRITE_VERBS = frozenset({"create", "update", "patch", "delete", "deletecollection"})
REVIEWS = frozenset({"tokenreviews", "subjectaccessreviews", "selfsubjectaccessreviews"})


class Request(NamedTuple):
    user: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    received: datetime
    answered: datetime
    agent: str
    uri: str

    @property
    def what(self) -> str:
        """Without the name: `patch deployments/status`."""
        return f"{self.verb} {self.resource}" + (f"/{self.subresource}" if self.subresource else "")

    @property
    def which(self) -> str:
        """With the name: `patch deployments/status shop-backend`."""
        return f"{self.what} {self.name}".rstrip()

    @property
    def is_event(self) -> bool:
        return self.resource == "events"

    @property
    def is_lease(self) -> bool:
        return self.resource == "leases"

    @property
    def is_write(self) -> bool:
        """A change of the cluster; events, leases and access reviews are counted by themselves."""
        return (self.verb in WRITE_VERBS and not self.is_event and not self.is_lease
                and self.resource not in REVIEWS)

    @property
    def is_read(self) -> bool:
        return self.verb == "get" and self.resource != "" and not self.is_lease

    @property
    def is_list(self) -> bool:
        """How a kind comes to be watched: a list, or the watch that brings the list along."""
        return self.verb in ("list", "watch")


class Traffic(tuple[Request, ...]):
    """Some requests, in the order in which they were answered."""

    def writes(self) -> Traffic:
        return self.where(lambda request: request.is_write)

    def status_writes(self) -> Traffic:
        return self.where(lambda request: request.is_write and request.subresource == "status")

    def object_writes(self) -> Traffic:
        """All writes but those of a status."""
        return self.where(lambda request: request.is_write and request.subresource != "status")

    def assert_status_writes(self, at_most: int) -> None:
        """At most so many; where things took their time, one for each second, which is as often as a status changes.

        That second is counted from the look that led to a status. The first may be long on its way, and from then on no
        look begins before the one before it has ended: so the first two may come together, and no others.
        """
        writes = self.status_writes()
        seconds = (writes[-1].received - writes[0].received).total_seconds() if writes else 0
        assert len(writes) <= max(at_most, 2 + int(seconds)), f"{len(writes)} status writes\n{self}"

    def reads(self) -> Traffic:
        return self.where(lambda request: request.is_read)

    def lists(self) -> Traffic:
        return self.where(lambda request: request.is_list)

    def events(self) -> Traffic:
        return self.where(lambda request: request.is_event)

    def leases(self) -> Traffic:
        return self.where(lambda request: request.is_lease)

    def refused(self) -> Traffic:
        return self.where(lambda request: request.code >= 400)

    def of(self, resource: str) -> Traffic:
        return self.where(lambda request: request.resource == resource)

    def by(self, *users: str) -> Traffic:
        return self.where(lambda request: request.user in users)

    def inside(self, namespace: str) -> Traffic:
        return self.where(lambda request: request.namespace == namespace)

    def where(self, keep: Callable[[Request], bool]) -> Traffic:
        return Traffic(request for request in self if keep(request))

    def counts(self) -> Counter[str]:
        """By verb, resource and name."""
        return Counter(request.which for request in self)

    def objects(self) -> Counter[str]:
        """By resource and name, whatever was done to them: `services shop-backend`."""
        return Counter(f"{request.resource} {request.name}" for request in self)

    def kinds(self) -> Counter[str]:
        """By verb and resource."""
        return Counter(request.what for request in self)

    def __str__(self) -> str:
        if not self:
            return "no request"
        return "\n".join(f"  {request.received:%H:%M:%S.%f} {request.code} {request.which} "
                         f"({request.namespace or 'no namespace'})" for request in self)


class AuditLog:
    """Reads the log from where it stands when this is made."""

    def __init__(self, file: Path, api: Api) -> None:
        self._file = file
        self._api = api
        self._offset = file.stat().st_size if file.exists() else 0
        self._rest = b""
        self._seen: set[str] = set()
        self._requests: list[Request] = []
        self._barriers: dict[str, int] = {}

    def mark(self) -> int:
        """A point in the log, for `since` and `between`."""
        return self._barrier()

    def since(self, mark: int) -> Traffic:
        self._barrier()
        return Traffic(self._requests[mark:])

    def between(self, start: int, end: int) -> Traffic:
        return Traffic(self._requests[start:end])

    def settled(self, users: Iterable[str], namespace: str | None = None, quiet: float = 1.5,
                deadline: float = 60.0) -> int:
        """Waits until these users have written nothing for `quiet` seconds; returns a mark.

        The operator holds a status write back for up to a second, so less than that says little.
        """
        wanted, silence = frozenset(users), Calm()

        def is_quiet() -> int:
            position = self._barrier()
            calm = silence.seconds(self._last_write(wanted, namespace))
            assert calm >= quiet, (f"calm for {calm:.1f} s only; the last writes:\n"
                                   + str(self._recent_writes(wanted, namespace)))
            # Position 0 is a fine mark but a false answer to `eventually`.
            return position + 1

        return eventually(is_quiet, f"no write by {', '.join(sorted(wanted))} for {quiet:g} s", deadline) - 1

    def _last_write(self, users: frozenset[str], namespace: str | None) -> datetime | None:
        for request in reversed(self._requests):
            if request.user in users and request.is_write and namespace in (None, request.namespace):
                return request.received
        return None

    def _recent_writes(self, users: frozenset[str], namespace: str | None) -> Traffic:
        chosen = [request for request in self._requests
                  if request.user in users and request.is_write and namespace in (None, request.namespace)]
        return Traffic(chosen[-10:])

    def _barrier(self) -> int:
        """Sends a request that can be told from all others, and reads the log up to it."""
        name = f"audit-barrier-{uuid.uuid4()}"
        self._api.find("Namespace", name)
        limit = time.monotonic() + 30
        while name not in self._barriers:
            self._read()
            if name not in self._barriers:
                if time.monotonic() > limit:
                    raise AssertionError(f"the audit log {self._file} does not show our request {name}")
                time.sleep(0.01)
        return self._barriers.pop(name)

    def _read(self) -> None:
        if not self._file.exists():
            return
        size = self._file.stat().st_size
        if size < self._offset:  # The server began a new file.
            self._offset = 0
            self._rest = b""
        with self._file.open("rb") as log:
            log.seek(self._offset)
            data = log.read()
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            try:
                self._take(json.loads(line))
            except ValueError:
                continue  # A server that was killed leaves half a line.

    def _take(self, entry: dict[str, Any]) -> None:
        # A watch shows when it starts and when it ends, everything else when it was answered: each once.
        if entry["stage"] == "RequestReceived" or entry["auditID"] in self._seen:
            return
        self._seen.add(entry["auditID"])
        target = entry.get("objectRef", {})
        if str(target.get("name", "")).startswith("audit-barrier-"):
            self._barriers[target["name"]] = len(self._requests)
            return
        self._requests.append(Request(
            user=entry["user"]["username"],
            verb=entry["verb"],
            resource=target.get("resource", ""),
            subresource=target.get("subresource", ""),
            namespace=target.get("namespace", ""),
            name=target.get("name", ""),
            code=entry.get("responseStatus", {}).get("code", 0),
            received=datetime.fromisoformat(entry["requestReceivedTimestamp"]),
            answered=datetime.fromisoformat(entry["stageTimestamp"]),
            agent=entry.get("userAgent", ""),
            uri=entry["requestURI"],
        ))
