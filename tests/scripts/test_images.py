"""The images of docker/ as scripts/build-images.sh builds them, and the script itself. No node is needed: what is in an
archive is looked at, and its program is run in it, alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

import pytest

from support.control_plane import REPOSITORY, run
from support.images import BUILD_IMAGES, image_archive

IMAGES = {"controller": 60, "backend": 500, "frontend": 500}  # and the limit in MB
PROGRAMS = {"controller": "/usr/local/bin/todoapp-operator", "backend": "/usr/local/bin/todo-backend",
            "frontend": "/usr/local/bin/node"}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="stand-ins for base images, and chroot, need root")

# What lets somebody look around, or bring more in.
TOOLS = {"sh", "bash", "dash", "busybox", "apt", "apt-get", "dpkg", "npm", "npx", "curl", "wget", "perl", "python3", "gcc"}
# Where a machine keeps its package sources, its certificates and npm's settings.
FOLDERS_OF_A_MACHINE = ("etc/apt", "etc/ssl", "usr/share/ca-certificates", "usr/local/share", "usr/local/etc", "root", "home",
                        "var", "source")
FILES_OF_A_MACHINE = re.compile(r"(^|/)(\.?npmrc|sources\.list|.*\.(crt|pem|key)|\.env.*)$")


class Image:
    """An archive in Docker's format; layers may lie over each other."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.archive = image_archive(name)
        with tarfile.open(self.archive) as tar:
            (manifest,) = json.load(tar.extractfile("manifest.json") or pytest.fail("no manifest"))
            self.config = json.load(tar.extractfile(manifest["Config"]) or pytest.fail("no configuration"))
        self._layers: list[str] = manifest["Layers"]

    @cached_property
    def entries(self) -> list[tarfile.TarInfo]:
        return [entry for layer in self._opened() for entry in layer]

    @property
    def files(self) -> set[str]:
        return {entry.name.removeprefix("./") for entry in self.entries if not entry.isdir()}

    def contains(self, words: list[bytes]) -> list[str]:
        """The files that hold one of these."""
        found = []
        for layer in self._opened():
            for entry in layer:
                content = layer.extractfile(entry) if entry.isfile() else None
                text = content.read() if content else b""
                found += [entry.name for word in words if word in text]
        return found

    def unpack(self, folder: Path) -> None:
        for layer in self._opened():
            layer.extractall(folder)

    def _opened(self) -> Iterator[tarfile.TarFile]:
        with tarfile.open(self.archive) as tar:
            for name in self._layers:
                with tarfile.open(fileobj=tar.extractfile(name)) as layer:
                    yield layer


@pytest.fixture(scope="module", params=IMAGES)
def image(request: pytest.FixtureRequest) -> Image:
    if os.geteuid() != 0:
        pytest.skip("stand-ins for base images need root")
    return Image(request.param)


# --- The images -----------------------------------------------------------------------


def test_an_image_is_as_small_as_it_has_to_be(image: Image) -> None:
    assert image.archive.stat().st_size < IMAGES[image.name] * 1e6


def test_an_image_runs_as_a_user_without_rights(image: Image) -> None:
    assert image.config["config"]["User"] == "1001:1001"
    assert not [entry.name for entry in image.entries if entry.mode & 0o6000], "no program changes its user"


def test_an_image_has_no_shell_and_nothing_that_brings_more_in(image: Image) -> None:
    programs = {PurePosixPath(name).name for name in image.files if "/bin/" in f"/{name}" or "/sbin/" in f"/{name}"}
    assert PurePosixPath(PROGRAMS[image.name]).name in programs
    assert not programs & TOOLS


def test_nothing_of_the_machine_that_built_it_is_in_an_image(image: Image) -> None:
    assert not [name for name in image.files
                if name.startswith(tuple(f"{folder}/" for folder in FOLDERS_OF_A_MACHINE)) or FILES_OF_A_MACHINE.search(name)]
    assert not [line for line in image.config["config"]["Env"] if re.match(r"NODE_EXTRA|SSL_|npm_|.*PROXY", line, re.I)]
    assert image.contains(words_of_this_machine()) == []


def words_of_this_machine() -> list[bytes]:
    """A line out of the middle of each certificate that was added here, and the hosts of the package sources."""
    certificates = Path("/usr/local/share/ca-certificates").glob("**/*.crt")
    lines = [file.read_bytes().split(b"\n")[5] for file in certificates if file.stat().st_size > 500]
    sources = run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"])
    hosts = {re.sub(r"^\w+://([^/]+)/.*", r"\1", line).encode() for line in sources.split()}
    assert hosts
    return [*lines, *hosts]


@needs_root
def test_the_program_of_an_image_runs_alone_on_a_root_that_nobody_can_write(image: Image, tmp_path: Path) -> None:
    image.unpack(tmp_path)
    tmp_path.chmod(0o755)
    script = f"""
      mount --bind {tmp_path} {tmp_path} && mount -o remount,bind,ro {tmp_path} || exit 99
      touch {tmp_path}/file 2>/dev/null && exit 98
      exec env -i /usr/sbin/chroot --userspec=1001:1001 {tmp_path} {PROGRAMS[image.name]} --version"""
    said = run(["unshare", "--mount", "sh", "-c", script])
    assert re.search(r"\d+\.\d+\.\d+", said), said


