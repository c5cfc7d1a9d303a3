"""Gives test users the rights that the shipped manifests give the operator's service account, and no others.

So a right that the operator needs and the manifests lack shows as a refused request.
"""

from __future__ import annotations

from typing import Any

import yaml

from support.api import Api, Object
from support.control_plane import REPOSITORY, run

CLUSTER_WIDE = REPOSITORY / "manifests" / "overlays" / "cluster-wide"
NAMESPACED = REPOSITORY / "manifests" / "overlays" / "namespaced"
SYSTEM_NAMESPACE = "todoapp-system"

Rules = list[dict[str, Any]]


def rendered(folder: str) -> list[Object]:
    """All objects of a kustomization."""
    return documents(run(["kubectl", "kustomize", folder]))


def documents(text: str) -> list[Object]:
    """Of a YAML stream. The CRD alone takes Python's own reader more than a second, hence the one in C where it is."""
    return [entry for entry in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) if entry]


def grant(api: Api, objects: list[Object], users: list[str]) -> None:
    """Creates the roles among `objects`, and binds users wherever the operator's service account is bound."""
    accounts = {entry["metadata"]["name"] for entry in objects if entry["kind"] == "ServiceAccount"}
    for entry in objects:
        if entry["kind"] in ("ClusterRole", "Role"):
            api.apply(entry)
    for entry in objects:
        if entry["kind"] not in ("ClusterRoleBinding", "RoleBinding"):
            continue
        subjects = [subject for subject in entry.get("subjects", [])
                    if subject["kind"] == "ServiceAccount" and (not accounts or subject["name"] in accounts)]
        if subjects:
            api.apply({**entry, "subjects": [user_subject(user) for user in users]})


def user_subject(user: str) -> Object:
    return {"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}


def token_of(api: Api, namespace: str, account: str) -> str:
    """Makes the service account where it is missing; a token as a pod of that account has one, good for an hour."""
    api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": namespace}})
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    answer = api.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token", review)
    return str(answer["status"]["token"])


def may(api: Api, user: str, verb: str, group: str, resource: str, namespace: str = "") -> bool:
    """What the API server's authorizer would say just now: it learns of changed roles a moment later. Without a namespace:
    of all of them."""
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
              "spec": {"user": user, "resourceAttributes": {"verb": verb, "group": group, "resource": resource,
                                                        "namespace": namespace}}}
    return bool(api.request("POST", path, review)["status"]["allowed"])


def without(rules: Rules, verb: str, resource: str) -> Rules:
    """The same rules but for one verb on one resource."""
    kept: Rules = []
    for rule in rules:
        if resource not in rule["resources"] or verb not in rule["verbs"]:
            kept.append(rule)
            continue
        others = [name for name in rule["resources"] if name != resource]
        if others:
            kept.append({**rule, "resources": others})
        verbs = [name for name in rule["verbs"] if name != verb]
        if verbs:
            kept.append({**rule, "resources": [resource], "verbs": verbs})
    return kept
