"""The alerts, each in a history in which it fires and in one in which it does not; their runbooks; the dashboard."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from support.charts import tool
from support.control_plane import REPOSITORY

MONITORING = REPOSITORY / "manifests" / "overlays" / "monitoring"
RUNBOOKS = REPOSITORY / "docs" / "runbooks"
TROUBLESHOOTING = REPOSITORY / "docs" / "deployment" / "troubleshooting.md"
TOOL_SECONDS = 60

RULES: list[dict[str, Any]] = yaml.safe_load((MONITORING / "prometheus-rule.yaml").read_text())["spec"]["groups"]
ALERTS: dict[str, dict[str, Any]] = {rule["alert"]: rule for group in RULES for rule in group["rules"]}
DASHBOARD: dict[str, Any] = json.loads((MONITORING / "dashboard.json").read_text())

POD = 'namespace="todoapp-system", job="operator", instance="a"'
OTHER_POD = 'namespace="todoapp-system", job="operator", instance="b"'
# What another program of the same job's neighbourhood says of itself.
STRANGER = 'namespace="other", job="other", instance="z"'

History = dict[str, str]


class Case(NamedTuple):
    """Series with a value a minute, in promtool's notation, and the minute that is looked at."""

    fires: History
    silent: History
    minute: int


def operator(name: str, values: str, pod: str = POD, /, **labels: str) -> History:
    """One series of an operator, and the one that shows that it is an operator."""
    more = "".join(f', {label}="{value}"' for label, value in labels.items())
    return {f"{name}{{{pod}{more}}}": values, f'todoapp_build_info{{{pod}, version="0.1.0"}}': "1x1500"}


def apps(reason: str, values: str, ready: str = "False") -> History:
    return operator("todoapp_apps", values, ready=ready, reason=reason)


def leaders(one: str, other: str) -> History:
    return {**operator("leader_election_master_status", one),
            **operator("leader_election_master_status", other, OTHER_POD)}


def requests(code: str, values: str, **labels: str) -> History:
    return operator("rest_client_requests_total", values, code=code, **labels)


