"""Completion in real shells, and for kubectl."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import Plugin

from support.control_plane import REPOSITORY
from support.revisions import NO_PODS, image, install, wait_outcome
from support.todo_app import TodoApp

pytestmark = pytest.mark.usefixtures("operator")

BASH = ('source <(kubectl-todoapp completion bash); COMP_WORDS=(kubectl-todoapp {words}); COMP_CWORD={count}; '
        '_kubectl_todoapp; printf "%s\\n" "${{COMPREPLY[@]}}"')


def in_bash(plugin: Plugin, words: str) -> list[str]:
    # A word that is not begun yet is one as well.
    typed = words + ("''" if words.endswith(" ") else "")
    return plugin.shell(BASH.format(words=typed, count=len(typed.split()))).split()


@pytest.fixture
def two_revisions(app: TodoApp) -> TodoApp:
    install(app, NO_PODS)
    app.patch({"backend": {"image": image("backend", "2.0.0")}})
    wait_outcome(app, 2)
    app.wait_ready()
    return app


def test_bash_completes_commands_flags_apps_revisions_and_contexts(two_revisions: TodoApp, plugin: Plugin) -> None:
    where = f"-n {two_revisions.namespace}"
    for words, found in (("rol", ["rollback"]), ("rollback --u", ["--undo"]), ("completion z", ["zsh"]),
                         (f"status {where} ", ["todo"]), (f"status {where} todo ", []),
                         (f"rollback {where} todo --to-revision ", ["2", "1"]),
                         (f"history {where} --revision ", ["2", "1"]),
                         (f"explain -n {two_revisions.namespace[:-2]}", [two_revisions.namespace]),
                         ("status --context ", plugin.shell("kubectl config get-contexts -o name").split())):
        assert in_bash(plugin, words) == found, words


def test_zsh_and_fish_take_their_scripts_and_complete(two_revisions: TodoApp, plugin: Plugin, tmp_path: Path) -> None:
    plugin.shell("zsh -fn <(kubectl-todoapp completion zsh)")
    shown = plugin.shell("fish --no-config -c 'source (kubectl-todoapp completion fish | psub); "
                         f'complete -C "kubectl-todoapp status -n {two_revisions.namespace} "\'')
    assert shown.split() == ["todo"]
    (tmp_path / "_kubectl-todoapp").write_text(plugin.said("completion", "zsh"))
    # compadd outside of completion is an error, so its place is taken by one that prints.
    script = (f"autoload -Uz compinit; compinit -D -d {tmp_path}/dump; _describe() {{ print -l -- ${{(P)2}} }}; "
              f"source {tmp_path}/_kubectl-todoapp; words=(kubectl-todoapp rol); CURRENT=2; _kubectl_todoapp")
    assert plugin.shell(f"zsh -fc '{script}'").startswith("rollback:Go back")


def test_kubectl_asks_the_installed_helper(two_revisions: TodoApp, plugin: Plugin, tmp_path: Path) -> None:
    helper = REPOSITORY / "controller" / "kubectl" / "kubectl_complete-todoapp"
    assert helper.read_text() == plugin.said("completion", "kubectl") and os.access(helper, os.X_OK)
    environment = {**plugin.environment, "PATH": f"{helper.parent}{os.pathsep}{plugin.environment['PATH']}"}
    asked = ["kubectl", "__complete", "todoapp", "rollback", "-n", two_revisions.namespace, "todo", "--to-revision", ""]
    answer = subprocess.run(asked, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert answer.stdout.splitlines()[:2] == ["2", "1"] and ":4" in answer.stdout


def test_what_cannot_be_known_is_left_out_without_a_word(plugin: Plugin) -> None:
    nowhere = plugin("__complete", "status", "", KUBECONFIG="/nowhere")
    assert nowhere == (0, ":4\n", "")


def test_it_is_installed_as_the_guide_says_and_kubectl_finds_it(plugin: Plugin, tmp_path: Path) -> None:
    build = plugin.binary.parent
    if not (build / "cmake_install.cmake").is_file():
        pytest.skip(f"{build} is no build directory, so there is nothing to install from")
    part = (REPOSITORY / "docs/kubectl-todoapp.md").read_text().partition("## On your PATH\n")[2]
    commands = re.findall(r"```sh\n(.*?)```", part, re.S)[0]
    assert "build/release" in commands and "~/.local" in commands, commands
    commands = commands.replace("build/release", str(build)).replace("~/.local", str(tmp_path))
    assert "kubectl-todoapp\n" in plugin.shell(f"{commands}\ncomplete -p kubectl-todoapp")
    assert {file.name for file in (tmp_path / "bin").iterdir()} == {"kubectl-todoapp", "kubectl_complete-todoapp"}
    environment = {**plugin.environment, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    answer = subprocess.run(["kubectl", "__complete", "todoapp", "hist"], env=environment, capture_output=True,
                            text=True, timeout=60, check=True)
    assert answer.stdout.startswith("history\tShow the revisions"), answer
