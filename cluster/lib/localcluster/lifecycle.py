"""up, down, status.

`up` is a list of steps each of which does nothing when its result is there: so it repairs
what died, goes on where a killed one stopped, and costs little on a running cluster.
"""

import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import closing

from . import (build, components, control_plane, images, network as networks, node, packages, pki, ports, registry, simulated,
               versions, volumes)
from .api import Api
from .cluster import LOCK, STATE
from .say import Refused, say, wait_until

SLOWEST_START = 120  # seconds for one component, on a machine busy with other things


# --- up ------------------------------------------------------------------

def up(cluster, mode, kubernetes, port, audit_log, apiserver_args):
    mode = mode or cluster.state.get("mode", "real")
    _check_rights(mode)
    cluster.prepare_dir()
    _settle(cluster, mode, kubernetes, port, audit_log, apiserver_args)
    # Minutes, the first time; outside the cluster's lock, for builds have one of their own.
    programs = build.ensure(mode, _exactly(cluster, kubernetes))
    packages.need(*(node.NEEDS if mode == "real" else ("openssl",)))
    if mode == "real":
        images.pause()
        registry.ensure_program()
    with cluster.locked(), closing(ports.Reservation()) as reservation:
        fresh = not cluster.exists
        _settle(cluster, mode, kubernetes, port, audit_log, apiserver_args)
        if fresh:
            _first_state(cluster, port, reservation)
        build.link(cluster, programs)
        network = networks.Network.of(cluster)
        if network:
            network.ensure()
        pki.ensure(cluster, network)
        if network:
            node.write_config(cluster, network)
            registry.write_config(cluster, network)
        started = _start_all(cluster)
        _finish(cluster)
    say(f"up: {'started ' + ', '.join(started) if started else 'already running'}")


def _check_rights(mode):
    if mode == "real" and os.geteuid() != 0:
        raise Refused("a real node needs root (containers, network namespace). Run it as root, or take\n"
                      "  --nodes simulated   pods that only look alive, by kwok\n"
                      "  --nodes none        API server and controllers only")


def _exactly(cluster, asked):
    """The version that it must be; None for the default one, in whose place a user may have programs of his own."""
    has = _version_of(cluster)
    return asked or (has if has != versions.default() else None)


def _version_of(cluster):
    # Those that are older than the setting had no choice.
    return cluster.state["settings"].get("kubernetes", versions.default())


def _settle(cluster, mode, kubernetes, port, audit_log, apiserver_args):
    """What was asked must be what runs; what was not asked is as it was."""
    if not cluster.exists:
        cluster.state = {"mode": mode, "settings": {
            "kubernetes": kubernetes or versions.default(), "port": port, "audit_log": bool(audit_log),
            "apiserver_args": list(apiserver_args)}}
        return
    settings = cluster.state["settings"]
    for name, asked, have in (
            ("--nodes", mode, cluster.mode),
            ("--kubernetes", kubernetes or _version_of(cluster), _version_of(cluster)),
            ("--port", port or settings["port"], settings["port"]),
            ("--audit-log", bool(audit_log or settings["audit_log"]), settings["audit_log"]),
            ("--apiserver-arg", list(apiserver_args) or settings["apiserver_args"], settings["apiserver_args"])):
        if asked != have:
            raise Refused(f"the cluster in {cluster.dir} was made with {name} {have}, not {asked}: "
                          "take another --dir, or run down first")


def _first_state(cluster, port, reservation):
    """From here on the directory is a cluster: written whole, before anything is started."""
    if cluster.real:
        cluster.state["ports"] = dict(control_plane.PORTS_OF_REAL)
        if port:
            cluster.state["ports"]["apiserver"] = port
        cluster.state["network"] = networks.choose(cluster)
    else:
        names = control_plane.PORTS[cluster.mode]
        cluster.state["ports"] = ports.choose(names, cluster.seed, port, reservation)
    cluster.choose_etcd_dir()
    cluster.save()


def _start_all(cluster):
    started = []
    api = Api(cluster)
    everything = components.of(cluster)
    for component in everything:
        if cluster.processes.is_paused(component.name):
            cluster.processes.send(component.name, signal.SIGCONT)
        if cluster.processes.pid(component.name) is None:
            _before_start(cluster, component, api)
            cluster.processes.start(component.name, component.argv, component.prefix)
            started.append(component.name)
    for component in everything:
        wait_healthy(cluster, component)
    return started


def _before_start(cluster, component, api):
    if not cluster.real:
        for name in component.ports:
            port = cluster.ports[name]
            if not ports.can_listen(port):
                raise Refused(f"port {port} of {component.name} was taken by another process meanwhile: "
                              "run down, then up")
    if component.name == "kube-controller-manager":
        # It gives up when no API server is healthy within 10 s, which a busy machine can exceed.
        wait_until(SLOWEST_START, "kube-apiserver healthy", lambda: _alive_and(
            cluster, "kube-apiserver", lambda: api.ok("/healthz", 2)))
    if component.name in node.AGENTS or component.name == "kwok":
        wait_until(SLOWEST_START, "kube-apiserver ready", lambda: _alive_and(
            cluster, "kube-apiserver", lambda: api.ok("/readyz", 2)))
    if cluster.real:
        node.before_start(cluster, component.name, api)


