"""Certificates for servers of tests on this machine, made by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import NamedTuple

ADDRESS = "127.0.0.1"


class Certificates(NamedTuple):
    """An authority, and a certificate by it for all servers at ADDRESS."""

    authority: Path
    certificate: Path
    key: Path


def make_certificates(directory: Path) -> Certificates:
    made = Certificates(directory / "ca.crt", directory / "server.crt", directory / "server.key")
    ca_key = directory / "ca.key"
    _openssl(ca_key, made.authority, "tests-ca", "basicConstraints=critical,CA:TRUE",
             "keyUsage=critical,keyCertSign")
    _openssl(made.key, made.certificate, "tests-server", f"subjectAltName=IP:{ADDRESS}",
             "basicConstraints=critical,CA:FALSE", "-CA", str(made.authority), "-CAkey", str(ca_key))
    return made


def _openssl(key: Path, certificate: Path, name: str, *words: str) -> None:
    """`words` are options of openssl, and extensions (those with a `=`)."""
    options = [part for word in words for part in (["-addext", word] if "=" in word else [word])]
    done = subprocess.run(["openssl", "req", "-x509", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                           "-nodes", "-days", "2", "-subj", f"/CN={name}", "-config", "/dev/null", *options,
                           "-keyout", str(key), "-out", str(certificate)],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
