"""Rows about the wire: both transports run them."""

from __future__ import annotations

import itertools
from pathlib import Path

from rows import Rows
from run import Model, Run, changes_of, tries_of
from support.certificates import make_certificates
from support.faults import Answer, Call, Cut, Exchange, Fault, HoldEvents, LoseUnseen, Point, watch_of, write
from support.stream_faults import (
    BUSY,
    GONE,
    ChangeEvents,
    CutInEvent,
    EndAtOnce,
    EndStreams,
    ExpireInBand,
    Garble,
    Rechunk,
    Silence,
    of_object,
    refuse,
    resumed,
    swell,
)
from support.todo_app import is_owned_by
from support.waiting import DEADLINE_FACTOR, eventually

wire = Rows()

DEPLOYMENTS = watch_of("deployments")
SERVICES = watch_of("services")
MIB = 1 << 20

# The longest silence that a watch may keep (WatcherOptions::idle), and time to read all anew.
NOTICED_SECONDS = 150 + 60
RETRY_AFTER = 4
# Files of credentials are read again each minute by themselves; a refusal must not wait for that.
REREAD_SECONDS = 40.0
# One Service went and another came.
SERVICE_AGAIN = {"DELETED Service todo-frontend": 1, "ADDED Service todo-frontend": 1}


@wire
def a_line_that_went_dead_is_noticed(run: Run, model: Model) -> None:
    """Row 8, half-open: nothing is said any more, and nothing ends; a deleted child tells whether it was noticed."""
    silence = Silence()
    run.lay(silence, SERVICES)
    run.install()
    run.upgrade()
    silence.fall()
    run.world.api.delete("Service", "todo-frontend", run.namespace)
    eventually(lambda: run.app.child("Service", "frontend"), "the deleted Service", NOTICED_SECONDS)
    assert silence.begun_since, "it came back, but not because another watch told"
    run.judge(model["upgraded"], SERVICE_AGAIN)


@wire
def a_busy_server_is_asked_again_when_it_said(run: Run, model: Model) -> None:
    """Row 7, a write and a watch: neither comes sooner, and nothing is read anew."""
    streams = EndStreams()
    run.lay(streams, DEPLOYMENTS)
    run.install()
    since = run.mark()
    busy = refuse(BUSY, (b"Retry-After", str(RETRY_AFTER).encode()))
    with run.proxy.laid(busy, write, nth=1):
        run.begin_upgrade()
        eventually(lambda: len(run.asked(write, since)) >= 2, "another try")
    first, second = run.asked(write, since)[:2]
    assert second.asked_at - first.asked_at >= RETRY_AFTER, f"{first}\n{second}"
    run.settle()
    with run.proxy.laid(busy, resumed(DEPLOYMENTS), nth=1):
        before = run.mark()
        streams.end()
        eventually(lambda: len(run.asked(DEPLOYMENTS, before)) >= 2, "another watch")
    first, second = run.asked(DEPLOYMENTS, before)[:2]
    assert second.asked_at - first.asked_at >= RETRY_AFTER, f"{first}\n{second}"
    assert not run.whole_sets(since), "it read anew"
    run.judge(model["upgraded"])


@wire
def a_stream_cut_within_an_event_goes_on_from_the_last_version(run: Run, model: Model) -> None:
    """Row 9: the half event is not lost, and nothing is read anew."""
    cut = CutInEvent(run.while_upgrading(of_object("todo-backend", "MODIFIED")))
    run.lay(cut, DEPLOYMENTS)
    run.install()
    since = run.mark()
    run.upgrade()
    assert cut.done.is_set()
    assert run.asked(resumed(DEPLOYMENTS), since), "no other watch"
    assert not run.whole_sets(since, "deployments")
    run.judge(model["upgraded"])


