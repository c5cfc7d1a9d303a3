"""Rows that mostly wait are run side by side, each in a run of its own; one test a row tells how it ended."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from run import PHASE_SECONDS, QUIET_SECONDS, Ending, Model, Run, World
from support.end_state import settled_state

Row = Callable[[Run, Model], None]

# More than the machine has processors: a run is mostly waiting.
SIDE_BY_SIDE = 8


class Rows:
    """Those of a file, in the order in which they are begun: what waits longest stands first."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def __call__(self, row: Row) -> Row:
        """The decorator."""
        self.rows[row.__name__] = row
        return row


class Endings:
    """Runs the rows when it is made; `check` raises what went wrong in one."""

    def __init__(self, world: World, model: Model, rows: dict[str, Row]) -> None:
        self._ended: dict[str, Future[None]] = {}
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            try:
                for name, row in rows.items():
                    self._ended[name] = pool.submit(_play, world, model, name, row)
            except BaseException:  # Somebody has had enough: what has not begun shall not.
                pool.shutdown(cancel_futures=True)
                raise

    def check(self, name: str) -> None:
        self._ended[name].result()


def undisturbed(world: World) -> Model:
    with Run(world, name_of("undisturbed")).living() as run:
        return {"installed": _settled(run, run.install()), "upgraded": _settled(run, run.upgrade())}


def _settled(run: Run, ending: Ending) -> Ending:
    """With what the controllers, too, have come to."""
    return ending._replace(state=settled_state(run.world.api, run.namespace, QUIET_SECONDS, PHASE_SECONDS))


def _play(world: World, model: Model, name: str, row: Row) -> None:
    with Run(world, name_of(name)).living() as run:
        row(run, model)


def name_of(words: str) -> str:
    return f"{words.replace('_', '-')[:40].strip('-')}-{uuid.uuid4().hex[:6]}"
