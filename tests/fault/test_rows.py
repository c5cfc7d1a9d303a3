"""How the rows ended that run side by side (wire.py, seen.py, acted.py).

Each was seen red once, the operator broken at the line that README.md names beside it.
"""

from __future__ import annotations

import pytest
from acted import acted
from rows import Endings
from run import Model, World
from seen import seen
from wire import wire

# In the order in which they begin: what waits longest stands first.
ROWS = {**{name: rows[name] for rows in (wire.rows, seen.rows) for name in list(rows)[:1]},
        **wire.rows, **seen.rows, **acted.rows}


@pytest.fixture(scope="module")
def endings(world: World, model: Model, transport: str) -> Endings:
    return Endings(world, model, ROWS if transport == "asio" else wire.rows)


@pytest.mark.parametrize("row", [pytest.param(name, marks=[pytest.mark.both_transports] if name in wire.rows else [])
                                 for name in ROWS])
def test_that(endings: Endings, row: str) -> None:
    endings.check(row)
