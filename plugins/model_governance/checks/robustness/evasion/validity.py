"""Whether rows that an attack returned are rows that the attacker could send: counted on raw values, not assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.checks.robustness.evasion.moves import ROUNDING
from model_governance.checks.robustness.evasion.relation_check import relations_hold
from model_governance.checks.robustness.evasion.text_check import within_budget
from model_governance.contract.relations import dependents

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.robustness.evasion.moves import Axis, Choice
    from model_governance.checks.robustness.evasion.row_space import RowSpace


def valid_rows(space: RowSpace, before: pd.DataFrame, after: pd.DataFrame) -> np.ndarray:
    """Mask (n,) of the rows after an attack that the threat model allows for the rows before it.

    Columns and dtypes are the same, what may not move is equal, numbers that moved are inside their range, on their
    grid and moved in an allowed direction, categories that moved have an allowed value, texts are within their budgets. A gap is a value: it stays, unless
    it may be filled, and none is made, unless the value may be omitted.
    """
    import numpy as np

    valid = np.full(len(before), list(before.columns) == list(after.columns) and (before.dtypes == after.dtypes).all())
    axes = {axis.feature: axis for axis in space.axes}
    choices = {choice.feature: choice for choice in space.choices}
    texts = {text.feature: text for text in space.texts}
    follows = () if space.relations is None else dependents(space.relations.every)
    for name in before.columns if valid.any() else ():
        old, new = before[name].to_numpy(dtype=object), after[name].to_numpy(dtype=object)
        gap, gone = before[name].isna().to_numpy(), after[name].isna().to_numpy()
        there = ~gap & ~gone
        same = gap & gone
        same[there] = [a is b or a == b for a, b in zip(old[there], new[there], strict=True)]
        allowed = np.zeros(len(before), dtype=bool)
        if name in axes:
            numbers = old[there].astype(np.float64), new[there].astype(np.float64)
            allowed[there] = _number(axes[name], *numbers, spacing=_spacing(after[name].dtype))
        if name in choices:
            moved = ~there if choices[name].of_number else np.ones(len(before), dtype=bool)
            allowed[moved] = _category(choices[name], old[moved], new[moved])
        if name in texts:
            budgets = {"most_words": texts[name].words, "most_characters": texts[name].characters}
            allowed[there] = [within_budget(a, b, **budgets) for a, b in zip(old[there], new[there], strict=True)]
        if name in follows:
            allowed[:] = True  # judged with the columns that it follows from
        valid &= same | allowed
    if space.relations is not None and valid.any():
        valid &= relations_hold(space.relations, before, after)
    return valid


def _spacing(dtype: Any) -> float:
    """Relative distance of neighbouring numbers of a column: a narrow one rounds what is written into it."""
    import numpy as np

    return float(np.finfo(getattr(dtype, "numpy_dtype", dtype)).eps) if dtype.kind == "f" else 0.0


def _number(axis: Axis, old: np.ndarray, new: np.ndarray, *, spacing: float) -> np.ndarray:
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
    import pandas as pd

    gap, unknown = object(), len(choice.values)
    values = (*choice.values[:-1], gap) if choice.missing else choice.values
    places = {value: place for place, value in enumerate(values)}

    def place(value: Any) -> int | None:
        return places.get(gap if pd.isna(value) else value)

    def allowed(present: int | None, target: int | None) -> bool:
        if target is None:
            return False
        return choice.open is None or bool(choice.open[unknown if present is None else present, target])

    # Every number that is there counts as none of the values that fill a gap.
    present = [None if choice.of_number and not pd.isna(a) else place(a) for a in old]
    return np.array([allowed(a, place(b)) for a, b in zip(present, new, strict=True)], dtype=bool)
