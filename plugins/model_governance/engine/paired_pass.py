"""Computes what a comparison needs of a column of numbers in one pass over both datasets, so that a file is decoded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.engine.equal_width import equal_width_edges
from model_governance.engine.local import (
    LocalRelation,
    RangeAccumulator,
    SummaryAccumulator,
    by_column,
    cell_counts,
    finite_of,
)
from model_governance.engine.ordered import counts_between, distances_between, windows_at
from model_governance.engine.profiles import GRID, quantile_cells
from model_governance.engine.publishing import publishable_cells
from model_governance.engine.relation import FEW_VALUES
from model_governance.engine.rounding import rounded_quantiles
from model_governance.engine.runs import put_in_order
from model_governance.engine.sketches import crowded, dividing_edges, quantile_grids
from model_governance.engine.spill import LazyFolder, SpilledValues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np

    from model_governance.engine.relation import Relation
    from model_governance.engine.runs import InOrder


def read_pair(reference: Relation, current: Relation, numbers: Sequence[str]) -> None:
    """Compute in advance what a comparison of these columns needs: summaries, quantiles, cells, bins and distances.

    Each column is decoded and sorted once per dataset; the relations cache the results, which their methods then
    return. Relations of a database are left to the database.

    Raises:
        SubjectError: a dataset lacks a column.
        CheckError: a column holds something that is no number.
    """
    if isinstance(reference, LocalRelation) and isinstance(current, LocalRelation):
        for relation in (reference, current):
            relation.require(numbers)
        by_column(lambda name: _read(reference, current, name), numbers)


def read_pair_bins(reference: Relation, current: Relation, numbers: Sequence[str]) -> None:
    """Compute in advance what equal-width bins of these columns need: ranges and counts, without sorting.

    Raises:
        SubjectError: a dataset lacks a column.
        CheckError: a column holds something that is no number.
    """
    if isinstance(reference, LocalRelation) and isinstance(current, LocalRelation):
        for relation in (reference, current):
            relation.require(numbers)
        by_column(lambda name: _bin(reference, current, name), numbers)


def _read(reference: LocalRelation, current: LocalRelation, name: str) -> None:
    import numpy as np

    with LazyFolder() as folder:
        first = _sorted_values(reference, name, lambda: folder.subfolder("reference"))
        second = _sorted_values(current, name, lambda: folder.subfolder("current"))
        if first.count == 0 or second.count == 0:
            return
        reference.cache_distance(current, name, distances_between(first, second, name))
        if reference.summaries([name])[name].distinct <= FEW_VALUES:
            return
        quantiles = rounded_quantiles(windows_at(first, GRID))
        reference.cache_rounded(name, GRID, quantiles)
        bins = equal_width_edges(reference, current, [name])[name]
        cells = quantile_cells(quantiles)
        frozen = np.array(cells.edges)
        for edges in (frozen, bins):
            reference.cache_counts(name, edges, counts_between(first, edges))
            current.cache_counts(name, edges, counts_between(second, edges))
        stored = publishable_cells(cells, reference.counts({name: frozen})[name].tolist())
        _sketch(current, name, second, np.array(stored.edges))


def _sketch(relation: LocalRelation, name: str, values: InOrder, frozen: np.ndarray) -> None:
    """What a profile's sketch of a column needs, where rows crowd in its frozen cells."""
    counts = counts_between(values, frozen)
    if crowded(frozen, counts).any():
        grids = quantile_grids(values.count)
        quantiles = rounded_quantiles(windows_at(values, grids.probabilities))
        relation.cache_rounded(name, grids.probabilities, quantiles)
        dividing = dividing_edges(frozen, counts, grids=grids, quantiles=quantiles)
        relation.cache_counts(name, dividing, counts_between(values, dividing))


def _sorted_values(relation: LocalRelation, name: str, make_folder: Callable[[], Path]) -> InOrder:
    """The column in order; its summary is computed in the same pass."""
    accumulator = SummaryAccumulator()

    def pieces() -> Iterator[np.ndarray]:
        for piece in relation.numbers(name):
            accumulator.add(piece)
            yield piece

    values = put_in_order(pieces(), make_folder)
    relation.cache_summary(name, accumulator.summary(lambda: relation.numbers(name), rows=relation.rows))
    return values


def _bin(reference: LocalRelation, current: LocalRelation, name: str) -> None:
    with LazyFolder() as folder:
        first = _finite_values(reference, name, lambda: folder.subfolder("reference"))
        second = _finite_values(current, name, lambda: folder.subfolder("current"))
        bins = equal_width_edges(reference, current, [name]).get(name)
        if bins is None:
            return
        for relation, values in ((reference, first), (current, second)):
            relation.cache_counts(name, bins, cell_counts(values.pieces(), bins))


def _finite_values(relation: LocalRelation, name: str, make_folder: Callable[[], Path]) -> SpilledValues:
    """The finite values of a column, stored for counting; their range is computed in the same pass."""
    values, accumulator = SpilledValues(make_folder), RangeAccumulator()
    for piece in relation.numbers(name):
        finite = finite_of(piece)
        accumulator.add(finite)
        values.add(finite)
    relation.cache_range(name, accumulator.range())
    return values
