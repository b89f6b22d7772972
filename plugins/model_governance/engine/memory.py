"""Rows in memory: a pandas frame, whose NaN counts as missing."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Number
from typing import TYPE_CHECKING, Any

from model_governance.engine.relation import not_a_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd


@dataclass(frozen=True, slots=True)
class MemoryRows:
    """The columns of a frame, each as one piece."""

    frame: pd.DataFrame
    role: str

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.frame)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return tuple(map(str, self.frame.columns))

    def numbers(self, name: str) -> Iterator[np.ndarray]:
        """The values that are not missing, float64.

        Raises:
            CheckError: the column holds something that is no number.
        """
        import numpy as np
        import pandas as pd

        column = self.frame[name]
        if pd.api.types.is_numeric_dtype(column.dtype):
            floats = column.to_numpy(dtype="float64", na_value=np.nan)
        else:
            other = next((value for value in column.dropna() if not isinstance(value, Number)), None)
            if other is not None:
                raise not_a_number(name, self.role, arrives=str(column.dtype), holding=type(other).__name__)
            floats = column.astype(float).to_numpy()
        yield floats[~np.isnan(floats)]

    def categories(self, name: str) -> Iterator[tuple[list[Any], np.ndarray]]:
        """Values that are not missing as Python values, and how often each occurs."""
        import numpy as np
        import pandas as pd

        codes, uniques = pd.factorize(self.frame[name].astype(object), sort=False)
        values = [value.item() if hasattr(value, "item") else value for value in uniques]
        yield values, np.bincount(codes[codes >= 0], minlength=len(values))

    def missing(self, name: str) -> int:
        """Rows without a value."""
        return int(self.frame[name].isna().sum())

    def integers(self, names: Sequence[str]) -> frozenset[str]:
        """The columns of these with an integer dtype."""
        return frozenset(name for name in names if self.frame[name].dtype.kind in "iu")

    def frames(self, names: Sequence[str], *, rows: int) -> Iterator[pd.DataFrame]:
        """The rows in order, `rows` at a time."""
        cut = self.frame[list(names)].reset_index(drop=True)
        for start in range(0, len(cut), rows):
            yield cut.iloc[start : start + rows].copy()

    def picked(self, names: Sequence[str], places: np.ndarray) -> pd.DataFrame:
        """The rows at these ascending places."""
        return self.frame[list(names)].iloc[places].reset_index(drop=True)
