"""What can go wrong between a client and the API server: the requests on their way, and what is done to them.

    client -- asked --> fault proxy --> API server (carries it out) -- answered --> fault proxy -- relayed --> client

A fault is laid on the requests that fit it (`FaultProxy.lay`) and is called at these three points of each one's way;
the pieces of a watch go through its `stream` besides. Faults run on the proxy's loop: what blocks belongs in a thread.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import enum
import functools
import json
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from support.audit import REVIEWS

if TYPE_CHECKING:
    from support.fault_proxy import FaultProxy

Headers = list[tuple[bytes, bytes]]
Pieces = AsyncIterator[bytes]

WRITES = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Broken(Exception):
    """Ends both connections at once, without a word."""


class Answer(NamedTuple):
    status: int
    body: bytes = b""
    headers: Headers = []


class Place(NamedTuple):
    """What a path is about: /apis/apps/v1/namespaces/shop/deployments/todo/status."""

    resource: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def place_of(path: str) -> Place:
    """A path that is not one of the API's resources has no place."""
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if parts[0] not in ("api", "apis"):
        return Place()
    parts = parts[2 if parts[0] == "api" else 3:]
    namespace = ""
    # The namespaces themselves are resources too.
    if len(parts) > 2 and parts[0] == "namespaces" and parts[2] not in ("status", "finalize"):
        namespace, parts = parts[1], parts[2:]
    return Place(parts[0] if parts else "", namespace, *parts[1:3])


@dataclass(eq=False)
class Exchange:
    """One request, and what became of it. Words are those of the audit log."""

    number: int
    """Among all requests of the proxy, in the order in which they came."""
    method: str
    target: str
    headers: Headers
    body: bytes
    asked_at: float
    """Monotonic time, as are the others."""
    proxy: FaultProxy = field(repr=False)
    answered_at: float | None = None
    """When the API server had carried it out; None: it never got there, or nothing is known of its answer."""
    relayed_at: float | None = None
    """When the client had the whole answer."""
    answer: Answer | None = None
    """As the API server gave it; of a watch, without its pieces."""

    @functools.cached_property
    def query(self) -> dict[str, str]:
        return {key: values[-1] for key, values in parse_qs(urlsplit(self.target).query).items()}

    @functools.cached_property
    def place(self) -> Place:
        place = place_of(urlsplit(self.target).path)
        # Only the body of a POST says what is created.
        return place._replace(name=self._name_in_body()) if self.method == "POST" and not place.name else place

    @property
    def is_watch(self) -> bool:
        return self.method == "GET" and self.query.get("watch") in ("1", "true")

    @property
    def is_write(self) -> bool:
        """A change of the cluster; events, leases and access reviews are none that the operator answers for."""
        return self.method in WRITES and self.place.resource not in REVIEWS | {"events", "leases", ""}

    @property
    def is_read(self) -> bool:
        return self.method == "GET" and self.place.name != ""

    @property
    def verb(self) -> str:
        if self.method in WRITES:
            return WRITES[self.method]
        return "watch" if self.is_watch else "get" if self.place.name else "list"

    @property
    def what(self) -> str:
        """Without the name: `patch deployments/status`."""
        place = self.place
        return f"{self.verb} {place.resource}" + (f"/{place.subresource}" if place.subresource else "")

    @property
    def which(self) -> str:
        """With the name: `patch deployments/status todo-backend`."""
        return f"{self.what} {self.place.name}".rstrip()

    def __str__(self) -> str:
        fate = "lost on its way" if self.answer is None else str(self.answer.status)
        return f"{self.number:4} {fate} {self.which}" + ("" if self.relayed_at or not self.answer else " (not relayed)")

    def _name_in_body(self) -> str:
        try:
            return str(json.loads(self.body)["metadata"]["name"])
        except (ValueError, LookupError, TypeError):
            return ""


Fits = Callable[[Exchange], bool]


def every(_: Exchange) -> bool:
    return True


def write(exchange: Exchange) -> bool:
    return exchange.is_write


def watch_of(resource: str) -> Fits:
    return lambda exchange: exchange.is_watch and exchange.place.resource == resource


class Point(enum.Enum):
    ASKED = "before the API server hears of it"
    ANSWERED = "carried out, its answer not yet relayed"
    RELAYED = "right after its answer"


class Fault:
    """Does nothing. Each fault overrides the points that it is about, and may raise `Broken` at any of them."""

    async def asked(self, exchange: Exchange) -> Answer | None:
        """An answer from here keeps the request from the API server."""
        return None

    async def answered(self, exchange: Exchange) -> None:
        """Of a watch: its head has come."""

    async def relayed(self, exchange: Exchange) -> None:
        """Of a watch: it has ended."""

    def stream(self, exchange: Exchange, pieces: Pieces) -> Pieces:
        """What the client gets instead of these pieces; each becomes one chunk."""
        return pieces


