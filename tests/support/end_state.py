"""All that an app has come to, as a value that two runs of the same story have in common.

Objects are taken whole, their statuses too. What differs by nature is masked (uids, versions, times, addresses, who
wrote a field and when) or, where it is used in several places, given a number in the order in which it is met (hashes
and names with randomness in them, generated values): what was equal stays equal, and what was not does not become so.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

from support.api import Api, Object
from support.waiting import Calm, eventually

# The operator's kinds. Of pods and ReplicaSets a Deployment's status and revision number tell.
KINDS = ["TodoAppDeployment", "ControllerRevision", "Deployment", "Service", "ConfigMap", "Secret", "Job",
         "HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "Ingress"]
# Made by the controller manager in each namespace.
NOT_OURS = frozenset({"kube-root-ca.crt"})

State = dict[str, Any]

MASKED_FIELDS = frozenset({"resourceVersion", "managedFields", "clusterIP", "clusterIPs", "uid"})
RANDOM_VALUES = frozenset({"SESSION_KEY", "hmac.key"})
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
HASH = re.compile(r"(?<![0-9a-z])[0-9a-f]{10,64}(?![0-9a-z])")
# What a revision's record says of the names of its sealed Secrets.
PART = re.compile(r'(?<=[Ss]ecrets\\":\\")[0-9a-f]{6}(?=\\")')
# Kubernetes' own: of a ReplicaSet's template (a number in decimal, so seldom a short one), of a pod.
POD = re.compile(r"(?<=todo-frontend-|.todo-backend-)[bcdfghjklmnpqrstvwxz2456789]{3,10}(-[a-z0-9]{5})?(?![0-9a-z-])")
# The version of a Live secret that a tier's pods have.
VERSIONS = re.compile(r"(?<==)\d+:\d+")
ADDRESS = re.compile(r"\b10\.\d+\.\d+\.\d+\b")


def end_state(api: Api, namespace: str) -> State:
    """By kind and name; names and values are comparable with those of other runs."""
    numbering = _Numbering()
    state: State = {}
    for kind in KINDS:
        items = [item for item in api.list(kind, namespace) if item["metadata"]["name"] not in NOT_OURS]
        # In the order of their making where only randomness tells names apart.
        items.sort(key=lambda item: (plain_name(item["metadata"]["name"]), item["metadata"]["creationTimestamp"]))
        for item in items:
            comparable = _comparable(item, namespace, numbering)
            state[f"{kind} {comparable['metadata']['name']}"] = comparable
    return state


def settled_state(api: Api, namespace: str, quiet: float, deadline: float) -> State:
    """When the controllers, too, have come to an end: it has been the same for `quiet` seconds."""
    calm = Calm()

    def unchanged() -> State:
        now = end_state(api, namespace)
        seconds = calm.seconds(now)
        assert seconds >= quiet, f"unchanged for {seconds:.1f} s only"
        return now

    return eventually(unchanged, "a state that no controller changes", deadline)


def plain_name(name: str) -> str:
    """Without the hash that a random key has gone into: `todo-backend-secrets-*`."""
    return re.sub(r"(?<=-secrets-)[0-9a-f]+$", "*", name)


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Where two states differ, and what each has there."""
    if type(one) is type(other) is dict:
        return [found for key in sorted({*one, *other})
                for found in differences(one.get(key), other.get(key), f"{path}/{key}")]
    if type(one) is type(other) is list and len(one) == len(other):
        return [found for number, (a, b) in enumerate(zip(one, other, strict=True))
                for found in differences(a, b, f"{path}[{number}]")]
    if one == other:
        return []
    return [f"{path}: {_short(one)} instead of {_short(other)}"]


class _Numbering:
    """Gives random texts numbers, in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}

    def of(self, sort: str) -> Callable[[re.Match[str]], str]:
        return lambda match: self.name(sort, match[0])

    def name(self, sort: str, text: str) -> str:
        return self._numbers.setdefault(text, f"<{sort} {len(self._numbers) + 1}>")


def _comparable(item: Object, namespace: str, numbering: _Numbering) -> State:
    if item["kind"] == "Secret":
        data = {key: base64.b64decode(value).decode() for key, value in item.get("data", {}).items()}
        for key in RANDOM_VALUES & set(data):
            data[key] = numbering.name("value", data[key])
        item = {**item, "data": data}
    masked: State = _masked(item)
    text = json.dumps(masked, sort_keys=True).replace(namespace, "<namespace>")
    text = TIME.sub("<time>", text)
    text = UID.sub("<uid>", text)
    text = VERSIONS.sub("<version>", text)
    text = ADDRESS.sub("<address>", text)
    text = POD.sub("<pod>", text)
    text = HASH.sub(numbering.of("hash"), PART.sub(numbering.of("part"), text))
    comparable: State = json.loads(text)
    return comparable


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _masked(entry) for key, entry in value.items() if key not in MASKED_FIELDS}
    if isinstance(value, list):
        return [_masked(entry) for entry in value]
    return value


def _short(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= 300 else text[:300] + " ..."
