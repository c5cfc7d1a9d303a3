"""A thin client of the Kubernetes API: plain dicts in, plain dicts out.

It sends what it is told and nothing else: no discovery, no cache, no retry. So the audit log shows just the requests
of a test, and an `ApiError` holds the server's own words.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import urllib3

from support.kubeconfig import Connection, read_kubeconfig

Object = dict[str, Any]

CALL_SECONDS = 30.0
# A watch ends at the server's side after this long at the latest; the reader goes on from where it was.
WATCH_SECONDS = 300

PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


class Kind(NamedTuple):
    api_version: str
    plural: str
    namespaced: bool = True


KINDS: dict[str, Kind] = {
    "ClusterRole": Kind("rbac.authorization.k8s.io/v1", "clusterroles", False),
    "ClusterRoleBinding": Kind("rbac.authorization.k8s.io/v1", "clusterrolebindings", False),
    "ConfigMap": Kind("v1", "configmaps"),
    "ControllerRevision": Kind("apps/v1", "controllerrevisions"),
    "CustomResourceDefinition": Kind("apiextensions.k8s.io/v1", "customresourcedefinitions", False),
    "Deployment": Kind("apps/v1", "deployments"),
    "Event": Kind("events.k8s.io/v1", "events"),
    "HorizontalPodAutoscaler": Kind("autoscaling/v2", "horizontalpodautoscalers"),
    "Ingress": Kind("networking.k8s.io/v1", "ingresses"),
    "Job": Kind("batch/v1", "jobs"),
    "Lease": Kind("coordination.k8s.io/v1", "leases"),
    "Namespace": Kind("v1", "namespaces", False),
    "NetworkPolicy": Kind("networking.k8s.io/v1", "networkpolicies"),
    "Node": Kind("v1", "nodes", False),
    "PersistentVolumeClaim": Kind("v1", "persistentvolumeclaims"),
    "Pod": Kind("v1", "pods"),
    "PodDisruptionBudget": Kind("policy/v1", "poddisruptionbudgets"),
    "ReplicaSet": Kind("apps/v1", "replicasets"),
    "ResourceQuota": Kind("v1", "resourcequotas"),
    "Role": Kind("rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": Kind("rbac.authorization.k8s.io/v1", "rolebindings"),
    "Secret": Kind("v1", "secrets"),
    "Service": Kind("v1", "services"),
    "ServiceAccount": Kind("v1", "serviceaccounts"),
    "TodoAppDeployment": Kind("apps.todoapp.dev/v1alpha1", "todoappdeployments"),
}


class ApiError(Exception):
    """The API server said no, or could not be reached (status 0)."""

    def __init__(self, status: int, reason: str, message: str, request: str) -> None:
        super().__init__(f"{request}: {status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


def path_of(kind: str, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
    """The path of a collection, an object or its subresource; with no namespace, of all namespaces."""
    entry = KINDS[kind]
    parts = ["api" if entry.api_version == "v1" else "apis", entry.api_version]
    if entry.namespaced and namespace is not None:
        parts += ["namespaces", quote(namespace)]
    parts.append(entry.plural)
    parts += [quote(part) for part in (name, subresource) if part]
    return "/" + "/".join(parts)


class Api:
    def __init__(self, connection: Connection) -> None:
        context = ssl.create_default_context(cafile=str(connection.ca_file))
        context.load_cert_chain(str(connection.certificate_file), str(connection.key_file))
        self.server = connection.server
        # More connections than threads that use them, so that none waits for another's watch.
        self._pool = urllib3.PoolManager(maxsize=32, ssl_context=context, retries=False)

    @classmethod
    def from_kubeconfig(cls, file: Path) -> Api:
        return cls(read_kubeconfig(file))

    def get(self, kind: str, name: str, namespace: str | None = None, subresource: str | None = None) -> Object:
        return self.request("GET", path_of(kind, namespace, name, subresource))

    def find(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """Like `get`, but an absent object is None."""
        try:
            return self.get(kind, name, namespace)
        except ApiError as refusal:
            if refusal.status == 404:
                return None
            raise

    def list(self, kind: str, namespace: str | None = None, selector: str = "") -> list[Object]:
        query = {"labelSelector": selector} if selector else {}
        answer = self.request("GET", path_of(kind, namespace), query=query)
        # The items of a list come without these two, but every reader wants to know what it looks at.
        return [{"apiVersion": KINDS[kind].api_version, "kind": kind, **item} for item in answer["items"]]

    def create(self, body: Object) -> Object:
        namespace = body["metadata"].get("namespace")
        query = {"fieldValidation": "Strict"}
        return self.request("POST", path_of(body["kind"], namespace), body, query=query)

    def replace(self, body: Object, subresource: str | None = None) -> Object:
        meta = body["metadata"]
        return self.request("PUT", path_of(body["kind"], meta.get("namespace"), meta["name"], subresource), body)

    def apply(self, body: Object, manager: str = "a-test") -> Object:
        meta = body["metadata"]
        query = {"fieldManager": manager, "force": "true", "fieldValidation": "Strict"}
        path = path_of(body["kind"], meta.get("namespace"), meta["name"])
        return self.request("PATCH", path, body, query=query, content_type=PATCH_TYPES["apply"])

    def patch(self, kind: str, name: str, namespace: str | None, body: Any, *, patch_type: str = "merge",
              subresource: str | None = None, manager: str = "a-test") -> Object:
        query = {"fieldManager": manager, "fieldValidation": "Strict"}
        path = path_of(kind, namespace, name, subresource)
        return self.request("PATCH", path, body, query=query, content_type=PATCH_TYPES[patch_type])

    def delete(self, kind: str, name: str, namespace: str | None = None, *, propagation: str = "Background",
               grace_seconds: int | None = None, missing_ok: bool = False) -> None:
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            self.request("DELETE", path_of(kind, namespace, name), options)
        except ApiError as refusal:
            if not (missing_ok and refusal.status == 404):
                raise

    def request(self, method: str, path: str, body: Any = None, *, query: Mapping[str, str] | None = None,
                content_type: str = "application/json") -> Object:
        target = self.server + path + ("?" + urlencode(query) if query else "")
        payload = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", "Content-Type": content_type}
        try:
            answer = self._pool.request(method, target, body=payload, headers=headers, timeout=CALL_SECONDS)
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(0, "Unreachable", str(error), f"{method} {path}") from error
        if answer.status >= 300:
            raise _refusal(answer.status, answer.data, f"{method} {path}")
        return _decode(answer.data)

    def raw(self, path: str) -> str:
        """The answer of a path that is not an object: /readyz, /metrics."""
        try:
            answer = self._pool.request("GET", self.server + path, timeout=CALL_SECONDS)
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(0, "Unreachable", str(error), f"GET {path}") from error
        text = answer.data.decode()
        if answer.status >= 300:
            raise ApiError(answer.status, str(answer.reason), text, f"GET {path}")
        return text

    def open_watch(self, kind: str, namespace: str | None, selector: str, version: str) -> WatchStream:
        query = {"watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true",
                 "timeoutSeconds": str(WATCH_SECONDS)}
        if selector:
            query["labelSelector"] = selector
        path = path_of(kind, namespace)
        timeout = urllib3.Timeout(connect=CALL_SECONDS, read=WATCH_SECONDS + CALL_SECONDS)
        try:
            answer = self._pool.request("GET", f"{self.server}{path}?{urlencode(query)}", preload_content=False,
                                        timeout=timeout)
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(0, "Unreachable", str(error), f"WATCH {path}") from error
        if answer.status >= 300:
            raise _refusal(answer.status, answer.read(), f"WATCH {path}")
        return WatchStream(answer)


class WatchStream:
    """The events of one watch request, until the server or `stop` ends it."""

    def __init__(self, answer: urllib3.BaseHTTPResponse) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[tuple[str, Object]]:
        for _, change, item in self.stamped():
            yield change, item

    def stamped(self) -> Iterator[tuple[float, str, Object]]:
        """With the time (CLOCK_MONOTONIC, in seconds) at which its last byte came: before it was read."""
        rest = b""
        for piece in self._answer.stream(65536, decode_content=True):
            came = time.monotonic()
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line:
                    event = json.loads(line)
                    yield came, event["type"], event["object"]

    def stop(self) -> None:
        """May be called by another thread: a reader in mid-read wakes up."""
        with contextlib.suppress(ValueError, OSError, RuntimeError):  # It may have ended by itself.
            self._answer.shutdown()


def _refusal(status: int, data: bytes, request: str) -> ApiError:
    body = _decode(data)
    reason = str(body.get("reason", ""))
    return ApiError(status, reason, str(body.get("message", data.decode(errors="replace"))), request)


def _decode(data: bytes) -> Object:
    try:
        value = json.loads(data)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {"value": value}
