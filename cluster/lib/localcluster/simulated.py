"""kwok: a node and pods that only look alive. Needs no root."""

from .cluster import SOURCE
from .control_plane import Component, answers

NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {
    "name": "node-1", "labels": {"kubernetes.io/hostname": "node-1", "type": "kwok"}}}


def kwok(cluster, api):
    port = cluster.ports["kwok"]
    argv = [str(cluster.bin / "kwok"), f"--kubeconfig={cluster.conf}/kwok.kubeconfig",
            f"--config={SOURCE}/config/kwok-stages.yaml", "--manage-all-nodes=true",
            "--node-lease-duration-seconds=40", "--node-ip=127.0.0.1", "--cidr=10.244.0.0/24",
            f"--server-address=127.0.0.1:{port}"]
    return Component("kwok", argv, lambda: answers(f"http://127.0.0.1:{port}/healthz"), ("kwok",))


def ensure_node(cluster, api):
    api.ensure("/api/v1/nodes", NODE)
