"""etcd, kube-apiserver, kube-controller-manager, kube-scheduler: command lines and health."""

import urllib.request
from dataclasses import dataclass
from typing import Callable

from .cluster import SOURCE

PORTS = {
    "none": ["apiserver", "etcd", "etcd-peer", "etcd-metrics", "kube-controller-manager"],
    "simulated": ["apiserver", "etcd", "etcd-peer", "etcd-metrics", "kube-controller-manager",
                  "kube-scheduler", "kwok"],
}
# A real node brings a network namespace: nothing can be in the way there.
PORTS_OF_REAL = {"apiserver": 6443, "etcd": 2379, "etcd-peer": 2380, "etcd-metrics": 2381,
                 "kube-controller-manager": 10257, "kube-scheduler": 10259, "kubelet": 10250,
                 "kubelet-healthz": 10248, "kube-proxy": 10256, "kube-proxy-metrics": 10249,
                 "coredns": 53, "coredns-ready": 8181, "registry": 5000, "registry-private": 5001}


@dataclass
class Component:
    name: str
    argv: list
    healthy: Callable
    ports: tuple = ()
    prefix: tuple = ()


def answers(url, seconds=2):
    """Whether a plain HTTP address says 200; for health ports without secrets."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=seconds) as response:
            return response.status == 200
    except OSError:
        return False


def etcd(cluster):
    ports, pki = cluster.ports, cluster.pki
    client = f"https://127.0.0.1:{ports['etcd']}"
    peer = f"https://127.0.0.1:{ports['etcd-peer']}"
    metrics = f"http://{cluster.address}:{ports['etcd-metrics']}"
    tls = []
    for prefix in ("", "peer-"):
        tls += [f"--{prefix}cert-file={pki}/etcd.crt", f"--{prefix}key-file={pki}/etcd.key",
                f"--{prefix}trusted-ca-file={pki}/etcd-ca.crt", f"--{prefix}client-cert-auth"]
    return Component("etcd", [
        str(cluster.bin / "etcd"), "--name=local", f"--data-dir={cluster.state['etcd_dir']}",
        f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=local={peer}", f"--listen-metrics-urls={metrics}", *tls,
        # A cluster to try things with: what a power cut loses is not worth a wait at each write.
        "--unsafe-no-fsync", "--log-level=warn",
    ], lambda: answers(f"{metrics}/health"), ("etcd", "etcd-peer", "etcd-metrics"))


def _extra(argument):
    return argument if argument.startswith("--") else f"--{argument}"


def apiserver(cluster, api, network):
    ports, pki, settings = cluster.ports, cluster.pki, cluster.state["settings"]
    argv = [
        str(cluster.bin / "kube-apiserver"),
        f"--etcd-servers=https://127.0.0.1:{ports['etcd']}", f"--etcd-cafile={pki}/etcd-ca.crt",
        f"--etcd-certfile={pki}/etcd.crt", f"--etcd-keyfile={pki}/etcd.key",
        f"--bind-address={cluster.address}", f"--secure-port={ports['apiserver']}",
        f"--advertise-address={cluster.address}", f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/apiserver.crt", f"--tls-private-key-file={pki}/apiserver.key",
        f"--service-account-key-file={pki}/service-accounts.pub",
        f"--service-account-signing-key-file={pki}/service-accounts.key",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true", "--profiling=false",
        # Asked to stop, it ends watches itself; by default it waits up to 60 s for the clients to do so.
        "--shutdown-watch-termination-grace-period=1s",
        f"--service-cluster-ip-range={network.services if network else '10.96.0.0/16'}",
    ]
    if network:
        argv += [f"--kubelet-client-certificate={pki}/kubelet-client.crt",
                 f"--kubelet-client-key={pki}/kubelet-client.key",
                 f"--kubelet-certificate-authority={pki}/ca.crt",
                 "--kubelet-preferred-address-types=InternalIP"]
    else:
        # A loopback address is not allowed as an endpoint of the `kubernetes` service.
        argv += ["--endpoint-reconciler-type=none"]
    if settings["audit_log"]:
        argv += [f"--audit-policy-file={SOURCE}/config/audit-policy.yaml",
                 # Blocking: whoever has a response finds the line of it in the file.
                 f"--audit-log-path={cluster.audit_log}", "--audit-log-mode=blocking",
                 "--audit-log-maxsize=4096"]
    argv += map(_extra, settings["apiserver_args"])
    return Component("kube-apiserver", argv, lambda: api.ok("/readyz", 2), ("apiserver",))


def _with_health(cluster, api, name, arguments):
    port = cluster.ports[name]
    argv = [str(cluster.bin / name), f"--kubeconfig={cluster.conf}/{name}.kubeconfig",
            f"--bind-address={cluster.address}", f"--secure-port={port}",
            f"--tls-cert-file={cluster.pki}/{name}.crt", f"--tls-private-key-file={cluster.pki}/{name}.key",
            "--leader-elect=false", "--profiling=false", *arguments]
    url = f"https://{cluster.address}:{port}/healthz"
    return Component(name, argv, lambda: api.ok(url, 2), (name,))


def controller_manager(cluster, api, network):
    pki = cluster.pki
    arguments = [f"--service-account-private-key-file={pki}/service-accounts.key",
                 f"--root-ca-file={pki}/ca.crt", "--use-service-account-credentials=true",
                 # It makes some forty service accounts first; at 20 requests a second that takes 4 s.
                 "--kube-api-qps=500", "--kube-api-burst=1000",
                 f"--cluster-signing-cert-file={pki}/ca.crt", f"--cluster-signing-key-file={pki}/ca.key"]
    return _with_health(cluster, api, "kube-controller-manager", arguments)


def scheduler(cluster, api, network):
    return _with_health(cluster, api, "kube-scheduler", [])
