"""Where a real node lives: a network and a mount namespace of its own.

    host                              namespaces of the cluster
    todoapp<N> 10.243.N.1/30  <---->  uplink 10.243.N.2/30   the node, control plane included
    routes 10.244.N.0/24,             cni0   10.244.N.1/24   pods
           10.97.N.0/24 via node      iptables of kube-proxy: services 10.97.N.0/24

Law: bridges, firewall rules, container mounts exist in there only. They end with the
namespaces, and those end with their processes; so nothing of it can be left behind, and
several nodes run side by side. Outside there is one link with its routes, which ends too,
a cgroup, a few kernel settings and mount points: `remove` sees to these.

The holder is a process that sleeps: it keeps the namespaces while components come and go.
"""

import contextlib
import ipaddress
import json
import os
import re
import subprocess
import time
from pathlib import Path

from .cluster import write
from .say import Refused, wait_until

HOLDER = "namespaces"
LINK = re.compile(r"^todoapp(\d+)$")
# Fixed paths of kubelet and CNI; each is covered, inside, by a directory of the cluster's own.
FIXED_PATHS = ["/var/lib/kubelet", "/var/lib/cni", "/var/log/containers"]
MADE_BY_US = ".made-by-todoapp-cluster"
# Kernel-wide, set by kubelet; they are no namespace's.
KERNEL_SETTINGS = ["vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
                   "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"]
# The values that they had before the first node of this machine; the last one puts them back.
KERNEL_BEFORE = Path("/run/todoapp-cluster-kernel.json")
CGROUPS = Path("/sys/fs/cgroup")
LONGEST_DIR = 70


def run(*command, stdin=None, check=True):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60)
    if check and done.returncode != 0:
        raise Refused(f"{' '.join(command)}: {(done.stderr or done.stdout).strip()}")
    return done


def _links():
    """The links of real nodes on this machine: number -> the cluster's directory."""
    found = {}
    for path in Path("/sys/class/net").iterdir():
        match = LINK.match(path.name)
        try:
            if match:
                found[int(match[1])] = (path / "ifalias").read_text().strip()
        except OSError:
            continue  # gone meanwhile
    return found


def _peer(cluster):
    return f"ta{cluster.id}"


def _own_numbers(cluster):
    """Known by the alias, or by the peer's name in the moment before there is an alias."""
    own = {number for number, directory in _links().items() if directory == str(cluster.dir)}
    with contextlib.suppress(OSError):
        other = (Path("/sys/class/net") / _peer(cluster) / "iflink").read_text()
        own |= {number for number in _links()
                if Path(f"/sys/class/net/todoapp{number}/ifindex").read_text() == other}
    return sorted(own)


def _make_link(cluster, number):
    made = run("ip", "link", "add", f"todoapp{number}", "type", "veth", "peer", "name", _peer(cluster), check=False)
    if made.returncode == 0:
        run("ip", "link", "set", f"todoapp{number}", "alias", str(cluster.dir))
    return made


def choose(cluster):
    """A number whose addresses nothing on this machine uses."""
    if len(str(cluster.dir)) > LONGEST_DIR or str(cluster.dir).startswith("/run/"):
        raise Refused(f"a real node's directory must not lie in /run and be at most {LONGEST_DIR} characters "
                      f"long (paths of sockets): {cluster.dir}")
    own = _own_numbers(cluster)  # of an `up` that was killed before it could write this down
    if own:
        run("ip", "link", "set", f"todoapp{own[0]}", "alias", str(cluster.dir))
        return {"number": own[0], "node": f"10.243.{own[0]}.2"}
    used = []
    for row in json.loads(run("ip", "-j", "-4", "route", "show", "table", "all").stdout or "[]"):
        if row.get("dst", "default") != "default":
            used.append(ipaddress.ip_network(row["dst"], strict=False))
    for number in range(256):
        wanted = [ipaddress.ip_network(n) for n in
                  (f"10.243.{number}.0/30", f"10.244.{number}.0/24", f"10.97.{number}.0/24")]
        if number in _links() or any(a.overlaps(b) for a in wanted for b in used):
            continue
        # Making the link is what takes the number: of two commands at once one fails and goes on.
        made = _make_link(cluster, number)
        if made.returncode == 0:
            return {"number": number, "node": f"10.243.{number}.2"}
        if number not in _links():
            raise Refused(f"this machine does not let us make a network link ({made.stderr.strip()}): "
                          "take --nodes simulated")
    raise Refused("no free address range for a real node: 10.243, 10.244 and 10.97 are all in use")


