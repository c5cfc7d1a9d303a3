"""No value of a secret is ever found outside Secrets: not in logs, events, status, records, metrics, nor in etcd."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import uuid
from collections.abc import Iterable
from typing import NamedTuple

import pytest
from support import pod_simulator as pods
from support.api import Api, Object
from support.control_plane import ControlPlane
from support.etcd import Etcd
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator
from support.revisions import GENERATED, LIVE, image, numbers, values_in, values_used, wait_outcome
from support.todo_app import TIERS, TodoApp
from support.waiting import eventually
from support.watching import Recorder

WATCHED = ["TodoAppDeployment", "ControllerRevision", "ConfigMap", "Deployment", "ReplicaSet", "Job", "Service",
           "Event"]
TOKEN: Object = {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "todo-api", "key": "token"}},
                 "policy": "Pinned", "tiers": ["frontend", "backend"]}
MIGRATION: Object = {"command": ["migrate"], "schemaVersion": 1, "compatibleFrom": 0, "backoffLimit": 0}
# Only the last part of a long message is kept as evidence: the cut must not save half a value.
EVIDENCE_BYTES = 1024


class Canary(NamedTuple):
    what: str
    value: str

    def forms(self) -> dict[str, bytes]:
        """All that would give the value away, by how it is written."""
        raw = self.value.encode()
        forms = {"as it is": raw, "in hex": binascii.hexlify(raw)}
        for shift in range(3):
            # In the middle of something encoded whole, what surrounds the value changes its first and last letters.
            core = base64.b64encode(b"-" * shift + raw).rstrip(b"=")[(shift * 8 + 5) // 6 : -1]
            forms[f"in base64, shifted by {shift}"] = core
        for name in ("sha256", "sha1"):
            forms[f"as its plain {name}"] = hashlib.new(name, raw).hexdigest()[:10].encode()
        return forms


def leaks(canaries: Iterable[Canary], texts: Iterable[tuple[str, bytes]]) -> list[str]:
    wanted = [(f"the {canary.what} value {how}", form) for canary in canaries for how, form in canary.forms().items()]
    return [f"{words} is in {place}" for place, text in texts for words, form in wanted if form in text]


def test_the_search_finds_a_value_however_it_is_written() -> None:
    canary = fresh("sought")
    raw = canary.value.encode()
    for text in (b"url=" + raw + b";", binascii.hexlify(raw), hashlib.sha256(raw).hexdigest()[:16].encode(),
                 *(base64.b64encode(b"a" * before + raw + b"z") for before in range(4))):
        assert leaks([canary], [("here", text)]), text
    assert not leaks([canary], [("here", base64.b64encode(b"another value of much the same length"))])


def everywhere(cluster: ControlPlane, operator: OperatorProcess, recorder: Recorder) -> list[tuple[str, bytes]]:
    """All places that are no Secrets, also what stood there for a moment only."""
    recorder.catch_up()
    texts = [("the log", operator.log_text().encode()), ("the metrics", operator.metrics().text.encode())]
    texts += [(f"{change.kind} {change.name}", json.dumps(change.object).encode()) for kind in WATCHED
              for change in recorder.changes(kind)]
    # A pod's status is the kubelet's, and tells what the app itself has logged; its spec is looked at below.
    texts += [(f"etcd {key}", value) for key, value in Etcd(cluster.directory).dump()
              if not key.startswith(("/registry/secrets/", "/registry/pods/"))]
    texts += [(f"Pod {change.name}", json.dumps([change.object["metadata"], change.object["spec"]]).encode())
              for change in recorder.changes("Pod")]
    return texts


def fresh(what: str) -> Canary:
    return Canary(what, f"canary/{what}+{uuid.uuid4().hex}?")


def put(api: Api, namespace: str, name: str, values: dict[str, Canary]) -> None:
    api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
               "data": {key: base64.b64encode(canary.value.encode()).decode() for key, canary in values.items()}})


def kept_by_the_operator(app: TodoApp, generation: str) -> list[Canary]:
    """The generated value and the app's key, as they are now."""
    keys = values_in(app.api.get("Secret", "todo-keys", app.namespace))
    return [Canary(f"{name} of {generation}", value) for name, value in keys.items()]


