"""Cells: the ranges, values or labels in which a column's rows are counted, and the pooling of rare cells.

Edges are frozen with the reference and never derived from current rows, so a single extreme value cannot stretch them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.engine.rounding import rounded_between, rounded_outward

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

TENTHS = tuple(place / 10 for place in range(1, 10))
MAX_THIN = 20
"""Thin cells that are tested each; more would cost the level that they share."""
MANY_CELLS = 10_000
LEAST_EXPECTED = 10
"""Expected rows of the smaller dataset in a cell; below, chi-square and the correction for chance are inaccurate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A contingency table: rows of the reference and of current per cell, int64 arrays of shape (cells,)."""

    reference: np.ndarray
    current: np.ndarray

    @property
    def n(self) -> int:
        """Rows of the reference."""
        return int(self.reference.sum())

    @property
    def m(self) -> int:
        """Rows of current."""
        return int(self.current.sum())

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.reference)

    @property
    def chance(self) -> float:
        """1/n + 1/m: the scale of a divergence's sampling error."""
        return 1 / self.n + 1 / self.m


def edges_of(quantiles: np.ndarray) -> np.ndarray:
    """Ascending edges from quantiles, shape (k,); a value that several quantiles share gets a cell of its own."""
    return ascending_edges(quantiles, own=repeated(quantiles))


def repeated(ascending: np.ndarray) -> np.ndarray:
    """The values that occur more than once."""
    return ascending[1:][ascending[1:] == ascending[:-1]]


def ascending_edges(edges: np.ndarray, *, own: np.ndarray) -> np.ndarray:
    """These edges without NaN, each once, and one behind every value in `own`, which gets a cell of its own."""
    import numpy as np

    with np.errstate(over="ignore"):
        found = np.unique(np.concatenate([edges, np.nextafter(own, np.inf)]))
    return found[np.isfinite(found)]


def point_edges(values: np.ndarray) -> np.ndarray:
    """Edges that give each of a few values a cell of its own, with cells between them for other values."""
    import numpy as np

    return np.unique(np.concatenate([values, np.nextafter(values, np.inf)]))


def few_value_edges(values: np.ndarray, counts: np.ndarray, *, least: int) -> np.ndarray:
    """Edges that give each of a few values a cell, of which only those of at least `least` rows are edges themselves.

    A rarer value shares its cell with other values beside it: the edges are `point_edges` of the others, and a round number
    between two neighbours that are both rare.

    Args:
        values: ascending, shape (k,).
        counts: rows of each.
        least: rows of a value that is an edge.
    """
    import numpy as np

    rare = counts < least
    after_rare = np.append(False, rare[1:] & rare[:-1])
    between = rounded_between(values)[after_rare]
    edges = np.unique(np.concatenate([point_edges(values[~rare]), between[np.isfinite(between)]]))
    return edges if len(edges) else np.array(rounded_outward(float(values[0]), float(values[-1])))


