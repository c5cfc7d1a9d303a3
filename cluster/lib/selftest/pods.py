"""--nodes real and --nodes simulated: pods."""

import json
import os
import signal
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

from localcluster import images, registry

from . import assert_same, eventually, machine, require

RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def app(image="localhost/todo-backend:1.0.0"):
    """A namespace that enforces Pod Security `restricted`, a Deployment and a NodePort Service in it."""
    container = {
        "name": "app", "image": image, "ports": [{"name": "http", "containerPort": 8000}],
        # On a busy machine an answer may take its time; no pod is to be started again for that.
        "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1, "timeoutSeconds": 10},
        "livenessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 5, "timeoutSeconds": 10},
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": RESTRICTED, "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}
    pod = {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, "runAsUser": 1001},
           "containers": [container], "volumes": [{"name": "tmp", "emptyDir": {}}]}
    labels = {"app": "probe"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": "apps", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "probe", "namespace": "apps"},
         "spec": {"replicas": 2, "selector": {"matchLabels": labels},
                  "template": {"metadata": {"labels": labels}, "spec": pod}}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "probe", "namespace": "apps"},
         "spec": {"type": "NodePort", "selector": labels,
                  "ports": [{"name": "http", "port": 80, "targetPort": "http", "nodePort": 30000}]}},
    ]


def fetch(url, seconds=20):
    """Status and text; (0, reason) without an answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=seconds) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def pods_of(subject):
    """Without those that a rollout has replaced, and that are on their way out."""
    items = json.loads(subject.kubectl("get", "pods", "-n", "apps", "-l", "app=probe", "-o", "json"))["items"]
    return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]


def rolled_out(subject):
    subject.kubectl("rollout", "status", "-n", "apps", "deployment/probe", "--timeout=180s")


# --- simulated ---------------------------------------------------------------

def run_simulated(suite):
    before = machine()
    subject = suite.subject("simulated", "simulated")
    with suite.check("up starts a control plane and a simulated node"):
        subject.up()
        subject.status()
    with suite.check("pods of a Deployment become ready"):
        subject.apply(*app())
        rolled_out(subject)
    with suite.check("a bad image shows as a crash loop, a missing one as a failed pull"):
        for tag, reason in (("bad-crash", "CrashLoopBackOff"), ("missing", "ImagePullBackOff")):
            subject.apply(*app(f"localhost/todo-backend:{tag}"))
            eventually(120, reason, lambda: reason in subject.kubectl("get", "pods", "-n", "apps"))
    with suite.check("down leaves nothing"):
        subject.local("down")
        subject.assert_nothing_left()
        assert_same(before, machine())


# --- real --------------------------------------------------------------------

def run_real(suite):
    before = machine()
    first = suite.subject("first", "real")
    second = suite.subject("second", "real")
    _pods(suite, first)
    _registries(suite, first)
    _second_node(suite, first, second)
    _deaths(suite, first)
    with suite.check("down leaves nothing of the first, and the second runs on"):
        first.local("down")
        first.assert_nothing_left()
        second.status()
    with suite.check("down leaves nothing of the second, and the machine is as it was"):
        second.local("down")
        second.assert_nothing_left()
        assert_same(before, machine())
    _interrupted(suite)
    with suite.check("the machine is as it was"):
        assert_same(before, machine())


def _pods(suite, first):
    with suite.check("up starts a real node"):
        first.up()
        first.status()
    with suite.check("the stand-in images are loaded"):
        first.local("stand-in")
    with suite.check("a Deployment becomes ready, under Pod Security `restricted`"):
        first.apply(*app())
        rolled_out(first)
    node = first.status()["node_address"]
    with suite.check("the NodePort answers"):
        eventually(60, "an answer", lambda: fetch(f"http://{node}:30000/")[1].startswith("todo-backend 1.0.0"))
    with suite.check("the ClusterIP answers, from outside and from a pod; names resolve"):
        address = first.kubectl("get", "service", "-n", "apps", "probe", "-o", "jsonpath={.spec.clusterIP}")
        for url in (f"http://{address}/", f"http://{node}:30000/ask?url=http://{address}/",
                    f"http://{node}:30000/ask?url=http://probe/",
                    f"http://{node}:30000/ask?url=http://probe.apps.svc.cluster.local/"):
            eventually(60, url, lambda: fetch(url)[0] == 200)
        status, text = fetch(f"http://{node}:30000/ask?url=http://nowhere/")
        require(status == 502 and "no such host" in text, text)
    with suite.check("no port of the cluster is open on this machine's own addresses"):
        require(fetch("http://127.0.0.1:30000/", 2)[0] == 0, "a node port answers on 127.0.0.1")
    with suite.check("logs come from the pods"):
        require("listening on port 8000" in first.kubectl("logs", "-n", "apps", "deployment/probe"), "no such line")
    with suite.check("a bad image shows as a failed pull and a crash loop; the old pods go on"):
        for tag, reason in (("missing", "ErrImagePull"), ("bad-crash", "CrashLoopBackOff")):
            first.apply(*app(f"localhost/todo-backend:{tag}"))
            eventually(120, reason, lambda: reason in first.kubectl("get", "pods", "-n", "apps"))
        require(fetch(f"http://{node}:30000/")[0] == 200, "no answer")
        first.apply(*app("localhost/todo-backend:1.1.0"))
        rolled_out(first)
        eventually(60, "1.1.0", lambda: "1.1.0" in fetch(f"http://{node}:30000/")[1])


def puller(name, image, claim=None, secrets=()):
    """A pod that needs its image from a registry, and may have a volume."""
    mounts = [{"name": "data", "mountPath": "/data"}] if claim else []
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}] if claim else []
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": {
        "imagePullSecrets": [{"name": secret} for secret in secrets], "volumes": volumes, "terminationGracePeriodSeconds": 0,
        "containers": [{"name": "app", "image": image, "volumeMounts": mounts}]}}


def _registries(suite, first):
    archive = str(images.stand_in())
    word = json.dumps({"auths": {registry.PRIVATE: {"username": registry.USER, "password": registry.WORD}}})
    with suite.check("images are pushed under another name, to the open registry and to the one with a password"):
        one = first.dir.with_name(f"{first.dir.name}-image.tar")
        single(archive, one)
        for name in ("localhost/team/pushed:1", f"{registry.PRIVATE}/team/pushed:1"):
            first.local("push", str(one), "--name", name)
        said = first.local("push", str(one), "--name", "elsewhere.example.org/pushed:1", expect=1)
        require("the cluster's registries have images named" in said, said)
        said = first.local("push", archive, "--name", "localhost/pushed:1", expect=1)
        require("so they keep their names" in said, said)
        one.unlink()
    with suite.check("pulls succeed, are not found, are denied, are let in with the word; a claim gets a volume"):
        first.apply(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "word", "namespace": "default"},
             "type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": word}},
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "default"},
             "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
            puller("denied", f"{registry.PRIVATE}/team/pushed:1"), puller("missing", "localhost/team/nothing:1"),
            puller("nobody", f"{registry.HOST}/team/pushed:1"), puller("found", "localhost/team/pushed:1", claim="data"))
        for name, words in (("denied", "401 Unauthorized"), ("missing", "not found"), ("nobody", "connection refused")):
            eventually(120, f"{name}: {words}", lambda: words in first.kubectl(
                "get", "events", "-o", "jsonpath={.items[?(@.involvedObject.name==\"%s\")].message}" % name))
        first.kubectl("wait", "pod/found", "--for=condition=Ready", "--timeout=120s")
        first.apply(puller("let-in", f"{registry.PRIVATE}/team/pushed:1", secrets=["word"]))
        first.kubectl("wait", "pod/let-in", "--for=condition=Ready", "--timeout=120s")
        require("Bound" in first.kubectl("get", "pvc", "data"), "the claim has no volume")
        first.kubectl("delete", "pod", "--all", "--wait=false")


def single(archive, target):
    """The first of an archive's images, alone."""
    with tarfile.open(archive) as tar:
        image = json.load(tar.extractfile("manifest.json"))[0]
        config, layer = (tar.extractfile(name).read() for name in (image["Config"], image["Layers"][0]))
    images.write_archive(target, layer, {image["RepoTags"][0]: config})


