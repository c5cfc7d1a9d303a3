"""The manifests: each kustomization is accepted by the API server, and the operator gets just the rights it needs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from crd_objects import KIND
from support.api import Api, Object
from support.control_plane import REPOSITORY, Kubectl, run
from support.rbac import CLUSTER_WIDE, NAMESPACED, SYSTEM_NAMESPACE, rendered
from support.waiting import eventually

MANIFESTS = REPOSITORY / "manifests"
SAMPLES = MANIFESTS / "samples"
ACCOUNT = "todoapp-operator"

READ = {"get", "list", "watch"}
APPLY = READ | {"create", "patch"}

# All that the operator may do to the objects of a namespace that it looks after: group/resource to verbs.
RIGHTS: dict[str, set[str]] = {
    "apps.todoapp.dev/todoappdeployments": {"list", "watch"},
    "apps.todoapp.dev/todoappdeployments/status": {"patch"},
    "apps.todoapp.dev/todoappdeployments/finalizers": {"update"},
    "apps/deployments": APPLY,
    "/services": APPLY,
    "/configmaps": APPLY | {"delete"},
    "/secrets": APPLY | {"delete"},
    "apps/controllerrevisions": APPLY | {"delete"},
    "batch/jobs": APPLY | {"delete"},
    "autoscaling/horizontalpodautoscalers": APPLY | {"delete"},
    "policy/poddisruptionbudgets": APPLY | {"delete"},
    "networking.k8s.io/ingresses": APPLY | {"delete"},
    "networking.k8s.io/networkpolicies": APPLY | {"delete"},
    "/pods": {"list"},
    "events.k8s.io/events": {"create", "patch"},
}


def kustomizations() -> list[str]:
    return sorted(str(file.parent.relative_to(MANIFESTS)) for file in MANIFESTS.rglob("kustomization.yaml"))


def rights(role: Object) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                found.setdefault(f"{group}/{resource}", set()).update(rule["verbs"])
    return found


def one(objects: list[Object], kind: str, name: str) -> Object:
    found = [entry for entry in objects if entry["kind"] == kind and entry["metadata"]["name"] == name]
    assert len(found) == 1, f"{kind} {name}: {len(found)} of them"
    return found[0]


@pytest.fixture
def system_namespace(api: Api) -> None:
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM_NAMESPACE}})


@pytest.fixture(scope="module")
def monitoring_kinds(kubectl: Kubectl) -> None:
    """Those of the Prometheus operator, which manifests/overlays/monitoring needs."""
    kubectl("apply", "--server-side", "-f", str(REPOSITORY / "tests" / "support" / "monitoring_crds.yaml"))
    kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd/servicemonitors.monitoring.coreos.com",
            "crd/prometheusrules.monitoring.coreos.com")


@pytest.mark.parametrize("folder", kustomizations())
def test_a_kustomization_is_accepted_by_the_api_server(
        kubectl: Kubectl, system_namespace: None, monitoring_kinds: None, folder: str) -> None:
    said = kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict",
                   "-k", str(MANIFESTS / folder))
    assert "warning" not in said.lower()
    assert len(said.splitlines()) == len(rendered(str(MANIFESTS / folder)))


@pytest.mark.parametrize("file", sorted(SAMPLES.glob("[!k]*.yaml")), ids=lambda file: file.name)
def test_a_sample_is_good_by_itself(kubectl: Kubectl, namespace: str, file: Path) -> None:
    # Without --server-side, as most people apply.
    said = kubectl("apply", "--dry-run=server", "--validate=strict", "--namespace", namespace, "-f", str(file))
    assert "created (server dry run)" in said
    assert "warning" not in said.lower()


def test_one_sample_needs_no_secret_of_the_users() -> None:
    samples = [yaml.safe_load(file.read_text()) for file in SAMPLES.glob("[!k]*.yaml")]
    assert all(sample["kind"] == KIND for sample in samples)
    free = [sample for sample in samples if not any("valueFrom" in secret for secret in sample["spec"]["secrets"])]
    assert [sample["metadata"]["name"] for sample in free] == ["todo-generated"]
    assert not {"ingress", "nodePort", "autoscaling"} & set(str(free[0]).replace("'", " ").split())


def test_the_operator_has_just_the_rights_it_needs() -> None:
    assert rights(one(rendered(str(CLUSTER_WIDE)), "ClusterRole", ACCOUNT)) == RIGHTS


def test_the_operator_of_one_namespace_has_the_same_rights_there() -> None:
    assert rights(one(rendered(str(NAMESPACED)), "Role", ACCOUNT)) == RIGHTS


def test_no_right_is_given_with_a_wildcard() -> None:
    for folder in kustomizations():
        for entry in rendered(str(MANIFESTS / folder)):
            for rule in entry.get("rules", []):
                assert "*" not in str(list(rule.values())), entry["metadata"]["name"]


def test_the_one_file_install_is_what_the_overlay_says() -> None:
    said = run([str(REPOSITORY / "scripts" / "render-manifests.sh"), "--print"])
    assert (MANIFESTS / "install.yaml").read_text() == said, "run scripts/render-manifests.sh"


@pytest.mark.parametrize("overlay", [CLUSTER_WIDE, NAMESPACED], ids=lambda folder: folder.name)
def test_the_operators_pod_is_one_that_pod_security_restricted_allows(api: Api, namespace: str, overlay: Path) -> None:
    template = one(rendered(str(overlay)), "Deployment", ACCOUNT)["spec"]["template"]
    api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": namespace}})
    metadata = {**template["metadata"], "name": "operator", "namespace": namespace}
    api.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})


def test_only_the_operator_of_one_namespace_is_told_which() -> None:
    def arguments(overlay: Path) -> str:
        deployment = one(rendered(str(overlay)), "Deployment", ACCOUNT)
        return " ".join(deployment["spec"]["template"]["spec"]["containers"][0]["args"])

    assert "--watch-namespace" not in arguments(CLUSTER_WIDE)
    assert "--watch-namespace=$(POD_NAMESPACE)" in arguments(NAMESPACED)


def test_leader_election_needs_leases_in_the_operators_own_namespace_only() -> None:
    for overlay in (CLUSTER_WIDE, NAMESPACED):
        role = one(rendered(str(overlay)), "Role", "todoapp-operator-leader-election")
        assert role["metadata"]["namespace"] == SYSTEM_NAMESPACE
        assert rights(role) == {"coordination.k8s.io/leases": {"get", "create", "update"}}


def test_the_install_for_one_namespace_has_no_object_of_the_clusters_own() -> None:
    for entry in rendered(str(NAMESPACED)):
        assert entry["metadata"].get("namespace") == SYSTEM_NAMESPACE, f"{entry['kind']} {entry['metadata']['name']}"


def test_every_binding_names_a_role_and_an_account_that_are_there() -> None:
    for overlay in (CLUSTER_WIDE, NAMESPACED):
        objects = rendered(str(overlay))
        one(objects, "ServiceAccount", ACCOUNT)
        for entry in objects:
            if entry["kind"] in ("RoleBinding", "ClusterRoleBinding"):
                one(objects, entry["roleRef"]["kind"], entry["roleRef"]["name"])
                assert entry["subjects"] == [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": SYSTEM_NAMESPACE}]


def is_allowed(api: Api, user: str, verb: str, namespace: str, group: str, resource: str, sub: str = "") -> bool:
    """Asks the API server; an empty namespace means all of them."""
    attributes = {"verb": verb, "group": group, "resource": resource, "subresource": sub, "namespace": namespace}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
              "spec": {"user": user, "resourceAttributes": attributes}}
    return api.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)["status"]["allowed"]


def test_an_operator_of_one_namespace_may_do_nothing_elsewhere(api: Api, make_namespace: Callable[[], str],
                                                               tmp_path: Path) -> None:
    own, other = make_namespace(), make_namespace()
    # As the comment in the overlay tells a user to do it for another namespace.
    overlay = {"namespace": own, "resources": [os.path.relpath(NAMESPACED, tmp_path.resolve())]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    for entry in rendered(str(tmp_path)):
        api.apply(entry)
    account = f"system:serviceaccount:{own}:{ACCOUNT}"

    def in_its_own() -> bool:
        for name, verbs in RIGHTS.items():
            group, _, resource = name.partition("/")
            resource, _, subresource = resource.partition("/")
            for verb in verbs:
                assert is_allowed(api, account, verb, own, group, resource, subresource), f"{verb} {name}"
        assert is_allowed(api, account, "update", own, "coordination.k8s.io", "leases")
        return True

    eventually(in_its_own, "the operator's rights in its own namespace", 20)
    for name in RIGHTS:
        group, _, resource = name.partition("/")
        for verb in (*APPLY, "update", "delete"):
            assert not is_allowed(api, account, verb, other, group, resource), f"{verb} {name} in another namespace"
            assert not is_allowed(api, account, verb, "", group, resource), f"{verb} {name} in all namespaces"
    assert not is_allowed(api, account, "update", own, "apps.todoapp.dev", "todoappdeployments")
    assert not is_allowed(api, account, "get", own, "", "pods", "log")


USERS = {
    "admin": ("todoapp-admin", {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}),
    "edit": ("todoapp-editor", {"get", "list", "watch", "create", "update", "patch", "delete"}),
    "view": ("todoapp-viewer", {"get", "list", "watch"}),
}


@pytest.mark.parametrize("builtin", USERS)
def test_a_built_in_role_of_the_cluster_gets_its_rights_on_apps(api: Api, builtin: str) -> None:
    name, verbs = USERS[builtin]
    # Left there: the same objects serve other tests of the session.
    role = one(rendered(str(MANIFESTS / "users")), "ClusterRole", name)
    assert role["metadata"]["labels"][f"rbac.authorization.k8s.io/aggregate-to-{builtin}"] == "true"
    assert rights(role) == {"apps.todoapp.dev/todoappdeployments": verbs,
                            "apps.todoapp.dev/todoappdeployments/status": {"get"}}
    api.apply(role)

    def look() -> bool:
        found = rights(api.get("ClusterRole", builtin))
        assert found.get("apps.todoapp.dev/todoappdeployments", set()) >= verbs
        assert found["apps.todoapp.dev/todoappdeployments/status"] == {"get"}
        return True

    eventually(look, f"the rights in ClusterRole {builtin}", 20)
