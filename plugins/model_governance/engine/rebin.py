"""Common cells of several runs, made from their profiles alone, with the rows of every run in each cell.

Every profile knows the exact number of rows below each of its edges: the frozen ones and those of its sketch. New edges are
chosen among them, near the quantiles of all runs together and where the runs know their counts best. Between two of its edges
a run's count is interpolated linearly; the error is at most the rows between them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model_governance.engine.cells import TENTHS
from model_governance.engine.profiles import GRID, Cells
from model_governance.engine.relation import FEW_VALUES
from model_governance.engine.sketches import CROWDED, LEAST_ROWS, MAX_LABELS, crowded, holds_single_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.engine.profiles import ColumnProfile

TENTH_TOLERANCE = 0.01
"""Distance from a tenth, as a share of the rows, within which the edge that the runs know best is chosen."""
GRID_TOLERANCE = 0.001
MAX_CANDIDATES = 5000
UNRESOLVED = 0.05
"""Share of a column's rows in one cell from which a profile without a sketch is of no use for other cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonCells:
    """Cells that fit several runs, and each run's column on them, in the order given.

    `error` is the largest share of a run's rows by which its count below an edge of PSI's cells, or of a label, may be off.
    """

    cells: Cells
    runs: tuple[ColumnProfile, ...]
    error: float


