"""PSI and Jensen-Shannon distance as Evidently 0.7.23 defines them: equal-width bins over both sides together.

Its users know these numbers, so they are shown beside ours. They never decide: one wild value on either side stretches
the bins until an ordinary shift is invisible.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.engine.cells import Table, labels_table
from model_governance.engine.relation import FEW_VALUES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from model_governance.engine.relation import NumberRange, NumberSummary, Relation

SMALLEST_FILL = 1e-4


def equal_width_tables(reference: Relation, current: Relation, numbers: Sequence[str]) -> dict[str, Table]:
    """The cells of Evidently's definitions, over all rows: bins where the reference has more than 20 values, else one a value.

    Raises:
        SubjectError: a side lacks a column.
        CheckError: a column holds something that is no number.
    """
    edges = equal_width_edges(reference, current, numbers)
    few = [name for name in numbers if name not in edges]
    binned = [side.counts(edges) for side in (reference, current)]
    found = {name: Table(reference=binned[0][name], current=binned[1][name]) for name in edges}
    valued = [side.value_counts(few) if few else {} for side in (reference, current)]
    for name in few:
        theirs, ours = (_finite(side[name]) for side in valued)
        found[name] = labels_table(theirs, ours)
    return found


def equal_width_edges(reference: Relation, current: Relation, numbers: Sequence[str]) -> dict[str, np.ndarray]:
    """Inner edges of the columns of which the reference has more than 20 values."""
    sides = [side.ranges(numbers) for side in (reference, current)]
    many = [name for name in numbers if sides[0][name].distinct > FEW_VALUES]
    whole = _whole(reference, current, many, sides)
    return {name: sturges_edges(sides[0][name], sides[1][name], whole=name in whole) for name in many}


def _whole(
    reference: Relation, current: Relation, names: Sequence[str], sides: Sequence[Mapping[str, NumberRange]]
) -> set[str]:
    """The columns in which Evidently would see whole numbers: one missing value turns a column to floats."""
    rows = (reference.rows, current.rows)
    full = [name for name in names if all(side[name].finite == n for side, n in zip(sides, rows, strict=True))]
    if not full:
        return set()
    glances = [next(iter(one.frames(full, rows=1))) for one in (reference, current)]
    return {name for name in full if all(one[name].dtype.kind in "iu" for one in glances)}


def _finite(counts: Mapping[str, int]) -> dict[str, int]:
    return {label: rows for label, rows in counts.items() if math.isfinite(float(label))}


def sturges_edges(
    reference: NumberRange | NumberSummary, current: NumberRange | NumberSummary, *, whole: bool
) -> np.ndarray:
    """Inner edges of numpy's "sturges" bins (1926) over both sides, shape (bins - 1,); [a, b) cells.

    `whole` says that both sides arrive as an integer dtype, where numpy 2 makes no bin narrower than 1.
    Both sides need a finite value.
    """
    import numpy as np

    ends = [one for side in (reference, current) for one in (side.minimum, side.maximum) if one is not None]
    low, high = min(ends), max(ends)
    if low == high:
        return np.array([])
    width = (high - low) / (math.log2(reference.finite + current.finite) + 1.0)
    if whole and width < 1:
        width = 1.0
    bins = max(1, math.ceil((high - low) / width))
    return np.linspace(low, high, bins + 1)[1:-1]


def equal_width_psi(table: Table) -> float:
    """Population stability index, sum of (r - c) ln(r / c), with Evidently's filling of empty cells; not corrected.

    An empty cell counts 1e-4 where the smallest other share of its side is larger, else a millionth of that share.
    """
    import numpy as np

    r, c = _filled(table.reference / table.n), _filled(table.current / table.m)
    return float(((r - c) * np.log(r / c)).sum())


def equal_width_jensen_shannon(table: Table) -> float:
    """Jensen-Shannon distance in natural logarithms, nothing filled, not corrected; 0 to 0.83."""
    import numpy as np

    r, c = table.reference / table.n, table.current / table.m
    half = (r + c) / 2
    total = 0.0
    for side in (r, c):
        held = side > 0
        total += float((side[held] * np.log(side[held] / half[held])).sum())
    return math.sqrt(max(0.0, total / 2))


def _filled(shares: np.ndarray) -> np.ndarray:
    import numpy as np

    least = float(shares[shares > 0].min())
    return np.where(shares == 0, least / 1e6 if least <= SMALLEST_FILL else SMALLEST_FILL, shares)
