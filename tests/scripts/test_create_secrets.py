"""scripts/create-secrets.sh against a real API server: what it makes, and that nobody who looks on sees a value."""

from __future__ import annotations

import base64
import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.api import Api
from support.control_plane import REPOSITORY, ControlPlane
from support.waiting import DEADLINE_FACTOR

SCRIPT = REPOSITORY / "scripts" / "create-secrets.sh"
SAMPLE = REPOSITORY / "manifests" / "samples" / "todo.yaml"
SECONDS = 60.0


class Watch(threading.Thread):
    """Reads the command line and the environment of every process, over and over, for a word."""

    def __init__(self, word: str) -> None:
        super().__init__(daemon=True)
        self._word = word.encode()
        self._over = threading.Event()
        self.looks = 0
        self.seen: set[str] = set()

    def run(self) -> None:
        while not self._over.is_set():
            for entry in Path("/proc").glob("[0-9]*"):
                for part in ("cmdline", "environ"):
                    try:
                        if self._word in (entry / part).read_bytes():
                            self.seen.add(f"{part} of {(entry / 'comm').read_text().strip()}")
                    except OSError:
                        continue  # Gone meanwhile.
            self.looks += 1

    def stop(self) -> None:
        self._over.set()
        self.join()


@contextmanager
def watching(word: str) -> Iterator[Watch]:
    watch = Watch(word)
    watch.start()
    try:
        yield watch
    finally:
        watch.stop()


class Script:
    """Its kubectl notes what it was called with and given as environment, then is the real one."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self.notes = folder / "notes"
        self.notes.touch()
        wrapper = folder / "bin" / "kubectl"
        wrapper.parent.mkdir()
        wrapper.write_text(f'#!/bin/sh\n{{ echo "$@"; env; }} >>"{self.notes}"\n'
                           f'PATH="{os.environ["PATH"]}" exec kubectl "$@"\n')
        wrapper.chmod(0o755)
        self.environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "HOME": str(folder),
                             "PATH": f"{wrapper.parent}:{os.environ['PATH']}"}

    def __call__(self, *arguments: str, stdin: str | None = None, code: int = 0) -> str:
        """Both outputs."""
        given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        done = subprocess.run([str(SCRIPT), *arguments], env=self.environment, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS * DEADLINE_FACTOR, check=False,
                              start_new_session=True, **given)  # type: ignore[call-overload]
        assert done.returncode == code, done.stdout
        return str(done.stdout)

    def typed(self, *arguments: str, answers: list[str]) -> tuple[int, str]:
        """On a terminal: each answer when it is asked for. Exit code, and all that the terminal showed."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([str(SCRIPT), *arguments], env=self.environment, stdin=theirs, stdout=theirs,
                                   stderr=theirs, start_new_session=True,
                                   preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(theirs)
        shown, asked, left = "", 0, list(answers)
        limit = time.monotonic() + SECONDS * DEADLINE_FACTOR
        try:
            while select.select([ours], [], [], max(0.0, limit - time.monotonic()))[0]:
                try:
                    piece = os.read(ours, 65536)
                except OSError:  # Linux says so when nobody holds the other side any more.
                    break
                shown += piece.decode()
                prompts = len(re.findall(r"\(not shown\): |Once more: ", shown))
                while asked < prompts and left:
                    asked += 1
                    # The prompt may stand there a moment before the echo is off.
                    wait_silent(ours)
                    os.write(ours, left.pop(0).encode() + b"\n")
            return process.wait(timeout=SECONDS), shown
        finally:
            process.kill()
            process.wait()
            os.close(ours)


def wait_silent(terminal: int) -> None:
    limit = time.monotonic() + SECONDS
    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        assert time.monotonic() < limit, "the terminal still shows what is typed"
        time.sleep(0.01)


@pytest.fixture
def script(cluster: ControlPlane, tmp_path: Path) -> Script:
    return Script(cluster.kubeconfig, tmp_path)


@pytest.fixture
def canary() -> str:
    """A value that is nowhere else, with what a shell or JSON may trip over."""
    return f"canary-{uuid.uuid4().hex}"


def value(api: Api, namespace: str, name: str = "todo-db", key: str = "url") -> str:
    return base64.b64decode(api.get("Secret", name, namespace)["data"][key]).decode()


