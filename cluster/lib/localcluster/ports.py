"""Free ports on 127.0.0.1 for clusters side by side.

Below the range from which the kernel takes ports for outgoing connections, and below
the node ports: a component that is stopped finds its port free when it starts again.
"""

import errno
import socket

from .say import Refused

FIRST, LAST = 20000, 29999


def _bound(port, reuse):
    """A socket bound to the port; None when the port is taken."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(reuse))
    try:
        probe.bind(("127.0.0.1", port))
        return probe
    except OSError as error:
        probe.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return None
        raise


def can_listen(port):
    """Whether a component can come back to its port. Connections of its predecessor that
    the kernel still winds up are no obstacle."""
    probe = _bound(port, reuse=True)
    if probe is None:
        return False
    probe.close()
    return True


class Reservation:
    """Holds ports until the components have bound them.

    The sockets are bound without SO_REUSEADDR, so that any taken port shows, and get it
    afterwards: a Go program (which sets it too) may then listen on the port, while another
    `up` that probes the same port sees it taken.
    """

    def __init__(self):
        self._held = []

    def take(self, port):
        probe = _bound(port, reuse=False)
        if probe is None:
            return False
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.append(probe)
        return True

    def close(self):
        for probe in self._held:
            probe.close()
        self._held = []


def choose(names, seed, base, reservation):
    """One port a name: consecutive from `base` when given, else from a place that the seed picks."""
    if base:
        taken = [base + i for i in range(len(names)) if not reservation.take(base + i)]
        if taken:
            raise Refused(f"ports {base} to {base + len(names) - 1} are wanted, "
                          f"but taken are: {', '.join(map(str, taken))}")
        return {name: base + i for i, name in enumerate(names)}
    span = LAST - FIRST + 1
    chosen, candidate = {}, seed % span
    for _ in range(span):
        if len(chosen) == len(names):
            return chosen
        if reservation.take(FIRST + candidate):
            chosen[names[len(chosen)]] = FIRST + candidate
        candidate = (candidate + 1) % span
    raise Refused(f"no free ports between {FIRST} and {LAST}")
