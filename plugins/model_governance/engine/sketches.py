"""The rank sketch of a column: exact counts at quantiles of its own rows, where frozen cells are too coarse.

A profile counts in cells that are frozen with a reference. Where the data have moved, many rows share one of those cells;
the sketch adds exact ranks inside it, so that new cells can be made later from profiles alone (an equi-depth histogram with
exact boundaries: Piatetsky-Shapiro and Connell, 1984). Rows that fill the frozen cells evenly need no sketch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.engine.cells import ascending_edges, repeated
from model_governance.engine.rounding import WINDOW

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from model_governance.engine.labels import Labels
    from model_governance.engine.relation import Relation
    from model_governance.engine.rounding import RoundedQuantiles

FINEST = 500
"""Quantile cells of a column with many rows."""
LEAST_ROWS = WINDOW
"""Rows between two quantiles, and rows of a label, from which a profile keeps them: it must not identify a person."""
CROWDED = 0.003
"""Share of the rows in one frozen cell from which the sketch divides it."""
MAX_LABELS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """What one column holds beyond its frozen cells.

    Numbers: `edges`, ascending quantiles of the column inside crowded frozen cells, and the finite values `below` each of them.
    Categories: `labels` without a frozen cell, sorted, and the `rows` of each.
    """

    edges: tuple[float, ...] = ()
    below: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grids:
    """Probabilities of the quantiles of one column: `edges`, and `between` them, by which repeated values are found."""

    edges: tuple[float, ...]
    between: tuple[float, ...]

    @property
    def probabilities(self) -> tuple[float, ...]:
        """Those of `edges`, and then those `between` them."""
        return self.edges + self.between


def quantile_grids(held: int) -> Grids:
    """The grids of a column with so many finite values: at most 500 cells, of at least ten rows each."""
    cells = min(FINEST, held // LEAST_ROWS)
    if cells > 10:
        cells -= cells % 10  # tenths are part of the grid
    return Grids(
        edges=tuple(place / cells for place in range(1, cells)),
        between=tuple((2 * place + 1) / (2 * cells) for place in range(cells)),
    )


def crowded(edges: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Which cells hold too many rows to know the rank of a value inside them, bool, shape (len(edges) + 1,).

    A cell that holds a single value needs no division, and neither do cells of a fine grid that are full by chance.
    """
    held = int(counts.sum())
    by_chance = held / FINEST + 6 * math.sqrt(held / FINEST)
    return (counts > max(CROWDED * held, by_chance, 2 * LEAST_ROWS)) & ~holds_single_value(edges)


def holds_single_value(edges: np.ndarray) -> np.ndarray:
    """Which cells between ascending edges hold one float64 value only, bool, shape (len(edges) + 1,)."""
    import numpy as np

    single = np.zeros(len(edges) + 1, dtype=bool)
    single[1:-1] = np.nextafter(edges[:-1], np.inf) == edges[1:]
    return single


def dividing_edges(edges: np.ndarray, counts: np.ndarray, *, grids: Grids, quantiles: RoundedQuantiles) -> np.ndarray:
    """The edges at quantiles that divide crowded cells, ascending; a value that holds the rows of one cell gets a cell of its own.

    Args:
        edges: frozen edges, ascending, shape (k,).
        counts: rows per frozen cell, shape (k + 1,).
        grids: of the rows.
        quantiles: of the same rows at `grids.probabilities`.
    """
    import numpy as np

    own = np.intersect1d(repeated(np.sort(quantiles.values)), quantiles.shared)
    found = ascending_edges(quantiles.edges[: len(grids.edges)], own=own)
    inside = crowded(edges, counts)[np.searchsorted(edges, found, side="right")]
    return found[inside & ~np.isin(found, edges)]


def merged_cells(counts: np.ndarray, always: np.ndarray) -> np.ndarray:
    """Places of the edges that stay when cells are merged until each holds at least ten rows, or none.

    Args:
        counts: rows per cell, shape (k + 1,).
        always: which edges stay whatever the cells beside them hold, bool, shape (k,).
    """
    import numpy as np

    kept: list[int] = []
    sizes: list[int] = []  # rows of the cells before the edges in `kept`, since the last that stays
    rows = 0
    for place, (count, stays) in enumerate(zip(counts.tolist(), [*always.tolist(), True], strict=True)):
        rows += count
        if stays:
            while sizes and 0 < rows < LEAST_ROWS:
                kept.pop()
                rows += sizes.pop()
            kept.append(place)
            sizes, rows = [], 0
        elif rows == 0 or rows >= LEAST_ROWS:
            kept.append(place)
            sizes.append(rows)
            rows = 0
    return np.array(kept[:-1], dtype="int64")


def rank_sketches(
    relation: Relation, edges: Mapping[str, np.ndarray], counts: Mapping[str, np.ndarray]
) -> dict[str, Sketch]:
    """The sketches of columns of numbers; only those with a crowded cell are sorted.

    Args:
        relation: the rows.
        edges: frozen edges by column, ascending, shape (k,).
        counts: rows per frozen cell by column, shape (k + 1,).
    """
    import numpy as np

    grids = {name: quantile_grids(int(held.sum())) for name, held in counts.items() if crowded(edges[name], held).any()}
    dividing: dict[str, np.ndarray] = {}
    for grid in dict.fromkeys(grids.values()):
        names = [name for name, own in grids.items() if own == grid]
        for name, quantiles in relation.rounded_quantiles(grid.probabilities, names).items():
            dividing[name] = dividing_edges(edges[name], counts[name], grids=grid, quantiles=quantiles)
    found = relation.counts(dividing) if dividing else {}
    return {name: Sketch() for name in counts} | {
        name: _rank_sketch(own, np.cumsum(found[name])[:-1], edges=edges[name], counts=counts[name])
        for name, own in dividing.items()
    }


def _rank_sketch(dividing: np.ndarray, below: np.ndarray, *, edges: np.ndarray, counts: np.ndarray) -> Sketch:
    """The sketch of one column, without edges that would cut off fewer than ten rows."""
    import numpy as np

    together = np.union1d(edges, dividing)
    upto = np.empty(len(together), dtype="int64")
    upto[np.searchsorted(together, edges)] = np.cumsum(counts)[:-1]
    upto[np.searchsorted(together, dividing)] = below
    rows = np.diff(np.concatenate([[0], upto, [counts.sum()]]))
    kept = together[merged_cells(rows, np.isin(together, edges))]
    stays = np.isin(dividing, kept)
    return Sketch(edges=tuple(dividing[stays].tolist()), below=tuple(below[stays].tolist()))


def label_sketch(labels: Labels, frozen: tuple[str, ...]) -> Sketch:
    """The labels with at least ten rows that have no frozen cell, at most the 1,000 most frequent."""
    known = set(frozen)
    common = labels.most_frequent(MAX_LABELS + len(known), least=LEAST_ROWS)
    counts = labels.select([text for text in common if text not in known][:MAX_LABELS])
    texts = sorted(counts)
    return Sketch(labels=tuple(texts), rows=tuple(counts[text] for text in texts))
