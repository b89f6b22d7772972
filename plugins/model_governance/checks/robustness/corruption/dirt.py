"""Ordinary dirt, column by column: what each kind does to a value, and how much of it a severity means.

The dirt of a higher severity contains that of a lower one: the same draw decides, so a curve over
severities shows the model and not the luck of the draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from model_governance.checks.robustness.corruption.params import CorruptionName
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Columns

NAMES: tuple[CorruptionName, ...] = get_args(CorruptionName)
SHARES = (0.01, 0.05, 0.1, 0.25, 0.5)  # of all cells, by severity
NOISE = (0.01, 0.02, 0.05, 0.1, 0.2)  # standard deviation as a share of the column's range, on every cell
NUMBERS = ("numeric", "integer")
KINDS: Mapping[CorruptionName, tuple[str, ...]] = {
    "missing": ("numeric", "integer", "category", "boolean", "text", "datetime"),
    "unit_error": NUMBERS,
    "noise": NUMBERS,
    "swapped_category": ("category", "boolean", "text"),
    "unseen_category": ("category", "text"),
    "out_of_range": (*NUMBERS, "datetime"),
    "stale": ("numeric", "integer", "category", "boolean", "text", "datetime"),
}
UNSEEN = "never seen before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One clean column of the sample, the range that is ordinary for it and the values seen of it."""

    values: pd.Series
    kind: str
    low: float = 0.0
    high: float = 0.0
    seen: tuple[Any, ...] = ()

    def takes(self, corruption: CorruptionName) -> bool:
        """Whether this dirt can show in this column."""
        if self.kind not in KINDS[corruption]:
            return False
        if corruption == "swapped_category":
            return len(self.seen) > 1
        if corruption == "stale":
            return self.values.nunique(dropna=False) > 1
        return corruption not in ("noise", "out_of_range") or self.kind == "datetime" or self.high > self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What a severity means: the share of cells that is hit and the size of the noise."""

    share: float
    size: float = 0.0


def grade_of(corruption: CorruptionName, severity: int) -> Grade:
    """The meaning of a severity, 1 to 5."""
    if corruption == "noise":
        return Grade(share=1.0, size=NOISE[severity - 1])
    return Grade(share=SHARES[severity - 1])


def columns_of(frame: pd.DataFrame, columns: Columns) -> dict[str, Column]:
    """Every feature of the sample with what is ordinary for it.

    A range is that of the policy where it names both ends, otherwise the middle 98% of the sample.

    Raises:
        CheckError: a feature of numbers holds something else.
    """
    found = {}
    for name, feature in columns.features.items():
        values = frame[name]
        if feature.kind in NUMBERS:
            numbers = _numbers(values).dropna()
            low, high = (float(numbers.quantile(one)) for one in (0.01, 0.99))
            if feature.minimum is not None and feature.maximum is not None:
                low, high = feature.minimum, feature.maximum
            found[name] = Column(values=values, kind=feature.kind, low=low, high=high)
        elif feature.kind == "datetime":
            found[name] = Column(values=values, kind=feature.kind)
        else:
            seen = sorted(values.dropna().unique().tolist(), key=lambda one: (str(type(one)), str(one)))
            found[name] = Column(values=values, kind=feature.kind, seen=tuple(seen))
    return found


def soil(
    column: Column,
    corruption: CorruptionName,
    grade: Grade,
    *,
    generator: np.random.Generator,
    factors: tuple[float, ...],
) -> tuple[pd.Series, np.ndarray]:
    """The column with dirt in a share of its cells, and which cells were hit, shape (n,) bool.

    The input is left as it is. The type stays wherever it can hold the dirt: whole numbers stay whole, but a
    missing one makes them floats, as reading a file with a gap does.
    """
    touched = generator.random(len(column.values)) < grade.share
    fouled = FOULED[corruption](column, generator, grade, factors)
    return _replaced(column.values, fouled, touched), touched


def _missing(column: Column, _g: np.random.Generator, _grade: Grade, _f: tuple[float, ...]) -> Any:
    return None if column.values.dtype == object or column.values.dtype == bool else float("nan")


def _unit_error(column: Column, generator: np.random.Generator, _: Grade, factors: tuple[float, ...]) -> Any:
    return _numbers(column.values).to_numpy() * generator.choice(factors, len(column.values))


def _noise(column: Column, generator: np.random.Generator, grade: Grade, _: tuple[float, ...]) -> Any:
    spread = grade.size * (column.high - column.low)
    return _numbers(column.values).to_numpy() + generator.normal(0.0, spread, len(column.values))


def _swapped(column: Column, generator: np.random.Generator, _: Grade, _f: tuple[float, ...]) -> Any:
    import numpy as np

    places = {value: place for place, value in enumerate(column.seen)}
    # Missing values have no place of their own and get any.
    own = np.array([places.get(one, 0) for one in column.values.tolist()])
    other = (own + generator.integers(1, len(column.seen), len(own))) % len(column.seen)
    return [column.seen[one] for one in other]


def _unseen(column: Column, _g: np.random.Generator, _grade: Grade, _f: tuple[float, ...]) -> Any:
    if all(isinstance(one, (int, float)) for one in column.seen):
        return [max(column.seen) + 1] * len(column.values)
    strange = UNSEEN
    while strange in column.seen:
        strange += "!"
    return [strange] * len(column.values)


def _out_of_range(column: Column, generator: np.random.Generator, _: Grade, _f: tuple[float, ...]) -> Any:
    import numpy as np
    import pandas as pd

    if column.kind == "datetime":
        # The zero of the clock: what an empty date becomes in many feeds.
        return pd.Series(pd.Timestamp(0), index=column.values.index).dt.tz_localize(
            getattr(column.values.dtype, "tz", None)
        )
    reach = column.high - column.low
    return np.where(generator.random(len(column.values)) < 0.5, column.high + reach, column.low - reach)


def _stale(column: Column, generator: np.random.Generator, _: Grade, _f: tuple[float, ...]) -> Any:
    import numpy as np

    count = len(column.values)
    return column.values.iloc[(np.arange(count) + generator.integers(1, count, count)) % count]


FOULED: Mapping[CorruptionName, Callable[[Column, np.random.Generator, Grade, tuple[float, ...]], Any]] = {
    "missing": _missing,
    "unit_error": _unit_error,
    "noise": _noise,
    "swapped_category": _swapped,
    "unseen_category": _unseen,
    "out_of_range": _out_of_range,
    "stale": _stale,
}


def _numbers(values: pd.Series) -> pd.Series:
    try:
        return values.astype("float64")
    except (TypeError, ValueError) as error:
        raise CheckError(
            f"column {values.name!r} is declared as numbers and holds {values.dtype}; correct its kind in columns.features"
        ) from error


def _replaced(values: pd.Series, fouled: Any, touched: np.ndarray) -> pd.Series:
    """The clean values with the fouled ones where touched, in the narrowest type that holds both."""
    import numpy as np
    import pandas as pd

    places, dirty = touched.nonzero()[0], values.copy()
    if fouled is None or isinstance(fouled, float):
        dirty = dirty.astype(object) if fouled is None else _with_room_for_gaps(dirty)
        dirty.iloc[places] = fouled
        return dirty
    new = fouled if isinstance(fouled, pd.Series) else pd.Series(fouled, index=values.index)
    if pd.api.types.is_integer_dtype(values.dtype):
        new, dirty = _as_wide_as_needed(new, dirty)
    elif pd.api.types.is_float_dtype(values.dtype):
        new = new.astype(values.dtype)
    elif isinstance(values.dtype, pd.CategoricalDtype):
        strange = sorted(set(np.asarray(new)[places]) - set(values.cat.categories))
        dirty = dirty.cat.add_categories(strange) if strange else dirty
    dirty.iloc[places] = new.iloc[places].to_numpy()
    return dirty


def _with_room_for_gaps(values: pd.Series) -> pd.Series:
    import numpy as np

    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iu":
        return values.astype("float64")
    return values


def _as_wide_as_needed(new: pd.Series, dirty: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Whole numbers in the column's own type, or both in 64 bits where that is too narrow.

    A missing number among whole ones (a nullable type) stays missing.
    """
    import numpy as np

    limits = np.iinfo(str(dirty.dtype).lower())
    whole = new.round().clip(-(2.0**62), 2.0**62)
    inside = bool(whole.dropna().between(float(limits.min), float(limits.max)).all())
    nullable = not isinstance(dirty.dtype, np.dtype)
    target = dirty.dtype if inside else ("Int64" if nullable else "int64")
    return whole.astype("Int64" if nullable else "int64").astype(target), dirty.astype(target)
