"""scripts/lib/failures.py: the end of a red run of scripts/test.sh says why it is red."""

from __future__ import annotations

import subprocess
from pathlib import Path

from support.control_plane import REPOSITORY, run

SCRIPT = REPOSITORY / "scripts" / "lib" / "failures.py"

PROJECT = r"""
cmake_minimum_required(VERSION 3.20)
project(failures NONE)
enable_testing()
add_test(NAME good COMMAND sh -c "echo 'E   of no consequence'")
add_test(NAME skips_itself COMMAND sh -c "exit 77")
set_tests_properties(skips_itself PROPERTIES SKIP_RETURN_CODE 77)
add_test(NAME of_pytest COMMAND sh -c
  "echo 'E   first cause'; seq 1 400000; echo 'E   last cause'; echo 'FAILED a.py::b'; echo '3 passed'; exit 1")
add_test(NAME of_googletest COMMAND sh -c
  "echo 'a.cpp:7: Failure'; echo 'Expected: <1>'; echo 'but: &2'; echo noise; echo '[  FAILED  ] A.B'; exit 1")
add_test(NAME of_neither COMMAND sh -c "seq 1 20; exit 1")
add_test(NAME silent COMMAND sleep 30)
set_tests_properties(silent PROPERTIES TIMEOUT 1)
add_test(NAME cannot_start COMMAND /nowhere/program)
"""


def said_of(project: str, directory: Path) -> dict[str, list[str]]:
    """What is said of each test that failed."""
    (directory / "CMakeLists.txt").write_text(project)
    run(["cmake", "-S", str(directory), "-B", str(directory / "build")])
    report = directory / "report.xml"
    subprocess.run(["ctest", "--test-dir", str(directory / "build"), "-j", "4", "--output-junit", str(report),
                    "--test-output-truncation", "head"], capture_output=True, timeout=300, check=False)
    found: dict[str, list[str]] = {}
    for line in run([str(SCRIPT), str(report)]).splitlines():
        if line.startswith("  "):
            found[list(found)[-1]].append(line.strip())
        else:
            found[line.split(" failed after ")[0]] = []
    return found


def test_each_failure_is_told_in_few_lines_and_nothing_else_is(tmp_path: Path) -> None:
    said = said_of(PROJECT, tmp_path)
    assert set(said) == {"of_pytest", "of_googletest", "of_neither", "silent", "cannot_start"}
    assert said["of_pytest"] == ["E   last cause", "FAILED a.py::b"]
    assert said["of_googletest"] == ["a.cpp:7: Failure", "Expected: <1>", "but: &2", "[  FAILED  ] A.B"]
    assert said["of_neither"] == [str(number) for number in range(11, 21)]
    assert said["silent"] == ["(it printed nothing; was it ended at its bound?)"]
    assert said["cannot_start"] == ["Unable to find executable: /nowhere/program"]
