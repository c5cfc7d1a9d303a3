"""The bench itself, with few apps: the counts are exact at any size; no time and no memory is judged here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import report
from bench.measure import Bench, Figures, broken_floors
from support.control_plane import ControlPlane

APPS = 20


@pytest.fixture(scope="module")
def figures(cluster: ControlPlane, operator_binary: Path, transport: str,
            tmp_path_factory: pytest.TempPathFactory) -> Figures:
    cluster.stop("kube-controller-manager")
    bench = Bench(cluster, operator_binary, transport, APPS, tmp_path_factory.mktemp("bench"))
    with bench.running():
        bench.create()
        bench.no_op()
        bench.upgrade()
        bench.reaction(samples=5)
        bench.drift(samples=2)
        bench.restart(rest=False)
    return {**bench.figures, "conditions": "a test"}


def test_no_request_is_above_the_floor(figures: Figures) -> None:
    assert broken_floors(figures) == []


def test_nothing_is_refused(figures: Figures) -> None:
    refused = {what: found for what, found in figures.items() if what.endswith("_refused") and found}
    assert not refused


def test_the_floor_is_noticed_when_it_is_broken(figures: Figures) -> None:
    one_more = {**figures, "no_op_objects": {"patch services": 1}}
    assert broken_floors(one_more) == ["no_op: writes: {'patch services': 1}, the floor is {}"]


def test_the_figures_come_out_as_a_table_as_json_and_as_a_plot(figures: Figures, tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write([figures, {**figures, "apps": 10, "create_cpu_ms_per_app": 3.5}], document)
    text = document.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    assert "| Figure | 10 apps | 20 apps | Aim |" in text
    assert "| requests per created app: writes, of a status, reads | 11, " in text
    assert [run["apps"] for run in json.loads(document.with_suffix(".json").read_text())] == [10, 20]
    assert document.with_suffix(".svg").read_text().count("<polyline") >= 2


def test_a_reaction_is_longer_than_its_parts(figures: Figures) -> None:
    """By two clocks, the watcher's and the server's, which is why they are not compared more closely."""
    assert figures["reaction_p99_ms"] > 0 and figures["drift_p99_ms"] > 0
    assert 0 < figures["reaction_written_p50_ms"] < figures["reaction_p99_ms"]
