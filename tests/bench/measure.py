"""The measurements: each method of `Bench` does one kind of work to the apps and notes what it cost the operator.

Requests are those of the API server's audit log, by the operator's own user; CPU is that of its process alone. The
floors are those of the design: 9 objects of an app with config for both tiers and one generated secret (the Secret of
the keys among them), its record and the record's outcome; reads none.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.stage import Key, Onlooker, Rollouts, in_parallel, taken
from bench.watcher import Watcher
from support import rbac
from support.audit import AuditLog, Traffic
from support.control_plane import ControlPlane
from support.operator_process import OperatorProcess
from support.operators import OPERATOR_USERS
from support.todo_app import TodoApp
from support.waiting import eventually

APPS_PER_NAMESPACE = 1000
SPEC = {
    "config": {"LOG_LEVEL": "info"},
    "secrets": [{"name": "SESSION_KEY", "generate": {"bytes": 32}, "tiers": ["frontend", "backend"]}],
    "upgrade": {"soakSeconds": 0},
}
# Objects are made by an apply; only a record is made by a create, which its number must win.
CREATE_FLOOR = {"patch deployments": 2, "patch services": 2, "patch configmaps": 2, "patch secrets": 3,
                "create controllerrevisions": 1, "patch controllerrevisions": 1}
UPGRADE_FLOOR = {"create controllerrevisions": 1, "patch deployments": 1, "patch controllerrevisions": 1}
# The operator gives memory back once it has been quiet for some 20 s.
REST_SECONDS = 25

Figures = dict[str, Any]


class Bench:
    def __init__(self, cluster: ControlPlane, binary: Path, transport: str, apps: int, logs: Path) -> None:
        self._cluster, self._api = cluster, cluster.api
        self._binary, self._transport, self._logs = binary, transport, logs
        self._apps = [TodoApp(self._api, f"bench-{number // APPS_PER_NAMESPACE}", f"app-{number}")
                      for number in range(apps)]
        self._generations: dict[Key, int] = {(app.namespace, app.name): 1 for app in self._apps}
        self.figures: Figures = {"apps": apps, "transport": transport}
        self._audit = AuditLog(cluster.audit_log, cluster.api)

    @contextmanager
    def running(self) -> Iterator[Bench]:
        """A fresh stage, and the operator on it."""
        self._api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": rbac.SYSTEM_NAMESPACE}})
        rbac.grant(self._api, rbac.rendered(str(rbac.CLUSTER_WIDE)), OPERATOR_USERS)
        namespaces = sorted({app.namespace for app in self._apps})
        for namespace in namespaces:
            self._api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        self._operator = self.operator(OPERATOR_USERS[0])
        self._onlooker = Onlooker(self._api)
        self._operator.start()
        try:
            with Rollouts(self._api, namespaces), self._onlooker:
                yield self
        finally:
            self._operator.clean_up()

    def operator(self, user: str, *flags: str) -> OperatorProcess:
        return OperatorProcess(self._binary, self._cluster.user(user), user, self._transport,
                               self._logs / f"{user}.log", flags, log_level="info")

    def idle(self) -> None:
        self.figures["idle_rss_mib"] = mib(self._at_rest())

    def create(self) -> None:
        with self._cost("create", len(self._apps)):
            in_parallel(lambda number: self._apps[number].create(SPEC) and None, len(self._apps))
            self._onlooker.wait_ready(self._generations)
        self.figures["create_peak_rss_mib"] = mib(self._operator.peak_resident_bytes())
        self.figures["longest_turn_ms"] = round(
            self._operator.metrics().value("todoapp_loop_turn_longest_seconds") * 1000, 1)

    def rest(self) -> None:
        """How much memory the apps take once all is quiet."""
        rss = self._at_rest()
        self.figures["rss_mib"] = mib(rss)
        # With fewer, what any work needs once would be shared by too few.
        if len(self._apps) >= 100:
            taken_by_apps = (mib(rss) - self.figures["idle_rss_mib"]) * 1024
            self.figures["rss_kib_per_app"] = round(taken_by_apps / len(self._apps), 1)

    def no_op(self, most: int = 1000) -> None:
        """Somebody else's note on a Deployment: an event, and nothing to do about it."""
        chosen = self._apps[:most]
        passes = self._passes()
        with self._cost("no_op", len(chosen)):
            note = {"metadata": {"annotations": {"example.org/note": "seen"}}}
            in_parallel(lambda number: self._api.patch("Deployment", f"{chosen[number].name}-backend",
                                                       chosen[number].namespace, note) and None, len(chosen))
            self._wait_passes(passes + len(chosen))

    def upgrade(self, most: int = 1000) -> None:
        chosen = self._apps[:most]
        with self._cost("upgrade", len(chosen)):
            in_parallel(lambda number: self._change(chosen[number], {"image": "localhost/todo-backend:1.1.0"}),
                        len(chosen))
            self._onlooker.wait_ready(self._generations)

    def reaction(self, samples: int = 100) -> None:
        """From the spec's write to the child's, as a watcher sees both; one app at a time. And where that goes."""
        delays, start = [], self._audit.mark()
        with Watcher(self._cluster.kubeconfig) as watcher:
            for number in range(samples):
                app = self._apps[number % len(self._apps)]
                before = app.child("Deployment", "backend")
                self._change(app, {"replicas": before["spec"]["replicas"] % 3 + 1})
                key = app.namespace, app.name
                told = watcher.seen("TodoAppDeployment", *key, self._generations[key])
                done = watcher.seen("Deployment", app.namespace, f"{app.name}-backend",
                                    before["metadata"]["generation"] + 1)
                delays.append((done - told) * 1000)
                self._onlooker.wait_ready({key: self._generations[key]})
        self._note_delays("reaction", delays)
        reached, written = server_times(self._audit.since(start))
        assert len(reached) == samples, f"{len(reached)} of {samples} reactions are in the audit log"
        self._note_delays("reaction_reached", reached)
        self._note_delays("reaction_written", written)

    def drift(self, samples: int = 30) -> None:
        """From a change by somebody else to its repair."""
        delays = []
        with Watcher(self._cluster.kubeconfig) as watcher:
            for number in range(samples):
                app = self._apps[number % len(self._apps)]
                name, wanted = f"{app.name}-frontend", app.child("Deployment", "frontend")["spec"]["replicas"]
                bent = self._api.patch("Deployment", name, app.namespace, {"spec": {"replicas": wanted + 4}})
                generation = bent["metadata"]["generation"]
                told = watcher.seen("Deployment", app.namespace, name, generation)
                done = watcher.seen("Deployment", app.namespace, name, generation + 1)
                delays.append((done - told) * 1000)
                assert app.child("Deployment", "frontend")["spec"]["replicas"] == wanted, "the drift was not put right"
        self._audit.settled(OPERATOR_USERS)
        self._note_delays("drift", delays)

    def restart(self, *, rest: bool = True) -> None:
        self._operator.terminate(60)
        start = self._audit.mark()
        with taken() as time_to_ready:
            self._operator.start(wait=False)
            eventually(self._operator.is_ready, "the operator to be ready", deadline=60)
        self._wait_passes(len(self._apps))
        self._audit.settled(OPERATOR_USERS)
        self.figures["restart_ready_seconds"] = round(time_to_ready.seconds, 2)
        self.figures["restart_cpu_ms_per_app"] = self._per_app(self._operator.cpu_seconds() * 1000, len(self._apps))
        self._note_traffic("restart", self._audit.since(start).by(*OPERATOR_USERS), len(self._apps))
        self.figures["restart_peak_rss_mib"] = mib(self._operator.peak_resident_bytes())
        if rest:
            self.figures["restart_rss_mib"] = mib(self._at_rest())

    def failover(self) -> None:
        """From the end of the leader to the other's first line as one; by default settings, a lease of 15 s."""
        self._operator.terminate(60)
        flags = ["--leader-elect", f"--leader-election-namespace={rbac.SYSTEM_NAMESPACE}"]
        one, other = (self.operator(user, *flags) for user in OPERATOR_USERS)
        try:
            one.start()
            eventually(lambda: one.is_leader, "the first to lead", deadline=60)
            other.start()
            with taken() as politely:
                one.terminate(60)
                eventually(lambda: other.is_leader, "the second to lead", deadline=60)
            one.start()
            with taken() as abruptly:
                other.kill()
                eventually(lambda: one.is_leader, "the first to lead again", deadline=90)
        finally:
            one.clean_up()
            other.clean_up()
        self.figures["failover_sigterm_seconds"] = round(politely.seconds, 2)
        self.figures["failover_sigkill_seconds"] = round(abruptly.seconds, 2)

    @contextmanager
    def _cost(self, what: str, count: int) -> Iterator[None]:
        start, cpu = self._audit.mark(), self._operator.cpu_seconds()
        with taken() as whole:
            yield
        self._audit.settled(OPERATOR_USERS)
        self.figures[f"{what}_seconds"] = round(whole.seconds, 1)
        self.figures[f"{what}_cpu_ms_per_app"] = self._per_app((self._operator.cpu_seconds() - cpu) * 1000, count)
        self._note_traffic(what, self._audit.since(start).by(*OPERATOR_USERS), count)

    def _note_traffic(self, what: str, traffic: Traffic, count: int) -> None:
        """Totals, for counts are exact."""
        self.figures[f"{what}_apps"] = count
        self.figures[f"{what}_objects"] = dict(sorted(traffic.object_writes().kinds().items()))
        self.figures[f"{what}_status_writes"] = len(traffic.status_writes())
        self.figures[f"{what}_reads"] = len(traffic.reads())
        self.figures[f"{what}_events"] = len(traffic.events())
        self.figures[f"{what}_refused"] = dict(Counter(f"{request.code} {request.what}"
                                                       for request in traffic.refused()))

    def _note_delays(self, what: str, delays: list[float]) -> None:
        ordered = sorted(delays)
        self.figures[f"{what}_p50_ms"] = round(statistics.median(ordered), 1)
        self.figures[f"{what}_p99_ms"] = round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 1)

    def _change(self, app: TodoApp, backend: Figures) -> None:
        self._generations[app.namespace, app.name] = app.patch({"backend": backend})

    def _passes(self) -> float:
        return self._operator.metrics().value("controller_runtime_reconcile_total")

    def _wait_passes(self, wanted: float) -> None:
        def enough() -> bool:
            assert self._passes() >= wanted, f"{self._passes():g} passes of {wanted:g}"
            return True
        eventually(enough, f"{wanted:g} passes", deadline=60 + wanted * 0.05)

    def _at_rest(self) -> int:
        quiet_since, least = time.monotonic(), self._operator.resident_bytes()

        def stands_still() -> bool:
            nonlocal quiet_since, least
            if self._operator.resident_bytes() < least - 100_000:
                quiet_since, least = time.monotonic(), self._operator.resident_bytes()
            assert time.monotonic() - quiet_since > REST_SECONDS, "the memory still falls"
            return True
        eventually(stands_still, "the operator's memory to stand still", deadline=120)
        return self._operator.resident_bytes()

    @staticmethod
    def _per_app(amount: float, count: int) -> float:
        return round(amount / count, 2)


