"""One run: an app in a namespace of its own, and an operator of its own behind a fault proxy of its own.

Each run installs the app and upgrades it; a row of docs/faults.md does its damage on the way. `judge` asks what every
row must answer: the end is that of an undisturbed run, nothing was made or deleted more often than there, nothing is
written any more, and memory, threads and open files are where they were.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from support.api import Api, Object
from support.births import Births
from support.certificates import Certificates
from support.control_plane import ControlPlane
from support.end_state import State, differences, end_state, plain_name
from support.fault_proxy import FaultProxy
from support.faults import Exchange, Fault, Fits, Rule
from support.kubeconfig import Connection
from support.namespaces import create_namespace
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator
from support.specs import INSTALLED, UPGRADED
from support.stream_faults import Chosen, takes_whole_set
from support.todo_app import TodoApp, condition_of
from support.waiting import DEADLINE_FACTOR, Calm, eventually, show
from support.watching import Recorder

# The operator holds a status write back for up to a second, so less than that says little.
QUIET_SECONDS = 1.5
# Enough for it to have done all that it can with what it sees.
STALLED_SECONDS = 4.0
# Long, for the runs share the machine with each other.
PHASE_SECONDS = 120.0
# For the controllers, whose own statuses may lag behind the operator's last write.
AGREE_SECONDS = 40.0
# Connections that nobody uses are kept for half a minute, and memory is given back once a minute at the latest.
FLAT_SECONDS = 75.0

# What a run may have more of at its end than when its app was installed. Calls come and go: eight connections at most.
MORE_FILES = 8
MORE_BYTES = 12 << 20

# Values that must never be in a log.
SECRETS = {"todo-db": "postgres://canary-fault-0001", "todo-db-2": "postgres://canary-fault-0002",
           "todo-mail": "smtp://canary-fault-0003"}


# Characters of one to four bytes, so that pieces may end within them.
GREETED: Object = INSTALLED | {"config": {"LOG_LEVEL": "info", "GREETING": "grüße \u2713 \u6f22\u5b57 \U0001f980"}}


class World(NamedTuple):
    """What all runs share."""

    cluster: ControlPlane
    births: Births
    simulator: PodSimulator
    connection: Connection
    """The operator's."""
    admin: Connection
    certificates: Certificates
    binary: Path
    transport: str
    user: str
    folder: Path

    @property
    def api(self) -> Api:
        return self.cluster.api


class Footprint(NamedTuple):
    threads: int
    files: int
    resident: int


class Ending(NamedTuple):
    """What a phase came to."""

    state: State
    births: Counter[str]
    writes: Counter[str]


Model = Mapping[str, Ending]


