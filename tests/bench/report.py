"""The figures as a table, as JSON and as a plot: for the terminal, and between the marks of docs/performance.md."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from bench.measure import CREATE_FLOOR, UPGRADE_FLOOR, Figures

BEGIN, END = "<!-- made by scripts/bench.sh -->", "<!-- end of what scripts/bench.sh made -->"
# A row's name, its figure, and the aim beside which it is shown.
ROWS = [
    ("resident memory without an app, MiB", "idle_rss_mib", "12"),
    ("resident memory at rest, MiB", "rss_mib", ""),
    ("resident memory per app, KiB", "rss_kib_per_app", "10"),
    ("most memory while the apps are created, MiB", "create_peak_rss_mib", ""),
    ("most memory at a restart, MiB", "restart_peak_rss_mib", ""),
    ("from the first create to the last Ready, s", "create_seconds", ""),
    ("CPU per created app, ms", "create_cpu_ms_per_app", "2.4"),
    ("CPU per image upgrade, ms", "upgrade_cpu_ms_per_app", "1.6"),
    ("CPU per event of no consequence, ms", "no_op_cpu_ms_per_app", "0.2"),
    ("CPU per app at a restart, ms", "restart_cpu_ms_per_app", "0.3"),
    ("from start to ready, s", "restart_ready_seconds", ""),
    ("reaction, median, ms", "reaction_p50_ms", "2"),
    ("reaction, 99 of 100, ms", "reaction_p99_ms", "5"),
    ("of it until the operator's write reaches the API server, median, ms", "reaction_reached_p50_ms", ""),
    ("the same, 99 of 100, ms", "reaction_reached_p99_ms", ""),
    ("of it the API server's work on that write, median, ms", "reaction_written_p50_ms", ""),
    ("the same write, 99 of 100, ms", "reaction_written_p99_ms", ""),
    ("repair of a drift, median, ms", "drift_p50_ms", ""),
    ("longest turn of the loop while the apps are created, ms", "longest_turn_ms", "50"),
    ("another leader after SIGTERM, s", "failover_sigterm_seconds", ""),
    ("another leader after SIGKILL, s", "failover_sigkill_seconds", ""),
]


def with_ratios(figures: Figures) -> list[tuple[str, str, str]]:
    """Requests per app, written for people."""
    rows = []
    for work, name, floor in (("create", "created app", CREATE_FLOOR), ("upgrade", "image upgrade", UPGRADE_FLOOR),
                              ("no_op", "event of no consequence", {}), ("restart", "app at a restart", {})):
        if f"{work}_objects" not in figures:
            continue
        count = figures[f"{work}_apps"]
        writes = sum(figures[f"{work}_objects"].values()) / count
        status, reads = figures[f"{work}_status_writes"] / count, figures[f"{work}_reads"] / count
        most = "at most 3" if floor else "0"
        rows.append((f"requests per {name}: writes, of a status, reads",
                     f"{writes:g}, {status:.2g}, {reads:g}", f"{sum(floor.values())}, {most}, 0"))
    return rows


def table(runs: list[Figures]) -> str:
    """One column a size."""
    lines = ["| Figure | " + " | ".join(apps_of(run) for run in runs) + " | Aim |",
             "| --- |" + " --- |" * (len(runs) + 1)]
    requests = [dict((name, (shown, aim)) for name, shown, aim in with_ratios(run)) for run in runs]
    for name in dict.fromkeys(name for each in requests for name in each):
        shown = [each.get(name, ("", ""))[0] for each in requests]
        aim = next(each[name][1] for each in requests if name in each)
        lines.append(f"| {name} | " + " | ".join(shown) + f" | {aim} |")
    for name, key, aim in ROWS:
        shown = [str(run.get(key, "")) for run in runs]
        if any(shown):
            lines.append(f"| {name} | " + " | ".join(shown) + f" | {aim} |")
    return "\n".join(lines)


def apps_of(run: Figures) -> str:
    return f"{run['apps']:,} app" + ("" if run["apps"] == 1 else "s")


def write(runs: list[Figures], document: Path) -> None:
    """Puts the table and the plot into the document, between its marks, and the figures beside it."""
    runs = sorted(runs, key=lambda run: run["apps"])
    figures, plot = document.with_suffix(".json"), document.with_suffix(".svg")
    figures.write_text(json.dumps(runs, indent=2) + "\n")
    plot.write_text(svg(runs))
    text = document.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    conditions = "\n".join(f"- {apps_of(run)}: {run['conditions']}" for run in runs)
    document.write_text(f"{before}{BEGIN}\n{table(runs)}\n\n{conditions}\n\n"
                        f"![Memory and CPU against the number of apps]({plot.name})\n{END}{after}")


def merged(document: Path, runs: list[Figures]) -> list[Figures]:
    """The runs that the document has, those of the same size replaced."""
    figures = document.with_suffix(".json")
    before: list[Figures] = json.loads(figures.read_text()) if figures.is_file() else []
    sizes = {run["apps"] for run in runs}
    return [run for run in before if run["apps"] not in sizes] + runs


WIDTH, HEIGHT, LEFT, TOP = 360, 220, 62, 34


def svg(runs: list[Figures]) -> str:
    """Two plots side by side; both axes are logarithmic, for the sizes are powers of ten."""
    parts = [panel(0, "Resident memory, MiB", [("at rest", "rss_mib", "#1f6feb"),
                                               ("most, while created", "create_peak_rss_mib", "#b35900")], runs),
             panel(WIDTH + LEFT, "CPU per app, ms", [("created", "create_cpu_ms_per_app", "#b35900"),
                                                     ("upgraded", "upgrade_cpu_ms_per_app", "#1f6feb"),
                                                     ("at a restart", "restart_cpu_ms_per_app", "#3f7d20")], runs)]
    width, height = 2 * (WIDTH + LEFT) + 20, HEIGHT + TOP + 66
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'font-family="sans-serif" font-size="12">\n'
            f'<rect width="{width}" height="{height}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")


def panel(left: int, title: str, lines: list[tuple[str, str, str]], runs: list[Figures]) -> str:
    values = [run[key] for _, key, _ in lines for run in runs if run.get(key)]
    if not values:
        return ""
    x_range = decades([run["apps"] for run in runs])
    y_range = decades(values)

    def x(apps: float) -> float:
        return left + LEFT + part(apps, x_range) * (WIDTH - LEFT)

    def y(value: float) -> float:
        return TOP + HEIGHT - part(value, y_range) * HEIGHT

    out = [f'<text x="{left + LEFT}" y="{TOP - 14}" font-weight="bold">{title}</text>']
    for power in range(y_range[0], y_range[1] + 1):
        out.append(f'<line x1="{left + LEFT}" x2="{left + WIDTH}" y1="{y(10**power):.1f}" y2="{y(10**power):.1f}" '
                   f'stroke="#ddd"/><text x="{left + LEFT - 6}" y="{y(10**power) + 4:.1f}" '
                   f'text-anchor="end">{10.0**power:,g}</text>')
    for power in range(x_range[0], x_range[1] + 1):
        out.append(f'<text x="{x(10**power):.1f}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{10**power:,}</text>')
    out.append(f'<text x="{left + (LEFT + WIDTH) / 2}" y="{TOP + HEIGHT + 36}" text-anchor="middle">apps</text>')
    for number, (name, key, colour) in enumerate(lines):
        points = [(x(run["apps"]), y(run[key])) for run in runs if run.get(key)]
        path = " ".join(f"{across:.1f},{up:.1f}" for across, up in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{across:.1f}" cy="{up:.1f}" r="3" fill="{colour}"/>' for across, up in points]
        out.append(f'<text x="{left + LEFT + 120 * number}" y="{TOP + HEIGHT + 56}" fill="{colour}">{name}</text>')
    return "\n".join(out)


def decades(values: list[Any]) -> tuple[int, int]:
    lowest, highest = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return lowest, max(highest, lowest + 1)


def part(value: float, span: tuple[int, int]) -> float:
    return (math.log10(value) - span[0]) / (span[1] - span[0])