def server_times(traffic: Traffic) -> tuple[list[float], list[float]]:
    """By the API server's own clock, in ms and for each change of a spec: until the operator's write of the backend's
    Deployment reached it, counted from its own answer to that change, and how long that write took it."""
    reached, written, asked = [], [], {}
    for request in sorted(traffic.writes(), key=lambda request: request.received):
        if request.resource == "todoappdeployments" and not request.subresource:
            asked[request.namespace, f"{request.name}-backend"] = request.answered
        elif request.resource == "deployments" and not request.subresource and request.user in OPERATOR_USERS:
            since = asked.pop((request.namespace, request.name), None)
            if since is not None:
                reached.append((request.received - since).total_seconds() * 1000)
                written.append((request.answered - request.received).total_seconds() * 1000)
    return reached, written


def mib(count: int) -> float:
    return round(count / 2**20, 1)


def broken_floors(figures: Figures) -> list[str]:
    """What was asked of the API server beyond the floor; empty where nothing was."""
    problems = []

    def expect(what: str, found: Any, wanted: Any) -> None:
        if found != wanted:
            problems.append(f"{what}: {found}, the floor is {wanted}")

    for work, floor in (("create", CREATE_FLOOR), ("upgrade", UPGRADE_FLOOR), ("no_op", {}), ("restart", {})):
        count = figures[f"{work}_apps"]
        expect(f"{work}: writes", figures[f"{work}_objects"],
               {what: each * count for what, each in sorted(floor.items())})
        expect(f"{work}: reads", figures[f"{work}_reads"], 0)
        # At most three an app where its tiers are up at once; a slow stage gives more to tell, so not judged here.
        if not floor:
            expect(f"{work}: status writes", figures[f"{work}_status_writes"], 0)
    return problems
