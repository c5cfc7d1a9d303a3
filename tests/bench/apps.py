"""What one app costs: requests by verb, CPU and memory of the built operator on a fresh control plane.

    build/venv/bin/python tests/bench/apps.py --operator build/release/todoapp-operator --apps 1000

The bench plays the deployment controller (kube-controller-manager is stopped): each Deployment is available at once, so
what is counted is the operator's own work. CPU is that of the operator's process alone, requests are those of the API
server's audit log, and nothing here is a test: figures depend on the machine, counts do not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support import rbac  # noqa: E402
from support.api import Api, Object  # noqa: E402
from support.audit import AuditLog  # noqa: E402
from support.control_plane import REPOSITORY, ControlPlane  # noqa: E402
from support.operator_process import OperatorProcess  # noqa: E402
from support.todo_app import TodoApp  # noqa: E402
from support.waiting import eventually  # noqa: E402
from support.watching import Watch  # noqa: E402

USER = "todoapp-operator"
REST_SECONDS = 25
NAMESPACE = "bench"
SPEC: Object = {
    "config": {"LOG_LEVEL": "info"},
    "secrets": [{"name": "SESSION_KEY", "generate": {"bytes": 32}, "tiers": ["frontend", "backend"]}],
    "upgrade": {"soakSeconds": 0},
}


class Rollouts:
    """Says of every Deployment that all of it is up."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._watch = Watch(api, "Deployment", self._complete, NAMESPACE)

    def __enter__(self) -> Rollouts:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.stop()

    def _complete(self, change: str, deployment: Object) -> None:
        generation, wanted = deployment["metadata"]["generation"], deployment["spec"]["replicas"]
        if change == "DELETED" or deployment.get("status", {}).get("observedGeneration") == generation:
            return
        counts = {name: wanted for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")}
        self._api.patch("Deployment", deployment["metadata"]["name"], NAMESPACE,
                        {"status": {"observedGeneration": generation, **counts}}, subresource="status")


def settle(api: Api, apps: int) -> None:
    """Waits until all apps are Ready."""
    def ready() -> bool:
        listed = api.list("TodoAppDeployment", NAMESPACE)
        done = sum(1 for app in listed for condition in app.get("status", {}).get("conditions", [])
                   if condition["type"] == "Ready" and condition["status"] == "True")
        assert done == apps, f"{done} of {apps} apps are ready"
        return True
    eventually(ready, f"{apps} apps to be ready", deadline=60 + apps * 0.5)


def measure(cluster: ControlPlane, binary: Path, transport: str, apps: int) -> dict[str, Any]:
    api, audit = cluster.api, AuditLog(cluster.audit_log, cluster.api)
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": rbac.SYSTEM_NAMESPACE}})
    rbac.grant(api, rbac.rendered(str(rbac.CLUSTER_WIDE)), [USER])
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    operator = OperatorProcess(binary, cluster.user(USER), USER, transport,
                               Path(tempfile.mkdtemp()) / "operator.log", log_level="info")
    operator.start()
    figures: dict[str, Any] = {"apps": apps, "transport": transport, "idle_rss_mib": mib_at_rest(operator)}
    try:
        with Rollouts(api):
            start, cpu, began = audit.mark(), operator.cpu_seconds(), time.monotonic()
            for number in range(apps):
                TodoApp(api, NAMESPACE, f"app-{number}").create(SPEC)
            settle(api, apps)
            audit.settled([USER], NAMESPACE)
            traffic = audit.since(start).by(USER)
            figures["create_seconds"] = round(time.monotonic() - began, 1)
            figures["create_cpu_ms_per_app"] = per_app(operator.cpu_seconds() - cpu, apps)
            figures["create_passes_per_app"] = passes(operator, apps)
            figures["requests_per_app"] = {verb: round(count / apps, 2) for verb, count in
                                           Counter(request.verb for request in traffic).most_common()}
            figures["objects_per_app"] = {what: round(count / apps, 2) for what, count in traffic.kinds().items()}
            figures["peak_rss_mib"] = mib(operator.peak_resident_bytes())
            figures["rss_mib"] = mib_at_rest(operator)
            figures["rss_kib_per_app"] = round((figures["rss_mib"] - figures["idle_rss_mib"]) * 1024 / apps, 1)
            operator.terminate()
            start = audit.mark()
            operator.start()
            eventually(lambda: operator.is_ready(), "the restarted operator to be ready", deadline=60)
            eventually(lambda: all_looked_at(operator, apps), "a pass over each app", deadline=60)
            audit.settled([USER], NAMESPACE)
            traffic = audit.since(start).by(USER)
            figures["restart_writes"] = len(traffic.writes())
            figures["restart_reads"] = len(traffic.reads())
            figures["restart_cpu_ms_per_app"] = per_app(operator.cpu_seconds(), apps)
            figures["restart_passes_per_app"] = passes(operator, apps)
            figures["restart_peak_rss_mib"] = mib(operator.peak_resident_bytes())
            figures["restart_rss_mib"] = mib_at_rest(operator)
    finally:
        operator.clean_up()
    return figures


def all_looked_at(operator: OperatorProcess, apps: int) -> bool:
    done = operator.metrics().value("controller_runtime_reconcile_total")
    assert done >= apps, f"{done} passes over {apps} apps"
    return True


def mib_at_rest(operator: OperatorProcess) -> float:
    """What stays after a burst of work: the operator gives memory back once it has been quiet for some 20 s."""
    quiet_since, least = time.monotonic(), operator.resident_bytes()

    def stands_still() -> bool:
        nonlocal quiet_since, least
        if operator.resident_bytes() < least - 100_000:
            quiet_since, least = time.monotonic(), operator.resident_bytes()
        assert time.monotonic() - quiet_since > REST_SECONDS, "the memory still falls"
        return True
    eventually(stands_still, "the operator's memory to stand still", deadline=120)
    return mib(operator.resident_bytes())


def mib(count: int) -> float:
    return round(count / 2**20, 1)


def per_app(seconds: float, apps: int) -> float:
    return round(seconds * 1000 / apps, 2)


def passes(operator: OperatorProcess, apps: int) -> float:
    return round(operator.metrics().value("controller_runtime_reconcile_total") / apps, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operator", type=Path, default=REPOSITORY / "build/release/todoapp-operator")
    parser.add_argument("--api-client", choices=["asio", "cpprestsdk"], default="asio")
    parser.add_argument("--apps", type=int, default=1000)
    arguments = parser.parse_args()
    cluster = ControlPlane(Path(tempfile.mkdtemp()) / "plane")
    try:
        cluster.up()
        cluster.kubectl("apply", "--server-side", "-f", str(REPOSITORY / "crds"))
        eventually(lambda: cluster.api.list("TodoAppDeployment") == [], "the API server to serve the new kind")
        cluster.stop("kube-controller-manager")
        print(json.dumps(measure(cluster, arguments.operator.absolute(), arguments.api_client, arguments.apps), indent=2))
    finally:
        cluster.down()


if __name__ == "__main__":
    main()
