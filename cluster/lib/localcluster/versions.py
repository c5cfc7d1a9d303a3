"""Which Kubernetes: modules/kubernetes is the default one, each modules/kubernetes-MINOR another."""

import os
import re

from .cluster import SOURCE
from .say import Refused

GROUP = "kubernetes"
VARIABLE = "TODOAPP_KUBERNETES"


def pinned(group):
    """The version that a module builds, such as v1.36.3."""
    text = (SOURCE / "modules" / group / "go.mod").read_text()
    return re.search(r"k8s\.io/kubernetes (v\d+\.\d+\.\S+)", text)[1]


def default():
    return ".".join(pinned(GROUP)[1:].split(".")[:2])


def known():
    """Minor version -> group; the default first, then the newest."""
    others = [path.name for path in (SOURCE / "modules").glob(f"{GROUP}-*")]
    minors = sorted((name[len(GROUP) + 1:] for name in others),
                    key=lambda minor: [int(number) for number in minor.split(".")], reverse=True)
    return {default(): GROUP, **{minor: f"{GROUP}-{minor}" for minor in minors}}


def asked(option):
    """What the command line says, else the environment; None where neither does."""
    if option is not None:
        return _checked(option, "--kubernetes")
    if VARIABLE in os.environ:
        # Empty is an answer too: a script's variable that was never set must not test the default.
        return _checked(os.environ[VARIABLE], VARIABLE)
    return None


def group(minor):
    return known()[_checked(minor, "this cluster")]


def _checked(minor, where):
    if minor not in known():
        there = ", ".join(f"{each} (default)" if each == default() else each for each in known())
        raise Refused(f"no Kubernetes {minor!r} here, which {where} asks for; there are: {there}")
    return minor
