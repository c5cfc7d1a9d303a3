"""An HTTPS proxy between a client and the API server that does damage where it is told to (support/faults.py).

It presents a certificate of an authority of its own, which stands in the kubeconfig that it writes for its client, and
asks the API server as the user of the connection that it was given. Each connection of the client has one of its own
behind it, and one that ends takes the other along; so keep-alive, dead connections and watches look as they do without
a proxy. HTTP/1.1 only, no upgrades.

A plain answer is read whole before any of it is relayed: where `answered` faults strike, the API server has carried the
request out and the client knows nothing. A watch is relayed piece by piece.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import h11

from support.api import Object
from support.certificates import ADDRESS, Certificates
from support.faults import Answer, Broken, Exchange, Fault, Fits, Headers, Rule, every
from support.kubeconfig import Connection

T = TypeVar("T")

READ_BYTES = 65536
CONNECT_SECONDS = 30.0
STOP_SECONDS = 30.0
# These are about one connection and not about what it carries.
HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"upgrade", b"expect"})
FRAMING = frozenset({b"transfer-encoding", b"content-length"})


class FaultProxy:
    """Runs on a thread of its own, between `start` and `stop`. All its methods may be called by any thread."""

    def __init__(self, upstream: Connection, certificates: Certificates) -> None:
        self._upstream = upstream
        self._certificates = certificates
        self._rules: list[Rule] = []
        self._diversions: list[tuple[Fits, Connection]] = []
        self._laying = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._ready = threading.Event()
        self._failures: list[BaseException] = []
        self._ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def start(self) -> FaultProxy:
        self._thread.start()
        assert self._ready.wait(STOP_SECONDS), "the fault proxy does not start"
        if self._failures:
            raise self._failures[0]
        return self

    def stop(self) -> None:
        """Fails if a fault, or the proxy itself, had an error of its own."""
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(STOP_SECONDS)
        assert not self._thread.is_alive(), "the fault proxy does not end"
        if self._failures:
            raise self._failures[0]

    def __enter__(self) -> FaultProxy:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def write_kubeconfig(self, file: Path, user: Object | None = None, cluster: Object | None = None) -> Path:
        """For the client: this server and authority, the user whom the proxy asks as; or these entries instead."""
        def data(path: Path) -> str:
            return base64.b64encode(path.read_bytes()).decode()

        cluster = cluster or {"certificate-authority-data": data(self._certificates.authority)}
        user = user or {"client-certificate-data": data(self._upstream.certificate_file),
                        "client-key-data": data(self._upstream.key_file)}
        file.touch(mode=0o600)
        file.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [{"name": "proxy", "cluster": {"server": self.server, **cluster}}],
            "users": [{"name": "user", "user": user}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "user"}}],
        }))
        return file

    # --- Faults.

    def lay(self, fault: Fault, fits: Fits = every, nth: int | None = None) -> Rule:
        """From now on `fault` strikes the requests that fit; with `nth`, only the nth of them, counted from now. Where
        several fit one request, they strike in the order in which they were laid."""
        rule = Rule(fault, fits, nth)
        with self._laying:
            # Always a new list: the loop may be going through the old one.
            self._rules = [*self._rules, rule]
        return rule

    def lift(self, rule: Rule) -> None:
        with self._laying:
            self._rules = [kept for kept in self._rules if kept is not rule]

    @contextlib.contextmanager
    def laid(self, fault: Fault, fits: Fits = every, nth: int | None = None) -> Iterator[Rule]:
        rule = self.lay(fault, fits, nth)
        try:
            yield rule
        finally:
            self.lift(rule)

    def divert(self, fits: Fits, upstream: Connection) -> None:
        """From now on another API server carries out the requests that fit."""
        self._diversions = [*self._diversions, (fits, upstream)]

    def divert_no_more(self) -> None:
        self._diversions = []

    def freeze(self) -> None:
        """From now on nothing is passed on, in either direction, until `cut_all`. Only from a fault."""
        self._open.clear()

    def rotate(self, certificates: Certificates, clients: Path | None = None) -> None:
        """Shows new connections another certificate, asks for one by `clients` if given, and ends the old ones."""
        self._ours.load_cert_chain(certificates.certificate, certificates.key)
        if clients is not None:
            self._ours.load_verify_locations(clients)
            self._ours.verify_mode = ssl.CERT_REQUIRED
        self.cut_all()

    def cut_all(self) -> None:
        """Ends all connections at once; what they had still to say is lost. New ones are welcome."""
        self._on_loop(self._cut_all)

    def _cut_all(self) -> None:
        for connection in self._connections:
            if connection is not asyncio.current_task():
                connection.cancel()
        self._open.set()

    # --- What passed.

    def exchanges(self, since: int = 0) -> list[Exchange]:
        """All requests, or those after the first `since`, in the order in which they came."""
        return self._exchanges[since:]

    def writes(self, since: int = 0) -> list[Exchange]:
        return [exchange for exchange in self.exchanges(since) if exchange.is_write]

    @property
    def connections(self) -> int:
        return len(self._connections)

    # --- The loop.

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as failure:  # Whoever started the proxy must hear of it.
            self._failures.append(failure)
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ending = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()
        self._ours.load_cert_chain(self._certificates.certificate, self._certificates.key)
        self._theirs = ssl.create_default_context(cafile=str(self._upstream.ca_file))
        self._theirs.load_cert_chain(self._upstream.certificate_file, self._upstream.key_file)
        listener = await asyncio.start_server(self._accept, ADDRESS, 0, ssl=self._ours)
        self.server = f"https://{ADDRESS}:{listener.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._ending.wait()
        listener.close()
        connections = list(self._connections)
        self._cut_all()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await _Connection(self, _Peer(h11.Connection(h11.SERVER), reader, writer)).run()
        except asyncio.CancelledError:
            pass  # Cut. Not raised again: asyncio would take it for an error.
        except Exception as failure:
            self._failures.append(failure)
        finally:
            self._connections.discard(task)

    def _on_loop(self, function: Callable[[], None]) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is self._loop:
            function()
        else:
            self._loop.call_soon_threadsafe(function)

    # --- For connections.

    def take(self, method: str, target: str, headers: Headers, body: bytes) -> tuple[Exchange, list[Fault]]:
        exchange = Exchange(len(self._exchanges) + 1, method, target, headers, body, time.monotonic(), self)
        self._exchanges.append(exchange)
        return exchange, [rule.fault for rule in self._rules if rule.takes(exchange)]

    def upstream_of(self, exchange: Exchange) -> Connection:
        return next((upstream for fits, upstream in self._diversions if fits(exchange)), self._upstream)

    async def connect(self, upstream: Connection) -> _Peer:
        address = urlsplit(upstream.server)
        streams = asyncio.open_connection(address.hostname, address.port, ssl=self._theirs)
        return _Peer(h11.Connection(h11.CLIENT), *await asyncio.wait_for(streams, CONNECT_SECONDS))

    async def passable(self) -> None:
        await self._open.wait()


class _Peer:
    """One end of a connection: HTTP messages in and out."""

    def __init__(self, http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.http = http
        self._reader = reader
        self._writer = writer

    async def receive(self) -> Any:
        while True:
            event = self.http.next_event()
            if event is not h11.NEED_DATA:
                return event
            self.http.receive_data(await self._reader.read(READ_BYTES))

    async def message(self) -> tuple[Any, bytes] | None:
        """The head of the next message and its whole body, or None: the peer has gone."""
        head = await self.receive()
        if isinstance(head, h11.ConnectionClosed):
            return None
        return head, b"".join([piece async for piece in self.pieces()])

    async def pieces(self) -> AsyncIterator[bytes]:
        while True:
            event = await self.receive()
            if isinstance(event, h11.EndOfMessage):
                return
            if not isinstance(event, h11.Data):
                raise Broken
            yield bytes(event.data)

    async def send(self, *events: Any) -> None:
        for event in events:
            self._writer.write(self.http.send(event) or b"")
        await self._writer.drain()

    async def unless_it_goes(self, work: Coroutine[Any, Any, T]) -> T:
        """Does `work` while it is not this peer's turn to speak: whatever comes from it now is its end."""
        going = asyncio.ensure_future(self._reader.read(1))
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({going, task}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise Broken
        finally:
            going.cancel()
            task.cancel()
            await asyncio.gather(going, task, return_exceptions=True)
        if not going.cancelled() and (early := going.result()):
            self.http.receive_data(early)  # Its next turn began before we were done with ours.
        return task.result()

    def close(self) -> None:
        """Once all that was sent is on its way."""
        self._writer.close()

    def abort(self) -> None:
        if not self._writer.is_closing():
            self._writer.transport.abort()


class _Connection:
    """A connection of the client, and the one to the API server behind it."""

    def __init__(self, proxy: FaultProxy, client: _Peer) -> None:
        self._proxy = proxy
        self._client = client
        self._upstream: _Peer | None = None
        self._target: Connection | None = None  # Which API server that is.

    async def run(self) -> None:
        try:
            while (request := await self._next_request()) is not None:
                await self._carry(*request)
                if self._client.http.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
                    break
                self._client.http.start_next_cycle()
        except (Broken, OSError, TimeoutError, h11.ProtocolError):
            pass  # Either side has gone, or a fault made it so: for the other one the connection just ends.
        else:
            self._client.close()
        finally:
            self._client.abort()
            if self._upstream is not None:
                self._upstream.abort()

    async def _next_request(self) -> tuple[h11.Request, bytes] | None:
        if self._upstream is None:
            return await self._client.message()
        return await self._upstream.unless_it_goes(self._client.message())

    async def _carry(self, request: h11.Request, body: bytes) -> None:
        exchange, faults = self._proxy.take(request.method.decode(), request.target.decode(),
                                            request.headers.raw_items(), body)
        for fault in faults:
            answer = await fault.asked(exchange)
            if answer is not None:
                await self._answer(answer)
                return
        await self._proxy.passable()
        upstream = await self._ask(exchange, request, body)
        head = await upstream.receive()
        if not isinstance(head, h11.Response):
            raise Broken
        if exchange.is_watch and head.status_code == 200:
            await self._relay_watch(exchange, faults, upstream, head)
        else:
            await self._relay_answer(exchange, faults, upstream, head)
        if upstream.http.states != {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            # A fault has ended the answer before the API server did.
            self._client.close()
            raise Broken
        upstream.http.start_next_cycle()

    async def _ask(self, exchange: Exchange, request: h11.Request, body: bytes) -> _Peer:
        target = self._proxy.upstream_of(exchange)
        if self._upstream is None or self._target is not target:
            if self._upstream is not None:
                self._upstream.abort()
            self._upstream, self._target = await self._proxy.connect(target), target
        headers = [(name, value) for name, value in request.headers.raw_items()
                   if name.lower() not in HOP_BY_HOP | {b"host"}]
        headers.append((b"Host", urlsplit(target.server).netloc.encode()))
        events: list[Any] = [h11.Request(method=request.method, target=request.target, headers=headers)]
        if body:
            events.append(h11.Data(data=body))
        await self._upstream.send(*events, h11.EndOfMessage())
        return self._upstream

    async def _relay_answer(self, exchange: Exchange, faults: list[Fault], upstream: _Peer,
                            head: h11.Response) -> None:
        body = b"".join([piece async for piece in upstream.pieces()])
        exchange.answer = Answer(head.status_code, body, head.headers.raw_items())
        exchange.answered_at = time.monotonic()
        for fault in faults:
            await fault.answered(exchange)
        await self._proxy.passable()
        await self._answer(exchange.answer)
        exchange.relayed_at = time.monotonic()
        for fault in faults:
            await fault.relayed(exchange)

    async def _answer(self, answer: Answer) -> None:
        """With the length of its body, however it was framed before."""
        headers = [(name, value) for name, value in answer.headers if name.lower() not in FRAMING | HOP_BY_HOP]
        headers.append((b"Content-Length", str(len(answer.body)).encode()))
        await self._client.send(h11.Response(status_code=answer.status, headers=headers), h11.Data(data=answer.body),
                                h11.EndOfMessage())

    async def _relay_watch(self, exchange: Exchange, faults: list[Fault], upstream: _Peer,
                           head: h11.Response) -> None:
        exchange.answer = Answer(head.status_code, b"", head.headers.raw_items())
        exchange.answered_at = time.monotonic()
        for fault in faults:
            await fault.answered(exchange)
        pieces: AsyncIterator[bytes] = upstream.pieces()
        for fault in faults:
            pieces = fault.stream(exchange, pieces)
        await self._client.send(h11.Response(status_code=head.status_code, headers=[
            (name, value) for name, value in exchange.answer.headers if name.lower() not in HOP_BY_HOP]))
        await self._client.unless_it_goes(self._relay_pieces(pieces))
        exchange.relayed_at = time.monotonic()
        for fault in faults:
            await fault.relayed(exchange)

    async def _relay_pieces(self, pieces: AsyncIterator[bytes]) -> None:
        async for piece in pieces:
            await self._proxy.passable()
            await self._client.send(h11.Data(data=piece))
        await self._client.send(h11.EndOfMessage())
