"""Of several replicas one writes; another takes over, soon or when the lease has run out."""

from __future__ import annotations

import itertools

import pytest

from support.api import Api
from support.audit import AuditLog, Traffic
from support.operator_process import OperatorProcess
from support.operators import OPERATOR_USERS, OperatorMaker
from support.rbac import SYSTEM_NAMESPACE
from support.todo_app import TodoApp
from support.waiting import eventually, show

# A leader that a busy machine does not let renew its lease ends, and rightly.
LEASE_SECONDS = 10
FLAGS = ["--leader-elect", f"--leader-election-namespace={SYSTEM_NAMESPACE}",
         f"--leader-election-lease-duration={LEASE_SECONDS}s", "--leader-election-renew-deadline=9s",
         "--leader-election-retry-period=500ms"]


@pytest.fixture(autouse=True)
def no_lease(api: Api) -> None:
    """Each test begins with no leader."""
    for lease in api.list("Lease", SYSTEM_NAMESPACE):
        api.delete("Lease", lease["metadata"]["name"], SYSTEM_NAMESPACE)


@pytest.fixture
def pair(new_operator: OperatorMaker) -> tuple[OperatorProcess, OperatorProcess]:
    """A leader and a standby, each a user of its own."""
    leader = new_operator(*FLAGS, user=OPERATOR_USERS[0])
    eventually(lambda: leader.is_leader, "a leader")
    standby = new_operator(*FLAGS, user=OPERATOR_USERS[1])
    return leader, standby


def test_a_standby_is_ready_but_writes_nothing(
        app: TodoApp, pair: tuple[OperatorProcess, OperatorProcess], audit: AuditLog) -> None:
    leader, standby = pair
    start = audit.mark()
    app.create().wait_ready()
    traffic = audit.since(start)
    assert traffic.by(leader.user).writes()
    assert not traffic.by(standby.user).writes(), f"\n{traffic.by(standby.user)}"
    assert standby.health("/readyz")[0] == 200
    assert leader.is_leader and not standby.is_leader


def test_on_sigterm_the_standby_takes_over_at_once(
        app: TodoApp, api: Api, pair: tuple[OperatorProcess, OperatorProcess], audit: AuditLog) -> None:
    leader, standby = pair
    app.create().wait_ready()
    start = audit.mark()
    leader.terminate()
    eventually(lambda: standby.is_leader, "the standby to lead")
    app.patch({"backend": {"replicas": 2}})
    app.wait_ready()
    traffic = audit.since(start)
    assert traffic.by(standby.user).inside(app.namespace).object_writes()
    # An answer may be late; what counts is when it was asked for.
    written = traffic.by(leader.user).where(lambda request: request.is_write or request.is_lease or request.is_event)
    last = max(written, key=lambda request: request.received)
    assert last.is_lease, f"the lease was not released last:\n{traffic.by(leader.user)}"
    leases = traffic.leases().where(lambda request: request.answered > last.answered)
    looks = list(itertools.takewhile(lambda request: request.verb == "get", leases.by(standby.user)))
    # One look may have been under way when it was released, and been answered after it.
    assert len(looks) <= 2, f"it took the lease with its first look after the release, which is at once:\n{leases}"


def test_the_released_lease_has_no_holder(api: Api, new_operator: OperatorMaker) -> None:
    leader = new_operator(*FLAGS)
    eventually(lambda: leader.is_leader, "a leader")
    [lease] = api.list("Lease", SYSTEM_NAMESPACE)
    assert lease["spec"]["holderIdentity"]
    leader.terminate()
    [lease] = api.list("Lease", SYSTEM_NAMESPACE)
    assert not lease["spec"].get("holderIdentity"), show(lease["spec"])


def test_after_sigkill_the_standby_takes_over_when_the_lease_has_run_out(
        app: TodoApp, pair: tuple[OperatorProcess, OperatorProcess], audit: AuditLog) -> None:
    leader, standby = pair
    app.create().wait_ready()
    audit.settled([leader.user], app.namespace, quiet=0.5)
    leader.kill()
    start = audit.mark()
    app.patch({"backend": {"replicas": 2}})
    eventually(lambda: standby.is_leader, "the standby to lead", deadline=3 * LEASE_SECONDS)
    app.wait_ready()
    writes = audit.since(start).inside(app.namespace).writes().by(*OPERATOR_USERS)
    assert writes and all(request.user == standby.user for request in writes), f"\n{writes}"


def test_a_leader_that_slept_past_its_lease_writes_nothing_when_it_wakes(
        app: TodoApp, pair: tuple[OperatorProcess, OperatorProcess], audit: AuditLog) -> None:
    leader, standby = pair
    app.create().wait_ready()
    leader.pause()
    try:
        eventually(lambda: standby.is_leader, "the standby to lead", deadline=3 * LEASE_SECONDS)
        start = audit.mark()
        app.patch({"backend": {"replicas": 2}})
        app.wait_ready()
    finally:
        leader.resume()
    # To end is what the references do; to go on as a standby would be right as well.
    eventually(lambda: not leader.is_running or not leader.is_leader, "the old leader to notice")
    if not leader.is_running:
        assert leader.wait(1) != 0, "to lose the lease is no success"
    end = audit.settled(OPERATOR_USERS, app.namespace)
    writes = audit.between(start, end).by(leader.user).writes()
    assert not writes, f"\n{writes}"


def test_only_one_of_two_that_start_together_leads(
        app: TodoApp, new_operator: OperatorMaker, audit: AuditLog) -> None:
    both = [new_operator(*FLAGS, user=user, start=False) for user in OPERATOR_USERS]
    start = audit.mark()
    for replica in both:
        replica.start(wait=False)
    app.create().wait_ready()
    for replica in both:
        eventually(replica.is_ready, f"{replica.user} to be ready")
    writers = {request.user for request in writes_of(audit.since(start), app)}
    assert len(writers) == 1
    assert [replica.is_leader for replica in both].count(True) == 1


def writes_of(traffic: Traffic, app: TodoApp) -> Traffic:
    return traffic.inside(app.namespace).writes().by(*OPERATOR_USERS)
