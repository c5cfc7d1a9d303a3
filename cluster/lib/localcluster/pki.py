"""Certificates by openssl, one command each.

Two authorities: what etcd trusts must not include the client certificates handed to users.
A certificate is there when its .crt is: the key is moved into place before it.
"""

import base64
import json
import os
import subprocess

from .cluster import write
from .say import Refused

CONFIG = """[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
{name}
[extensions]
{extensions}
"""
AUTHORITY = "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign, cRLSign"
LEAF = ("basicConstraints = critical, CA:FALSE\nkeyUsage = critical, digitalSignature\n"
        "extendedKeyUsage = clientAuth, serverAuth")


def _openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise Refused(f"openssl {arguments[0]} failed:\n{done.stderr.strip()}")


def _certificate(directory, name, common_name, groups=(), hosts=(), signer=None, anew=False):
    key, crt = directory / f"{name}.key", directory / f"{name}.crt"
    if crt.exists() and not anew:
        return
    subject = [f"{i}.O = {group}" for i, group in enumerate(groups)] + [f"CN = {common_name}"]
    extensions = LEAF if signer else AUTHORITY
    if hosts:
        kinds = ("IP" if host[0].isdigit() else "DNS" for host in hosts)
        extensions += "\nsubjectAltName = " + ", ".join(f"{k}:{h}" for k, h in zip(kinds, hosts))
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = directory / f".{name}.cnf"
    config.write_text(CONFIG.format(name="\n".join(subject), extensions=extensions))
    new_key, new_crt = directory / f".{name}.key", directory / f".{name}.crt"
    sign = ["-CA", str(directory / f"{signer}.crt"), "-CAkey", str(directory / f"{signer}.key")] if signer else []
    _openssl("req", "-x509", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-sha256", "-days", "3650", "-config", str(config), *sign,
             "-keyout", str(new_key), "-out", str(new_crt))
    config.unlink()
    new_key.rename(key)
    new_crt.rename(crt)


def _token_keys(pki):
    """The pair that signs and checks the tokens of service accounts."""
    key, pub = pki / "service-accounts.key", pki / "service-accounts.pub"
    if pub.exists():
        return
    new_key, new_pub = pki / ".service-accounts.key", pki / ".service-accounts.pub"
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(new_key))
    _openssl("pkey", "-in", str(new_key), "-pubout", "-out", str(new_pub))
    new_key.rename(key)
    new_pub.rename(pub)


def kubeconfig(cluster, user, server=None):
    """A kubeconfig that needs no other file. JSON is YAML."""
    def data(file):
        return base64.b64encode((cluster.pki / file).read_bytes()).decode()

    name = f"local-{cluster.id}"
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": name,
        "clusters": [{"name": name, "cluster": {
            "server": server or cluster.server, "certificate-authority-data": data("ca.crt")}}],
        "users": [{"name": user, "user": {
            "client-certificate-data": data(f"{user}.crt"), "client-key-data": data(f"{user}.key")}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
    }, indent=1) + "\n"


def ensure(cluster, network):
    """All that the mode's components need. `network` is None without a real node."""
    pki = cluster.pki
    addresses = ["127.0.0.1", *([network.node, network.host] if network else [])]
    service = network.first_service if network else "10.96.0.1"
    _certificate(pki, "ca", "todoapp-local-ca")
    _certificate(pki, "etcd-ca", "todoapp-local-etcd-ca")
    _certificate(pki, "etcd", "etcd", hosts=["127.0.0.1", "localhost"], signer="etcd-ca")
    _certificate(pki, "apiserver", "kube-apiserver", signer="ca", hosts=[
        "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local", service, *addresses])
    for name in ("admin", "cluster-local"):  # what the tool itself asks is kept out of the audit log
        _certificate(pki, name, name, ["system:masters"], signer="ca")
    for name in ("kube-controller-manager", "kube-scheduler"):
        _certificate(pki, name, f"system:{name}", hosts=addresses, signer="ca")
    if cluster.mode == "simulated":
        _certificate(pki, "kwok", "kwok", ["system:masters"], signer="ca")
    if network:
        _certificate(pki, "kubelet", f"system:node:{network.NODE_NAME}", ["system:nodes"],
                     hosts=[network.NODE_NAME, *addresses], signer="ca")
        _certificate(pki, "kube-proxy", "system:kube-proxy", signer="ca")
        _certificate(pki, "coredns", "system:coredns", signer="ca")
        _certificate(pki, "kubelet-client", "kube-apiserver-kubelet-client", ["system:masters"], signer="ca")
    _token_keys(pki)
    for user in ("kube-controller-manager", "kube-scheduler", "kwok", "kubelet", "kube-proxy", "coredns"):
        if (pki / f"{user}.crt").exists():
            write(cluster.conf / f"{user}.kubeconfig", kubeconfig(cluster, user), 0o600)
    write(cluster.kubeconfig, kubeconfig(cluster, "admin"), 0o600)


def make_user(cluster, name, groups):
    """A client certificate for a user of the API, and a kubeconfig that holds it."""
    bad = [word for word in (name, *groups)
           if not word or not all(c.isalnum() or c in "-._:@" for c in word) or not word.isascii()]
    if bad:
        raise Refused(f"not a name: {bad[0]!r} (letters, digits and - . _ : @)")
    file = f"user-{name.replace(':', '_')}"
    _certificate(cluster.pki, file, name, groups, signer="ca", anew=True)
    path = cluster.dir / "users" / f"{name.replace(':', '_')}.kubeconfig"
    write(path, kubeconfig(cluster, file), 0o600)
    os.chmod(path, 0o600)
    return path
