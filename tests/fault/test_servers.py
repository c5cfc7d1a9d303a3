"""Rows that stop or replace servers of the control plane: one after another, for all runs share these."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from rows import name_of
from run import Model, Run, World, listed
from support.faults import Call, Exchange, Point, write
from support.second_server import SecondServer
from support.todo_app import condition_of
from support.waiting import DEADLINE_FACTOR, eventually

# How long the servers are away: longer than the deadline of a call (30 s), or long enough to see what it is like.
STOPPED_SECONDS = 33.0
SLOW_SECONDS = 20.0
STALE_SECONDS = 15.0
# Some ten watches and a few writes, each tried ever less often.
MOST_REQUESTS = 60
BURNT_CPU_SECONDS = 2.0
RECOVERY_SECONDS = 60.0


@pytest.fixture
def run(world: World, request: pytest.FixtureRequest) -> Iterator[Run]:
    with Run(world, name_of(request.node.originalname.removeprefix("test_"))).living() as run:
        yield run


@pytest.mark.both_transports
def test_a_stopped_api_server_is_given_up_and_found_again(run: Run, model: Model) -> None:
    """Row 8: SIGSTOP before it hears of a write; the call ends by its deadline and not by the server's word."""
    cluster = run.world.cluster
    run.install()
    since, said = run.mark(), len(run.operator.log_text())
    with run.proxy.laid(Call(lambda _: cluster.pause(), Point.ASKED), write, nth=1):
        run.begin_upgrade()
        try:
            eventually(lambda: "no answer within" in run.operator.log_text()[said:], "the call to be given up",
                       STOPPED_SECONDS + 20)
            asked = len(run.asked(lambda _: True, since))
        finally:
            cluster.resume()
    assert asked < MOST_REQUESTS, asked
    run.judge(model["upgraded"])


def test_without_etcd_it_asks_ever_less_often(run: Run, model: Model) -> None:
    """Row 10: SIGSTOP of etcd before a write; no other gets by while it is being stopped."""
    cluster = run.world.cluster
    one_by_one, stopped = threading.Lock(), threading.Event()

    def stop_once(_: Exchange) -> None:
        with one_by_one:
            if not stopped.is_set():
                cluster.pause("etcd")
                stopped.set()

    run.install()
    with run.proxy.laid(Call(stop_once, Point.ASKED), write):
        run.begin_upgrade()
        try:
            eventually(lambda: run.asked(write)[-1].asked_at >= run.begun_upgrade_at, "a write")
            begun, cpu, before = time.monotonic(), run.operator.cpu_seconds(), run.mark()
            eventually(lambda: time.monotonic() - begun >= SLOW_SECONDS, "a while", SLOW_SECONDS + 5)
            asked, burnt = run.asked(lambda _: True, before), run.operator.cpu_seconds() - cpu
        finally:
            cluster.resume("etcd")
    assert len(asked) < MOST_REQUESTS, listed(asked)
    assert burnt < BURNT_CPU_SECONDS * DEADLINE_FACTOR, f"{burnt:.1f} s of CPU"
    run.judge(model["upgraded"])


def test_a_successor_that_is_shown_the_past_waits_for_the_present(run: Run, model: Model) -> None:
    """Row 3: all that a restarted operator reads comes from an API server that was left behind before the upgrade, and
    what it writes would go to the one that was not."""
    world = run.world
    with SecondServer(world.cluster, world.folder) as second:
        api = second.api(world.admin)
        run.install()
        eventually(lambda: condition_of(api.get("TodoAppDeployment", "todo", run.namespace), "Ready")["status"]
                   == "True", "the second API server to have seen the install")
        second.line.stop()
        run.upgrade()
        run.operator.terminate()
        run.proxy.divert(lambda it: it.method == "GET", second.connection(world.connection))
        since, begun = run.mark(), time.monotonic()
        run.operator.start(wait=False)
        eventually(lambda: time.monotonic() - begun >= STALE_SECONDS, "a while", STALE_SECONDS + 5)
        assert not run.proxy.writes(since), listed(run.proxy.writes(since))
        assert run.operator.health("/readyz")[0] != 200, "it takes the past for the present"
        second.line.go_on()
        eventually(run.operator.is_ready, "the operator to be ready", 2 * RECOVERY_SECONDS)
        assert run.settle()
        run.proxy.divert_no_more()
        run.proxy.cut_all()
        assert not run.proxy.writes(since), listed(run.proxy.writes(since))
        run.judge(model["upgraded"])
