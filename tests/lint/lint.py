"""Style checks of the whole repository: `lint.py format|tidy|shell|text`.

Each check prints what is wrong and how to mend it, and ends with 1 where anything is.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

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
    if not Path("build/clang/compile_commands.json").is_file():
        print("build/clang is not configured; run: cmake --preset clang && cmake --build --preset clang")
        return 1
    sources = files("controller/*.cpp", "docker/backend/*.cpp")

    def tidy(source: str) -> tuple[str, int, str]:
        result = subprocess.run(["clang-tidy-19", "-p", "build/clang", "--quiet", source],
                                capture_output=True, text=True)
        return source, result.returncode, result.stdout

    bad = 0
    # One after another: ctest has other work for the other cores.
    for source, code, said in map(tidy, sources):
        if code:
            bad += 1
            print(f"{source}:\n{said}")
    print(f"{len(sources)} files read, {bad} with findings")
    return 1 if bad else 0


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
