"""docs/kubectl-todoapp.md: each command in it is run, and prints what stands there. UPDATE_GOLDEN=1 writes it anew."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Plugin

from support import pod_simulator as pods
from support.api import Api
from support.control_plane import REPOSITORY
from support.pod_simulator import PodSimulator
from support.revisions import image, install, wait_outcome
from support.todo_app import TIERS, TodoApp
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator")

GUIDE = REPOSITORY / "docs" / "kubectl-todoapp.md"
NAMESPACE = "shop"
PART = re.compile(r"<!-- after: (?P<step>[\w ]+) -->\n"
                  r"|<!-- file: (?P<file>[\w.]+) -->\n```yaml\n(?P<content>(?:.*\n)*?)```\n"
                  r"|```console\n\$ (?P<command>.+)\n(?P<output>(?:.*\n)*?)```\n")
# What is another at each run: (what it looks like, what the guide has for it).
VARIES = [(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-01-31T12:00:00Z"),
          (r"todo-(frontend|backend)-[a-z0-9]+-[a-z0-9]{5}\b", r"todo-\1-7c9d8f5b6-x2x4q"),
          (r"(  revision \d+)  \d+[smh]$", r"\1  12s"),
          (r"\brestarts   \d\b", "restarts   3")]


@pytest.fixture
def shop(api: Api, simulator: PodSimulator) -> Iterator[TodoApp]:
    """The guide's own namespace, with the guide's app."""
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    yield TodoApp(api, NAMESPACE)
    api.delete("Namespace", NAMESPACE, missing_ok=True)
    simulator.forget(NAMESPACE)


def steps(app: TodoApp, simulator: PodSimulator) -> dict[str, Callable[[], object]]:
    """What happens to the app between the commands."""

    def settled() -> None:
        """What was replaced is gone."""
        for tier in TIERS:
            eventually(lambda tier=tier: len(app.pods(tier)) == 1, f"one pod of the {tier}")

    def upgraded() -> None:
        simulator.behave(pods.crash_loop(message="cannot open the database: no such host"), namespace=NAMESPACE,
                         image=image("backend", "1.2.0"))
        install(app)
        app.patch({"backend": {"image": image("backend", "1.1.0")}})
        wait_outcome(app, 2)
        app.wait_ready()
        settled()

    def failed() -> None:
        app.wait_condition("Ready", "False", "RolledBack", deadline=60)
        settled()

    def rolled_back() -> None:
        app.wait_ready(reason="RolledBackOnRequest")
        settled()

    return {"upgraded": upgraded, "failed": failed, "rolled back": rolled_back}


def alike(text: str) -> str:
    for pattern, shown in VARIES:
        text = re.sub(pattern, shown, text, flags=re.MULTILINE)
    return text


def test_every_command_prints_what_the_guide_shows(
        shop: TodoApp, plugin: Plugin, simulator: PodSimulator, tmp_path: Path) -> None:
    happens, ran = steps(shop, simulator), 0

    def follow(part: re.Match[str]) -> str:
        nonlocal ran
        if part["step"]:
            happens[part["step"]]()
            return part[0]
        if part["file"]:
            (tmp_path / part["file"]).write_text(part["content"])
            return part[0]
        ran += 1
        words = [str(tmp_path / word) if (tmp_path / word).is_file() else word for word in part["command"].split()]
        assert words[:2] == ["kubectl", "todoapp"], words
        ended = plugin(*words[2:], alone=False)
        return f"```console\n$ {part['command']}\n{alike(ended.out + ended.err)}```\n"

    before = GUIDE.read_text()
    after = PART.sub(follow, before)
    assert ran > 8
    if os.environ.get("UPDATE_GOLDEN"):
        GUIDE.write_text(after)
    assert after == GUIDE.read_text()
