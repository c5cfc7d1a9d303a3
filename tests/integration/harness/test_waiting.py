"""The harness judges the operator; here it is judged itself."""

import pytest

from support.api import ApiError
from support.waiting import eventually


def test_a_condition_that_comes_true_is_waited_for_and_returned() -> None:
    answers = iter([None, 0, "", "here"])
    assert eventually(lambda: next(answers), "an answer", deadline=60) == "here"


def test_a_deadline_that_passes_says_what_was_waited_for_and_what_was_seen_last() -> None:
    with pytest.raises(AssertionError) as failure:
        eventually(lambda: {}, "the moon", deadline=0.1)
    assert "for: the moon" in str(failure.value)
    assert "last seen: {}" in str(failure.value)


def test_a_failed_assertion_is_shown_as_what_was_seen_last() -> None:
    def check() -> bool:
        assert not [1], "one is not two"
        return True

    with pytest.raises(AssertionError, match="one is not two"):
        eventually(check, "arithmetic", deadline=0.1)


def test_a_refusal_of_the_api_server_is_waited_out() -> None:
    refusals = [ApiError(404, "NotFound", "no such pod", "GET /pods/x")]

    def check() -> bool:
        if refusals:
            raise refusals.pop()
        return True

    assert eventually(check, "the pod", deadline=60)


def test_any_other_error_ends_the_wait_at_once() -> None:
    def check() -> bool:
        raise RuntimeError("the operator has ended")

    with pytest.raises(RuntimeError, match="has ended"):
        eventually(check, "nothing", deadline=60)


def test_a_condition_gets_one_look_even_with_no_time_left() -> None:
    assert eventually(lambda: True, "what is there already", deadline=0)


def test_a_part_of_an_object_that_is_not_there_yet_is_waited_for_and_named() -> None:
    with pytest.raises(AssertionError, match="KeyError: 'status'.*test_waiting.py"):
        eventually(lambda: dict[str, str]()["status"], "a status", deadline=0.1)
