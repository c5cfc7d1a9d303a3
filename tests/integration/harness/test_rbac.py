"""The operator's users must have the rights of the shipped manifests, and no more."""

from __future__ import annotations

import pytest

from support import rbac
from support.api import Api, Object
from support.control_plane import ControlPlane, Kubectl
from support.operators import OPERATOR_USERS
from support.waiting import eventually


@pytest.mark.parametrize("user", OPERATOR_USERS)
def test_a_user_may_do_what_the_manifests_give_the_operators_service_account(
        cluster: ControlPlane, granted: list[Object], user: str) -> None:
    kubectl = Kubectl(cluster.user(user))
    # The authorizer learns of roles a moment after they are made.
    for asked in ("create deployments -A", "patch todoappdeployments --subresource=status -A",
                  f"update leases -n {rbac.SYSTEM_NAMESPACE}"):
        eventually(lambda asked=asked: kubectl("auth", "can-i", *asked.split()).strip() == "yes", asked)


@pytest.mark.parametrize("what", ["update todoappdeployments", "delete pods", "create clusterroles", "get nodes"])
def test_a_user_may_do_nothing_else(cluster: ControlPlane, granted: list[Object], what: str) -> None:
    with pytest.raises(AssertionError, match="no"):
        Kubectl(cluster.user(OPERATOR_USERS[0]))("auth", "can-i", *what.split(), "-A")


def test_a_right_is_taken_out_of_rules_and_no_other() -> None:
    rules = [{"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["get", "create"]},
             {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create"]}]
    assert rbac.without(rules, "create", "secrets") == [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create"]},
    ]


def test_what_the_namespaced_overlay_gives_holds_in_its_namespace_only(api: Api) -> None:
    kinds = {entry["kind"] for entry in rbac.rendered(str(rbac.NAMESPACED))}
    assert not kinds & {"ClusterRole", "ClusterRoleBinding"}
