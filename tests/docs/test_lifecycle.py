"""docs/deployment/lifecycle-management.md and what docs/concepts.md shows, with real pods."""

from __future__ import annotations

from conftest import MakeGuide

from support.todo_app import TodoApp


def test_the_lifecycle_guide(todo: TodoApp, make_guide: MakeGuide) -> None:
    make_guide("docs/concepts.md", replaced={"kubectl get": "kubectl -n todo get"}).follow("A revision")
    make_guide("docs/deployment/lifecycle-management.md").follow()