def _second_node(suite, first, second):
    with suite.check("a second real node runs beside the first"):
        second.up()
        addresses = [subject.status()["node_address"] for subject in (first, second)]
        require(addresses[0] != addresses[1], str(addresses))
        require("probe" not in second.kubectl("get", "deployments", "-A"), "the second sees the first's objects")
    with suite.check("up again changes nothing"):
        pids = [row["pid"] for row in first.status()["components"]]
        first.up()
        require(pids == [row["pid"] for row in first.status()["components"]], "processes changed")


def _deaths(suite, first):
    node = first.status()["node_address"]
    with suite.check("with all daemons killed the pods live on, and up brings the daemons back"):
        started = {pod["metadata"]["name"]: pod["status"]["startTime"] for pod in pods_of(first)}
        for row in first.status()["components"]:
            if row["component"] != "namespaces":
                os.kill(row["pid"], signal.SIGKILL)
        require(fetch(f"http://{node}:30000/")[0] == 200, "the pods do not answer")
        first.up()
        first.status()
        now = {pod["metadata"]["name"]: pod["status"]["startTime"] for pod in pods_of(first)}
        require(started == now, f"{started} became {now}")
        restarts = [c["restartCount"] for pod in pods_of(first) for c in pod["status"]["containerStatuses"]]
        require(not any(restarts), f"restarts: {restarts}")
    with suite.check("with the namespaces' holder killed, up says what to do"):
        holder = next(r for r in first.status()["components"] if r["component"] == "namespaces")
        os.kill(holder["pid"], signal.SIGKILL)
        said = first.up(expect=1)
        require("run down, then up" in said, said)


def _interrupted(suite):
    third = suite.subject("third", "real")
    for after in (0.15, 0.3, 0.5, 1.5, 3.5, 5.0):
        with suite.check(f"an up killed after {after} s can be run again"):
            third.killed_up(after)
            third.up()
            third.status()
            third.local("down")
            third.assert_nothing_left()
    with suite.check("an up killed half-way, directory deleted, can be taken down"):
        third.killed_up(2)
        Path(third.dir / "cluster.json").unlink(missing_ok=True)
        third.local("down")
        third.assert_nothing_left()
