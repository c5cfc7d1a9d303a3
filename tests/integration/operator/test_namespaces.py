"""Apps of different namespaces have nothing to do with each other, and a namespaced operator sees its own only."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support import rbac
from support.api import Api
from support.audit import AuditLog
from support.control_plane import ControlPlane
from support.operators import OperatorMaker
from support.pod_simulator import PodSimulator
from support.todo_app import UNVISITED, TodoApp
from support.waiting import eventually

NAMESPACED_USER = "todoapp-namespaced"


@pytest.fixture
def two(make_namespace: Callable[[], str]) -> tuple[str, str]:
    return make_namespace(), make_namespace()


def test_apps_of_the_same_name_in_two_namespaces_live_apart(
        api: Api, two: tuple[str, str], audit: AuditLog, new_operator: OperatorMaker) -> None:
    operator = new_operator()
    one, other = (TodoApp(api, namespace).create({"config": {"WHERE": namespace}}) for namespace in two)
    one.wait_ready()
    other.wait_ready()
    for app in (one, other):
        assert app.sealed("ConfigMap", "backend")["data"] == {"WHERE": app.namespace}
    audit.settled([operator.user], other.namespace)
    before = other.get()["metadata"]["resourceVersion"]
    one.patch({"backend": {"replicas": 2}})
    one.wait_ready()
    one.delete()
    eventually(lambda: not api.list("Deployment", one.namespace), "the one's children to go", 60)
    assert len(other.owned("Deployment")) == 2
    assert other.get()["metadata"]["resourceVersion"] == before


def test_an_operator_of_one_namespace_needs_a_role_there_and_nothing_else(
        api: Api, cluster: ControlPlane, two: tuple[str, str], audit: AuditLog, new_operator: OperatorMaker) -> None:
    inside, outside = two
    grant_in(api, inside)
    start = audit.mark()
    new_operator(f"--watch-namespace={inside}", user=NAMESPACED_USER)
    elsewhere = TodoApp(api, outside).create()
    TodoApp(api, inside).create({"config": {"A": "b"}}).wait_ready()
    end = audit.settled([NAMESPACED_USER], quiet=1)
    traffic = audit.between(start, end).by(NAMESPACED_USER)
    assert not traffic.refused(), f"\n{traffic.refused()}"
    resources = traffic.where(lambda request: request.resource != "")
    assert {request.namespace for request in resources} <= {inside}, f"\n{traffic}"
    assert elsewhere.get()["status"] == UNVISITED
    assert not elsewhere.owned("Deployment")


def test_an_operator_may_watch_several_namespaces(
        api: Api, two: tuple[str, str], make_namespace: Callable[[], str], new_operator: OperatorMaker) -> None:
    elsewhere = TodoApp(api, make_namespace()).create()
    new_operator(*(f"--watch-namespace={namespace}" for namespace in two))
    for namespace in two:
        TodoApp(api, namespace).create().wait_ready()
    assert elsewhere.get()["status"] == UNVISITED


def test_a_namespace_that_is_being_deleted_stops_no_other_app(
        api: Api, two: tuple[str, str], simulator: PodSimulator, new_operator: OperatorMaker) -> None:
    operator = new_operator()
    going, staying = (TodoApp(api, namespace).create() for namespace in two)
    going.wait_ready()
    api.delete("Namespace", going.namespace)
    staying.wait_ready()
    staying.patch({"backend": {"replicas": 2}})
    staying.wait_ready()
    eventually(lambda: api.find("Namespace", going.namespace) is None, "the namespace to go", 180)
    assert operator.is_running


def grant_in(api: Api, namespace: str) -> None:
    """The Role that the namespaced overlay gives the operator, for a user and in a namespace of our choice."""
    roles = [entry for entry in rbac.rendered(str(rbac.NAMESPACED)) if entry["kind"] == "Role"]
    assert roles, "the namespaced overlay has a Role"
    assert not [entry for entry in rbac.rendered(str(rbac.NAMESPACED)) if entry["kind"] == "ClusterRoleBinding"]
    for role in roles:
        name = role["metadata"]["name"]
        meta = {"name": name, "namespace": namespace}
        api.apply({**role, "metadata": meta})
        api.apply({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta,
                   "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
                   "subjects": [rbac.user_subject(NAMESPACED_USER)]})
        rule = role["rules"][0]
        asked = (NAMESPACED_USER, rule["verbs"][0], rule["apiGroups"][0], rule["resources"][0], namespace)
        eventually(lambda asked=asked: rbac.may(api, *asked), f"the rights of Role {name} to be known")
