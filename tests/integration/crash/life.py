"""One life of an app: all phases, one after the other, with at most one fault in each.

Each life has a namespace, a fault proxy and an operator of its own, so many can be lived side by side.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from phases import PHASES, ROTATED, SECRETS, Phase, prepare
from support.api import Api
from support.births import Births
from support.certificates import Certificates
from support.end_state import State, differences, end_state, plain_name, settled_state
from support.fault_proxy import FaultProxy
from support.faults import Crash, Cut, Exchange, HoldEvents, LoseUnseen, Point
from support.kubeconfig import Connection
from support.namespaces import create_namespace
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator
from support.todo_app import TodoApp, condition_of
from support.waiting import Calm, eventually, show

# The operator holds a status write back for up to a second, so less than that says little.
QUIET_SECONDS = 1.5
# Long, for the lives share the machine with each other.
PHASE_SECONDS = 120.0
# For the controllers, whose own statuses may lag behind the operator's last write.
AGREE_SECONDS = 30.0

KILLED_BEFORE = "killed before the answer"
KILLED_AFTER = "killed after the answer"
LOST = "answer lost"
LOST_UNSEEN = "answer lost and events late"
FAULTS = [KILLED_BEFORE, KILLED_AFTER, LOST, LOST_UNSEEN]


class Write(NamedTuple):
    """A write that can be told in every life: the nth of its words within its phase."""

    words: str
    nth: int

    @property
    def is_status(self) -> bool:
        """How many of these there are depends on the speed of things: at most one a second."""
        return "/status " in self.words

    def is_tried_by(self, exchange: Exchange) -> bool:
        return exchange.is_write and words_of(exchange) == self.words

    def __str__(self) -> str:
        return self.words + (f" ({self.nth})" if self.nth > 1 else "")


def words_of(exchange: Exchange) -> str:
    return plain_name(exchange.which)


class World(NamedTuple):
    """What all lives share."""

    api: Api
    births: Births
    simulator: PodSimulator
    connection: Connection
    certificates: Certificates
    binary: Path
    transport: str
    user: str
    logs: Path


@dataclass
class Ending:
    """What a phase came to."""

    state: State
    births: Counter[str]
    writes: list[Write]


Endings = Mapping[str, Ending]


@dataclass
class Trial:
    """A fault at one write of a phase, and what was wrong afterwards."""

    phase: str
    write: Write
    happened: bool = False
    error: str = ""
    differences: list[str] = field(default_factory=list)
    births: list[str] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)

    @property
    def went_well(self) -> bool:
        return not (self.error or self.differences or self.births or self.rewritten)


class Life:
    """`trials`: at most one for each phase; with a `model`, each phase is compared with it."""

    def __init__(self, world: World, name: str, fault: str = "", trials: list[Trial] | None = None,
                 model: Endings | None = None) -> None:
        self._world = world
        self.namespace = name
        self.fault = fault
        self.trials = trials or []
        self.endings: dict[str, Ending] = {}
        self.error = ""
        """Of the life itself, when no trial was under way."""
        self.drifts: list[str] = []
        """What the operator told to have been changed by somebody else; there is nobody else."""
        self._model = model
        self._app = TodoApp(world.api, name)
        self._events = HoldEvents()
        self._calm = Calm()
        self._proxy = FaultProxy(world.connection, world.certificates)

    def live(self) -> Life:
        try:
            with self._proxy:
                self._live()
        except Exception as error:  # Other lives go on; whoever looks at this one will hear of it.
            self.error = f"{type(error).__name__}: {error}"
        return self

    def _live(self) -> None:
        world = self._world
        create_namespace(world.api, self.namespace)
        prepare(world.api, world.simulator, self.namespace)
        if self.fault == LOST_UNSEEN:
            self._proxy.lay(self._events, lambda exchange: exchange.is_watch)
        kubeconfig = self._proxy.write_kubeconfig(world.logs / f"{self.namespace}.kubeconfig")
        self._operator = OperatorProcess(world.binary, kubeconfig, world.user, world.transport,
                                         world.logs / f"{self.namespace}.log", [f"--watch-namespace={self.namespace}"])
        try:
            self._start()
            if self._all_phases():
                self._restart_writes_nothing()
            self._operator.finish()
            self._operator.assert_silent_about([*SECRETS.values(), *ROTATED.values()])
            self.drifts = [line for line in self._operator.log_text().splitlines() if why_of(line) == "drift"]
        finally:
            self._operator.clean_up()

    def _all_phases(self) -> bool:
        """Up to the last that has a trial; the first that goes wrong ends the life."""
        trials = {trial.phase: trial for trial in self.trials}
        for phase in PHASES:
            trial = trials.pop(phase.name, None)
            if trial is None:
                self._whole_phase(phase)
            else:
                self._trial(phase, trial)
            if trial is not None and not trial.went_well:
                for later in trials.values():
                    later.error = f"not reached: something was wrong after {trial.write} of {trial.phase}"
                return False
            if self.trials and not trials:
                break
        return True

    def _whole_phase(self, phase: Phase) -> None:
        since = len(self._proxy.exchanges())
        phase.begin(self._app)
        self._wait(phase)
        if self._model is None:
            state = settled_state(self._world.api, self.namespace, QUIET_SECONDS, PHASE_SECONDS)
            self.endings[phase.name] = Ending(state, self._world.births.of(self.namespace),
                                              numbered(self._proxy.writes(since)))

    def _trial(self, phase: Phase, trial: Trial) -> None:
        try:
            self._strike(phase, trial)
            self._wait(phase)
            self._compare(phase, trial)
        except Exception as error:
            trial.error = f"{type(error).__name__}: {error}\n{self._operator.last_lines()}"

    def _strike(self, phase: Phase, trial: Trial) -> None:
        damage = self._damage()
        with self._proxy.laid(damage, trial.write.is_tried_by, trial.write.nth):
            phase.begin(self._app)
            eventually(lambda: damage.done.is_set() or self._is_over(phase),
                       f"{trial.write}, or the end of {phase.name}", PHASE_SECONDS)
        # One that struck the last write may be seen half done.
        eventually(lambda: damage.done.is_set() or self._operator.is_running, "the crash to be over")
        trial.happened = damage.done.is_set()
        if isinstance(damage, Crash) and trial.happened:
            self._start()

    def _damage(self) -> Crash | Cut:
        make: dict[str, Callable[[], Crash | Cut]] = {
            KILLED_BEFORE: lambda: Crash(self._operator.kill, Point.ANSWERED),
            KILLED_AFTER: lambda: Crash(self._operator.kill, Point.RELAYED),
            LOST: Cut,
            LOST_UNSEEN: lambda: LoseUnseen(self._events),
        }
        return make[self.fault]()

    def _start(self) -> None:
        self._operator.start()
        self._started = time.monotonic()

    def _wait(self, phase: Phase) -> None:
        eventually(lambda: self._is_over(phase), f"the end of {phase.name}", PHASE_SECONDS)

    def _is_over(self, phase: Phase) -> bool:
        app = self._app.get()
        ready = condition_of(app, "Ready")
        assert (ready.get("status"), ready.get("reason")) == (phase.ready, phase.reason), show(app.get("status"))
        assert ready["observedGeneration"] == app["metadata"]["generation"], show(app)
        assert phase.is_done(self._app), show(app)
        self._is_quiet()
        return True

    def _is_quiet(self) -> bool:
        writes = self._proxy.writes()
        calm = self._calm.seconds((self._started, len(writes)))
        assert calm >= QUIET_SECONDS, f"calm for {calm:.1f} s only; the last writes:\n" + listed(writes[-10:])
        return True

    def _compare(self, phase: Phase, trial: Trial) -> None:
        assert self._model is not None
        model = self._model[phase.name]

        def differ_no_more() -> bool:
            trial.differences = differences(end_state(self._world.api, self.namespace), model.state)
            return not trial.differences

        with contextlib.suppress(AssertionError):  # What differs is noted.
            eventually(differ_no_more, "", AGREE_SECONDS)
        births = self._world.births.of(self.namespace)
        trial.births = [f"{what}: {births[what]} times instead of {model.births[what]}"
                        for what in sorted({*births, *model.births}) if births[what] != model.births[what]]
        trial.rewritten = self._world.births.rewritten(self.namespace)

    def _restart_writes_nothing(self) -> None:
        """All that the operator knew is in the cluster: another one finds nothing to do."""
        self._operator.terminate()
        since = len(self._proxy.exchanges())
        self._start()
        eventually(self._is_quiet, "a quiet while")
        writes = self._proxy.writes(since)
        assert not writes, "a restart when all was done wrote:\n" + listed(writes)


def why_of(log_line: str) -> str:
    try:
        return str(json.loads(log_line).get("why", ""))
    except ValueError:
        return ""  # Half a line: its process was killed.


def numbered(exchanges: list[Exchange]) -> list[Write]:
    counts: Counter[str] = Counter()
    writes = []
    for words in map(words_of, exchanges):
        counts[words] += 1
        writes.append(Write(words, counts[words]))
    return writes


def listed(exchanges: list[Exchange]) -> str:
    return "\n".join(f"  {exchange}" for exchange in exchanges)
