"""Reads the kubeconfig files that `cluster/local` writes: one server, one user with a client certificate."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, NamedTuple

import yaml


class Connection(NamedTuple):
    server: str
    ca_file: Path
    certificate_file: Path
    key_file: Path


def read_kubeconfig(file: Path) -> Connection:
    config = yaml.safe_load(file.read_text())
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config["users"], context["user"])["user"]
    return Connection(
        server=cluster["server"].rstrip("/"),
        ca_file=_file(file, cluster, "certificate-authority"),
        certificate_file=_file(file, user, "client-certificate"),
        key_file=_file(file, user, "client-key"),
    )


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _file(kubeconfig: Path, entry: dict[str, Any], key: str) -> Path:
    if key in entry:
        return kubeconfig.parent / str(entry[key])
    # Python's TLS takes certificates from files only; beside the kubeconfig it goes away with the cluster's folder.
    target = kubeconfig.with_name(f".{kubeconfig.name}.{key}.pem")
    target.touch(mode=0o600)
    target.write_bytes(base64.b64decode(entry[f"{key}-data"]))
    return target
