"""Every block of commands that a reader may copy is run by a test, or says in the page's source why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.command_lines import faults, simple_commands
from support.control_plane import REPOSITORY
from support.pages import Block, Page, documents

every_document = pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(REPOSITORY)))


def unclaimed(block: Block) -> str:
    """Why nobody is known to run it; empty where somebody is, or where it says why not."""
    if block.marked("not-here") is not None:
        return ""
    if block.marked("by") is None:
        return f"{block.place}: no test runs this; name the one that does, or mark it (docs/testing.md)"
    said = ""
    for name in re.split(r",\s*", block.marked("by") or ""):
        test = REPOSITORY / name
        if not test.is_file():
            return f"{block.place}: there is no {name}"
        said += test.read_text()
    if Path(block.page).name not in said:
        return f"{block.place}: {block.marked('by')} does not name this page"
    # A test runs the whole page, or takes what it runs by its heading.
    headings = [heading for heading in block.headings if f'"{heading}"' in said]
    if not headings and not re.search(r"\.follow\(\)|sub\(follow, ", said):
        return f"{block.place}: {block.marked('by')} runs nothing of {block.headings[-1] if block.headings else 'it'}"
    return ""


@every_document
def test_every_block_of_commands_is_run_or_says_why_not(document: Path) -> None:
    missing = [complaint for block in Page(document).blocks if (complaint := unclaimed(block))]
    assert not missing, "\n".join(missing)


@every_document
def test_what_is_not_run_here_has_syntax_and_flags_that_exist(document: Path, operator_binary: Path) -> None:
    programs = {name: operator_binary.parent / name for name in ("todoapp-operator", "kubectl-todoapp")}
    programs = {name: program for name, program in programs.items() if program.is_file()}
    found = [f"{block.place}: {fault}" for block in Page(document).blocks if block.marked("not-here")
             for fault in faults(block.script, programs)]
    assert not found, "\n".join(found)


def page_of(folder: Path, text: str) -> Page:
    document = folder / "page.md"
    document.write_text(text)
    return Page(document)


@pytest.mark.parametrize(("marker", "words"), [
    ("", "no test runs this"),
    ("<!-- run: by: tests/docs/nowhere.py -->", "there is no tests/docs/nowhere.py"),
    ("<!-- run: by: tests/scripts/test_docs.py -->", "does not name this page"),
])
def test_a_block_that_nobody_runs_is_found(tmp_path: Path, marker: str, words: str) -> None:
    (block,) = page_of(tmp_path, f"# A\n{marker}\n```sh\nls\n```\n").blocks
    assert words in unclaimed(block)


@pytest.mark.parametrize(("script", "words"), [
    ("if true; then", "syntax error"),
    ("kubectl -n todo get tad --no-such-flag", "kubectl get tad has no flag --no-such-flag"),
    ("kubectl get pods | grep x && kubectl wait --fr=x", "kubectl wait has no flag --fr"),
    ("scripts/deploy-local.sh --bogus", "scripts/deploy-local.sh has no flag --bogus"),
    ("./scripts/nothing.sh", "there is no scripts/nothing.sh"),
    ("cluster/local up --bogus", "cluster/local up has no flag --bogus"),
])
def test_a_command_that_could_never_run_is_found(script: str, words: str) -> None:
    assert words in " ".join(faults(script, {}))


@pytest.mark.parametrize("script", [
    "kubectl -n todo get tad --watch -o wide",
    "kubectl -n todo wait tad/todo --for=condition=Ready --timeout=2m",
    "kubectl create secret generic x --from-file=url=/dev/stdin",
    "scripts/deploy-local.sh --context NAME --registry HOST/PATH   # words --of-nobody",
    "cat <<'END' | kubectl apply -f -\n--no-such: flag\nEND",
    "minikube start --whatever",
])
def test_a_command_that_could_run_is_left_alone(script: str) -> None:
    assert faults(script, {}) == []


def test_commands_are_found_behind_what_stands_before_them() -> None:
    found = list(simple_commands("A=1 kubectl get \\\n  pods | grep x; if ! helm list; then exit 1; fi"))
    assert found[:3] == [["kubectl", "get", "pods"], ["grep", "x"], ["helm", "list"]]
