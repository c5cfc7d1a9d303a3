"""The operator dies, or loses an answer, at each single write: what it comes to must be what it comes to undisturbed.

The writes are those that an undisturbed life of an app makes (life.py, phases.py); what a life comes to is compared
whole (support/end_state.py), and watches see what was made, deleted and rewritten on the way (support/births.py).

Broken once each, to see these tests fail:
- a revision whose number is taken (its own, by an answer that was lost) is recorded once more under the next number:
  `the_end_is_that_of_an_undisturbed_life` and `nothing_is_made_twice_or_deleted`, with events late, at each `create
  controllerrevisions`;
- generated values are made anew at each sealing instead of being read from the keys: `the_end_...`, killed, at the
  frontend's sealed Secret of the install;
- only the process that saw a rollout fail rolls it back: `the_end_...`, killed, at the outcome of the failed upgrade;
- an unanswered create is labelled and applied again instead of being left to the watch (as it once was):
  `no_write_of_its_own_is_taken_for_somebody_elses`, with events late, at each Deployment, Service and ConfigMap.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from life import FAULTS, Trial
from lives import Lives
from phases import PHASES
from support.end_state import differences

PHASE_NAMES = [phase.name for phase in PHASES]


def test_two_undisturbed_lives_come_to_the_same(lives: Lives) -> None:
    one, other = lives.undisturbed
    assert not other.error, other.error
    for phase in PHASE_NAMES:
        assert not differences(other.endings[phase].state, one.endings[phase].state), phase
        assert other.endings[phase].births == one.endings[phase].births


def test_undisturbed_nothing_is_deleted_and_everything_is_made_once(lives: Lives) -> None:
    births = lives.undisturbed[0].endings[PHASE_NAMES[-1]].births
    # Of sealed Secrets' names only the beginnings are noted: the backend got its second by the rotation, then a third.
    seconds = {what: count for what, count in births.items() if count != 1}
    assert seconds == {"ADDED Secret todo-backend-secrets-*": 3}, births
    assert not [what for what in births if what.startswith("DELETED")], births


@pytest.mark.parametrize("phase", PHASE_NAMES)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_end_is_that_of_an_undisturbed_life(lives: Lives, fault: str, phase: str) -> None:
    assert_none(lives.trials(fault, phase), lambda trial: [trial.error, *trial.differences])


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_made_twice_or_deleted(lives: Lives, fault: str) -> None:
    assert_none(lives.trials(fault), lambda trial: trial.births)


@pytest.mark.parametrize("fault", FAULTS)
def test_no_revision_number_is_used_twice_and_no_record_rewritten(lives: Lives, fault: str) -> None:
    assert_none(lives.trials(fault), lambda trial: trial.rewritten)


@pytest.mark.parametrize("fault", FAULTS)
def test_when_all_is_done_a_new_operator_writes_nothing(lives: Lives, fault: str) -> None:
    errors = [life.error for life in lives.of(fault) if life.error]
    assert not errors, "\n".join(errors)


@pytest.mark.parametrize("fault", FAULTS)
def test_no_write_of_its_own_is_taken_for_somebody_elses(lives: Lives, fault: str) -> None:
    drifts = [drift for life in lives.of(fault) for drift in life.drifts]
    assert not drifts, "\n".join(drifts)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_write_was_struck(lives: Lives, fault: str) -> None:
    # A status is written at most once a second: a quick life has fewer of them, but one in each phase.
    missed = [f"{trial.write} of {trial.phase}" for trial in lives.trials(fault)
              if not trial.happened and not (trial.write.is_status and trial.write.nth > 1)]
    assert not missed


def assert_none(trials: list[Trial], wrong: Callable[[Trial], list[str]]) -> None:
    assert trials
    bad = [f"after {trial.write} of {trial.phase}:\n" + "\n".join(filter(None, wrong(trial)))
           for trial in trials if any(wrong(trial))]
    assert not bad, f"{len(bad)} of {len(trials)}\n" + "\n".join(bad)