def _alive_and(cluster, name, probe):
    """The probe's answer; gives up at once when the process is dead."""
    if cluster.processes.pid(name) is None:
        raise Refused(f"{name} has ended; the last of {cluster.processes.log(name)}:\n"
                      f"{cluster.processes.log_tail(name)}")
    return probe()


def wait_healthy(cluster, component, seconds=SLOWEST_START):
    if component.healthy():
        return
    wait_until(seconds, f"{component.name} healthy (see {cluster.processes.log(component.name)})",
               lambda: _alive_and(cluster, component.name, component.healthy))
    say(f"{component.name} is healthy")


def _finish(cluster):
    """What a user's first command needs, and one more look: a component may die late."""
    api = Api(cluster)
    wait_until(60, "service account `default`", lambda: api.ok("/api/v1/namespaces/default/serviceaccounts/default"))
    if cluster.mode == "simulated":
        simulated.ensure_node(cluster, api)
    if cluster.mode != "none":
        node.wait_ready(api)
        volumes.ensure(cluster)
    for component in components.of(cluster):
        _alive_and(cluster, component.name, lambda: True)


# --- down ----------------------------------------------------------------

def down(cluster, keep_logs=False):
    """Kills instead of asking: all that the processes could still write is thrown away."""
    if not cluster.dir.exists() and not _anything(cluster):
        say(f"nothing in {cluster.dir}")
        return
    if cluster.dir.exists() and not cluster.exists and not (cluster.dir / LOCK).exists() and not _anything(cluster):
        raise Refused(f"no cluster in {cluster.dir}")
    with cluster.locked():
        for name in reversed(cluster.processes.names()):
            cluster.processes.send(name, signal.SIGKILL)
        _kill_marked(cluster)
        for name in cluster.processes.names():
            cluster.processes.kill(name)
        networks.remove(cluster)
        shutil.rmtree(cluster.etcd_in_memory, ignore_errors=True)
        _remove_files(cluster, keep_logs)
        left = _anything(cluster)
        if left:
            raise Refused("left behind: " + "; ".join(left))
    say(f"down: {cluster.dir}")


def _kill_marked(cluster):
    deadline = time.monotonic() + 20
    while True:
        pids = cluster.processes.marked() + networks.contained(cluster)
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if time.monotonic() > deadline:
            raise Refused(f"processes do not end, even killed: {pids}")
        time.sleep(0.02)


def _remove_files(cluster, keep_logs):
    """The state goes last: a `down` that is killed half-way can be run again."""
    kept = {"log", "audit.log"} if keep_logs else set()
    for path in cluster.dir.iterdir():
        if path.name in kept | {STATE, LOCK}:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    (cluster.dir / STATE).unlink(missing_ok=True)
    (cluster.dir / LOCK).unlink(missing_ok=True)
    if not keep_logs:
        shutil.rmtree(cluster.dir, ignore_errors=True)
        default_parent = cluster.dir.parent
        if default_parent.name == "todoapp-operator" and not any(default_parent.iterdir()):
            default_parent.rmdir()


def _anything(cluster):
    """What still exists of a cluster, in words."""
    left = [f"process {pid}" for pid in cluster.processes.marked()]
    if cluster.etcd_in_memory.exists():
        left.append(str(cluster.etcd_in_memory))
    return left + networks.left(cluster)


# --- status --------------------------------------------------------------

def kubernetes_version(cluster):
    """What the API server's program says of itself, for it may be a ready-made one; None where there is none yet."""
    try:
        said = subprocess.run([str(cluster.bin / "kube-apiserver"), "--version"], capture_output=True, text=True,
                              timeout=60, stdin=subprocess.DEVNULL).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"v\d+\.\d+\.\S+", said)
    return found[0] if found else None


def status(cluster):
    """One row a component: name, state, pid, ports."""
    cluster.require()
    rows = []
    if cluster.real:
        holder = cluster.processes.pid(networks.HOLDER)
        rows.append({"component": networks.HOLDER, "state": "healthy" if holder else "stopped",
                     "pid": holder, "ports": {}})
    for component in components.of(cluster):
        pid = cluster.processes.pid(component.name)
        if pid is None:
            state = "stopped"
        elif cluster.processes.is_paused(component.name):
            state = "paused"
        else:
            state = "healthy" if component.healthy() else "unhealthy"
        listening = {name: cluster.ports.get(name) for name in component.ports}
        rows.append({"component": component.name, "state": state, "pid": pid, "ports": listening})
    return rows
