"""What may be shown of a column: few bars, none that stands for fewer than ten rows of a side (but for none at all)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.checks.data.data_drift.column_drift import Compared

FEWEST_ROWS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Rows of both sides per bar, in order, with the bars' names; all of one length."""

    labels: tuple[str, ...]
    reference: tuple[int, ...]
    current: tuple[int, ...]

    def shares(self, side: str) -> list[float]:
        """Per cent of the rows of a side that hold a value."""
        counts = self.reference if side == "reference" else self.current
        total = sum(counts)
        return [100 * one / total if total else 0.0 for one in counts]


def bars_of(one: Compared, *, most: int) -> Bars:
    """Cells of numbers in order, or the most frequent categories and the rest; at most `most` bars."""
    sides = list(zip(one.reference.cell_counts.tolist(), one.current.cell_counts.tolist(), strict=True))
    if one.family == "categories":
        return _categories(one.reference.cells.labels, sides, most=most)
    return _numbers(one.reference.cells.inner, sides, most=most)


def _categories(labels: Sequence[str], sides: Sequence[tuple[int, int]], *, most: int) -> Bars:
    order = sorted(range(len(labels)), key=lambda place: (-sum(sides[place]), labels[place]))
    own = [place for place in order if not _too_few(sides[place])][: most - 1]
    rest = [place for place in range(len(sides)) if place not in own]
    pooled = tuple(sum(sides[place][side] for place in rest) for side in (0, 1))
    names = [labels[place] for place in own]
    pairs = [sides[place] for place in own]
    if any(pooled):
        names.append("all others")
        pairs.append((pooled[0], pooled[1]))
    return _bars(names, pairs)


def _numbers(edges: Sequence[float], sides: Sequence[tuple[int, int]], *, most: int) -> Bars:
    """Neighbours joined until no bar stands for too few rows, and until there are few enough bars."""
    ends = [-math.inf, *edges, math.inf]
    cells = [(ends[place], ends[place + 1], *pair) for place, pair in enumerate(sides) if any(pair)]
    size = -(-len(cells) // most)
    groups = [_joined(cells[start : start + size]) for start in range(0, len(cells), size)] if cells else []
    kept: list[tuple[float, float, int, int]] = []
    for one in groups:
        if kept and _too_few(kept[-1][2:]):
            kept.append(_joined([kept.pop(), one]))
        else:
            kept.append(one)
    if len(kept) > 1 and _too_few(kept[-1][2:]):
        last = kept.pop()
        kept.append(_joined([kept.pop(), last]))
    return _bars([_range(low, high) for low, high, _, _ in kept], [(first, second) for _, _, first, second in kept])


def _joined(cells: Sequence[tuple[float, float, int, int]]) -> tuple[float, float, int, int]:
    return cells[0][0], cells[-1][1], sum(one[2] for one in cells), sum(one[3] for one in cells)


def _range(low: float, high: float) -> str:
    if low == -math.inf and high == math.inf:
        return "all"
    if low == -math.inf:
        return f"< {high:.4g}"
    if high == math.inf:
        return f"≥ {low:.4g}"
    return f"{low:.4g}" if math.nextafter(low, math.inf) == high else f"{low:.4g} to {high:.4g}"


def _too_few(sides: Sequence[int]) -> bool:
    return any(0 < rows < FEWEST_ROWS for rows in sides) or not any(sides)


def _bars(labels: Sequence[str], sides: Sequence[tuple[int, int]]) -> Bars:
    return Bars(labels=tuple(labels), reference=tuple(one for one, _ in sides), current=tuple(two for _, two in sides))
