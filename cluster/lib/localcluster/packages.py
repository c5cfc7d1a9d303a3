"""What the machine must have: asked of apt-get only when it is missing."""

import os
import shutil
import subprocess
from pathlib import Path

from .processes import SYSTEM_PATH
from .say import Refused, say

CNI = Path("/usr/lib/cni")

# What is looked for -> the Debian package that brings it.
PACKAGES = {
    "openssl": "openssl",
    "nsenter": "util-linux",
    "ip": "iproute2",
    "iptables": "iptables",
    "containerd": "containerd",
    "runc": "runc",
    str(CNI / "bridge"): "containernetworking-plugins",
    "/etc/ssl/certs/ca-certificates.crt": "ca-certificates",
}


def present(what):
    if what.startswith("/"):
        return Path(what).exists()
    return shutil.which(what, path=f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}") is not None


def _apt(*arguments):
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *arguments]
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    try:
        return subprocess.run(command, env=environment, timeout=900, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
    except subprocess.TimeoutExpired as error:
        raise Refused(f"{' '.join(command)}: not done after 900 s") from error


def install(names):
    names = sorted(set(names))
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Refused(f"missing on this machine: install {' '.join(names)}")
    say(f"installing {' '.join(names)} (apt-get)")
    command = ("install", "-y", "--no-install-recommends", *names)
    # A fresh machine has no package lists, an old one stale lists: fetch them, try again.
    if _apt(*command).returncode != 0:
        say("fetching package lists (apt-get update)")
        _apt("update")
        done = _apt(*command)
        if done.returncode != 0:
            raise Refused(f"apt-get install {' '.join(names)} failed:\n{done.stderr.strip()}")
    say("installed")


def download(name, folder):
    """A package's file, not installed."""
    for fetched_lists in (False, True):
        # As who we are: the folder may be closed to the user that apt-get would take.
        done = subprocess.run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", name], cwd=folder,
                              timeout=300, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        found = list(Path(folder).glob(f"{name}_*.deb"))
        if done.returncode == 0 and found:
            return found[0]
        if not fetched_lists:
            say("fetching package lists (apt-get update)")
            _apt("update")
    raise Refused(f"apt-get download {name} failed:\n{done.stderr.strip()}")


def need(*whats):
    missing = [PACKAGES[what] for what in whats if not present(what)]
    if missing:
        install(missing)
