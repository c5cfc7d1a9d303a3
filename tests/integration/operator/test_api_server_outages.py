"""The API server goes away and comes back; watches expire: nothing is lost, nothing is done twice."""

from __future__ import annotations

from collections import Counter

from support.api import Api
from support.audit import AuditLog, Request
from support.control_plane import ControlPlane
from support.operators import OperatorMaker
from support.todo_app import TodoApp
from support.waiting import DEADLINE_FACTOR, eventually

COMPONENT = "app.kubernetes.io/component"
RECOVERY_SECONDS = 60.0
# A debug build shakes hands for some ten watches, more than once.
BURNT_CPU_SECONDS = 2.5


def test_a_killed_api_server_costs_nothing_but_the_wait(
        app: TodoApp, cluster: ControlPlane, new_operator: OperatorMaker, audit: AuditLog) -> None:
    operator = new_operator()
    app.create().wait_ready()
    pid = operator.pid
    audit.settled([operator.user], app.namespace, quiet=0.5)
    cluster.kill()
    cluster.start()
    start = audit.mark()
    app.patch({"backend": {"replicas": 2}})
    app.wait_ready(RECOVERY_SECONDS)
    end = audit.settled([operator.user], app.namespace)
    writes = audit.between(start, end).by(operator.user).inside(app.namespace).object_writes()
    assert writes.objects() == {"deployments todo-backend": 1}, f"\n{writes}"
    assert operator.pid == pid and operator.is_running
    eventually(lambda: operator.is_ready(), "the operator to be ready again")


def test_an_operator_that_slept_while_its_watches_expired_lists_again_and_misses_nothing(
        app: TodoApp, api: Api, cluster: ControlPlane, new_operator: OperatorMaker, audit: AuditLog) -> None:
    operator = new_operator(f"--watch-namespace={app.namespace}")
    app.create({"config": {"STEP": "1"}}).wait_ready()
    audit.settled([operator.user], app.namespace, quiet=0.5)
    operator.pause()
    try:
        # A new API server remembers no event from before its start, so the operator's versions are too old for it.
        churn(api, app.namespace)
        cluster.kill()
        cluster.start()
        start = audit.mark()
        api.delete("Service", "todo-frontend", app.namespace)
        api.patch("Service", "todo-backend", app.namespace, {"spec": {"selector": {COMPONENT: "frontend"}}})
        app.patch({"config": {"STEP": "2"}})
    finally:
        operator.resume()
    app.wait_ready(RECOVERY_SECONDS)
    eventually(lambda: app.child("Service", "frontend"), "the deleted Service")
    eventually(lambda: selected_component(app) == "backend", "the drift put right")
    assert app.outcome(2) == "Succeeded"

    def listed() -> bool:
        # Of a kind that nothing waited for it may come later than the rest.
        taken = audit.since(start).by(operator.user).lists().where(takes_the_whole_set)
        assert {request.resource for request in taken} >= {"configmaps", "services", "todoappdeployments"}, f"\n{taken}"
        return True

    eventually(listed, "all kinds to be listed again", RECOVERY_SECONDS)


def test_an_operator_that_starts_while_the_api_server_is_away_waits_for_it(
        app: TodoApp, cluster: ControlPlane, new_operator: OperatorMaker) -> None:
    operator = new_operator(start=False)
    cluster.kill()
    try:
        operator.start(wait=False)
        eventually(lambda: operator.health("/livez")[0] == 200 or operator.health("/healthz")[0] == 200, "liveness")
        assert operator.health("/readyz")[0] != 200, "it knows nothing yet"
    finally:
        cluster.start()
    eventually(operator.is_ready, "the operator to be ready", RECOVERY_SECONDS)
    app.create().wait_ready()


def test_while_the_api_server_is_away_there_is_no_hot_loop(
        app: TodoApp, cluster: ControlPlane, new_operator: OperatorMaker) -> None:
    operator = new_operator()
    app.create().wait_ready()
    cluster.kill()
    try:
        before, lines = operator.cpu_seconds(), len(operator.logs())
        # What follows takes the server some seconds; a loop without pauses would burn all of them.
    finally:
        cluster.start()
    eventually(operator.is_ready, "the operator to be ready", RECOVERY_SECONDS)
    assert operator.cpu_seconds() - before < BURNT_CPU_SECONDS * DEADLINE_FACTOR
    repeated = Counter(str(line.get("msg", line.get("message"))) for line in operator.logs()[lines:])
    assert max(repeated.values(), default=0) < 200, repeated.most_common(3)


def takes_the_whole_set(request: Request) -> bool:
    """A list, or a watch that begins with one."""
    return request.verb == "list" or "sendInitialEvents=true" in request.uri


def churn(api: Api, namespace: str) -> None:
    """Takes the cluster's version forward, by an object that the operator does not watch."""
    meta = {"name": "unrelated", "namespace": namespace}
    for number in range(20):
        api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"round": str(number)}})


def selected_component(app: TodoApp) -> str:
    """Whose pods the backend's Service selects."""
    return str(app.child("Service", "backend")["spec"]["selector"][COMPONENT])
