"""Ports for programs that must be told one, and cannot choose it themselves (port 0) and say which."""

from __future__ import annotations

import random
import socket

# Below those that the kernel gives to clients (else any connection may take one between the look and the start, or while
# the program is down), and below those of the local clusters.
FIRST, LAST = 12_000, 19_999


def free_port() -> int:
    """One of 127.0.0.1 where nobody listens."""
    for port in random.sample(range(FIRST, LAST + 1), 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")