@wire
def watches_that_end_at_once_are_asked_for_ever_less_often(run: Run, model: Model) -> None:
    """Row 15: 0.8 s, then twice as long each time (and at random up to twice that)."""
    streams = EndStreams()
    run.lay(streams, DEPLOYMENTS)
    run.install()
    with run.proxy.laid(EndAtOnce(), resumed(DEPLOYMENTS)):
        since = run.mark()
        streams.end()
        eventually(lambda: len(run.asked(DEPLOYMENTS, since)) >= 5, "five watches", 90)
        times = [watch.asked_at for watch in run.asked(DEPLOYMENTS, since)]
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    assert all(gap >= 0.8 * 2 ** number for number, gap in enumerate(gaps[:4])), gaps
    run.upgrade()
    run.judge(model["upgraded"])


@wire
def events_in_pieces_are_put_together(run: Run, model: Model) -> None:
    """Row 16: pieces of a few bytes, so that most characters of more than one byte are split."""
    run.lay(Rechunk(1, 2, 3, 5, 700), lambda exchange: exchange.is_watch)
    run.install()
    run.upgrade()
    run.judge(model["upgraded"])


@wire
def a_large_event_costs_its_size_and_no_more(run: Run, model: Model) -> None:
    """Row 16: each event of a Deployment has 1.5 MiB while it is upgraded."""
    grown = ChangeEvents(swell(run.while_upgrading(of_object("todo-backend")), 3 * MIB // 2, "\u6f22"))
    run.lay(grown, DEPLOYMENTS)
    run.install()
    before, since = run.operator.peak_resident_bytes(), run.mark()
    run.upgrade()
    assert grown.struck >= 2
    assert not run.whole_sets(since), "it could not read them"
    grew = run.operator.peak_resident_bytes() - before
    assert grew < 20 * MIB * DEADLINE_FACTOR, f"{grew / MIB:.1f} MiB"
    run.judge(model["upgraded"])


@wire
def a_line_that_is_no_json_loses_nothing(run: Run, model: Model) -> None:
    """Row 16: the event that the line stood for is read again."""
    garble = Garble(run.while_upgrading(of_object("todo-backend", "MODIFIED")))
    run.lay(garble, DEPLOYMENTS)
    run.install()
    since = run.mark()
    run.upgrade()
    assert garble.done.is_set()
    again = [watch for watch in run.asked(DEPLOYMENTS, since)]
    assert len(again) == 1, "not read again, or more than once"
    run.judge(model["upgraded"])


class Expire(Fault):
    """Watches are told that their version is too old, once something has happened that they can no longer tell."""

    def __init__(self, run: Run) -> None:
        self._happens = Call(lambda _: run.world.api.delete("Service", "todo-frontend", run.namespace), Point.ASKED)

    async def asked(self, exchange: Exchange) -> Answer | None:
        await self._happens.asked(exchange)
        return await refuse(GONE).asked(exchange)


@wire
def an_expired_version_costs_one_whole_set(run: Run, model: Model) -> None:
    """Row 6, as a status: the deletion of which no event will tell is found."""
    streams = EndStreams()
    run.lay(streams, SERVICES)
    run.install()
    run.upgrade()
    since = run.mark()
    with run.proxy.laid(Expire(run), resumed(SERVICES), nth=1):
        streams.end()
        _service_comes_back(run, since)
    run.judge(model["upgraded"], SERVICE_AGAIN)


@wire
def a_version_that_expires_within_a_stream_costs_one_whole_set(run: Run, model: Model) -> None:
    """Row 6, in-band."""
    streams = EndStreams()
    run.lay(streams, SERVICES)
    run.install()
    run.upgrade()
    since = run.mark()
    expire = ExpireInBand()
    delete = Call(lambda _: run.world.api.delete("Service", "todo-frontend", run.namespace), Point.ASKED)
    with run.proxy.laid(delete, resumed(SERVICES), nth=1), run.proxy.laid(expire, resumed(SERVICES), nth=1):
        streams.end()
        _service_comes_back(run, since)
    assert expire.struck == 1
    run.judge(model["upgraded"], SERVICE_AGAIN)


def _service_comes_back(run: Run, since: int) -> None:
    eventually(lambda: run.whole_sets(since, "services"), "a whole set")
    eventually(lambda: is_owned_by(run.app.child("Service", "frontend"), run.app.get()), "the deleted Service")
    assert len(run.whole_sets(since, "services")) == 1


@wire
def every_answer_that_is_lost_once_makes_nothing_twice(run: Run, model: Model) -> None:
    """Row 11: what was asked for is done, but its first answer never comes; of revisions the event is late as well.
    (integration/crash has each write in a run of its own, with late events too.)"""
    events = HoldEvents()
    lost, unseen = Cut(), LoseUnseen(events)
    run.lay(events, lambda exchange: exchange.is_watch)
    run.lay(unseen, tries_of(records, 1))
    run.lay(lost, tries_of(lambda exchange: write(exchange) and not records(exchange), 1))
    run.install()
    ending = run.upgrade()
    assert lost.done.is_set() and unseen.done.is_set()
    assert set(changes_of(ending)) == set(changes_of(model["upgraded"])), "something else was written"
    run.judge(model["upgraded"])


def records(exchange: Exchange) -> bool:
    return exchange.what == "create controllerrevisions"


class Demand(Fault):
    """401 to whoever does not bear the token of now."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.refused = 0

    async def asked(self, exchange: Exchange) -> Answer | None:
        if (b"bearer " + self.token.encode()).lower() in [value.lower() for name, value in exchange.headers
                                                          if name.lower() == b"authorization"]:
            return None
        self.refused += 1
        return Answer(401, b'{"kind":"Status","code":401,"reason":"Unauthorized","message":"Unauthorized"}')


@wire
def a_rotated_token_is_read_again(run: Run, model: Model) -> None:
    """Row 17: the old one is refused before the new one is in its file, and no process restarts."""
    streams, demand = EndStreams(), Demand("first-token")
    run.lay(streams, lambda exchange: exchange.is_watch)
    run.lay(demand, lambda exchange: True)
    token = run.file("token", "first-token\n")
    run.use_kubeconfig({"tokenFile": str(token)})
    run.install()
    assert demand.refused == 0
    pid, since = run.operator.pid, run.mark()
    demand.token = "second-token"
    streams.end()
    eventually(lambda: demand.refused >= 3, "refusals")
    token.write_text("second-token\n")
    _upgrade_again_allowed(run, since)
    assert run.operator.pid == pid
    assert not run.whole_sets(since), "it read anew"
    run.judge(model["upgraded"])


@wire
def rotated_certificates_are_read_again(run: Run, model: Model) -> None:
    """Row 18: server and clients get certificates of another authority."""
    old, new = run.world.certificates, make_certificates(_folder(run, "new"))
    ca, certificate, key = (run.file(name, file.read_text()) for name, file in zip(
        ("ca.crt", "client.crt", "client.key"), old, strict=True))
    run.proxy.rotate(old, clients=old.authority)
    run.use_kubeconfig({"client-certificate": str(certificate), "client-key": str(key)},
                       {"certificate-authority": str(ca)})
    run.install()
    pid, since = run.operator.pid, run.mark()
    run.proxy.rotate(new, clients=new.authority)
    for file, text in zip((ca, certificate, key), new, strict=True):
        file.write_text(text.read_text())
    _upgrade_again_allowed(run, since)
    assert run.operator.pid == pid
    assert not run.whole_sets(since), "it read anew"
    run.judge(model["upgraded"])


def _upgrade_again_allowed(run: Run, since: int) -> None:
    run.begin_upgrade()
    eventually(lambda: [each for each in run.asked(write, since) if each.answer is not None], "a write that is not refused",
               REREAD_SECONDS)
    run.settle()


def _folder(run: Run, name: str) -> Path:
    folder = run.world.folder / f"{run.namespace}-{name}"
    folder.mkdir()
    return folder
