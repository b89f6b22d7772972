"""What can change in a row, numbers along axes and categories by choice, and the changes of rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.threat_model import Direction

# Attacks compute in float32; a move over the budget by less than this share of a range is rounding.
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Axis:
    """A numeric feature that may move between `low` and `high`, to multiples of `step` (0: to any number).

    `direction` is the only direction it can change in (None both), `cost` that of crossing its whole range.
    """

    feature: str
    low: float
    high: float
    step: float
    source: str
    direction: Direction | None = None
    cost: float = 1.0

    @property
    def span(self) -> float:
        """The range that shares are shares of, in raw units."""
        return self.high - self.low

    def allows(self, deltas: np.ndarray) -> np.ndarray:
        """Which changes (n,) go in an allowed direction."""
        up, down = self.direction != "down", self.direction != "up"
        open_: np.ndarray = (deltas > 0) & up | (deltas < 0) & down
        return open_


@dataclass(frozen=True, slots=True)
class Choice:
    """A category feature with k `values`; it fills one coordinate per value.

    `open` (k + 1, k) says from which present value (the last row: one that is none of these) which value can be
    reached; None means every one. A change costs `cost`. With `missing`, the last value stands for a gap. With `of_number`
    the feature is a number, whose gap can be made or filled: the other values are those that fill it.
    """

    feature: str
    values: tuple[Any, ...]
    open: np.ndarray | None = field(default=None, compare=False)
    cost: float = 1.0
    missing: bool = False
    of_number: bool = False

    @property
    def label(self) -> str:
        """What changes, for readers: the feature, or the gap of a number."""
        return f"{self.feature} (left out or filled in)" if self.of_number else self.feature

    def places(self, column: pd.Series) -> np.ndarray:
        """Numbers (n,) of the present values; k where they are none of these, as every number that is there."""
        import numpy as np
        import pandas as pd

        k, gaps = len(self.values), column.isna().to_numpy()
        if self.of_number:
            return np.where(gaps, k - 1, k)
        known = pd.Index(self.values[: k - self.missing], dtype=object).get_indexer(column.to_numpy(dtype=object))
        return np.where(gaps & self.missing, k - 1, np.where(known < 0, k, known))

    def reachable(self, own: np.ndarray) -> np.ndarray:
        """Mask (n, k) of the values that rows with these present values (n,) can take, the present one not among them."""
        import numpy as np

        k = len(self.values)
        mask: np.ndarray = np.ones((len(own), k), dtype=bool) if self.open is None else self.open[own].copy()
        known = own < k
        mask[np.flatnonzero(known), own[known]] = False
        return mask


@dataclass(frozen=True, slots=True)
class Moves:
    """Changes of n rows: `deltas` (n, axes) in raw units, `picks` (n, choices and edits of texts), -1 = as it was."""

    deltas: np.ndarray
    picks: np.ndarray

    def take(self, which: np.ndarray | slice) -> Moves:
        """The moves of some rows, by number, mask or slice."""
        return Moves(self.deltas[which], self.picks[which])


@dataclass(frozen=True, slots=True)
class Origins:
    """Rows under attack: the raw frame, axis values (n, axes), present values (n, choices), encoding (n, width) float32.

    `dtype` is the one type of all pixels of an image, None where there is none such.
    A present value is its number among those of its choice, or their count where it is none of them. The value of an axis
    is NaN where the row misses it; its coordinate is then the middle of the range, and no point moves it.
    """

    frame: pd.DataFrame
    values: np.ndarray
    own: np.ndarray
    encoded: np.ndarray
    dtype: np.dtype[Any] | None = None

    @property
    def gaps(self) -> np.ndarray:
        """Mask (n, width) of the coordinates of missing numbers."""
        import numpy as np

        gaps = np.zeros(self.encoded.shape, dtype=bool)
        gaps[:, : self.values.shape[1]] = np.isnan(self.values)
        return gaps