# --- The Dockerfiles --------------------------------------------------------------------


@pytest.mark.parametrize("name", IMAGES)
def test_a_dockerfile_can_take_another_base_and_ships_nothing_of_it_but_what_it_copies(name: str) -> None:
    text = (REPOSITORY / "docker" / name / "Dockerfile").read_text()
    assert re.search(r"^ARG BUILD_IMAGE=(debian|node):\S+$", text, re.M)
    stages = re.findall(r"^FROM (\S+)", text, re.M)
    assert stages == ["${BUILD_IMAGE}", "scratch"]
    last = text.split("FROM scratch")[1]
    assert "\nUSER 1001:1001\n" in last and "\nRUN" not in last
    ignored = REPOSITORY / (".dockerignore" if name == "controller" else f"docker/{name}/.dockerignore")
    assert ignored.exists()


# --- The script -------------------------------------------------------------------------


def build(*arguments: str, path: str = os.environ["PATH"], cache: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path}
    if cache:
        environment["XDG_CACHE_HOME"] = str(cache)
    return subprocess.run([BUILD_IMAGES, *arguments], capture_output=True, text=True, timeout=300, env=environment)


@needs_root
def test_a_second_run_builds_nothing_and_prints_the_sizes(tmp_path: Path) -> None:
    image_archive("backend")
    # No image builder is asked: there is none.
    done = build("backend", path=without_builders(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "nothing has changed since" in done.stderr
    assert re.fullmatch(r"localhost/todo-backend:1\.0\.0 +\d+ MB of 500 MB  \S+/todo-backend\.tar\n", done.stdout)


@needs_root
def test_an_image_over_its_limit_is_refused(tmp_path: Path) -> None:
    archive = image_archive("backend")
    for file in (archive, archive.with_name(f"{archive.name}.made-from")):
        shutil.copy(file, tmp_path)
    with (tmp_path / archive.name).open("ab") as file:
        file.truncate(501_000_000)
    done = build("backend", "--output", str(tmp_path))
    assert done.returncode == 1
    assert "localhost/todo-backend:1.0.0 is too big" in done.stderr


def test_a_program_is_packed_under_the_tag_that_is_asked_for(operator_binary: Path, tmp_path: Path) -> None:
    done = build("controller", "--operator", str(operator_binary), "--output", str(tmp_path), "--tag", "packed-1",
                 path=without_builders(tmp_path / "path"), cache=tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    with tarfile.open(tmp_path / "todoapp-operator.tar") as tar:
        (manifest,) = json.load(tar.extractfile("manifest.json") or pytest.fail("no manifest"))
    assert manifest["RepoTags"] == ["localhost/todoapp-operator:packed-1"]


def without_builders(folder: Path) -> str:
    """A PATH with all programs but docker, podman and buildah."""
    folder.mkdir(parents=True, exist_ok=True)
    for place in reversed(os.environ["PATH"].split(":")):
        for program in Path(place).glob("*") if place else ():
            if program.name not in ("docker", "podman", "buildah"):
                link = folder / program.name
                link.unlink(missing_ok=True)
                link.symlink_to(program)
    return str(folder)


def test_the_key_of_an_image_is_that_of_its_sources(tmp_path: Path) -> None:
    for name in ("scripts", "docker/backend", "docker/frontend"):
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("node_modules", ".next"))

    def keys() -> dict[str, str]:
        said = run([str(tmp_path / "scripts" / "build-images.sh"), "--key", "backend", "frontend"])
        return dict(line.split() for line in said.splitlines())  # type: ignore[misc]

    before = keys()
    assert keys() == before
    (tmp_path / "docker" / "frontend" / "README.md").write_text("not sent to the build")
    assert keys() == before
    with (tmp_path / "docker" / "backend" / "src" / "settings.cpp").open("a") as file:
        file.write("// changed\n")
    after = keys()
    assert after["todo-backend"] != before["todo-backend"]
    assert after["todo-frontend"] == before["todo-frontend"]


@pytest.mark.parametrize(("arguments", "words"), [
    (["database"], "unknown argument: database"),
    (["--base-images", "mine"], "--base-images takes default or local, not mine"),
    (["--engine", "kaniko"], "--engine takes docker, podman or buildah, not kaniko"),
    (["--tag", "not a tag"], "no tag for an image: not a tag"),
    (["--push"], "--push needs a value"),
    (["controller", "--operator", "/nowhere"], "no program at /nowhere"),
])
def test_arguments_that_make_no_sense_are_refused(arguments: list[str], words: str) -> None:
    done = build(*arguments)
    assert done.returncode == 2
    assert f"error: {words}" in done.stderr and "see --help" in done.stderr


def test_a_builder_that_does_not_work_is_named_with_its_own_words(tmp_path: Path) -> None:
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\necho 'Cannot connect to the daemon' >&2\nexit 1\n")
    program.chmod(0o755)
    done = build("backend", "--engine", "docker", "--output", str(tmp_path / "images"), cache=tmp_path / "cache",
                 path=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "docker: Cannot connect to the daemon" in done.stderr
