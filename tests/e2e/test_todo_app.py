"""The Todo app itself, of the images of docker/, as scripts/deploy-local.sh deploys it: used in a browser, upgraded with a
migration, upgraded badly, its secret rotated, taken back on request, deleted; and all the while clients read and write.

Each stage builds on the one before it, so each is a fixture; what the clients saw is judged stage by stage.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import yaml

from support.api import Object
from support.browser import Browser, chromium
from support.control_plane import REPOSITORY
from support.real_node import RealCluster, environments_in
from support.todo_app import TIERS, merged
from support.todo_client import TodoClient, Writer
from support.todo_page import Mouse, TodoPage, todo_flow
from support.todo_servers import BACKEND, PAGE_SERVER, backend_alone, page_alone
from support.traffic import Tally, Traffic
from support.trials import Figures, MakeTrial, Trial
from support.waiting import eventually

NODE_PORT = 30000
# A soak of ten seconds is part of each.
DONE_SECONDS = 240.0
GONE_SECONDS = 120.0

VERIFY_PARITY = REPOSITORY / "scripts" / "verify-parity.sh"
PARITY_SECONDS = 480

SAMPLE = REPOSITORY / "manifests" / "local" / "todo.yaml"
SCREENSHOTS = REPOSITORY / "build" / "log" / "screenshots"
MARK = "In the cluster:"

# Less than the defaults ask for: other apps run on this node.
SMALL: Object = {"requests": {"cpu": "20m", "memory": "64Mi"}}
WORDS = {"first": "session-word-0001", "second": "session-word-0002"}

# What an app leaves behind is looked for among these.
KINDS = ["ConfigMap", "ControllerRevision", "Deployment", "Job", "Pod", "ReplicaSet", "Secret", "Service"]


def migration(version: int) -> Object:
    return {"command": ["todo-backend", "migrate"], "schemaVersion": version, "compatibleFrom": 1}


class Stage(NamedTuple):
    done: float  # seconds until Ready said that it is over
    seen: Tally  # by the readers, meanwhile
    faults: list[str]  # of the writer, meanwhile


class House:
    """The app, whoever uses it, and what they have been told."""

    def __init__(self, trial: Trial, address: str, push: Callable[[str, str], str]) -> None:
        self.trial = trial
        self.address = address
        self.push = push
        self.todos = TodoClient(address)
        self.readers = Traffic([f"{address}/", f"{address}/api/todos?limit=5"])
        self.writer = Writer(self.todos)

    def images(self, tag: str) -> Object:
        return {tier: {"image": self.push(f"todo-{tier}", tag)} for tier in TIERS}

    def put_word(self, word: str) -> None:
        meta = {"name": "session", "namespace": self.trial.app.namespace}
        self.trial.api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": {"word": word}})

    def change(self, spec: Object, reason: str) -> Stage:
        faults = len(self.writer.faults)
        self.trial.change(spec)
        done = self.trial.wait_reason(reason, DONE_SECONDS)
        return Stage(self.trial.seconds(done), self.readers.since(self.trial.began), self.writer.faults[faults:])

    def words(self, tier: str) -> set[str]:
        """What the processes of a tier have as their secret."""
        return {variables["SESSION_KEY"] for pod in self.trial.pods(tier) for variables in environments_in(pod)
                if "SESSION_KEY" in variables}


@pytest.fixture(scope="module")
def house(make_trial: MakeTrial, cluster: RealCluster, pushed: Callable[[str, str], str],
          module_secrets: list[str]) -> Iterator[House]:
    module_secrets += WORDS.values()
    made = House(make_trial("todo-app"), f"http://{cluster.node_address}:{NODE_PORT}", pushed)
    yield made
    made.readers.stop()
    made.writer.stop()


@pytest.fixture(scope="module")
def installed(house: House) -> float:
    """As a release before the newest schema: seconds until Ready."""
    claim, sample = yaml.safe_load_all(SAMPLE.read_text())
    namespace = house.trial.app.namespace
    house.trial.api.create(merged(claim, {"metadata": {"namespace": namespace}}))
    house.put_word(WORDS["first"])
    secret = {"name": "SESSION_KEY", "valueFrom": {"secretKeyRef": {"name": "session", "key": "word"}},
              "tiers": list(TIERS)}
    changes: Object = {
        "frontend": {"resources": SMALL}, "secrets": [secret], "upgrade": {"soakSeconds": None},
        "backend": {"resources": SMALL, "config": {"SCHEMA_VERSION": "1"}, "migration": migration(1)}}
    house.trial.install(sample["spec"], changes, house.images("1.0.0"))
    house.trial.app.wait_ready(DONE_SECONDS)
    return house.trial.seconds(house.trial.wait_reason("Succeeded", DONE_SECONDS))


@pytest.fixture(scope="module")
def used(house: House, installed: float) -> Browser:
    """By somebody who leaves one todo behind; from then on clients read and write."""
    with chromium(SCREENSHOTS) as browser:
        tab = browser.open(house.address)
        try:
            todo_flow(Mouse(TodoPage(tab)), MARK)
            tab.assert_clean()
        except BaseException:
            print(f"screenshots: {browser.photograph('todo-app-in-the-cluster')}")
            raise
    house.readers.start()
    house.writer.start()
    return browser


@pytest.fixture(scope="module")
def upgraded(house: House, used: Browser) -> Stage:
    new: Object = {"backend": {"config": {"SCHEMA_VERSION": None}, "migration": migration(2)}}
    return house.change(merged(house.images("1.1.0"), new), "Succeeded")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the same app, as two processes of this machine."""
    place = tmp_path_factory.mktemp("alone")
    backend = backend_alone(BACKEND, place)
    page = page_alone(PAGE_SERVER, place, backend.address)
    try:
        backend.start()
        yield page.start().address
    finally:
        page.stop()
        backend.stop()


