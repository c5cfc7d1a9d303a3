"""--nodes none: control plane only."""

import json
import os
import resource
import shutil
import signal
import time

from localcluster.build import path_of

from . import LOCAL, assert_same, command, eventually, machine, require, versions_of_kubernetes

DEPLOYMENT = {
    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe", "namespace": "default"},
    "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "probe"}}, "template": {
        "metadata": {"labels": {"app": "probe"}},
        "spec": {"containers": [{"name": "c", "image": "localhost/todo-backend:1.0.0"}]}}}}


def run(suite):
    before = machine()
    first = suite.subject("first", "none")
    second = suite.subject("second", "none")
    _starts(suite, first)
    _refusals(suite, first)
    versions_of_kubernetes.refusals(suite, first)
    _users_and_audit(suite, first)
    _side_by_side(suite, first, second)
    _components(suite, first)
    _downs(suite, first, second)
    _ready_made(suite)
    versions_of_kubernetes.another(suite)
    _interrupted(suite)
    with suite.check("the machine is as it was"):
        assert_same(before, machine())


def _starts(suite, first):
    with suite.check("up starts a control plane and prints the path of its kubeconfig"):
        path = first.up("--audit-log", "--apiserver-arg=--max-requests-inflight=777")
        require(path == str(first.dir / "kubeconfig"), f"printed {path!r}")
        require(path == first.local("kubeconfig").strip(), "`kubeconfig` prints another path")
        require("Server Version: v1" in first.kubectl("version"), "no server version")
    with suite.check("status names the version that the server has"):
        version = first.status()["kubernetes"]
        require(f"Server Version: {version}" in first.kubectl("version").splitlines(), f"status: {version}")
        require(f"Kubernetes {version}," in first.local("status", expect=None), "the short status does not")
    with suite.check("status says healthy, with exit code 0"):
        rows = {row["component"]: row for row in first.status()["components"]}
        require(set(rows) == {"etcd", "kube-apiserver", "kube-controller-manager"}, f"components: {set(rows)}")
        eventually(60, "the short status with exit code 0", lambda: first.status_now().returncode == 0)
    with suite.check("only loopback addresses are listened on"):
        _only_loopback(rows)
    with suite.check("the API server got its extra flag"):
        text = (first.dir / "run" / "kube-apiserver.json").read_text()
        require("--max-requests-inflight=777" in text, text)
    with suite.check("controllers make pods, which nobody schedules"):
        first.apply(DEPLOYMENT)
        eventually(90, "two pending pods", lambda: first.kubectl("get", "pods").count("Pending") == 2)
    with suite.check("up again changes nothing and takes a moment"):
        began, worked = time.monotonic(), _seconds_of_work()
        first.up()
        # How long a busy machine lets it wait for its turn is not its own doing.
        took, worked = time.monotonic() - began, _seconds_of_work() - worked
        require(worked < 3 and took < 60, f"took {took:.1f} s, and {worked:.1f} s of a processor")
        again = {row["component"]: row["pid"] for row in first.status()["components"]}
        require(again == {name: row["pid"] for name, row in rows.items()}, "processes changed")


