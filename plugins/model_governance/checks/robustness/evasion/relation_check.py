"""Whether relations hold in rows that attacks returned: row by row on plain numbers, apart from what made the rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from model_governance.contract.relations import formula, sides

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from model_governance.attacks.relations import Relations
    from model_governance.contract.relations import Relation

    Row = Mapping[str, Any]


def relations_hold(relations: Relations, before: pd.DataFrame, after: pd.DataFrame) -> np.ndarray:
    """Mask (n,) of the rows in which all relations hold, or whose columns of a relation are as they were before."""
    import numpy as np

    names = list(relations.columns)
    rounded = {name: _rounding(after[name].dtype) for name in names}
    pairs = zip(before[names].to_dict("records"), after[names].to_dict("records"), strict=True)
    return np.array([_obeys(relations, old, new, rounded) for old, new in pairs], dtype=bool)


def _rounding(dtype: Any) -> tuple[float, float]:
    """What a column rounds: relative to the number, and in its own units."""
    import numpy as np

    kind = getattr(dtype, "numpy_dtype", dtype)
    if dtype.kind == "f":
        return max(1e-6, 4 * float(np.finfo(kind).eps)), 1e-12
    return 1e-6, 1.0 if dtype.kind in "iu" else 1e-12


def _obeys(relations: Relations, old: Row, new: Row, rounded: Mapping[str, tuple[float, float]]) -> bool:
    return all(_holds(relations, relation, old, new, rounded) for relation in relations.every)


def _holds(
    relations: Relations, relation: Relation, old: Row, new: Row, rounded: Mapping[str, tuple[float, float]]
) -> bool:
    named = [*relation.sources, *([relation.dependent] if relation.dependent is not None else [])]
    if all(_same(old[name], new[name]) for name in named):
        return True
    if relation.one_of is not None:
        return sorted(float(new[name]) for name in relation.one_of) == [0.0] * (len(relation.one_of) - 1) + [1.0]
    if relation.determines is not None:
        return _same(
            relations.pairs[str(relation.dependent)].get(new[relation.sources[0]]), new[str(relation.dependent)]
        )
    numbers = {name: float("nan") if _missing(new[name]) else float(new[name]) for name in named}
    if relation.inequality is not None:
        left, between, right = sides(relation)
        low, high = left.value(numbers), right.value(numbers)
        low, high = (low, high) if between in ("<=", "<") else (high, low)
        return not (low > high or (low == high and between in ("<", ">")))
    return _follows(
        relations, relation, numbers, float("nan") if _missing(old[named[-1]]) else float(old[named[-1]]), rounded
    )


def _follows(
    relations: Relations, relation: Relation, numbers: Mapping[str, float], old: float,
    rounded: Mapping[str, tuple[float, float]],
) -> bool:  # fmt: skip
    """Whether a derived column is what its formula says, inside the range that the policy states for it."""
    name = str(relation.dependent)
    try:
        expected = float(formula(relation).value(numbers))
    except (ZeroDivisionError, OverflowError):
        return False
    share, unit = rounded[name]
    unit = unit if relation.decimals is None else 0.51 * 10.0**-relation.decimals + 1e-12
    low, high = relations.ranges.get(name, (None, None))
    inside = _within(numbers[name], low, high) or not _within(old, low, high)
    return math.isfinite(expected) and abs(numbers[name] - expected) <= share * abs(expected) + unit and inside


def _within(number: float, low: float | None, high: float | None) -> bool:
    return (low is None or number >= low) and (high is None or number <= high)


def _missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def _same(first: Any, other: Any) -> bool:
    return (_missing(first) and _missing(other)) or bool(not _missing(first) and not _missing(other) and first == other)