class Run:
    def __init__(self, world: World, namespace: str) -> None:
        self.world = world
        self.namespace = namespace
        self.app = TodoApp(world.api, namespace)
        self.proxy = FaultProxy(world.connection, world.certificates)
        self.upgrading = False
        self.may_stall = False
        self.begun_upgrade_at = 0.0
        self._footprint: Footprint | None = None
        self._calm = Calm()
        self._started = time.monotonic()
        self.operator: OperatorProcess

    @contextmanager
    def living(self) -> Iterator[Run]:
        world = self.world
        create_namespace(world.api, self.namespace)
        for name, value in SECRETS.items():
            world.api.create({"apiVersion": "v1", "kind": "Secret", "stringData": {"url": value},
                              "metadata": {"name": name, "namespace": self.namespace}})
        self._apps = Recorder(world.api, self.namespace, ["TodoAppDeployment"])
        with self._apps, self.proxy:
            kubeconfig = self.proxy.write_kubeconfig(world.folder / f"{self.namespace}.kubeconfig")
            self.operator = self.make_operator(kubeconfig)
            try:
                yield self
                self.operator.finish()
                self.operator.assert_silent_about(SECRETS.values())
            except Exception as error:
                error.add_note(f"log of {self.namespace}:\n{self.operator.last_lines()}")
                raise
            finally:
                self.operator.clean_up()
                world.api.delete("Namespace", self.namespace, missing_ok=True)
                world.simulator.forget(self.namespace)

    def make_operator(self, kubeconfig: Path, *flags: str) -> OperatorProcess:
        world = self.world
        return OperatorProcess(world.binary, kubeconfig, world.user, world.transport,
                               world.folder / f"{self.namespace}.log",
                               [f"--watch-namespace={self.namespace}", *flags])

    def file(self, name: str, text: str) -> Path:
        """One of this run's own."""
        file = self.world.folder / f"{self.namespace}-{name}"
        file.touch(mode=0o600)
        file.write_text(text)
        return file

    def use_kubeconfig(self, user: Object, cluster: Object | None = None) -> None:
        """Before the start: other entries for the user, and for the cluster."""
        self.operator = self.make_operator(self.proxy.write_kubeconfig(
            self.world.folder / f"{self.namespace}.kubeconfig", user, cluster))

    def use_flags(self, *flags: str) -> None:
        """Before the start."""
        self.operator = self.make_operator(self.world.folder / f"{self.namespace}.kubeconfig", *flags)

    # --- What is done.

    def lay(self, fault: Fault, fits: Fits, nth: int | None = None) -> Rule:
        return self.proxy.lay(fault, fits, nth)

    def start(self) -> None:
        self.operator.start()
        self._started = time.monotonic()

    def begin_install(self) -> None:
        if not self.operator.is_running:
            self.start()
        self.app.create(GREETED)

    def install(self) -> Ending:
        self.begin_install()
        ending = self.settle()
        self.take_footprint()
        return ending

    def take_footprint(self) -> None:
        """What `judge` compares with: how much the operator had at this point."""
        self._footprint = self.footprint()

    def begin_upgrade(self) -> None:
        if self._footprint is None:
            self.take_footprint()
        self.upgrading = True
        self.begun_upgrade_at = time.monotonic()
        self.app.patch(UPGRADED)

    def upgrade(self) -> Ending:
        self.begin_upgrade()
        return self.settle()

    def while_upgrading(self, chosen: Chosen) -> Chosen:
        return lambda event: self.upgrading and chosen(event)

    # --- What it comes to.

    def settle(self, seconds: float = PHASE_SECONDS) -> Ending:
        """Waits until the app is ready and nothing is written any more."""
        eventually(self._is_over, f"{self.namespace}: ready and quiet", seconds)
        return Ending(end_state(self.world.api, self.namespace), self.world.births.of(self.namespace),
                      Counter(exchange.which for exchange in self.proxy.writes()))

    def judge(self, expected: Ending, more_births: Mapping[str, int] | None = None) -> None:
        self.judge_phase(expected, more_births)
        eventually(self.is_flat, "memory, threads and files as before", FLAT_SECONDS)

    def judge_phase(self, expected: Ending, more_births: Mapping[str, int] | None = None) -> None:
        """All but the footprint."""
        self.settle()
        self.agrees(expected.state)
        births = self.world.births.of(self.namespace)
        wanted = expected.births + Counter(more_births or {})
        wrong = [f"{what}: {births[what]} times instead of {wanted[what]}"
                 for what in sorted({*births, *wanted}) if births[what] != wanted[what]]
        assert not wrong, "\n".join(wrong)
        rewritten = self.world.births.rewritten(self.namespace)
        assert not rewritten, "\n".join(rewritten)
        assert self.may_stall or not self.stalls(), "\n".join(self.stalls())
        drifts = [line for line in self.operator.log_text().splitlines() if _why(line) == "drift"]
        assert not drifts, "there is nobody else:\n" + "\n".join(drifts)

    def agrees(self, state: State) -> None:
        def look() -> bool:
            found = differences(end_state(self.world.api, self.namespace), state)
            assert not found, "\n".join(found)
            return True

        eventually(look, f"{self.namespace}: the end of an undisturbed run", AGREE_SECONDS)

    def stalls(self) -> list[str]:
        """What the app was ever said to be stalled for."""
        self._apps.catch_up()
        conditions = [condition_of(change.object, "Stalled") for change in self._apps.changes(name=self.app.name)]
        return sorted({str(found["message"]) for found in conditions if found.get("status") == "True"})

    def is_flat(self) -> bool:
        before, after = self._footprint, self.footprint()
        assert before is not None, "nobody looked before"
        assert after.threads <= before.threads, f"{after} after {before}"
        assert after.files <= before.files + MORE_FILES, f"{after} after {before}"
        assert after.resident <= before.resident + MORE_BYTES * DEADLINE_FACTOR, f"{after} after {before}"
        return True

    def footprint(self) -> Footprint:
        threads = len(list(Path(f"/proc/{self.operator.pid}/task").iterdir()))
        return Footprint(threads, self.operator.open_files(), self.operator.resident_bytes())

    def does_what_it_can(self) -> None:
        """Waits until the operator has not written for a while, whether its app is ready or not."""

        def is_quiet() -> bool:
            calm = silence.seconds(len(self.proxy.writes()))
            assert calm >= STALLED_SECONDS, f"calm for {calm:.1f} s only"
            return True

        silence = Calm()
        eventually(is_quiet, "the operator to have done what it can", PHASE_SECONDS)

    # --- What passed the proxy.

    def mark(self) -> int:
        return len(self.proxy.exchanges())

    def asked(self, fits: Fits, since: int = 0) -> list[Exchange]:
        return [exchange for exchange in self.proxy.exchanges(since) if fits(exchange)]

    def whole_sets(self, since: int, resource: str = "") -> list[Exchange]:
        """Of a kind that is watched (empty: of any). Pods are not: they are listed where a rollout takes its time."""
        return self.asked(lambda it: takes_whole_set(it) and it.place.resource != "pods"
                          and resource in ("", it.place.resource), since)

    def _is_over(self) -> bool:
        app = self.app.get()
        ready = condition_of(app, "Ready")
        assert ready.get("status") == "True", show(app.get("status"))
        assert ready["observedGeneration"] == app["metadata"]["generation"], show(app)
        writes = self.proxy.writes()
        calm = self._calm.seconds((self._started, len(writes)))
        assert calm >= QUIET_SECONDS, f"calm for {calm:.1f} s only; the last writes:\n" + listed(writes[-10:])
        return True


def listed(exchanges: list[Exchange]) -> str:
    return "\n".join(f"  {exchange}" for exchange in exchanges)


def changes_of(ending: Ending) -> Counter[str]:
    """What was written, without the hashes in names; how often a status is written depends on the speed of things."""
    counts: Counter[str] = Counter()
    for word, count in ending.writes.items():
        if "/status" not in word:
            counts[plain_name(word)] += count
    return counts


def tries_of(write: Callable[[Exchange], bool], first: int) -> Fits:
    """Of each write the first tries."""
    seen: Counter[str] = Counter()

    def fits(exchange: Exchange) -> bool:
        if not write(exchange):
            return False
        seen[exchange.which] += 1
        return seen[exchange.which] <= first

    return fits


def _why(log_line: str) -> Any:
    try:
        return json.loads(log_line).get("why")
    except ValueError:
        return None  # Half a line: its process was killed.
