"""Everything that needs the values of a column in order, in one pass over both sides, so that no file is read five times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.engine.equal_width import equal_width_edges
from model_governance.engine.local import LocalRelation, by_column
from model_governance.engine.ordered import both_in_order, counts_between, distances_between, values_at
from model_governance.engine.profiles import GRID, quantile_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.engine.relation import Relation


def read_together(reference: Relation, current: Relation, numbers: Sequence[str]) -> None:
    """Answer in advance what a comparison of these columns asks: quantiles, cells, bins and distances.

    Each column of numbers with many values is put in order once per side; the answers are remembered by the
    relations, whose methods then give them. Relations that a database answers keep asking it.

    Raises:
        SubjectError: a side lacks a column.
        CheckError: a column holds something that is no number, or no finite value.
    """
    if not (isinstance(reference, LocalRelation) and isinstance(current, LocalRelation)):
        return
    bins = equal_width_edges(reference, current, numbers)
    by_column(lambda name: _read(reference, current, name, bins=bins[name]), bins)


def _read(reference: LocalRelation, current: LocalRelation, name: str, *, bins: np.ndarray) -> None:
    import numpy as np

    with both_in_order(reference, current, name) as (first, second):
        values = values_at(first, GRID)
        reference.remember_quantiles(name, GRID, values)
        for edges in (np.array(quantile_cells(values).edges), bins):
            reference.remember_counts(name, edges, counts_between(first, edges))
            current.remember_counts(name, edges, counts_between(second, edges))
        reference.remember_distance(current, name, distances_between(first, second, name))
