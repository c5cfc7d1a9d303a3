"""Style checks of the whole repository: `lint.py format|tidy|shell|text`.

Each check prints what is wrong and how to mend it, and ends with 1 where anything is.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

CLANG = Path("build/clang")
# A translation unit of so many takes some 2 GiB.
TOGETHER = 12

# Paths of somebody's machine and hosts of package registries have no place in a repository.
FORBIDDEN = {
    "a path of one machine": re.compile(r"(?<![\w.])/(?:work|home/\w+)/\w"),
    "a package registry's host": re.compile(r"deb\.debian\.org|proxy\.golang\.org|pypi\.org|registry\.npmjs\.org|static\.crates\.io"),
    "a conflict marker": re.compile(r"^(?:<{7} |>{7} )", re.M),
}


def files(*patterns: str) -> list[str]:
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
                            check=True, capture_output=True, text=True).stdout.split()
    return [name for name in listed if Path(name).is_file()]


def check_format() -> int:
    sources = files("*.cpp", "*.hpp")
    result = subprocess.run(["clang-format-19", "--dry-run", "--Werror", *sources], capture_output=True, text=True)
    wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", result.stderr, re.M)))
    if wrong:
        print("not formatted; run: clang-format-19 -i " + " ".join(wrong))
    return 1 if wrong or result.returncode else 0


def check_tidy() -> int:
    if not (CLANG / "compile_commands.json").is_file():
        print("build/clang is not configured; run: cmake --preset clang && cmake --build --preset clang")
        return 1
    commands = {entry["file"]: entry["command"] for entry in json.loads((CLANG / "compile_commands.json").read_text())}
    folders: dict[Path, list[str]] = defaultdict(list)
    for name in files("controller/*.cpp", "docker/backend/*.cpp"):
        folders[Path(name).parent].append(name)
    read = bad = 0
    # One after another: ctest has other work for the other cores.
    for names in folders.values():
        if unbuilt := [name for name in names if str(Path(name).resolve()) not in commands]:
            print(f"not built by the preset clang, so not read: {' '.join(unbuilt)}; configure it again, or name them in "
                  "their folder's CMakeLists.txt")
            return 1
        for first in range(0, len(names), TOGETHER):
            batch = names[first:first + TOGETHER]
            read += len(batch)
            if said := tidy_together(batch, commands):
                bad += 1
                print(said)
    print(f"{read} files read, {bad} batches with findings")
    return 1 if bad else 0


def tidy_together(names: list[str], commands: dict[str, str]) -> str:
    """What clang-tidy says of some sources of one folder. They are read as one: most of the time goes into the headers
    that they share. Where they cannot be (each names something of its own alike) they are read one by one."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "together.cpp"
        whole.write_text("".join(f'#include "{Path(name).resolve()}"\n' for name in names))
        each = [commands[str(Path(name).resolve())] for name in names]
        own = sorted({define for command in each for define in re.findall(r" (-D\S+)", command)})
        # Warnings are the compiler's, which has given none.
        command = re.sub(r" -o \S+ -c \S+$", "", each[0]) + " ".join(["", *own, "-w", "-c", str(whole)])
        Path(folder, "compile_commands.json").write_text(
            json.dumps([{"directory": str(CLANG.resolve()), "file": str(whole), "command": command}]))
        result = subprocess.run(["clang-tidy-19", "-p", folder, "--config-file=.clang-tidy", "--quiet",
                                 "--checks=-bugprone-suspicious-include", str(whole)], capture_output=True, text=True)
    if result.returncode == 0:
        return ""
    if len(names) > 1 and "clang-diagnostic-error" in result.stdout:
        print(f"cannot be read together, so one by one: {' '.join(names)}")
        return "".join(tidy_together([name], commands) for name in names)
    return result.stdout or result.stderr


def check_shell() -> int:
    scripts = [name for name in files("*.sh", "cluster/*", ".ci/*", "scripts/*")
               if Path(name).suffix in ("", ".sh") and Path(name).open("rb").readline().startswith(b"#!")
               and b"sh" in Path(name).open("rb").readline()]
    return subprocess.run(["shellcheck", "-x", *sorted(set(scripts))]).returncode


def check_text() -> int:
    bad = 0
    for name in files():
        if name == "tests/lint/lint.py":
            continue
        try:
            text = Path(name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for what, pattern in FORBIDDEN.items():
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                print(f"{name}:{line}: {what}: {match.group()}")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit({"format": check_format, "tidy": check_tidy, "shell": check_shell, "text": check_text}[sys.argv[1]]())
