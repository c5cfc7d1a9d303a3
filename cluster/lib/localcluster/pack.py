"""Packs a program of this machine, with the shared libraries that it needs, into an image archive: cluster/pack-image.

The image holds nothing else: no shell, no package, nothing to configure. No root and no image builder are needed. It
is for a node on this machine: elsewhere, take docker/controller/Dockerfile.
"""

import argparse
import io
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

from . import images
from .say import Refused, say

NAME = "localhost/todoapp-operator:dev"
FOLDER = "/usr/local/bin"
LDD_SECONDS = 60
# What ldd prints of a library that is there, of the loader, and of one that is missing. The kernel's own has no path.
_FOUND = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$")
_MISSING = re.compile(r"^\s*(\S+) => not found$")


def parser():
    made = argparse.ArgumentParser(
        prog="cluster/pack-image", formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        description="Packs a program and the shared libraries that it needs as an image, for `cluster/local load-image`. "
                    "The image has nothing else in it, and starts the program as a user without rights.")
    made.add_argument("program", help="a program of this machine, for example build/release/todoapp-operator")
    made.add_argument("archive", help="the file to write, for example build/todoapp-operator.tar")
    made.add_argument("--name", default=NAME, help="the image's name and tag")
    made.add_argument("--user", type=int, default=images.USER, help="the user and group that the program runs as")
    return made


def libraries(program):
    """Where the program's libraries lie, its loader among them; none for a static one."""
    try:
        done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, timeout=LDD_SECONDS,
                              env={**os.environ, "LC_ALL": "C"})
    except OSError as error:
        raise Refused(f"ldd cannot be run ({error}): apt-get install libc-bin")
    if done.returncode != 0 and "not a dynamic executable" not in done.stderr:
        raise Refused(f"ldd {program} failed:\n{done.stderr.strip()}")
    lines = done.stdout.splitlines()
    missing = [match.group(1) for match in map(_MISSING.match, lines) if match]
    if missing:
        raise Refused(f"{program} needs libraries that this machine does not have: {', '.join(missing)}")
    return sorted({match.group(1) for match in map(_FOUND.match, lines) if match})


def layer(program, paths, user):
    """The program in FOLDER, and each library at the path where the loader found it here."""
    files = {f"{FOLDER}/{program.name}": program, **{path: Path(path) for path in paths}}
    folders = {str(parent) for path in files for parent in Path(path).parents} - {"/"} | {"/etc"}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        # Sorted: a folder comes before what is in it, and the same program makes the same bytes.
        for folder in sorted(folders):
            images.add_entry(tar, folder.lstrip("/"), kind=tarfile.DIRTYPE)
        images.add_entry(tar, "etc/passwd", f"app:x:{user}:{user}::/:/none\n".encode(), mode=0o644)
        for path, source in sorted(files.items()):
            images.add_entry(tar, path.lstrip("/"), source.read_bytes())
    return out.getvalue()


def pack(program, archive, name, user):
    if not program.is_file():
        raise Refused(f"no program at {program}")
    if not os.access(program, os.X_OK) or program.read_bytes()[:4] != b"\x7fELF":
        raise Refused(f"{program} is not a program that the kernel can start by itself")
    needed = libraries(program)
    content = layer(program, needed, user)
    archive.parent.mkdir(parents=True, exist_ok=True)
    images.write_archive(archive, content,
                         {name: images.configuration(content, f"{FOLDER}/{program.name}", user, {})})
    say(f"packed {program.name} and {len(needed)} libraries as {name}: {archive} ({len(content) / 1e6:.0f} MB)")


def main(arguments=None):
    given = parser().parse_args(arguments)
    try:
        pack(Path(given.program), Path(given.archive), given.name, given.user)
    except Refused as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