@dataclass(frozen=True, slots=True)
class _Ranks:
    """Exact counts of one run: `below` finite values lie under each of the ascending `edges`."""

    edges: np.ndarray
    below: np.ndarray

    def at(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows below each place, interpolated, and the rows between the edges around it (0 at an edge)."""
        import numpy as np

        right = np.searchsorted(self.edges, places, side="left")
        known = np.isin(places, self.edges)
        outside = (right == 0) | (right == len(self.edges))
        low, high = np.clip(right - 1, 0, None), np.clip(right, None, len(self.edges) - 1)
        rows = np.where(known | outside, 0, self.below[high] - self.below[low])
        width = self.edges[high] / 2 - self.edges[low] / 2  # halves, because the whole may be beyond float64
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.where(width > 0, (places / 2 - self.edges[low] / 2) / width, 0.5)
        inner = self.below[low] + np.clip(part, 0.0, 1.0) * rows
        exact = np.where(right == len(self.edges), self.below[-1], self.below[high])
        return np.where(known | outside, exact, inner), rows


def is_resolved(column: ColumnProfile) -> bool:
    """Whether a profile says enough to count its rows on other cells.

    It has a sketch, or no cell of several values holds more than a twentieth of its rows.
    """
    import numpy as np

    if column.sketch is not None:
        return True
    most = max(UNRESOLVED * column.held, 2 * LEAST_ROWS)
    if column.cells.family == "categories":
        return column.counts[-1] <= most
    counts = np.array(column.counts)
    return not bool((crowded(np.array(column.cells.edges), counts) & (counts > most)).any())


def common_cells(columns: Sequence[ColumnProfile]) -> CommonCells:
    """Cells made from all of these runs, and the rows of each run in them.

    Numbers get tenths inside a grid of at most 500 cells, or a cell per value where they are few. A label gets a cell where all
    runs know its rows, or where those that do not can only hold a tenth of them.

    Args:
        columns: the same column of one or more runs, each with at least one value.

    Raises:
        ValueError: no run, or numbers in one and categories in another.
    """
    if len({column.cells.family for column in columns}) != 1:
        raise ValueError("common cells need one or more runs that hold the column as the same kind")
    return _numbers(columns) if columns[0].cells.family == "numbers" else _labels(columns)


def _numbers(columns: Sequence[ColumnProfile]) -> CommonCells:
    import numpy as np

    ranks = [_ranks(column) for column in columns]
    candidates = _candidates(ranks)
    found = [run.at(candidates) for run in ranks]
    below, unknown = (np.sum([pair[part] for pair in found], axis=0) for part in (0, 1))
    held = sum(column.held for column in columns)
    exact = candidates[unknown == 0]
    if _are_single_values(exact, below[unknown == 0], held, most_between=2 * LEAST_ROWS * len(columns)):
        edges = inner = exact
    else:
        inner = _chosen(candidates, below, unknown, targets=TENTHS, held=held, tolerance=TENTH_TOLERANCE)
        grid = _chosen(candidates, below, unknown, targets=GRID, held=held, tolerance=GRID_TOLERANCE)
        edges = np.union1d(grid, inner)
    cells = Cells(family="numbers", edges=tuple(edges.tolist()), inner=tuple(inner.tolist()))
    on_edges = [run.at(edges) for run in ranks]
    error = max(
        float(run.at(inner)[1].max(initial=0)) / column.held for run, column in zip(ranks, columns, strict=True)
    )
    runs = tuple(
        replace(column, cells=cells, counts=_cell_counts(below, column.held), sketch=None)
        for (below, _), column in zip(on_edges, columns, strict=True)
    )
    return CommonCells(cells=cells, runs=runs, error=error)


def _ranks(column: ColumnProfile) -> _Ranks:
    """All counts of a run: at frozen edges, at those of its sketch, and at its extremes."""
    import numpy as np

    edges, below = [np.array(column.cells.edges)], [np.cumsum(column.counts[:-1], dtype="int64")]
    if column.sketch is not None:
        edges.append(np.array(column.sketch.edges))
        below.append(np.array(column.sketch.below, dtype="int64"))
    if column.minimum is not None and column.maximum is not None:
        with np.errstate(over="ignore"):
            edges.append(np.array([column.minimum, np.nextafter(column.maximum, np.inf)]))
        below.append(np.array([0, column.held]))
    places, first = np.unique(np.concatenate(edges), return_index=True)
    return _Ranks(places, np.maximum.accumulate(np.concatenate(below)[first]))


def _candidates(ranks: Sequence[_Ranks]) -> np.ndarray:
    """Places where an edge can be, ascending: the finite edges of all runs; of very many, those that most runs share."""
    import numpy as np

    places, known = np.unique(np.concatenate([run.edges for run in ranks]), return_counts=True)
    places, known = places[np.isfinite(places)], known[np.isfinite(places)]
    if len(places) <= MAX_CANDIDATES:
        return places
    spread = np.linspace(0, len(places) - 1, MAX_CANDIDATES).astype("int64")
    shared = np.argsort(-known, kind="stable")[:MAX_CANDIDATES]
    return places[np.union1d(spread, shared[known[shared] > 1])]


def _are_single_values(edges: np.ndarray, below: np.ndarray, held: int, *, most_between: int) -> bool:
    """Whether the cells at these edges are few and hold one value each, with a few rows between those values."""
    import numpy as np

    if not 0 < len(edges) <= 2 * FEW_VALUES + 2:
        return False
    counts = np.diff(np.concatenate([[0], below, [held]]))
    single = holds_single_value(edges)
    return bool(counts[~single].sum() <= max(CROWDED * held, most_between))


def _chosen(
    candidates: np.ndarray,
    below: np.ndarray,
    unknown: np.ndarray,
    *,
    targets: Sequence[float],
    held: int,
    tolerance: float,
) -> np.ndarray:
    """One candidate for each target share of rows: of those near it, the one that the runs know best."""
    import numpy as np

    chosen = []
    for target in targets:
        low, high = np.searchsorted(below, [(target - tolerance) * held, (target + tolerance) * held])
        near = np.arange(low, high)
        if len(near) == 0:
            near = np.clip([low - 1, low], 0, len(below) - 1)
            distance = np.abs(below[near] - target * held)
            near = near[distance == distance.min()]
        order = np.lexsort((candidates[near], np.abs(below[near] - target * held), unknown[near]))
        chosen.append(near[order[0]])
    return candidates[np.unique(chosen)]


def _cell_counts(below: np.ndarray, held: int) -> tuple[int, ...]:
    import numpy as np

    return tuple(np.diff(np.concatenate([[0], np.rint(below).astype("int64"), [held]])).tolist())


def _labels(columns: Sequence[ColumnProfile]) -> CommonCells:
    known = [_known_labels(column) for column in columns]
    hidden = [_most_hidden(column, labels) for column, labels in zip(columns, known, strict=True)]
    total: dict[str, int] = {}
    for labels in known:
        for label, rows in labels.items():
            total[label] = total.get(label, 0) + rows
    doubt = {
        label: sum(most for most, labels in zip(hidden, known, strict=True) if label not in labels) for label in total
    }
    own = sorted((-rows, label) for label, rows in total.items() if rows >= max(LEAST_ROWS * doubt[label], 1))
    cells = Cells(family="categories", labels=tuple(sorted(label for _, label in own[:MAX_LABELS])))
    runs = []
    for column, labels in zip(columns, known, strict=True):
        counts = [labels.get(label, 0) for label in cells.labels]
        runs.append(replace(column, cells=cells, counts=(*counts, column.held - sum(counts)), sketch=None))
    error = max(
        most / column.held if any(label not in labels for label in cells.labels) else 0.0
        for most, labels, column in zip(hidden, known, columns, strict=True)
    )
    return CommonCells(cells=cells, runs=tuple(runs), error=error)


def _known_labels(column: ColumnProfile) -> dict[str, int]:
    known = dict(zip(column.cells.labels, column.counts[:-1], strict=True))
    if column.sketch is not None:
        known |= dict(zip(column.sketch.labels, column.sketch.rows, strict=True))
    return known


def _most_hidden(column: ColumnProfile, known: dict[str, int]) -> int:
    """The most rows that a label may have of which the profile says nothing."""
    rest = column.held - sum(known.values())
    complete = column.sketch is not None and len(column.sketch.labels) < MAX_LABELS
    return min(rest, LEAST_ROWS - 1) if complete else rest
