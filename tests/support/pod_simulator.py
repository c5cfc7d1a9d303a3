"""Plays the kubelet: gives pods that the controller manager made the statuses that a real node would.

A test says how pods fare (`behave`) before or after they exist; the last rule that fits a pod wins. Pods get no node:
the controllers count a pod as ready by its conditions alone, and a pod without a node is deleted at once.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from support import pod_statuses as statuses
from support.api import Api, ApiError, Object
from support.watching import Watch

MANAGED = "app.kubernetes.io/managed-by=todoapp-operator"
TIER_LABEL = "app.kubernetes.io/component"
TEMPLATE_LABEL = "apps.todoapp.dev/template"
JOB_LABEL = "batch.kubernetes.io/job-name"

# Short enough for quick tests, long enough for watchers to see pods that are not ready yet.
USUAL_DELAY = 0.1


class Step(NamedTuple):
    after: float
    """Seconds since the step before."""
    status: Callable[[Object], statuses.Status]


Behaviour = tuple[Step, ...]


def ready(delay: float = USUAL_DELAY) -> Behaviour:
    return (Step(delay, statuses.running),)


def never_ready() -> Behaviour:
    return (Step(USUAL_DELAY, partial(statuses.running, ready=False)),)


def crash_loop(exit_code: int = 3, message: str = "", restarts: int = 4, pause: float = 0.4,
               reason: str = "Error") -> Behaviour:
    """Runs for a moment, ends, waits, again and again: the three faces of a crash loop."""
    end: dict[str, Any] = {"exit_code": exit_code, "message": message, "reason": reason}
    steps = [Step(USUAL_DELAY, partial(statuses.running, ready=False))]
    for count in range(restarts):
        steps.append(Step(pause, partial(statuses.crashed, restarts=count, **end)))
        steps.append(Step(pause, partial(statuses.crash_loop, restarts=count + 1, **end)))
    return tuple(steps)


def out_of_memory(restarts: int = 4) -> Behaviour:
    return crash_loop(exit_code=137, reason="OOMKilled", restarts=restarts)


def start_error() -> Behaviour:
    return (Step(USUAL_DELAY, statuses.start_error),
            *(Step(0.4, partial(statuses.start_error, restarts=count)) for count in range(1, 5)))


def image_pull(message: str = statuses.NO_SUCH_IMAGE) -> Behaviour:
    return (Step(USUAL_DELAY, partial(statuses.image_pull, message=message)),
            Step(0.5, partial(statuses.image_pull, message=message, back_off=True)))


def invalid_image_name() -> Behaviour:
    return (Step(USUAL_DELAY, statuses.invalid_image_name),)


def config_error(message: str = 'secret "missing" not found') -> Behaviour:
    return (Step(USUAL_DELAY, partial(statuses.config_error, message=message)),)


def unschedulable(message: str = "0/1 nodes are available: 1 Insufficient cpu.") -> Behaviour:
    return (Step(USUAL_DELAY, partial(statuses.unschedulable, message=message)),)


def job_succeeds(delay: float = USUAL_DELAY) -> Behaviour:
    return (Step(delay, partial(statuses.running, ready=True)), Step(USUAL_DELAY, statuses.completed))


def job_fails(exit_code: int = 5, message: str = "") -> Behaviour:
    return (Step(USUAL_DELAY, partial(statuses.running, ready=True)),
            Step(USUAL_DELAY, partial(statuses.completed, exit_code=exit_code, message=message)))


@dataclass(frozen=True)
class Rule:
    """Which pods a behaviour is for; what is not said fits all. Pods of Jobs need a rule of their own."""

    behaviour: Behaviour
    namespace: str | None = None
    tier: str | None = None
    image: str | None = None
    template: str | None = None
    job: bool = False

    def fits(self, pod: Object) -> bool:
        labels = pod["metadata"].get("labels", {})
        return (self.job == (JOB_LABEL in labels)
                and self.namespace in (None, pod["metadata"]["namespace"])
                and self.tier in (None, labels.get(TIER_LABEL))
                and self.image in (None, pod["spec"]["containers"][0]["image"])
                and self.template in (None, labels.get(TEMPLATE_LABEL)))


def is_over(pod: Object) -> bool:
    """Of a Job, and ended: nothing starts it again."""
    return JOB_LABEL in pod["metadata"].get("labels", {}) and pod["status"].get("phase") in ("Succeeded", "Failed")


@dataclass(order=True)
class _Due:
    at: float
    order: int
    uid: str = field(compare=False)
    round: int = field(compare=False)
    steps: Behaviour = field(compare=False)


class PodSimulator:
    def __init__(self, api: Api, selector: str = MANAGED) -> None:
        self._api = api
        self._rules = [Rule(ready()), Rule(job_succeeds(), job=True)]
        self._pods: dict[str, Object] = {}
        # Which life a pod is in: steps that an earlier rule planned are void once another took over.
        self._rounds: dict[str, int] = {}
        self._due: list[_Due] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopping = False
        self._failure: Exception | None = None
        self._watch = Watch(api, "Pod", self._on_pod, selector=selector)
        self._thread = threading.Thread(target=self._run, name="pod-simulator", daemon=True)

    def start(self) -> PodSimulator:
        self._thread.start()
        self._watch.start()
        return self

    def stop(self) -> None:
        self._watch.stop()
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(30)
        if self._failure is not None:
            raise self._failure

    def behave(self, behaviour: Behaviour, *, namespace: str, tier: str | None = None, image: str | None = None,
               template: str | None = None, job: bool = False, now: bool = False) -> None:
        """From now on such pods fare like this; with `now`, those that exist as well."""
        rule = Rule(behaviour, namespace, tier, image, template, job)
        with self._changed:
            self._rules.append(rule)
            if now:
                for uid in [uid for uid, pod in self._pods.items() if rule.fits(pod) and not is_over(pod)]:
                    self._plan(uid, behaviour)

    def forget(self, namespace: str) -> None:
        """Drops the rules of a namespace whose test is over."""
        with self._changed:
            self._rules = [rule for rule in self._rules if rule.namespace != namespace]

    def _on_pod(self, change: str, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        with self._changed:
            if change == "DELETED":
                self._pods.pop(uid, None)
                self._rounds.pop(uid, None)
                return
            new = uid not in self._pods
            self._pods[uid] = pod
            if "deletionTimestamp" in pod["metadata"]:
                self._plan(uid, ())
            elif new and "containerStatuses" not in pod.get("status", {}):
                self._plan(uid, next(rule for rule in reversed(self._rules) if rule.fits(pod)).behaviour)

    def _plan(self, uid: str, steps: Behaviour) -> None:
        """With no steps left the pod has only to go."""
        self._rounds[uid] = self._rounds.get(uid, 0) + 1
        self._push(uid, self._rounds[uid], steps)

    def _push(self, uid: str, round_: int, steps: Behaviour) -> None:
        at = time.monotonic() + (steps[0].after if steps else 0)
        heapq.heappush(self._due, _Due(at, next(self._order), uid, round_, steps))
        self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopping and not (self._due and self._due[0].at <= time.monotonic()):
                    self._changed.wait(self._due[0].at - time.monotonic() if self._due else None)
                if self._stopping:
                    return
                due = heapq.heappop(self._due)
                pod = self._pods.get(due.uid)
                if pod is None or self._rounds.get(due.uid) != due.round:
                    continue
            try:
                self._act(due, pod)
            except Exception as failure:  # Whoever stops the simulator must hear of it.
                self._failure = failure
                return

    def _act(self, due: _Due, pod: Object) -> None:
        meta = pod["metadata"]
        try:
            if not due.steps:
                self._api.delete("Pod", meta["name"], meta["namespace"], grace_seconds=0)
                return
            status = due.steps[0].status(pod)
            after = self._api.patch("Pod", meta["name"], meta["namespace"], {"status": status}, subresource="status",
                                    manager="kubelet")
        except ApiError as refusal:
            if refusal.status in (404, 409):
                return  # The pod went, or another took its name.
            if refusal.status not in (0, 429, 500, 503, 504):
                raise
            # The API server is away: the kubelet would try again as well.
            with self._changed:
                again = Step(0.5, due.steps[0].status) if due.steps else None
                self._push(due.uid, due.round, (again, *due.steps[1:]) if again else ())
            return
        with self._changed:
            if due.uid in self._pods and self._rounds.get(due.uid) == due.round:
                self._pods[due.uid] = after
                if len(due.steps) > 1:
                    self._push(due.uid, due.round, due.steps[1:])
