"""The rows an attacker can make: encoded coordinates in [0, 1], and the way back to valid raw rows.

Every point is decoded before the model sees it: on the grid of its feature, inside its range, with
everything immutable as it was. So whatever flips the model is a row that the world could send.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.errors import CheckError
from model_governance.subject import NUMBER_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from model_governance.checks.evasion.params import Norm
    from model_governance.subject import Columns, Feature

# Attacks compute in float32; a move over the budget by less than this share of a range is rounding.
ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Axis:
    """A numeric feature that may move between `low` and `high`; `step` 1 is the integer grid, 0 none."""

    feature: str
    low: float
    high: float
    step: float
    source: str

    @property
    def span(self) -> float:
        """The range that shares are shares of, in raw units."""
        return self.high - self.low


@dataclass(frozen=True, slots=True)
class Choice:
    """A category feature that may take any of `values`; it fills one coordinate per value."""

    feature: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Moves:
    """Changes of n rows: `deltas` (n, axes) in raw units, `picks` (n, choices), -1 = as it was."""

    deltas: np.ndarray
    picks: np.ndarray

    def take(self, which: np.ndarray) -> Moves:
        """The moves of some rows, by number or mask."""
        return Moves(self.deltas[which], self.picks[which])


@dataclass(frozen=True, slots=True)
class Origins:
    """Rows under attack: the raw frame, its axis values (n, axes) float64 and encoding (n, width) float32."""

    frame: pd.DataFrame
    values: np.ndarray
    encoded: np.ndarray


@dataclass(frozen=True, slots=True)
class RowSpace:
    """Coordinates of the features that may move; everything else of a row is out of reach."""

    axes: tuple[Axis, ...]
    choices: tuple[Choice, ...] = ()
    fixed: tuple[tuple[str, str], ...] = ()

    @property
    def width(self) -> int:
        """Number of coordinates: one per axis, one per value of a choice."""
        return len(self.axes) + sum(len(one.values) for one in self.choices)

    @property
    def spans(self) -> np.ndarray:
        """Ranges of the axes in raw units, shape (axes,)."""
        import numpy as np

        return np.array([one.span for one in self.axes], dtype=np.float64)

    def place(self, frame: pd.DataFrame) -> Origins:
        """The rows of a frame as origins of attacks; values outside a range are encoded at its end."""
        import numpy as np

        values = np.empty((len(frame), len(self.axes)))
        for column, axis in enumerate(self.axes):
            values[:, column] = frame[axis.feature].to_numpy(dtype=np.float64)
        lows = np.array([one.low for one in self.axes])
        blocks = [np.clip((values - lows) / self.spans, 0.0, 1.0)]
        for choice in self.choices:
            raw = frame[choice.feature].to_numpy(dtype=object)
            blocks.append(np.array([[value == one for one in choice.values] for value in raw], dtype=np.float64))
        return Origins(frame, values, np.concatenate(blocks, axis=1).astype(np.float32))

    def moves(self, points: np.ndarray, origins: Origins, rows: np.ndarray, *, inward: bool = False) -> Moves:
        """Points (n, width) as valid moves away from the rows with these numbers (n,).

        `inward` rounds towards the origin, so that a point within a budget stays within it.
        """
        import numpy as np

        start = len(self.axes)
        # A NaN from a degenerate direction stays where it was rather than reaching the model.
        shift = np.nan_to_num(points - origins.encoded[rows]).astype(np.float64)
        deltas = self.settle(shift[:, :start] * self.spans, origins, rows, inward=inward)
        picks = np.full((len(points), len(self.choices)), -1)
        for column, choice in enumerate(self.choices):
            block = slice(start, start + len(choice.values))
            best, own = points[:, block].argmax(axis=1), origins.encoded[rows, block].argmax(axis=1)
            known = origins.encoded[rows, block].any(axis=1)
            moved = shift[:, block].any(axis=1) & ~(known & (best == own))
            picks[:, column] = np.where(moved, best, -1)
            start = block.stop
        return Moves(deltas, picks)

    def settle(self, deltas: np.ndarray, origins: Origins, rows: np.ndarray, *, inward: bool = False) -> np.ndarray:
        """Changes in raw units (n, axes) rounded to the grid and cut to the ranges; no change stays none."""
        import numpy as np

        settled = deltas.copy()
        for column, axis in enumerate(self.axes):
            raw, delta = origins.values[rows, column], settled[:, column]
            if axis.step:
                whole = delta / axis.step
                slack = np.sign(whole) * ROUNDING * axis.span / axis.step
                delta = axis.step * (np.trunc(whole + slack) if inward else np.rint(whole))
            settled[:, column] = np.where(delta == 0, 0.0, np.clip(raw + delta, axis.low, axis.high) - raw)
        return settled

    def distance(self, moves: Moves, norm: Norm) -> np.ndarray:
        """Size of moves in shares of the ranges, shape (n,); changed categories cost nothing."""
        import numpy as np

        shares = np.abs(moves.deltas) / self.spans
        if shares.shape[1] == 0:
            return np.zeros(len(shares))
        return shares.max(axis=1) if norm == "linf" else np.sqrt((shares**2).sum(axis=1))

    def rows(self, moves: Moves, origins: Origins, rows: np.ndarray) -> pd.DataFrame:
        """The raw rows after the moves, with the columns and dtypes of the origins' frame."""
        import numpy as np
        import pandas as pd

        columns = {name: origins.frame[name].array.take(rows) for name in origins.frame.columns}
        for column, axis in enumerate(self.axes):
            old, delta = columns[axis.feature], moves.deltas[:, column]
            if delta.any():
                values = origins.values[rows, column] + delta
                if pd.api.types.is_integer_dtype(old.dtype):
                    values = np.rint(values)
                moved = pd.array(values, dtype="Float64" if pd.api.types.is_extension_array_dtype(old.dtype) else None)
                columns[axis.feature] = moved.astype(old.dtype)
        for column, choice in enumerate(self.choices):
            picks = moves.picks[:, column]
            if (picks >= 0).any():
                dtype = columns[choice.feature].dtype
                values = np.array(columns[choice.feature], dtype=object)
                values[picks >= 0] = np.array(choice.values, dtype=object)[picks[picks >= 0]]
                columns[choice.feature] = pd.array(values, dtype=dtype)
        return pd.DataFrame(columns)


