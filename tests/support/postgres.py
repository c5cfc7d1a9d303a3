"""A real PostgreSQL in a folder of its own, on loopback, as a user that is not root; no service of the machine is asked."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from support.ports import free_port
from support.waiting import DEADLINE_FACTOR, eventually

USER = "todo"
# A sign that takes part in URLs, so that whoever forgets to encode or to decode it fails.
PASSWORD = "s3cret/p@ss"
PASSWORD_IN_URL = "s3cret%2Fp%40ss"


def programs() -> Path:
    """The folder of the newest installed version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda file: int(file.parts[-3]))
    if found:
        return found[-1].parent
    elsewhere = shutil.which("postgres")
    assert elsewhere, "no PostgreSQL: apt-get install postgresql"
    return Path(elsewhere).resolve().parent


class Postgres:
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="todo-postgres-"))
        self.port = free_port()
        self._programs = programs()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        # It refuses to run as root.
        self._as_user: dict[str, object] = {}
        if os.geteuid() == 0:
            account = pwd.getpwnam("nobody")
            self._as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(self.folder, account.pw_uid, account.pw_gid)

    def make(self) -> None:
        password_file = self.folder / "password"
        password_file.write_text(PASSWORD)
        password_file.chmod(0o644)
        subprocess.run([self._programs / "initdb", "-D", self.folder / "data", "-U", USER, "-A", "scram-sha-256",
                        f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"],
                       check=True, capture_output=True, timeout=120, cwd="/", **self._as_user)  # type: ignore[call-overload]

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.folder / "data", "-p", str(self.port),
                 "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off",
                 "-c", "max_connections=60", "-c", "shared_buffers=16MB"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **self._as_user)  # type: ignore[call-overload]
        eventually(self._answers, "PostgreSQL to answer", 60)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """As an administrator would: whoever is connected is cut off."""
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(30 * DEADLINE_FACTOR)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        """Takes connections (the kernel does) and answers nothing, like a machine that hangs."""
        assert self._process
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        stopped = [self._process.pid, *map(int, children)]
        try:
            for pid in stopped:
                os.kill(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in stopped:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What psql prints, without decoration."""
        done = subprocess.run([self._programs / "psql", "-X", "-A", "-t", "-q", "-h", "127.0.0.1", "-p", str(self.port),
                               "-U", USER, "-d", database, "-v", "ON_ERROR_STOP=1", "-c", statement],
                              env={**os.environ, "PGPASSWORD": PASSWORD}, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def new_database(self) -> str:
        self._databases += 1
        name = f"todo_{self._databases}"
        self.sql(f"CREATE DATABASE {name}")
        return name

    def url(self, database: str) -> str:
        return f"postgresql://{USER}:{PASSWORD_IN_URL}@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        assert self._process and self._process.poll() is None, (self.folder / "log").read_text()
        ready = subprocess.run([self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)])
        return ready.returncode == 0

    @contextlib.contextmanager
    def serving(self) -> Iterator[Postgres]:
        try:
            self.make()
            self.start()
            yield self
        finally:
            # At once: nothing of it is kept.
            self.stop(signal.SIGQUIT)
            shutil.rmtree(self.folder, ignore_errors=True)