class Network:
    NODE_NAME = "node-1"

    @classmethod
    def of(cls, cluster):
        return cls(cluster) if cluster.real else None

    def __init__(self, cluster):
        number = cluster.state["network"]["number"]
        self._cluster = cluster
        self.link = f"todoapp{number}"
        self.host = f"10.243.{number}.1"
        self.node = f"10.243.{number}.2"
        self.pods = f"10.244.{number}.0/24"
        self.services = f"10.97.{number}.0/24"
        self.first_service = f"10.97.{number}.1"

    def require_holder(self):
        if self._cluster.processes.pid(HOLDER) is None:
            raise Refused(f"the holder of the namespaces of {self._cluster.dir} has died: run down, then up")

    def inside(self):
        """The command prefix that runs a program in the namespaces (none are there: it fails)."""
        pid = self._cluster.processes.pid(HOLDER) or 0
        return ["nsenter", f"--target={pid}", "--mount", "--net", "--"]

    def ensure(self):
        _remember_kernel_settings()
        make_cgroup(self._cluster)
        fresh = self._hold()
        self._mounts()
        self._addresses(fresh)

    def _hold(self):
        """Whether the namespaces are new."""
        processes = self._cluster.processes
        fresh = processes.pid(HOLDER) is None
        if fresh and processes.marked():
            # Their namespaces cannot be joined any more by new components.
            self.require_holder()
        # Slave: what the host unmounts goes away in here as well, nothing goes the other way.
        processes.start(HOLDER, ["unshare", "--mount", "--net", "--propagation", "slave",
                                 "sleep", "infinity"])
        own = os.readlink("/proc/self/ns/net"), os.readlink("/proc/self/ns/mnt")

        def separate():
            pid = processes.pid(HOLDER)
            if pid is None:
                raise Refused("namespaces cannot be made on this machine (take --nodes simulated):\n"
                              + processes.log_tail(HOLDER))
            try:
                there = os.readlink(f"/proc/{pid}/ns/net"), os.readlink(f"/proc/{pid}/ns/mnt")
                program = Path(f"/proc/{pid}/comm").read_text().strip()
            except OSError:
                return False
            # unshare has also set the propagation once it has become `sleep`.
            return there[0] != own[0] and there[1] != own[1] and program != "unshare"

        wait_until(10, "namespaces of the node", separate)
        return fresh

    def _mounts(self):
        lines = []
        for fixed in FIXED_PATHS:
            _mount_point(Path(fixed))
            own = self._cluster.dir / "node" / "fixed" / fixed.strip("/").replace("/", "-")
            own.mkdir(parents=True, exist_ok=True)
            lines.append(f"mountpoint -q '{fixed}' || mount --bind '{own}' '{fixed}'")
        # containerd's shims and iptables keep their sockets and locks in /run.
        lines.append("[ -e /run/.todoapp-cluster ] || "
                     "{ mount -t tmpfs -o mode=755 run /run && : > /run/.todoapp-cluster; }")
        self._script(lines)

    def _addresses(self, fresh):
        link, peer = self.link, _peer(self._cluster)
        outside = Path("/sys/class/net")
        number = self._cluster.state["network"]["number"]
        if fresh and (outside / link).exists() and not (outside / peer).exists():
            run("ip", "link", "del", link, check=False)  # it led into namespaces that are ending
        made = None if (outside / link).exists() else _make_link(self._cluster, number)
        if number not in _own_numbers(self._cluster):
            raise Refused(f"{link} cannot be made or belongs to {_links().get(number)}: run down, then up\n"
                          + (made.stderr.strip() if made else ""))
        if (outside / peer).exists():
            run("ip", "link", "set", peer, "netns", str(self._cluster.processes.pid(HOLDER)))
        run("ip", "addr", "replace", f"{self.host}/30", "dev", link)
        run("ip", "link", "set", link, "up")
        self._script([
            "ip link set lo up",
            f"[ ! -e /proc/sys/net/ipv4/conf/{peer} ] || ip link set {peer} name uplink",
            f"ip addr replace {self.node}/30 dev uplink",
            "ip link set uplink up",
            # Local programs reach services too: the route lets the packet come as far as the rules.
            f"ip route replace {self.services} dev uplink src {self.node}",
            "echo 1 > /proc/sys/net/ipv4/ip_forward",
            # Pods on one bridge: their answers must pass the rules that translated the request.
            "{ [ -e /proc/sys/net/bridge ] || modprobe br_netfilter || true; } 2>/dev/null",
            "[ ! -e /proc/sys/net/bridge ] || echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables",
        ])
        for destination in (self.pods, self.services):
            run("ip", "route", "replace", destination, "via", self.node, "dev", link)

    def _script(self, lines):
        run(*self.inside(), "sh", "-e", stdin="\n".join(lines) + "\n")


