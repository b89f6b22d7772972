"""Writes what the detection bench found as Markdown."""

from __future__ import annotations

import json
import math
import statistics
from typing import TYPE_CHECKING, Any

import detection_worlds as worlds
from detection_methods import METHODS
from detection_survey import SURVEY, YEARS

if TYPE_CHECKING:
    from pathlib import Path

Found = dict[str, dict[str, dict[str, Any]]]
OURS = "ours"


def read_results(folder: Path) -> Found:
    """What is kept, by method and kind of runs; a kind that broke off holds the changes that were measured."""
    found: Found = {}
    for name in METHODS:
        for kind in (*worlds.KINDS, SURVEY):
            own = folder / name.replace(" ", "_") / kind.replace(" ", "_")
            parts = {file.stem.replace("_", " "): json.loads(file.read_text()) for file in sorted(own.glob("*.json"))}
            if "all" in parts:
                found.setdefault(name, {})[kind] = parts["all"]
            elif "unchanged" in parts:
                delays = {change: parts[change]["delays"] for change in worlds.CHANGES if change in parts}
                cpu = sum(part["cpu"] for part in parts.values())
                found.setdefault(name, {})[kind] = parts["unchanged"] | {"delays": delays, "cpu": cpu}
    return found


def delays_of(found: dict[str, dict[str, Any]], change: str) -> list[float]:
    """Delays of one change over the kinds of runs; missed ones are infinite, also those given up."""
    delays: list[float] = []
    for kind in worlds.KINDS:
        own = found.get(kind, {}).get("delays", {}).get(change, [])
        delays += [math.inf if delay is None else float(delay) for delay in own]
    return delays


def median_delay(delays: list[float]) -> float:
    """The lower median, so that it is a delay that occurred."""
    return statistics.median_low(delays) if delays else math.nan


def comparable(found: Found) -> Found:
    """Without the kinds of runs that some method has not seen to their end: methods compare on the same runs only."""
    ended = [
        kind
        for kind in worlds.KINDS
        if all(len(kinds.get(kind, {}).get("delays", {})) == len(worlds.CHANGES) for kinds in found.values())
    ]
    return {
        name: {kind: result for kind, result in kinds.items() if kind in (*ended, SURVEY)}
        for name, kinds in found.items()
    }


def page(folder: Path, *, sizes: worlds.Sizes) -> str:
    """The whole page."""
    found = comparable(read_results(folder))
    return "\n".join([
        "# Runs until a change is seen, at equal false alarms",
        "",
        *_preamble(sizes),
        *_not_ended(found),
        "",
        *changes_table(found),
        "",
        *_standing(found),
        "",
        *_kinds_table(found),
        "",
        *([*_survey_table(found), ""] if any(SURVEY in kinds for kinds in found.values()) else []),
        *_methods_table(found),
        "",
        *_left_out(found),
    ])  # fmt: skip


def _preamble(sizes: worlds.Sizes) -> list[str]:
    chance = sizes.order / (sizes.null + 1)
    place = {1: "largest", 2: "second largest"}[sizes.order]
    return [
        "Written by `make bench PART=detection`. Every method gives one number per run and sees the same rows: a reference of",
        f"{sizes.reference:,}, runs of {sizes.rows:,} rows, {len(worlds.NUMBERS)} numbers and {len(worlds.CATEGORIES)} categories,",
        "the score of a fitted model, labels, and whether the answer was right. A method rings where its number exceeds the",
        f"{place} of {sizes.null} unchanged runs of the same kind, after {sizes.warm_up} runs to warm up: the next unchanged run does so",
        f"with probability {sizes.order} / {sizes.null + 1}, {365 * chance:.1f} times a year, for every method and every kind of runs alike.",
        "",
        "Unchanged runs are of four kinds: " + ", ".join(worlds.KINDS) + ". "
        f"Each change is planted {sizes.repetitions} times, as often in each kind, and followed for {sizes.longest} runs. A change that",
        "a method missed three times of three in one kind is not tried there again. Changes:",
        "",
        *[f"- **{change}**: {text}" for change, text in worlds.CHANGES.items()],
    ]


def _not_ended(found: Found) -> list[str]:
    """What is left of the plan above."""
    ended = {kind for kinds in found.values() for kind in kinds}
    left = [kind for kind in (*worlds.KINDS, SURVEY) if kind not in ended]
    return (
        ["", f"Not measured to the end by every method so far, and not in any table: {', '.join(left)}."]
        if left
        else []
    )


def changes_table(found: Found) -> list[str]:
    """Median delay of each change by method, and how often it was missed."""
    lines = [
        "## Median runs until detection (missed within 30 runs)",
        "",
        "| change | " + " | ".join(found) + " |",
        "|---" * (len(found) + 1) + "|",
    ]
    for change in worlds.CHANGES:
        everywhere = {name: delays_of(kinds, change) for name, kinds in found.items()}
        medians = {name: median_delay(delays) for name, delays in everywhere.items() if delays}
        best = min(medians.values(), default=math.nan)
        cells = [_cell(delays, best) for delays in everywhere.values()]
        lines.append(f"| {change} | " + " | ".join(cells) + " |")
    return lines


