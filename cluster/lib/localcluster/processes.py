"""Processes that outlive the command that started them.

Law: a process is signalled only if its pid, its start time and the boot are those
that its record names, or if its environment carries this cluster's mark.
The child writes its own record before it becomes the program, and keeps the cluster's
lock until then; so whenever the command is killed, no process is without a record.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from .say import Refused

MARK = "TODOAPP_LOCAL_CLUSTER"
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _stat(pid):
    """State and start time of a process; None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _boot():
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Processes:
    def __init__(self, directory, run_dir, log_dir):
        self.mark = f"{MARK}={directory}"
        self.run_dir = run_dir
        self.log_dir = log_dir
        self.tmp_dir = run_dir.with_name("tmp")

    # --- records ---------------------------------------------------------

    def record(self, name):
        try:
            return json.loads((self.run_dir / f"{name}.json").read_text())
        except (OSError, ValueError):
            return None

    def names(self):
        """Those ever started here, the first started first."""
        found = [(self.record(p.stem) or {}, p.stem) for p in self.run_dir.glob("*.json")]
        return [name for record, name in sorted(found, key=lambda f: f[0].get("first", 0))]

    def pid(self, name):
        """The pid, when the process that the record names is alive."""
        record = self.record(name)
        if record is None or record["boot"] != _boot():
            return None
        stat = _stat(record["pid"])
        if stat is None or stat[0] in "ZX" or stat[1] != record["start"]:
            return None
        return record["pid"]

    def is_paused(self, name):
        pid = self.pid(name)
        stat = pid and _stat(pid)
        return bool(stat) and stat[0] == "T"

    def log(self, name):
        return self.log_dir / f"{name}.log"

    def log_tail(self, name, lines=15):
        try:
            return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    # --- starting --------------------------------------------------------

    def start(self, name, argv, prefix=()):
        """Starts a program unless it runs. `prefix` wraps it (namespaces)."""
        pid = self.pid(name)
        if pid is not None:
            return pid
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self.tmp_dir.mkdir(parents=True, exist_ok=True)
        before = self.record(name) or {}
        argv = [*prefix, *argv]
        record = {"argv": argv, "first": before.get("first", time.time())}
        sys.stdout.flush()
        sys.stderr.flush()
        became, becoming = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._become(name, record)
        os.close(becoming)
        os.read(became, 1)  # ends when the child has become the program, or died
        os.close(became)
        return pid

    def _become(self, name, record):
        """In the child: write the record, then become the program."""
        try:
            os.setsid()
            for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.umask(0o022)
            log = os.open(self.log(name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            null = os.open(os.devnull, os.O_RDONLY)
            for target, source in ((0, null), (1, log), (2, log)):
                os.dup2(source, target)
            record.update(pid=os.getpid(), start=_stat(os.getpid())[1], boot=_boot())
            new = self.run_dir / f".{name}.new"
            new.write_text(json.dumps(record))
            new.rename(self.run_dir / f"{name}.json")
            os.chdir("/")
            # A clean environment: a proxy meant for the internet must not catch local calls.
            mark, _, directory = self.mark.partition("=")
            env = {"PATH": SYSTEM_PATH, "HOME": str(self.run_dir),
                   "TMPDIR": str(self.tmp_dir), mark: directory}
            os.execvpe(record["argv"][0], record["argv"], env)
        except BaseException as error:  # the child must never return into the parent's code
            os.write(2, f"cannot start {name}: {error}\n".encode())
        os._exit(127)

    # --- stopping --------------------------------------------------------

    def send(self, name, number):
        pid = self.pid(name)
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        return True

    def wait_gone(self, name, seconds):
        deadline = time.monotonic() + seconds
        while self.pid(name) is not None:
            self._reap(name)
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        self._reap(name)
        return True

    def _reap(self, name):
        record = self.record(name)
        try:
            os.waitpid(record["pid"], os.WNOHANG)
        except (ChildProcessError, TypeError, KeyError):
            pass  # not our child: init collects it

    def stop(self, name, seconds=20):
        """TERM, and KILL for one that does not listen; returns once it is gone."""
        if self.send(name, signal.SIGTERM):
            self.send(name, signal.SIGCONT)  # a paused one must wake to see the TERM
            if not self.wait_gone(name, seconds):
                self.kill(name)

    def kill(self, name):
        self.send(name, signal.SIGKILL)
        if not self.wait_gone(name, 10):
            raise Refused(f"{name} does not end, even killed (pid {self.pid(name)})")

    def marked(self):
        """Every live process that carries this cluster's mark, children of ours included."""
        mark = self.mark.encode()
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                environ = Path(f"/proc/{entry}/environ").read_bytes()
            except OSError:
                continue  # gone, or another user's: not ours
            stat = _stat(int(entry))
            if mark in environ.split(b"\0") and stat and stat[0] not in "ZX":
                found.append(int(entry))
        return found
