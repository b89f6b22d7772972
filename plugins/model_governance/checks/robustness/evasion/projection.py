"""Moves that break a relation of the threat model, pulled back to where all relations hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from model_governance.checks.robustness.evasion.moves import Moves

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from model_governance.attacks.relations import Relations
    from model_governance.checks.robustness.evasion.moves import Axis, Choice, Origins


class Space(Protocol):
    """What a projection needs of the space of rows."""

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The numbers that may move."""

    @property
    def choices(self) -> tuple[Choice, ...]:
        """The categories that may move."""

    def settle(self, deltas: np.ndarray, origins: Origins, rows: np.ndarray, *, inward: bool = False) -> np.ndarray:
        """Changes put on the grid, cut to ranges and directions."""

    def cells(
        self, moves: Moves, origins: Origins, rows: np.ndarray, names: Iterable[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Columns before and after moves."""


ARMS = 3  # shares that are tried in one call: a call costs more than its rows
ROUNDS = 5  # a change is known to a thousandth of it, (ARMS + 1) to the power of -ROUNDS


def project_moves(space: Space, relations: Relations, moves: Moves, origins: Origins, rows: np.ndarray) -> Moves:
    """The moves with relations kept: a flag of a group takes the place of the others, numbers go as far as they may.

    The rows under attack obey all relations, so a change is shortened towards its row until they hold again; what no
    shorter change mends is not changed at all.

    Args:
        space: of the moves.
        relations: what has to hold.
        moves: of these rows, shape (n, ...).
        origins: the rows under attack.
        rows: their numbers, shape (n,).
    """
    import numpy as np

    moves = _one_of_each(space, relations, moves, origins, rows)
    broken = np.flatnonzero(_broken(space, relations, moves, origins, rows))
    if not len(broken):
        return moves
    deltas, picks = moves.deltas.copy(), moves.picks.copy()
    full, tied = deltas[broken].copy(), np.isin([axis.feature for axis in space.axes], relations.columns)
    low, high, places = np.zeros(len(broken)), np.ones(len(broken)), np.arange(len(broken))
    kept, each = np.where(tied, 0.0, full), np.tile(places, ARMS)
    for _ in range(ROUNDS):
        cuts = low + (high - low) * np.arange(1, ARMS + 1)[:, None] / (ARMS + 1)
        shortened = space.settle(full[each] * cuts.reshape(-1, 1), origins, rows[broken][each], inward=True)
        tried = np.where(tied, shortened, full[each])
        bad = _broken(space, relations, Moves(tried, picks[broken][each]), origins, rows[broken][each]).reshape(
            ARMS, -1
        )
        good = np.where(bad.any(axis=0), bad.argmax(axis=0), ARMS)  # how many of the shares, from the smallest on
        some = good > 0
        kept[some] = tried.reshape(ARMS, len(broken), -1)[good[some] - 1, places[some]]
        ends = np.concatenate([low[None], cuts, high[None]])
        low, high = ends[good, places], ends[good + 1, places]
    deltas[broken] = kept
    still = broken[_broken(space, relations, Moves(kept, picks[broken]), origins, rows[broken])]
    deltas[still], picks[still] = 0.0, -1
    return Moves(deltas, picks)


def _broken(space: Space, relations: Relations, moves: Moves, origins: Origins, rows: np.ndarray) -> np.ndarray:
    return relations.broken(*space.cells(moves, origins, rows, relations.columns))


def _one_of_each(space: Space, relations: Relations, moves: Moves, origins: Origins, rows: np.ndarray) -> Moves:
    """Where a flag of a group is raised, the others fall; where one falls and none is raised, the group stays as it was."""
    import numpy as np

    groups = [relation.one_of for relation in relations.every if relation.one_of is not None]
    picks = moves.picks
    for group in groups:
        places = np.flatnonzero([choice.feature in group for choice in space.choices])
        mine = np.flatnonzero((picks[:, places] >= 0).any(axis=1))
        if len(mine):
            picks = picks.copy() if picks is moves.picks else picks
            picks[np.ix_(mine, places)] = _raised(
                space, places, picks[mine][:, places], origins.own[rows[mine]][:, places]
            )
    return moves if picks is moves.picks else Moves(moves.deltas, picks)


def _raised(space: Space, places: np.ndarray, picks: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Picks (n, flags) in which one flag is raised, the first of those that are, and every other one is down."""
    import numpy as np

    up = np.array([space.choices[place].values.index(1) for place in places])
    raised = (picks == up) & (own != up)
    first = raised & (np.cumsum(raised, axis=1) == 1)
    lowered = (own == up) & ~first
    changed = np.where(first, up, np.where(lowered, 1 - up, -1))
    result: np.ndarray = np.where(first.any(axis=1, keepdims=True), changed, -1)
    return result