def _cell(delays: list[float], best: float) -> str:
    if not delays:
        return "-"
    middle = median_delay(delays)
    missed = sum(math.isinf(delay) for delay in delays) / len(delays)
    text = "over 30" if math.isinf(middle) else f"{middle:.0f}"
    text = f"**{text}**" if middle == best and not math.isinf(middle) else text
    return f"{text} ({missed:.0%})"


def standing(found: Found) -> tuple[int, list[tuple[str, float, list[tuple[str, float]]]]]:
    """In how many changes ours is first or tied, and the changes with the peers ahead of it."""
    first, behind = 0, []
    for change in worlds.CHANGES:
        own = median_delay(delays_of(found.get(OURS, {}), change))
        others = {name: median_delay(delays_of(kinds, change)) for name, kinds in found.items() if name != OURS}
        ahead = sorted(((name, middle) for name, middle in others.items() if middle < own), key=lambda pair: pair[1])
        first += not ahead and math.isfinite(own)
        if ahead:
            behind.append((change, own, ahead))
    return first, behind


def _standing(found: Found) -> list[str]:
    first, behind = standing(found)
    lines = [f"Ours is first or tied in {first} of {len(worlds.CHANGES)} changes."]
    if behind:
        lines += ["", "Where a peer is ahead:", ""]
    for change, own, ahead in behind:
        own_text = "over 30" if math.isinf(own) else f"{own:.0f}"
        peers = ", ".join(f"{name} ({middle:.0f})" for name, middle in ahead)
        lines.append(f"- **{change}**: ours {own_text}; {peers}. {REASONS.get(change, '')}".rstrip())
    return lines


REASONS: dict[str, str] = {}


def _kinds_table(found: Found) -> list[str]:
    """Changes seen at all and the mean of the median delays, by kind of runs."""
    measured = [kind for kind in worlds.KINDS if any(kind in kinds for kinds in found.values())]
    lines = [
        "## By kind of unchanged runs: changes of 12 whose median repetition is seen within 30 runs",
        "",
        "| method | " + " | ".join(measured) + " |",
        "|---" * (len(measured) + 1) + "|",
    ]
    for name, kinds in found.items():
        cells = []
        for kind in measured:
            delays = kinds.get(kind, {}).get("delays", {})
            medians = [
                median_delay([math.inf if one is None else one for one in own]) for own in delays.values() if own
            ]
            seen = [middle for middle in medians if math.isfinite(middle)]
            cells.append(f"{len(seen)}, after {statistics.mean(seen):.1f} runs" if seen else ("0" if medians else "-"))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _survey_table(found: Found) -> list[str]:
    """Real changes: runs until a later year of the census survey is seen."""
    lines = [
        "## Real changes: the census survey, reference 2015 (median runs until detection, missed)",
        "",
        "| year | " + " | ".join(found) + " |",
        "|---" * (len(found) + 1) + "|",
    ]
    for year in YEARS:
        cells = []
        for kinds in found.values():
            own = kinds.get(SURVEY, {}).get("delays", {}).get(str(year), [])
            cells.append(_cell([math.inf if delay is None else float(delay) for delay in own], math.nan))
        lines.append(f"| {year} | " + " | ".join(cells) + " |")
    return lines


def _methods_table(found: Found) -> list[str]:
    lines = [
        "## The methods",
        "",
        "| method | its number | is given labels | threshold by kind | CPU s |",
        "|---|---|---|---|---|",
    ]
    for name, kinds in found.items():
        thresholds = ", ".join(f"{kinds[kind]['threshold']:.3g}" for kind in worlds.KINDS if kind in kinds)
        cpu = sum(result["cpu"] for result in kinds.values())
        entry = METHODS[name]
        lines.append(f"| {name} | {entry.number} | {'yes' if entry.labels else 'no'} | {thresholds} | {cpu:.0f} |")
    lines += [
        "",
        "The number of ours is a logarithm: above 0 its verdict is a fail under the product's own budget of four a year.",
    ]
    red = [sum(value > 0 for value in kinds["null"]) for kind, kinds in found.get(OURS, {}).items() if kind != SURVEY]
    runs = sum(len(kinds["null"]) for kind, kinds in found.get(OURS, {}).items() if kind != SURVEY)
    if runs:
        lines.append(
            f"Of {runs} unchanged runs its verdict failed {sum(red)}: it spends less than it may, and here it is given as much as the peers."
        )
    return lines


def _left_out(found: Found) -> list[str]:
    lines = [f"- {name}: {entry.left_out}" for name, entry in METHODS.items() if name not in found and entry.left_out]
    return ["## Not measured", "", *lines, ""] if lines else []
