"""status, history and explain: what is shown, in which form, and for whom."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from conftest import Plugin

from support import pod_simulator as pods
from support import rbac
from support.api import Api
from support.control_plane import REPOSITORY, ControlPlane
from support.pod_simulator import PodSimulator
from support.revisions import LIVE, image, install, put_secret, wait_outcome
from support.todo_app import TIERS, TodoApp
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator")

AGE = re.compile(r"\b\d+[smhd]$", re.M)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def upgraded(app: TodoApp) -> TodoApp:
    install(app)
    app.patch({"backend": {"image": image("backend", "2.0.0")}})
    wait_outcome(app, 2)
    app.wait_ready()
    return app


def only_pod(app: TodoApp, tier: str) -> str:
    """Its name, once the pod before it is gone."""

    def look() -> str:
        names = [pod["metadata"]["name"] for pod in app.pods(tier)]
        assert len(names) == 1, names
        return str(names[0])

    return eventually(look, f"one pod of the {tier}")


def test_the_status_of_an_app_is_a_tree(app: TodoApp, plugin: Plugin) -> None:
    upgraded(app)
    names = {tier: only_pod(app, tier) for tier in TIERS}
    assert AGE.sub("AGE", plugin.said("status", "todo", "-n", app.namespace)) == (
        f"todo: Succeeded (namespace {app.namespace})\n"
        "│  Revision 2 serves\n"
        "├─ revision 2: active, last good; Succeeded; backend image 1.0.0 to 2.0.0\n"
        "├─ frontend  ██████████  1/1 ready, 1 updated  localhost/todo-frontend:1.0.0\n"
        f"│  └─ {names['frontend']}  Running  1/1 ready  0 restarts  revision 2  AGE\n"
        "└─ backend   ██████████  1/1 ready, 1 updated  localhost/todo-backend:2.0.0\n"
        f"   └─ {names['backend']}  Running  1/1 ready  0 restarts  revision 2  AGE\n")
    same = plugin("status", "-n", app.namespace, alone=False, LC_ALL="C")
    assert (same.code, same.err) == (0, "")
    assert "`- backend   ##########  1/1 ready" in same.out and same.out.isascii(), "as kubectl todoapp, without a name"


def test_several_apps_are_a_table_and_other_commands_want_a_name(app: TodoApp, api: Api, plugin: Plugin) -> None:
    install(app)
    other = install(TodoApp(api, app.namespace, "other"))
    other.wait_ready()
    app.wait_ready()
    assert plugin.said("status", "-n", app.namespace).split("\n")[:3] == [
        "NAME   READY  REASON     REVISION  FRONTEND  BACKEND",
        "other  True   Succeeded  1         1/1       1/1",
        "todo   True   Succeeded  1         1/1       1/1"]
    everywhere = plugin.said("status", "-A", "-o", "wide")
    assert re.search(rf"^{app.namespace} +todo +True +Succeeded .* Revision 1 serves$", everywhere, re.M), everywhere
    refused = plugin("pause", "-n", app.namespace)
    assert (refused.code, refused.out) == (1, "")
    assert "there are several, so name one: other, todo" in refused.err


def test_the_forms_for_programs_are_those_of_kubectl(app: TodoApp, plugin: Plugin, cluster: ControlPlane) -> None:
    upgraded(app)
    of_kubectl = json.loads(cluster.kubectl("get", "tad", "todo", "-n", app.namespace, "-o", "json"))
    where = ("todo", "-n", app.namespace)
    assert json.loads(plugin.said("status", *where, "-o", "json")) == of_kubectl
    assert yaml.safe_load(plugin.said("status", *where, "-o", "yaml")) == of_kubectl
    assert plugin.said("status", *where, "-o", "name") == "todoappdeployment.apps.todoapp.dev/todo\n"
    several = json.loads(plugin.said("status", "-n", app.namespace, "-o", "json"))
    assert (several["kind"], several["items"]) == ("List", [of_kubectl])
    revisions = yaml.safe_load(plugin.said("history", *where, "-o", "yaml"))["revisions"]
    flags = [(entry["number"], entry["active"], entry["lastGood"]) for entry in revisions]
    assert flags == [(2, True, True), (1, False, False)]
    record = json.loads(plugin.said("history", *where, "--revision", "1", "-o", "json"))
    assert record["data"] == app.revision(1)["data"]


def test_the_history_shows_revisions_and_what_one_of_them_holds(app: TodoApp, api: Api, plugin: Plugin) -> None:
    put_secret(api, app, "canary-of-history")
    install(app, {"config": {"LOG_LEVEL": "info"}, "secrets": [LIVE]})
    app.patch({"backend": {"image": image("backend", "2.0.0")}})
    wait_outcome(app, 2)
    app.wait_ready()
    table = TIME.sub("(time)", plugin.said("history", "todo", "-n", app.namespace))
    assert [re.split(r"  +", line) for line in table.splitlines()] == [
        ["REVISION", "OUTCOME", "CREATED", "CAUSE", "FLAGS"],
        ["2", "Succeeded", "(time)", "backend image 1.0.0 to 2.0.0", "active, last good, restorable"],
        ["1", "Succeeded", "(time)", "first install", "restorable"]]
    content = plugin.said("history", "todo", "-n", app.namespace, "--revision", "1")
    for words in ("cause             first install", "image           localhost/todo-backend:1.0.0",
                  "config          LOG_LEVEL=info", "env             DATABASE_URL from Secret todo-db, key url"):
        assert words in content
    assert "canary" not in content and "than revision" not in content
    where = ("history", "todo", "-n", app.namespace, "--revision")
    change = "  ~ backend.spec.containers[backend].image: localhost/todo-backend:{} -> localhost/todo-backend:{}\n"
    assert plugin.said(*where, "2").endswith("Otherwise than revision 1\n" + change.format("1.0.0", "2.0.0"))
    back = plugin.said(*where, "1", "--diff", "2")
    assert back.endswith("Otherwise than revision 2\n" + change.format("2.0.0", "1.0.0"))
    assert plugin.said(*where, "2", "--diff", "2").endswith("The same as revision 2\n")
    refused = plugin("history", "todo", "-n", app.namespace, "--revision", "7")
    assert (refused.code, refused.out) == (1, "")
    assert "revision 7 is not in the history; there are 2, 1" in refused.err


def test_a_failed_upgrade_is_explained_with_its_evidence(
        app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    install(app)
    # What a pod logs is not the user's: it must not steer the terminal.
    simulator.behave(pods.crash_loop(message="no database\n\x1b[2Jbye", restarts=4), namespace=app.namespace,
                     image=image("backend", "bad"))
    app.patch({"backend": {"image": image("backend", "bad")}})
    app.wait_condition("Ready", "False", "RolledBack")
    text = plugin.said("explain", "todo", "-n", app.namespace)
    assert re.match(rf"todo in namespace {app.namespace} is not ready since {TIME.pattern}; now: RolledBack\n", text), text
    pod = app.status["failure"]["pod"]
    for words in ("Evidence of revision 2\n", "  tier       backend\n", f"  pod        {pod}\n", "  exit code  3\n",
                  "  | no database\n  | ?[2Jbye\n", f"    kubectl todoapp retry todo -n {app.namespace}\n"):
        assert words in text
    link = re.search(r"^More: (\S+)#(\w+)$", text, re.M)
    assert link and re.search(rf"^## {link[2]}$", (REPOSITORY / link[1]).read_text(), re.M | re.I)
    tree = plugin.said("status", "todo", "-n", app.namespace)
    assert f"revision 2 failed: CrashLoopBackOff; pod {pod}, exit code 3" in tree


def test_a_pod_in_trouble_is_shown_with_the_reason(
        app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace)
    app.create({"upgrade": {"timeoutSeconds": 600}, "backend": {"replicas": 2}})
    where = ("status", "todo", "-n", app.namespace)

    def look() -> list[str]:
        lines = plugin.said(*where).splitlines()
        pod = r"─ todo-backend-\S+ +InvalidImageName +0/1 ready +0 restarts +revision 1 "
        found = [line for line in lines if re.search(pod, line)]
        assert len(found) == 2, lines
        return found

    shown = eventually(look, "both pods to be shown with their trouble")
    assert shown[0].startswith("   ├─ ") and shown[1].startswith("   └─ ")
    assert re.search(r" revision 1 +\d+s +\S+ +", "\n".join(plugin.said(*where, "-o", "wide").splitlines()))


def test_what_holds_up_a_rollout_is_explained(app: TodoApp, plugin: Plugin, simulator: PodSimulator) -> None:
    install(app)
    # It is waited for a minute, so this is how it is until the test is over.
    simulator.behave(pods.image_pull(), namespace=app.namespace, image=image("backend", "2.0.0"))
    app.patch({"backend": {"image": image("backend", "2.0.0")}})

    def look() -> bool:
        text = plugin.said("explain", "todo", "-n", app.namespace)
        assert re.search(r"; now: Progressing\n(.*\n)+Pods that are not ready\n"
                         r"  todo-backend-\S+ +(ErrImagePull|ImagePullBackOff) +0/1 ready .* revision 2 ", text), text
        return True

    eventually(look, "the pod to be named with its trouble")


def test_it_needs_the_rights_to_read_the_app_and_no_others(
        app: TodoApp, api: Api, cluster: ControlPlane, plugin: Plugin) -> None:
    upgraded(app)
    somebody = Plugin(plugin.binary, cluster.user("somebody"))
    refused = somebody("status", "todo", "-n", app.namespace)
    assert (refused.code, refused.out) == (1, "")
    assert 'User "somebody" cannot get resource "todoappdeployments"' in refused.err
    assert "ask an administrator for that right" in refused.err
    api.create({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
                "metadata": {"name": "reader", "namespace": app.namespace},
                "rules": [{"apiGroups": ["apps.todoapp.dev"], "resources": ["todoappdeployments"],
                           "verbs": ["get", "list"]}]})
    api.create({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
                "metadata": {"name": "reader", "namespace": app.namespace},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
                "subjects": [rbac.user_subject("somebody")]})
    eventually(lambda: rbac.may(api, "somebody", "get", "apps.todoapp.dev", "todoappdeployments", app.namespace),
               "the right to be known")
    for command in ("status", "history", "explain"):
        assert somebody.said(command, "todo", "-n", app.namespace)
    assert "└─ pods are not shown: you may not list them\n" in somebody.said("status", "todo", "-n", app.namespace)
    denied = somebody("rollback", "todo", "-n", app.namespace)
    assert denied.code == 1 and "cannot patch resource" in denied.err


def test_what_is_not_there_is_said_with_what_to_do(
        namespace: str, plugin: Plugin, cluster: ControlPlane, tmp_path: Path) -> None:
    missing = plugin("status", "nobody", "-n", namespace)
    assert missing.code == 1 and 'todoappdeployments.apps.todoapp.dev "nobody" not found' in missing.err
    assert "kubectl todoapp status -A lists all apps" in missing.err
    empty = plugin("status", "-n", namespace)
    assert (empty.code, empty.out) == (0, "")
    assert empty.err == f"No apps found in namespace {namespace}; kubectl todoapp status -A lists all.\n"
    assert plugin("-n", namespace, "status", alone=False) == empty, "flags in front, as kubectl takes them"
    assert plugin("status", "--context", "nowhere").code == 1
    assert "kubectl config get-contexts" in plugin("status", "--context", "nowhere").err
    no_file = plugin("status", "--kubeconfig", str(tmp_path / "none"))
    assert no_file.code == 1 and str(tmp_path / "none") in no_file.err
    by_flag = plugin("status", "-n", namespace, "--kubeconfig", str(cluster.kubeconfig), KUBECONFIG="/none")
    assert by_flag.code == 0


@pytest.mark.parametrize("arguments", [[], ["stauts"], ["status", "--nope"], ["status", "-o", "xml"],
                                       ["rollback", "--undo", "--to-revision", "1"]])
def test_a_wrong_command_line_ends_with_2_and_a_word(plugin: Plugin, arguments: list[str]) -> None:
    ended = plugin(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("kubectl-todoapp: ") and ended.err.count("\n") == 1