def words_of_a_careless_app(canaries: list[Canary]) -> str:
    """A last log that quotes every secret: first, at the place where a long message is cut, and last."""
    quoted = "\n".join(f"login with {canary.value} failed" for canary in canaries)
    filler = "x" * (EVIDENCE_BYTES - len(quoted) - len(canaries[0].value) // 2)
    return f"{quoted}\n{canaries[0].value}{filler}\n{quoted}"


@pytest.mark.parametrize("failing", ["upgrade", "first install"])
def test_no_value_of_a_secret_leaves_the_secrets(
        app: TodoApp, api: Api, cluster: ControlPlane, operator: OperatorProcess, simulator: PodSimulator,
        failing: str) -> None:
    live, pinned, unused = fresh("live"), fresh("pinned"), fresh("unused")
    canaries = [live, pinned, unused]
    put(api, app.namespace, "todo-db", {"url": live, "unused": unused})
    put(api, app.namespace, "todo-api", {"token": pinned})
    spec: Object = {"secrets": [LIVE, TOKEN, GENERATED], "config": {"LOG_LEVEL": "info"},
                    "backend": {"migration": MIGRATION}}
    with Recorder(api, app.namespace, [*WATCHED, "Pod"]) as recorder:
        if failing == "upgrade":
            app.create(spec).wait_ready()
            canaries += kept_by_the_operator(app, "the install")
            fail_an_upgrade(app, simulator, [live, pinned, *canaries[3:]])
            canaries += rotate_all(app, api)
            app.patch({"rollback": {"toRevision": 1}})
            app.wait_ready(reason="RolledBackOnRequest")
        else:
            fail_the_install(app, simulator, spec, canaries)
            canaries += kept_by_the_operator(app, "the install")
        used = {name for tier in TIERS for name in values_used(app, tier)}
        texts = everywhere(cluster, operator, recorder)
    assert used == {"API_TOKEN", "SESSION_KEY"}
    found = leaks(canaries, texts)
    assert not found, "\n".join(found[:20])
    assert {place.split()[0] for place, _ in texts} >= {"the", "etcd", "Pod", "Event", "ControllerRevision"}
    message = app.status["failure"]["message"]
    assert "***" in message and len(message.encode()) <= EVIDENCE_BYTES
    # The search itself works: it finds each value where it has to be.
    stored = [(key, value) for key, value in Etcd(cluster.directory).dump()
              if key.startswith(f"/registry/secrets/{app.namespace}/")]
    for canary in (pinned, *kept_by_the_operator(app, "today")):
        assert leaks([canary], stored), f"the {canary.what} value is nowhere"


def fail_an_upgrade(app: TodoApp, simulator: PodSimulator, canaries: list[Canary]) -> None:
    message = words_of_a_careless_app(canaries)
    bad = image("backend", "bad")
    simulator.behave(pods.crash_loop(message=message, pause=0.2), namespace=app.namespace, image=bad)
    app.patch({"backend": {"image": bad}, "config": {"LOG_LEVEL": "debug"}})
    app.wait_condition("Ready", "False", "RolledBack")
    eventually(lambda: "***" in app.status["failure"]["message"], "the evidence")
    # A good one after it, so that there is something to come back from.
    app.patch({"backend": {"image": image("backend", "1.1.0")}})
    app.wait_ready()


def rotate_all(app: TodoApp, api: Api) -> list[Canary]:
    live, pinned = fresh("live rotated"), fresh("pinned rotated")
    newest = max(numbers(app))
    put(api, app.namespace, "todo-db", {"url": live})
    put(api, app.namespace, "todo-api", {"token": pinned})
    wait_outcome(app, newest + 1)
    app.annotate(rotate="once")
    wait_outcome(app, newest + 2)
    assert pinned.value in values_used(app, "backend").values()
    return [live, pinned, *kept_by_the_operator(app, "the rotation")]


def fail_the_install(app: TodoApp, simulator: PodSimulator, spec: Object, canaries: list[Canary]) -> None:
    message = words_of_a_careless_app(canaries)
    simulator.behave(pods.job_fails(message=message), namespace=app.namespace, job=True)
    app.create(spec)
    app.wait_condition("Stalled", "True", "InstallFailed")
    simulator.behave(pods.job_succeeds(), namespace=app.namespace, job=True)
    simulator.behave(pods.crash_loop(message=message, pause=0.2), namespace=app.namespace, tier="frontend")
    app.annotate(retry="once")
    wait_outcome(app, 2, "Failed")
    app.wait_condition("Stalled", "True", "InstallFailed")
