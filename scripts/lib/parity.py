"""The same checks of the Todo app at two addresses; run by scripts/verify-parity.sh.

A check is a function that asks one app and tells what it saw, with nothing in it that may differ (ids, times, nonces). It
fails where the answer is wrong in itself: two apps that are broken in the same way are not in parity.
"""

from __future__ import annotations

import argparse
import difflib
import json
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import parity_page
import parity_rest
from parity_rest import App, Check
from support.browser import chromium
from support.todo_servers import PAGE_SERVER, backend_alone, page_alone

SHOWN_LINES = 30


class Seen(NamedTuple):
    """What a check saw at one app; `wrong` says why that is wrong in itself."""

    told: Any
    wrong: str = ""


def look(check: Check, app: App) -> Seen:
    try:
        return Seen(check.run(app))
    except Exception as failure:  # noqa: BLE001 - whatever it is, it is this check's result
        return Seen(None, f"{type(failure).__name__}: {failure}")


def compare(check: Check, alone: App, cluster: App) -> bool:
    """Prints one line for a check, more where the two differ."""
    one, other = look(check, alone), look(check, cluster)
    same, right = one == other, not one.wrong and not other.wrong
    verdict = "same" if same and right else "different" if not same else "wrong"
    print(f"  {verdict:<10} {check.name}", flush=True)
    if not same:
        for line in differences(one, other):
            print(f"             {line}")
    elif not right:
        print(f"             both: {one.wrong.splitlines()[0]}")
    return verdict == "same"


def differences(one: Seen, other: Seen) -> list[str]:
    def lines(seen: Seen) -> list[str]:
        return (seen.wrong or json.dumps(seen.told, indent=1, ensure_ascii=False)).splitlines()

    found = [line for line in difflib.unified_diff(lines(one), lines(other), "alone", "cluster", lineterm="", n=1)
             if not line.startswith("@@")]
    more = len(found) - SHOWN_LINES
    return found[:SHOWN_LINES] + ([f"... and {more} lines more"] if more > 0 else [])


@contextmanager
def app_alone(backend: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="todo-alone-") as place:
        api = backend_alone(backend, Path(place))
        page = page_alone(PAGE_SERVER, Path(place), api.address)
        try:
            api.start()
            yield page.start().address
        finally:
            page.stop()
            api.stop()


def verify(alone: str, cluster: str, with_page: bool) -> int:
    began = time.monotonic()
    mark = f"parity-{secrets.token_hex(4)}"
    apps = App(alone, mark), App(cluster, mark)
    for app in apps:
        if not app.answers():
            print(f"error: {app.address} does not answer /health as the Todo page does", file=sys.stderr)
            return 2
    results = []
    with ExitStack() as cleanup:
        for app in apps:
            cleanup.callback(app.clear)
        print("REST")
        results += [compare(check, *apps) for check in parity_rest.CHECKS]
        if with_page:
            print("Page")
            with tempfile.TemporaryDirectory(prefix="todo-parity-") as pictures, chromium(Path(pictures)) as browser:
                results += [compare(check, *apps) for check in parity_page.checks(browser)]
    same = sum(results)
    seconds = time.monotonic() - began
    print(f"{len(results)} checks in {seconds:.0f} s: {same} the same and right, {len(results) - same} not")
    return 0 if same == len(results) else 1


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cluster", required=True)
    parser.add_argument("--alone")
    parser.add_argument("--backend", type=Path)
    parser.add_argument("--no-page", action="store_true")
    given = parser.parse_args()
    # Whoever ends this early must not leave behind what it started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        alone = given.alone or stack.enter_context(app_alone(given.backend))
        print(f"alone    {alone}{'' if given.alone else ' (started for this)'}")
        print(f"cluster  {given.cluster}")
        return verify(alone, given.cluster, not given.no_page)


if __name__ == "__main__":
    sys.exit(main())
