"""An independent watcher: a process of its own that notes when each generation of an app and a Deployment came.

It does nothing else, so it is not kept waiting by what the bench does; the time is that of an event's last byte, taken
before the event is read. The clock (CLOCK_MONOTONIC) is one for all processes of a machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.api import Api, path_of
from support.waiting import eventually

KINDS = ("TodoAppDeployment", "Deployment")
START_SECONDS = 30.0

Seen = tuple[str, str, str, int]  # kind, namespace, name, generation


class Watcher:
    """The process, and what it has told so far."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig
        self._times: dict[Seen, float] = {}
        self._following: set[str] = set()

    def __enter__(self) -> Watcher:
        self._process = subprocess.Popen([sys.executable, "-B", __file__, self._kubeconfig], stdout=subprocess.PIPE,
                                         stdin=subprocess.DEVNULL, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        eventually(lambda: self._following == set(KINDS), "the watcher to watch", START_SECONDS)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def seen(self, kind: str, namespace: str, name: str, generation: int) -> float:
        """When it came, in seconds; waits for it."""
        return eventually(lambda: self._times[kind, namespace, name, generation],
                          f"{kind} {namespace}/{name} in generation {generation}")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            kind, *rest = line.split()
            if rest:
                namespace, name, generation, came = rest
                self._times.setdefault((kind, namespace, name, int(generation)), float(came))
            else:
                self._following.add(kind)


def follow(api: Api, kind: str) -> None:
    """Tells until the watch ends; one that ends by itself shows as a generation that never comes."""
    version = api.request("GET", path_of(kind))["metadata"]["resourceVersion"]
    stream = api.open_watch(kind, None, "", version)
    tell(kind)
    for came, change, item in stream.stamped():
        if change in ("ADDED", "MODIFIED"):
            metadata = item["metadata"]
            tell(kind, metadata["namespace"], metadata["name"], metadata["generation"], came)


def tell(*words: object) -> None:
    """A line at once and whole, whichever thread speaks."""
    os.write(sys.stdout.fileno(), (" ".join(map(str, words)) + "\n").encode())


def main() -> None:
    # Two threads that wait for bytes: whoever gets some goes first.
    sys.setswitchinterval(0.0005)
    api = Api.from_kubeconfig(Path(sys.argv[1]))
    threads = [threading.Thread(target=follow, args=[api, kind], daemon=True) for kind in KINDS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
