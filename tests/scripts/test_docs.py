"""A document that lies fails: what README and docs/ say is held against the program and the repository."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.control_plane import REPOSITORY, run

DOCUMENTS = sorted([REPOSITORY / "README.md", REPOSITORY / "cluster" / "README.md", *(REPOSITORY / "docs").rglob("*.md"),
                    *(REPOSITORY / "helm").glob("*/README.md")])
OPERATOR = REPOSITORY / "controller" / "operator"


def read(*parts: str) -> str:
    return REPOSITORY.joinpath(*parts).read_text()


def anchors(document: Path) -> set[str]:
    """Of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (document.parent / name).resolve() if name else document
        assert there.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in anchors(there), f"{target}: no such heading"


def test_the_flags_are_those_of_the_program(operator_binary: Path) -> None:
    assert run([str(operator_binary), "--help"]).rstrip() in read("docs", "flags.md"), "docs/flags.md: paste --help anew"


def test_every_reason_has_an_entry_and_no_other() -> None:
    reasons = set(re.findall(r'case Reason::\w+:\s+return "(\w+)"', read("controller", "todoapp", "status.cpp")))
    assert len(reasons) > 10
    text = read("docs", "deployment", "troubleshooting.md")
    listed = set(re.findall(r"^\| \[(\w+)\]", text, re.M))
    headings = set(re.findall(r"^## (\w+)$", text, re.M))
    assert listed == reasons
    assert headings == reasons


def test_every_metric_is_described_and_no_other() -> None:
    sources = "".join(path.read_text() for path in OPERATOR.glob("metrics*.cpp"))
    names = r"(?:todoapp|workqueue|controller_runtime|rest_client|leader_election|process)_\w+"
    assert set(re.findall(rf"^\| `({names})` ", read("docs", "metrics.md"), re.M)) == set(re.findall(f'"({names})"', sources))


def test_every_file_that_the_architecture_names_is_there() -> None:
    text = read("docs", "architecture.md")
    names = re.findall(r"`((?:todoapp|operator|kube|controller|tests|manifests|cluster|scripts|crds)/[\w./*]*)`", text)
    assert len(names) > 20
    for name in names:
        places = [REPOSITORY, REPOSITORY / "controller"]
        assert any(list(place.glob(name.rstrip("/"))) for place in places), f"docs/architecture.md: no {name}"


def test_every_library_is_one_that_the_scripts_install() -> None:
    rows = re.findall(r"^\| [^|]+ \| ((?:`[\w.+-]+`(?:, )?)+) \|", read("docs", "dependencies.md"), re.M)
    installed = read("scripts", "lib", "prepare.sh")
    for name in re.findall(r"`([\w.+-]+)`", " ".join(rows)):
        assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", installed), f"docs/dependencies.md: {name} is not installed"
