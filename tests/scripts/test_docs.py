"""A document that lies fails: what README and docs/ say is held against the program and the repository."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.certificates import make_certificates
from support.control_plane import REPOSITORY, run
from support.metrics import Metrics
from support.operator_process import OperatorProcess
from support.schemas import minor_versions
from support.waiting import eventually

DOCUMENTS = sorted(REPOSITORY / name for name in run(
    ["git", "-C", str(REPOSITORY), "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md"]).split()
    if (REPOSITORY / name).is_file())
OPERATOR = REPOSITORY / "controller" / "operator"


def read(*parts: str) -> str:
    return REPOSITORY.joinpath(*parts).read_text()


def anchors(document: Path) -> set[str]:
    """Of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_link_leads_somewhere(document: Path) -> None:
    words = re.sub(r"^```.*?^```$|`[^`\n]*`", "", document.read_text(), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", words):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        there = (document.parent / name).resolve() if name else document
        assert there.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in anchors(there), f"{target}: no such heading"


def test_the_flags_are_those_of_the_program(operator_binary: Path) -> None:
    assert run([str(operator_binary), "--help"]).rstrip() in read("docs", "flags.md"), "docs/flags.md: paste --help anew"


def test_the_api_reference_is_that_of_the_crd() -> None:
    run([sys.executable, "-B", str(REPOSITORY / "scripts" / "lib" / "render_api.py"), "--check"])


def test_every_field_of_the_crd_is_in_the_api_reference() -> None:
    """Asked of the text, for what writes it may forget a field."""
    told = set(re.findall(r"^\| `(\w+)` \| ", read("docs", "api-reference.md"), re.M))
    crd = yaml.safe_load(read("crds", "apps.todoapp.dev_todoappdeployments.yaml"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert len(fields := set(field_names(schema))) > 200
    assert fields - told == set()
    messages = {" ".join(rule["message"].split()) for rule in rules(schema)}
    reference = read("docs", "api-reference.md")
    assert [message for message in messages if f"{message}<br>" not in reference] == []


def field_names(schema: dict[str, Any]) -> Iterator[str]:
    yield from schema.get("properties", {})
    for held in held_in(schema):
        yield from field_names(held)


def rules(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from schema.get("x-kubernetes-validations", [])
    for held in held_in(schema):
        yield from rules(held)


def held_in(schema: dict[str, Any]) -> list[dict[str, Any]]:
    others = [schema.get("items"), schema.get("additionalProperties")]
    return [*schema.get("properties", {}).values(), *(held for held in others if isinstance(held, dict))]


def test_every_reason_has_an_entry_and_no_other() -> None:
    reasons = set(re.findall(r'case Reason::\w+:\s+return "(\w+)"', read("controller", "todoapp", "status.cpp")))
    assert len(reasons) > 10
    text = read("docs", "deployment", "troubleshooting.md")
    listed = set(re.findall(r"^\| \[(\w+)\]", text, re.M))
    headings = set(re.findall(r"^## (\w+)$", text, re.M))
    assert listed == reasons
    assert headings == reasons


def test_every_annotation_that_asks_for_something_is_told_wherever_annotations_are() -> None:
    known = set(re.findall(r'annotation\(object, "(\w+)"\)', read("controller", "todoapp", "app_object.cpp")))
    assert len(known) >= 4
    concepts = set(re.findall(r"^\| `apps\.todoapp\.dev/(\w+)` \|", read("docs", "concepts.md"), re.M))
    reference = set(re.findall(r"^\| `apps\.todoapp\.dev/(\w+)=", read("docs", "api-reference.md"), re.M))
    (chart,) = re.findall(r"^\| `annotations` \| .*$", read("helm", "todoapp", "README.md"), re.M)
    assert concepts == reference == set(re.findall(r"/(\w+)`", chart)) == known


def test_every_metric_is_described_and_no_other() -> None:
    sources = "".join(path.read_text() for path in OPERATOR.glob("metrics*.cpp"))
    names = r"(?:todoapp|workqueue|controller_runtime|rest_client|leader_election|process)_\w+"
    assert set(re.findall(rf"^\| `({names})` ", read("docs", "metrics.md"), re.M)) == set(re.findall(f'"({names})"', sources))


@pytest.fixture(scope="module")
def scraped(operator_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Metrics:
    """What an operator says whose API server does not answer: all families but those that tell of apps."""
    directory = tmp_path_factory.mktemp("lonely")
    server = {"server": "https://127.0.0.1:9", "certificate-authority": str(make_certificates(directory).authority)}
    (directory / "kubeconfig").write_text(yaml.safe_dump({
        "apiVersion": "v1", "kind": "Config", "current-context": "nowhere",
        "clusters": [{"name": "nowhere", "cluster": server}], "users": [{"name": "nobody", "user": {"token": "none"}}],
        "contexts": [{"name": "nowhere", "context": {"cluster": "nowhere", "user": "nobody"}}]}))
    operator = OperatorProcess(operator_binary, directory / "kubeconfig", "nobody", "asio", directory / "log")
    try:
        operator.start(wait=False)
        eventually(lambda: "rest_client_requests_total" in operator.metrics().names(), "a request that failed")
        return operator.metrics()
    finally:
        operator.clean_up()


def test_every_metric_is_described_as_the_registry_has_it(scraped: Metrics) -> None:
    help_of = dict(re.findall(r"^# HELP (\S+) (.*)$", scraped.text, re.M))
    types = dict(re.findall(r"^# TYPE (\S+) (.*)$", scraped.text, re.M))
    assert len(types) > 25
    text = read("docs", "metrics.md")
    stale = [row for row in (row_of(name, kind, help_of[name], scraped) for name, kind in types.items()) if row not in text]
    assert not stale, "docs/metrics.md should have these rows:\n" + "\n".join(stale)


def row_of(name: str, kind: str, words: str, scraped: Metrics) -> str:
    member = name + ("_count" if kind == "histogram" else "")
    labels = {label for sample in scraped.samples if sample.name == member for label in sample.labels}
    shown = " ".join(f"`{label}`" for label in sorted(labels))
    return f"| `{name}` | {kind} | {shown} | {words.replace('<error>', '`<error>`')} |"


def test_every_file_that_the_architecture_names_is_there() -> None:
    text = read("docs", "architecture.md")
    roots = "todoapp|operator|kube|kubectl|controller|tests|manifests|cluster|scripts|crds|docker|helm"
    names = re.findall(rf"`((?:{roots})/[\w./*-]*)`", text)
    assert len(names) > 50
    for name in names:
        places = [REPOSITORY, REPOSITORY / "controller"]
        assert any(list(place.glob(name.rstrip("/"))) for place in places), f"docs/architecture.md: no {name}"
    tests = re.findall(r"`(\w+_test\.cpp|test_\w+\.py)`", text)
    assert len(tests) > 15
    for name in tests:
        assert any((REPOSITORY / "tests").rglob(name)), f"docs/architecture.md: no test {name}"


def test_the_versions_that_are_said_to_be_tried_are_those_that_are_pinned() -> None:
    text = read("docs", "compatibility.md")
    pins = {"kubernetes": r"k8s\.io/kubernetes v(\S+)", "etcd": r"go\.etcd\.io/etcd/server/v3 v(\S+)",
            "helm": r"helm\.sh/helm/v4 v(\S+)"}
    for module, pattern in pins.items():
        pinned = re.search(pattern, read("cluster", "modules", module, "go.mod"))
        assert pinned and f"| {pinned[1]} |" in text, f"docs/compatibility.md: {module} is {pinned and pinned[1]}"
    least = re.search(r"^kubeVersion: .>=1\.(\d+)\.", read("helm", "todoapp", "Chart.yaml"), re.M)
    assert least and f"| 1.{least[1]} to 1.{minor_versions()[-1]} |" in text


def test_every_library_is_one_that_the_scripts_install() -> None:
    rows = re.findall(r"^\| [^|]+ \| ((?:`[\w.+-]+`(?:, )?)+) \|", read("docs", "dependencies.md"), re.M)
    installed = read("scripts", "lib", "prepare.sh")
    for name in re.findall(r"`([\w.+-]+)`", " ".join(rows)):
        assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", installed), f"docs/dependencies.md: {name} is not installed"


@pytest.mark.parametrize("document", [path for path in DOCUMENTS if "](../tests/" in path.read_text()],
                         ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_test_that_a_document_names_is_in_the_file_that_it_links(document: Path) -> None:
    for name, target in re.findall(r"\[(\w+)\]\((\.\./tests/[\w/.]+)\)", document.read_text()):
        text = (document.parent / target).read_text()
        defined = rf"\bdef {name}\(" if target.endswith(".py") else rf"\bTEST(?:_[FP])?\((?:{name}|\w+, {name})\b"
        assert re.search(defined, text), f"{target} has no test {name}"
