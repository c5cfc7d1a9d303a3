"""docs/deployment/phase-iii-verification.md, with real pods; the app alone is what was built already."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import MakeGuide

from support.todo_app import TodoApp
from support.todo_servers import PAGE_SERVER, Server, backend_alone, page_alone


@pytest.fixture
def alone(operator_binary: Path, tmp_path: Path) -> Iterator[Server]:
    """The page's server, in front of a backend with an empty database."""
    backend = backend_alone(operator_binary.parent / "todo-backend", tmp_path)
    page = page_alone(PAGE_SERVER, tmp_path, backend.address)
    try:
        backend.start()
        yield page.start()
    finally:
        page.stop()
        backend.stop()


def test_the_verification_guide(todo: TodoApp, alone: Server, make_guide: MakeGuide) -> None:
    # Without the address of one that runs, the script would build both programs. The page in the cluster is used by
    # tests/e2e/test_todo_app.py, and compared by tests/frontend/test_parity.py.
    started = {"scripts/verify-parity.sh --cluster": f"scripts/verify-parity.sh --no-page --alone {alone.address} --cluster"}
    make_guide("docs/deployment/phase-iii-verification.md", replaced=started).follow()