def test_what_is_typed_becomes_the_secret_and_is_never_shown(
        script: Script, api: Api, namespace: str, canary: str, tmp_path: Path) -> None:
    typed = f'{canary} "$(id)" \\ $HOME'
    with watching(canary) as watch:
        code, shown = script.typed("-n", namespace, "-f", str(SAMPLE), answers=[typed, typed])
    assert code == 0, shown
    assert "Value of todo-db/url, for DATABASE_URL (not shown): " in shown
    assert value(api, namespace) == typed
    assert canary not in shown and canary not in script.notes.read_text()
    assert (watch.seen, watch.looks > 1) == (set(), True)
    left = [file for file in tmp_path.rglob("*") if file.is_file() and canary.encode() in file.read_bytes()]
    assert not left


@pytest.mark.parametrize("way", ["stdin", "file", "file from stdin"])
def test_a_value_is_on_no_command_line_and_in_no_environment(
        script: Script, api: Api, namespace: str, canary: str, tmp_path: Path, way: str) -> None:
    file = tmp_path / "value"
    file.write_text(canary)
    arguments = {"stdin": ["--stdin"], "file": ["--from-file", f"todo-db/url={file}"],
                 "file from stdin": ["--from-file", "todo-db/url=/dev/stdin"]}[way]
    stdin = {"stdin": f"todo-db/url={canary}\n", "file": None, "file from stdin": canary}[way]
    with watching(canary) as watch:
        said = script("-n", namespace, *arguments, stdin=stdin)
    assert said == "secret/todo-db: url: written\n"
    assert value(api, namespace) == canary
    assert (watch.seen, watch.looks > 1) == (set(), True)
    encoded = base64.b64encode(canary.encode()).decode()
    assert canary not in script.notes.read_text() and encoded not in script.notes.read_text()
    # Nor in what kubectl leaves on an object that it applies.
    assert "annotations" not in api.get("Secret", "todo-db", namespace)["metadata"]


def test_a_watch_sees_a_value_that_is_on_a_command_line_or_in_an_environment(canary: str) -> None:
    wanted = {"environ of sleep", "cmdline of sh"}
    with watching(canary) as watch:
        with subprocess.Popen(["sleep", "60"], env={**os.environ, "VALUE": canary}) as one, \
                subprocess.Popen(["sh", "-c", "sleep 60 & wait", canary], start_new_session=True) as other:
            limit = time.monotonic() + SECONDS
            # A program may be seen by the name of what started it, in the moment before it is itself.
            while not wanted <= watch.seen and time.monotonic() < limit:
                time.sleep(0.01)
            one.kill()
            os.killpg(other.pid, 9)
    assert wanted <= watch.seen, watch.seen


def test_a_trace_shows_no_value(script: Script, namespace: str, canary: str) -> None:
    environment = {**script.environment, "SHELLOPTS": "xtrace"}
    done = subprocess.run([str(SCRIPT), "-n", namespace, "--stdin"], env=environment, text=True, capture_output=True,
                          input=f"todo-db/url={canary}\n", timeout=SECONDS, check=True)
    assert canary not in done.stdout + done.stderr


def test_a_second_run_changes_nothing_and_asks_for_nothing(script: Script, api: Api, namespace: str, canary: str) -> None:
    script("-n", namespace, "--stdin", stdin=f"todo-db/url={canary}\n")
    before = api.get("Secret", "todo-db", namespace)["metadata"]["resourceVersion"]
    assert script("-n", namespace, "-f", str(SAMPLE)) == "secret/todo-db: url: there already\n"
    assert script("-n", namespace, "--stdin", stdin="todo-db/url=another\n") == "secret/todo-db: url: there already\n"
    assert api.get("Secret", "todo-db", namespace)["metadata"]["resourceVersion"] == before


def test_a_replaced_value_leaves_the_other_keys(script: Script, api: Api, namespace: str, canary: str) -> None:
    script("-n", namespace, "--stdin", stdin=f"todo-db/url=first\ntodo-db/user={canary}\nother/key=third")
    assert "secret/todo-db: url: written" in script("-n", namespace, "--replace", "--stdin", stdin="todo-db/url=second=2\n")
    assert value(api, namespace) == "second=2"
    assert value(api, namespace, key="user") == canary
    assert value(api, namespace, "other", "key") == "third"


