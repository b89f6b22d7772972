"""The `greedy` attack: constrained greedy search, each move the best of all valid ones within the budget.

Black box with scores; where texts may be edited, of a model that gives labels only too: the search is then a random walk
that asks about every candidate of its way. Every candidate is a valid row, so nothing has to be repaired afterwards; all rows under
attack advance together and share each call to the model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.moves import ROUNDING, Moves

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.robustness.evasion.queries import Queries
    from model_governance.checks.robustness.evasion.text_moves import TextMoves

# A budget that holds every move there is, in any norm.
ANY = 1e9
MOVES = 12  # and as many more as texts may have edits
STARTS = (
    6  # a forest's shares of votes are flat around many rows: half as many starts miss 4 in 100 of the flips there are
)
TEXT_STARTS = 2  # of these, the ones that edit texts: every round asks about every word
BETWEEN = 4  # grid points tried between the ends of what the budget leaves of a feature


def attack(queries: Queries, budgets: Sequence[float], *, seed: int) -> None:
    """Search within every budget, the smallest first, then shrink the flips found; `queries` records them."""
    import numpy as np

    for budget in sorted(budgets):
        search(queries, np.arange(len(queries.nearest)), budget, seed=seed)
    queries.shrink()


def search(queries: Queries, rows: np.ndarray, budget: float, *, seed: int, texts: bool = True) -> None:
    """Look for flips of these rows within a budget, from the rows as they are and from random valid ones.

    With `texts`, the first TEXT_STARTS starts edit texts too: in every round one drawn edit of characters and one of words
    for each word.
    Every row draws from streams of its own, so that what it finds does not depend on the rows beside it.
    """
    import numpy as np

    for start in range(STARTS):
        open_ = rows[queries.nearest[rows] > budget + ROUNDING]
        edits = texts and start < TEXT_STARTS
        if len(open_) == 0 or not (queries.space.width or edits):
            return
        streams = [np.random.Generator(np.random.SFC64([seed, start, int(row)])) for row in open_]
        batch = _Batch(queries, open_, budget, streams, texts=edits)
        if start > 0:
            batch.scatter(categories=start == STARTS - 1)
        batch.run()


@dataclass(slots=True)
class _Candidates:
    """Moves that rows can make next: `owner` (m,) is the place of the row in the batch."""

    owner: np.ndarray
    moves: Moves


class _Batch:
    """Rows that search in one batch: the present moves of each and its margin to a flip."""

    def __init__(
        self, queries: Queries, rows: np.ndarray, budget: float, streams: Sequence[np.random.Generator], *, texts: bool
    ) -> None:
        import numpy as np

        self.queries, self.rows, self.streams = queries, rows, streams
        self.limits = queries.limits(budget, rows)
        space = queries.space
        self.texts = dict(zip(space.texts, space.text_columns, strict=True)) if texts else {}
        self.deltas = np.zeros((len(rows), len(space.axes)))
        self.picks = space.no_picks(len(rows))
        self.level = np.full(len(rows), -np.inf)

    def scatter(self, *, categories: bool) -> None:
        """Put every row at a random valid place within the budget, its categories too where that is asked."""
        import numpy as np

        space, origins = self.queries.space, self.queries.origins
        for column, choice in enumerate(space.choices if categories else ()):
            for place, open_ in enumerate(choice.reachable(origins.own[self.rows, column])):
                picks = np.r_[-1, np.flatnonzero(open_)]
                self.picks[place, column] = picks[self.streams[place].integers(len(picks))]
        drawn = np.array([stream.uniform(-1, 1, len(space.axes)) for stream in self.streams])
        if self.queries.norm != "linf":
            drawn /= max(1, len(space.axes)) ** (0.5 if self.queries.norm == "l2" else 1.0)
        prices = np.array([axis.cost for axis in space.axes]) if self.queries.norm == "cost" else 1.0
        reach = np.clip(self.limits[:, None] * drawn / np.maximum(prices, ROUNDING), -1.0, 1.0) * space.spans
        self.deltas = space.settle(reach, origins, self.rows, inward=True)
        outside = space.distance(Moves(self.deltas, self.picks), self.queries.norm) > self.limits + ROUNDING
        self.picks[outside] = -1
        self.deltas[outside] = 0.0

    def run(self) -> None:
        """Move until a row flips, finds nothing better, or has moved MOVES times."""
        import numpy as np

        open_ = np.arange(len(self.rows))
        for _ in range(MOVES + sum(text.slots for text in self.texts)):
            found = self._candidates(open_)
            if len(found.owner) == 0:
                return
            margins = self.queries.flip_margins(found.moves, self.rows[found.owner])
            best = self._best(found.owner, margins, open_)
            open_ = found.owner[best]
            flips = self._verified(found, margins, best)
            better = margins[best] >= self.level[open_]
            self.deltas[open_], self.picks[open_] = found.moves.deltas[best], found.moves.picks[best]
            self.level[open_] = margins[best]
            open_ = open_[better & ~flips]
            if len(open_) == 0:
                return

    def _best(self, owner: np.ndarray, margins: np.ndarray, open_: np.ndarray) -> np.ndarray:
        """The number of the strongest candidate of every row that has one; ties by the row's own stream."""
        import numpy as np

        ties = np.empty(len(owner))
        for place in open_:
            mine = owner == place
            ties[mine] = self.streams[place].random(int(mine.sum()))
        order = np.lexsort((ties, -margins, owner))
        return order[np.unique(owner[order], return_index=True)[1]]

    def _verified(self, found: _Candidates, margins: np.ndarray, best: np.ndarray) -> np.ndarray:
        """Whether the predictions of the rows flip, (k,), at their strongest candidate or their smallest above 0."""
        import numpy as np

        owner, sizes = found.owner, self.queries.space.distance(found.moves, self.queries.norm)
        above = np.flatnonzero(margins > 0)
        order = above[np.lexsort((sizes[above], owner[above]))]
        smallest = order[np.unique(owner[order], return_index=True)[1]]
        asked = np.concatenate([best, np.setdiff1d(smallest, best)])
        flips = self.queries.flipped(found.moves.take(asked), self.rows[owner[asked]])
        return np.isin(owner[best], owner[asked][flips])

    def _candidates(self, open_: np.ndarray) -> _Candidates:
        """Every single next move of these rows that is valid, new and within the budget."""
        import numpy as np

        owners: list[np.ndarray] = []
        moves: list[Moves] = []
        for column, axis in enumerate(self.queries.space.axes):
            raw = self.queries.origins.values[self.rows[open_], column]
            reach = self._reach(open_, column) * axis.span
            low, high = (np.clip(raw + side * reach, axis.low, axis.high) for side in (-1.0, 1.0))
            between = np.array([self.streams[place].random(BETWEEN) for place in open_]).reshape(-1, BETWEEN)
            for share in (np.zeros(len(open_)), np.ones(len(open_)), *between.T):
                deltas = self.deltas[open_].copy()
                deltas[:, column] = low + share * (high - low) - raw
                owners.append(open_)
                moves.append(Moves(deltas, self.picks[open_]))
        for column, choice in enumerate(self.queries.space.choices):
            open_values = choice.reachable(self.queries.origins.own[self.rows[open_], column])
            back = np.ones((len(open_), 1), dtype=bool)
            which, values = np.nonzero(np.concatenate([open_values, back], axis=1))
            picks = self.picks[open_[which]]
            picks[:, column] = np.where(values == len(choice.values), -1, values)
            owners.append(open_[which])
            moves.append(Moves(self.deltas[open_[which]], picks))
        for text, part in self.texts.items():
            which, picks = self._edited(text, part, open_)
            owners.append(which)
            moves.append(Moves(self.deltas[which], picks))
        return self._allowed(np.concatenate(owners), moves)

    def _edited(self, text: TextMoves, part: slice, open_: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The rows with one edit of a text more: owners (m,) and their picks (m, picks)."""
        import numpy as np

        texts = self.queries.origins.frame[text.feature].iloc[self.rows[open_]].tolist()
        owners: list[int] = []
        edited: list[np.ndarray] = []
        for place, value in zip(open_.tolist(), texts, strict=True):
            new = list(text.next_picks(value, self.picks[place, part], self.streams[place]))
            owners += [place] * len(new)
            edited += new
        owner = np.array(owners, dtype=np.int64)
        picks = self.picks[owner]
        if len(owner):
            picks[:, part] = np.stack(edited)
        return owner, picks

    def _allowed(self, owner: np.ndarray, moves: list[Moves]) -> _Candidates:
        import numpy as np

        space = self.queries.space
        deltas = np.concatenate([move.deltas for move in moves])
        picks = np.concatenate([move.picks for move in moves])
        deltas = space.settle(deltas, self.queries.origins, self.rows[owner], inward=True)
        kept = space.project(Moves(deltas, picks), self.queries.origins, self.rows[owner])
        deltas, picks = kept.deltas, kept.picks
        new = (deltas != self.deltas[owner]).any(axis=1) | (picks != self.picks[owner]).any(axis=1)
        within = space.distance(Moves(deltas, picks), self.queries.norm) <= self.limits[owner] + ROUNDING
        selected = np.flatnonzero(new & within)
        rows = np.column_stack([owner[selected], deltas[selected], picks[selected]])
        selected = selected[np.sort(np.unique(rows, axis=0, return_index=True)[1])]
        return _Candidates(owner[selected], Moves(deltas[selected], picks[selected]))

    def _reach(self, open_: np.ndarray, column: int) -> np.ndarray:
        """The share of a feature's range that the budget leaves for it, shape (k,), given the other changes."""
        import numpy as np

        space, norm = self.queries.space, self.queries.norm
        if norm == "linf":
            return self.limits[open_]
        others = self.deltas[open_].copy()
        others[:, column] = 0.0
        spent = space.distance(Moves(others, self.picks[open_]), norm)
        if norm == "l2":
            return np.sqrt(np.maximum(self.limits[open_] ** 2 - spent**2, 0.0))
        price = space.axes[column].cost
        remaining = np.maximum(self.limits[open_] - spent, 0.0)
        return remaining / price if price > 0 else np.full(len(open_), ANY)
