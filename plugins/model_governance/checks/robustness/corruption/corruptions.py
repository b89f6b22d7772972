"""The corruptions, column by column: what each does to a value, and the share of cells at each severity.

The corrupted cells of a higher severity contain those of a lower one: the same draw decides, so that a curve over
severities does not depend on the draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from model_governance.checks.robustness.corruption.params import TableCorruptionName
from model_governance.checks.robustness.corruption.text_corruptions import TEXT_CORRUPTIONS, corrupt_words
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Columns

NAMES: tuple[TableCorruptionName, ...] = get_args(TableCorruptionName)
SHARES = (0.01, 0.05, 0.1, 0.25, 0.5)  # of all cells, or of the words of every text, by severity
NOISE = (0.01, 0.02, 0.05, 0.1, 0.2)  # standard deviation as a share of the column's range, on every cell
NUMBERS = ("numeric", "integer")
KINDS: Mapping[TableCorruptionName, tuple[str, ...]] = {
    "missing": ("numeric", "integer", "category", "boolean", "text", "datetime"),
    "unit_error": NUMBERS,
    "noise": NUMBERS,
    "swapped_category": ("category", "boolean", "text"),
    "unseen_category": ("category", "text"),
    "out_of_range": (*NUMBERS, "datetime"),
    "stale": ("numeric", "integer", "category", "boolean", "text", "datetime"),
    "typos": ("text",),
    "casing": ("text",),
    "homoglyphs": ("text",),
}
UNSEEN = "never seen before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One clean column of the sample, its usual range and its categories."""

    values: pd.Series
    kind: str
    low: float = 0.0
    high: float = 0.0
    categories: tuple[Any, ...] = ()

    def applies(self, corruption: TableCorruptionName) -> bool:
        """Whether this corruption can change this column."""
        if self.kind not in KINDS[corruption]:
            return False
        if corruption == "swapped_category":
            return len(self.categories) > 1
        if corruption == "stale":
            return self.values.nunique(dropna=False) > 1
        return corruption not in ("noise", "out_of_range") or self.kind == "datetime" or self.high > self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """What a severity means: the share of cells that is corrupted, and the size of the noise or the share of words."""

    share: float
    size: float = 0.0


def intensity_of(corruption: TableCorruptionName, severity: int) -> Intensity:
    """The meaning of a severity, 1 to 5."""
    if corruption == "noise":
        return Intensity(share=1.0, size=NOISE[severity - 1])
    if corruption in TEXT_CORRUPTIONS:
        return Intensity(share=1.0, size=SHARES[severity - 1])
    return Intensity(share=SHARES[severity - 1])


def columns_of(frame: pd.DataFrame, columns: Columns) -> dict[str, Column]:
    """Every feature of the sample with its usual range or its categories.

    A range is that of the policy where it names both ends, otherwise the middle 98% of the sample.

    Raises:
        CheckError: a feature of numbers holds something else.
    """
    found = {}
    for name, feature in columns.features.items():
        values = frame[name]
        if feature.kind in NUMBERS:
            numbers = _numbers(values).dropna()
            low, high = (float(numbers.quantile(share)) for share in (0.01, 0.99))
            if feature.minimum is not None and feature.maximum is not None:
                low, high = feature.minimum, feature.maximum
            found[name] = Column(values=values, kind=feature.kind, low=low, high=high)
        elif feature.kind == "datetime":
            found[name] = Column(values=values, kind=feature.kind)
        else:
            categories = sorted(values.dropna().unique().tolist(), key=lambda value: (str(type(value)), str(value)))
            found[name] = Column(values=values, kind=feature.kind, categories=tuple(categories))
    return found


def corrupt(
    column: Column,
    corruption: TableCorruptionName,
    intensity: Intensity,
    *,
    generator: np.random.Generator,
    factors: tuple[float, ...],
) -> tuple[pd.Series, np.ndarray]:
    """The column with a share of its cells corrupted, and which cells, shape (n,) bool.

    The input is not changed; a text without a corrupted word counts as clean. The type stays where it can hold the new
    values: whole numbers stay whole, but a missing one makes them floats, as reading a file with a missing value does.
    """
    import numpy as np

    affected = generator.random(len(column.values)) < intensity.share
    if corruption in TEXT_CORRUPTIONS:
        texts = column.values.tolist()
        new = corrupt_words(texts, corruption, share=intensity.size, generator=generator)
        affected &= np.array([isinstance(old, str) and old != made for old, made in zip(texts, new, strict=True)])
        return _replaced(column.values, new, affected), affected
    replacements = REPLACEMENTS[corruption](column, generator, intensity, factors)
    return _replaced(column.values, replacements, affected), affected


