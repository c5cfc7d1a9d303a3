"""The cluster's programs, from modules/<group>/go.mod into the cache.

The cache lies outside the source tree and is keyed by what is pinned, so a fresh clone
finds what an older one built.
"""

import ctypes
import hashlib
import os
import re
import select
import signal
import subprocess
import time
from pathlib import Path

from . import packages, toolchain, versions
from .cluster import SOURCE, cache_dir
from .say import Refused, say

KUBERNETES = "k8s.io/kubernetes/cmd/"
# program -> (group, package); which module the group of Kubernetes is, the version says
PROGRAMS = {
    "etcd": ("etcd", "go.etcd.io/etcd/server/v3"),
    "kube-apiserver": ("kubernetes", KUBERNETES + "kube-apiserver"),
    "kube-controller-manager": ("kubernetes", KUBERNETES + "kube-controller-manager"),
    "kubectl": ("kubernetes", KUBERNETES + "kubectl"),
    "kube-scheduler": ("kubernetes", KUBERNETES + "kube-scheduler"),
    "kubelet": ("kubernetes", KUBERNETES + "kubelet"),
    "kube-proxy": ("kubernetes", KUBERNETES + "kube-proxy"),
    "coredns": ("coredns", "."),
    "crictl": ("crictl", "sigs.k8s.io/cri-tools/cmd/crictl"),
    "kwok": ("kwok", "sigs.k8s.io/kwok/cmd/kwok"),
    "helm": ("helm", "helm.sh/helm/v4/cmd/helm"),
    "kubeconform": ("checks", "github.com/yannh/kubeconform/cmd/kubeconform"),
    "kube-score": ("checks", "github.com/zegl/kube-score/cmd/kube-score"),
}
NONE = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"]
MODE_PROGRAMS = {
    "none": NONE,
    "simulated": [*NONE, "kube-scheduler", "kwok"],
    "real": [*NONE, "kube-scheduler", "kubelet", "kube-proxy", "coredns", "crictl"],
}
# What no cluster runs: it installs charts, and judges what they render.
TOOLS = ["helm", "kubeconform", "kube-score"]
LONGEST = 3600  # seconds for one program, on the slowest machine thought of
QUIET = 15      # seconds between two lines of progress


def group_dir(group):
    return SOURCE / "modules" / group


def group_cache(group):
    digest = hashlib.sha256()
    for path in sorted(group_dir(group).iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    digest.update(linker_flags(group).encode())
    return cache_dir() / f"{group}-{digest.hexdigest()[:16]}"


def linker_flags(group):
    """The version that the programs report; without it they say v0.0.0-master, and helm v4.3."""
    if group == "helm":
        text = (group_dir(group) / "go.mod").read_text()
        version = re.search(r"helm\.sh/helm/v4 (v\S+)", text)
        return f"-s -w -X helm.sh/helm/v4/internal/version.version={version[1]}"
    if group not in versions.known().values():
        return "-s -w"
    version = versions.pinned(group)
    major, minor = version[1:].split(".")[:2]
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    sets = [f"-X k8s.io/{where}/version.{key}={value}"
            for where in ("component-base", "client-go/pkg") for key, value in values.items()]
    return " ".join(["-s", "-w", *sets])


def ready_made(program):
    """From KUBEBUILDER_ASSETS, where the user has etcd, kube-apiserver and kubectl."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if not assets:
        return None
    path = Path(assets).expanduser().resolve() / program
    return path if os.access(path, os.X_OK) else None


def group_of(program, kubernetes=None):
    group = PROGRAMS[program][0]
    return versions.group(kubernetes or versions.default()) if group == versions.GROUP else group


def path_of(program, kubernetes=None):
    """Where it is, or will be. A ready-made Kubernetes has a version of its own: it cannot be the one asked for."""
    found = ready_made(program)
    if found and kubernetes and PROGRAMS[program][0] == versions.GROUP:
        raise Refused(f"Kubernetes {kubernetes} was asked for, and KUBEBUILDER_ASSETS has a {program} of whatever version: "
                      f"unset it, or ask for none (--kubernetes, {versions.VARIABLE})")
    return found or group_cache(group_of(program, kubernetes)) / program


def ensure(mode, kubernetes=None):
    """Builds what the mode lacks; returns program -> path."""
    return ensure_programs(MODE_PROGRAMS[mode], kubernetes)


def ensure_programs(names, kubernetes=None):
    """Builds those that are missing; returns program -> path."""
    if os.environ.get("KUBEBUILDER_ASSETS") and not Path(os.environ["KUBEBUILDER_ASSETS"]).is_dir():
        raise Refused(f"KUBEBUILDER_ASSETS={os.environ['KUBEBUILDER_ASSETS']} is not a directory")
    programs = {program: path_of(program, kubernetes) for program in names}
    missing = [program for program, path in programs.items() if not path.exists()]
    if missing:
        packages.need("/etc/ssl/certs/ca-certificates.crt")
        with toolchain.BuildLock():
            go = toolchain.find_go()
            missing = [program for program in missing if not programs[program].exists()]
            for number, program in enumerate(missing, 1):
                _build(go, group_of(program, kubernetes), program, programs[program],
                       f"{number}/{len(missing)} {program}")
    return programs


def _die_with_parent():
    # An interrupted `up` must not leave a compiler running behind it.
    ctypes.CDLL(None).prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG


def _build(go, group, program, target, label):
    package = PROGRAMS[program][1]
    common = {"cwd": group_dir(group), "env": toolchain.environment()}
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{program}.new")
    began = time.monotonic()
    say(f"building {label}")
    stale = subprocess.run([go, "list", "-trimpath", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}",
                            package], text=True, capture_output=True, timeout=LONGEST, **common)
    total = len(stale.stdout.split())
    flags = linker_flags(group)
    process = subprocess.Popen([go, "build", "-v", "-trimpath", "-ldflags", flags, "-o", str(new), package],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               preexec_fn=_die_with_parent, **common)
    try:
        _follow(process, label, total, began)
    except BaseException:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        raise
    new.rename(target)
    size = target.stat().st_size >> 20
    say(f"built    {label}: {time.monotonic() - began:.0f} s, {size} MB")


def _follow(process, label, total, began):
    """Shows how far the compiler is; raises with its last words when it fails."""
    compiled, said, lines, rest = 0, time.monotonic(), [], b""
    descriptor = process.stderr.fileno()
    while True:
        if select.select([descriptor], [], [], 1)[0]:
            chunk = os.read(descriptor, 65536)
            if not chunk:
                break
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                lines.append(line.decode(errors="replace"))
                compiled += b" " not in line  # a package's name; anything else is a sentence
            lines = lines[-40:]
        now = time.monotonic()
        if now - said >= QUIET:
            said = now
            doing = f"{compiled} of {total} packages" if compiled < total else "linking"
            if lines and lines[-1].startswith("go: downloading") or not total:
                doing = "fetching modules" if not compiled else doing
            say(f"  {label}: {doing}, {now - began:.0f} s")
        if now - began > LONGEST:
            raise Refused(f"{label}: not built after {LONGEST} s")
    if process.wait(timeout=60) != 0:
        told = "\n".join(line for line in lines if " " in line)
        raise Refused(f"building {label} failed:\n{told}")


def link(cluster, programs):
    """DIR/bin names the programs that this cluster runs, whatever later builds do."""
    cluster.bin.mkdir(parents=True, exist_ok=True)
    for program, path in programs.items():
        name = cluster.bin / program
        if not name.is_symlink() or Path(os.readlink(name)) != path:
            name.unlink(missing_ok=True)
            name.symlink_to(path)
