"""Whether a command printed what a page shows, where some of it is another at each run.

Blanks count as one, however many; empty lines and blanks at the end of a line do not count. `...` at the end of a line
stands for the rest of it, and alone on a line for any number of lines. Words in angle brackets are in `VARIES`.
"""

from __future__ import annotations

import re

VARIES = {
    "age": r"(?:\d+[smhdy])+|<unknown>",
    "any": r"\S+",
    "hash": r"[0-9a-z]{5,64}",
    "ip": r"\d+\.\d+\.\d+\.\d+",
    "number": r"\d+",
    "seconds": r"\d+(?:\.\d+)?",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z",
    "version": r"v?\d+(?:\.\d+)+[\w.+-]*",
}

_PART = re.compile(rf"<(?P<word>{'|'.join(VARIES)})>|(?P<blanks>[ \t]+)|(?P<plain>[^<\s]+|<)")


def _line(text: str) -> str:
    """As a regular expression, with the end of the line."""
    if text.strip() == "...":
        return r"(?:.*\n)*?"
    rest = text.rstrip().endswith("...")
    body = text.rstrip().removesuffix("...") if rest else text.rstrip()
    parts = []
    for part in _PART.finditer(body):
        if part["word"]:
            parts.append(f"(?:{VARIES[part['word']]})")
        elif part["blanks"]:
            parts.append(r"[ \t]+")
        else:
            parts.append(re.escape(part["plain"]))
    return "".join(parts) + (r".*\n" if rest else r"\n")


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def difference(shown: str, printed: str) -> str:
    """Empty where what was printed is what is shown; else where they part, and all of both."""
    wanted, got = _lines(shown), "".join(f"{line}\n" for line in _lines(printed))
    patterns = [_line(line) for line in wanted]
    if re.fullmatch("".join(patterns), got):
        return ""
    for count in range(len(patterns)):
        if not re.match("".join(patterns[:count + 1]), got):
            where = f"nothing that was printed fits this line of the page: {wanted[count].strip()}"
            break
    else:
        where = "more was printed than the page shows"
    return f"{where}\n--- the page shows\n{shown.rstrip()}\n--- printed was\n{printed.rstrip()}"
