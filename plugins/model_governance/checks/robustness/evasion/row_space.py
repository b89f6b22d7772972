"""The rows an attacker can make: encoded coordinates in [0, 1], decoded to valid raw rows.

Every point is decoded before the model sees it: on the grid of its feature, inside its range, in the direction
that the threat model leaves open, with everything else as it was. So whatever flips the model is a valid row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from model_governance.checks.robustness.evasion.moves import ROUNDING, Moves, Origins
from model_governance.checks.robustness.evasion.projection import project_moves

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import pandas as pd

    from model_governance.attacks.relations import Relations
    from model_governance.checks.robustness.evasion.moves import Axis, Choice
    from model_governance.checks.robustness.evasion.params import Norm
    from model_governance.checks.robustness.evasion.text_moves import TextMoves
    from model_governance.contract.images import Image


@dataclass(frozen=True, slots=True)
class RowSpace:
    """Coordinates of the features that may move; everything else of a row is out of reach.

    The edits of texts have no coordinates: they are discrete, and stand behind the choices in the columns of `Moves.picks`.
    With `image`, the axes are all of its pixels, in the order of the model's array.
    """

    axes: tuple[Axis, ...]
    choices: tuple[Choice, ...] = ()
    fixed: tuple[tuple[str, str], ...] = ()
    relations: Relations | None = field(default=None, compare=False)
    texts: tuple[TextMoves, ...] = ()
    image: Image | None = None

    @property
    def width(self) -> int:
        """Number of coordinates: one per axis, one per value of a choice."""
        return len(self.axes) + sum(len(choice.values) for choice in self.choices)

    @property
    def text_columns(self) -> tuple[slice, ...]:
        """The columns of picks of each text."""
        ends = [len(self.choices)]
        for text in self.texts:
            ends.append(ends[-1] + text.slots)
        return tuple(slice(low, high) for low, high in pairwise(ends))

    @property
    def pick_costs(self) -> np.ndarray:
        """Cost of a pick in each column of `Moves.picks`, shape (picks,)."""
        import numpy as np

        of_texts = [text.cost for text in self.texts for _ in range(text.slots)]
        return np.array([*(choice.cost for choice in self.choices), *of_texts], dtype=np.float64)

    def no_picks(self, n: int) -> np.ndarray:
        """Picks (n, picks) that change nothing."""
        import numpy as np

        return np.full((n, len(self.pick_costs)), -1)

    @property
    def spans(self) -> np.ndarray:
        """Ranges of the axes in raw units, shape (axes,)."""
        import numpy as np

        return np.array([axis.span for axis in self.axes], dtype=np.float64)

    @property
    def lows(self) -> np.ndarray:
        """Lower ends of the axes in raw units, shape (axes,)."""
        import numpy as np

        return np.array([axis.low for axis in self.axes], dtype=np.float64)

    @property
    def blocks(self) -> tuple[slice, ...]:
        """The coordinates of each choice."""
        ends = [len(self.axes)]
        for choice in self.choices:
            ends.append(ends[-1] + len(choice.values))
        return tuple(slice(low, high) for low, high in pairwise(ends))

    def place(self, frame: pd.DataFrame) -> Origins:
        """The rows of a frame as origins of attacks; values outside a range are encoded at its end."""
        import numpy as np

        values = np.empty((len(frame), len(self.axes)))
        for column, axis in enumerate(self.axes):
            values[:, column] = frame[axis.feature].to_numpy(dtype=np.float64, na_value=np.nan)
        types = {frame[axis.feature].dtype for axis in self.axes} if self.image is not None else set()
        encoded = [np.nan_to_num(np.clip((values - self.lows) / self.spans, 0.0, 1.0), nan=0.5)]
        own = np.empty((len(frame), len(self.choices)), dtype=np.int64)
        for column, choice in enumerate(self.choices):
            own[:, column] = choice.places(frame[choice.feature])
            encoded.append((own[:, column, None] == np.arange(len(choice.values))).astype(np.float64))
        shared = types.pop() if len(types) == 1 else None
        return Origins(
            frame, values, own, np.concatenate(encoded, axis=1).astype(np.float32),
            dtype=shared if isinstance(shared, np.dtype) else None,
        )  # fmt: skip

    def moves(self, points: np.ndarray, origins: Origins, rows: np.ndarray, *, inward: bool = False) -> Moves:
        """Points (n, width) as valid moves away from the rows with these numbers (n,).

        `inward` rounds towards the origin, so that a point within a budget stays within it.
        """
        import numpy as np

        # A NaN from a degenerate direction stays where it was rather than reaching the model.
        shift = np.nan_to_num(points - origins.encoded[rows]).astype(np.float64)
        ends = np.clip(origins.values[rows], self.lows, self.lows + self.spans)
        asked = shift[:, : len(self.axes)]
        # A row from beyond a range is encoded at the range's end, and moves from there.
        targets = ends + asked * self.spans
        deltas = self.settle(np.where(asked == 0, 0.0, targets - origins.values[rows]), origins, rows, inward=inward)
        picks = self.no_picks(len(points))
        for column, (choice, block) in enumerate(zip(self.choices, self.blocks, strict=True)):
            own = origins.own[rows, column]
            open_ = choice.reachable(own)
            known = np.flatnonzero(own < len(choice.values))
            open_[known, own[known]] = True
            best = np.where(open_, points[:, block], -np.inf).argmax(axis=1)
            moved = shift[:, block].any(axis=1) & (best != own) & open_.any(axis=1)
            if choice.of_number:
                # Of a number that is there, only the gap has a coordinate; it is left out from the middle on.
                moved &= points[:, block].max(axis=1) > 0.5
            picks[:, column] = np.where(moved, best, -1)
        return Moves(deltas, picks)

    def encode(self, moves: Moves, origins: Origins, rows: np.ndarray) -> np.ndarray:
        """Moves of these rows as points (n, width) float32."""
        import numpy as np

        points = origins.encoded[rows].astype(np.float64)
        moved = (origins.values[rows] + moves.deltas - self.lows) / self.spans
        points[:, : len(self.axes)] = np.where(moves.deltas == 0, points[:, : len(self.axes)], moved)
        for column, block in enumerate(self.blocks):
            picks = moves.picks[:, column]
            changed = np.flatnonzero(picks >= 0)
            points[changed, block] = 0.0
            points[changed, block.start + picks[changed]] = 1.0
        return np.clip(points, 0.0, 1.0).astype(np.float32)

    def settle(self, deltas: np.ndarray, origins: Origins, rows: np.ndarray, *, inward: bool = False) -> np.ndarray:
        """Changes in raw units (n, axes) put on the grid, cut to ranges and directions; no change, and a gap, stays."""
        import numpy as np

        raw, lows, spans = origins.values[rows], self.lows, self.spans
        targets = raw + deltas
        steps = np.array([axis.step for axis in self.axes])
        grid = np.flatnonzero(steps)
        if len(grid):
            places, slack = targets[:, grid] / steps[grid], ROUNDING * spans[grid] / steps[grid]
            inside = np.where(deltas[:, grid] > 0, np.floor(places + slack), np.ceil(places - slack))
            targets[:, grid] = steps[grid] * (inside if inward else np.rint(places))
        moved = np.clip(targets, lows, [axis.high for axis in self.axes]) - raw
        # A move whose direction the grid or the range reverses is no move.
        allowed = np.sign(moved) == np.sign(deltas)
        for column, axis in enumerate(self.axes):
            if axis.direction is not None:
                allowed[:, column] &= axis.allows(deltas[:, column])
        return np.where(allowed, moved, 0.0)

    def distance(self, moves: Moves, norm: Norm) -> np.ndarray:
        """Size of moves, shape (n,): linf and l2 in shares of the ranges, where changed categories and texts cost nothing.

        With norm cost, the sum of shares, changed categories and edits of texts, each times its cost in the threat model.
        """
        import numpy as np

        shares = np.abs(moves.deltas) / self.spans
        if norm == "cost":
            prices = np.array([axis.cost for axis in self.axes])
            return shares @ prices + (moves.picks >= 0) @ self.pick_costs
        if shares.shape[1] == 0:
            return np.zeros(len(shares))
        return shares.max(axis=1) if norm == "linf" else np.sqrt((shares**2).sum(axis=1))

    def project(self, moves: Moves, origins: Origins, rows: np.ndarray) -> Moves:
        """The moves of these rows, changed where a relation of the threat model would break; the same where there is none."""
        return moves if self.relations is None else project_moves(self, self.relations, moves, origins, rows)

    def rows(self, moves: Moves, origins: Origins, rows: np.ndarray, *, projected: bool = False) -> pd.DataFrame:
        """The raw rows after the moves, with the columns and dtypes of the origins' frame; all relations hold in them.

        `projected` says that the moves come from `project`.
        """
        import numpy as np
        import pandas as pd

        names = origins.frame.columns
        if self.image is not None and origins.dtype is not None:
            values = origins.values[rows] + moves.deltas
            whole = np.rint(values) if origins.dtype.kind in "iu" else values
            return pd.DataFrame(whole.astype(origins.dtype), columns=names)
        kept = moves if projected else self.project(moves, origins, rows)
        return pd.DataFrame(self.cells(kept, origins, rows, names)[1])

    def cells(
        self, moves: Moves, origins: Origins, rows: np.ndarray, names: Iterable[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """These columns before and after the moves, each in its own type, with what follows from them recomputed."""
        before = {name: origins.frame[name].array.take(rows) for name in names}
        after = self._moved(dict(before), moves, origins, rows)
        if self.relations is not None:
            self.relations.complete(before, after)
        return before, after

    def _moved(self, columns: dict[str, Any], moves: Moves, origins: Origins, rows: np.ndarray) -> dict[str, Any]:
        """The columns with the moves of those that are among them."""
        import numpy as np
        import pandas as pd

        for column, axis in enumerate(self.axes):
            if axis.feature not in columns:
                continue
            old, delta = columns[axis.feature], moves.deltas[:, column]
            if delta.any():
                values = origins.values[rows, column] + delta
                if pd.api.types.is_integer_dtype(old.dtype):
                    values = np.rint(values)
                moved = pd.array(values, dtype="Float64" if pd.api.types.is_extension_array_dtype(old.dtype) else None)
                columns[axis.feature] = moved.astype(old.dtype)
        for column, choice in enumerate(self.choices):
            picks = moves.picks[:, column]
            if choice.feature in columns and (picks >= 0).any():
                dtype = columns[choice.feature].dtype
                values = np.array(columns[choice.feature], dtype=object)
                values[picks >= 0] = np.array(choice.values, dtype=object)[picks[picks >= 0]]
                columns[choice.feature] = pd.array(values, dtype=dtype)
        for text, part in zip(self.texts, self.text_columns, strict=True):
            picks = moves.picks[:, part]
            if text.feature in columns and (picks >= 0).any():
                old = columns[text.feature]
                columns[text.feature] = pd.array(text.edited(list(old), picks), dtype=old.dtype)
        return columns
