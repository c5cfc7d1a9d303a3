"""Images that cannot be pulled: a registry that says no is believed after a minute, one that does not answer is waited
for. The pulls began with the session, so that their minute passes beside other tests."""

from __future__ import annotations

import pytest

from support.trials import Trial

GRACE_SECONDS = 60.0
FAILED_SECONDS = 100.0
BACK_SECONDS = 60.0


@pytest.mark.parametrize(("name", "words"), [("missing", "not found"), ("private", "401 Unauthorized")])
def test_an_image_that_the_registry_refuses_fails_after_the_grace_and_is_rolled_back(
        pulls: dict[str, Trial], name: str, words: str) -> None:
    trial = pulls[name]
    failed = trial.wait_outcome(2, "Failed", FAILED_SECONDS)
    # A pod's birth is known to the second.
    assert GRACE_SECONDS - 1 <= trial.seconds(failed) < GRACE_SECONDS + 15
    trial.wait_reason("RolledBack", BACK_SECONDS)
    failure = trial.failure
    assert (failure["reason"], failure["tier"], failure["container"]) == ("ImagePullBackOff", "backend", "backend")
    assert words in failure["message"]
    assert trial.outcomes(3) == ["", "Succeeded"]
    assert trial.versions("backend") == {"1.0.0"}
    for tier, pods in trial.served_before.items():
        assert trial.serving(tier) == pods


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
