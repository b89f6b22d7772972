"""The queries of an attack: valid rows only, counted, with the smallest flip of every row recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.moves import Moves

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from model_governance.checks.robustness.evasion.answers import Answers
    from model_governance.checks.robustness.evasion.moves import Origins
    from model_governance.checks.robustness.evasion.params import Norm
    from model_governance.checks.robustness.evasion.row_space import RowSpace
    from model_governance.contract.subject import Model

# Bound the memory of one call to the model: rows, and numbers in them.
BATCH = 100_000
CELLS = 20_000_000
# Rows of more features hardly ever come twice, and remembering them takes memory.
MOST_REMEMBERED = 256
# Cuts per round of shrinking, and rounds: a size is known to (ARMS + 1)^-ROUNDS of it, a millionth.
ARMS = 3
ROUNDS = 10


@dataclass(slots=True)
class Queries:
    """The model, asked about moves of the rows under attack, and the smallest flip found for each.

    `answers` holds the predictions of the rows before the attack and defines a flip. `nearest` (n,) holds
    the size of the smallest flip in the norm (as a share of `worth`, (n,), where rows have one), infinite where none was found; `asked` (n,) counts the rows sent to the model.
    """

    model: Model
    space: RowSpace
    origins: Origins
    answers: Answers
    norm: Norm
    worth: np.ndarray | None = None
    nearest: np.ndarray = field(init=False)
    asked: np.ndarray = field(init=False)
    _deltas: np.ndarray = field(init=False)
    _picks: np.ndarray = field(init=False)
    _known: dict[tuple[int, bytes, bytes], bool] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        import numpy as np

        n = len(self.origins.frame)
        self.nearest = np.full(n, np.inf)
        self.asked = np.zeros(n, dtype=np.int64)
        self._deltas = np.zeros((n, len(self.space.axes)))
        self._picks = self.space.no_picks(n)

    @property
    def best(self) -> Moves:
        """The smallest flip of every row; no move where none was found."""
        return Moves(self._deltas.copy(), self._picks.copy())

    def sizes(self, moves: Moves, rows: np.ndarray) -> np.ndarray:
        """Size of moves of these rows, shape (n,), in the norm or as a share of what each row is worth."""
        sizes = self.space.distance(moves, self.norm)
        return sizes if self.worth is None else sizes / self.worth[rows]

    def limits(self, budget: float, rows: np.ndarray) -> np.ndarray:
        """The budget of each of these rows in the norm itself, shape (n,)."""
        import numpy as np

        return np.full(len(rows), budget) if self.worth is None else budget * self.worth[rows]

    def flips(self, points: np.ndarray, rows: np.ndarray, *, inward: bool = False) -> np.ndarray:
        """Whether the decoded points (n, width) flip the answers of these rows (n,)."""
        return self.flipped(self.space.moves(points, self.origins, rows, inward=inward), rows)

    def flipped(self, moves: Moves, rows: np.ndarray) -> np.ndarray:
        """Whether moves flip the answers of these rows, shape (n,); records the smallest.

        On a grid, attacks repeat rows: their answers are cached.
        """
        import numpy as np

        moves = self.space.project(moves, self.origins, rows)
        if any(axis.step == 0 for axis in self.space.axes) or len(self.space.axes) > MOST_REMEMBERED:
            changed = self._ask(moves, rows)
        else:
            keys = [
                (int(row), d.tobytes(), p.tobytes()) for row, d, p in zip(rows, moves.deltas, moves.picks, strict=True)
            ]
            unknown = {key: place for place, key in enumerate(keys) if key not in self._known}
            places = np.fromiter(unknown.values(), dtype=np.int64)
            if len(places):
                self._known.update(zip(unknown, self._ask(moves.take(places), rows[places]).tolist(), strict=True))
            changed = np.array([self._known[key] for key in keys], dtype=bool)
        self._record(moves, rows, changed)
        return changed

    def flip_margins(self, moves: Moves, rows: np.ndarray) -> np.ndarray:
        """How near moves, which obey all relations, bring the answers of these rows to a flip, shape (n,): the larger the nearer."""
        import numpy as np

        margins = np.empty(len(rows))
        for part in self._parts(len(rows)):
            frame = self.space.rows(moves.take(part), self.origins, rows[part], projected=True)
            margins[part] = self.answers.flip_margins(self.model, frame, rows[part])
            np.add.at(self.asked, rows[part], 1)
        return margins

    def _ask(self, moves: Moves, rows: np.ndarray) -> np.ndarray:
        import numpy as np

        changed = np.zeros(len(rows), dtype=bool)
        for part in self._parts(len(rows)):
            frame = self.space.rows(moves.take(part), self.origins, rows[part], projected=True)
            changed[part] = self.answers.flipped(self.model.predict(frame), rows[part])
            np.add.at(self.asked, rows[part], 1)
        return changed

    def _parts(self, rows: int) -> Iterator[slice]:
        """The rows of each call to the model."""
        most = max(1, min(BATCH, CELLS // max(1, len(self.space.axes))))
        return (slice(start, start + most) for start in range(0, rows, most))

    def _record(self, moves: Moves, rows: np.ndarray, changed: np.ndarray) -> None:
        import numpy as np

        hits = np.flatnonzero(changed)
        sizes = self.sizes(moves.take(hits), rows[hits])
        changes = self._changes(moves.take(hits))
        order = np.lexsort((changes, sizes, rows[hits]))
        victims, first = np.unique(rows[hits][order], return_index=True)
        chosen = order[first]
        fewer = changes[chosen] < self._changes(Moves(self._deltas[victims], self._picks[victims]))
        known = self.nearest[victims]
        better = (sizes[chosen] < known) | ((sizes[chosen] == known) & fewer)
        victims, chosen = victims[better], chosen[better]
        self.nearest[victims] = sizes[chosen]
        self._deltas[victims] = moves.deltas[hits[chosen]]
        self._picks[victims] = moves.picks[hits[chosen]]

    @staticmethod
    def _changes(moves: Moves) -> np.ndarray:
        """Number of changed features and edits of texts, shape (n,): of two flips of one size, the one with fewer is kept."""
        changed: np.ndarray = (moves.deltas != 0).sum(axis=1) + (moves.picks >= 0).sum(axis=1)
        return changed

    def shrink(self) -> None:
        """Pull the smallest flip of every row towards its origin, on valid rows, and undo changes that are not needed.

        A flip on a grid, or one chosen for another reason than its size, is often larger than necessary. Of an image no
        single pixel is put back: it would cost a question for each, and a picture is not read pixel by pixel.
        """
        import numpy as np

        rows = np.flatnonzero(np.isfinite(self.nearest) & (self.nearest > 0))
        self._bisect(self.best.take(rows), rows)
        if self.space.image is None:
            self._undo()

    def vary_categories(self) -> None:
        """Try every value of every category in reach together with the numeric change found so far, and shrink it."""
        import numpy as np

        for column, choice in enumerate(self.space.choices):
            rows = np.flatnonzero(np.isfinite(self.nearest) & (self.nearest > 0))
            tried, values = np.nonzero(choice.reachable(self.origins.own[rows, column]))
            picks = self._picks[rows[tried]]
            picks[:, column] = values
            self._bisect(Moves(self._deltas[rows[tried]], picks), rows[tried])

    def _undo(self) -> None:
        """Undo one change after another, the most expensive first, where the answer stays flipped."""
        import numpy as np

        rows = np.flatnonzero(np.isfinite(self.nearest) & (self._changes(self.best) > 1))
        prices = [*(axis.cost for axis in self.space.axes), *self.space.pick_costs.tolist()]
        for place in sorted(range(len(prices)), key=lambda place: (-prices[place], place)):
            moves, pick = self.best.take(rows), place - len(self.space.axes)
            made = moves.picks[:, pick] >= 0 if pick >= 0 else moves.deltas[:, place] != 0
            if not made.any():
                continue
            moves, undone = moves.take(made), rows[made]
            if pick >= 0:
                moves.picks[:, pick] = -1
            else:
                moves.deltas[:, place] = 0.0
            self.flipped(moves, undone)

    def _bisect(self, found: Moves, rows: np.ndarray) -> None:
        """Shrink moves that flip these rows for as long as they do: linf cuts the largest changes, others scale all."""
        import numpy as np

        if len(rows) == 0:
            return
        still = Moves(np.zeros_like(found.deltas), found.picks)
        low, high = self.space.distance(still, self.norm), self.space.distance(found, self.norm)
        places = np.arange(len(rows))
        for _ in range(ROUNDS):
            # A call to a pipeline costs more than its rows, so every call evaluates several cuts.
            cuts = low + (high - low) * np.arange(1, ARMS + 1)[:, None] / (ARMS + 1)
            each = np.tile(places, ARMS)
            moves = self._cut(found.take(each), rows[each], cuts.ravel())
            changed = self.flipped(moves, rows[each]).reshape(ARMS, -1)
            first = np.where(changed.any(axis=0), changed.argmax(axis=0), ARMS)
            ends = np.concatenate([low[None], cuts, high[None]])
            low, high = ends[first, places], ends[first + 1, places]

    def _cut(self, found: Moves, rows: np.ndarray, size: np.ndarray) -> Moves:
        """Moves shrunk to sizes (n,) in the norm, on the grid; changed categories stay."""
        import numpy as np

        spans = self.space.spans
        if self.norm == "linf":
            limit = size[:, None] * spans
            deltas = np.clip(found.deltas, -limit, limit)
        else:
            still = self.space.distance(Moves(np.zeros_like(found.deltas), found.picks), self.norm)
            whole = self.space.distance(found, self.norm) - still
            share = np.divide(size - still, whole, out=np.zeros(len(size)), where=whole > 0)
            deltas = found.deltas * share[:, None]
        return Moves(self.space.settle(deltas, self.origins, rows), found.picks)
