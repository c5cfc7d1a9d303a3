"""status --watch: lines in a pipe, a picture on a terminal, and an exit code that tells how it ended."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from conftest import Plugin

from support import pod_simulator as pods
from support.pod_simulator import PodSimulator
from support.revisions import image, install, wait_outcome
from support.todo_app import TodoApp
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator")

ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
NEW = {"backend": {"image": image("backend", "2.0.0")}}


def held_back(app: TodoApp, simulator: PodSimulator) -> Callable[[], None]:
    """No new pod of the backend becomes ready until the answer is called."""
    new = {"namespace": app.namespace, "image": image("backend", "2.0.0")}
    simulator.behave(pods.ready(3600.0), **new)
    return lambda: simulator.behave(pods.ready(), **new, now=True)


def test_in_a_pipe_each_change_is_a_line_and_ready_ends_with_0(
        app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    install(app)
    go_on = held_back(app, simulator)
    app.patch(NEW)
    ended = plugin.followed(("revision 2  RollingBackend 0/1", go_on), "status", "todo", "-n", app.namespace, "--watch")
    assert (ended.code, ended.err) == (0, ""), ended
    lines = ended.out.splitlines()
    assert any("revision 2  RollingBackend 0/1" in line for line in lines), lines
    assert lines[-1] == "Succeeded  revision 2  frontend 1/1  backend 1/1"
    assert len(lines) == len(set(lines)) and "\x1b" not in ended.out


def test_a_failure_ends_with_1_and_the_command_that_explains(
        app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    install(app)
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image("backend", "2.0.0"))
    app.patch(NEW)
    ended = plugin("status", "-n", app.namespace, "--watch")
    assert ended.code == 1, ended
    assert ended.out.splitlines()[-1].startswith("RolledBack  revision 3")
    assert f"kubectl todoapp explain todo -n {app.namespace}" in ended.err


def test_a_time_that_is_up_ends_with_3(app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    simulator.behave(pods.never_ready(), namespace=app.namespace)
    app.create()
    eventually(lambda: app.status, "the operator to look at it")
    ended = plugin("status", "todo", "-n", app.namespace, "--watch", "--timeout", "1s")
    assert ended.code == 3 and "is not ready after 1 s" in ended.err


def test_an_app_that_goes_away_ends_the_watch(app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    simulator.behave(pods.never_ready(), namespace=app.namespace)
    app.create()
    eventually(lambda: app.status.get("step"), "the rollout to begin")
    watch = plugin.start("status", "todo", "-n", app.namespace, "--watch")
    try:
        assert watch.stdout is not None and watch.stdout.readline().startswith("Progressing")
        app.delete()
        _, complaint = watch.communicate(timeout=30)
    finally:
        watch.kill()
        watch.wait()
    assert watch.returncode == 1 and "it is not there (any more)" in complaint


def test_a_terminal_gets_a_picture_that_is_drawn_anew(
        app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    install(app)
    app.wait_ready()
    go_on = held_back(app, simulator)
    app.patch(NEW)
    ended = plugin.on_terminal("status", "todo", "-n", app.namespace, "--watch", columns=60,
                               when=("RollingBackend 0/1", go_on))
    assert ended.code == 0, ended
    pictures = re.split(r"\x1b\[(\d+)A\r", ended.out)
    assert len(pictures) > 2, ended.out
    for before, rows in zip(pictures[0::2], pictures[1::2], strict=False):
        assert before.count("\n") == int(rows), "the picture before is taken away whole"
    for line in ESCAPE.sub("", ended.out).splitlines():
        assert len(line) <= 60, "no line wraps"
    assert "step: " in ended.out and "\x1b[32mSucceeded\x1b[0m" in pictures[-1]


def test_colours_are_for_terminals_that_want_them(app: TodoApp, plugin: Plugin) -> None:
    install(app)
    wait_outcome(app, 1)
    app.wait_ready()
    where = ("status", "todo", "-n", app.namespace)
    assert "\x1b[" in plugin.on_terminal(*where).out
    assert "\x1b" not in plugin.on_terminal(*where, NO_COLOR="1").out
    assert "\x1b" not in plugin.on_terminal(*where, TERM="dumb").out
    assert "\x1b" not in plugin.said(*where)
