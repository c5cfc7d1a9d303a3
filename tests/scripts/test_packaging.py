"""The operator as an image: what cluster/pack-image makes, and what can be said of the Dockerfile without building it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from support.control_plane import REPOSITORY, run

PACK = REPOSITORY / "cluster" / "pack-image"
DOCKERFILE = REPOSITORY / "docker" / "controller" / "Dockerfile"
PROGRAM = "usr/local/bin/todoapp-operator"


class Archive:
    """An image in Docker's format, with one layer."""

    def __init__(self, file: Path) -> None:
        with tarfile.open(file) as tar:
            contents = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
        (manifest,) = json.loads(contents["manifest.json"])
        self.tags = manifest["RepoTags"]
        self.config = json.loads(contents[manifest["Config"]])
        (name,) = manifest["Layers"]
        self.layer = contents[name]

    def files(self) -> set[str]:
        with tarfile.open(fileobj=io.BytesIO(self.layer)) as tar:
            return {entry.name for entry in tar if entry.isfile()}

    def unpack(self, folder: Path) -> None:
        with tarfile.open(fileobj=io.BytesIO(self.layer)) as tar:
            tar.extractall(folder)


@pytest.fixture(scope="module")
def packed(operator_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed")
    program = folder / "todoapp-operator"
    program.symlink_to(operator_binary)
    run([str(PACK), str(program), str(folder / "image.tar")])
    return folder / "image.tar"


def test_the_image_is_as_the_manifests_want_it(packed: Path) -> None:
    archive = Archive(packed)
    deployment = (REPOSITORY / "manifests" / "base" / "deployment.yaml").read_text()
    assert [re.search(r"image: (\S+)", deployment).group(1)] == archive.tags  # type: ignore[union-attr]
    assert archive.config["config"]["User"] == "1001:1001"
    assert archive.config["config"]["Entrypoint"] == [f"/{PROGRAM}"]
    assert archive.config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(archive.layer).hexdigest()]


def test_the_image_has_the_program_its_libraries_and_nothing_else(packed: Path) -> None:
    others = {name for name in Archive(packed).files() if ".so" not in Path(name).name}
    assert others == {PROGRAM, "etc/passwd"}


@pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")
def test_the_program_starts_with_what_is_in_the_image(packed: Path, tmp_path: Path) -> None:
    Archive(packed).unpack(tmp_path)
    tmp_path.chmod(0o755)
    said = run(["env", "-i", "PATH=/usr/sbin:/usr/bin", "chroot", "--userspec=1001:1001", str(tmp_path), f"/{PROGRAM}",
                "--version"])
    assert said.startswith("todoapp-operator ")


def test_the_same_program_makes_the_same_image(packed: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.tar"
    run([str(PACK), str(packed.with_name("todoapp-operator")), str(again)])
    assert again.read_bytes() == packed.read_bytes()


@pytest.mark.parametrize(("program", "words"), [
    ("/nowhere/operator", "no program at /nowhere/operator"),
    (str(PACK), "is not a program that the kernel can start by itself"),
])
def test_what_cannot_be_packed_is_refused(tmp_path: Path, program: str, words: str) -> None:
    done = subprocess.run([PACK, program, tmp_path / "image.tar"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert words in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_dockerfile_installs_what_the_scripts_install() -> None:
    prepare = (REPOSITORY / "scripts" / "lib" / "prepare.sh").read_text()
    wanted = re.search(r"^packages_of_build=\((.*?)\)", prepare, re.M | re.S)
    installed = re.search(r"--no-install-recommends (.*?) && rm", DOCKERFILE.read_text(), re.S)
    assert wanted and installed
    assert installed.group(1).replace("\\", " ").split() == wanted.group(1).split()


def test_the_dockerfile_copies_what_is_there_and_not_ignored() -> None:
    copied = [name for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE.read_text(), re.M) for name in line.split()]
    let_through = re.findall(r"^!(\S+)$", (REPOSITORY / ".dockerignore").read_text(), re.M)
    assert copied == let_through
    for name in copied:
        assert (REPOSITORY / name).exists()
