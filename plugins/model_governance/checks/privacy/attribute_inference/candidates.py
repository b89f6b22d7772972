"""The values of a sensitive attribute that an attacker weighs up, and rows that stand for each in a question."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from model_governance.checks.privacy.attribute_inference.params import LEAST_PER_VALUE
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.checks.privacy.attribute_inference.params import AttributeParams

QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """The values (or bands) of an attribute that are told apart; a cell of the column becomes a number, -1 for others."""

    column: str
    names: tuple[str, ...]
    numbers: Mapping[Any, int]
    cuts: tuple[float, ...] | None = None

    def coded(self, cells: pd.Series) -> np.ndarray:
        """The number of the value of each cell, shape (n,); -1 where it is missing or rare."""
        import numpy as np

        if self.cuts is None:
            return np.array([self.numbers.get(one, -1) for one in cells.tolist()], dtype=int)
        plain = cells.to_numpy(dtype=np.float64, na_value=np.nan)
        bands = np.digitize(plain, self.cuts).tolist()
        known = [self.numbers.get(one, -1) for one in bands]
        return np.where(np.isnan(plain), -1, known).astype(int)


def values_of(cells: pd.Series, params: AttributeParams) -> Values:
    """The values to tell apart, the most frequent first, as the attacker's own rows show them.

    Numbers of more than `most_values` values are cut into bands: those of the policy, or quartiles.

    Raises:
        CheckError: fewer than two values have ten rows each.
    """
    column = str(cells.name)
    cuts = _cuts(cells, params)
    if cuts is None:
        tally = [(int(rows), value) for value, rows in cells.value_counts().items()]
        named = {value: str(value) for _, value in tally}
    else:
        tally = _tally(cells, cuts)
        named = _band_names(cuts)
    frequent = sorted((one for one in tally if one[0] >= LEAST_PER_VALUE), key=lambda one: (-one[0], named[one[1]]))
    kept = [value for _, value in frequent[: params.most_values]]
    if len(kept) < 2:
        raise CheckError(
            f"attribute {column!r}: {len(kept)} value(s) have {LEAST_PER_VALUE} rows or more among the "
            f"{int(cells.notna().sum())} that the attacker has; there is nothing to tell apart. Give more rows, set "
            f"bands for a column of numbers, or take it out of sensitive"
        )
    numbers = {value: number for number, value in enumerate(kept)}
    return Values(column=column, names=tuple(named[one] for one in kept), numbers=numbers, cuts=cuts)


def fillings(
    values: Values, rows: pd.DataFrame, numbers: np.ndarray, *, columns: Sequence[str], count: int,
    generator: np.random.Generator,
) -> tuple[pd.DataFrame, ...]:  # fmt: skip
    """For each value, cells of `columns` taken from rows that have it: what the attacker fills in to ask the model.

    One row says it all where the value is a single one and nothing else is unknown; otherwise `count` rows,
    spread evenly over a band.
    """
    import numpy as np

    found = []
    for number in range(len(values.names)):
        own = generator.permutation(np.flatnonzero(numbers == number))
        if values.cuts is not None:
            own = own[np.argsort(rows[values.column].to_numpy(dtype=np.float64)[own], kind="stable")]
        wanted = 1 if values.cuts is None and len(columns) == 1 else min(count, len(own))
        places = ((np.arange(wanted) + 0.5) * len(own) / wanted).astype(int)
        found.append(rows[list(columns)].iloc[own[places]].reset_index(drop=True))
    return tuple(found)


def _cuts(cells: pd.Series, params: AttributeParams) -> tuple[float, ...] | None:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    given = params.bands.get(str(cells.name))
    if not is_numeric_dtype(cells) or is_bool_dtype(cells):
        if given:
            raise CheckError(f"bands of {cells.name}: the column holds no numbers; bands cut numbers only")
        return None
    if given:
        return given
    if cells.nunique() <= params.most_values:
        return None
    return tuple(sorted({float(f"{cells.quantile(one):.3g}") for one in QUARTILES}))


def _tally(cells: pd.Series, cuts: Sequence[float]) -> list[tuple[int, Any]]:
    import numpy as np

    bands, rows = np.unique(np.digitize(cells.dropna().to_numpy(dtype=np.float64), cuts), return_counts=True)
    return [(int(count), int(band)) for band, count in zip(bands, rows, strict=True)]


def _band_names(cuts: Sequence[float]) -> dict[Any, str]:
    inner = {number: f"{low:g} to below {high:g}" for number, (low, high) in enumerate(pairwise(cuts), 1)}
    return {0: f"below {cuts[0]:g}", **inner, len(cuts): f"{cuts[-1]:g} and above"}
