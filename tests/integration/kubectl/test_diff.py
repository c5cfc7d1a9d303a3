"""diff -f: what it foretells comes true, it writes nothing, and it knows no secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from conftest import Plugin

from support import pod_simulator as pods
from support.api import Api, Object
from support.audit import WRITE_VERBS, AuditLog
from support.control_plane import ControlPlane
from support.pod_simulator import PodSimulator
from support.revisions import LIVE, NO_PODS, PINNED, cause, image, install, numbers, put_secret, wait_outcome
from support.todo_app import API_VERSION, TodoApp, merged, todo_spec
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator")

BASE: Object = {**NO_PODS, "config": {"LOG_LEVEL": "info", "MODE": "x"}}


def manifest(app: TodoApp, spec: Object | None = None) -> str:
    return yaml.safe_dump({"apiVersion": API_VERSION, "kind": "TodoAppDeployment",
                           "metadata": {"name": app.name, "namespace": app.namespace}, "spec": todo_spec(spec)})


def applied(app: TodoApp, cluster: ControlPlane, spec: Object, *flags: str) -> TodoApp:
    """As its users install it, and serving."""
    cluster.kubectl("apply", "-f", "-", *flags, stdin=manifest(app, spec))
    wait_outcome(app, 1)
    app.wait_ready()
    return app


def apart(text: str) -> dict[str, list[str]]:
    """The fields below each heading, by the heading; notes below the empty one."""
    parts: dict[str, list[str]] = {"": []}
    heading = ""
    for line in text.splitlines():
        if line.startswith("# "):
            parts[""].append(line)
        elif line.startswith("  "):
            parts[heading].append(re.sub(r"^\+ +", "+ ", line.strip()))
        else:
            heading = re.sub(r"-config-[0-9a-f]{10}\b", "-config-HASH", line)
            parts[heading] = []
    return parts


@pytest.mark.parametrize("flags", [(), ("--server-side",)], ids=["client-side", "server-side"])
def test_what_it_foretells_comes_true(
        app: TodoApp, plugin: Plugin, cluster: ControlPlane, flags: tuple[str, ...]) -> None:
    first = merged(BASE, {"backend": {"disruptionBudget": {"minAvailable": 1}}})
    applied(app, cluster, first, *flags)
    same = plugin("diff", "-f", "-", given=manifest(app, first))
    assert same == (0, "", ""), same
    # An image and a variable are new, a variable and a budget are not asked for any more, a Service changes.
    wanted = merged(BASE, {"config": {"LOG_LEVEL": "debug", "MODE": None}, "frontend": {"service": {"port": 8080}},
                           "backend": {"image": image("backend", "2.0.0")}})
    told = plugin("diff", "-f", "-", "-n", app.namespace, given=manifest(app, wanted))
    assert (told.code, told.err) == (1, ""), told
    parts = apart(told.out)
    assert parts[""] == [f"# {app.namespace}/todo: revision 2 would be recorded: backend image 1.0.0 to 2.0.0; config "
                         "LOG_LEVEL; config MODE"]
    assert parts["todoappdeployment.apps.todoapp.dev/todo  changed"] == [
        "- spec.backend.disruptionBudget.minAvailable: 1",
        "~ spec.backend.image: localhost/todo-backend:1.0.0 -> localhost/todo-backend:2.0.0",
        "~ spec.config.LOG_LEVEL: info -> debug", "- spec.config.MODE: x", "~ spec.frontend.service.port: 80 -> 8080"]
    assert parts["poddisruptionbudget.policy/todo-backend  deleted"] == []
    assert "+ LOG_LEVEL: debug" in parts["configmap/todo-backend-config-HASH  new"]
    assert ("~ spec.template.spec.containers[backend].image: localhost/todo-backend:1.0.0 -> "
            "localhost/todo-backend:2.0.0") in parts["deployment.apps/todo-backend  changed"]
    assert "+ spec.ports[8080].port: 8080" in parts["service/todo-frontend  changed"]
    assert "apps.todoapp.dev/" not in told.out.replace("todoappdeployment.apps.todoapp.dev/", "")
    foretold = set(re.findall(r"^configmap/(\S+)  new$", told.out, re.M))

    cluster.kubectl("apply", "-f", "-", *flags, stdin=manifest(app, wanted))
    wait_outcome(app, 2)
    app.wait_ready()
    assert cause(app, 2) in parts[""][0]
    there = {entry["metadata"]["name"] for entry in app.owned("ConfigMap")}
    assert foretold and foretold <= there, "names are made of contents, so the very objects were foretold"
    eventually(lambda: app.api.find("PodDisruptionBudget", "todo-backend", app.namespace) is None, "the budget to go")
    assert plugin("diff", "-f", "-", given=manifest(app, wanted)) == (0, "", "")


@pytest.mark.parametrize("flags", [(), ("--server-side",)], ids=["client-side", "server-side"])
def test_what_others_noted_on_the_app_stays_as_apply_leaves_it(
        app: TodoApp, plugin: Plugin, cluster: ControlPlane, flags: tuple[str, ...]) -> None:
    applied(app, cluster, BASE, *flags)
    plugin.said("restart", app.name, "-n", app.namespace)
    app.annotate(approve="any")
    same = plugin("diff", "-f", "-", given=manifest(app, BASE))
    assert same == (0, "", ""), same
    before = app.get()["metadata"]
    cluster.kubectl("apply", "-f", "-", *flags, stdin=manifest(app, BASE))
    after = app.get()["metadata"]
    assert (after["annotations"], after["generation"]) == (before["annotations"], before["generation"])
    # What the file had and has no more goes, and only that.
    noted = yaml.safe_load(manifest(app, BASE))
    noted["metadata"]["annotations"] = {"team": "web"}
    cluster.kubectl("apply", "-f", "-", *flags, stdin=yaml.safe_dump(noted))
    told = plugin("diff", "-f", "-", given=manifest(app, BASE))
    assert told.out == "todoappdeployment.apps.todoapp.dev/todo  changed\n  - metadata.annotations.team: web\n", told


def test_it_writes_nothing_and_asks_for_no_value_of_a_secret(
        app: TodoApp, api: Api, plugin: Plugin, audit: AuditLog) -> None:
    put_secret(api, app, "canary-of-diff")
    install(app, {**BASE, "secrets": [PINNED]})
    app.wait_ready()
    start = audit.mark()
    generated = {"name": "SESSION_KEY", "generate": {"bytes": 32}}
    told = plugin("diff", "-f", "-", given=manifest(app, {**BASE, "secrets": [PINNED, generated]}))
    asked = audit.since(start).where(lambda request: request.agent.startswith("kubectl-todoapp"))
    assert (told.code, told.err) == (1, ""), told
    assert "sealed secret of backend  new\n  + DATABASE_URL, SESSION_KEY (values are not shown)\n" in told.out
    assert "todo-backend-secrets-(new)" in told.out and "canary" not in told.out
    assert asked, "the audit log shows what it did"
    writes = asked.where(lambda request: request.verb in WRITE_VERBS)
    assert writes and all("dryRun=All" in request.uri for request in writes), str(writes)
    secrets = asked.of("secrets")
    assert {request.which for request in secrets} == {"get secrets todo-db"}, str(secrets)
    assert numbers(app) == [1]
    # What is sealed already keeps its name, where nothing else is asked for.
    same = merged(BASE, {"secrets": [PINNED], "revisionHistoryLimit": 9})
    scaled = plugin("diff", "-f", "-", given=manifest(app, same))
    assert "sealed" not in scaled.out and "Secrets" not in scaled.out, scaled


def test_what_the_server_refuses_is_told_and_ends_above_1(
        app: TodoApp, plugin: Plugin, cluster: ControlPlane, tmp_path: Path) -> None:
    applied(app, cluster, BASE)
    for spec, words in (({"backend": {"replicas": -1}}, "spec.backend.replicas"),
                        ({"backend": {"replcas": 1}}, ".spec.backend.replcas: field not declared in schema\n")):
        refused = plugin("diff", "-f", "-", given=manifest(app, merged(BASE, spec)))
        assert (refused.code, refused.out) == (2, "") and words in refused.err, refused
    nobody = Plugin(plugin.binary, cluster.user("stranger"))
    denied = nobody("diff", "-f", "-", given=manifest(app, BASE))
    assert denied.code == 2 and "ask an administrator for that right" in denied.err
    assert plugin("diff", "-f", str(tmp_path / "none.yaml")).code == 2
    no_yaml = plugin("diff", "-f", "-", given="a: [")
    assert no_yaml.code == 2 and re.search(r"line \d is no valid YAML", no_yaml.err), no_yaml
    elsewhere = plugin("diff", "-f", "-", "-n", "elsewhere", given=manifest(app, BASE))
    assert elsewhere.code == 2 and f"the file says namespace {app.namespace}, and -n says elsewhere" in elsewhere.err


def test_other_kinds_are_left_out_with_a_word_and_a_new_app_is_all_new(
        app: TodoApp, plugin: Plugin, tmp_path: Path) -> None:
    secret = yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "todo-db"},
                             "stringData": {"url": "canary-of-a-file"}})
    file = tmp_path / "todo.yaml"
    file.write_text(f"{secret}---\n{manifest(app, {'secrets': [LIVE]})}")
    told = plugin("diff", "-f", str(file))
    assert told.code == 1 and "canary" not in told.out + told.err
    assert told.err == "kubectl-todoapp: left out (no TodoAppDeployment): Secret todo-db; see kubectl diff\n"
    parts = apart(told.out)
    assert parts[""] == [f"# {app.namespace}/todo: revision 1 would be recorded: first install"]
    assert [heading for heading in parts if heading.endswith("  new")] == [
        f"{kind}/{name}  new" for kind, name in (
            ("todoappdeployment.apps.todoapp.dev", "todo"), ("deployment.apps", "todo-frontend"),
            ("service", "todo-frontend"), ("deployment.apps", "todo-backend"), ("service", "todo-backend"))]
    assert app.api.find("TodoAppDeployment", "todo", app.namespace) is None
    alone = plugin("diff", "-f", "-", given=manifest(app, {"secrets": [LIVE]}))
    assert "Secret todo-db is not there: it would wait for that (SecretNotFound)" in alone.out
    odd = plugin("diff", "-f", "-", given=f"{secret}---\nnone: of it\n---\n{manifest(app).replace('v1alpha1', 'v1')}")
    assert odd.code == 2 and odd.err.startswith(
        "kubectl-todoapp: left out (no TodoAppDeployment): Secret todo-db, an object without a kind, "
        "TodoAppDeployment todo (of apps.todoapp.dev/v1, not apps.todoapp.dev/v1alpha1); see kubectl diff\n"), odd


def test_what_would_be_in_the_way_is_said(app: TodoApp, plugin: Plugin, cluster: ControlPlane,
                                          simulator: PodSimulator) -> None:
    applied(app, cluster, {})
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image("backend", "2.0.0"))
    bad = {"backend": {"image": image("backend", "2.0.0")}}
    cluster.kubectl("apply", "-f", "-", stdin=manifest(app, bad))
    app.wait_condition("Ready", "False", "RolledBack")
    told = plugin("diff", "-f", "-", given=manifest(app, bad))
    assert told.code == 0, "the operator would do nothing"
    assert f"# {app.namespace}/todo: RolledBack: Revision 2 (backend image 1.0.0 to 2.0.0) failed" in told.out
