"""Rows about what the operator does while it is killed, refused, denied, hindered, or told to end."""

from __future__ import annotations

import json
import threading

from rows import Rows
from run import FLAT_SECONDS, PHASE_SECONDS, Model, Run, changes_of, listed, tries_of
from support.api import ApiError, Object, path_of
from support.end_state import differences
from support.faults import Call, Hold, Point, write
from support.pod_simulator import MANAGED
from support.rbac import SYSTEM_NAMESPACE
from support.stream_faults import CONFLICT, FAILURE, refuse
from support.todo_app import TIERS, TodoApp
from support.waiting import eventually

acted = Rows()

# Longer than other tests of the lease have: eight runs share the machine.
RENEW_SECONDS = 10
LEASE_FLAGS = ["--leader-elect", f"--leader-election-namespace={SYSTEM_NAMESPACE}",
               "--leader-election-lease-duration=12s", f"--leader-election-renew-deadline={RENEW_SECONDS}s",
               "--leader-election-retry-period=1s"]
# After 5 s, then twice as long each time: in two minutes.
MOST_TRIES = 5


# --- Row 1, for a deletion: there is no write to die at, so it dies while its children go.


@acted
def killed_while_its_app_is_deleted(run: Run, model: Model) -> None:
    """Whoever comes after it finds the rest going, and makes nothing again."""
    api = run.world.api
    run.install()
    run.upgrade()
    run.app.delete(propagation="Foreground")
    eventually(lambda: run.world.births.of(run.namespace)["DELETED Service todo-frontend"], "a child to go")
    run.operator.kill()
    since = run.mark()
    run.start()
    eventually(lambda: not [item for kind in GOING for item in api.list(kind, run.namespace, MANAGED)], "all to go", 60)
    eventually(lambda: api.find("TodoAppDeployment", "todo", run.namespace) is None, "the app to go", 60)
    run.does_what_it_can()
    assert not run.proxy.writes(since), listed(run.proxy.writes(since))
    added = {what: count for what, count in run.world.births.of(run.namespace).items() if what.startswith("ADDED")}
    assert added == {what: count for what, count in model["upgraded"].births.items() if what.startswith("ADDED")}


GOING = ["ControllerRevision", "Deployment", "Service", "ConfigMap", "Secret", "Job"]


# --- Row 12: others write as well.


@acted
def a_conflict_on_each_write_three_times(run: Run, model: Model) -> None:
    """Converges, and asks no more often than it is refused."""
    run.lay(refuse(CONFLICT), tries_of(lambda it: write(it) and it.place.subresource != "status", 3))
    run.install()
    tries, needed = changes_of(run.upgrade()), changes_of(model["upgraded"])
    run.judge(model["upgraded"])
    more = {word: count for word, count in tries.items() if count > 4 * needed[word]}
    assert not more, more


@acted
def a_second_writer_that_never_rests(run: Run, model: Model) -> None:
    """It labels all objects of the app again and again, and a revision's record just before its outcome is written."""
    label = Call(lambda it: _label(run, "ControllerRevision", it.place.name, str(it.number)), Point.ASKED)
    run.lay(label, tries_of(lambda it: it.what == "patch controllerrevisions", 2))
    run.start()
    stop = threading.Event()
    writer = threading.Thread(target=_label_all, args=(run, stop), name="second-writer")
    writer.start()
    try:
        run.install()
        run.upgrade()
    finally:
        stop.set()
        writer.join(30)
    _label_once(run, None)
    run.judge(model["upgraded"])


KINDS = ["TodoAppDeployment", "ControllerRevision", "Deployment", "Service", "Job"]


def _label_all(run: Run, stop: threading.Event) -> None:
    number = 0
    while not stop.wait(0.05):
        number += 1
        _label_once(run, str(number))


def _label_once(run: Run, value: str | None) -> None:
    for kind in KINDS:
        for item in run.world.api.list(kind, run.namespace):
            _label(run, kind, item["metadata"]["name"], value)


def _label(run: Run, kind: str, name: str, value: str | None) -> None:
    """Not an annotation: that of a Deployment would raise its generation."""
    try:
        run.world.api.patch(kind, name, run.namespace, {"metadata": {"labels": {"stranger": value}}},
                            manager="stranger")
    except ApiError as refusal:
        if refusal.status != 404:
            raise


# --- Rows 14 and 24: the lease, and the end.


@acted
def a_leader_that_cannot_renew_ends(run: Run, model: Model) -> None:
    """Within its renew deadline, with a failure, and without a write after that."""
    run.use_flags(*LEASE_FLAGS, f"--leader-election-id={run.namespace}")
    run.install()
    since = run.mark()
    with run.proxy.laid(refuse(FAILURE), lambda it: it.place.resource == "leases"):
        code = run.operator.wait(RENEW_SECONDS + 30)
    assert code == 1, code
    assert "the renew deadline passed" in run.operator.log_text()
    assert not run.proxy.writes(since), listed(run.proxy.writes(since))
    run.start()
    run.upgrade()
    run.judge(model["upgraded"])


