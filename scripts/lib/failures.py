#!/usr/bin/env python3
"""Says once more, in a few lines each, why tests failed: what stands at the end of a long log is what is read.

    failures.py JUNIT     the report that `ctest --output-junit` wrote

Of a test's output the lines that tell are shown, pytest's and GoogleTest's, or else the last ones.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

# `E   ` is how pytest shows an error, and these words how both name a test that failed.
TELLING = re.compile(r"^(?:E   |FAILED |ERROR |\[  FAILED  \])|: Failure$|Sanitizer: ")
LINES_EACH = 10
COLUMNS = 240


def telling_lines(output: str) -> list[str]:
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    told = []
    for number, line in enumerate(lines):
        if TELLING.search(line):
            told.append(line)
            if line.endswith(": Failure"):
                told += lines[number + 1:number + 3]
    if len(told) > LINES_EACH:
        # The first error is the cause more often than the last; the names of the tests stand at the end.
        told = [*told[:LINES_EACH // 2], *told[-LINES_EACH // 2:]]
    return told or lines[-LINES_EACH:]


def failures(report: Path) -> list[str]:
    said = []
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        skipped = case.find("skipped")
        # ctest gives a test that skipped itself the status of one that could not be started.
        if case.get("status") in ("run", "disabled") or (skipped is not None and skipped.get("message", "").startswith("SKIP_")):
            continue
        seconds = float(case.get("time", "0"))
        said.append(f"{case.get('name')} failed after {seconds:.0f} s:")
        output = case.findtext("system-out") or ""
        said += [f"  {line[:COLUMNS]}" for line in telling_lines(output) or ["(it printed nothing; was it ended at its bound?)"]]
    return said


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print("\n".join(failures(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