def with_gaps(values: pd.Series, rows: np.ndarray) -> pd.Series:
    """The values with nothing in these rows, shape (n,) bool."""
    return _replaced(values, _gap_of(values), rows)


def _gap_of(values: pd.Series) -> float | None:
    return None if values.dtype == object or values.dtype == bool else float("nan")


def _missing(column: Column, _g: np.random.Generator, _grade: Intensity, _f: tuple[float, ...]) -> Any:
    return _gap_of(column.values)


def _unit_error(column: Column, generator: np.random.Generator, _: Intensity, factors: tuple[float, ...]) -> Any:
    return _numbers(column.values).to_numpy() * generator.choice(factors, len(column.values))


def _noise(column: Column, generator: np.random.Generator, intensity: Intensity, _: tuple[float, ...]) -> Any:
    spread = intensity.size * (column.high - column.low)
    return _numbers(column.values).to_numpy() + generator.normal(0.0, spread, len(column.values))


def _swapped(column: Column, generator: np.random.Generator, _: Intensity, _f: tuple[float, ...]) -> Any:
    import numpy as np

    places = {value: place for place, value in enumerate(column.categories)}
    # Missing values have no place of their own and get any.
    own = np.array([places.get(value, 0) for value in column.values.tolist()])
    other = (own + generator.integers(1, len(column.categories), len(own))) % len(column.categories)
    return [column.categories[place] for place in other]


def _unseen(column: Column, _g: np.random.Generator, _grade: Intensity, _f: tuple[float, ...]) -> Any:
    if all(isinstance(value, (int, float)) for value in column.categories):
        return [max(column.categories) + 1] * len(column.values)
    unknown = UNSEEN
    while unknown in column.categories:
        unknown += "!"
    return [unknown] * len(column.values)


def _out_of_range(column: Column, generator: np.random.Generator, _: Intensity, _f: tuple[float, ...]) -> Any:
    import numpy as np
    import pandas as pd

    if column.kind == "datetime":
        # The epoch: what an empty date becomes in many feeds.
        return pd.Series(pd.Timestamp(0), index=column.values.index).dt.tz_localize(
            getattr(column.values.dtype, "tz", None)
        )
    reach = column.high - column.low
    return np.where(generator.random(len(column.values)) < 0.5, column.high + reach, column.low - reach)


def _stale(column: Column, generator: np.random.Generator, _: Intensity, _f: tuple[float, ...]) -> Any:
    import numpy as np

    count = len(column.values)
    return column.values.iloc[(np.arange(count) + generator.integers(1, count, count)) % count]


REPLACEMENTS: Mapping[
    TableCorruptionName, Callable[[Column, np.random.Generator, Intensity, tuple[float, ...]], Any]
] = {
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


def _replaced(values: pd.Series, replacements: Any, affected: np.ndarray) -> pd.Series:
    """The clean values with the replacements where affected, in the narrowest type that holds both."""
    import numpy as np
    import pandas as pd

    places, corrupted = affected.nonzero()[0], values.copy()
    if replacements is None or isinstance(replacements, float):
        corrupted = corrupted.astype(object) if replacements is None else _with_room_for_missing(corrupted)
        corrupted.iloc[places] = replacements
        return corrupted
    new = replacements if isinstance(replacements, pd.Series) else pd.Series(replacements, index=values.index)
    if pd.api.types.is_integer_dtype(values.dtype):
        new, corrupted = _as_wide_as_needed(new, corrupted)
    elif pd.api.types.is_float_dtype(values.dtype):
        new = new.astype(values.dtype)
    elif isinstance(values.dtype, pd.CategoricalDtype):
        unknown = sorted(set(np.asarray(new)[places]) - set(values.cat.categories))
        corrupted = corrupted.cat.add_categories(unknown) if unknown else corrupted
    corrupted.iloc[places] = new.iloc[places].to_numpy()
    return corrupted


def _with_room_for_missing(values: pd.Series) -> pd.Series:
    import numpy as np

    if isinstance(values.dtype, np.dtype) and values.dtype.kind in "iu":
        return values.astype("float64")
    return values


def _as_wide_as_needed(new: pd.Series, corrupted: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Whole numbers in the column's own type, or both in 64 bits where that is too narrow.

    A missing number among whole ones (a nullable type) stays missing.
    """
    import numpy as np

    limits = np.iinfo(str(corrupted.dtype).lower())
    whole = new.round().clip(-(2.0**62), 2.0**62)
    inside = bool(whole.dropna().between(float(limits.min), float(limits.max)).all())
    nullable = not isinstance(corrupted.dtype, np.dtype)
    target = corrupted.dtype if inside else ("Int64" if nullable else "int64")
    return whole.astype("Int64" if nullable else "int64").astype(target), corrupted.astype(target)
