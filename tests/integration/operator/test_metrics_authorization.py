"""--metrics-require-authorization: who may read /metrics is asked of the real API server."""

from __future__ import annotations

import pytest
import urllib3
from support import rbac
from support.api import Api
from support.audit import AuditLog
from support.control_plane import REPOSITORY
from support.operator_process import OperatorProcess
from support.operators import OPERATOR_USERS, OperatorMaker
from support.waiting import eventually

RIGHTS = REPOSITORY / "manifests" / "overlays" / "monitoring" / "metrics-rbac.yaml"
READER = "todoapp-operator-metrics-reader"
FLAG = "--metrics-require-authorization"

# The operator's own certificate is made at its start, and nobody can verify it.
pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")


@pytest.fixture
def may_ask(api: Api, granted: list[object]) -> None:
    """The operator's user gets the rights that the overlay gives its service account."""
    objects = rbac.documents(RIGHTS.read_text())
    rbac.grant(api, objects, OPERATOR_USERS)
    eventually(lambda: rbac.may(api, OPERATOR_USERS[0], "create", "authentication.k8s.io", "tokenreviews"),
               "the right to ask who somebody is")


class Scraper:
    """A service account, and what it is told."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self.token = rbac.token_of(api, namespace, "prometheus")
        self.name = f"system:serviceaccount:{namespace}:prometheus"

    def may_read(self) -> None:
        self._api.create({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": {"name": self._namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": READER},
            "subjects": [{"kind": "ServiceAccount", "name": "prometheus", "namespace": self._namespace}]})


def scrape(operator: OperatorProcess, token: str = "") -> tuple[int, str]:
    """With whatever certificate the operator has."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    http = urllib3.PoolManager(retries=False, timeout=20.0, cert_reqs="CERT_NONE")
    answer = http.request("GET", f"https://127.0.0.1:{operator.metrics_port}/metrics", headers=headers)
    return answer.status, answer.data.decode()


def told(operator: OperatorProcess, token: str) -> tuple[int, str]:
    """What the API server decides, once it has the time to."""

    def look() -> tuple[int, str]:
        status, words = scrape(operator, token)
        assert status != 500, words
        return status, words

    return eventually(look, "the API server to be asked")


def test_metrics_are_for_those_who_may_read_them(api: Api, audit: AuditLog, namespace: str, may_ask: None,
                                                 new_operator: OperatorMaker) -> None:
    operator = new_operator(FLAG)
    scraper = Scraper(api, namespace)
    assert scrape(operator)[0] == 401
    assert told(operator, "no.such.token")[0] == 401
    status, words = told(operator, scraper.token)
    assert status == 403
    assert scraper.name in words and READER in words

    scraper.may_read()
    # "No" is remembered for thirty seconds.
    eventually(lambda: scrape(operator, scraper.token)[0] == 200, "the right to be seen", 50)
    before = audit.mark()
    status, text = scrape(operator, scraper.token)
    assert status == 200 and "todoapp_build_info" in text
    reviews = [request.what for request in audit.since(before) if request.user == operator.user
               and request.resource in ("tokenreviews", "subjectaccessreviews")]
    assert reviews == [], "what was learnt a moment ago is not asked for again"
    operator.assert_silent_about([scraper.token])


def test_without_the_right_to_ask_nothing_is_shown(api: Api, namespace: str, granted: list[object],
                                                   new_operator: OperatorMaker) -> None:
    operator = new_operator(FLAG, user=OPERATOR_USERS[1])
    if api.find("ClusterRoleBinding", "todoapp-operator-metrics-auth"):
        api.delete("ClusterRoleBinding", "todoapp-operator-metrics-auth")
    eventually(lambda: not rbac.may(api, OPERATOR_USERS[1], "create", "authentication.k8s.io", "tokenreviews"),
               "the right to ask to be gone")
    status, words = scrape(operator, Scraper(api, namespace).token)
    assert status == 500 and "TokenReview" in words
    assert any("Failed to ask who reads the metrics" in line["msg"] for line in operator.logs())


def test_health_is_asked_without_a_token(may_ask: None, new_operator: OperatorMaker) -> None:
    assert new_operator(FLAG).health("/readyz")[0] == 200
