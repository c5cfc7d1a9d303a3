"""Images that the cluster makes itself, from nothing: a static Go program in one layer.

Written as archives in Docker's format, byte for byte the same each time; no registry, no
image builder, no root.
"""

import hashlib
import io
import json
import platform
import subprocess
import tarfile

from . import build, toolchain
from .cluster import SOURCE, cache_dir
from .say import Refused, say

PAUSE = "localhost/pause:1"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
USER = 1001
# Tag -> settings of the stand-in (see images/stand-in/main.go).
STAND_IN_TAGS = {
    "1.0.0": {}, "1.1.0": {}, "1.2.0": {}, "2.0.0": {},
    # At once: in a second of life it could pass a readiness probe, and the rollout would go on.
    "bad-crash": {"CRASH_AFTER": "0s", "EXIT_CODE": "3"},
    "bad-unready": {"NEVER_READY": "true"},
    "bad-unhealthy": {"UNHEALTHY_AFTER": "5s"},
}
STAND_IN_PORTS = {"todo-frontend": "3000", "todo-backend": "8000"}


def _archive_path(name):
    """Keyed by all that goes into it, this file included."""
    digest = hashlib.sha256()
    for path in sorted([*(SOURCE / "images").rglob("*.go"), SOURCE / "images" / "go.mod",
                        SOURCE / "lib" / "localcluster" / "images.py"]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return cache_dir() / f"images-{digest.hexdigest()[:16]}" / f"{name}.tar"


def _compile(program, target):
    go = toolchain.find_go()
    done = subprocess.run([go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(target), f"./{program}"],
                          cwd=SOURCE / "images", env=toolchain.environment(), capture_output=True,
                          text=True, timeout=build.LONGEST)
    if done.returncode != 0:
        raise Refused(f"building the image program {program} failed:\n{done.stderr}")


def add_entry(tar, name, content=b"", mode=0o755, kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.type, info.linkname = len(content), mode, kind, link
    tar.addfile(info, io.BytesIO(content))


def _layer(program, names):
    """One layer: the program under its first name, the others link to it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for directory, mode in (("usr", 0o755), ("usr/local", 0o755), ("usr/local/bin", 0o755),
                                ("etc", 0o755), ("tmp", 0o1777)):
            add_entry(tar, directory, mode=mode, kind=tarfile.DIRTYPE)
        add_entry(tar, "etc/passwd", f"app:x:{USER}:{USER}::/tmp:/none\n".encode(), mode=0o644)
        add_entry(tar, f"usr/local/bin/{names[0]}", program)
        for name in names[1:]:
            add_entry(tar, f"usr/local/bin/{name}", kind=tarfile.SYMTYPE, link=names[0])
    return out.getvalue()


def configuration(layer, entrypoint, user, environment):
    env = {"PATH": "/usr/local/bin", **environment}
    return json.dumps({
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()), "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {"User": f"{user}:{user}", "Entrypoint": [entrypoint],
                   "Env": [f"{key}={value}" for key, value in env.items()]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    }).encode()


def write_archive(path, layer, configs):
    """`configs`: image reference -> configuration; all share the layer."""
    manifest, files = [], {"layer.tar": layer}
    for reference, config in configs.items():
        name = hashlib.sha256(config).hexdigest() + ".json"
        files[name] = config
        manifest.append({"Config": name, "RepoTags": [reference], "Layers": ["layer.tar"]})
    files["manifest.json"] = json.dumps(manifest).encode()
    new = path.with_name(f".{path.name}.new")
    with tarfile.open(new, "w") as tar:
        for name, content in files.items():
            add_entry(tar, name, content, mode=0o644)
    new.rename(path)


def _ensure(name, program, make):
    path = _archive_path(name)
    if not path.exists():
        with toolchain.BuildLock():
            if not path.exists():
                say(f"making the image archive {name}")
                path.parent.mkdir(parents=True, exist_ok=True)
                binary = path.with_name(f".{name}.program")
                _compile(program, binary)
                make(path, binary.read_bytes())
                binary.unlink()
    return path


def _make_pause(path, program):
    layer = _layer(program, ["pause"])
    write_archive(path, layer, {PAUSE: configuration(layer, "pause", 65535, {})})


def _make_stand_in(path, program):
    layer = _layer(program, list(STAND_IN_PORTS))
    write_archive(path, layer, {
        f"localhost/{name}:{tag}": configuration(layer, name, USER, {"PORT": port, "VERSION": tag, **settings})
        for name, port in STAND_IN_PORTS.items() for tag, settings in STAND_IN_TAGS.items()})


def pause():
    return _ensure("pause", "pause", _make_pause)


def stand_in():
    return _ensure("stand-in", "stand-in", _make_stand_in)
