"""Images that cannot be pulled: a registry that says no is believed after a minute, one that does not answer is waited
for. The pulls began with the session, so that their minute passes beside other tests."""

from __future__ import annotations

import pytest

from support.api import Object
from support.todo_app import BACKEND_IMAGE
from support.trials import Trial

GRACE_SECONDS = 60.0
# A pod is born, and its failure seen, when a busy machine comes to it. The progress deadline is ten minutes.
LATE_SECONDS = 45.0
FAILED_SECONDS = 180.0
BACK_SECONDS = 120.0


@pytest.mark.parametrize(("name", "words"), [("missing", "not found"), ("private", "401 Unauthorized")])
def test_an_image_that_the_registry_refuses_fails_after_the_grace_and_is_rolled_back(
        pulls: dict[str, Trial], name: str, words: str) -> None:
    trial = pulls[name]
    failed = trial.wait_outcome(2, "Failed", FAILED_SECONDS)
    asked = trial.timeline.first("Deployment", "todo-backend", asks_for_another, trial.began)
    assert asked is not None
    # A pod's birth is known to the second.
    assert GRACE_SECONDS - 1 <= failed.at - asked.at < GRACE_SECONDS + LATE_SECONDS
    trial.wait_reason("RolledBack", BACK_SECONDS)
    failure = trial.failure
    assert (failure["reason"], failure["tier"], failure["container"]) == ("ImagePullBackOff", "backend", "backend")
    assert words in failure["message"]
    assert trial.outcomes(3) == ["", "Succeeded"]
    assert trial.versions("backend") == {"1.0.0"}
    trial.assert_the_pods_of_before_serve()


def asks_for_another(deployment: Object) -> bool:
    return bool(deployment["spec"]["template"]["spec"]["containers"][0]["image"] != BACKEND_IMAGE)


def test_a_registry_that_does_not_answer_is_waited_for_and_another_image_supersedes(pulls: dict[str, Trial]) -> None:
    trial = pulls["unavailable"]
    trial.wait_progress_deadline("backend", FAILED_SECONDS)
    # By then the others have failed: this one is past all their deadlines.
    pulls["missing"].wait_outcome(2, "Failed", FAILED_SECONDS)
    said = trial.app.condition("Ready")
    assert said["reason"] == "Progressing"
    assert "waits for ImagePullBackOff" in said["message"] and "503" in said["message"]
    assert trial.outcomes(2) == [""]
    trial.change({"backend": {"image": "localhost/todo-backend:1.2.0"}, "upgrade": {"progressDeadlineSeconds": 600}})
    trial.app.wait_ready(BACK_SECONDS)
    assert trial.outcomes(2) == ["", "Superseded"]
    assert trial.versions("backend") == {"1.2.0"}