def row_space(columns: Columns, frames: Sequence[tuple[str, pd.DataFrame]], *, categories: str) -> RowSpace:
    """The space that a policy's columns open; `frames` are (role, rows) that show ranges and values.

    The first frame's range counts where the policy states none; category values come from all.

    Raises:
        CheckError: a numeric feature holds other things than numbers.
    """
    axes: list[Axis] = []
    choices: list[Choice] = []
    fixed: list[tuple[str, str]] = []
    for name, feature in columns.features.items():
        if not feature.mutable:
            fixed.append((name, "immutable"))
        elif feature.kind in NUMBER_KINDS:
            axis = _axis(name, feature, frames)
            if axis.span > 0:
                axes.append(axis)
            else:
                fixed.append((name, f"no range: one value in {axis.source}"))
        elif feature.kind in ("category", "boolean") and categories == "free":
            values = _values(name, [frame for _, frame in frames])
            if len(values) > 1:
                choices.append(Choice(name, values))
            else:
                fixed.append((name, "one value in the data"))
        elif feature.kind in ("category", "boolean"):
            fixed.append((name, "categories are fixed"))
        else:
            fixed.append((name, f"{feature.kind} is never moved"))
    return RowSpace(tuple(axes), tuple(choices), tuple(fixed))


def _axis(name: str, feature: Feature, frames: Sequence[tuple[str, pd.DataFrame]]) -> Axis:
    import numpy as np
    import pandas as pd

    for role, frame in frames:
        if not pd.api.types.is_numeric_dtype(frame[name]) or pd.api.types.is_bool_dtype(frame[name]):
            raise CheckError(
                f"feature {name!r} is {feature.kind} in the policy and holds {frame[name].dtype} in dataset {role!r}; "
                "repair the feed or the kind in columns.features"
            )
    role, seen = frames[0]
    low = float(seen[name].min()) if feature.minimum is None else feature.minimum
    high = float(seen[name].max()) if feature.maximum is None else feature.maximum
    stated = [feature.minimum is not None, feature.maximum is not None]
    source = "policy" if all(stated) else f"policy and {role}" if any(stated) else role
    whole = feature.kind == "integer" or all(pd.api.types.is_integer_dtype(frame[name]) for _, frame in frames)
    if whole:
        low, high = float(np.ceil(low)), float(np.floor(high))
    return Axis(name, low, max(low, high), 1.0 if whole else 0.0, source)


def _values(name: str, frames: Sequence[pd.DataFrame]) -> tuple[Any, ...]:
    """Values seen in any frame, in an order that does not depend on the rows' order."""
    seen = {value for frame in frames for value in frame[name].dropna().unique()}
    return tuple(sorted(seen, key=lambda one: (type(one).__name__, one)))
