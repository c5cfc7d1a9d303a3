"""Rotated secrets of each kind, rollbacks across a rotation, the names of sealed Secrets, and lost keys."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable

import pytest
from support import pod_simulator as pods
from support.api import Api, Object
from support.pod_simulator import PodSimulator
from support.revisions import (
    GENERATED,
    LIVE,
    NO_PODS,
    PINNED,
    cause,
    footprint,
    image,
    install,
    numbers,
    put_secret,
    rollback_of,
    sealed_names,
    template_of,
    values_in,
    values_used,
    wait_outcome,
)
from support.todo_app import TIERS, TodoApp, environment, merged
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("operator")

Note = Callable[[str], str]
TOKEN: Object = {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "todo-api", "key": "token"}},
                 "policy": "Pinned", "tiers": ["frontend", "backend"]}
KEYS = "todo-keys"


def generated_value(app: TodoApp) -> str:
    """The one that both tiers are given."""
    values = {values_used(app, tier)["SESSION_KEY"] for tier in TIERS}
    assert len(values) == 1, "the tiers do not agree"
    return values.pop()


def kept_value(app: TodoApp) -> str:
    return values_in(app.api.get("Secret", KEYS, app.namespace))["SESSION_KEY"]


def test_a_live_secret_restarts_only_the_tiers_that_use_it(app: TodoApp, api: Api, secrets: Note) -> None:
    both = {**LIVE, "name": "SHARED", "valueFrom": {"secretKeyRef": {"name": "shared", "key": "url"}},
            "tiers": ["frontend", "backend"]}
    web = {**LIVE, "name": "WEB_KEY", "valueFrom": {"secretKeyRef": {"name": "todo-db", "key": "web"}},
           "tiers": ["frontend"]}
    put_secret(api, app, secrets("canary-shared-1"), name="shared")
    values = {"url": secrets("canary-db-1"), "web": secrets("canary-web-1")}
    api.create({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "todo-db", "namespace": app.namespace},
                "stringData": values})
    install(app, {**NO_PODS, "secrets": [LIVE, both, web]})
    first = {tier: template_of(app, tier) for tier in TIERS}
    api.patch("Secret", "todo-db", app.namespace, {"stringData": {"url": secrets("canary-db-2")}})
    eventually(lambda: template_of(app, "backend") != first["backend"], "the tier that uses that key to restart")
    app.wait_ready()
    assert template_of(app, "frontend") == first["frontend"], "it uses another key of that Secret"
    second = template_of(app, "backend")
    put_secret(api, app, secrets("canary-shared-2"), name="shared")
    eventually(lambda: template_of(app, "backend") != second and template_of(app, "frontend") != first["frontend"],
               "both tiers to restart")
    app.wait_ready()
    assert numbers(app) == [1]


def test_a_pinned_secret_is_rolled_out_as_a_revision_and_only_where_it_is_used(
        app: TodoApp, api: Api, secrets: Note) -> None:
    put_secret(api, app, secrets("canary-rolled-1"))
    install(app, {"secrets": [PINNED]})
    frontend = app.child("Deployment", "frontend")["metadata"]["generation"]
    put_secret(api, app, secrets("canary-rolled-2"))
    wait_outcome(app, 2)
    assert cause(app, 2) == "secret values"
    assert values_used(app, "backend") == {"DATABASE_URL": "canary-rolled-2"}
    assert app.child("Deployment", "frontend")["metadata"]["generation"] == frontend
    # Neither another key of the source nor the same value once more is a change.
    api.patch("Secret", "todo-db", app.namespace, {"stringData": {"unused": "changed"}})
    app.patch({"backend": {"disruptionBudget": {"maxUnavailable": 1}}})
    app.wait_ready()
    assert numbers(app) == [1, 2]


def test_a_generated_value_is_rotated_once_for_each_token(app: TodoApp, secrets: Note) -> None:
    install(app, {**NO_PODS, "secrets": [GENERATED]})
    values = [secrets(generated_value(app))]
    for number, token in ((2, "monday"), (3, "tuesday")):
        app.annotate(rotate=token)
        wait_outcome(app, number)
        values.append(secrets(generated_value(app)))
        assert kept_value(app) == values[-1]
        app.annotate(rotate=token)
    assert len(set(values)) == 3
    app.annotate(rotate=None)
    app.patch({"config": {"STEP": "2"}})
    wait_outcome(app, 4)
    app.wait_ready()
    assert generated_value(app) == values[-1], "to take the token away asks for nothing"
    assert cause(app, 2) == "secret values"
    assert numbers(app) == [1, 2, 3, 4]


def test_generated_values_stay_through_upgrades_and_beside_new_ones(app: TodoApp, secrets: Note) -> None:
    install(app, {**NO_PODS, "secrets": [GENERATED]})
    value = secrets(generated_value(app))
    another = {**GENERATED, "name": "CSRF_KEY"}
    app.patch({"backend": {"image": image("backend", "1.1.0")}, "secrets": [GENERATED, another]})
    wait_outcome(app, 2)
    assert generated_value(app) == value
    assert secrets(values_used(app, "frontend")["CSRF_KEY"]) != value
    longer = {**GENERATED, "generate": {"bytes": 64}}
    app.patch({"secrets": [longer, another]})
    app.wait_ready()
    assert generated_value(app) == value, "the length counts for the first value and when it is rotated"
    app.annotate(rotate="longer")
    eventually(lambda: len(base64.urlsafe_b64decode(generated_value(app) + "==")) == 64, "the new length")


def test_a_requested_rollback_brings_pinned_values_back_and_keeps_live_and_generated_ones(
        app: TodoApp, api: Api, secrets: Note) -> None:
    put_secret(api, app, secrets("canary-across-live-1"))
    put_secret(api, app, secrets("canary-across-pinned-1"), name="todo-api", key="token")
    install(app, {**NO_PODS, "secrets": [LIVE, TOKEN, GENERATED]})
    old = secrets(generated_value(app))
    put_secret(api, app, secrets("canary-across-pinned-2"), name="todo-api", key="token")
    wait_outcome(app, 2)
    app.annotate(rotate="once")
    wait_outcome(app, 3)
    today = secrets(generated_value(app))
    before = template_of(app, "backend")
    put_secret(api, app, secrets("canary-across-live-2"))
    eventually(lambda: template_of(app, "backend") != before, "the restart for the live value")
    restarted = template_of(app, "backend")["metadata"]["annotations"]
    app.patch({"rollback": {"toRevision": 1}})
    app.wait_ready(reason="RolledBackOnRequest")
    assert rollback_of(app, 4) == "1"
    for tier in TIERS:
        assert values_used(app, tier) == {"API_TOKEN": "canary-across-pinned-1", "SESSION_KEY": today}
    reference = environment(app.container("backend"))["DATABASE_URL"]["secretKeyRef"]
    assert reference == {"name": "todo-db", "key": "url"}, "the pod reads today's value itself"
    assert template_of(app, "backend")["metadata"]["annotations"] == restarted
    assert old != today
    before_settling = footprint(app)
    app.patch({"backend": {"disruptionBudget": {"maxUnavailable": 1}}})
    app.wait_ready(reason="RolledBackOnRequest")
    assert (numbers(app), footprint(app)) == ([1, 2, 3, 4], before_settling)


def test_an_automatic_rollback_across_a_rotation_returns_to_the_last_good_revision_as_it_was(
        app: TodoApp, api: Api, simulator: PodSimulator, secrets: Note) -> None:
    simulator.behave(pods.invalid_image_name(), namespace=app.namespace, image=image("backend", "bad"))
    put_secret(api, app, secrets("canary-auto-1"), name="todo-api", key="token")
    install(app, {"secrets": [TOKEN, GENERATED]})
    first, values = {tier: template_of(app, tier) for tier in TIERS}, values_used(app, "backend")
    app.patch({"suspend": True})
    app.wait_condition("Ready", "False", "Suspended")
    put_secret(api, app, secrets("canary-auto-2"), name="todo-api", key="token")
    app.annotate(rotate="with the upgrade")
    app.patch({"suspend": False, "backend": {"image": image("backend", "bad")}})
    app.wait_condition("Ready", "False", "RolledBack")
    assert {tier: template_of(app, tier) for tier in TIERS} == first
    assert values_used(app, "backend") == values
    app.patch({"backend": {"image": image("backend", "1.1.0")}})
    app.wait_ready()
    assert values_used(app, "backend")["API_TOKEN"] == "canary-auto-2"
    assert values_used(app, "backend")["SESSION_KEY"] == kept_value(app) != values["SESSION_KEY"]


def test_the_name_of_a_sealed_secret_gives_no_guess_of_its_values(app: TodoApp, api: Api, secrets: Note) -> None:
    value = secrets("password1")
    other = TodoApp(api, app.namespace, "other")
    put_secret(api, app, value)
    for one in (app, other):
        install(one, {**NO_PODS, "secrets": [PINNED]})
    hashes = {sealed.rsplit("-", 1)[1] for one in (app, other) for sealed in sealed_names(one, "Secret")}
    assert len(hashes) == 2, "two apps with one value have one hash"
    encoded = base64.b64encode(value.encode()).decode()
    guesses = [value, encoded, f"DATABASE_URL={value}", json.dumps({"DATABASE_URL": value}, separators=(",", ":")),
               json.dumps({"DATABASE_URL": encoded}, separators=(",", ":"))]
    for guess in guesses:
        for algorithm in ("sha256", "sha1", "md5"):
            digest = hashlib.new(algorithm, guess.encode()).hexdigest()
            assert not [name for name in hashes if name in digest], f"{algorithm} of {guess}"


def test_the_same_value_again_is_the_same_sealed_secret(app: TodoApp, api: Api, secrets: Note) -> None:
    put_secret(api, app, secrets("canary-again-1"))
    install(app, {**NO_PODS, "secrets": [PINNED]})
    first = app.in_use("Secret", "backend")["metadata"]["name"]
    put_secret(api, app, secrets("canary-again-2"))
    wait_outcome(app, 2)
    put_secret(api, app, "canary-again-1")
    wait_outcome(app, 3)
    assert app.in_use("Secret", "backend")["metadata"]["name"] == first
    assert len(sealed_names(app, "Secret")) == 2


@pytest.mark.parametrize("kept", [[GENERATED], [PINNED], [GENERATED, TOKEN]],
                         ids=["generated", "pinned", "generated and pinned"])
def test_deleted_keys_are_made_again_and_no_pod_restarts(
        app: TodoApp, api: Api, secrets: Note, kept: list[Object]) -> None:
    put_secret(api, app, secrets("canary-keys-1"))
    put_secret(api, app, secrets("canary-keys-2"), name="todo-api", key="token")
    install(app, {"secrets": kept})
    if GENERATED in kept:
        app.annotate(rotate="once")
        wait_outcome(app, 2)
        app.wait_ready()
    before, values = footprint(app), values_used(app, "backend")
    old = api.get("Secret", KEYS, app.namespace)
    recorded = numbers(app)
    api.delete("Secret", KEYS, app.namespace)
    again = eventually(lambda: api.get("Secret", KEYS, app.namespace), "the keys to be back")
    assert again["metadata"]["uid"] != old["metadata"]["uid"]
    if GENERATED in kept:
        assert values_in(again)["SESSION_KEY"] == values["SESSION_KEY"]
    # Lost once more while nobody looks, and the token with it.
    app.annotate(rotate=None)
    app.patch({"suspend": True})
    app.wait_condition("Ready", "False", "Suspended")
    api.delete("Secret", KEYS, app.namespace)
    app.patch({"suspend": False})
    app.wait_ready()
    eventually(lambda: api.get("Secret", KEYS, app.namespace), "the keys to be back")
    assert (numbers(app), footprint(app), values_used(app, "backend")) == (recorded, before, values)
    assert sealed_names(app, "Secret") == {name for number in recorded for name in uses(app, number)}


def uses(app: TodoApp, number: int) -> set[str]:
    data = app.revision(number)["data"]
    return {data[tier]["secretsName"] for tier in TIERS if "secretsName" in data[tier]}


def test_after_the_keys_were_lost_a_rotation_works_as_before(app: TodoApp, api: Api, secrets: Note) -> None:
    install(app, merged(NO_PODS, {"secrets": [GENERATED]}))
    old = secrets(generated_value(app))
    api.delete("Secret", KEYS, app.namespace)
    eventually(lambda: api.get("Secret", KEYS, app.namespace), "the keys to be back")
    app.annotate(rotate="once")
    wait_outcome(app, 2)
    assert secrets(generated_value(app)) == kept_value(app) != old
