"""Reads etcd itself, past the API server: what really lies on disk. For `cluster/local` only."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import urllib3

PAGE = 500
FIRST, END = b"/registry/", b"/registry0"


class Etcd:
    def __init__(self, directory: Path) -> None:
        """The directory is the cluster's."""
        pki = directory / "pki"
        # etcd trusts the authority of its own; its server certificate is good for a client too.
        context = ssl.create_default_context(cafile=str(pki / "etcd-ca.crt"))
        context.load_cert_chain(str(pki / "etcd.crt"), str(pki / "etcd.key"))
        ports = json.loads((directory / "cluster.json").read_text())["ports"]
        self._url = f"https://127.0.0.1:{ports['etcd']}/v3/kv/range"
        self._pool = urllib3.PoolManager(ssl_context=context, retries=False, timeout=30.0)

    def dump(self) -> Iterator[tuple[str, bytes]]:
        """Every key of the API server with its value, as stored: protobuf, or JSON for custom resources."""
        start, more = FIRST, True
        while more:
            question = {"key": _coded(start), "range_end": _coded(END), "limit": PAGE}
            answer = self._pool.request("POST", self._url, body=json.dumps(question).encode())
            assert answer.status == 200, f"etcd: {answer.status} {answer.data.decode(errors='replace')}"
            page = json.loads(answer.data)
            entries = page.get("kvs", [])
            for entry in entries:
                start = base64.b64decode(entry["key"])
                yield start.decode(), base64.b64decode(entry.get("value", ""))
            more = bool(page.get("more")) and bool(entries)
            start += b"\0"


def _coded(key: bytes) -> str:
    return base64.b64encode(key).decode()