def _seconds_of_work():
    """Of a processor, for all commands that have ended by now."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _only_loopback(rows):
    ports = {port for row in rows.values() for port in row["ports"].values()}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table) as lines:
            for line in list(lines)[1:]:
                address, port = line.split()[1].split(":")
                listening = line.split()[3] == "0A" and int(port, 16) in ports
                require(not listening or address == "0100007F", f"{table}: {line}")


def _refusals(suite, first):
    with suite.check("another mode in the same directory is refused"):
        said = command(LOCAL, "up", "--nodes", "simulated", "--dir", first.dir, expect=1)
        require("--nodes none" in said, said)
    with suite.check("a directory with other things in it is refused, and left alone"):
        foreign = suite.work / "foreign"
        foreign.mkdir()
        (foreign / "diary").write_text("mine")
        command(LOCAL, "up", "--nodes", "none", "--dir", foreign, expect=1)
        command(LOCAL, "down", "--dir", foreign, expect=1)
        require((foreign / "diary").read_text() == "mine", "the file changed")


def _users_and_audit(suite, first):
    with suite.check("a user gets a certificate of its own and no rights"):
        path = first.local("user", "todoapp-operator", "--group", "testers").strip()
        who = json.loads(first.kubectl("auth", "whoami", "-o", "json", "--kubeconfig", path))
        info = who["status"]["userInfo"]
        require(info["username"] == "todoapp-operator" and "testers" in info["groups"], str(info))
        said = first.kubectl("get", "pods", "--kubeconfig", path, expect=1)
        require("Forbidden" in said, said)
    with suite.check("the audit log has the user's requests, one line each, and none of the cluster's own"):
        events = [json.loads(line) for line in (first.dir / "audit.log").read_text().splitlines()]
        lists = [e for e in events if e["user"]["username"] == "todoapp-operator"
                 and e["requestURI"].startswith("/api/v1/namespaces/default/pods")]
        require(len(lists) == 1 and lists[0]["responseStatus"]["code"] == 403, str(lists))
        noise = {e["user"]["username"] for e in events} - {"todoapp-operator", "admin"}
        require(not noise, f"requests of {noise}")
        require(len({e["auditID"] for e in events}) == len(events), "more than one line for a request")


def _side_by_side(suite, first, second):
    with suite.check("a second cluster runs beside the first, on ports of its own"):
        second.up()
        ports = [set(p for row in s.status()["components"] for p in row["ports"].values()) for s in (first, second)]
        require(not ports[0] & ports[1], f"common ports: {ports[0] & ports[1]}")
        require("probe" not in second.kubectl("get", "deployments"), "the second sees the first's objects")


def _components(suite, first):
    server = first.status()["server"]
    with suite.check("a killed API server is told by status, and starts again on its port with its data"):
        first.local("kill", "kube-apiserver")
        first.status(expect=1)
        first.local("status", expect=1)
        first.local("start", "kube-apiserver")
        require(first.status()["server"] == server, "another address")
        require("probe" in first.kubectl("get", "deployments"), "the data are gone")
    with suite.check("a stopped one as well"):
        first.local("stop", "kube-apiserver")
        first.status(expect=1)
        first.local("start", "kube-apiserver")
        first.status()
    with suite.check("a paused API server answers nobody until it is resumed"):
        first.local("pause", "kube-apiserver")
        states = {row["component"]: row["state"] for row in first.status(expect=1)["components"]}
        require(states["kube-apiserver"] == "paused", str(states))
        first.kubectl("get", "pods", "--request-timeout=2s", expect=1)
        first.local("resume", "kube-apiserver")
        eventually(90, "healthy again", lambda: first.status_now().stdout.count(" healthy ") == 3)
    with suite.check("up brings back what was killed"):
        first.local("kill", "etcd")
        first.local("kill", "kube-controller-manager")
        first.up()
        first.status()
        require("probe" in first.kubectl("get", "deployments"), "the data are gone")


def _downs(suite, first, second):
    with suite.check("down leaves nothing of the first, and the second runs on"):
        first.local("down", "--keep-logs")
        require((first.dir / "log" / "etcd.log").exists(), "--keep-logs did not keep them")
        shutil.rmtree(first.dir)
        first.assert_nothing_left()
        second.status()
    with suite.check("down works after the directory was deleted"):
        shutil.rmtree(second.dir)
        second.local("down")
        second.assert_nothing_left()
    with suite.check("down of nothing is no error"):
        second.local("down")


def _ready_made(suite):
    """As a user has them who has envtest: etcd, kube-apiserver and kubectl in a directory of his own."""
    assets = suite.work / "assets"
    assets.mkdir()
    for program in ("etcd", "kube-apiserver", "kubectl"):
        shutil.copy(path_of(program), assets / program)
    fourth = suite.subject("fourth", "none")
    with suite.check("programs in KUBEBUILDER_ASSETS are taken from there, and those that it lacks are our own"):
        fourth.up(env={"KUBEBUILDER_ASSETS": str(assets)})
        ran = {row["component"]: os.readlink(f"/proc/{row['pid']}/exe") for row in fourth.status()["components"]}
        require(ran["etcd"] == str(assets / "etcd"), str(ran))
        require(ran["kube-apiserver"] == str(assets / "kube-apiserver"), str(ran))
        require(ran["kube-controller-manager"] == str(path_of("kube-controller-manager")), str(ran))
        fourth.local("down")
        fourth.assert_nothing_left()
    with suite.check("a KUBEBUILDER_ASSETS that is no directory is refused by name"):
        said = fourth.up(env={"KUBEBUILDER_ASSETS": str(suite.work / "nowhere")}, expect=1)
        require("nowhere is not a directory" in said, said)


def _interrupted(suite):
    third = suite.subject("third", "none")
    for after in (0.1, 0.25, 0.4, 0.6, 1.0, 2.0, 3.0):
        with suite.check(f"an up killed after {after} s can be run again"):
            third.killed_up(after)
            third.up()
            third.status()
            third.local("down")
            third.assert_nothing_left()
    with suite.check("an up killed half-way can be taken down"):
        third.killed_up(0.7)
        third.local("down")
        third.assert_nothing_left()
    with suite.check("components killed behind its back are brought back by up"):
        third.up()
        for row in third.status()["components"]:
            os.kill(row["pid"], signal.SIGKILL)
        third.up()
        third.status()
        third.local("down")
        third.assert_nothing_left()
