"""Makes reference and current comparable: the same columns, floats and categories, and what was lost on the way."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from model_governance.errors import CheckError
from model_governance.subject import NUMBER_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import pandas as pd

    from model_governance.subject import Role, Subject

SIDES: tuple[Role, Role] = ("reference", "current")
CATEGORY_KINDS = frozenset({"category", "boolean"})
VALUES_KEPT_APART = 20  # up to here Evidently compares single values instead of bins


class Label(str):
    """A category's text whose hash is the same in every process.

    Evidently sums over Python sets of categories; with ordinary strings the order, and so the last
    digits of a score, would change from process to process.
    """

    __slots__ = ()

    def __hash__(self) -> int:
        return zlib.crc32(self.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column on both sides: floats with NaN, or a categorical; shape (rows,) each.

    Shares are of all rows of a side. `unseen` is the share of current rows whose category the
    reference does not have, `infinite` the share of current rows that were infinite.
    """

    name: str
    family: Literal["numbers", "categories"]
    reference: pd.Series
    current: pd.Series
    missing_reference: float
    missing_current: float
    infinite: float = 0.0
    unseen: float = 0.0

    @property
    def categories(self) -> int:
        """Number of categories on both sides together; 0 for numbers."""
        return 0 if self.family == "numbers" else len(self.reference.cat.categories)

    @property
    def stretched(self) -> bool:
        """Whether extreme values hide the rest: 98% of the reference lie within one of Evidently's equal-width bins.

        Evidently cuts the range of both sides together by Sturges' rule (1926), so that a single wild
        value puts nearly every row into one bin, where no shift can be seen.
        """
        import numpy as np

        if self.family == "categories" or self.reference.nunique() <= VALUES_KEPT_APART:
            return False
        low, high = np.nanquantile(self.reference, [0.01, 0.99])
        ends = [getattr(self, side).agg(["min", "max"]) for side in SIDES]
        span = max(one["max"] for one in ends) - min(one["min"] for one in ends)
        bins = np.log2(sum(getattr(self, side).count() for side in SIDES)) + 1
        return bool(0 < high - low < span / bins)

    @property
    def missing_increase(self) -> float:
        """Missing share of current less that of reference, -1 to 1."""
        return self.missing_current - self.missing_reference

    def cut(self, rows: dict[Role, np.ndarray]) -> Column:
        """The same column on some rows; shares stay those of all rows.

        Raises:
            CheckError: no value is left on a side.
        """
        parts = {role: getattr(self, role).iloc[rows[role]] for role in SIDES}
        for role, part in parts.items():
            if part.isna().all():
                raise CheckError(f"column {self.name!r} of dataset {role!r} holds no value that can be compared")
        return replace(self, **parts)


def prepare(subject: Subject, names: Iterable[str]) -> tuple[Column, ...]:
    """The named features on both sides, in order, over all rows.

    Raises:
        SubjectError: a side lacks a feature, or a feature holds no value.
        CheckError: numbers arrive as text, or a category changed between numbers and text.
    """
    frames = {role: subject.features(role) for role in SIDES}
    columns, problems = [], []
    for name in names:
        kind = subject.columns.features[name].kind
        sides = {role: frame[name].reset_index(drop=True) for role, frame in frames.items()}
        try:
            columns.append(as_numbers(name, **sides) if kind in NUMBER_KINDS else as_categories(name, **sides))
        except CheckError as error:
            problems.append(str(error))
    if problems:
        raise CheckError("\n".join(problems))
    return tuple(columns)


def as_numbers(name: str, reference: pd.Series, current: pd.Series) -> Column:
    """A column as float64, infinities counted and made missing.

    Raises:
        CheckError: a side holds something that is no number.
    """
    import numpy as np

    floats = {"reference": _floats(name, reference, "reference"), "current": _floats(name, current, "current")}
    missing = {role: float(one.isna().mean()) for role, one in floats.items()}
    infinite = float(np.isinf(floats["current"]).mean())
    finite = {role: one.where(np.isfinite(one)) for role, one in floats.items()}
    for role, one in finite.items():
        if one.isna().all():
            raise CheckError(f"column {name!r} of dataset {role!r} holds no finite number in any of {len(one):,} rows")
    return Column(
        name=name, family="numbers", reference=finite["reference"], current=finite["current"], missing_reference=missing["reference"],
        missing_current=missing["current"], infinite=infinite,
    )  # fmt: skip


def as_categories(name: str, reference: pd.Series, current: pd.Series) -> Column:
    """A column as one categorical over the values of both sides, sorted by their text.

    Raises:
        CheckError: one side holds numbers and the other text, so every category would be new.
    """
    import numpy as np
    import pandas as pd

    codes: dict[str, Any] = {}
    labels: dict[str, list[str]] = {}
    families: dict[str, set[str]] = {}
    for role, side in (("reference", reference), ("current", current)):
        codes[role], found = pd.factorize(side.astype(object), sort=False)
        values = [value.item() if hasattr(value, "item") else value for value in found]
        families[role] = {_family(value) for value in values}
        labels[role] = [_label(value) for value in values]
    if families["reference"].isdisjoint(families["current"]):
        seen = {role: "/".join(sorted(found)) for role, found in families.items()}
        raise CheckError(
            f"category {name!r} holds {seen['reference']} in the reference and {seen['current']} in current "
            f"(dtype {current.dtype}); the model would know none of the categories: repair the feed's types"
        )
    union = sorted({*labels["reference"], *labels["current"]})
    place = {label: position for position, label in enumerate(union)}
    index = pd.Index([Label(label) for label in union], dtype=object)
    # factorize marks a missing value by -1, which picks the last place
    places = {role: np.array([*(place[label] for label in labels[role]), -1])[code] for role, code in codes.items()}
    sides = {role: pd.Series(pd.Categorical.from_codes(found, categories=index)) for role, found in places.items()}
    return Column(
        name=name, family="categories", reference=sides["reference"], current=sides["current"],
        missing_reference=float((places["reference"] < 0).mean()), missing_current=float((places["current"] < 0).mean()),
        unseen=float((~np.isin(places["current"], places["reference"]) & (places["current"] >= 0)).mean()),
    )  # fmt: skip


def _floats(name: str, side: pd.Series, role: str) -> pd.Series:
    from numbers import Number

    import numpy as np
    import pandas as pd

    if pd.api.types.is_numeric_dtype(side.dtype):
        return pd.Series(side.to_numpy(dtype="float64", na_value=np.nan))
    odd = next((value for value in side.dropna() if not isinstance(value, Number)), None)
    if odd is not None:
        raise CheckError(
            f"column {name!r} of dataset {role!r} is declared a number and arrives as {side.dtype} holding "
            f"{type(odd).__name__}; repair the feed, or declare the column a category"
        )
    return side.astype(float)


def _family(value: Any) -> str:
    return (
        "numbers"
        if isinstance(value, (bool, int, float))
        else "text"
        if isinstance(value, str)
        else type(value).__name__
    )


def _label(value: Any) -> str:
    """1, 1.0 and True are one category: a column turns to floats or objects as soon as a value is missing."""
    return str(int(value)) if isinstance(value, (bool, float)) and float(value).is_integer() else str(value)
