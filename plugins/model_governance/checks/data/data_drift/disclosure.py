"""Histogram bins that are safe to publish: a limited number of bars; bins with 1 to 9 rows of a dataset are merged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.checks.data.data_drift.column_drift import ColumnDrift

MIN_ROWS = 10
NEW_VALUES = "not in the reference"
"""The bar of categories that the reference does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Rows of both datasets per bar, in order, with the bars' labels; all of one length."""

    labels: tuple[str, ...]
    reference: tuple[int, ...]
    current: tuple[int, ...]

    def percentages(self, role: str) -> list[float]:
        """Per cent of the rows of `reference` or `current` that hold a value."""
        counts = self.reference if role == "reference" else self.current
        total = sum(counts)
        return [100 * count / total if total else 0.0 for count in counts]


def publishable_bars(column: ColumnDrift, *, max_bars: int) -> Bars:
    """Cells of numbers in order, or the most frequent categories and the rest; at most `max_bars` bars."""
    reference, current = column.reference.cell_counts.tolist(), column.current.cell_counts.tolist()
    counts = list(zip(reference, current, strict=True))
    if column.family == "categories":
        return _categories(column.reference.cells.labels, counts, max_bars=max_bars)
    return _numbers(column.reference.cells.inner, counts, max_bars=max_bars)


def _categories(labels: Sequence[str], counts: Sequence[tuple[int, int]], *, max_bars: int) -> Bars:
    order = sorted(range(len(labels)), key=lambda place: (-sum(counts[place]), labels[place]))
    own = [place for place in order if not _too_few(counts[place])][: max_bars - 1]
    rest = [counts[place] for place in range(len(counts)) if place not in own]
    pooled = sum(reference for reference, _ in rest), sum(current for _, current in rest)
    bars = [(labels[place], counts[place]) for place in own]
    if any(pooled):
        bars.append((NEW_VALUES if pooled[0] == 0 else "all others", pooled))
    return _as_bars([label for label, _ in bars], [pair for _, pair in bars])


def _numbers(edges: Sequence[float], counts: Sequence[tuple[int, int]], *, max_bars: int) -> Bars:
    """Neighbours merged until no bar holds 1 to 9 rows of a dataset, and until there are at most `max_bars` bars."""
    ends = [-math.inf, *edges, math.inf]
    cells = [(ends[place], ends[place + 1], *pair) for place, pair in enumerate(counts) if any(pair)]
    size = -(-len(cells) // max_bars)
    groups = [_merged(cells[start : start + size]) for start in range(0, len(cells), size)] if cells else []
    bars: list[tuple[float, float, int, int]] = []
    for group in groups:
        if bars and _too_few(bars[-1][2:]):
            bars.append(_merged([bars.pop(), group]))
        else:
            bars.append(group)
    if len(bars) > 1 and _too_few(bars[-1][2:]):
        last = bars.pop()
        bars.append(_merged([bars.pop(), last]))
    labels = [_range(low, high) for low, high, _, _ in bars]
    return _as_bars(labels, [(reference, current) for _, _, reference, current in bars])


def _merged(cells: Sequence[tuple[float, float, int, int]]) -> tuple[float, float, int, int]:
    return cells[0][0], cells[-1][1], sum(cell[2] for cell in cells), sum(cell[3] for cell in cells)


def _range(low: float, high: float) -> str:
    if low == -math.inf and high == math.inf:
        return "all"
    if low == -math.inf:
        return f"< {high:.4g}"
    if high == math.inf:
        return f"≥ {low:.4g}"
    return f"{low:.4g}" if math.nextafter(low, math.inf) == high else f"{low:.4g} to {high:.4g}"


def _too_few(counts: Sequence[int]) -> bool:
    return any(0 < rows < MIN_ROWS for rows in counts) or not any(counts)


def _as_bars(labels: Sequence[str], counts: Sequence[tuple[int, int]]) -> Bars:
    return Bars(
        labels=tuple(labels),
        reference=tuple(reference for reference, _ in counts),
        current=tuple(current for _, current in counts),
    )
