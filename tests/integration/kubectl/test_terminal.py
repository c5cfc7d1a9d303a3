"""On a real terminal (tmux): pictures are drawn in place, in colour, as wide as the window; Ctrl-C leaves it sane."""

from __future__ import annotations

import re

import pytest
from conftest import Plugin

from support import pod_simulator as pods
from support.pod_simulator import PodSimulator
from support.revisions import image, install
from support.tmux import PROMPT, terminal
from support.todo_app import TodoApp

pytestmark = pytest.mark.usefixtures("operator")

NEW = f"--backend-image {image('backend', '2.0.0')}"
# Longer than any test: until that says otherwise.
LATE = pods.ready(3600.0)


def headings(screen: str) -> int:
    return len(re.findall(r"^todo: ", screen, re.M))


def test_an_upgrade_is_one_picture_that_is_drawn_in_place(
        app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    install(app)
    app.wait_ready()
    new = image("backend", "2.0.0")
    simulator.behave(LATE, namespace=app.namespace, image=new)
    with terminal(plugin.environment, columns=110) as window:
        window.type(f"kubectl-todoapp upgrade todo -n {app.namespace} {NEW}; echo ended with $?")
        window.wait("├─ step: RollingBackend")
        during = window.wait(r"   [├└]─ todo-backend-\S+ +Pending +0/1 ready +0 restarts +revision 2 ")
        assert headings(during) == 1, during
        simulator.behave(pods.ready(), namespace=app.namespace, image=new, now=True)
        screen = window.wait("ended with 0$")
        assert headings(screen) == 1 and "step:" not in screen, screen
        assert "todo: Succeeded (namespace" in screen and "└─ backend   ██████████  1/1 ready" in screen
        assert "\x1b[32mSucceeded" in window.shown(colours=True)


def test_a_window_that_is_narrow_or_made_narrower_keeps_the_picture_whole(
        app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    simulator.behave(pods.never_ready(), namespace=app.namespace)
    app.create()
    with terminal(plugin.environment, columns=44) as window:
        window.type(f"kubectl-todoapp status todo -n {app.namespace} --watch; echo ended with $?")
        window.wait("└─ backend   ░░░░░░░░░░  0/1")
        screen = window.wait("   └─ todo-backend-")
        assert headings(screen) == 1 and max(len(line) for line in screen.splitlines()) <= 44
        window.resize(32, 30)
        simulator.behave(pods.ready(0.5), namespace=app.namespace, now=True)
        window.wait("ended with 0$")
        screen = window.shown(history=False)
        assert headings(screen) == 1, screen
        drawn = screen[screen.index("todo: "):].splitlines()
        assert drawn[0].startswith("todo: Succeeded") and max(len(line) for line in drawn) <= 32, screen


def test_ctrl_c_leaves_the_terminal_as_it_was(app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    simulator.behave(pods.never_ready(), namespace=app.namespace)
    app.create()
    with terminal(plugin.environment) as window:
        window.type("stty -g; echo before")
        before = window.wait("before$")
        window.type(f"kubectl-todoapp status todo -n {app.namespace} --watch")
        window.wait("todo: Progressing")
        window.press("C-c")
        window.wait(f".*{PROMPT} *$")
        window.type("echo ended with $?; stty -g; echo after")
        screen = window.wait("after$")
        assert "\nended with 130\n" in screen
        modes = re.findall(r"^[0-9a-f]+(?::[0-9a-f]+){10,}$", window.run("capture-pane", "-p", "-J", "-S", "-"), re.M)
        assert len(modes) == 2 and modes[0] == modes[1], f"{before}\n{screen}"
        assert window.run("display-message", "-p", "#{cursor_flag} #{alternate_on}") == "1 0\n"


def test_colours_are_left_out_where_they_are_not_wanted(app: TodoApp, plugin: Plugin) -> None:
    install(app)
    app.wait_ready()
    with terminal(plugin.environment) as window:
        for number, command in enumerate((f"NO_COLOR=1 kubectl-todoapp status todo -n {app.namespace}",
                                          f"kubectl-todoapp status todo -n {app.namespace} | cat",
                                          f"kubectl-todoapp upgrade todo -n {app.namespace} --backend-image "
                                          f"{image('backend', '1.0.0')} --dry-run | cat")):
            window.type(f"clear; {command}; echo end {number}")
            window.wait(f"end {number}$")
            assert "\x1b[3" not in window.shown(colours=True, history=False), command
        window.type(f"clear; kubectl-todoapp status todo -n {app.namespace}; echo end of all")
        window.wait("end of all$")
        assert "\x1b[32mSucceeded" in window.shown(colours=True, history=False)
