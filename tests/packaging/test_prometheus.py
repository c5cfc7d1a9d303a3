"""A real Prometheus scrapes the operator: over TLS, with the token of a service account that may, and with no other.

The rights of both are those of manifests/overlays/monitoring.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from test_alerts import ALERTS, RULES, expressions, metrics_in

from support import pod_simulator as pods
from support import rbac
from support.api import Api
from support.certificates import make_certificates
from support.control_plane import REPOSITORY, ControlPlane
from support.namespaces import make_namespace
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator
from support.prometheus import Prometheus, running
from support.todo_app import TodoApp
from support.waiting import eventually, show

USER = "todoapp-operator"
READER = "todoapp-operator-metrics-reader"
MONITORING = REPOSITORY / "manifests" / "overlays" / "monitoring"
SCRAPE_SECONDS = 40.0
# Of trouble that this test does not make; the family has no series before the first.
ABSENT = {"todoapp_watch_restarts_total"}


class Scene(NamedTuple):
    prometheus: Prometheus
    operator: OperatorProcess
    namespace: str


def bind_reader(api: Api, namespace: str, account: str) -> None:
    """What docs/metrics.md tells an administrator to do for the service account of a Prometheus."""
    api.apply({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
               "metadata": {"name": f"{READER}-{namespace}"},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": READER},
               "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}]})


def scrape(job: str, port: int, authority: Path | None, given: Path | None) -> dict[str, Any]:
    """As the ServiceMonitor says it, for a certificate that the operator signed itself; or for one with an authority."""
    tls = {"ca_file": str(authority)} if authority else {"insecure_skip_verify": True}
    target = {"targets": [f"127.0.0.1:{port}"], "labels": {"namespace": "todoapp-system"}}
    made: dict[str, Any] = {"job_name": job, "scheme": "https", "tls_config": tls, "static_configs": [target]}
    return {**made, "authorization": {"credentials_file": str(given)}} if given else made


@pytest.fixture(scope="module", params=["self-signed", "own-certificate"])
def scene(request: pytest.FixtureRequest, cluster: ControlPlane, operator_binary: Path, simulator: PodSimulator,
          tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """An operator of one namespace, and a Prometheus with three jobs: with the right, without it, and without a token."""
    api, folder = cluster.api, tmp_path_factory.mktemp("prometheus")
    if api.find("Namespace", rbac.SYSTEM_NAMESPACE) is None:
        api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": rbac.SYSTEM_NAMESPACE}})
    objects = rbac.rendered(str(MONITORING))
    rbac.grant(api, objects, [USER])
    namespace = make_namespace(api, "scraped")
    flags, authority = ["--metrics-require-authorization", f"--watch-namespace={namespace}"], None
    if request.param == "own-certificate":
        made = make_certificates(folder)
        authority = made.authority
        flags += [f"--metrics-tls-cert-file={made.certificate}", f"--metrics-tls-key-file={made.key}"]
    bind_reader(api, namespace, "prometheus")
    files = {account: folder / f"{account}.token" for account in ("prometheus", "nobody")}
    for account, file in files.items():
        file.write_text(rbac.token_of(api, namespace, account))
    operator = OperatorProcess(operator_binary, cluster.user(USER), USER, "asio", folder / "operator.log", flags).start()
    try:
        port = operator.metrics_port
        jobs = [scrape("operator", port, authority, files["prometheus"]),
                scrape("no-right", port, authority, files["nobody"]), scrape("no-token", port, authority, None)]
        with running(folder, jobs, RULES) as prometheus:
            yield Scene(prometheus, operator, namespace)
        operator.finish()
        operator.assert_silent_about(file.read_text() for file in files.values())
    finally:
        operator.clean_up()
        api.delete("Namespace", namespace, missing_ok=True)
        api.delete("ClusterRoleBinding", f"{READER}-{namespace}", missing_ok=True)
        # Other tests install the same objects, and look at who may do what then.
        for entry in objects:
            if "rbac" in entry["apiVersion"]:
                api.delete(entry["kind"], entry["metadata"]["name"], entry["metadata"].get("namespace"), missing_ok=True)


def test_a_query_says_how_many_apps_are_ready(scene: Scene, api: Api) -> None:
    for name in ("one", "two"):
        TodoApp(api, scene.namespace, name).create().wait_ready()

    def both() -> bool:
        ready = scene.prometheus.values('todoapp_apps{job="operator", ready="True", reason="Succeeded"}')
        assert ready == [2.0], scene.prometheus.target("operator")
        assert scene.prometheus.values('up{job="operator"}') == [1.0]
        assert scene.prometheus.values('sum(todoapp_rollouts_total{job="operator", outcome="Succeeded"})') == [2.0]
        return True

    eventually(both, "Prometheus to count two apps", SCRAPE_SECONDS)


@pytest.mark.parametrize(("job", "status"), [("no-token", "401"), ("no-right", "403")])
def test_who_has_no_right_is_refused(scene: Scene, job: str, status: str) -> None:
    def refused() -> bool:
        target = scene.prometheus.target(job)
        assert target["health"] == "down" and status in target["lastError"], show(target)
        # Written a moment after the target shows it.
        assert scene.prometheus.values(f'up{{job="{job}"}}') == [0.0]
        return True

    eventually(refused, f"{job} to be refused", SCRAPE_SECONDS)
    assert scene.prometheus.values(f'todoapp_build_info{{job="{job}"}}') == []


def test_an_app_in_trouble_raises_its_alert(scene: Scene, api: Api, simulator: PodSimulator) -> None:
    simulator.behave(pods.crash_loop(), namespace=scene.namespace)
    app = TodoApp(api, scene.namespace, "failing").create({"upgrade": {"maxRestarts": 1}})
    app.wait_condition("Ready", "False", "InstallFailed", 90)

    def raised() -> Any:
        (alert,) = [entry for entry in scene.prometheus.ask("alerts")["alerts"]
                    if entry["labels"]["alertname"] == "TodoappRolloutHeld"]
        return alert

    alert = eventually(raised, "the alert", SCRAPE_SECONDS)
    assert alert["state"] in ("pending", "firing")
    labels = {"reason": "InstallFailed", "severity": "critical", "namespace": "todoapp-system"}
    assert labels.items() <= alert["labels"].items()
    assert alert["annotations"]["description"].startswith("1 apps are InstallFailed")
    simulator.forget(scene.namespace)


def test_every_rule_is_evaluated_without_an_error(scene: Scene) -> None:
    def evaluated() -> bool:
        rules = [rule for group in scene.prometheus.ask("rules")["groups"] for rule in group["rules"]]
        assert {rule["name"] for rule in rules} == set(ALERTS)
        assert {rule["health"] for rule in rules} == {"ok"}, [rule for rule in rules if rule["health"] != "ok"]
        return True

    eventually(evaluated, "all rules to be evaluated", SCRAPE_SECONDS)


def test_every_metric_of_dashboard_and_alerts_is_one_that_the_operator_serves(scene: Scene) -> None:
    asked = [*expressions(), *(rule["expr"] for rule in ALERTS.values())]
    wanted = {name for expression in asked for name in metrics_in(expression)}

    def there() -> bool:
        served = {re.sub(r"_(bucket|sum|count)$", "", name) for name in scene.prometheus.names()}
        assert wanted - served == ABSENT - served, sorted(wanted - served)
        return True

    eventually(there, "all metrics", SCRAPE_SECONDS)


def test_every_panel_of_the_dashboard_can_be_drawn(scene: Scene) -> None:
    def most_of_them() -> bool:
        drawn = [each for each in expressions() if scene.prometheus.ask("query", query=each)["result"]]
        # Those of what has not happened are empty; an expression with a mistake would have been refused.
        assert len(drawn) > len(expressions()) * 0.7, set(expressions()) - set(drawn)
        return True

    # A rate takes two scrapes.
    eventually(most_of_them, "the panels to show something", SCRAPE_SECONDS)
