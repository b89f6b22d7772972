"""Cells for the model's scores, which resolve the upper tail and the decision threshold.

Where positives are rare, nearly all scores are tiny, and the highest tenth holds everything that the model would act
on. Tenths alone then count ten times as many frauds as no change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.engine.cells import LEAST_EXPECTED, edges_of
from model_governance.engine.profiles import Cells, freeze

if TYPE_CHECKING:
    from model_governance.engine import Relation

UPPER_TAIL = (0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999)
"""Shares of the reference below an edge, beside the tenths."""


def score_cells(reference: Relation, name: str, *, threshold: float) -> Cells:
    """The cells of a column of numbers with edges in its upper tail and at the decision threshold.

    Args:
        reference: the scores on the reference.
        name: their column.
        threshold: the score from which a row is flagged.

    Returns:
        The cells of any other column, where scores take a few values only; else these and one edge at each quantile of
        the upper tail above which the reference has ten rows or more. Either way one edge is the threshold.
    """
    import numpy as np

    cells = freeze(reference, {name: "numbers"})[name]
    extra = np.array([threshold])
    if cells.edges != cells.inner:
        tail = [share for share in UPPER_TAIL if round((1 - share) * reference.rows, 6) >= LEAST_EXPECTED]
        extra = np.append(extra, edges_of(reference.quantiles(tail, [name])[name]) if tail else [])
    edges, inner = (np.union1d(chosen, extra) for chosen in (cells.edges, cells.inner))
    return Cells(family="numbers", edges=tuple(edges.tolist()), inner=tuple(inner.tolist()))
