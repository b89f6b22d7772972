"""What a stored profile may hold: cells of at least ten rows of the reference, and no extreme value of a column."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.engine.cells import as_counts, at_edges
from model_governance.engine.profiles import Cells, Profile
from model_governance.engine.rounding import rounded_outward
from model_governance.engine.sketches import LEAST_ROWS, holds_single_value, label_sketch, merged_cells, rank_sketches

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy as np

    from model_governance.engine.profiles import ColumnProfile
    from model_governance.engine.relation import Relation


def publishable_profile(
    profile: Profile, relation: Relation, *, reference: Profile, disclosed: Collection[str] = ()
) -> Profile:
    """The profile of these rows as a run stores it: on publishable cells, with sketches, and with rounded extremes.

    Args:
        profile: counts of the rows, on the cells of `reference`.
        relation: the rows, for the sketches.
        reference: the profile of the reference, whose rows say which cells are too small.
        disclosed: columns whose smallest and largest value may be stored as they are.
    """
    import numpy as np

    columns = {
        name: _on_cells(column, publishable_cells(column.cells, reference.columns[name].counts))
        for name, column in profile.columns.items()
    }
    numbers = {name: column for name, column in columns.items() if column.cells.family == "numbers"}
    sketches = rank_sketches(
        relation,
        {name: np.array(column.cells.edges) for name, column in numbers.items()},
        {name: as_counts(column.counts) for name, column in numbers.items()},
    )
    categories = [name for name in columns if name not in numbers]
    for name, labels in relation.labels(categories).items():
        sketches[name] = label_sketch(labels, columns[name].cells.labels)
    for name in numbers:
        if name not in disclosed:
            columns[name] = _with_rounded_extremes(columns[name], profile.columns[name])
    return replace(profile, columns={name: replace(columns[name], sketch=sketches[name]) for name in columns})


def publishable_cells(cells: Cells, counts: Sequence[int]) -> Cells:
    """The cells, merged with neighbours until each holds at least ten rows of the reference, or none.

    Two cells that hold all the rows stay as they are, whatever they hold: a column of two values is a flag. Where merging
    would leave all the rows in one cell, the largest keeps its edges.

    Args:
        cells: frozen with the reference; those of categories are merged already.
        counts: rows of the reference in them.
    """
    import numpy as np

    rows = as_counts(counts)
    if cells.family != "numbers" or not _is_small(rows).any() or np.count_nonzero(rows) <= 2:
        return cells
    edges, inner = np.array(cells.edges), np.array(cells.inner)
    inner = _merged(inner, at_edges(rows, edges, inner), always=np.empty(0))
    edges = inner if cells.inner == cells.edges else _merged(edges, rows, always=inner)
    return Cells(family="numbers", edges=tuple(edges.tolist()), inner=tuple(inner.tolist()))


def _merged(edges: np.ndarray, counts: np.ndarray, *, always: np.ndarray) -> np.ndarray:
    """The edges between merged cells, of which `always` are part."""
    import numpy as np

    kept = edges[merged_cells(counts, np.isin(edges, always))]
    if np.count_nonzero(at_edges(counts, edges, kept)) > 1:
        return kept
    largest = int(np.argmax(counts))
    if counts[largest] >= LEAST_ROWS:
        return edges[max(largest - 1, 0) : largest + 1]
    middle = int(np.argmin(np.abs(2 * np.cumsum(counts)[:-1] - counts.sum())))
    return edges[middle : middle + 1]


def _is_small(counts: np.ndarray) -> np.ndarray:
    return (counts > 0) & (counts < LEAST_ROWS)


def _on_cells(column: ColumnProfile, cells: Cells) -> ColumnProfile:
    import numpy as np

    if cells == column.cells:
        return column
    counts = at_edges(as_counts(column.counts), np.array(column.cells.edges), np.array(cells.edges))
    return replace(column, cells=cells, counts=tuple(counts.tolist()))


def _with_rounded_extremes(column: ColumnProfile, exact: ColumnProfile) -> ColumnProfile:
    """The column with its extremes rounded outward, but for one that at least ten of its rows share in a cell of their own."""
    import numpy as np

    if exact.minimum is None or exact.maximum is None:
        return column
    low, high = rounded_outward(exact.minimum, exact.maximum)
    counts = as_counts(exact.counts)
    shared = holds_single_value(np.array(exact.cells.edges)) & (counts >= LEAST_ROWS)
    filled = np.flatnonzero(counts)
    return replace(
        column,
        minimum=exact.minimum if shared[filled[0]] else low,
        maximum=exact.maximum if shared[filled[-1]] else high,
    )
