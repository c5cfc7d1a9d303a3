"""The operator for a long time: apps that change without end, while it is killed and its API server stands still.

    build/venv/bin/python tests/soak --minutes 20

The first two thirds of the time are for damage: the operator is killed or stopped, API server and etcd are paused, in
an order that `--seed` repeats. The last third only goes on changing apps, for there one process can be held against
itself: its memory, threads and open files must not grow. Then all comes to rest, and nothing may be lost: every app is
ready as its spec asks, with the children it needs and no others, and nothing is written any more. The bench's stage
plays the deployment controller. Ends with 1 where a law is broken.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.stage import Rollouts, in_parallel  # noqa: E402
from soak.laws import Sample, broken_laws, growth_of  # noqa: E402
from support import rbac  # noqa: E402
from support.api import Api, ApiError  # noqa: E402
from support.audit import AuditLog  # noqa: E402
from support.control_plane import REPOSITORY, ControlPlane  # noqa: E402
from support.operator_process import OperatorProcess  # noqa: E402
from support.todo_app import TodoApp  # noqa: E402
from support.waiting import eventually  # noqa: E402

USER = "todoapp-operator"
NAMESPACES = ["soak-0", "soak-1", "soak-2", "soak-3"]
SPEC = {
    "config": {"LOG_LEVEL": "info"},
    "secrets": [{"name": "SESSION_KEY", "generate": {"bytes": 32}, "tiers": ["frontend", "backend"]}],
    "upgrade": {"soakSeconds": 0},
}
CHANGES_PER_SECOND = 3
SAMPLE_SECONDS = 5


class Changes:
    """Changes one app after another, in every way that users and their tools do, until `stop`."""

    def __init__(self, api: Api, apps: list[TodoApp], dice: random.Random) -> None:
        self._api, self._apps, self._dice = api, apps, dice
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.made = 0

    def start(self) -> Changes:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "the changes do not end"

    def _run(self) -> None:
        ways = [self._image, self._image, self._scale, self._config, self._drift, self._delete_child, self._again]
        while not self._stopping.wait(1 / CHANGES_PER_SECOND):
            app = self._dice.choice(self._apps)
            try:
                self._dice.choice(ways)(app)
                self.made += 1
            except ApiError:
                continue  # A server that stands still, or a child that is being made again.

    def _image(self, app: TodoApp) -> None:
        tier = self._dice.choice(["frontend", "backend"])
        app.patch({tier: {"image": f"localhost/todo-{tier}:1.{self._dice.randrange(6)}.0"}})

    def _scale(self, app: TodoApp) -> None:
        app.patch({"backend": {"replicas": self._dice.randint(1, 4)}})

    def _config(self, app: TodoApp) -> None:
        app.patch({"config": {"LOG_LEVEL": self._dice.choice(["info", "debug", "warning"])}})

    def _drift(self, app: TodoApp) -> None:
        self._api.patch("Deployment", f"{app.name}-frontend", app.namespace, {"spec": {"replicas": 9}})

    def _delete_child(self, app: TodoApp) -> None:
        kind = self._dice.choice(["Deployment", "Service"])
        self._api.delete(kind, f"{app.name}-backend", app.namespace)

    def _again(self, app: TodoApp) -> None:
        app.annotate(restart=str(self.made))


def damage(cluster: ControlPlane, operator: OperatorProcess, until: float, dice: random.Random) -> dict[str, int]:
    """Until then; everything runs again afterwards."""
    done = {"killed": 0, "stopped": 0, "API server paused": 0, "etcd paused": 0}
    while time.monotonic() < until:
        time.sleep(dice.uniform(3, 20))
        way = dice.choice(["killed", "killed", "stopped", "API server paused", "etcd paused"])
        done[way] += 1
        if way in ("killed", "stopped"):
            operator.kill() if way == "killed" else operator.terminate(60)
            time.sleep(dice.uniform(0, 2))
            operator.start(wait=False)
        else:
            component = "etcd" if way == "etcd paused" else "kube-apiserver"
            cluster.pause(component)
            time.sleep(dice.uniform(1, 6))
            cluster.resume(component)
    eventually(operator.is_ready, "the operator to be ready", deadline=60)
    return done


def observe(operator: OperatorProcess, until: float) -> list[Sample]:
    samples = []
    while time.monotonic() < until:
        time.sleep(SAMPLE_SECONDS)
        threads = len(list(Path(f"/proc/{operator.pid}/task").iterdir()))
        samples.append(Sample(operator.resident_bytes(), threads, operator.open_files()))
    return samples


def soak(cluster: ControlPlane, binary: Path, transport: str, count: int, minutes: float, seed: int,
         log: Path) -> tuple[dict[str, object], list[str]]:
    api, dice = cluster.api, random.Random(seed)
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": rbac.SYSTEM_NAMESPACE}})
    rbac.grant(api, rbac.rendered(str(rbac.CLUSTER_WIDE)), [USER])
    for name in NAMESPACES:
        api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    apps = [TodoApp(api, NAMESPACES[number % len(NAMESPACES)], f"app-{number}") for number in range(count)]
    audit = AuditLog(cluster.audit_log, api)
    operator = OperatorProcess(binary, cluster.user(USER), USER, transport, log, log_level="info").start()
    try:
        with Rollouts(api):
            in_parallel(lambda number: apps[number].create(SPEC) and None, count)
            start = time.monotonic()
            changes = Changes(api, apps, random.Random(seed + 1)).start()
            done = damage(cluster, operator, start + minutes * 40, dice)
            samples = observe(operator, start + minutes * 60)
            changes.stop()
            problems = growth_of(samples)
            eventually(lambda: none_is_broken(api), "every app to be as its spec asks", deadline=300)
            mark = audit.settled([USER], quiet=30, deadline=120)
            time.sleep(30)
            if late := audit.since(mark).by(USER).writes():
                problems.append(f"written after all was at rest:\n{late}")
            operator.terminate(60)
    finally:
        operator.clean_up()
    quarter = max(len(samples) // 4, 1)
    return {"minutes": minutes, "seed": seed, "apps": count, "changes": changes.made, **done,
            "RSS MiB": [round(statistics.median(sample.resident for sample in part) / 2**20, 1)
                        for part in (samples[:quarter], samples[-quarter:])],
            "threads": [samples[0].threads, samples[-1].threads],
            "open files": [samples[0].files, samples[-1].files]}, problems


def none_is_broken(api: Api) -> bool:
    problems = broken_laws(api, NAMESPACES)
    assert not problems, f"{len(problems)}, among them:\n" + "\n".join(problems[:5])
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--operator", type=Path, default=REPOSITORY / "build/release/todoapp-operator")
    parser.add_argument("--api-client", choices=["asio", "cpprestsdk"], default="asio")
    parser.add_argument("--apps", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--log", type=Path, default=REPOSITORY / "build/soak.log", help="the operator's log")
    given = parser.parse_args()
    print(f"seed {given.seed}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as folder, ControlPlane(Path(folder) / "plane").serving(keep=False) as cluster:
        cluster.stop("kube-controller-manager")
        told, problems = soak(cluster, given.operator.absolute(), given.api_client, given.apps, given.minutes,
                              given.seed, given.log.absolute())
    print(json.dumps(told, indent=2))
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
