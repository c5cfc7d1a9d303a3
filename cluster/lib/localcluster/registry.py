"""The node's registries: where its pods' images are pulled from, and how images get there.

Two of Debian's `docker-registry`, inside the node's namespaces, so that nothing of this machine is in their way: an open
one, and one that wants a name and a word. A third name leads to this machine's end of the link, for tests that serve a
registry themselves. The program is taken out of its package: installed, it would be started as a service.
"""

import base64
import hashlib
import json
import os
import shutil
import string
import subprocess
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from . import packages
from .cluster import SOURCE, cache_dir, write
from .control_plane import Component, answers
from .say import Refused, say
from .toolchain import BuildLock

# Component -> its port.
PORTS = {"registry": 5000, "registry-private": 5001}
# The name in an image's name -> whose port it is.
PRIVATE, HOST = "private.localhost", "host.localhost"
HOST_PORT = 5000
# Known to everybody, for a registry that only this machine reaches.
USER, WORD = "puller", "local-only"

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar"
PUSH_SECONDS = 300


# --- the program ---------------------------------------------------------------

def ensure_program():
    """The machine's own where it has one, else that of the distribution's package."""
    installed = shutil.which("docker-registry", path=f"{os.environ.get('PATH', '')}:/usr/bin")
    if installed:
        return Path(installed)
    program = cache_dir() / "docker-registry" / "docker-registry"
    if not program.exists():
        with BuildLock():
            if not program.exists():
                _unpack(program)
    return program


def _unpack(program):
    say("fetching docker-registry")
    work = program.parent.with_name("docker-registry.new")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    package = packages.download("docker-registry", work)
    done = subprocess.run(["dpkg-deb", "--extract", str(package), str(work)], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise Refused(f"{package.name} cannot be unpacked: {done.stderr.strip()}")
    program.parent.mkdir(exist_ok=True)
    (work / "usr" / "bin" / "docker-registry").rename(program)
    shutil.rmtree(work)


# --- configuration and components -------------------------------------------------

def _config(cluster, name):
    return cluster.conf / f"{name}.yaml"


def write_config(cluster, network):
    users = cluster.conf / "registry-users"
    write(users, (SOURCE / "config" / "registry-users").read_text(), mode=0o600)
    template = string.Template((SOURCE / "config" / "registry.yaml").read_text())
    for name, port in PORTS.items():
        text = template.substitute(data=cluster.dir / "node" / name, address=cluster.address, port=port)
        if name == "registry-private":
            text += f"auth:\n  htpasswd: {{realm: local, path: {users}}}\n"
        write(_config(cluster, name), text)
    hosts = string.Template((SOURCE / "config" / "hosts.toml").read_text())
    for folder, address in (("_default", f"{cluster.address}:{PORTS['registry']}"),
                            (PRIVATE, f"{cluster.address}:{PORTS['registry-private']}"),
                            (HOST, f"{network.host}:{HOST_PORT}")):
        write(cluster.conf / "registries" / folder / "hosts.toml", hosts.substitute(registry=address))


def components(cluster):
    program = str(ensure_program())
    return [Component(name, [program, "serve", str(_config(cluster, name))],
                      lambda port=port: answers(f"http://{cluster.address}:{port}/"), (name,))
            for name, port in PORTS.items()]


# --- pushing ------------------------------------------------------------------------

def push(cluster, archive, name=None):
    """Every image of an archive in Docker's format; its one image under another name."""
    if not cluster.real:
        raise Refused(f"the cluster in {cluster.dir} has no real node: nothing is pulled there")
    try:
        with tarfile.open(archive) as tar:
            images = json.load(tar.extractfile("manifest.json"))
            if name and len(images) != 1:
                raise Refused(f"{archive} has {len(images)} images, so they keep their names")
            for image in images:
                for reference in [name] if name else image.get("RepoTags") or []:
                    _Push(cluster, reference).image(tar, image)
                    say(f"pushed {reference}")
    except (OSError, KeyError, tarfile.TarError) as error:
        raise Refused(f"{archive} is no image archive in Docker's format, or cannot be pushed: {error}") from error


def repository_of(reference):
    """Of "private.localhost/team/app:1": which component serves it, "team/app" and "1"."""
    path, _, tag = reference.rpartition(":")
    host, _, repository = path.partition("/")
    if not path or "/" in tag or not repository or host not in ("localhost", PRIVATE):
        raise Refused(f"{reference}: the cluster's registries have images named localhost/NAME:TAG and {PRIVATE}/NAME:TAG")
    return "registry-private" if host == PRIVATE else "registry", repository, tag


class _Push:
    def __init__(self, cluster, reference):
        component, self._repository, self._tag = repository_of(reference)
        self._base = f"http://{cluster.address}:{PORTS[component]}"
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        if component == "registry-private":
            word = base64.b64encode(f"{USER}:{WORD}".encode()).decode()
            self._opener.addheaders.append(("Authorization", f"Basic {word}"))

    def image(self, tar, image):
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST,
                    "config": self._blob(tar, image["Config"], CONFIG),
                    "layers": [self._blob(tar, layer, LAYER) for layer in image["Layers"]]}
        self._ask("PUT", f"/v2/{self._repository}/manifests/{self._tag}", json.dumps(manifest).encode(), MANIFEST)

    def _blob(self, tar, member, kind):
        """Its descriptor; uploaded unless it is there."""
        content = tar.extractfile(member)
        packed = content.read(2) == b"\x1f\x8b"
        content.seek(0)
        digest = f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"
        size = content.seek(0, os.SEEK_END)
        content.seek(0)
        if self._ask("HEAD", f"/v2/{self._repository}/blobs/{digest}", missing_ok=True) is None:
            where = self._ask("POST", f"/v2/{self._repository}/blobs/uploads/", b"").headers["Location"]
            where += ("&" if urllib.parse.urlsplit(where).query else "?") + f"digest={digest}"
            self._ask("PUT", where, content, "application/octet-stream", size)
        return {"mediaType": f"{kind}.gzip" if packed and kind == LAYER else kind, "size": size, "digest": digest}

    def _ask(self, method, path, body=None, kind=None, size=None, missing_ok=False):
        headers = {"Content-Type": kind} if kind else {}
        if size is not None:
            headers["Content-Length"] = str(size)
        request = urllib.request.Request(urllib.parse.urljoin(self._base, path), body, headers, method=method)
        try:
            with self._opener.open(request, timeout=PUSH_SECONDS) as response:
                return response
        except urllib.error.HTTPError as error:
            if missing_ok and error.code == 404:
                return None
            raise Refused(f"the registry refused {method} {path}: {error.code} {error.read(300).decode()}") from error
