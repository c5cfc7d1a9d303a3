"""The fault proxy must be unseen where it does nothing, and do just the damage that it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from workloads import config_map

from support.api import Api, ApiError, Object
from support.certificates import make_certificates
from support.control_plane import ControlPlane, Kubectl
from support.fault_proxy import FaultProxy
from support.faults import (
    Call,
    Crash,
    Cut,
    Exchange,
    Fault,
    Hold,
    HoldEvents,
    LoseUnseen,
    Point,
    Reply,
    place_of,
    watch_of,
    write,
)
from support.kubeconfig import read_kubeconfig
from support.waiting import eventually
from support.watching import Recorder


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    """For requests that will not be answered for a while."""
    with ThreadPoolExecutor() as pool:
        yield pool


def test_without_faults_it_is_not_seen(
        proxy: FaultProxy, through: Api, namespace: str, tmp_path: Path) -> None:
    large = config_map(namespace, "large")
    large["data"] = {"text": "x" * 500_000}
    assert through.create(large)["data"] == large["data"]
    through.patch("ConfigMap", "large", namespace, {"data": {"a": "b"}})
    assert through.get("ConfigMap", "large", namespace)["data"]["a"] == "b"
    with pytest.raises(ApiError) as refusal:
        through.create(large)
    assert refusal.value.reason == "AlreadyExists"
    through.delete("ConfigMap", "large", namespace)
    assert Kubectl(tmp_path / "kubeconfig")("get", "namespace", namespace, "-o", "name").strip() \
        == f"namespace/{namespace}"
    assert [exchange.which for exchange in proxy.writes()] == [
        "create configmaps large", "patch configmaps large", "create configmaps large", "delete configmaps large"]
    assert [exchange.answer.status for exchange in proxy.writes() if exchange.answer] == [201, 200, 409, 200]


def test_a_connection_that_is_kept_alive_serves_again(proxy: FaultProxy, through: Api, namespace: str) -> None:
    for _ in range(5):
        through.get("Namespace", namespace)
    assert proxy.connections == 1


def test_a_watch_comes_through_and_ends_with_its_reader(
        proxy: FaultProxy, through: Api, api: Api, namespace: str) -> None:
    with Recorder(through, namespace, ["ConfigMap"]) as recorder:
        for name in ("one", "two"):
            api.create(config_map(namespace, name))
            eventually(lambda name=name: name in recorder.created("ConfigMap"), f"the event of {name}")
        [watch] = [exchange for exchange in proxy.exchanges() if exchange.is_watch]
        assert watch.place.resource == "configmaps" and watch.relayed_at is None
    eventually(lambda: proxy.connections <= 1, "the connection of the watch to end")


def test_an_answer_is_lost_when_what_it_tells_of_is_done(
        proxy: FaultProxy, through: Api, api: Api, namespace: str) -> None:
    lost = Cut(Point.ANSWERED)
    with proxy.laid(lost, write), pytest.raises(ApiError, match="Unreachable"):
        through.create(config_map(namespace, "one"))
    assert lost.done.is_set()
    assert api.find("ConfigMap", "one", namespace)
    assert through.get("ConfigMap", "one", namespace), "the next connection is a good one"


def test_a_request_that_is_cut_is_not_carried_out(
        proxy: FaultProxy, through: Api, api: Api, namespace: str) -> None:
    with proxy.laid(Cut(Point.ASKED), write), pytest.raises(ApiError, match="Unreachable"):
        through.create(config_map(namespace, "one"))
    assert api.find("ConfigMap", "one", namespace) is None
    assert [exchange.answered_at for exchange in proxy.writes()] == [None]


def test_only_the_nth_that_fits_is_struck(proxy: FaultProxy, through: Api, api: Api, namespace: str) -> None:
    through.create(config_map(namespace, "before"))
    proxy.lay(Cut(Point.ASKED), write, nth=2)
    results = {}
    for name in ("one", "two", "three"):
        through.find("ConfigMap", name, namespace)
        try:
            through.create(config_map(namespace, name))
        except ApiError as refusal:
            results[name] = refusal.reason
    assert results == {"two": "Unreachable"}


def test_a_held_request_waits_until_it_is_released(
        proxy: FaultProxy, through: Api, api: Api, namespace: str, aside: ThreadPoolExecutor) -> None:
    before, after = Hold(Point.ASKED), Hold(Point.ANSWERED)
    proxy.lay(before, write, nth=1)
    proxy.lay(after, write, nth=1)
    answer: Future[Object] = aside.submit(through.create, config_map(namespace, "one"))
    eventually(lambda: before.held, "the request to be held")
    assert api.find("ConfigMap", "one", namespace) is None
    before.release()
    eventually(lambda: after.held, "the answer to be held")
    assert api.find("ConfigMap", "one", namespace) and not answer.done()
    after.release()
    assert answer.result(10)["metadata"]["name"] == "one"


def test_events_of_one_kind_are_held_back_and_come_later(
        proxy: FaultProxy, through: Api, api: Api, namespace: str) -> None:
    held = HoldEvents()
    proxy.lay(held, watch_of("configmaps"))
    held.hold()
    with Recorder(through, namespace, ["ConfigMap", "Service"]) as recorder:
        api.create(config_map(namespace, "one"))
        api.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "one", "namespace": namespace},
                    "spec": {"ports": [{"port": 80}]}})
        eventually(lambda: recorder.created("Service") == ["one"], "the Service's event")
        assert "one" not in recorder.created("ConfigMap")
        held.release()
        eventually(lambda: "one" in recorder.created("ConfigMap"), "the ConfigMap's event")


@pytest.mark.parametrize("refused", [1, 3])
def test_a_lost_answer_is_unseen_until_a_write_succeeds_or_three_are_refused(
        proxy: FaultProxy, through: Api, api: Api, namespace: str, refused: int) -> None:
    events = HoldEvents()
    proxy.lay(events, watch_of("configmaps"))
    with Recorder(through, namespace, ["ConfigMap"]) as recorder:
        proxy.lay(LoseUnseen(events), write, nth=1)
        with pytest.raises(ApiError, match="Unreachable"):
            through.create(config_map(namespace, "one"))
        for _ in range(refused):
            assert api.find("ConfigMap", "one", namespace) and "one" not in recorder.created("ConfigMap")
            with pytest.raises(ApiError, match="AlreadyExists"):
                through.create(config_map(namespace, "one"))
        if refused < 3:
            through.create(config_map(namespace, "two"))
        eventually(lambda: "one" in recorder.created("ConfigMap"), "the event")


def test_an_answer_of_its_own_keeps_the_request_from_the_api_server(
        proxy: FaultProxy, through: Api, api: Api, namespace: str) -> None:
    busy = Reply(429, b'{"reason": "TooManyRequests", "message": "not now"}', [(b"Retry-After", b"1")])
    with proxy.laid(busy, write), pytest.raises(ApiError, match="not now") as refusal:
        through.create(config_map(namespace, "one"))
    assert refusal.value.status == 429
    assert api.find("ConfigMap", "one", namespace) is None


def test_a_function_is_called_between_deed_and_answer(
        proxy: FaultProxy, through: Api, api: Api, namespace: str) -> None:
    def look(exchange: Exchange) -> None:
        seen.append((exchange.which, api.find("ConfigMap", "one", namespace) is not None))

    seen: list[tuple[str, bool]] = []
    with proxy.laid(Call(look, Point.ASKED), write), proxy.laid(Call(look, Point.ANSWERED), write):
        through.create(config_map(namespace, "one"))
    assert seen == [("create configmaps one", False), ("create configmaps one", True)]


@pytest.mark.parametrize("at", [Point.ANSWERED, Point.RELAYED])
def test_after_a_crash_nothing_that_the_dead_client_sent_is_carried_out(
        proxy: FaultProxy, through: Api, api: Api, namespace: str, tmp_path: Path, aside: ThreadPoolExecutor,
        at: Point) -> None:
    def kill() -> None:
        # What a client that is quicker than its end would still send.
        late.append(aside.submit(other_connection.create, config_map(namespace, "late")))
        eventually(lambda: len(proxy.writes()) == 2, "the late request")

    other_connection = Api.from_kubeconfig(tmp_path / "kubeconfig")
    late: list[Future[Object]] = []
    crash = Crash(kill, at)
    proxy.lay(crash, write, nth=1)
    first = aside.submit(through.create, config_map(namespace, "one"))
    assert crash.done.wait(20)
    assert (first.exception(20) is None) == (at is Point.RELAYED)
    assert isinstance(late[0].exception(20), ApiError)
    successor = Api.from_kubeconfig(tmp_path / "kubeconfig")
    assert successor.get("ConfigMap", "one", namespace), "who comes after it is served"
    assert api.find("ConfigMap", "late", namespace) is None


def test_an_error_of_a_fault_is_not_hidden(cluster: ControlPlane, tmp_path: Path) -> None:
    class Bad(Fault):
        async def answered(self, exchange: Exchange) -> None:
            raise ZeroDivisionError

    proxy = FaultProxy(read_kubeconfig(cluster.kubeconfig), make_certificates(tmp_path))
    with pytest.raises(ZeroDivisionError), proxy:
        proxy.lay(Bad())
        with pytest.raises(ApiError, match="Unreachable"):
            Api.from_kubeconfig(proxy.write_kubeconfig(tmp_path / "kubeconfig")).list("Namespace")
    assert not [thread for thread in threading.enumerate() if thread.name == "fault-proxy"]


@pytest.mark.parametrize(("path", "place"), [
    ("/api/v1/namespaces/shop", ("namespaces", "", "shop", "")),
    ("/api/v1/namespaces/shop/status", ("namespaces", "", "shop", "status")),
    ("/api/v1/namespaces/shop/secrets", ("secrets", "shop", "", "")),
    ("/apis/apps/v1/deployments", ("deployments", "", "", "")),
    ("/apis/apps/v1/namespaces/shop/deployments/todo/status", ("deployments", "shop", "todo", "status")),
    ("/readyz", ("", "", "", "")),
])
def test_a_path_says_what_it_is_about(path: str, place: tuple[str, ...]) -> None:
    assert place_of(path) == place
