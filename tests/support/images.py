"""The images of docker/, as archives: made by scripts/build-images.sh, which scripts/test.sh has already asked for them."""

from __future__ import annotations

from pathlib import Path

from support.control_plane import REPOSITORY, run

BUILD_IMAGES = REPOSITORY / "scripts" / "build-images.sh"
FOLDER = REPOSITORY / "build" / "images"
# Of an image that nobody has asked for before, on a machine that has other things to do.
BUILD_SECONDS = 1800


def image_archive(image: str) -> Path:
    """Of `controller`, `backend` or `frontend`, as the sources are now."""
    name = {"controller": "todoapp-operator", "backend": "todo-backend", "frontend": "todo-frontend"}[image]
    run([str(BUILD_IMAGES), image], seconds=BUILD_SECONDS)
    return FOLDER / f"{name}.tar"


def todo_images() -> dict[str, Path]:
    return {f"todo-{tier}": image_archive(tier) for tier in ("backend", "frontend")}
