"""What needs the values in order: order statistics, Kolmogorov-Smirnov and Wasserstein distances, exact over all rows."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from model_governance.engine.relation import Ordered
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.engine.relation import Relation


def order_statistics(relation: Relation, name: str, probabilities: Sequence[float]) -> np.ndarray:
    """The smallest values with F(value) >= p, shape (len(probabilities),).

    Raises:
        CheckError: the column holds no finite value.
        ValueError: a probability outside [0, 1].
    """
    import numpy as np

    values = _sorted(relation, name)
    return np.array([values[rank_of(one, len(values))] for one in probabilities]) + 0.0


def rank_of(probability: float, count: int) -> int:
    """The place (from 0) of the p-quantile among `count` sorted values; 0.1 means a tenth, not the float beside it."""
    if not 0 <= probability <= 1:
        raise ValueError(f"a probability lies in [0, 1]; found {probability}")
    return max(math.ceil(Fraction(repr(float(probability))) * count) - 1, 0)


def ordered_distances(reference: Relation, current: Relation, name: str) -> Ordered:
    """The distances of one column.

    Raises:
        CheckError: a side holds no finite value.
    """
    import numpy as np

    first, second = _sorted(reference, name), _sorted(current, name)
    n, m = len(first), len(second)
    values = np.unique(np.concatenate([first, second]))
    gap = np.searchsorted(first, values, side="right") * m - np.searchsorted(second, values, side="right") * n
    worst = int(np.abs(gap).argmax())
    area = math.fsum(np.abs(gap[:-1]) * np.diff(values))
    return Ordered(
        n=n, m=m, ks=abs(int(gap[worst])) / (n * m), place=float(values[worst]) + 0.0, wasserstein=area / (n * m)
    )


def _sorted(relation: Relation, name: str) -> np.ndarray:
    import numpy as np

    values = np.concatenate([np.empty(0), *relation.numbers(name)])
    values = np.sort(values[np.isfinite(values)])
    if len(values) == 0:
        raise CheckError(
            f"column {name!r} of dataset {relation.role!r} holds no finite number in any of {relation.rows:,} rows"
        )
    return values