@pytest.fixture(scope="module")
def crashed(house: House, upgraded: Stage) -> Stage:
    return house.change({"backend": {"image": "localhost/todo-backend:bad-crash"}}, "RolledBack")


@pytest.fixture(scope="module")
def rotated(house: House, crashed: Stage) -> Stage:
    """After the spec is good again, which has nothing to do: another value of the live secret."""
    house.change({"backend": {"image": house.push("todo-backend", "1.1.0")}}, "Succeeded")
    faults = len(house.writer.faults)
    house.trial.began = began = time.monotonic()
    house.put_word(WORDS["second"])

    def everywhere() -> bool:
        assert all(house.words(tier) == {WORDS["second"]} for tier in TIERS)
        house.trial.app.wait_ready(1)
        return True

    eventually(everywhere, "every process to have the new value", DONE_SECONDS)
    return Stage(time.monotonic() - began, house.readers.since(began), house.writer.faults[faults:])


@pytest.fixture(scope="module")
def asked_back(house: House, rotated: Stage) -> Stage:
    return house.change({"rollback": {"toRevision": 1}}, "RolledBackOnRequest")


def assert_nobody_was_turned_away(stage: Stage) -> None:
    # Or the clients were not there.
    assert len(stage.seen.answers) > stage.done
    assert not stage.seen.failed, str(stage.seen)
    assert not stage.faults, stage.faults


def tell(figures: Figures, what: str, stage: Stage) -> None:
    figures[f"Todo app, {what}, to Ready"] = f"{stage.done:.1f} s"
    figures[f"Todo app, {what}, clients"] = f"{stage.seen}; {len(stage.faults)} writes failed"


def test_the_app_is_ready_and_its_page_is_used_in_a_browser(
        house: House, installed: float, used: Browser, figures: Figures) -> None:
    figures["Todo app, install, apply to Ready (migration and a soak of 10 s included)"] = f"{installed:.1f} s"
    (left,) = [todo for todo in house.todos.all() if todo["title"].startswith(MARK)]
    assert (left["title"], left["completed"]) == (f"{MARK} apples", True)


def test_an_upgrade_with_a_migration_is_seen_by_nobody_and_loses_nothing(
        house: House, upgraded: Stage, figures: Figures) -> None:
    tell(figures, "upgrade with a migration", upgraded)
    assert_nobody_was_turned_away(upgraded)
    assert house.trial.outcomes(2) == ["", "Succeeded"]
    assert not missing(house)
    # Only the new schema has a place for it.
    assert house.todos.add("with a date", dueDate="2026-12-24")["dueDate"] == "2026-12-24"


def test_the_app_does_through_the_cluster_what_it_does_alone(
        house: House, upgraded: Stage, alone: str, figures: Figures) -> None:
    began = time.monotonic()
    done = subprocess.run([VERIFY_PARITY, "--alone", alone, "--cluster", house.address], capture_output=True, text=True,
                          timeout=PARITY_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures["Todo app, parity"] = f"{done.stdout.splitlines()[-1]}, {time.monotonic() - began:.0f} s in all"


def test_a_bad_image_is_taken_back_and_seen_by_nobody(house: House, crashed: Stage, figures: Figures) -> None:
    tell(figures, "bad image and automatic rollback", crashed)
    assert_nobody_was_turned_away(crashed)
    assert house.trial.outcomes(3) == ["", "Failed"] and house.trial.rollback_of(4) == 2
    assert house.trial.failure["reason"] == "CrashLoopBackOff"
    assert not missing(house)


def test_a_rotated_secret_reaches_every_process_and_is_seen_by_nobody(
        house: House, rotated: Stage, figures: Figures) -> None:
    tell(figures, "secret rotation", rotated)
    assert_nobody_was_turned_away(rotated)
    assert not missing(house)


def test_a_rollback_on_request_works_on_the_newer_schema_and_keeps_what_it_has(
        house: House, asked_back: Stage, figures: Figures) -> None:
    tell(figures, "requested rollback", asked_back)
    assert_nobody_was_turned_away(asked_back)
    assert not missing(house)
    answer = house.todos.ask("POST", json={"title": "with a date", "dueDate": "2026-12-24"})
    assert answer.status == 422 and b"schema version 2" in answer.data, answer.data


def test_an_app_that_is_deleted_leaves_the_users_own_objects_and_nothing_else(
        house: House, asked_back: Stage, figures: Figures) -> None:
    house.readers.stop()
    house.writer.stop()
    figures["Todo app, todos written meanwhile, all found again"] = str(len(house.writer.acknowledged))
    api, namespace = house.trial.api, house.trial.app.namespace
    began = time.monotonic()
    house.trial.app.delete()

    def gone() -> bool:
        left = [f"{item['kind']} {item['metadata']['name']}" for kind in KINDS for item in api.list(kind, namespace)]
        assert sorted(left) == ["ConfigMap kube-root-ca.crt", "Secret session"], left
        return True

    eventually(gone, "nothing of the app to be left", GONE_SECONDS)
    figures["Todo app, delete to nothing left"] = f"{time.monotonic() - began:.1f} s"
    assert api.get("PersistentVolumeClaim", "todo-data", namespace)["status"]["phase"] == "Bound"


def missing(house: House) -> set[str]:
    """Of what was acknowledged, and of what was typed in the browser."""
    promised = [*house.writer.acknowledged, f"{MARK} apples"]
    return set(promised) - set(house.todos.titles())
