"""What the faults of streams do, seen by a plain client: just what they say, and nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from workloads import config_map

from support.api import Api, ApiError
from support.certificates import make_certificates
from support.control_plane import ControlPlane
from support.fault_proxy import FaultProxy
from support.faults import Exchange, Fault, watch_of
from support.kubeconfig import read_kubeconfig
from support.second_server import Line
from support.stream_faults import (
    BUSY,
    GONE,
    ChangeEvents,
    CutInEvent,
    EndAtOnce,
    EndStreams,
    Event,
    ExpireInBand,
    Garble,
    Rechunk,
    Silence,
    drop,
    of_object,
    refuse,
    resumed,
    swell,
    takes_whole_set,
)
from support.waiting import eventually
from support.watching import BROKEN_STREAM

CONFIGS = watch_of("configmaps")


class Reader:
    """Reads a watch of ConfigMaps, an event at a time."""

    def __init__(self, through: Api, namespace: str, version: str) -> None:
        self.stream = through.open_watch("ConfigMap", namespace, "", version)
        # Of each namespace the controller manager makes one such ConfigMap, sooner or later.
        self._events = (event for event in self.stream
                        if event[1].get("metadata", {}).get("name") != "kube-root-ca.crt")

    def next(self) -> Event:
        change, item = next(self._events)
        return {"type": change, "object": item}

    def names(self, count: int) -> list[str]:
        return [str(self.next()["object"]["metadata"]["name"]) for _ in range(count)]

    def is_over(self) -> bool:
        return next(self._events, None) is None


Reading = Callable[[Fault], AbstractContextManager[Reader]]


@pytest.fixture
def reading(proxy: FaultProxy, through: Api, api: Api, namespace: str) -> Reading:
    """Lays a fault on watches, and opens one that begins before all that the test makes."""

    @contextmanager
    def read(fault: Fault) -> Iterator[Reader]:
        version = str(api.create(config_map(namespace, "before"))["metadata"]["resourceVersion"])
        with proxy.laid(fault, CONFIGS):
            reader = Reader(through, namespace, version)
            yield reader
            reader.stream.stop()

    return read


def make(api: Api, namespace: str, *names: str) -> None:
    for name in names:
        api.create(config_map(namespace, name))


def test_a_stream_ends_when_it_is_told_to_and_what_came_before_is_whole(
        api: Api, namespace: str, reading: Reading) -> None:
    streams = EndStreams()
    with reading(streams) as reader:
        make(api, namespace, "one")
        assert reader.names(1) == ["one"]
        streams.end()
        assert reader.is_over()


def test_a_watch_that_ends_at_once_was_answered(reading: Reading) -> None:
    with reading(EndAtOnce()) as reader:
        assert reader.is_over()


def test_a_stream_is_cut_within_the_chosen_event(api: Api, namespace: str, reading: Reading) -> None:
    cut = CutInEvent(of_object("two", "ADDED"))
    with reading(cut) as reader:
        make(api, namespace, "one", "two")
        assert reader.names(1) == ["one"]
        with pytest.raises(BROKEN_STREAM):
            reader.next()
    assert cut.done.is_set()


def test_a_silent_stream_neither_speaks_nor_ends_and_those_after_it_speak(
        through: Api, api: Api, namespace: str, reading: Reading) -> None:
    silence = Silence()
    with reading(silence) as reader:
        make(api, namespace, "one")
        assert reader.names(1) == ["one"]
        silence.fall()
        make(api, namespace, "two")
        version = api.get("ConfigMap", "one", namespace)["metadata"]["resourceVersion"]
        late = Reader(through, namespace, version)
        assert late.names(1) == ["two"] and silence.begun_since == 1
        late.stream.stop()


def test_pieces_of_any_size_are_the_same_bytes(api: Api, namespace: str, reading: Reading) -> None:
    with reading(Rechunk(1, 2, 3)) as reader:
        made = config_map(namespace, "one")
        made["data"] = {"text": "grüße \u6f22\U0001f980"}
        api.create(made)
        assert reader.next()["object"]["data"] == made["data"]


def test_events_are_dropped_grown_and_left_as_they_are(api: Api, namespace: str, reading: Reading) -> None:
    dropping = ChangeEvents(drop(of_object("one", "ADDED")))
    with reading(dropping) as reader:
        make(api, namespace, "one", "two")
        assert reader.names(1) == ["two"]
    assert dropping.struck == 1
    api.delete("ConfigMap", "before", namespace)
    growing = ChangeEvents(swell(of_object("three"), 100_000, "\u6f22"))
    with reading(growing) as reader:
        make(api, namespace, "three", "four")
        large = reader.next()["object"]["metadata"]["annotations"]["padding"]
        assert len(large.encode()) == pytest.approx(100_000, rel=0.01)
        assert reader.names(1) == ["four"]
    assert growing.struck == 1


def test_a_line_that_is_no_json_stands_for_one_event(api: Api, namespace: str, reading: Reading) -> None:
    garble = Garble(of_object("one"))
    with reading(garble) as reader:
        make(api, namespace, "one")
        with pytest.raises(json.JSONDecodeError):
            reader.next()
    assert garble.done.is_set()


def test_a_version_expires_within_a_stream_so_often(through: Api, api: Api, namespace: str, proxy: FaultProxy) -> None:
    version = str(api.create(config_map(namespace, "one"))["metadata"]["resourceVersion"])
    with proxy.laid(ExpireInBand(), CONFIGS):
        event = Reader(through, namespace, version).next()
        assert event == {"type": "ERROR", "object": GONE}
        make(api, namespace, "two")
        assert Reader(through, namespace, version).names(1) == ["two"]


def test_a_refusal_is_in_the_api_servers_words(through: Api, namespace: str, proxy: FaultProxy) -> None:
    with proxy.laid(refuse(BUSY, (b"Retry-After", b"1")), CONFIGS), pytest.raises(ApiError, match="try again") as busy:
        through.open_watch("ConfigMap", namespace, "", "1")
    assert (busy.value.status, busy.value.reason) == (429, "TooManyRequests")


def test_watches_that_go_on_are_told_from_those_that_begin_anew(proxy: FaultProxy) -> None:
    def asked(target: str) -> Exchange:
        return Exchange(1, "GET", target, [], b"", 0.0, proxy)

    begins = asked("/api/v1/configmaps?watch=true&sendInitialEvents=true")
    goes_on = asked("/api/v1/configmaps?watch=true&resourceVersion=7")
    lists = asked("/api/v1/configmaps?limit=100")
    assert [takes_whole_set(each) for each in (begins, goes_on, lists)] == [True, False, True]
    assert [resumed(CONFIGS)(each) for each in (begins, goes_on, lists)] == [False, True, False]


def test_new_certificates_are_shown_to_new_connections(
        proxy: FaultProxy, through: Api, tmp_path: Path) -> None:
    def reader(authority: Path, user: dict[str, str] | None = None) -> Api:
        return Api.from_kubeconfig(proxy.write_kubeconfig(
            tmp_path / "other", user, {"certificate-authority": str(authority)}))

    (tmp_path / "new").mkdir()
    new = make_certificates(tmp_path / "new")
    proxy.rotate(new)
    with pytest.raises(ApiError, match="certificate verify failed"):
        through.list("Namespace")  # Its first request: it has no connection yet.
    assert reader(new.authority).list("Namespace")
    proxy.rotate(new, clients=new.authority)
    with pytest.raises(ApiError, match="Unreachable"):
        reader(new.authority).list("Namespace")
    theirs = {"client-certificate": str(new.certificate), "client-key": str(new.key)}
    assert reader(new.authority, theirs).list("Namespace")


def test_requests_that_fit_are_carried_out_by_another_server(
        proxy: FaultProxy, through: Api, api: Api, namespace: str, cluster: ControlPlane) -> None:
    first = read_kubeconfig(cluster.kubeconfig)
    line = Line(int(first.server.rpartition(":")[2]))
    through.create(config_map(namespace, "one"))
    proxy.divert(lambda exchange: exchange.method == "GET", first._replace(server=f"https://127.0.0.1:{line.port}"))
    assert through.get("ConfigMap", "one", namespace)
    line.close()
    with pytest.raises(ApiError, match="Unreachable"):
        through.get("ConfigMap", "one", namespace)
    through.create(config_map(namespace, "two"))
    proxy.divert_no_more()
    assert through.get("ConfigMap", "two", namespace)


def test_a_line_that_was_stopped_hands_on_later_what_it_kept(cluster: ControlPlane) -> None:
    first = read_kubeconfig(cluster.kubeconfig)
    line = Line(int(first.server.rpartition(":")[2]))
    api = Api(first._replace(server=f"https://127.0.0.1:{line.port}"))
    assert api.list("Namespace")
    line.stop()
    answers: list[object] = []
    reader = threading.Thread(target=lambda: answers.append(api.list("Namespace")))
    reader.start()
    reader.join(0.5)
    assert not answers
    line.go_on()
    eventually(lambda: answers, "the answer")
    reader.join(10)
    line.close()
