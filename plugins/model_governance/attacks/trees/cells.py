"""The cells of every raw feature: values that every split of every tree sends the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.attacks.trees.ensemble import LEAF, NO_SET, NoExactAnswer
from model_governance.attacks.trees.ladder import held, held_type, limits, numbers_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    from model_governance.attacks.trees.ensemble import TreeEnsemble
    from model_governance.attacks.trees.moves import FeatureMoves
    from model_governance.attacks.trees.reading import TreeModel

PARTS = 16  # into which a stretch is cut at a time: what an encoding takes hardly depends on the number of rows
MOST_LISTED = 4096  # values of a number that are tried one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The cells of one feature.

    A cut along a line has `starts`, the first number of each cell, ascending (the first one minus infinity); where
    rows miss the value, or may, one cell more, the last, is that of missing values. A cut of listed values has `listed`,
    the values, and `cell_of`, the cell of each.

    Attributes:
        moves: what the feature may do.
        conditions: numbers of the conditions that ask for this feature, shape (conditions,).
        sides: whether a cell meets a condition (goes left), shape (cells, conditions).
        held: type of the numbers that the column holds.
    """

    moves: FeatureMoves
    conditions: np.ndarray
    sides: np.ndarray
    starts: np.ndarray | None = None
    listed: tuple[Any, ...] = ()
    cell_of: np.ndarray | None = None
    has_missing: bool = False
    held: np.dtype[Any]

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.sides)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The distinct conditions of the splits of an ensemble: one node for each, and the condition of each node."""

    node: np.ndarray
    of_node: np.ndarray


def conditions_of(ensemble: TreeEnsemble) -> Conditions:
    """Splits that send every value the same way count once."""
    import numpy as np

    splits = np.flatnonzero(ensemble.feature != LEAF)
    keys: dict[tuple[Any, ...], int] = {}
    of_node = np.full(len(ensemble.feature), -1)
    nodes: list[int] = []
    for node in splits:
        member = ensemble.member[node]
        asked = float(ensemble.threshold[node]) if member == NO_SET else ensemble.sets[member].tobytes()
        key = (int(ensemble.feature[node]), asked, ensemble.missing_left[node], ensemble.nan_is_zero[node])
        if key not in keys:
            keys[key] = len(nodes)
            nodes.append(int(node))
        of_node[node] = keys[key]
    return Conditions(node=np.array(nodes, dtype=int), of_node=of_node)


def cut_features(
    model: TreeModel, conditions: Conditions, moves: Sequence[FeatureMoves], frame: pd.DataFrame
) -> tuple[Cut, ...] | NoExactAnswer:
    """The cells of every raw feature, found by applying the model's own encoding.

    A number that the encoding only raises or only lowers is cut by bisection over all numbers that its column holds, so
    that a cell ends exactly where the model's own arithmetic says; every other feature is tried value by value.

    Args:
        model: the trees and their encoding.
        conditions: of its ensemble.
        moves: of all columns of the encoding.
        frame: the rows to solve, at least one.
    """
    import numpy as np

    by_name = {move.name: move for move in moves}
    lacking = [name for name in model.encoding.columns if name not in by_name]
    if lacking:
        return NoExactAnswer(f"no moves are given for column(s) {', '.join(lacking)}")
    origins = model.encoding.origins
    inputs = model.ensemble.feature[conditions.node]
    sets = {int(place) for place in inputs[model.ensemble.member[conditions.node] != NO_SET]}
    lines: list[tuple[FeatureMoves, np.ndarray]] = []
    lists: list[tuple[FeatureMoves, np.ndarray]] = []
    for name in model.encoding.columns:
        mine = [number for number, origin in enumerate(origins) if origin.column == name]
        asked = np.flatnonzero(np.isin(inputs, mine))
        ordered = all(origins[number].ordered and number not in sets for number in mine)
        line = by_name[name].kind == "number" and ordered
        (lines if line else lists).append((by_name[name], asked))
    cuts = {cut.moves.name: cut for cut in _cut_lines(model, conditions, lines, frame)}
    for move, asked in lists:
        cut = _cut_list(model, conditions, move, asked, frame)
        if isinstance(cut, NoExactAnswer):
            return cut
        cuts[move.name] = cut
    return tuple(cuts[name] for name in model.encoding.columns)


def _sides(model: TreeModel, conditions: Conditions, asked: np.ndarray, frame: pd.DataFrame) -> np.ndarray:
    """Which of these conditions each raw row meets, shape (n, asked)."""
    import numpy as np

    with np.errstate(over="ignore"):
        encoded = model.encoding.encode(frame)
    nodes = conditions.node[asked]
    numbers = encoded[:, model.ensemble.feature[nodes]]
    flat = model.ensemble.goes_left(np.tile(nodes, len(frame)), numbers.ravel())
    return flat.reshape(len(frame), len(asked))


def _repeated(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    import numpy as np

    return frame.iloc[np.zeros(rows, dtype=int)].reset_index(drop=True)


def _with_values(frame: pd.DataFrame, name: str, values: Sequence[Any]) -> pd.DataFrame:
    """The first row once for each of these values of one column, which keeps its type where they fit it."""
    import pandas as pd

    rows = _repeated(frame, len(values))
    column = pd.Series(list(values), dtype=object)
    kind = frame[name].dtype
    try:
        rows[name] = column.astype(kind)
        if not column.isna().any() and not (rows[name].astype(object) == column).all():
            rows[name] = column.infer_objects()
    except (ValueError, TypeError):
        rows[name] = column.infer_objects()
    return rows


def _cut_lines(
    model: TreeModel, conditions: Conditions, lines: list[tuple[FeatureMoves, np.ndarray]], frame: pd.DataFrame
) -> list[Cut]:
    """All numbers at once: each row of a made-up frame cuts a stretch of numbers for one condition of every feature."""
    import numpy as np

    if not lines:
        return []
    depth = max(1, *(len(asked) for _, asked in lines))
    ask = _Line(model, conditions, lines, frame)
    ends = np.array([limits(kind) for kind in ask.held], dtype=np.int64)
    low, high = (np.repeat(ends[:, [end]], depth, axis=1) for end in (0, 1))
    at_low, at_high = ask.left(low[:, :, None])[:, :, 0], ask.left(high[:, :, None])[:, :, 0]
    while (high - 1 > low).any():
        low, high = _narrowed(ask, low, high, at_low)
    cuts = []
    for number, (moves, asked) in enumerate(lines):
        changing = (at_low != at_high)[number, : len(asked)]
        firsts = numbers_at(high[number, : len(asked)], ask.held[number]).astype(float)
        first = np.where(changing, firsts, np.inf)
        starts = np.concatenate([[-np.inf], np.unique(first[changing])])
        beyond = first[None, :] <= starts[:, None]
        sides = np.where(beyond, at_high[number, : len(asked)], at_low[number, : len(asked)])
        missing = moves.omittable or bool(frame[moves.name].isna().any())
        if missing:
            empty = _with_values(frame, moves.name, [_gap(frame[moves.name])])
            sides = np.concatenate([sides, _sides(model, conditions, asked, empty)])
        cuts.append(
            Cut(moves=moves, conditions=asked, sides=sides, starts=starts, has_missing=missing, held=ask.held[number])
        )
    return cuts


def _narrowed(ask: _Line, low: np.ndarray, high: np.ndarray, at_low: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The one of PARTS parts of each stretch in which the answer changes."""
    import numpy as np

    # The whole ladder is longer than 64 bits with a sign can say.
    width = high.view(np.uint64) - low.view(np.uint64)
    step = np.maximum(width // np.uint64(PARTS), np.uint64(1))
    along = np.arange(1, PARTS, dtype=np.uint64) * step[:, :, None]
    points = np.where(
        along < width[:, :, None], along + low.view(np.uint64)[:, :, None], high.view(np.uint64)[:, :, None]
    )
    same = (ask.left(points.view(np.int64)) == at_low[:, :, None]) & (along < width[:, :, None])
    count = same.sum(axis=2).astype(np.uint64)
    first = low.view(np.uint64) + count * step
    last = np.where((count + np.uint64(1)) * step < width, first + step, high.view(np.uint64))
    last = np.where(count == np.uint64(PARTS - 1), high.view(np.uint64), last)
    return first.view(np.int64), last.view(np.int64)


class _Line:
    """Answers whether rungs of the ladder of numbers meet conditions, shape (features, conditions, rungs)."""

    def __init__(
        self,
        model: TreeModel,
        conditions: Conditions,
        lines: list[tuple[FeatureMoves, np.ndarray]],
        frame: pd.DataFrame,
    ) -> None:
        import numpy as np

        self._model, self._frame = model, frame
        self._names = [moves.name for moves, _ in lines]
        self.held = [held_type(frame[moves.name].dtype, moves.step) for moves, _ in lines]
        self._nodes = np.full((len(lines), max(1, *(len(asked) for _, asked in lines))), -1)
        for number, (_, asked) in enumerate(lines):
            self._nodes[number, : len(asked)] = conditions.node[asked]

    def left(self, ladder: np.ndarray) -> np.ndarray:
        """Whether each rung goes left; the features take their rungs in the same rows."""
        import numpy as np
        import pandas as pd

        flat = ladder.reshape(len(ladder), -1)
        rows = _repeated(self._frame, flat.shape[1])
        # In the column's own type: scalers of a pipeline calculate in the precision that they are given.
        for name, rungs, kind in zip(self._names, flat, self.held, strict=True):
            numbers, dtype = numbers_at(rungs, kind), self._frame[name].dtype
            rows[name] = pd.array(numbers, dtype=dtype) if pd.api.types.is_extension_array_dtype(dtype) else numbers
        with np.errstate(over="ignore"):
            encoded = self._model.encoding.encode(rows)
        nodes = np.repeat(self._nodes, ladder.shape[2], axis=1)
        found = np.zeros(flat.shape, dtype=bool)
        feature, place = np.nonzero(nodes >= 0)
        asked = nodes[feature, place]
        found[feature, place] = self._model.ensemble.goes_left(
            asked, encoded[place, self._model.ensemble.feature[asked]]
        )
        return found.reshape(ladder.shape)


def _cut_list(
    model: TreeModel, conditions: Conditions, moves: FeatureMoves, asked: np.ndarray, frame: pd.DataFrame
) -> Cut | NoExactAnswer:
    import numpy as np

    kind = held_type(frame[moves.name].dtype, moves.step)
    values = _values(moves, kind)
    if isinstance(values, NoExactAnswer):
        return values
    candidate = [value for value in frame[moves.name].drop_duplicates().tolist() if not _is_missing(value)]
    listed = list(dict.fromkeys([*values, *candidate]))
    missing = moves.omittable or bool(frame[moves.name].isna().any())
    tried = [*listed, _gap(frame[moves.name])] if missing else listed
    known, cell_of = np.unique(
        _sides(model, conditions, asked, _with_values(frame, moves.name, tried)), axis=0, return_inverse=True
    )
    return Cut(
        moves=moves, conditions=asked, sides=known, listed=tuple(tried), cell_of=np.ravel(cell_of), has_missing=missing,
        held=kind,
    )  # fmt: skip


def _gap(column: pd.Series) -> Any:
    """A missing value as the rows show it; NaN where they show none."""
    gaps = column[column.isna()]
    return gaps.iloc[0] if len(gaps) else float("nan")


def _is_missing(value: object) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def _values(moves: FeatureMoves, kind: np.dtype[Any]) -> list[Any] | NoExactAnswer:
    import numpy as np

    if moves.kind == "category":
        return list(moves.categories)
    if not moves.movable:
        return list(moves.fills)
    if moves.step is None or moves.low is None or moves.high is None:
        return NoExactAnswer(
            f"column {moves.name} is a number that the model takes as a category; give it a grid and limits, or make it a category"
        )
    first, last = np.ceil(moves.low / moves.step), np.floor(moves.high / moves.step)
    if last - first >= MOST_LISTED:
        return NoExactAnswer(
            f"column {moves.name} has more than {MOST_LISTED} values that the model takes as categories"
        )
    grid = held(np.arange(first, last + 1) * moves.step, kind)
    return [
        int(value) if float(value).is_integer() and float(moves.step).is_integer() else float(value) for value in grid
    ]
