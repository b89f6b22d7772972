"""Gower's distance between rows of numbers and categories (Gower, 1971)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.contract.subject import NUMBER_KINDS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Columns

RANGE_QUANTILES = (0.05, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class GowerDistance:
    """The mean over columns of differences from 0 to 1; those of `numeric` columns are divided by their `ranges`."""

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    ranges: np.ndarray

    @classmethod
    def fit(cls, rows: pd.DataFrame, columns: Columns) -> GowerDistance:
        """The distance with ranges that hold the middle 90% of these rows.

        In a column that is constant there, any difference counts as 1.
        """
        import numpy as np

        numeric = tuple(name for name in columns.names if columns.features[name].kind in NUMBER_KINDS)
        cells = rows[list(numeric)].to_numpy(dtype=np.float64, na_value=np.nan)
        low, high = np.nanquantile(cells, RANGE_QUANTILES, axis=0) if numeric else (np.empty(0), np.empty(0))
        ranges = np.where(high > low, high - low, 1e-9)
        categorical = tuple(name for name in columns.names if name not in numeric)
        return cls(numeric=numeric, categorical=categorical, ranges=ranges)

    def pairwise(self, rows: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
        """Distance of every row from every other, shape (rows, others), in [0, 1].

        Two missing cells are equal; a missing and a known cell differ by 1.
        """
        import numpy as np

        total = np.zeros((len(rows), len(others)))
        for place, name in enumerate(self.numeric):
            first, second = (frame[name].to_numpy(dtype=np.float64, na_value=np.nan) for frame in (rows, others))
            difference = np.minimum(np.abs(first[:, None] - second[None, :]) / self.ranges[place], 1.0)
            both_missing = np.isnan(first)[:, None] & np.isnan(second)[None, :]
            total += np.where(both_missing, 0.0, np.nan_to_num(difference, nan=1.0))
        for name in self.categorical:
            first, second = _codes(rows[name], others[name])
            total += first[:, None] != second[None, :]
        return (total / (len(self.numeric) + len(self.categorical))).round(12)


def _codes(first: pd.Series, second: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Both columns as numbers, equal where the cells are; missing cells equal one another."""
    import pandas as pd

    stacked = pd.concat([first.astype(object), second.astype(object)], ignore_index=True)
    codes = pd.factorize(stacked, use_na_sentinel=True)[0]
    return codes[: len(first)], codes[len(first) :]
