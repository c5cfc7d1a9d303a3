"""Bad objects are refused, each for its one reason and in words that tell what to do; good ones are accepted."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator

import pytest
from crd_objects import Case, app_object, cases, dry_create, dry_update, only_complaint, root_schema, rules_of
from support.api import Api, ApiError, Object
from support.todo_app import merged

BAD = cases("bad_objects.yaml")
GOOD = cases("good_objects.yaml")

# What the cases with `existing` patch.
EXISTING: Object = {"metadata": {"name": "existing"},
                    "spec": {"backend": {"migration": {"args": ["migrate"], "schemaVersion": 5, "compatibleFrom": 1}},
                             "secrets": [{"name": "KEY", "generate": {}}]}}

Submit = Callable[[Case], Object]


@pytest.fixture(scope="module")
def submit(api: Api) -> Iterator[Submit]:
    """Sends a case as a dry run, to a namespace where one app is there already."""
    namespace = f"crd-rules-{uuid.uuid4().hex[:6]}"
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    api.create(app_object(namespace, EXISTING))

    def send(case: Case) -> Object:
        if not case.existing:
            return dry_create(api, app_object(namespace, case.patch))
        now = api.get("TodoAppDeployment", "existing", namespace)
        version = {"metadata": {"resourceVersion": now["metadata"]["resourceVersion"]}}
        # The existing object without its defaults, so that a list in the patch replaces what was written.
        return dry_update(api, app_object(namespace, merged(merged(EXISTING, version), case.patch)))

    yield send
    api.delete("Namespace", namespace)


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.given)
def test_a_bad_object_is_refused_for_its_one_reason(submit: Submit, case: Case) -> None:
    with pytest.raises(ApiError) as refusal:
        submit(case)

    assert refusal.value.status == 422, str(refusal.value)
    path, words = only_complaint(refusal.value.message)
    assert path == case.path, refusal.value.message
    assert re.search(case.says, words, re.S), refusal.value.message


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.given)
def test_a_good_object_is_accepted(submit: Submit, case: Case) -> None:
    submit(case)


def test_there_is_a_bad_object_for_every_rule_of_the_schema() -> None:
    wanted = {rule["message"] for _, rule in rules_of(root_schema())}
    untested = {message for message in wanted if not any(re.search(case.says, message, re.S) for case in BAD)}
    assert not untested, "\n".join(sorted(untested))


def test_no_two_cases_have_the_same_name() -> None:
    names = [case.given for case in BAD + GOOD]
    assert len(names) == len(set(names))


ELSEWHERE = {"name": "s", "key": "k", "namespace": "other"}


def unknown_fields() -> list[Object]:
    return [
        {"spec": {"backnd": {}}},
        {"spec": {"frontend": {"migration": {"schemaVersion": 1}}}},
        {"spec": {"backend": {"hostNetwork": True}}},
        {"spec": {"backend": {"env": [{"name": "A", "vlaue": "a"}]}}},
        {"spec": {"backend": {"env": [{"name": "A", "valueFrom": {"secretKeyRef": ELSEWHERE}}]}}},
        {"spec": {"backend": {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}}},
        {"spec": {"backend": {"volumes": [{"name": "data", "emptyDir": {}, "csi": {"driver": "a"}}]}}},
        {"spec": {"backend": {"affinity": {"nodeAffinity": {"required": {}}}}}},
        {"spec": {"backend": {"securityContext": {"pod": {"hostUsers": True}}}}},
        {"spec": {"secrets": [{"name": "A", "generate": {"length": 5}}]}},
        {"spec": {"secrets": [{"name": "A", "valueFrom": {"secretKeyRef": ELSEWHERE}}]}},
        {"spec": {"networkPolicy": {"allowFrom": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}}},
        {"status": {"phase": "Ready"}},
    ]


@pytest.mark.parametrize("changes", unknown_fields(), ids=str)
def test_an_unknown_field_is_refused(submit: Submit, changes: Object) -> None:
    with pytest.raises(ApiError, match="strict decoding error: unknown field") as refusal:
        submit(Case("", changes, False, "", ""))

    assert refusal.value.status == 400


def test_the_message_of_every_rule_tells_what_to_do() -> None:
    tells = re.compile(r"\b(must|needs?|set|choose|take|add|create|exclude|correct|takes no)\b")
    messages = {rule["message"] for _, rule in rules_of(root_schema())}
    silent = [message for message in messages if not tells.search(message)]
    assert not silent
