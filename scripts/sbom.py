#!/usr/bin/env python3
"""Says what is in an image: a bill of materials (CycloneDX, JSON) of an archive that scripts/build-images.sh made.

    scripts/build-images.sh && scripts/sbom.py build/images/todoapp-operator.tar >todoapp-operator.cdx.json

Nothing is guessed. A library of the distribution is known by its content: the checksums that dpkg keeps of what is
installed here, so run it where the image was built. One that is not among them (the base had another version) is a
file with its checksum, and is told. A package of npm is known by its package.json, Node.js by what stands in its
program, and what is only compiled in by the installed package that has the headers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

DPKG = Path("/var/lib/dpkg/info")
LIBRARY = re.compile(r"(?:^|/)(?:lib[\w+-]+|ld-linux[\w-]*)[\w.+-]*\.so[.\d]*$")
PACKAGE_JSON = re.compile(r"(?:^|/)node_modules/((?:@[^/]+/)?[^/]+)/package\.json$")
NODE_RELEASE = re.compile(rb"nodejs\.org/download/release/v(\d+\.\d+\.\d+)/")
# Headers only: they are in the program, and in no file of their own.
COMPILED_IN = {
    "usr/local/bin/todoapp-operator": ["libboost-dev", "libcli11-dev", "libexpected-dev", "nlohmann-json3-dev"],
    "usr/local/bin/todo-backend": ["libboost-dev", "libcli11-dev", "libexpected-dev", "nlohmann-json3-dev"],
}

Component = dict[str, Any]


class Entry(NamedTuple):
    name: str
    content: bytes


class Image(NamedTuple):
    name: str
    entries: list[Entry]


def read_image(archive: Path) -> Image:
    with tarfile.open(archive) as outer:

        def content_of(name: str) -> Any:
            found = outer.extractfile(name)
            assert found is not None, f"{archive}: {name} is not a file"
            return found

        (manifest,) = json.load(content_of("manifest.json"))
        files: dict[str, bytes] = {}
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=content_of(layer)) as inner:
                for entry in inner:
                    content = inner.extractfile(entry) if entry.isfile() else None
                    if content is not None:
                        files[entry.name.removeprefix("./").lstrip("/")] = content.read()
    return Image(manifest["RepoTags"][0], [Entry(name, files[name]) for name in sorted(files)])


def installed() -> dict[str, str]:
    """Checksum of each library of each installed package, and the package."""
    found = {}
    for sums in sorted(DPKG.glob("*.md5sums")):
        for line in sums.read_text(errors="replace").splitlines():
            digest, _, name = line.partition("  ")
            if LIBRARY.search(name):
                found[digest] = sums.name.removesuffix(".md5sums")
    return found


def debian_package(package: str) -> Component:
    asked = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\t${Version}\t${Architecture}\t${source:Package}", package],
                           capture_output=True, text=True, timeout=60, check=False)
    if asked.returncode != 0:
        raise SystemExit(f"error: {package} is not installed here: {asked.stderr.strip()}")
    name, version, architecture, source = asked.stdout.split("\t")
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', Path("/etc/os-release").read_text(), re.M))
    distribution = release["ID"]
    url_version = version.replace("+", "%2B").replace(":", "%3A").replace("~", "%7E")
    return {"type": "library", "name": name, "version": version, "group": distribution,
            "purl": f"pkg:deb/{distribution}/{name}@{url_version}?arch={architecture}&distro={distribution}-{release['VERSION_ID']}",
            "properties": [{"name": "source", "value": source}]}


def libraries(image: Image) -> list[Component]:
    known = installed()
    files: dict[str, list[Entry]] = {}
    strange: list[Component] = []
    for entry in image.entries:
        if not LIBRARY.search(entry.name):
            continue
        package = known.get(hashlib.md5(entry.content, usedforsecurity=False).hexdigest())
        if package is None:
            strange.append({"type": "file", "name": f"/{entry.name}", "hashes": [hash_of(entry)]})
            print(f"note: no package that is installed here has this /{entry.name}", file=sys.stderr)
        else:
            files.setdefault(package, []).append(entry)
    return [{**debian_package(package), "evidence": {"occurrences": [{"location": f"/{entry.name}"} for entry in entries]}}
            for package, entries in sorted(files.items())] + strange


def hash_of(entry: Entry) -> Component:
    return {"alg": "SHA-256", "content": hashlib.sha256(entry.content).hexdigest()}


def compiled_in(image: Image) -> list[Component]:
    names = {name for entry in image.entries for name in COMPILED_IN.get(entry.name, [])}
    return [{**debian_package(name), "scope": "required"} for name in sorted(names)]


def npm_packages(image: Image) -> list[Component]:
    found: dict[str, Component] = {}
    for entry in image.entries:
        if not PACKAGE_JSON.search(entry.name):
            continue
        said = json.loads(entry.content)
        if "name" in said and "version" in said:
            url = f"pkg:npm/{said['name'].replace('@', '%40')}@{said['version']}"
            made = found.setdefault(url, {"type": "library", "name": said["name"], "version": said["version"], "purl": url})
            if isinstance(said.get("license"), str):
                made["licenses"] = [{"license": {"name": said["license"]}}]
    return [found[url] for url in sorted(found)]


def programs(image: Image) -> Iterator[Component]:
    for entry in image.entries:
        if not entry.name.startswith("usr/local/bin/"):
            continue
        made: Component = {"type": "application", "name": Path(entry.name).name, "hashes": [hash_of(entry)]}
        if entry.name.endswith("/node") and (release := NODE_RELEASE.search(entry.content)):
            version = release[1].decode()
            made |= {"version": version, "purl": f"pkg:generic/node@{version}"}
        yield made


def bill(image: Image) -> Component:
    name, _, tag = image.name.rpartition(":")
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
            "metadata": {"component": {"type": "container", "name": name, "version": tag}},
            "components": [*programs(image), *libraries(image), *compiled_in(image), *npm_packages(image)]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="image archive (docker save), for example build/images/todo-backend.tar")
    given = parser.parse_args()
    if not given.archive.is_file():
        raise SystemExit(f"error: {given.archive} is not there; scripts/build-images.sh makes it")
    json.dump(bill(read_image(given.archive)), sys.stdout, indent=1, sort_keys=True)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
