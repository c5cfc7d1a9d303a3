"""cluster/test: the local cluster tried out through its command line, nothing mocked.

Each check prints a sentence and how long it took. Whatever happens, the clusters that were
made here are taken down again.
"""

import contextlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from localcluster import network
from localcluster.cluster import SOURCE, Cluster

LOCAL = str(SOURCE / "local")


class Failed(Exception):
    pass


def require(condition, text):
    if not condition:
        raise Failed(text)


def command(*arguments, seconds=300, expect=0, env=None):
    """Runs a command; its stdout. `expect` is the exit code wanted, None for any."""
    environment = dict(os.environ, **(env or {}))
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=seconds,
                          env=environment, stdin=subprocess.DEVNULL)
    if expect is not None and done.returncode != expect:
        raise Failed(f"{' '.join(map(str, arguments))}: exit code {done.returncode}, not {expect}\n"
                     f"{done.stdout}{done.stderr}")
    return done.stdout + (done.stderr if expect else "")


def eventually(seconds, text, probe, show=None):
    """What the probe answers, once that is true. One look begins when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        last_look = time.monotonic() >= deadline
        seen = probe()
        if seen:
            return seen
        if last_look:
            raise Failed(f"{text}: not after {seconds} s; last seen: {show() if show else seen!r}")
        time.sleep(0.2)


class Subject:
    """A cluster under test."""

    def __init__(self, directory, nodes):
        self.dir, self.nodes = Path(directory), nodes

    def local(self, name, *arguments, **how):
        return command(LOCAL, name, "--dir", self.dir, *arguments, **how)

    def up(self, *arguments, **how):
        return self.local("up", "--nodes", self.nodes, *arguments, **how).strip()

    def kubectl(self, *arguments, **how):
        return command(LOCAL, "kubectl", "--dir", self.dir, "--", *arguments, **how)

    def apply(self, *objects):
        bundle = self.dir.parent / f"{self.dir.name}.json"
        bundle.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        self.kubectl("apply", "-f", bundle)

    def status(self, expect=0):
        """What it tells when it ends with this code, which on a busy machine it may not do at once."""
        found = {}

        def ends_so():
            done = self.status_now("--json")
            require(done.stdout.startswith("{"), f"status says: {done.stdout}{done.stderr}")
            found.update(json.loads(done.stdout))
            healthy = all(row["state"] == "healthy" for row in found["components"])
            require((done.returncode == 0) == healthy, f"exit code {done.returncode}: {found['components']}")
            return done.returncode == expect

        eventually(60, f"status of {self.dir} with exit code {expect}", ends_so, lambda: found)
        return found

    def status_now(self, *flags):
        """One look, whatever it ends with."""
        return subprocess.run([LOCAL, "status", *flags, "--dir", str(self.dir)], capture_output=True, text=True,
                              timeout=300, stdin=subprocess.DEVNULL)

    def killed_up(self, after):
        """An `up` that is killed (KILL) after some seconds."""
        process = subprocess.Popen([LOCAL, "up", "--nodes", self.nodes, "--dir", str(self.dir)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=after)
        process.kill()
        process.wait(timeout=10)

    def assert_nothing_left(self):
        cluster = Cluster(self.dir)
        require(not self.dir.exists(), f"{self.dir} is still there")
        marked = [f"{pid}: {Path(f'/proc/{pid}/cmdline').read_text()}" for pid in cluster.processes.marked()]
        require(not marked, f"processes left: {marked}")
        require(not network.contained(cluster), "container processes left")
        require(not network.left(cluster), f"left: {network.left(cluster)}")
        require(not cluster.etcd_in_memory.exists(), f"{cluster.etcd_in_memory} is still there")


def machine():
    """What of this machine a cluster could leave changed. Other clusters may run meanwhile, so
    only things are looked at that a cluster of ours, and no other program, would leave."""
    state = {"netns": sorted(os.listdir("/run/netns")) if Path("/run/netns").is_dir() else []}
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    words = ("kubelet", "containerd", "netns", "/cni", "/var/log/containers")
    state["mounts"] = sorted(line.split()[4] for line in mounts if any(word in line for word in words))
    state["bridges"] = sorted(p.name for p in Path("/sys/class/net").iterdir()
                              if p.name.startswith(("cni", "veth", "ta")))
    if os.geteuid() == 0 and shutil.which("iptables-save"):
        rules = command("iptables-save").splitlines()
        state["rules"] = sorted(r for r in rules if "KUBE-" in r or "CNI-" in r)
    others = [p for p in Path("/sys/class/net").iterdir() if network.LINK.match(p.name)]
    if not others:  # another real node holds these
        state["kernel"] = {name: (Path("/proc/sys") / name).read_text() for name in network.KERNEL_SETTINGS
                           if (Path("/proc/sys") / name).exists()}
        state["paths"] = [path for path in network.FIXED_PATHS if Path(path).exists()]
    return state


def assert_same(before, after):
    for key in before.keys() & after.keys():
        require(before[key] == after[key], f"{key} was {before[key]}, is {after[key]}")


class Suite:
    """Runs checks in order; the first failure ends it."""

    def __init__(self, work):
        self.work = Path(work)
        self.subjects = []

    def subject(self, name, nodes):
        made = Subject(self.work / name, nodes)
        self.subjects.append(made)
        return made

    @contextlib.contextmanager
    def check(self, sentence):
        began = time.monotonic()
        print(f"... {sentence}", flush=True)
        try:
            yield
        except BaseException:
            print(f"FAILED after {time.monotonic() - began:.1f} s: {sentence}", flush=True)
            raise
        print(f" ok {time.monotonic() - began:6.1f} s  {sentence}", flush=True)

    def clean_up(self):
        for subject in self.subjects:
            subject.local("down", expect=None)
