"""What the user sees: progress on stderr (stdout is for results), and errors."""

import sys
import time

_STARTED = time.monotonic()


class Refused(Exception):
    """Something that the user can do something about; its text says what."""


def elapsed():
    return time.monotonic() - _STARTED


def say(text):
    print(f"[{elapsed():6.1f}s] {text}", file=sys.stderr, flush=True)


def wait_until(seconds, what, probe, every=0.05):
    """Polls `probe` until it is true; a probe may raise Refused to give up early."""
    deadline = time.monotonic() + seconds
    while True:
        result = probe()
        if result:
            return result
        if time.monotonic() >= deadline:
            raise Refused(f"{what}: not so after {seconds} s")
        time.sleep(every)
