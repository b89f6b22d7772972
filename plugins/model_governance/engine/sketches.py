"""The rank sketch of a column: exact counts at quantiles of its own rows, where frozen cells are too coarse.

A profile counts in cells that are frozen with a reference. Where the data have moved, many rows share one of those cells;
the sketch adds exact ranks inside it, so that new cells can be made later from profiles alone (an equi-depth histogram with
exact boundaries: Piatetsky-Shapiro and Connell, 1984). Rows that fill the frozen cells evenly need no sketch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from model_governance.engine.labels import Labels

FINEST = 500
"""Quantile cells of a column with many rows."""
LEAST_ROWS = 10
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


def dividing_edges(edges: np.ndarray, counts: np.ndarray, *, quantiles: np.ndarray, between: np.ndarray) -> np.ndarray:
    """The quantiles that divide crowded cells, ascending; a value that holds the rows of one cell gets a cell of its own.

    Args:
        edges: frozen edges, ascending, shape (k,).
        counts: rows per frozen cell, shape (k + 1,).
        quantiles: of the same rows at `Grids.edges`.
        between: of the same rows at `Grids.between`.
    """
    import numpy as np

    values = np.sort(np.concatenate([quantiles, between]))
    repeated = values[1:][np.diff(values) == 0]
    with np.errstate(over="ignore"):
        own = np.unique(np.concatenate([quantiles, np.nextafter(repeated, np.inf)]))
    own = own[np.isfinite(own)]
    inside = crowded(edges, counts)[np.searchsorted(edges, own, side="right")]
    return own[inside & ~np.isin(own, edges)]


def label_sketch(labels: Labels, frozen: tuple[str, ...]) -> Sketch:
    """The labels with at least ten rows that have no frozen cell, at most the 1,000 most frequent."""
    known = set(frozen)
    common = labels.most_frequent(MAX_LABELS + len(known), least=LEAST_ROWS)
    counts = labels.select([text for text in common if text not in known][:MAX_LABELS])
    texts = sorted(counts)
    return Sketch(labels=tuple(texts), rows=tuple(counts[text] for text in texts))
