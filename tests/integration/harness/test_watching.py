"""The recorder must miss nothing, in the order of the changes, even while the API server restarts."""

from __future__ import annotations

import threading

from workloads import config_map

from support.api import Api
from support.control_plane import ControlPlane
from support.fault_proxy import FaultProxy
from support.faults import HoldEvents, watch_of
from support.waiting import eventually
from support.watching import Recorder


def test_changes_of_all_kinds_are_kept_in_the_order_in_which_they_were_made(api: Api, namespace: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "two", "namespace": namespace}}
    with Recorder(api, namespace, ["ConfigMap", "Secret"]) as recorder:
        api.create(config_map(namespace, "one"))
        api.create(secret)
        api.patch("ConfigMap", "one", namespace, {"data": {"a": "b"}})
        api.delete("Secret", "two", namespace)
        eventually(lambda: recorder.deleted("Secret"), "the deletion")
    changes = [(change.type, change.name) for change in recorder.changes() if change.name in ("one", "two")]
    assert changes == [("ADDED", "one"), ("ADDED", "two"), ("MODIFIED", "one"), ("DELETED", "two")]


def test_what_was_done_is_there_however_late_the_watch_tells_of_it(
        proxy: FaultProxy, through: Api, api: Api, namespace: str) -> None:
    held = HoldEvents()
    proxy.lay(held, watch_of("configmaps"))
    api.create(config_map(namespace, "old"))
    with Recorder(through, namespace, ["ConfigMap"]) as recorder:
        held.hold()
        api.create(config_map(namespace, "one"))
        api.patch("ConfigMap", "one", namespace, {"data": {"a": "b"}})
        api.delete("ConfigMap", "old", namespace)
        released = threading.Event()

        def release() -> None:
            released.set()
            held.release()

        threading.Timer(0.3, release).start()
        recorder.catch_up()
        assert released.is_set(), "it waited"
        changes = [(change.type, change.name) for change in recorder.changes() if change.name in ("old", "one")]
    assert changes == [("ADDED", "old"), ("ADDED", "one"), ("MODIFIED", "one"), ("DELETED", "old")]


def test_a_restart_of_the_api_server_is_survived(cluster: ControlPlane, api: Api, namespace: str) -> None:
    api.create(config_map(namespace, "old"))
    with Recorder(api, namespace, ["ConfigMap"]) as recorder:
        cluster.kill()
        cluster.start()
        api.create(config_map(namespace, "new"))
        eventually(lambda: "new" in recorder.created("ConfigMap"), "the new object")
    assert recorder.created("ConfigMap").count("old") == 1
    assert recorder.deleted("ConfigMap") == []