CASES: dict[str, Case] = {
    "TodoappOperatorDown": Case(
        {f'up{{{STRANGER}}}': "1x10"}, operator("up", "1x10"), 6),
    "TodoappOperatorNoLeader": Case(leaders("0x10", "0x10"), leaders("0x10", "1x10"), 4),
    "TodoappOperatorTwoLeaders": Case(leaders("1x10", "1x10"), leaders("0x10", "1x10"), 4),
    # The same of a program that is no operator is none of our business.
    "TodoappOperatorRestarting": Case(
        operator("process_start_time_seconds", "100x5 200x5 300x5 400x20"),
        {**operator("process_start_time_seconds", "100x10 200x30"),
         f"process_start_time_seconds{{{STRANGER}}}": "100x5 200x5 300x5 400x20"}, 25),
    "TodoappReconcileErrors": Case(
        {**operator("controller_runtime_reconcile_total", "0+10x40", controller="todoapp", result="error"),
         **operator("controller_runtime_reconcile_errors_total", "0+2x40", controller="todoapp")},
        {**operator("controller_runtime_reconcile_total", "0+100x40", controller="todoapp", result="success"),
         **operator("controller_runtime_reconcile_errors_total", "0+2x40", controller="todoapp")}, 30),
    "TodoappReconcileStuck": Case(
        operator("workqueue_longest_running_processor_seconds", "0+60x20", name="todoapp"),
        operator("workqueue_longest_running_processor_seconds", "0 50 100 0 50 100 0 50 100 0 50", name="todoapp"), 11),
    "TodoappQueueDeep": Case(
        operator("workqueue_depth", "80x30", name="todoapp"),
        operator("workqueue_depth", "80x10 0 80x20", name="todoapp"), 20),
    "TodoappLoopSlow": Case(
        operator("todoapp_loop_turn_longest_seconds", "2x30"),
        operator("todoapp_loop_turn_longest_seconds", "2x5 0.02x30"), 20),
    "TodoappApiErrors": Case(
        {**requests("200", "0+8x40"), **requests("503", "0+1x40"), **requests("<error>", "0+1x40")},
        {**requests("200", "0+99x40"), **requests("503", "0+1x40"),
         f'rest_client_requests_total{{{STRANGER}, code="503"}}': "0+100x40"}, 25),
    "TodoappApiForbidden": Case(
        requests("403", "0+1x40", method="PATCH"),
        {**requests("403", "5x40", method="PATCH"),
         f'rest_client_requests_total{{{STRANGER}, code="403", method="GET"}}': "0+9x40"}, 20),
    "TodoappWatchesRestart": Case(
        operator("todoapp_watch_restarts_total", "0+1x40", kind="Secret"),
        operator("todoapp_watch_restarts_total", "0x20 3x20", kind="Secret"), 35),
    "TodoappEventsDropped": Case(
        operator("todoapp_events_dropped_total", "0+1x40"), operator("todoapp_events_dropped_total", "7x40"), 35),
    "TodoappAppNotReady": Case(
        apps("Degraded", "1x20"), {**apps("Degraded", "1x5 0x20"), **apps("Suspended", "1x20")}, 15),
    "TodoappRolloutStuck": Case(apps("Progressing", "1x60"), apps("Progressing", "1x30 0 1x30"), 55),
    "TodoappRolloutRolledBack": Case(apps("RolledBack", "1x10"), apps("RolledBackOnRequest", "1x10", ready="True"), 5),
    "TodoappRolloutHeld": Case(apps("RolloutFailed", "1x10"), apps("RolledBack", "1x10"), 5),
    "TodoappRollbackFailed": Case(apps("SchemaBarrier", "1x10"), apps("RolledBack", "1x10"), 5),
    "TodoappSpecRefused": Case(apps("InvalidSpec", "2x30"), apps("InvalidSpec", "2x10 0x20"), 20),
    "TodoappAwaitingApproval": Case(apps("AwaitingApproval", "1x1500"), apps("AwaitingApproval", "1x700 0 1x800"), 1450),
    "TodoappRolloutsFailOften": Case(
        operator("todoapp_rollouts_total", "0x1400 0+1x100", outcome="Failed"),
        # Four an hour, all day long: bad, but as ever.
        operator("todoapp_rollouts_total", "0+0.0667x1500", outcome="Failed"), 1440),
    "TodoappDriftFight": Case(
        operator("todoapp_drift_repaired_total", "0+1x40", kind="Service"),
        operator("todoapp_drift_repaired_total", "0x20 3x20", kind="Service"), 35),
}


def complaint(folder: Path, alert: str, history: History, minute: int, fires: bool) -> str:
    """What promtool says where that alert does not fire, once, at that minute, or fires and should not; else nothing."""
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": RULES}))
    question = {"expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) or vector(0)',
                "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": int(fires)}]}
    test = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [{
        "interval": "1m", "promql_expr_test": [question],
        "input_series": [{"series": series, "values": values} for series, values in history.items()]}]}
    (folder / "test.yaml").write_text(yaml.safe_dump(test))
    done = promtool("test", "rules", str(folder / "test.yaml"))
    return "" if done.returncode == 0 else done.stdout + done.stderr


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool("promtool"), *arguments], capture_output=True, text=True, timeout=TOOL_SECONDS,
                          check=False)


def test_every_alert_has_a_case_and_no_other() -> None:
    assert list(CASES) == list(ALERTS)


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_fires(tmp_path: Path, alert: str) -> None:
    case = CASES[alert]
    assert complaint(tmp_path, alert, case.fires, case.minute, fires=True) == ""


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_is_silent(tmp_path: Path, alert: str) -> None:
    case = CASES[alert]
    assert complaint(tmp_path, alert, case.silent, case.minute, fires=False) == ""


