"""scripts/sbom.py: whatever is in an image is in its bill of materials."""

from __future__ import annotations

import json
import re
import tarfile
from typing import Any

import pytest

from support.control_plane import REPOSITORY, run
from support.images import image_archive

SCRIPT = REPOSITORY / "scripts" / "sbom.py"
BILL_SECONDS = 120


def libraries_in(image: str) -> set[str]:
    with tarfile.open(image_archive(image)) as outer:
        (manifest,) = json.load(outer.extractfile("manifest.json"))  # type: ignore[arg-type]
        names: set[str] = set()
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                names |= {f"/{entry.name.removeprefix('./').lstrip('/')}" for entry in inner if entry.isfile()}
    return {name for name in names if re.search(r"\.so(\.\d+)*$", name) and "node_modules" not in name}


@pytest.mark.parametrize(("image", "expected"), [
    ("controller", {"libc6", "todoapp-operator", "libboost-dev", "nlohmann-json3-dev"}),
    ("backend", {"libc6", "todo-backend", "libboost-dev"}),
    ("frontend", {"node", "next", "react", "react-dom"}),
])
def test_all_that_is_in_an_image_is_in_its_bill(image: str, expected: set[str]) -> None:
    bill = json.loads(run([str(SCRIPT), str(image_archive(image))], seconds=BILL_SECONDS))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    components: list[dict[str, Any]] = bill["components"]
    assert expected <= {component["name"] for component in components}
    occurrences = {place["location"] for component in components
                   for place in component.get("evidence", {}).get("occurrences", [])}
    files = {component["name"]: component["hashes"] for component in components if component["type"] == "file"}
    assert occurrences | files.keys() >= libraries_in(image)
    assert all(hashes[0]["content"] for hashes in files.values())
    for component in components:
        if component["type"] == "library":
            assert component["version"] and component["purl"].startswith(("pkg:deb/debian/", "pkg:npm/", "pkg:deb/")), component


def test_an_archive_that_is_not_there_is_told() -> None:
    with pytest.raises(AssertionError, match="nowhere.tar is not there"):
        run([str(SCRIPT), "nowhere.tar"])
