"""Waiting for a condition, with a deadline, and saying what was seen last.

Nothing in the tests sleeps for a fixed time: they say what they wait for, and for how long at most.
"""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from support.api import ApiError

T = TypeVar("T")

# Sanitizer builds and busy machines are slower in all things alike, so the deadlines stretch together. (A sanitizer
# takes more memory and CPU as well: the limits of those stretch with it.)
DEADLINE_FACTOR = float(os.environ.get("TODOAPP_TEST_DEADLINE_FACTOR", "1"))

FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.25
SHOWN_CHARACTERS = 4000
# Who looks four times a second and was away for longer stood still, and perhaps with him those whom he looks at.
LONGEST_CALM_SECONDS = 0.5


class Calm:
    """For how long something stays the same, as far as somebody looks: what a machine stands still for does not count."""

    def __init__(self) -> None:
        self._seen: object = object()
        self._at = 0.0
        self._seconds = 0.0

    def seconds(self, seen: object) -> float:
        """Since `seen` first was what it is now."""
        now = time.monotonic()
        self._seconds = self._seconds + min(now - self._at, LONGEST_CALM_SECONDS) if seen == self._seen else 0.0
        self._seen, self._at = seen, now
        return self._seconds


def eventually(check: Callable[[], T], what: str, deadline: float = 60.0) -> T:
    """Asks `check` until it answers something true, and returns that.

    False answers, failed assertions, refusals of the API server and parts of an object that are not there all mean
    "not yet"; the last of them is in the message when the deadline passes. Any other exception ends the wait.
    """
    start = time.monotonic()
    limit = start + deadline * DEADLINE_FACTOR
    pause = FIRST_PAUSE_SECONDS
    while True:
        # Judged before asking: the condition always gets one look that began after the limit was near.
        last_look = time.monotonic() >= limit
        try:
            answer = check()
            if answer:
                return answer
            seen = show(answer)
        except AssertionError as refusal:
            seen = str(refusal) or "an assertion failed, without a word"
        except ApiError as refusal:
            seen = str(refusal)
        except (LookupError, ValueError) as missing:
            seen = f"{type(missing).__name__}: {missing} ({_place(missing)})"
        if last_look:
            waited = time.monotonic() - start
            raise AssertionError(f"waited {waited:.1f} s for: {what}\nlast seen: {seen}")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


def _place(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}: {frame.line}"


def show(value: Any) -> str:
    """The value as a person wants to read it in a failure."""
    if isinstance(value, str):
        text = value
    else:
        try:
            text = json.dumps(value, indent=1, default=str)
        except (TypeError, ValueError):
            text = repr(value)
    if len(text) > SHOWN_CHARACTERS:
        return text[:SHOWN_CHARACTERS] + f"\n... ({len(text) - SHOWN_CHARACTERS} characters more)"
    return text
