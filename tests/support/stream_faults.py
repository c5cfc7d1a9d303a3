"""What can go wrong with the stream of a watch: it ends, is cut, is silent, comes in other pieces, says other things.

They are faults like those of support/faults.py, laid on watches; what is laid while a watch runs counts from its next
start. Where a fault speaks of events it sees whole lines, whatever pieces the API server sent.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import threading
from collections.abc import Callable
from typing import Any

from support.api import Object
from support.faults import Answer, Broken, Exchange, Fault, Fits, Pieces, Reply

Event = dict[str, Any]
# Given an event, what the client gets to see instead: the same, others, or nothing at all.
Change = Callable[[Event], list[Event]]
Chosen = Callable[[Event], bool]

GONE = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Expired", "code": 410,
        "message": "too old resource version: 1 (2)"}
BUSY = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "TooManyRequests",
        "code": 429, "message": "too many requests, please try again later"}
CONFLICT = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "Conflict",
            "code": 409, "message": "the object has been modified; please apply your changes to the latest version"}
FAILURE = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "InternalError",
           "code": 500, "message": "etcdserver: no leader"}
JSON: list[tuple[bytes, bytes]] = [(b"Content-Type", b"application/json")]


def refuse(status: Object, *headers: tuple[bytes, bytes]) -> Reply:
    """A refusal in the API server's own words."""
    return Reply(int(status["code"]), json.dumps(status).encode(), [*JSON, *headers])


def resumed(fits: Fits) -> Fits:
    """Of such watches those that go on from a version that was seen, and not those that begin with a whole set."""
    return lambda exchange: fits(exchange) and exchange.is_watch and not takes_whole_set(exchange)


def takes_whole_set(exchange: Exchange) -> bool:
    """A list, or a watch that begins with one."""
    return exchange.verb == "list" or exchange.query.get("sendInitialEvents") == "true"


class EndAtOnce(Fault):
    """Watches that are answered with 200 and end without a word."""

    async def asked(self, exchange: Exchange) -> Answer | None:
        return Answer(200, b"", JSON)


class EndStreams(Fault):
    """Ends the watches that it was laid on, each time when `end` is called: as a server does whose time is up."""

    def __init__(self) -> None:
        self._over: concurrent.futures.Future[None] = concurrent.futures.Future()

    def end(self) -> None:
        over, self._over = self._over, concurrent.futures.Future()
        over.set_result(None)

    async def stream(self, exchange: Exchange, pieces: Pieces) -> Pieces:
        over = asyncio.ensure_future(asyncio.wrap_future(self._over))
        stream = aiter(pieces)
        while True:
            piece = asyncio.ensure_future(anext(stream, b""))
            await asyncio.wait({piece, over}, return_when=asyncio.FIRST_COMPLETED)
            if not piece.done():
                piece.cancel()
                await asyncio.gather(piece, return_exceptions=True)
                return
            if not piece.result():
                return
            yield piece.result()


class CutInEvent(Fault):
    """Breaks the connection in the midst of the first event that fits, after so many of its bytes."""

    def __init__(self, chosen: Chosen, after: int = 40) -> None:
        self.done = threading.Event()
        self._chosen = chosen
        self._after = after

    async def stream(self, exchange: Exchange, pieces: Pieces) -> Pieces:
        async for line in lines(pieces):
            if not self.done.is_set() and self._chosen(json.loads(line)):
                yield line[:self._after]
                self.done.set()
                raise Broken
            yield line


class Silence(Fault):
    """From `fall` on the streams say nothing more, and do not end either: the other end of a dead line."""

    def __init__(self) -> None:
        self._fallen = threading.Event()
        self.begun_since = 0
        """Streams that began after it fell: those do speak."""

    def fall(self) -> None:
        self._fallen.set()

    async def stream(self, exchange: Exchange, pieces: Pieces) -> Pieces:
        late = self._fallen.is_set()
        self.begun_since += late
        async for piece in pieces:
            if self._fallen.is_set() and not late:
                await asyncio.Event().wait()  # Until the connection is given up.
            yield piece


class Rechunk(Fault):
    """The same bytes in pieces of so many bytes, in turn: through the middle of events, and of characters."""

    def __init__(self, *sizes: int) -> None:
        self._sizes = sizes

    async def stream(self, exchange: Exchange, pieces: Pieces) -> Pieces:
        turn = 0
        async for piece in pieces:
            while piece:
                size = self._sizes[turn % len(self._sizes)]
                turn += 1
                yield piece[:size]
                piece = piece[size:]


class ChangeEvents(Fault):
    """Each event goes through a function; `struck` counts those that came out otherwise."""

    def __init__(self, change: Change) -> None:
        self.struck = 0
        self._change = change

    async def stream(self, exchange: Exchange, pieces: Pieces) -> Pieces:
        async for line in lines(pieces):
            event = json.loads(line)
            changed = self._change(event)
            if changed == [event]:
                yield line
                continue
            self.struck += 1
            for each in changed:
                yield json.dumps(each, ensure_ascii=False).encode() + b"\n"


class Garble(Fault):
    """Instead of the first event that fits, a line that is no JSON."""

    def __init__(self, chosen: Chosen, line: bytes = b'{"type":"MODIFIED","object":{"kind":\n') -> None:
        self.done = threading.Event()
        self._chosen = chosen
        self._line = line

    async def stream(self, exchange: Exchange, pieces: Pieces) -> Pieces:
        async for line in lines(pieces):
            if not self.done.is_set() and self._chosen(json.loads(line)):
                self.done.set()
                yield self._line
            else:
                yield line


class ExpireInBand(Fault):
    """Watches that begin well and then say, in an event, that their version is too old; `strikes` of them."""

    def __init__(self, strikes: int = 1) -> None:
        self.struck = 0
        self._strikes = strikes

    async def stream(self, exchange: Exchange, pieces: Pieces) -> Pieces:
        if self.struck >= self._strikes:
            async for piece in pieces:
                yield piece
            return
        self.struck += 1
        yield json.dumps({"type": "ERROR", "object": GONE}).encode() + b"\n"


async def lines(pieces: Pieces) -> Pieces:
    """Whole lines, each with its end; what has none is handed on last."""
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line + b"\n"
    if rest:
        yield rest


def of_object(name: str, *types: str) -> Chosen:
    """Events of an object of this name, of these types (none: all)."""
    return lambda event: (event["object"].get("metadata", {}).get("name") == name
                          and (not types or event["type"] in types))


def drop(chosen: Chosen, times: int = 1) -> Change:
    """Keeps the first such events from the client."""
    left = iter(range(times))

    def change(event: Event) -> list[Event]:
        return [] if chosen(event) and next(left, None) is not None else [event]

    return change


def swell(chosen: Chosen, size: int, text: str) -> Change:
    """Such events get an annotation of about so many bytes."""
    padding = text * (size // len(text.encode()))

    def change(event: Event) -> list[Event]:
        if not chosen(event):
            return [event]
        meta = event["object"]["metadata"]
        annotations = {**meta.get("annotations", {}), "padding": padding}
        return [{**event, "object": {**event["object"], "metadata": {**meta, "annotations": annotations}}}]

    return change

