"""scripts/verify-environment.sh: what it says of machines that have all, little, or old things."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.control_plane import REPOSITORY, ControlPlane

SCRIPT = REPOSITORY / "scripts" / "verify-environment.sh"
SECONDS = 120.0
# All that the script itself and any machine has.
PLAIN = ["bash", "sh", "env", "dirname", "cat", "sed", "grep", "sort", "comm", "head", "awk", "df", "uname", "dpkg-query",
         "unshare", "true", "git"]


class Machine:
    """A folder of programs that is all of PATH."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self._programs = folder / "programs"
        self._programs.mkdir()
        for name in PLAIN:
            found = shutil.which(name)
            assert found, name
            (self._programs / name).symlink_to(found)
        self.has("id", 'if [ "$1" = -u ]; then echo 1000; else echo somebody; fi')

    def has(self, name: str, script: str) -> None:
        program = self._programs / name
        program.unlink(missing_ok=True)
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def asked(self, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Exit code and both outputs."""
        done = subprocess.run([str(SCRIPT), *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={"PATH": str(self._programs), "HOME": str(self.home), **(environment or {})},
                              timeout=SECONDS, check=False, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def row(said: str, what: str) -> list[str]:
    """State, what, found, needed, what to do."""
    (found,) = re.findall(rf"^(\S+) +({re.escape(what)})  +(.+)$", said, re.M)
    return [found[0], found[1], *re.split(r"  +", found[2])]


def test_a_machine_that_runs_the_tests_has_what_they_need() -> None:
    done = subprocess.run([str(SCRIPT), "local", "development"], text=True, capture_output=True, check=False, timeout=SECONDS)
    for tool in ("g++", "cmake", "ninja", "clang-19", "shellcheck", "chromium"):
        assert row(done.stdout, tool)[0] == "ok"
    # How much room there is, is this machine's own affair.
    assert (done.returncode == 0) == bool(re.search(r"^Ready", done.stdout, re.M)), done.stdout + done.stderr


def test_what_is_missing_is_for_you_where_the_scripts_cannot_install(machine: Machine) -> None:
    code, said = machine.asked("development")
    assert code == 1
    assert row(said, "cmake") == ["missing", "cmake", "-", "3.25", "as root: apt-get install cmake"]
    assert row(said, "node")[0] == "optional"
    assert re.search(r"^Not ready: \d+ for you to do, above\.$", said, re.M)


def test_what_is_missing_is_not_for_you_where_the_scripts_install_it(machine: Machine) -> None:
    machine.has("apt-get", "exit 1")
    machine.has("sudo", "exit 1")
    code, said = machine.asked("development")
    assert code == 0, said
    assert row(said, "cmake") == ["missing", "cmake", "-", "3.25", "nothing: installed by the scripts"]
    assert re.search(r"^Ready: the scripts install \d+ of these by themselves\.$", said, re.M)


@pytest.mark.parametrize(("version", "state"), [("3.24.9", "old"), ("3.25.0", "ok"), ("3.25.1", "ok"), ("4.0.2", "ok"),
                                                ("3.9.6", "old")])
def test_versions_are_compared_as_numbers(machine: Machine, version: str, state: str) -> None:
    machine.has("cmake", f"echo cmake version {version}")
    assert row(machine.asked("development")[1], "cmake")[:4] == [state, "cmake", version, "3.25"]


def test_a_program_without_a_version_is_there(machine: Machine) -> None:
    machine.has("ninja", "echo I have none; exit 1")
    assert row(machine.asked("development")[1], "ninja")[:3] == ["ok", "ninja", "there"]


def test_without_root_there_are_no_real_pods(machine: Machine) -> None:
    said = machine.asked("local")[1]
    assert "run it as root for a page; without, pods are simulated" in said
    assert "image builder" not in said


def test_rows_of_packages_and_of_python_say_which_ones(machine: Machine) -> None:
    said = machine.asked("local", "development")[1]
    names = [line[10:34].strip() for line in said.splitlines() if line[10:].startswith(("packages", "python3"))]
    assert len(names) >= 4 and len(set(names)) == len(names), said


def test_nothing_is_changed_and_no_program_but_to_ask_it(machine: Machine) -> None:
    for name in ("apt-get", "sudo", "pip", "curl"):
        machine.has(name, f"touch '{machine.home}/{name}-was-called'")
    machine.asked("local", "development", "own-cluster")
    assert list(machine.home.iterdir()) == []


# --- A cluster of one's own.


def test_a_cluster_that_answers_is_ready(cluster: ControlPlane) -> None:
    done = subprocess.run([str(SCRIPT), "own-cluster"], text=True, capture_output=True, check=False, timeout=SECONDS,
                          env={**os.environ, "KUBECONFIG": str(cluster.kubeconfig)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert row(done.stdout, "right to install a CRD")[:3] == ["ok", "right to install a CRD", "yes"]


KUBECTL = r"""case "$*" in
  *"version --client"*) echo "Client Version: v1.34.1" ;;
  *get-contexts*) [ -z "$NO_CONTEXT" ] || [ "$NO_CONTEXT" = none ] || echo mine ;;
  *current-context*) [ -z "$NO_CONTEXT" ] && echo mine ;;
  *"/version"*) [ -z "$AWAY" ] && echo "{\"gitVersion\": \"v${SERVER:-1.33.1}+own\"}" ;;
  *can-i*) echo "${MAY:-yes}"; [ "${MAY:-yes}" = yes ] ;;
  *storageclasses*) echo '{"items": []}' ;;
esac"""


@pytest.mark.parametrize(("variables", "code", "words"), [
    ({}, 0, "Ready."),
    ({"NO_CONTEXT": "1"}, 1, "kubectl config use-context NAME, or --context NAME"),
    ({"NO_CONTEXT": "none"}, 1, "that of the local cluster: export KUBECONFIG=$(cluster/local kubeconfig)"),
    ({"AWAY": "1"}, 1, "it does not answer, or is too old"),
    ({"SERVER": "1.29.9"}, 1, "old       cluster mine"),
    ({"MAY": "no"}, 1, "ask its administrator to install the operator"),
])
def test_what_a_cluster_lacks_is_told(machine: Machine, variables: dict[str, str], code: int, words: str) -> None:
    machine.has("kubectl", KUBECTL)
    ended, said = machine.asked("own-cluster", environment=variables)
    assert (ended, words in said) == (code, True), said


def test_a_context_is_the_one_that_was_named(machine: Machine) -> None:
    machine.has("kubectl", KUBECTL)
    assert "cluster other" in machine.asked("own-cluster", "--context", "other")[1]


@pytest.mark.parametrize(("arguments", "words"), [
    (["everything"], "unknown argument: everything"),
    (["--context"], "--context needs a value"),
    (["local", "--context", "x"], "--context is for own-cluster"),
])
def test_arguments_that_make_no_sense_are_refused(machine: Machine, arguments: list[str], words: str) -> None:
    code, said = machine.asked(*arguments)
    assert (code, words in said) == (2, True), said


def test_help_names_every_argument(machine: Machine) -> None:
    shown = machine.asked("--help")[1]
    for word in ("local", "own-cluster", "development", "--context", "--help"):
        assert word in shown
