"""Whether rows that an attack returned are rows that the attacker could send: counted on raw values, not assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.checks.robustness.evasion.row_space import ROUNDING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.robustness.evasion.row_space import Axis, Choice, RowSpace


def valid_rows(space: RowSpace, before: pd.DataFrame, after: pd.DataFrame) -> np.ndarray:
    """Mask (n,) of the rows after an attack that the threat model allows for the rows before it.

    Columns and dtypes are the same, what may not move is equal, numbers that moved are inside their range, on their
    grid and moved in an allowed direction, categories that moved have an allowed value.
    """
    import numpy as np

    valid = np.full(len(before), list(before.columns) == list(after.columns) and (before.dtypes == after.dtypes).all())
    axes = {axis.feature: axis for axis in space.axes}
    choices = {choice.feature: choice for choice in space.choices}
    for name in before.columns if valid.any() else ():
        old, new = before[name].to_numpy(dtype=object), after[name].to_numpy(dtype=object)
        same = np.array([a is b or a == b for a, b in zip(old, new, strict=True)], dtype=bool)
        if name in axes:
            spacing = _spacing(after[name].dtype)
            allowed = _number(axes[name], old.astype(np.float64), new.astype(np.float64), spacing)
        elif name in choices:
            allowed = _category(choices[name], old, new)
        else:
            allowed = np.zeros(len(before), dtype=bool)
        valid &= same | allowed
    return valid


def _spacing(dtype: Any) -> float:
    """Relative distance of neighbouring numbers of a column: a narrow one rounds what is written into it."""
    import numpy as np

    return float(np.finfo(getattr(dtype, "numpy_dtype", dtype)).eps) if dtype.kind == "f" else 0.0


def _number(axis: Axis, old: np.ndarray, new: np.ndarray, spacing: float) -> np.ndarray:
    import numpy as np

    slack = ROUNDING * axis.span + spacing * np.abs(new)
    inside: np.ndarray = (new >= axis.low - slack) & (new <= axis.high + slack)
    if axis.step:
        inside &= np.abs(new - axis.step * np.rint(new / axis.step)) <= slack
    if axis.direction is not None:
        inside &= (new > old) if axis.direction == "up" else (new < old)
    return inside


def _category(choice: Choice, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    import numpy as np

    places = {value: place for place, value in enumerate(choice.values)}
    unknown = len(choice.values)
    return np.array(
        [
            b in places and (choice.open is None or bool(choice.open[places.get(a, unknown), places[b]]))
            for a, b in zip(old, new, strict=True)
        ],
        dtype=bool,
    )
