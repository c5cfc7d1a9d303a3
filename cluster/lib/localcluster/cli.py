"""The command line of cluster/local."""

import argparse
import json
import os
import signal
import sys

from . import build, cluster as clusters, components, images, lifecycle, node, pki, registry, versions
from .network import Network
from .say import Refused, say

DESCRIPTION = """A local Kubernetes from pinned Go modules; several side by side.

modes (--nodes):
  real       one node with real containers; needs root (the default)
  simulated  a node and pods that only look alive (kwok)
  none       etcd, kube-apiserver and kube-controller-manager only
"""


def parser():
    top = argparse.ArgumentParser(prog="cluster/local", description=DESCRIPTION,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, text):
        sub = commands.add_parser(name, help=text, description=text)
        if name != "build":
            sub.add_argument("--dir", help="the cluster's directory (default: $TODOAPP_CLUSTER_DIR, else "
                                           "~/.local/state/todoapp-operator/local)")
        return sub

    def kubernetes(sub):
        sub.add_argument("--kubernetes", metavar="VERSION", help="the minor version, such as 1.35 (default: "
                         f"${versions.VARIABLE}, else what the directory has, else {versions.default()})")

    sub = command("up", "start a cluster, repair it, or see that it runs")
    sub.add_argument("--nodes", choices=clusters.MODES, help="default: real, or what the directory has")
    kubernetes(sub)
    sub.add_argument("--port", type=int, help="the API server's port; others follow it (default: free ones)")
    sub.add_argument("--audit-log", action="store_true", help="write clients' requests to DIR/audit.log")
    sub.add_argument("--apiserver-arg", action="append", default=[], metavar="ARG",
                     help="an extra flag of kube-apiserver, e.g. --apiserver-arg=--min-request-timeout=5; repeatable")
    sub = command("down", "stop everything and remove the directory")
    sub.add_argument("--keep-logs", action="store_true", help="leave DIR/log and DIR/audit.log")
    sub = command("status", "components, health, ports; exit code 0 when all are healthy")
    sub.add_argument("--json", action="store_true")
    command("kubeconfig", "print the path of the admin's kubeconfig")
    sub = command("user", "make a user with a client certificate; print the path of the kubeconfig")
    sub.add_argument("name")
    sub.add_argument("--group", action="append", default=[], help="repeatable")
    for name, text in (("stop", "stop a component (TERM)"), ("start", "start a stopped component again"),
                       ("kill", "kill a component (KILL)"), ("pause", "freeze a component (STOP)"),
                       ("resume", "let a frozen component go on (CONT)")):
        sub = command(name, text)
        sub.add_argument("component")
    sub = command("kubectl", "run kubectl as admin: cluster/local kubectl [--dir DIR] -- ARGS")
    sub.add_argument("arguments", nargs="*")
    sub = command("load-image", "import image archives (docker or OCI) into a real node")
    sub.add_argument("archive", nargs="+")
    sub = command("push", "push an image archive (docker) to the node's registry")
    sub.add_argument("archive")
    sub.add_argument("--name", help="localhost/NAME:TAG, or private.localhost/NAME:TAG for the one with a password; "
                                    "default: what the archive says")
    sub = command("stand-in", "load stand-in app images into a real node: localhost/todo-{frontend,backend}")
    sub = command("build", "build what a mode needs, without starting anything")
    sub.add_argument("--nodes", choices=clusters.MODES, default="real")
    either = sub.add_mutually_exclusive_group()
    kubernetes(either)
    either.add_argument("--tools", action="store_true", help="instead: helm, kubeconform and kube-score; prints where each is")
    return top


def main(arguments=None):
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    given = parser().parse_args(arguments)
    try:
        return COMMANDS[given.command](given) or 0
    except Refused as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("interrupted: run the same command again to go on, or `cluster/local down`")
        return 130


def _cluster(given):
    return clusters.Cluster(given.dir or clusters.default_dir())


def _existing(given):
    cluster = _cluster(given)
    cluster.require()
    return cluster


def _up(given):
    cluster = _cluster(given)
    lifecycle.up(cluster, given.nodes, versions.asked(given.kubernetes), given.port, given.audit_log, given.apiserver_arg)
    print(cluster.kubeconfig)


def _down(given):
    lifecycle.down(_cluster(given), given.keep_logs)


def _status(given):
    cluster = _existing(given)
    rows, kubernetes = lifecycle.status(cluster), lifecycle.kubernetes_version(cluster)
    if given.json:
        print(json.dumps({"dir": str(cluster.dir), "nodes": cluster.mode, "kubernetes": kubernetes,
                          "server": cluster.server, "node_address": cluster.address if cluster.real else None,
                          "components": rows}, indent=1))
    else:
        print(f"{cluster.dir}: --nodes {cluster.mode}, Kubernetes {kubernetes or '?'}, {cluster.server}")
        for row in rows:
            ports = " ".join(f"{name}:{port}" for name, port in row["ports"].items())
            print(f"  {row['component']:<24} {row['state']:<10} pid {row['pid'] or '-':<8} {ports}")
        if cluster.real:
            print(f"  node ports: http://{cluster.address}:30000 to 32767")
    return 0 if all(row["state"] == "healthy" for row in rows) else 1


def _kubeconfig(given):
    print(_existing(given).kubeconfig)


def _user(given):
    cluster = _existing(given)
    with cluster.locked():
        print(pki.make_user(cluster, given.name, given.group))


def _component(given):
    cluster = _existing(given)
    known = {component.name: component for component in components.of(cluster)}
    if given.component not in known:
        raise Refused(f"no component {given.component!r} here; there are: {', '.join(known)}")
    name, processes = given.component, cluster.processes
    with cluster.locked():
        if given.command == "start":
            if cluster.real:
                Network(cluster).require_holder()
            processes.start(name, known[name].argv, known[name].prefix)
            lifecycle.wait_healthy(cluster, known[name])
        elif given.command == "stop":
            processes.stop(name)
        elif given.command == "kill":
            processes.kill(name)
        elif not processes.send(name, signal.SIGSTOP if given.command == "pause" else signal.SIGCONT):
            raise Refused(f"{name} does not run")


def _kubectl(given):
    cluster = _existing(given)
    program = str(cluster.bin / "kubectl")
    os.environ["KUBECACHEDIR"] = str(cluster.dir / "tmp" / "kubectl")  # goes with the cluster
    os.execv(program, [program, f"--kubeconfig={cluster.kubeconfig}", *given.arguments])


def _load_image(given):
    node.load_images(_existing(given), given.archive)


def _push(given):
    registry.push(_existing(given), given.archive, given.name)


def _stand_in(given):
    node.load_images(_existing(given), [images.stand_in()])


def _build(given):
    if given.tools:
        for program, path in build.ensure_programs(build.TOOLS).items():
            print(program, path)
        return
    build.ensure(given.nodes, versions.asked(given.kubernetes))
    if given.nodes == "real":
        registry.ensure_program()
    say(f"all programs for --nodes {given.nodes} are built")


COMMANDS = {"up": _up, "down": _down, "status": _status, "kubeconfig": _kubeconfig, "user": _user,
            "stop": _component, "start": _component, "kill": _component, "pause": _component,
            "resume": _component, "kubectl": _kubectl, "load-image": _load_image,
            "push": _push, "stand-in": _stand_in, "build": _build}
