"""What a comparison asks of a column of numbers, in one pass over both sides, so that no file is decoded five times."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from model_governance.engine.equal_width import equal_width_edges
from model_governance.engine.kept import Kept
from model_governance.engine.local import LocalRelation, Ranging, Summing, by_column, cell_counts, finite_of
from model_governance.engine.ordered import counts_between, distances_between, values_at
from model_governance.engine.profiles import GRID, quantile_cells
from model_governance.engine.relation import FEW_VALUES
from model_governance.engine.runs import put_in_order
from model_governance.engine.stored import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np

    from model_governance.engine.relation import Relation
    from model_governance.engine.runs import InOrder


def read_together(reference: Relation, current: Relation, numbers: Sequence[str]) -> None:
    """Answer in advance what a comparison of these columns asks: summaries, quantiles, cells, bins and distances.

    Each column is decoded and put in order once per side; the answers are remembered by the relations, whose
    methods then give them. Relations that a database answers keep asking it.

    Raises:
        SubjectError: a side lacks a column.
        CheckError: a column holds something that is no number.
    """
    if isinstance(reference, LocalRelation) and isinstance(current, LocalRelation):
        for side in (reference, current):
            side.require(numbers)
        by_column(lambda name: _read(reference, current, name), numbers)


def read_bins(reference: Relation, current: Relation, numbers: Sequence[str]) -> None:
    """Answer in advance what equal-width bins of these columns ask: ends and counts; the values need no order.

    Raises: as `read_together`.
    """
    if isinstance(reference, LocalRelation) and isinstance(current, LocalRelation):
        for side in (reference, current):
            side.require(numbers)
        by_column(lambda name: _bin(reference, current, name), numbers)


def _read(reference: LocalRelation, current: LocalRelation, name: str) -> None:
    import numpy as np

    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        first, second = (_summed(side, name, Path(folder) / str(place)) for place, side in _sides(reference, current))
        if first.count == 0 or second.count == 0:
            return
        reference.remember_distance(current, name, distances_between(first, second, name))
        if reference.summaries([name])[name].distinct <= FEW_VALUES:
            return
        values = values_at(first, GRID)
        reference.remember_quantiles(name, GRID, values)
        bins = equal_width_edges(reference, current, [name])[name]
        for edges in (np.array(quantile_cells(values).edges), bins):
            reference.remember_counts(name, edges, counts_between(first, edges))
            current.remember_counts(name, edges, counts_between(second, edges))


def _summed(relation: LocalRelation, name: str, folder: Path) -> InOrder:
    """The column in order, its summary taken on the way."""
    summing = Summing()

    def pieces() -> Iterator[np.ndarray]:
        for piece in relation.numbers(name):
            summing.add(piece)
            yield piece

    folder.mkdir()
    values = put_in_order(pieces(), folder)
    relation.remember_summary(name, summing.summary(lambda: relation.numbers(name), rows=relation.rows))
    return values


def _bin(reference: LocalRelation, current: LocalRelation, name: str) -> None:
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        kept = [_ranged(side, name, Path(folder) / str(place)) for place, side in _sides(reference, current)]
        bins = equal_width_edges(reference, current, [name]).get(name)
        if bins is None:
            return
        for side, values in zip((reference, current), kept, strict=True):
            side.remember_counts(name, bins, cell_counts(values.pieces(), bins))


def _ranged(relation: LocalRelation, name: str, path: Path) -> Kept:
    """The finite values of a column, kept to be counted, their ends taken on the way."""
    kept, ranging = Kept(path), Ranging()
    for piece in relation.numbers(name):
        finite = finite_of(piece)
        ranging.add(finite)
        kept.add(finite)
    relation.remember_range(name, ranging.range())
    return kept


def _sides(reference: LocalRelation, current: LocalRelation) -> Iterator[tuple[int, LocalRelation]]:
    return enumerate((reference, current))
