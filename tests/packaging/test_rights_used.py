"""Every right of the manifests is used: one story of some apps, and what the API server's audit log shows of it.

The server has no WatchList, as older ones, so that kinds are listed as well as watched; and it asks for the right behind
blockOwnerDeletion, as OpenShift does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from support import pod_simulator as pods
from support import rbac
from support.api import Api, Object
from support.audit import AuditLog
from support.control_plane import UP_SECONDS, ControlPlane
from support.full_app import FULL_SPEC
from support.namespaces import make_namespace
from support.operator_process import OperatorProcess
from support.pod_simulator import PodSimulator
from support.todo_app import TodoApp, merged
from support.waiting import eventually

USER = "todoapp-operator"
INSTANCE = "app.kubernetes.io/instance"
STORY_SECONDS = 120.0

# Asked by an admission plugin within the server, which audits nothing: the test at the end takes it away instead.
FINALIZERS = ("update", "todoappdeployments/finalizers")


class OlderControlPlane(ControlPlane):
    def up(self) -> OlderControlPlane:
        self._local("up", "--nodes", "none", "--audit-log", "--apiserver-arg=--feature-gates=WatchList=false",
                    "--apiserver-arg=--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement",
                    seconds=UP_SECONDS)
        self._connect()
        return self


class World(NamedTuple):
    plane: ControlPlane
    simulator: PodSimulator
    operator: OperatorProcess
    roles: list[Object]
    audit: AuditLog

    @property
    def api(self) -> Api:
        return self.plane.api


@pytest.fixture(scope="module")
def world(operator_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("older")
    with OlderControlPlane(folder / "plane").serving(keep=False) as plane:
        plane.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": rbac.SYSTEM_NAMESPACE}})
        objects = rbac.rendered(str(rbac.CLUSTER_WIDE))
        rbac.grant(plane.api, objects, [USER])
        simulator = PodSimulator(plane.api).start()
        flags = ("--leader-elect", f"--leader-election-namespace={rbac.SYSTEM_NAMESPACE}")
        operator = OperatorProcess(operator_binary, plane.user(USER), USER, "asio", folder / "operator.log", flags)
        try:
            roles = [entry for entry in objects if entry["kind"] in ("Role", "ClusterRole")]
            yield World(plane, simulator, operator, roles, AuditLog(plane.audit_log, plane.api))
            operator.finish()
        finally:
            operator.clean_up()
            simulator.stop()


def body(kind: str, api_version: str, **rest: object) -> Object:
    return {"apiVersion": api_version, "kind": kind, **rest}


POD: Object = {"metadata": {"labels": {"app": "other"}},
               "spec": {"restartPolicy": "Never", "containers": [{"name": "other", "image": "localhost/other:1"}]}}
SELECTOR: Object = {"matchLabels": {"app": "other"}}

# Somebody else's objects with names that an app wants. They have no label, so only a create finds them.
STRANGERS: dict[str, tuple[str, Object]] = {
    "deploy": ("-backend", body("Deployment", "apps/v1", spec={
        "replicas": 0, "selector": SELECTOR, "template": {**POD, "spec": {"containers": POD["spec"]["containers"]}}})),
    "service": ("-backend", body("Service", "v1", spec={"ports": [{"port": 1234}]})),
    "keys": ("-keys", body("Secret", "v1")),
    "revision": ("-rev-1", body("ControllerRevision", "apps/v1", revision=1, data={"mine": True})),
    "job": ("-migrate-1", body("Job", "batch/v1", spec={"suspend": True, "template": POD})),
    "hpa": ("-backend", body("HorizontalPodAutoscaler", "autoscaling/v2", spec={
        "maxReplicas": 2, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other"}})),
    "pdb": ("-backend", body("PodDisruptionBudget", "policy/v1", spec={"minAvailable": 0, "selector": SELECTOR})),
    "ingress": ("", body("Ingress", "networking.k8s.io/v1", spec={
        "defaultBackend": {"service": {"name": "other", "port": {"number": 80}}}})),
    "policy": ("-backend", body("NetworkPolicy", "networking.k8s.io/v1", spec={"podSelector": SELECTOR})),
}


def release(number: int) -> Object:
    """A new image, a schema of its own, another config."""
    migration = {"command": ["todo-backend", "migrate"], "schemaVersion": number, "compatibleFrom": 1}
    return {"backend": {"image": f"localhost/todo-backend:{number}.0.0", "migration": migration},
            "config": {"LOG_LEVEL": f"level-{number}"}}


def pinned(api: Api, namespace: str, value: str) -> Object:
    api.apply(body("Secret", "v1", metadata={"name": "source", "namespace": namespace}, stringData={"key": value}))
    return {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "source", "key": "key"}}, "policy": "Pinned"}


def live_through_everything(world: World, namespace: str) -> None:
    """Releases with migrations until the first is pruned; settings that change and go; drift; what is deleted."""
    api = world.api
    secret = pinned(api, namespace, "one")
    app = TodoApp(api, namespace)
    more = {"secrets": [*FULL_SPEC["secrets"], secret], "revisionHistoryLimit": 1}
    app.create(merged(merged(FULL_SPEC, release(1)), more))
    app.wait_ready(STORY_SECONDS)
    app.patch({"frontend": {"disruptionBudget": {"maxUnavailable": 2}},
               "backend": {"autoscaling": {"maxReplicas": 4}, "disruptionBudget": {"maxUnavailable": 2}},
               "ingress": {"host": "other.example.org"},
               "networkPolicy": {"allowFrom": [{"podSelector": {"matchLabels": {"app": "other"}}}]}})
    app.wait_ready(STORY_SECONDS)
    for number in (2, 3, 4):
        pinned(api, namespace, f"value {number}")
        app.patch(release(number))
        app.wait_ready(STORY_SECONDS)
    eventually(lambda: api.find("ControllerRevision", "todo-rev-1", namespace) is None, "the first revision to be pruned")
    app.patch({"frontend": {"disruptionBudget": None}, "backend": {"autoscaling": None, "disruptionBudget": None},
               "ingress": None, "networkPolicy": None})
    for kind in ("HorizontalPodAutoscaler", "PodDisruptionBudget", "Ingress", "NetworkPolicy"):
        eventually(lambda kind=kind: not app.owned(kind), f"no {kind}")  # type: ignore[misc]


def drift(world: World, namespace: str) -> None:
    """More than once, so that its Event becomes a series."""
    app = TodoApp(world.api, namespace, "drifting").create()
    app.wait_ready(STORY_SECONDS)
    for port in (1111, 2222, 3333):
        change = [{"op": "replace", "path": "/spec/selector/app.kubernetes.io~1instance", "value": f"other-{port}"}]
        world.api.patch("Service", "drifting-backend", namespace, change, patch_type="json")
        eventually(lambda: app.child("Service", "backend")["spec"]["selector"][INSTANCE] == "drifting",
                   "the Service as it was")


def meet_strangers(world: World, namespace: str) -> None:
    spec = merged(FULL_SPEC, release(1))
    for name, (suffix, stranger) in STRANGERS.items():
        world.api.create({**stranger, "metadata": {"name": f"{name}{suffix}", "namespace": namespace}})
    apps = {name: TodoApp(world.api, namespace, name).create(spec) for name in STRANGERS}
    for app in apps.values():
        app.wait_condition("Stalled", "True", "ForeignObject", STORY_SECONDS)


def meet_a_sealed_stranger(world: World, namespace: str) -> None:
    """The name of a sealed ConfigMap is known once there was one."""
    app = TodoApp(world.api, namespace, "sealed").create({"config": {"LOG_LEVEL": "info"}})
    app.wait_ready(STORY_SECONDS)
    name = app.sealed("ConfigMap", "backend")["metadata"]["name"]
    app.delete("Foreground")
    eventually(lambda: world.api.find("ConfigMap", name, namespace) is None, "the app's objects to be gone")
    eventually(lambda: world.api.find("TodoAppDeployment", "sealed", namespace) is None, "the app to be gone")
    world.api.create(body("ConfigMap", "v1", metadata={"name": name, "namespace": namespace}))
    app.create({"config": {"LOG_LEVEL": "info"}})
    app.wait_condition("Stalled", "True", "ForeignObject", STORY_SECONDS)


def fail(world: World, namespace: str) -> None:
    world.simulator.behave(pods.crash_loop(), namespace=namespace)
    app = TodoApp(world.api, namespace, "failing").create({"upgrade": {"maxRestarts": 1}})
    app.wait_condition("Ready", "False", "InstallFailed", STORY_SECONDS)


def wanted(roles: list[Object]) -> set[tuple[str, str]]:
    return {(verb, resource) for role in roles if role["metadata"]["name"].startswith("todoapp-operator")
            for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}


def used(world: World) -> set[tuple[str, str]]:
    """What the server was asked for, and did not forbid. To apply what is not there yet takes the right to create it."""
    found: set[tuple[str, str]] = set()
    for request in world.audit.between(0, world.audit.mark()).by(USER):
        resource = request.resource + (f"/{request.subresource}" if request.subresource else "")
        if request.code not in (401, 403) and request.resource:
            found.add((request.verb, resource))
            if request.verb == "patch" and request.code == 201:
                found.add(("create", resource))
    return found


@pytest.fixture(scope="module")
def story(world: World) -> World:
    world.operator.start()
    plays = (live_through_everything, drift, meet_strangers, meet_a_sealed_stranger, fail)
    places = {play: make_namespace(world.api, play.__name__.replace("_", "-")[:30]) for play in plays}
    for namespace in places.values():
        world.simulator.behave(pods.job_succeeds(), namespace=namespace, job=True)
    with ThreadPoolExecutor(len(plays)) as together:
        for playing in [together.submit(play, world, namespace) for play, namespace in places.items()]:
            playing.result()
    return world


def test_every_right_of_the_manifests_is_used(story: World) -> None:
    def all_of_them() -> bool:
        # A series of events is written a moment later than its events are noted.
        unused = wanted(story.roles) - used(story) - {FINALIZERS}
        assert not unused, f"never used: {sorted(unused)}"
        return True

    eventually(all_of_them, "all rights to be used", STORY_SECONDS)


def test_no_other_request_was_needed(story: World) -> None:
    assert used(story) <= wanted(story.roles)


def test_without_the_right_behind_block_owner_deletion_such_a_server_refuses_children(story: World) -> None:
    role = next(entry for entry in story.roles if entry["kind"] == "ClusterRole" and entry["metadata"]["name"] == USER)
    less = json.loads(json.dumps(role))
    less["rules"] = [rule for rule in less["rules"] if "todoappdeployments/finalizers" not in rule["resources"]]
    assert len(less["rules"]) == len(role["rules"]) - 1
    story.api.apply(less)
    eventually(lambda: not rbac.may(story.api, USER, "update", "apps.todoapp.dev", "todoappdeployments/finalizers"),
               "the right to be gone")
    app = TodoApp(story.api, make_namespace(story.api, "without-the-right")).create()
    app.wait_condition("Ready", "False", "Forbidden", STORY_SECONDS)
