"""Whether commands that are not run could be: their syntax, and the flags of programs that are here."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from support.control_plane import REPOSITORY

HELP_SECONDS = 60
OPERATORS = {"|", "||", "&&", ";", "&", "(", ")", "{", "}", "|&", ";;"}
# Before a command, and none themselves.
WORDS = {"!", "if", "then", "else", "elif", "while", "until", "do", "sudo", "time", "exec"}
# Flags that may stand before kubectl's and helm's verb, and take a value.
GLOBAL = {"-n", "--namespace", "--context", "--kubeconfig", "--kube-context"}


def faults(script: str, programs: Mapping[str, Path]) -> list[str]:
    """What is wrong with it. `programs` are those that lie elsewhere than in PATH, by the names that a reader types."""
    found = []
    read = subprocess.run(["bash", "-n", "-c", script], capture_output=True, text=True, check=False)
    if read.returncode != 0:
        return [read.stderr.strip()]
    for words in simple_commands(script):
        found += _faults_of(words, programs)
    return found


def simple_commands(script: str) -> Iterator[list[str]]:
    """Each as its words, as far as they can be told without running anything."""
    # Here-documents are data.
    plain = re.sub(r"<<-?\s*'?(\w+)'?([^\n]*)\n.*?^\s*\1$", r"\2", script.replace("\\\n", " "), flags=re.M | re.S)
    for line in plain.splitlines():
        reader = shlex.shlex(line, posix=True, punctuation_chars="|&;()")
        reader.whitespace_split = True
        try:
            tokens = list(reader)
        except ValueError:
            continue  # A quotation of several lines: its syntax is right, and more is not asked.
        words: list[str] = []
        for token in [*tokens, ";"]:
            if token not in OPERATORS:
                words.append(token)
                continue
            while words and (words[0] in WORDS or re.match(r"^\w+=", words[0])):
                words.pop(0)
            if words:
                yield words
            words = []


def _faults_of(words: list[str], programs: Mapping[str, Path]) -> list[str]:
    name, rest = words[0].removeprefix("./"), words[1:]
    if name == "kubectl" and rest[:1] == ["todoapp"]:
        name, rest = "kubectl-todoapp", rest[1:]
    if name.startswith(("scripts/", "cluster/")) and not (REPOSITORY / name).is_file():
        return [f"there is no {name}"]
    program = _program(name, programs)
    # One without a usage of its own hands on what it is given.
    if program is None or (name.startswith("scripts/") and "usage()" not in Path(program).read_text()):
        return []
    verb, flags = _verb(rest), [word.partition("=")[0] for word in rest if re.match(r"^--?[a-zA-Z]", word)]
    if not flags and not verb:
        return []
    known = _help(program, name, tuple(verb) if name in ("kubectl", "helm", "kubectl-todoapp", "cluster/local") else ())
    return [f"{name} {' '.join(verb)}".strip() + f" has no flag {flag}" for flag in flags if not _is_known(flag, known)]


def _program(name: str, programs: Mapping[str, Path]) -> str | None:
    """None where nothing can be said of its flags."""
    if name in programs:
        return str(programs[name])
    if name.startswith("scripts/") or name == "cluster/local":
        return str(REPOSITORY / name)
    return shutil.which(name) if name in ("kubectl", "helm") else None


def _verb(rest: list[str]) -> list[str]:
    """The words before the first flag that is not one of all commands; after them come names."""
    found, words = [], iter(rest)
    for word in words:
        if word in GLOBAL:
            next(words, None)
        elif word.startswith("-"):
            if found or word == "--":
                break
        elif re.fullmatch(r"[a-z-]+", word):
            found.append(word)
        else:
            break
    return found


@lru_cache(maxsize=None)
def _help(program: str, name: str, verb: tuple[str, ...]) -> str:
    """Of the verb, or where its last words are names and no verbs, of what stands before them."""
    if name.startswith("scripts/"):
        # Read and never run: not each of them has a --help.
        return Path(program).read_text()
    text = ""
    for count in range(len(verb), -1, -1) if verb else (0,):
        done = subprocess.run([program, *verb[:count], "--help"], capture_output=True, text=True, check=False,
                              timeout=HELP_SECONDS, stdin=subprocess.DEVNULL, env={**os.environ, "HELP": "1"})
        if done.returncode == 0:
            text = done.stdout + done.stderr
            break
    if name == "kubectl":
        text += subprocess.run([program, "options"], capture_output=True, text=True, check=False).stdout
    return text


def _is_known(flag: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(flag)}(?![\w-])", text) is not None or flag in ("--help", "-h")
