"""An app with real pods that is installed and then changed, beside others: what it goes through is recorded with times.

So several go their ways at once, and a test reads later what happened to one of them, and when.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from support.api import Api, Object
from support.real_node import ask_pod
from support.timeline import Moment, Timeline
from support.todo_app import TIERS, TodoApp, annotation, condition_of, merged
from support.waiting import eventually, show

PORTS = {"frontend": 3000, "backend": 8000}

# What a timeline has to watch for this.
KINDS = ["TodoAppDeployment", "ControllerRevision", "Deployment", "Job"]

# Others are at work on the same two cores.
INSTALL_SECONDS = 180.0


class Trial:
    def __init__(self, api: Api, timeline: Timeline, namespace: str) -> None:
        self.api = api
        self.app = TodoApp(api, namespace)
        self.timeline = timeline.of(namespace)
        self.began = 0.0
        self.generation = 1
        self.served_before: dict[str, set[str]] = {}

    def install(self, *specs: Object) -> Trial:
        """Creates the app from these specs, each merged over those before it."""
        whole: Object = {}
        for spec in specs:
            whole = merged(whole, spec)
        self.began = time.monotonic()
        self.app.create(whole)
        return self

    def wait_installed(self) -> Trial:
        self.app.wait_ready(INSTALL_SECONDS)
        return self

    def change(self, spec: Object) -> Trial:
        """From here the clock runs, and the pods of now are those of before."""
        self.served_before = {tier: {life_of(pod) for pod in self.pods(tier)} for tier in TIERS}
        self.began = time.monotonic()
        self.generation = self.app.patch(spec)
        return self

    def seconds(self, moment: Moment) -> float:
        return moment.at - self.began

    # --- What it came to.

    def wait_outcome(self, number: int, outcome: str, deadline: float) -> Moment:
        return self.timeline.wait_first("ControllerRevision", f"{self.app.name}-rev-{number}",
                                        lambda item: annotation(item, "outcome") == outcome, outcome, deadline)

    def outcomes(self, number: int) -> list[str]:
        """All that were ever recorded of that revision, in order; it begins with none."""
        return self.timeline.distinct("ControllerRevision", f"{self.app.name}-rev-{number}",
                                      lambda item: annotation(item, "outcome"))

    def wait_reason(self, reason: str, deadline: float, words: str = "") -> Moment:
        """The first time that Ready had this reason, with these words, of what the change asks for."""

        def says_so(item: Object) -> bool:
            ready = condition_of(item, "Ready")
            return bool(ready.get("reason") == reason and words in ready["message"]
                        and ready["observedGeneration"] >= self.generation)

        return self.timeline.wait_first("TodoAppDeployment", self.app.name, says_so, f"Ready says {reason} {words}",
                                        deadline, self.began)

    def wait_words_of_generation(self, reason: str, words: str, deadline: float) -> Object:
        """Until Ready says this of the present generation."""

        def look() -> Object:
            app = self.app.get()
            ready = condition_of(app, "Ready")
            assert ready["observedGeneration"] == app["metadata"]["generation"], show(ready)
            assert ready["reason"] == reason and words in ready["message"], show(ready)
            return ready

        return eventually(look, f"Ready to say {reason} {words} of the present generation", deadline)

    def reasons(self) -> list[str]:
        """Of Ready since the change, one after another."""
        return self.timeline.distinct("TodoAppDeployment", self.app.name,
                                      lambda item: str(condition_of(item, "Ready").get("reason", "")), self.began)

    def wait_progress_deadline(self, tier: str, deadline: float) -> Moment:
        """Kubernetes' own verdict on the Deployment."""

        def exceeded(item: Object) -> bool:
            return bool(condition_of(item, "Progressing").get("reason") == "ProgressDeadlineExceeded")

        return self.timeline.wait_first("Deployment", f"{self.app.name}-{tier}", exceeded,
                                        "its progress deadline passes", deadline, self.began)

    @property
    def failure(self) -> dict[str, Any]:
        return dict(self.app.status.get("failure", {}))

    def rollback_of(self, number: int) -> int | None:
        entries = {entry["number"]: entry for entry in self.app.status["revisions"]}
        return entries[number].get("rollbackOf") if number in entries else None

    # --- Its pods.

    def pods(self, tier: str) -> list[Object]:
        """Without those that are on their way out."""
        return [pod for pod in self.app.pods(tier) if "deletionTimestamp" not in pod["metadata"]]

    def wait_pod_waiting(self, tier: str, reason: str, deadline: float) -> Object:
        """A pod with a container that waits for this reason."""

        def look() -> Object:
            pods = self.pods(tier)
            for pod in pods:
                for entry in pod.get("status", {}).get("containerStatuses", []):
                    if entry["state"].get("waiting", {}).get("reason") == reason:
                        return pod
            raise AssertionError(show([pod.get("status") for pod in pods]))

        return eventually(look, f"a pod of the {tier} that waits: {reason}", deadline)

    def wait_restarts(self, tier: str, count: int, deadline: float) -> None:
        """Until each pod has a container that was started again so often."""

        def look() -> bool:
            seen = {pod["metadata"]["name"]: restarts(pod) for pod in self.pods(tier)}
            assert seen and min(seen.values()) >= count, show(seen)
            return True

        eventually(look, f"{count} restarts of each pod of the {tier}", deadline)

    def serving(self, tier: str) -> set[str]:
        """The pods that are ready; a container that was started again counts as another one."""
        return {life_of(pod) for pod in self.pods(tier) if condition_of(pod, "Ready").get("status") == "True"}

    def assert_the_pods_of_before_serve(self) -> None:
        """Those, none of them started again, and no others. On a busy machine one of them may be late to say so."""

        def they_do() -> bool:
            now = {tier: self.serving(tier) for tier in TIERS}
            assert all(self.served_before.values()) and now == self.served_before, show(
                {tier: [sorted(self.served_before[tier]), sorted(now[tier])] for tier in TIERS})
            return True

        eventually(they_do, f"{self.app.namespace}: the pods of before, and no others, to serve")

    def start_seconds(self, tier: str) -> float:
        """What the node needed, at most, from the birth of a pod to the start of its container."""

        def of(pod: Object) -> float:
            (status,) = pod["status"]["containerStatuses"]
            born, started = pod["metadata"]["creationTimestamp"], status["state"]["running"]["startedAt"]
            return (datetime.fromisoformat(started) - datetime.fromisoformat(born)).total_seconds()

        return max(of(pod) for pod in self.pods(tier))

    def versions(self, tier: str) -> set[str]:
        """What the pods of a tier answer, once all are there that should be."""
        wanted = int(self.app.child("Deployment", tier)["spec"]["replicas"])

        def all_there() -> list[Object]:
            pods = self.pods(tier)
            assert len(pods) == wanted == len(self.serving(tier)), [pod["metadata"]["name"] for pod in pods]
            return pods

        return {ask_pod(pod, PORTS[tier]).version for pod in eventually(all_there, f"{wanted} pods of the {tier}")}


MakeTrial = Callable[[str], Trial]

# What was measured, by its name.
Figures = dict[str, str]


def life_of(pod: Object) -> str:
    """Another one after each start of a container."""
    return f"{pod['metadata']['name']} {restarts(pod)}"


def restarts(pod: Object) -> int:
    return sum(int(entry["restartCount"]) for entry in pod.get("status", {}).get("containerStatuses", []))
