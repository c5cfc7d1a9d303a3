"""Rows about what the operator sees, and does not: late events, missed ones, versions that the server has forgotten."""

from __future__ import annotations

import time

from rows import Rows
from run import FLAT_SECONDS, GREETED, Model, Run, changes_of
from support.api import ApiError, path_of
from support.faults import Cut, HoldEvents, Point, watch_of
from support.pod_simulator import MANAGED
from support.stream_faults import ChangeEvents, EndStreams, drop, of_object, resumed
from support.todo_app import TIERS, is_owned_by, managers_of
from support.waiting import eventually

seen = Rows()

# Events younger than 75 s are kept by the API server in any case.
KEPT_SECONDS = 78.0


# --- Row 6, really: the versions that the operator has seen are no longer among those that the server keeps.


@seen
def a_partition_that_outlasts_the_servers_memory(run: Run, model: Model) -> None:
    """The watch of Services cannot be had for longer than events are kept, while others change; then one whole set,
    and the deletion of which no event tells is found."""
    api, streams = run.world.api, EndStreams()
    services = watch_of("services")
    run.lay(streams, services)
    run.install()
    run.upgrade()
    seen = str(api.request("GET", path_of("Service", run.namespace))["metadata"]["resourceVersion"])
    since = run.mark()
    with run.proxy.laid(Cut(Point.ASKED), services):
        streams.end()
        api.delete("Service", "todo-frontend", run.namespace)
        begun = time.monotonic()
        other = api.create({"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]},
                            "metadata": {"name": "other", "namespace": run.namespace}})
        _churn(run, 60)
        eventually(lambda: time.monotonic() - begun >= KEPT_SECONDS, "the server to forget", KEPT_SECONDS + 10)
        eventually(lambda: _churn(run, 20) or _is_forgotten(run, seen), "the version to be too old", 60)
        api.delete("Service", other["metadata"]["name"], run.namespace)
    eventually(lambda: run.whole_sets(since, "services"), "a whole set", 90)
    eventually(lambda: run.app.child("Service", "frontend"), "the deleted Service")
    assert len(run.whole_sets(since, "services")) == 1
    gone = [each for each in run.asked(resumed(services), since) if each.answer is not None]
    assert gone, "it did not try to go on from where it was"
    run.judge(model["upgraded"], {"DELETED Service todo-frontend": 1, "ADDED Service todo-frontend": 1})


def _churn(run: Run, times: int) -> bool:
    for number in range(times):
        run.world.api.patch("Service", "other", run.namespace, {"metadata": {"labels": {"round": str(number)}}})
    return False


def _is_forgotten(run: Run, version: str) -> bool:
    try:
        stream = run.world.api.open_watch("Service", run.namespace, "", version)
    except ApiError as refusal:
        return refusal.status == 410
    try:
        change, item = next(iter(stream))
        return change == "ERROR" and item["code"] == 410
    finally:
        stream.stop()


# --- Row 4: one kind's events are late, and the operator goes on writing.


def _stale(run: Run, model: Model, resource: str) -> None:
    held = HoldEvents()
    run.lay(held, watch_of(resource))
    run.start()
    for begin, phase in ((run.begin_install, "installed"), (run.begin_upgrade, "upgraded")):
        held.hold()
        begin()
        run.does_what_it_can()
        held.release()
        run.judge_phase(model[phase])
        assert changes_of(run.settle()) == changes_of(model[phase]), "it did not count on what it had written"
    run.judge(model["upgraded"])


@seen
def late_events_of_deployments(run: Run, model: Model) -> None:
    _stale(run, model, "deployments")


@seen
def late_events_of_revisions(run: Run, model: Model) -> None:
    _stale(run, model, "controllerrevisions")


@seen
def late_events_of_configs(run: Run, model: Model) -> None:
    _stale(run, model, "configmaps")


@seen
def late_events_of_secrets(run: Run, model: Model) -> None:
    _stale(run, model, "secrets")


@seen
def late_events_of_services(run: Run, model: Model) -> None:
    _stale(run, model, "services")


@seen
def late_events_of_jobs(run: Run, model: Model) -> None:
    _stale(run, model, "jobs")


# --- Row 5: states that the operator never sees.


@seen
def states_that_were_overwritten_unseen(run: Run, model: Model) -> None:
    """Each second state of a Deployment is kept from it, but for those that say that all is there."""

    def is_over(event: dict[str, object]) -> bool:
        item = event["object"]
        assert isinstance(item, dict)
        status = item.get("status", {})
        return bool(status.get("observedGeneration") == item["metadata"].get("generation")
                    and status.get("availableReplicas", 0) == status.get("replicas", -1)
                    == status.get("updatedReplicas"))

    unseen = [ChangeEvents(drop(lambda event, tier=tier: of_object(f"todo-{tier}", "MODIFIED")(event)
                                and not is_over(event), times=100)) for tier in TIERS]
    for fault in unseen:
        run.lay(fault, watch_of("deployments"))
    run.install()
    run.upgrade()
    assert all(fault.struck for fault in unseen)
    run.judge(model["upgraded"])


@seen
def a_child_that_became_somebody_elses_unseen(run: Run, model: Model) -> None:
    """Another object of the same name, and no event of the deletion: it is told by its uid, named, and left alone."""
    unseen = ChangeEvents(drop(of_object("todo-frontend", "DELETED")))
    run.lay(unseen, watch_of("services"))
    run.install()
    run.upgrade()
    api = run.world.api
    labels = run.app.child("Service", "frontend")["metadata"]["labels"]
    api.delete("Service", "todo-frontend", run.namespace)
    other = api.create({"apiVersion": "v1", "kind": "Service",
                        "metadata": {"name": "todo-frontend", "namespace": run.namespace, "labels": labels},
                        "spec": {"selector": {"app": "other"}, "ports": [{"port": 1234}]}})
    run.app.wait_condition("Stalled", "True", "ForeignObject")
    assert unseen.struck == 1
    run.may_stall = True
    after = run.app.child("Service", "frontend")
    assert after["metadata"]["uid"] == other["metadata"]["uid"] and after["spec"] == other["spec"]
    assert "todoapp-operator" not in managers_of(after)
    api.delete("Service", "todo-frontend", run.namespace)
    run.judge(model["upgraded"], {"DELETED Service todo-frontend": 2, "ADDED Service todo-frontend": 2})


@seen
def an_app_that_was_made_again_unseen(run: Run, model: Model) -> None:
    """No event of its deletion: by its uid it is another app, which gets everything anew."""
    unseen = ChangeEvents(drop(of_object("todo", "DELETED")))
    run.lay(unseen, watch_of("todoappdeployments"))
    run.install()
    run.app.delete()
    eventually(lambda: run.world.api.find("TodoAppDeployment", "todo", run.namespace) is None, "the app to go")
    run.app.create(GREETED)
    eventually(lambda: unseen.struck == 1, "the event of its deletion")
    # Not its births: until it sees the new app it may well heal what the garbage collector takes from the old one.
    run.settle()
    run.agrees(model["installed"].state)
    owner = run.app.get()
    strangers = [item["metadata"]["name"] for kind in ("Deployment", "Service", "ConfigMap", "Secret")
                 for item in run.world.api.list(kind, run.namespace, MANAGED) if not is_owned_by(item, owner)]
    assert not strangers, strangers
    eventually(run.is_flat, "memory, threads and files as before", FLAT_SECONDS)