@dataclass(eq=False)
class Rule:
    """A fault, and the requests that it is for."""

    fault: Fault
    fits: Fits
    nth: int | None
    """Only the nth of those that fit, counted from 1 and from when the rule was laid; None: each."""
    seen: int = 0

    def takes(self, exchange: Exchange) -> bool:
        if not self.fits(exchange):
            return False
        self.seen += 1
        return self.nth in (None, self.seen)


class FaultAt(Fault):
    """A fault of one point."""

    def __init__(self, at: Point) -> None:
        self.at = at

    async def act(self, exchange: Exchange) -> None:
        raise NotImplementedError

    async def asked(self, exchange: Exchange) -> Answer | None:
        await self._act_at(Point.ASKED, exchange)
        return None

    async def answered(self, exchange: Exchange) -> None:
        await self._act_at(Point.ANSWERED, exchange)

    async def relayed(self, exchange: Exchange) -> None:
        await self._act_at(Point.RELAYED, exchange)

    async def _act_at(self, point: Point, exchange: Exchange) -> None:
        if point is self.at:
            await self.act(exchange)


class Cut(FaultAt):
    """Breaks the connection; ANSWERED: the answer is lost, what was asked for is done."""

    def __init__(self, at: Point = Point.ANSWERED) -> None:
        super().__init__(at)
        self.done = threading.Event()

    async def act(self, exchange: Exchange) -> None:
        self.done.set()
        raise Broken


class Hold(FaultAt):
    """Keeps requests waiting until `release`. One whose client has gone in the meantime goes on all the same, as a late
    packet would."""

    def __init__(self, at: Point) -> None:
        super().__init__(at)
        self.held: list[Exchange] = []
        self._released: concurrent.futures.Future[None] = concurrent.futures.Future()

    def release(self) -> None:
        self._released.set_result(None)

    async def act(self, exchange: Exchange) -> None:
        self.held.append(exchange)
        # Shielded: a connection that ends here must not cancel what others wait for.
        await asyncio.shield(asyncio.wrap_future(self._released))


class HoldEvents(Fault):
    """Keeps the events of watches back, from `hold` to `release`. To be laid before the watches begin."""

    def __init__(self) -> None:
        self._released: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._released.set_result(None)

    def hold(self) -> None:
        if self._released.done():
            self._released = concurrent.futures.Future()

    def release(self) -> None:
        if not self._released.done():
            self._released.set_result(None)

    async def stream(self, exchange: Exchange, pieces: Pieces) -> Pieces:
        async for piece in pieces:
            await asyncio.shield(asyncio.wrap_future(self._released))
            yield piece


class LoseUnseen(Cut):
    """The answer is lost, and `events` keeps from the client that anything was done: until its next write has
    succeeded, or the third was refused (a client may well wait for the events)."""

    def __init__(self, events: HoldEvents) -> None:
        super().__init__(Point.ANSWERED)
        self._events = events

    async def asked(self, exchange: Exchange) -> Answer | None:
        self._events.hold()
        return None

    async def act(self, exchange: Exchange) -> None:
        ending = _EndOfLoss(self._events)
        ending.rule = exchange.proxy.lay(ending, write)
        await super().act(exchange)


class _EndOfLoss(Fault):
    rule: Rule

    def __init__(self, events: HoldEvents) -> None:
        self._events = events
        self._refused = 0

    async def relayed(self, exchange: Exchange) -> None:
        assert exchange.answer is not None
        self._refused += exchange.answer.status >= 400
        if exchange.answer.status < 400 or self._refused == 3:
            self._events.release()
            exchange.proxy.lift(self.rule)


class Call(FaultAt):
    """Calls a function, on a thread of its own, and waits for it."""

    def __init__(self, function: Callable[[Exchange], object], at: Point) -> None:
        super().__init__(at)
        self._function = function

    async def act(self, exchange: Exchange) -> None:
        await asyncio.to_thread(self._function, exchange)


class Reply(Fault):
    """Answers in the API server's place."""

    def __init__(self, status: int, body: bytes = b"", headers: Headers | None = None) -> None:
        self._answer = Answer(status, body, headers or [])

    async def asked(self, exchange: Exchange) -> Answer | None:
        return self._answer


class Crash(FaultAt):
    """The client dies here: `kill` must end it. Nothing that it sent after this request reaches the API server, so what
    is left behind is the same each time, however fast the client was."""

    def __init__(self, kill: Callable[[], object], at: Point) -> None:
        super().__init__(at)
        self.done = threading.Event()
        self._kill = kill

    async def act(self, exchange: Exchange) -> None:
        exchange.proxy.freeze()
        await asyncio.to_thread(self._kill)
        exchange.proxy.cut_all()
        self.done.set()
        raise Broken
