"""One cluster: its directory, its settings, its lock.

Everything a cluster owns is found from its directory's path alone, so that `down` works
even when the directory was removed first.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from pathlib import Path

from .processes import Processes
from .say import Refused, say

STATE = "cluster.json"
LOCK = ".todoapp-cluster.lock"
MODES = ("none", "simulated", "real")
SOURCE = Path(__file__).resolve().parent.parent.parent


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "todoapp-operator" / "cluster"


def default_dir():
    if os.environ.get("TODOAPP_CLUSTER_DIR"):
        return Path(os.environ["TODOAPP_CLUSTER_DIR"])
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "todoapp-operator" / "local"


def write(path, text, mode=0o644):
    """Whole or not at all, and only on a change: kube-proxy ends itself when its
    configuration file is written again, even with the same text."""
    path = Path(path)
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as out:
        out.write(text)
    new.rename(path)


class Cluster:
    def __init__(self, directory):
        # Resolved, so that one directory has one name whichever way it is given.
        self.dir = Path(directory).expanduser().resolve()
        digest = hashlib.sha256(str(self.dir).encode()).hexdigest()
        self.id = digest[:10]
        self.seed = int(digest[:12], 16)
        self.pki = self.dir / "pki"
        self.conf = self.dir / "conf"
        self.log = self.dir / "log"
        self.bin = self.dir / "bin"
        self.kubeconfig = self.dir / "kubeconfig"
        self.audit_log = self.dir / "audit.log"
        self.processes = Processes(self.dir, self.dir / "run", self.log)
        self.state = {}
        self.load()

    # --- state -----------------------------------------------------------

    def load(self):
        try:
            self.state = json.loads((self.dir / STATE).read_text())
        except FileNotFoundError:
            self.state = {}
        except ValueError as error:
            raise Refused(f"{self.dir / STATE} is damaged: {error}") from error

    def save(self):
        write(self.dir / STATE, json.dumps(self.state, indent=2) + "\n")

    @property
    def exists(self):
        return bool(self.state)

    @property
    def mode(self):
        return self.state["mode"]

    @property
    def real(self):
        return self.state.get("mode") == "real"

    @property
    def ports(self):
        return self.state["ports"]

    @property
    def address(self):
        """Where the control plane listens."""
        return self.state.get("network", {}).get("node", "127.0.0.1")

    @property
    def server(self):
        return f"https://{self.address}:{self.ports['apiserver']}"

    @property
    def etcd_in_memory(self):
        return Path("/dev/shm") / f"todoapp-cluster-{self.id}"

    def choose_etcd_dir(self):
        """Memory for the modes that tests start by the dozen; disk where data is to
        survive a reboot, and where memory files are scarce (containers have 64 MiB)."""
        if "etcd_dir" in self.state:
            return
        shm = self.etcd_in_memory.parent
        roomy = shm.is_dir() and os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > 1 << 30
        in_memory = roomy and not self.real
        self.state["etcd_dir"] = str(self.etcd_in_memory if in_memory else self.dir / "etcd")

    def require(self):
        if not self.exists:
            raise Refused(f"no cluster in {self.dir}: cluster/local up --dir {self.dir}")

    # --- directory and lock ------------------------------------------------

    def prepare_dir(self):
        if self.dir.exists() and not self.dir.is_dir():
            raise Refused(f"{self.dir} is not a directory")
        if self.dir.is_dir() and not self.exists:
            foreign = [p.name for p in self.dir.iterdir() if p.name not in (LOCK, "log", "audit.log")]
            if foreign and not (self.dir / LOCK).exists():
                raise Refused(f"{self.dir} holds something else ({foreign[0]}, ...): "
                              "give an empty or new directory with --dir")
        self.dir.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextlib.contextmanager
    def locked(self, seconds=120):
        """One command at a time changes a cluster. The kernel drops the lock of a killed one."""
        path = self.dir / LOCK
        deadline = time.monotonic() + seconds
        told = False
        while True:
            self.dir.mkdir(parents=True, exist_ok=True, mode=0o700)  # a `down` may have removed it
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # `down` removes the file: a lock on a removed file protects nothing.
                if path.exists() and os.path.samestat(os.fstat(lock), path.stat()):
                    break
            except BlockingIOError:
                if not told:
                    say(f"waiting for another command on {self.dir}")
                    told = True
            os.close(lock)
            if time.monotonic() >= deadline:
                raise Refused(f"another command has held {self.dir} for {seconds} s")
            time.sleep(0.05)
        try:
            self.load()
            yield
        finally:
            os.close(lock)
