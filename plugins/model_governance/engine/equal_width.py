"""PSI and Jensen-Shannon distance as Evidently 0.7.23 defines them: equal-width bins over both datasets together.

Users of Evidently know these numbers, so they are reported. They never decide: a single extreme value in either dataset
stretches the bins until an ordinary shift is invisible.
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

FILL = 1e-4


def equal_width_tables(reference: Relation, current: Relation, numbers: Sequence[str]) -> dict[str, Table]:
    """The cells of Evidently's definitions, over all rows: bins where the reference has over 20 values, else one per value.

    Raises:
        SubjectError: a dataset lacks a column.
        CheckError: a column holds something that is no number.
    """
    edges = equal_width_edges(reference, current, numbers)
    few = [name for name in numbers if name not in edges]
    reference_counts, current_counts = reference.counts(edges), current.counts(edges)
    tables = {name: Table(reference=reference_counts[name], current=current_counts[name]) for name in edges}
    if few:
        reference_values, current_values = reference.value_counts(few), current.value_counts(few)
        for name in few:
            tables[name] = labels_table(_finite(reference_values[name]), _finite(current_values[name]))
    return tables


def equal_width_edges(reference: Relation, current: Relation, numbers: Sequence[str]) -> dict[str, np.ndarray]:
    """Inner edges of the columns of which the reference has more than 20 values."""
    reference_ranges, current_ranges = reference.ranges(numbers), current.ranges(numbers)
    many = [name for name in numbers if reference_ranges[name].distinct > FEW_VALUES]
    whole = _whole(reference, current, many, (reference_ranges, current_ranges))
    return {name: sturges_edges(reference_ranges[name], current_ranges[name], whole=name in whole) for name in many}


def _whole(
    reference: Relation, current: Relation, names: Sequence[str], ranges: Sequence[Mapping[str, NumberRange]]
) -> set[str]:
    """The columns that Evidently would read as integers: a missing value turns a column to floats."""
    rows = (reference.rows, current.rows)
    full = [name for name in names if all(each[name].finite == n for each, n in zip(ranges, rows, strict=True))]
    if not full:
        return set()
    return set(reference.integers(full) & current.integers(full))


def _finite(counts: Mapping[str, int]) -> dict[str, int]:
    return {label: rows for label, rows in counts.items() if math.isfinite(float(label))}


def sturges_edges(
    reference: NumberRange | NumberSummary, current: NumberRange | NumberSummary, *, whole: bool
) -> np.ndarray:
    """Inner edges of numpy's "sturges" bins (1926) over both datasets, shape (bins - 1,); [a, b) cells.

    Args:
        reference: the range of the reference, with a finite value.
        current: the range of current, with a finite value.
        whole: both datasets have an integer dtype, for which numpy 2 makes no bin narrower than 1.
    """
    import numpy as np

    ends = [end for each in (reference, current) for end in (each.minimum, each.maximum) if end is not None]
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

    An empty cell counts 1e-4 where the smallest other share of its dataset is larger, else a millionth of that share.
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
    for shares in (r, c):
        filled = shares > 0
        total += float((shares[filled] * np.log(shares[filled] / half[filled])).sum())
    return math.sqrt(max(0.0, total / 2))


def _filled(shares: np.ndarray) -> np.ndarray:
    import numpy as np

    least = float(shares[shares > 0].min())
    return np.where(shares == 0, least / 1e6 if least <= FILL else FILL, shares)