# --- what lies outside the namespaces ---------------------------------------

def _mount_point(path):
    if not path.exists():
        path.mkdir(parents=True)
        (path / MADE_BY_US).touch()


def _remember_kernel_settings():
    if not KERNEL_BEFORE.exists():
        paths = [(name, Path("/proc/sys") / name) for name in KERNEL_SETTINGS]
        values = {name: path.read_text().strip() for name, path in paths if path.exists()}
        write(KERNEL_BEFORE, json.dumps(values))


def _restore_kernel_settings():
    if KERNEL_BEFORE.exists():
        for name, value in json.loads(KERNEL_BEFORE.read_text()).items():
            (Path("/proc/sys") / name).write_text(value)
        KERNEL_BEFORE.unlink()


def cgroup_name(cluster):
    return f"todoapp-{cluster.id}"


def _own_cgroups(cluster):
    return [h / cgroup_name(cluster) for h in _hierarchies() if (h / cgroup_name(cluster)).exists()]


def _hierarchies():
    if not CGROUPS.is_dir():
        return []
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [p for p in CGROUPS.iterdir() if not p.is_symlink() and (p / "cgroup.procs").exists()]


def make_cgroup(cluster):
    """One parent for all pods, so that they are found again whatever died."""
    for hierarchy in _hierarchies():
        controllers = hierarchy / "cgroup.controllers"
        for name in controllers.read_text().split() if controllers.exists() else ():
            try:
                (hierarchy / "cgroup.subtree_control").write_text(f"+{name}")
            except OSError:
                pass  # kubelet says later which controller it misses
        group = hierarchy / cgroup_name(cluster)
        group.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            if not controllers.exists() and (group / name).exists() and not (group / name).read_text().strip():
                (group / name).write_text((hierarchy / name).read_text())


def contained(cluster):
    """Processes of the cluster's containers, known by their cgroup."""
    found = set()
    for top in _own_cgroups(cluster):
        for procs in top.rglob("cgroup.procs"):
            try:
                found.update(map(int, procs.read_text().split()))
            except OSError:
                continue
    return [pid for pid in found if pid]


def _remove_cgroups(cluster):
    for top in _own_cgroups(cluster):
        for path, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):  # still busy: told by left()
                os.rmdir(path)


def remove(cluster):
    """After the processes: what outlives namespaces. Needs no state file."""
    if os.geteuid() != 0:
        return
    deadline = time.monotonic() + 10
    # The kernel ends a namespace, and the link with it, a moment after its last process.
    while (_own_numbers(cluster) or _own_cgroups(cluster)) and time.monotonic() < deadline:
        for number in _own_numbers(cluster):
            run("ip", "link", "del", f"todoapp{number}", check=False)
        _remove_cgroups(cluster)
        time.sleep(0.02)
    if _links():
        return  # another real node runs here: it needs the rest, and its `down` sees to it
    _restore_kernel_settings()
    for fixed in map(Path, FIXED_PATHS):
        if (fixed / MADE_BY_US).exists():
            (fixed / MADE_BY_US).unlink()
            with contextlib.suppress(OSError):  # somebody has put something there
                fixed.rmdir()


def left(cluster):
    """What still exists outside the namespaces, in words."""
    found = [f"cgroup {path}" for path in _own_cgroups(cluster)]
    found += [f"link todoapp{number}" for number in _own_numbers(cluster)]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found += [f"mount {m.split()[4]}" for m in mounts if m.split()[4].startswith(f"{cluster.dir}/")]
    return found