def at_edges(counts: np.ndarray, edges: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Counts per cell of the `chosen` edges, from counts per cell of all `edges` (chosen is part of them)."""
    import numpy as np

    below = np.concatenate([[0], np.cumsum(counts)])
    places = np.searchsorted(edges, chosen) + 1
    return np.diff(np.concatenate([[0], below[places], [below[-1]]]))


def pool_neighbours(table: Table) -> Table:
    """Pool ordered cells that expect too few rows with the next (the last with the previous).

    The expectation is computed from both datasets together: as long as nothing has changed, it is independent of
    which dataset the rows came from, so the choice does not bias the comparison.
    """
    import numpy as np

    expected = _expected(table)
    groups, filled = np.zeros(table.cells, dtype="int64"), 0.0
    for place in range(1, table.cells):
        filled += expected[place - 1]
        full = filled >= LEAST_EXPECTED
        groups[place] = groups[place - 1] + full
        filled = 0.0 if full else filled
    last = groups[-1]
    if last > 0 and expected[groups == last].sum() < LEAST_EXPECTED:
        groups[groups == last] = last - 1
    return _grouped(table, groups)


def pool_rare(table: Table) -> Table:
    """Pool unordered cells that expect too few rows into one (with the next rarest until it expects enough)."""
    import numpy as np

    expected = _expected(table)
    if _is_mostly_rare(expected):
        # Sorting a million rare labels would only order the members of one cell.
        common = np.flatnonzero(expected >= LEAST_EXPECTED)
        groups = np.zeros(table.cells, dtype="int64")
        groups[common[np.argsort(expected[common], kind="stable")]] = np.arange(1, len(common) + 1)
        return _grouped(table, groups)
    order = np.argsort(expected, kind="stable")
    ascending = expected[order]
    rare = int(np.searchsorted(ascending, LEAST_EXPECTED, side="left"))
    while 0 < rare < table.cells and ascending[:rare].sum() < LEAST_EXPECTED:
        rare += 1
    groups = np.zeros(table.cells, dtype="int64")
    groups[order[rare:]] = np.arange(1 if rare else 0, table.cells - rare + (1 if rare else 0))
    return _grouped(table, groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinCells:
    """Cells that expect too few rows for chi-square, and are tested exactly instead.

    `whole` is the table with all of them pooled in its last cell, `pairs` holds (count, rows, count, rows) of each
    against all other rows, reference first.
    """

    whole: Table
    pairs: tuple[tuple[float, float, float, float], ...]


def thin_cells(table: Table, *, ordered: bool) -> ThinCells | None:
    """The cells that expect too few rows; None where there are none.

    Which cells they are follows from both datasets together, as for `pool_neighbours`. Ordered cells are first pooled
    with thin neighbours. Of many, the most frequent are tested each, and all of them together.
    """
    import numpy as np

    if ordered:
        table = _runs_of_thin(table)
    expected = _expected(table)
    thin = (expected < LEAST_EXPECTED) & (expected > 0)
    if thin.all() and len(thin) > 1:
        thin[int(np.argmax(expected))] = False
    places = np.flatnonzero(thin)
    if len(places) == 0 or table.cells - len(places) - int((expected == 0).sum()) < 1:
        return None
    places = places[np.argsort(-expected[places], kind="stable")][:MAX_THIN]
    n, m = float(table.n), float(table.m)
    pairs = [(float(table.reference[place]), n, float(table.current[place]), m) for place in places]
    pooled = (float(table.reference[thin].sum()), n, float(table.current[thin].sum()), m)
    if int(thin.sum()) > 1:
        pairs.insert(0, pooled)
    thick = ~thin & (expected > 0)
    whole = Table(
        reference=np.append(table.reference[thick], int(pooled[0])),
        current=np.append(table.current[thick], int(pooled[2])),
    )
    return ThinCells(whole=whole, pairs=tuple(pairs))


def are_all_thin(table: Table) -> bool:
    """Whether rows lie in several cells, none of which expects enough of them to be compared."""
    expected = _expected(table)
    return int((expected > 0).sum()) > 1 and bool((expected < LEAST_EXPECTED).all())


def _runs_of_thin(table: Table) -> Table:
    """Neighbouring thin cells pooled until they expect enough rows; a thick cell ends a run and keeps its own."""
    import numpy as np

    expected = _expected(table)
    groups, filled = np.zeros(table.cells, dtype="int64"), float(expected[0]) if table.cells else 0.0
    for place in range(1, table.cells):
        apart = filled >= LEAST_EXPECTED or expected[place] >= LEAST_EXPECTED
        groups[place] = groups[place - 1] + apart
        filled = float(expected[place]) + (0.0 if apart else filled)
    return _grouped(table, groups)


def labels_table(reference: dict[str, int], current: dict[str, int]) -> Table:
    """Both datasets over the labels of either, sorted by text; shape (labels,)."""
    import numpy as np

    labels = sorted({*reference, *current})
    return Table(
        reference=np.array([reference.get(label, 0) for label in labels], dtype="int64"),
        current=np.array([current.get(label, 0) for label in labels], dtype="int64"),
    )


def filled_shares(counts: np.ndarray) -> np.ndarray:
    """Shares with half a row added to each cell, so that none is 0 (Krichevsky and Trofimov, 1981)."""
    return (counts + 0.5) / (counts.sum() + 0.5 * len(counts))


def _is_mostly_rare(expected: np.ndarray) -> bool:
    """Whether there are so many rare cells that together they expect enough rows for certain."""
    return len(expected) > MANY_CELLS and float(expected[expected < LEAST_EXPECTED].sum()) > 2 * LEAST_EXPECTED


def _expected(table: Table) -> np.ndarray:
    smaller = min(table.n, table.m)
    return (table.reference + table.current) * (smaller / (table.n + table.m))


def _grouped(table: Table, groups: np.ndarray) -> Table:
    import numpy as np

    size = int(groups.max()) + 1 if len(groups) else 0
    reference, current = np.zeros(size, dtype="int64"), np.zeros(size, dtype="int64")
    np.add.at(reference, groups, table.reference)
    np.add.at(current, groups, table.current)
    return Table(reference=reference, current=current)


def as_counts(numbers: Sequence[int]) -> np.ndarray:
    """Whole numbers as int64."""
    import numpy as np

    return np.asarray(numbers, dtype="int64")
