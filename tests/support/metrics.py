"""Reads the Prometheus text format, and has promtool judge it."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import NamedTuple

_SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


class Sample(NamedTuple):
    name: str
    labels: dict[str, str]
    value: float


class Metrics:
    def __init__(self, text: str) -> None:
        self.text = text
        self.samples = [sample for sample in map(_sample, text.splitlines()) if sample is not None]

    def names(self) -> set[str]:
        """The families, as declared."""
        return {line.split()[2] for line in self.text.splitlines() if line.startswith("# TYPE ")}

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples that bear these labels."""
        return sum(sample.value for sample in self.samples
                   if sample.name == name and labels.items() <= sample.labels.items())

    def series(self) -> int:
        return len(self.samples)


def complaints_of_promtool(text: str) -> str:
    """What `promtool check metrics` says; empty where all is well."""
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing: apt-get install prometheus"
    done = subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True, timeout=30,
                          check=False)
    return (done.stdout + done.stderr).strip()


def _sample(line: str) -> Sample | None:
    match = _SAMPLE.match(line) if not line.startswith("#") else None
    if match is None:
        return None
    labels = dict(_LABEL.findall(match["labels"] or ""))
    return Sample(match["name"], labels, float(match["value"]))