@acted
def sigterm_while_a_write_is_under_way(run: Run, model: Model) -> None:
    """It waits for the answer, ends its pass, and gives the lease back last; a successor goes on."""
    run.use_flags(*LEASE_FLAGS, f"--leader-election-id={run.namespace}")
    run.install()
    held = Hold(Point.ANSWERED)
    with run.proxy.laid(held, lambda it: write(it) and it.place.resource == "deployments", nth=1):
        run.begin_upgrade()
        eventually(lambda: held.held, "a write")
        since = run.mark()
        ending = threading.Thread(target=run.operator.terminate, args=(30,), name="sigterm")
        ending.start()
        eventually(lambda: "Began to stop" in run.operator.log_text(), "the signal to be heard")
        held.release()
        ending.join(60)
    assert not run.operator.is_running
    after = run.asked(lambda it: it.method != "GET", since)
    assert after and after[-1].which == f"update leases {run.namespace}", listed(after)
    assert not json.loads(after[-1].body)["spec"]["holderIdentity"], "a renewal"
    run.start()
    run.judge(model["upgraded"])


# --- Row 20.


@acted
def back_to_a_revision_is_as_it_was_at_first(run: Run, model: Model) -> None:
    """A, B, rollback to A: what stands in the cluster of the pods, and of what they read, is what A had made."""
    run.install()
    before = {tier: run.app.child("Deployment", tier)["spec"] for tier in TIERS}
    run.upgrade()
    assert {tier: run.app.child("Deployment", tier)["spec"] for tier in TIERS} != before
    run.app.patch({"rollback": {"toRevision": 1}})
    run.settle()
    after = {tier: run.app.child("Deployment", tier)["spec"] for tier in TIERS}
    assert not differences(after, before)
    run.is_flat()
    run.app.patch({"rollback": None})
    run.settle()
    shown = run.app.child("Deployment", "backend")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert shown == "localhost/todo-backend:1.1.0"


# --- Row 23: somebody denies.


@acted
def an_admission_policy_that_denies(run: Run, model: Model) -> None:
    """It is said in the policy's words and tried ever less often, another app goes on, and it heals."""
    api, kubectl, name = run.world.api, run.world.cluster.kubectl, run.namespace
    policy = deny_backends(name)
    run.install()
    kubectl("apply", "-f", "-", stdin=json.dumps(policy))
    try:
        eventually(lambda: _is_denied(run), "the policy to count", 60)
        run.begin_upgrade()
        run.app.wait_condition("Ready", "False", "Rejected", 60)
        assert "no backends today" in run.app.condition("Ready")["message"], run.app.condition("Ready")
        since, other = run.mark(), TodoApp(api, name, "other").create()
        other.wait_ready(60)
        tries = run.asked(lambda it: write(it) and it.answer is not None and it.answer.status >= 400, since)
        assert len(tries) <= MOST_TRIES, listed(tries)
        other.delete()
        eventually(lambda: not [item for kind in KINDS for item in api.list(kind, name)
                                if item["metadata"]["name"].startswith("other")], "the other app to go", 60)
    finally:
        kubectl("delete", "--ignore-not-found", "-f", "-", stdin=json.dumps(policy))
    # What was refused is tried again after as long a time as it was refused before.
    run.settle(3 * PHASE_SECONDS)
    run.agrees(model["upgraded"].state)
    eventually(run.is_flat, "memory, threads and files as before", FLAT_SECONDS)


def deny_backends(namespace: str) -> Object:
    group = "admissionregistration.k8s.io/v1"
    deployments = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
                   "resources": ["deployments"]}
    expression = f"object.metadata.namespace != '{namespace}' || object.metadata.name != 'todo-backend'"
    # The deployment controller, which writes the status only, is not asked: that is another resource.
    return {"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": group, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": namespace},
         "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [deployments]},
                  "validations": [{"expression": expression, "message": "no backends today"}]}},
        {"apiVersion": group, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": namespace},
         "spec": {"policyName": namespace, "validationActions": ["Deny"]}}]}


def _is_denied(run: Run) -> bool:
    try:
        run.world.api.request("PATCH", path_of("Deployment", run.namespace, "todo-backend"),
                              {"metadata": {"labels": {"asked": "yes"}}}, query={"dryRun": "All"},
                              content_type="application/merge-patch+json")
    except ApiError as refusal:
        return "no backends today" in str(refusal)
    return False
