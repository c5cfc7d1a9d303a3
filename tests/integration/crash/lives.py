"""All lives of the crash tests: undisturbed ones, and for each fault as many as it takes to strike each write once."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from life import FAULTS, Life, Trial, World
from phases import PHASES

# More than the machine has processors: a life is mostly waiting.
SIDE_BY_SIDE = 8


@dataclass
class Lives:
    undisturbed: list[Life]
    struck: list[Life]

    def of(self, fault: str) -> list[Life]:
        return [life for life in self.struck if life.fault == fault]

    def trials(self, fault: str, phase: str | None = None) -> list[Trial]:
        return [trial for life in self.of(fault) for trial in life.trials if phase in (None, trial.phase)]


def live_all(world: World) -> Lives:
    """One life strikes one write in each phase: the nth life the nth writes, as the undisturbed life made them."""
    undisturbed = _live([Life(world, _name("undisturbed")) for _ in range(2)])
    model = undisturbed[0]
    assert not model.error, model.error
    most = max(len(ending.writes) for ending in model.endings.values())
    struck = [Life(world, _name(fault), fault, _trials(model, number), model.endings)
              for number in range(most) for fault in FAULTS]
    return Lives(undisturbed, _live(struck))


def _trials(model: Life, number: int) -> list[Trial]:
    return [Trial(phase.name, model.endings[phase.name].writes[number]) for phase in PHASES
            if number < len(model.endings[phase.name].writes)]


def _live(lives: list[Life]) -> list[Life]:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        try:
            return list(pool.map(Life.live, lives))
        except BaseException:  # Somebody has had enough: what has not begun shall not.
            pool.shutdown(cancel_futures=True)
            raise


def _name(words: str) -> str:
    return f"{words.replace(' ', '-')}-{uuid.uuid4().hex[:6]}"
