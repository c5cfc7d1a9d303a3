"""docs/deployment/troubleshooting.md: each of its common issues happens here, to an app with real pods in a namespace of its
own; its commands are run, print what the page shows, and cure it.

All of them go wrong at once, and are looked at one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from conftest import MakeGuide

from support.api import Api, Object
from support.control_plane import Kubectl
from support.namespaces import make_namespace
from support.pages import Page
from support.rbac import may
from support.real_node import QUICK, RealCluster
from support.todo_app import TodoApp, condition_of, merged
from support.waiting import eventually, show

PAGE = "docs/deployment/troubleshooting.md"
OPERATOR = "system:serviceaccount:todoapp-system:todoapp-operator"
# The stand-ins. They have no config of their own, and end when they are told to.
OLD: Object = merged(QUICK, {"frontend": {"image": "localhost/todo-frontend:1.2.0"},
                             "backend": {"image": "localhost/todo-backend:1.2.0"}})
NEW = "localhost/todo-backend:2.0.0"
CRASH = "localhost/todo-backend:bad-crash"

INSTALL_SECONDS = 240.0
# An image or a ConfigMap that is not there has a minute of grace; all of them share two cores.
SHOWN_SECONDS = 300.0
GONE_SECONDS = 150.0
TAKEN_PORT = 30080


@dataclass
class Issue:
    """`install` is the app as it begins, `change` what goes wrong then; without one it is wrong from the beginning.

    What Kubernetes tries again after ever longer times is changed `late`: when it is looked at, and not with the others.
    """

    heading: str
    reason: str
    words: str = ""  # in the message, once all of it is there
    install: Object = field(default_factory=dict)
    change: Object | None = None
    before: Callable[[Api, str], object] | None = None
    late: bool = False


def make(kind: str, version: str, name: str, **fields: Object) -> Callable[[Api, str], object]:
    return lambda api, namespace: api.create(
        {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **fields})


def backend(**fields: object) -> Object:
    return {"backend": fields}


MODE: Object = {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "modes", "key": "mode"}}}
DATABASE: Object = {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "todo-db", "key": "url"}}}
MIGRATION: Object = {"command": ["todo-backend", "migrate"], "schemaVersion": 2, "compatibleFrom": 1, "backoffLimit": 0,
                     "env": [{"name": "CRASH_AFTER", "value": "0s"}, {"name": "EXIT_CODE", "value": "3"}]}
SERVICE: Object = {"ports": [{"port": 8000}]}
NODE_PORT: Object = {"type": "NodePort", "ports": [{"port": 80, "nodePort": TAKEN_PORT}]}

# It is killed before anybody asks whether it is ready: a soak as short as this one might miss that it ends.
NOT_ASKED_AT_ONCE: Object = {"startup": {"initialDelaySeconds": 10}}

# In this order: what is tried again after ever longer times comes first, what needs a minute last.
ISSUES = [
    Issue("A name is taken by an object of somebody else", "ForeignObject",
          before=make("Service", "v1", "todo-backend", spec=SERVICE)),
    Issue("The quota is used up", "QuotaExceeded", change=backend(image=NEW), late=True,
          before=make("ResourceQuota", "v1", "pods", spec={"hard": {"pods": "2"}})),
    Issue("No node has room", "Progressing", "Unschedulable",
          change=backend(resources={"requests": {"cpu": "64"}, "limits": {"cpu": "64"}})),
    Issue("A Secret is missing", "SecretNotFound", install={"secrets": [DATABASE]}),
    Issue("A node port is taken", "Rejected", before=make("Service", "v1", "taken", spec=NODE_PORT),
          install={"frontend": {"service": {"type": "NodePort", "nodePort": TAKEN_PORT}}}),
    Issue("Pod Security refuses the pods", "RolledBack",
          change=backend(securityContext={"container": {"allowPrivilegeEscalation": True}})),
    Issue("A container crashes again and again", "InstallFailed", install=backend(image=CRASH)),
    Issue("Rolled back, and not tried again", "RolledBack", change=backend(image=CRASH)),
    Issue("The migration fails", "RolloutFailed", change=backend(image=NEW, migration=MIGRATION)),
    Issue("A container is killed for its memory", "RolledBack", install=backend(probes=NOT_ASKED_AT_ONCE),
          change=backend(env=[{"name": "EAT_MEMORY", "value": "200"}])),
    Issue("The new pods are never ready", "RolledBack",
          change={**backend(image="localhost/todo-backend:bad-unready"), "upgrade": {"progressDeadlineSeconds": 40}}),
    Issue("The image does not exist", "RolledBack", change=backend(image="localhost/todo-backend:9.9.9")),
    Issue("A ConfigMap is missing", "RolledBack", change=backend(env=[MODE])),
]
# An app that is well, and those that each test makes for itself.
WELL = ["First look", "The API server refuses the spec", "Commands to look around"]
ALONE = ["No operator works", "The operator lacks a right"]


@pytest.fixture(scope="module")
def make_app(api: Api, installed: None) -> Iterator[Callable[[str], TodoApp]]:
    made: list[str] = []

    def make_one(words: str) -> TodoApp:
        made.append(make_namespace(api, f"t-{words.lower().replace(' ', '-').replace(',', '')[:24]}"))
        return TodoApp(api, made[-1])

    yield make_one
    for namespace in made:
        api.delete("Namespace", namespace, missing_ok=True)


@pytest.fixture(scope="module")
def apps(api: Api, make_app: Callable[[str], TodoApp]) -> dict[str, TodoApp]:
    """All of them, as they have just been changed for the worse."""
    found = {name: make_app(name) for name in ["well", *(issue.heading for issue in ISSUES)]}
    found["well"].create(OLD)
    for issue in ISSUES:
        if issue.before:
            issue.before(api, found[issue.heading].namespace)
        found[issue.heading].create(merged(OLD, issue.install))
    for issue in ISSUES:
        if issue.change is not None and not issue.late:
            go_wrong(found[issue.heading], issue.change)
    return found


def go_wrong(app: TodoApp, change: Object) -> None:
    app.wait_ready(INSTALL_SECONDS)
    app.patch(change)


def shows(app: TodoApp, reason: str, words: str = "") -> Callable[[], object]:
    """Waits until Ready says so of the present spec, and until a rollback is over."""

    def look() -> bool:
        item = app.get()
        ready = condition_of(item, "Ready")
        assert ready.get("observedGeneration") == item["metadata"]["generation"], show(item.get("status"))
        assert ready["reason"] == reason and words in ready["message"], show(ready)
        return reason != "RolledBack" or item["status"].get("activeRevision") == item["status"].get("targetRevision")

    return lambda: eventually(look, f"{app.namespace}: Ready to say {reason} {words}", SHOWN_SECONDS)


@pytest.mark.parametrize("issue", ISSUES, ids=lambda issue: issue.heading)
def test_a_common_issue_looks_as_the_page_shows_and_ends_as_it_tells(
        make_guide: MakeGuide, apps: dict[str, TodoApp], issue: Issue) -> None:
    app = apps[issue.heading]
    if issue.late and issue.change is not None:
        go_wrong(app, issue.change)
    guide = make_guide(PAGE, steps={"it shows": shows(app, issue.reason, issue.words)}, replaced={"shop": app.namespace})
    guide.follow(issue.heading)
    app.wait_ready()


@pytest.mark.parametrize("heading", WELL)
def test_commands_for_any_app_run(make_guide: MakeGuide, apps: dict[str, TodoApp], heading: str) -> None:
    app = apps["well"]
    guide = make_guide(PAGE, steps={"it shows": lambda: app.wait_ready(INSTALL_SECONDS)}, replaced={"shop": app.namespace})
    guide.follow(heading)


def test_no_operator_works(make_guide: MakeGuide, make_app: Callable[[str], TodoApp], api: Api, kubectl: Kubectl) -> None:
    app = make_app("no operator")

    def stop() -> None:
        kubectl("-n", "todoapp-system", "scale", "deployment/todoapp-operator", "--replicas=0")
        eventually(lambda: not api.list("Pod", "todoapp-system", "app.kubernetes.io/component=controller"),
                   "the operator's pod to be gone", GONE_SECONDS)
        app.create(OLD)

    make_guide(PAGE, steps={"it shows": stop}, replaced={"shop": app.namespace}).follow("No operator works")
    app.wait_ready()


def test_the_operator_lacks_a_right(make_guide: MakeGuide, make_app: Callable[[str], TodoApp], cluster: RealCluster) -> None:
    app = make_app("no right")
    role = cluster.api.get("ClusterRole", "todoapp-operator")
    rules = [{**rule, "verbs": [verb for verb in rule["verbs"] if rule["resources"] != ["services"] or verb != "create"]}
             for rule in role["rules"]]

    def take_away() -> None:
        cluster.api.patch("ClusterRole", "todoapp-operator", None, {"rules": rules})
        # The API server judges by what it has heard of roles, a moment later.
        eventually(lambda: not may(cluster.api, OPERATOR, "create", "", "services", app.namespace), "the right to be gone")
        app.create(OLD)
        shows(app, "Forbidden")()

    make_guide(PAGE, steps={"it shows": take_away}, replaced={"shop": app.namespace}).follow("The operator lacks a right")
    app.wait_ready()
    assert cluster.api.get("ClusterRole", "todoapp-operator")["rules"] == role["rules"]


def test_every_issue_of_the_page_is_one_of_these(make_guide: MakeGuide) -> None:
    page = make_guide(PAGE).page
    told = {block.headings[2] for block in page.under("Common issues")}
    assert told == {issue.heading for issue in ISSUES} | {"The API server refuses the spec"} | set(ALONE)
    assert isinstance(page, Page) and len(told) >= 8