@pytest.mark.parametrize("alert", [name for name, rule in ALERTS.items() if "for" in rule])
def test_an_alert_waits_as_long_as_it_says(tmp_path: Path, alert: str) -> None:
    """It fires at that minute because it has lasted, and not at the first sign."""
    assert complaint(tmp_path, alert, CASES[alert].fires, 0, fires=False) == ""


def test_promtool_finds_nothing_wrong(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": RULES}))
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", str(tmp_path / "rules.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_is_wrong_how_bad_and_where_to_read_on(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert "\n" not in rule["annotations"]["description"]
    assert rule["annotations"]["runbook_url"].endswith(f"/{alert}.md")


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_runbook(alert: str) -> None:
    text = (RUNBOOKS / f"{alert}.md").read_text()
    assert text.startswith(f"# {alert}\n")
    rule = ALERTS[alert]
    assert f"**Severity**: {rule['labels']['severity']}" in text
    for heading in ("## What it means", "## What to look at", "## What to do"):
        assert heading in text


def test_there_is_no_runbook_for_nothing_and_the_index_names_all() -> None:
    found = {file.stem for file in RUNBOOKS.glob("*.md")} - {"README"}
    assert found == set(ALERTS)
    assert set(re.findall(r"\]\((\w+)\.md\)", (RUNBOOKS / "README.md").read_text())) == set(ALERTS)


def test_the_alerts_on_reasons_name_reasons_that_there_are() -> None:
    reasons = set(re.findall(r"^## (\w+)$", TROUBLESHOOTING.read_text(), re.M))
    for alert, rule in ALERTS.items():
        for words in re.findall(r'reason=~?"([^"]+)"', rule["expr"]):
            assert set(words.split("|")) <= reasons, alert


def test_every_reason_that_needs_somebody_is_one_that_an_alert_names() -> None:
    named = {reason for rule in ALERTS.values() for words in re.findall(r'reason=~?"([^"]+)"', rule["expr"])
             for reason in words.split("|")}
    rows = re.findall(r"^\| \[(\w+)\]\(#\w+\) \| (True|False) \|", TROUBLESHOOTING.read_text(), re.M)
    # What somebody asked for is no trouble.
    assert {reason for reason, ready in rows if ready == "False"} - named == {"Suspended"}


def expressions() -> list[str]:
    """Of the dashboard's panels, with the variables as Grafana would fill them in."""
    found = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    variables = {"$__rate_interval": "1m", "$namespace": ".*", "$job": ".*"}
    for name, value in variables.items():
        found = [expression.replace(name, value) for expression in found]
    return found


def test_the_expressions_of_the_dashboard_are_good(tmp_path: Path) -> None:
    rules = [{"record": f"todoapp:test{number}", "expr": expression} for number, expression in enumerate(expressions())]
    assert len(rules) > 20
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "one", "rules": rules}]}))
    done = promtool("check", "rules", str(tmp_path / "rules.yaml"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("expression", [*expressions(), *(rule["expr"] for rule in ALERTS.values())])
def test_an_expression_asks_for_metrics_that_are_documented(expression: str) -> None:
    assert metrics_in(expression), expression
    assert metrics_in(expression) <= documented(), metrics_in(expression) - documented()


def metrics_in(expression: str) -> set[str]:
    families = "todoapp|workqueue|controller_runtime|rest_client|leader_election|process"
    names = re.findall(rf"\b((?:{families})_\w+)", expression)
    return {re.sub(r"_bucket$", "", name) for name in names}


def documented() -> set[str]:
    """The names in docs/metrics.md, which a test compares with the program's."""
    return set(re.findall(r"^\| `(\w+)` \|", (REPOSITORY / "docs" / "metrics.md").read_text(), re.M))


def test_the_dashboard_has_panels_that_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        columns, rows = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        cells = {(column, row) for column in columns for row in rows}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
    identifiers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(identifiers) == len(set(identifiers))


def test_every_panel_asks_the_data_source_that_is_chosen() -> None:
    variables = {entry["name"] for entry in DASHBOARD["templating"]["list"]}
    assert {"datasource", "namespace", "job"} <= variables
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            assert target["datasource"]["uid"] == "${datasource}"