def test_generated_values_are_random_and_not_shown(script: Script, api: Api, namespace: str) -> None:
    said = script("-n", namespace, "--generate", "keys/one", "--generate", "keys/two=12")
    one, two = value(api, namespace, "keys", "one"), value(api, namespace, "keys", "two")
    assert (len(base64.b64decode(one)), len(base64.b64decode(two))) == (32, 12)
    assert said == "secret/keys: one two: written\n"


def test_an_app_in_the_cluster_tells_what_it_wants(script: Script, api: Api, namespace: str, canary: str,
                                                   cluster: ControlPlane) -> None:
    cluster.kubectl("-n", namespace, "apply", "-f", str(SAMPLE))
    assert script("-n", namespace, "--app", "todo", "--dry-run") == "secret/todo-db: url: would be written\n"
    assert api.find("Secret", "todo-db", namespace) is None
    script("-n", namespace, "--app", "todo", "--stdin", stdin=f"todo-db/url={canary}\n")
    assert value(api, namespace) == canary


def test_an_app_that_generates_its_values_wants_none(script: Script, namespace: str) -> None:
    said = script("-n", namespace, "-f", str(REPOSITORY / "manifests" / "local" / "todo.yaml"))
    assert said == "no Secret is wanted: this app takes no value from one\n"


@pytest.mark.parametrize(("answers", "words"), [
    (["one", "two"], "the two values for todo-db/url are not the same"),
    (["", ""], "an empty value for todo-db/url"),
])
def test_a_slip_at_the_terminal_writes_nothing(script: Script, api: Api, namespace: str, answers: list[str],
                                               words: str) -> None:
    code, shown = script.typed("-n", namespace, "-f", str(SAMPLE), answers=answers)
    assert code == 1 and words in shown, shown
    assert api.find("Secret", "todo-db", namespace) is None


@pytest.mark.parametrize(("arguments", "stdin", "code", "words"), [
    ([], None, 2, "nothing is wanted"),
    (["--bogus"], None, 2, "an unknown argument"),
    (["--key"], None, 2, "--key needs a value"),
    (["--key", "no-key"], None, 2, "NAME/KEY is wanted"),
    (["--key", "UPPER/key"], None, 2, "NAME/KEY is wanted"),
    (["--from-file", "a/b"], None, 2, "--from-file takes NAME/KEY=FILE"),
    (["--from-file", "a/b=/nowhere/file"], None, 1, "cannot read the file /nowhere/file"),
    (["--generate", "a/b=many"], None, 2, "--generate takes NAME/KEY=BYTES"),
    (["--app", "nobody"], None, 1, "there is no such app: nobody"),
    (["-f", "/nowhere/app.yaml"], None, 1, "no app can be read from /nowhere/app.yaml"),
    (["--stdin"], "no value here\n", 1, "a line of stdin is not NAME/KEY=VALUE"),
    (["--key", "a/b", "--stdin"], "a/c=x\n", 1, "stdin had no line for a/b"),
    (["--key", "a/b"], None, 1, "there is no terminal to ask for a/b"),
])
def test_what_makes_no_sense_is_refused(script: Script, namespace: str, arguments: list[str], stdin: str | None, code: int,
                                        words: str) -> None:
    assert words in script("-n", namespace, *arguments, stdin=stdin, code=code)


def test_what_slipped_into_the_arguments_is_not_repeated(script: Script, canary: str) -> None:
    assert canary not in script(f"--value={canary}", code=2)
    assert canary not in script("--key", f"todo-db={canary}", code=2)


def test_a_namespace_that_is_not_there_is_told(script: Script) -> None:
    said = script("-n", "nowhere", "--stdin", stdin="a/b=x\n", code=1)
    assert 'namespaces "nowhere" not found' in said and "secret/a could not be written" in said


def test_help_names_every_flag(script: Script, make_namespace: Callable[[], str]) -> None:
    shown = script("--help")
    for flag in re.findall(r"--[a-z-]+", SCRIPT.read_text().split("read_arguments()")[1].split("esac")[0]):
        assert flag in shown, flag
