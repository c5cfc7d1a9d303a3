"""The real node: containerd, kubelet, kube-proxy, CoreDNS, inside the cluster's namespaces."""

import json
import string
import subprocess
from pathlib import Path

from . import images, packages
from .cluster import SOURCE, write
from .control_plane import Component, answers
from .network import Network, cgroup_name
from .say import Refused, say, wait_until

NEEDS = ("openssl", "ip", "nsenter", "iptables", "containerd", "runc", str(packages.CNI / "bridge"))
AGENTS = ("kubelet", "kube-proxy", "coredns")
PAUSE = images.PAUSE
RBAC = "/apis/rbac.authorization.k8s.io/v1"


def _node_dir(cluster):
    return cluster.dir / "node"


def socket_of(cluster):
    return _node_dir(cluster) / "containerd.sock"


def _ctr(cluster, *arguments, seconds=300):
    return subprocess.run(["ctr", "--address", str(socket_of(cluster)), "--namespace", "k8s.io", *arguments],
                          capture_output=True, text=True, timeout=seconds)


def _containerd_answers(cluster):
    try:
        return _ctr(cluster, "version", seconds=5).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


# --- components ------------------------------------------------------------

def containerd(cluster):
    return Component("containerd", ["containerd", "--config", str(cluster.conf / "containerd.toml")],
                     lambda: _containerd_answers(cluster))


def agents(cluster, network):
    address, root = cluster.address, _node_dir(cluster) / "kubelet"
    kubelet = [str(cluster.bin / "kubelet"), f"--config={cluster.conf}/kubelet.yaml",
               f"--kubeconfig={cluster.conf}/kubelet.kubeconfig", f"--hostname-override={network.NODE_NAME}",
               f"--node-ip={address}", f"--root-dir={root}", f"--cert-dir={root}/pki"]
    proxy = [str(cluster.bin / "kube-proxy"), f"--config={cluster.conf}/kube-proxy.yaml"]
    dns = [str(cluster.bin / "coredns"), "-conf", str(cluster.conf / "Corefile")]
    ports = cluster.ports
    return [
        Component("kubelet", kubelet, lambda: answers(f"http://{address}:{ports['kubelet-healthz']}/healthz"),
                  ("kubelet", "kubelet-healthz")),
        Component("kube-proxy", proxy, lambda: answers(f"http://{address}:{ports['kube-proxy']}/healthz"),
                  ("kube-proxy", "kube-proxy-metrics")),
        Component("coredns", dns, lambda: answers(f"http://{address}:{ports['coredns-ready']}/ready"),
                  ("coredns", "coredns-ready")),
    ]


def _snapshotter(directory):
    """An overlay cannot lie on an overlay, as a container's own disk is one."""
    kind = subprocess.run(["stat", "--file-system", "--format=%T", str(directory)],
                          capture_output=True, text=True, timeout=10).stdout.strip()
    return "native" if kind == "overlayfs" else "overlayfs"


def write_config(cluster, network):
    node = _node_dir(cluster)
    node.mkdir(parents=True, exist_ok=True)
    values = {"node": node, "conf": cluster.conf, "pki": cluster.pki, "socket": socket_of(cluster),
              "address": cluster.address, "host": network.host, "pods": network.pods,
              "name": network.NODE_NAME, "cgroup": cgroup_name(cluster), "cni": packages.CNI,
              "pause": PAUSE, "snapshotter": _snapshotter(node)}
    for source, target in (("containerd.toml", "containerd.toml"), ("kubelet.yaml", "kubelet.yaml"),
                           ("kube-proxy.yaml", "kube-proxy.yaml"), ("Corefile", "Corefile"),
                           ("cni.json", "cni/10-pods.conflist")):
        template = string.Template((SOURCE / "config" / source).read_text())
        write(cluster.conf / target, template.substitute(values))
    write(cluster.conf / "crictl.yaml", f"runtime-endpoint: unix://{socket_of(cluster)}\n")


# --- steps of `up` -----------------------------------------------------------

def before_start(cluster, name, api):
    """What a component finds when it starts."""
    if name == "kubelet":
        wait_until(60, "containerd answers", lambda: _containerd_answers(cluster))
        if f"{PAUSE}\n" not in _ctr(cluster, "images", "ls", "--quiet").stdout:
            load_images(cluster, [images.pause()])
    if name == "coredns":
        objects = json.loads((SOURCE / "config" / "coredns-rbac.json").read_text())
        api.ensure(f"{RBAC}/clusterroles", objects["role"])
        api.ensure(f"{RBAC}/clusterrolebindings", objects["binding"])


def load_images(cluster, archives):
    if not cluster.real:
        raise Refused(f"the cluster in {cluster.dir} has no real node: pods there have no images")
    for archive in archives:
        if not Path(archive).is_file():
            raise Refused(f"no such file: {archive}")
        done = _ctr(cluster, "images", "import", "--snapshotter", _snapshotter(_node_dir(cluster)), str(archive))
        if done.returncode != 0:
            raise Refused(f"loading {archive} failed:\n{done.stderr.strip()}")
        for line in done.stdout.splitlines():
            if line.startswith("unpacking "):
                say(f"loaded {line.split()[1]}")


def wait_ready(api):
    def ready():
        node = api.get(f"/api/v1/nodes/{Network.NODE_NAME}")
        conditions = node["status"].get("conditions", []) if node else []
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    wait_until(120, f"node {Network.NODE_NAME} Ready", ready)
