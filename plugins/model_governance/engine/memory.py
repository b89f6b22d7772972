"""Rows in memory: a pandas frame, whose NaN counts as missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from numbers import Number
from typing import TYPE_CHECKING, Any

from model_governance.engine.arrow import as_floats
from model_governance.engine.column_kinds import kind_of_series
from model_governance.engine.frames import as_shown, gives_back
from model_governance.engine.labels import FewLabels
from model_governance.engine.relation import inexact, not_a_number
from model_governance.engine.tallies import tally_pieces, tally_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from model_governance.engine.column_kinds import Kind
    from model_governance.engine.labels import Labels

PIECE = 1 << 17  # rows counted at a time
CELLS_PER_PIECE = 1 << 20  # values of all columns of a piece of whole rows


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
            CheckError: the column holds something that is no number, or numbers that float64 cannot hold.
        """
        import pandas as pd

        column = self.frame[name]
        values = column[column.notna()]
        if pd.api.types.is_numeric_dtype(column.dtype):
            yield as_floats(values.to_numpy(dtype=_plain(column.dtype)), name=name, role=self.role)
            return
        other = next((value for value in values if not isinstance(value, Number)), None)
        if other is not None:
            raise not_a_number(name, self.role, arrives=str(column.dtype), holding=type(other).__name__)
        floats = values.astype(float).to_numpy()
        if any(
            not gives_back(number, value)
            for number, value in zip(floats.tolist(), values, strict=True)
            if _may_differ(value)
        ):
            raise inexact(name, self.role, holding="numbers of more digits than float64 holds")
        yield floats

    def labels(self, name: str) -> Labels:
        """Rows per label."""
        array = self._as_arrow(name)
        if array is None:
            return FewLabels.from_tally(tally_values(self._categories(name)))
        return tally_pieces(lambda **_: (array.slice(start, PIECE) for start in range(0, len(array), PIECE)))

    def _as_arrow(self, name: str) -> pa.Array | None:
        """A long column of texts or numbers as Arrow; None for any other, and for texts without a UTF-8 form."""
        import pandas as pd
        import pyarrow as pa

        column = self.frame[name]
        kind = pd.api.types.infer_dtype(column, skipna=True) if len(column) >= PIECE else "short"
        if kind not in ("string", "integer", "floating"):
            return None
        try:
            return pa.array(column, from_pandas=True)
        except (pa.ArrowException, UnicodeEncodeError, OverflowError):
            return None

    def _categories(self, name: str) -> Iterator[tuple[list[Any], np.ndarray]]:
        """Values that are not missing as Python values, and how often each occurs."""
        import numpy as np
        import pandas as pd

        cells = as_shown(self.frame[name]).astype(object)
        try:
            codes, uniques = pd.factorize(cells, sort=False)
        except TypeError:  # lists and structs are not hashable: their text is counted
            codes, uniques = pd.factorize(cells.map(str, na_action="ignore"), sort=False)
        values = [value.item() if hasattr(value, "item") else value for value in uniques]
        yield values, np.bincount(codes[codes >= 0], minlength=len(values))

    def missing(self, name: str) -> int:
        """Rows without a value."""
        return int(self.frame[name].isna().sum())

    def kinds(self, names: Sequence[str]) -> dict[str, Kind]:
        """What these columns hold."""
        return {name: kind_of_series(self.frame[name]) for name in names}

    def integers(self, names: Sequence[str]) -> frozenset[str]:
        """The columns of these with an integer dtype."""
        columns = {name: self.frame[name] for name in names}
        return frozenset(name for name, column in columns.items() if column.dtype.kind in "iu" and not column.hasnans)

    def frames(self, names: Sequence[str], *, rows: int) -> Iterator[pd.DataFrame]:
        """The rows in order, `rows` at a time."""
        cut = self.frame[list(names)].reset_index(drop=True)
        for start in range(0, len(cut), rows):
            yield cut.iloc[start : start + rows].copy()

    def picked(self, names: Sequence[str], places: np.ndarray) -> pd.DataFrame:
        """The rows at these ascending places."""
        return self.frame[list(names)].iloc[places].reset_index(drop=True)

    def picked_frames(self, names: Sequence[str], places: np.ndarray) -> Iterator[pd.DataFrame]:
        """The rows at these ascending places, piece by piece."""
        rows = max(1, CELLS_PER_PIECE // max(len(names), 1))
        for start in range(0, len(places), rows):
            yield self.picked(names, places[start : start + rows])


def _plain(dtype: Any) -> Any:
    """The type of numpy behind a dtype of pandas."""
    return getattr(dtype, "numpy_dtype", dtype)


def _may_differ(value: Any) -> bool:
    """Whether the nearest float may be another number."""
    return isinstance(value, Decimal | int) and not isinstance(value, bool) and math.isfinite(value)
