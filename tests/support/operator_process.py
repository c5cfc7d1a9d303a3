"""The operator under test: the built binary as a process with its own user, ports and log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import urllib3

from support.metrics import Metrics
from support.waiting import DEADLINE_FACTOR, eventually, show

START_SECONDS = 20.0
# It gives itself less, and ends with an error where that does not do: this is for a machine that does not let it.
STOP_SECONDS = 10.0
# Longer than a busy machine stands still.
METRICS_SECONDS = 30.0
SHOWN_LOG_LINES = 60

LogLine = dict[str, Any]


class OperatorProcess:
    """Started by `start`, ended by `terminate` (politely) or `kill`. May be started again; the log goes on."""

    def __init__(self, binary: Path, kubeconfig: Path, user: str, transport: str, log_file: Path,
                 flags: Iterable[str] = (), log_level: str = "debug") -> None:
        self.user = user
        self.transport = transport
        self.log_file = log_file
        self._binary = binary
        self._kubeconfig = kubeconfig
        self._flags = list(flags)
        self._log_level = log_level
        self._process: subprocess.Popen[bytes] | None = None
        self._paused = False
        self._end_expected = False
        self._http = urllib3.PoolManager(retries=False, timeout=5.0, cert_reqs="CERT_NONE")

    def start(self, *, wait: bool = True) -> OperatorProcess:
        assert not self.is_running, "it runs already"
        self._end_expected = False
        self._ports: dict[str, int] = {}
        with self.log_file.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                             start_new_session=True, env=self._environment(),
                                             cwd=self.log_file.parent)  # Where a core file is welcome.
        if wait:
            eventually(self.is_ready, f"the operator to be ready ({self.log_file})", START_SECONDS)
        return self

    def command(self) -> list[str]:
        return [str(self._binary), f"--kubeconfig={self._kubeconfig}", f"--api-client={self.transport}",
                # Any that is free; it logs which.
                "--metrics-bind-address=127.0.0.1:0", "--health-probe-bind-address=127.0.0.1:0",
                "--log-format=json", f"--log-level={self._log_level}", *self._flags]

    def terminate(self, seconds: float = STOP_SECONDS) -> float:
        """Asks it to end, and insists that it does so in time and without an error; returns the seconds it took."""
        process = self._running()
        self._end_expected = True
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(seconds * DEADLINE_FACTOR)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"still there {seconds:g} s after SIGTERM\n{self.last_lines()}") from None
        assert code == 0, f"exit code {code} after SIGTERM\n{self.last_lines()}"
        return time.monotonic() - start

    def kill(self) -> None:
        process = self._running()
        self._end_expected = True
        process.kill()
        process.wait()

    def pause(self) -> None:
        self._running().send_signal(signal.SIGSTOP)
        self._paused = True

    def resume(self) -> None:
        self._running().send_signal(signal.SIGCONT)
        self._paused = False

    def wait(self, seconds: float) -> int:
        """Its exit code, once it has ended by itself."""
        assert self._process is not None
        self._end_expected = True
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still runs after {seconds:g} s\n{self.last_lines()}") from None

    def finish(self) -> None:
        """The end of a test: what still runs must end well, and what does not must have been ended by the test."""
        if self._paused and self.is_running:
            self.resume()
        if self.is_running:
            self.terminate()
        assert self._process is None or self._end_expected, (
            f"the operator ended by itself, with {self._process.returncode}\n{self.last_lines()}")

    def clean_up(self) -> None:
        """Leaves no process behind, whatever the test did."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        return self._running().pid

    def is_ready(self) -> bool:
        if not self.is_running:
            code = None if self._process is None else self._process.returncode
            # Not an AssertionError: nothing that is waited for will come any more.
            raise RuntimeError(f"the operator has ended with {code}\n{self.last_lines()}")
        status, text = self.health("/readyz")
        assert status == 200, f"/readyz: {status} {text}"
        return True

    @property
    def metrics_port(self) -> int:
        return self._port("metrics")

    @property
    def health_port(self) -> int:
        return self._port("health")

    def _port(self, of: str) -> int:
        """Where this process listens, as it logged when it began to."""
        if of not in self._ports:
            with self.log_file.open("rb") as log:
                log.seek(self._log_start)
                lines = [line for line in log if line.endswith(b"\n") and b'"Listened"' in line]
            self._ports = {entry["for"]: entry["port"] for entry in map(json.loads, lines)}
        if of not in self._ports:
            raise AssertionError(f"it has not said where it serves {of}\n{self.last_lines()}")
        return self._ports[of]

    def health(self, path: str) -> tuple[int, str]:
        """Status and text of a health check; 0 while nobody listens."""
        try:
            answer = self._http.request("GET", f"http://127.0.0.1:{self.health_port}{path}")
        except (AssertionError, urllib3.exceptions.HTTPError) as error:
            return 0, str(error)
        return answer.status, answer.data.decode()

    def metrics(self) -> Metrics:
        try:
            answer = self._http.request("GET", f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=METRICS_SECONDS)
        except urllib3.exceptions.HTTPError as error:
            raise AssertionError(f"/metrics: {error}") from error
        assert answer.status == 200, f"/metrics: {answer.status} {answer.data.decode()}"
        return Metrics(answer.data.decode())

    @property
    def is_leader(self) -> bool:
        return self.metrics().value("leader_election_master_status") == 1

    def resident_bytes(self) -> int:
        return self._memory("VmRSS")

    def peak_resident_bytes(self) -> int:
        return self._memory("VmHWM")

    def _memory(self, field: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {field}")

    def cpu_seconds(self) -> float:
        # The CPU clock of a process, as clock_getcpuclockid(3) makes it: /proc/PID/stat counts in hundredths only.
        return time.clock_gettime(~self.pid << 3 | 2)

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def log_text(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def logs(self) -> list[LogLine]:
        """Every line, which must be a JSON object."""
        lines = []
        for number, line in enumerate(self.log_text().splitlines(), 1):
            try:
                entry = json.loads(line)
            except ValueError:
                raise AssertionError(f"{self.log_file}:{number} is no JSON: {line}") from None
            assert isinstance(entry, dict), f"{self.log_file}:{number} is no object: {line}"
            lines.append(entry)
        return lines

    def last_lines(self) -> str:
        return show("\n".join(self.log_text().splitlines()[-SHOWN_LOG_LINES:]) or "(it logged nothing)")

    def assert_silent_about(self, secrets: Iterable[str]) -> None:
        text = self.log_text()
        for secret in secrets:
            assert secret not in text, f"a secret value is in the log {self.log_file}"

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None and self._process.poll() is None, (
            f"the operator does not run\n{self.last_lines()}")
        return self._process

    @staticmethod
    def _environment() -> dict[str, str]:
        """Only what every program may count on: nothing of the tester's own settings."""
        kept = ("PATH", "HOME", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS")
        return {name: os.environ[name] for name in kept if name in os.environ}
