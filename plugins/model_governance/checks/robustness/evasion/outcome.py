"""The outcome of one attack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.moves import ROUNDING, Moves
from model_governance.checks.robustness.evasion.validity import valid_rows
from model_governance.errors import ModelMisbehaved

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.robustness.evasion.exact import ExactDistances
    from model_governance.checks.robustness.evasion.queries import Queries
    from model_governance.contract.subject import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One attack on n rows: sizes of the smallest flips (infinite where none), their moves, the cost.

    `examined` (n,) are the rows it was given: all of them, but for an attack that can afford a few only. `returned`
    counts the rows that it returned, `valid` those of them that the threat model allows. `reached` says how far it came,
    `exact` holds what an exact attack proved.
    """

    attack: str
    nearest: np.ndarray
    moves: Moves
    asked: np.ndarray
    examined: np.ndarray
    returned: int
    valid: int
    reached: str = "finished"
    exact: ExactDistances | None = None

    def within(self, budget: float) -> np.ndarray:
        """Which rows flip within a budget, shape (n,)."""
        inside: np.ndarray = self.nearest <= budget + ROUNDING
        return inside

    @property
    def found(self) -> np.ndarray:
        """Sizes of the flips that were found, sorted."""
        import numpy as np

        return np.sort(self.nearest[np.isfinite(self.nearest)])


def conclude(
    queries: Queries, attack: str, model: Model, *, exact: ExactDistances | None = None, reached: str = "finished"
) -> Outcome:
    """The outcome of an attack, after evaluating every flip once more on `model`, whose queries are not limited.

    A row that the threat model does not allow is counted as returned and is no flip.

    Raises:
        ModelMisbehaved: a row that flipped does not flip again, so the model is not deterministic.
    """
    import numpy as np

    rows, moves, nearest = np.flatnonzero(np.isfinite(queries.nearest)), queries.best, queries.nearest.copy()
    valid = np.zeros(0, dtype=bool)
    if len(rows):
        after = queries.space.rows(moves.take(rows), queries.origins, rows, projected=True)
        again = queries.answers.flipped(model.predict(after), rows)
        np.add.at(queries.asked, rows, 1)
        if not again.all():
            raise ModelMisbehaved(
                f"model {model.name!r} gave another answer for {int((~again).sum())} of {len(rows)} rows when asked again; "
                "attacks need a model whose answers repeat"
            )
        valid = valid_rows(queries.space, queries.origins.frame.iloc[rows].reset_index(drop=True), after)
        nearest[rows[~valid]] = np.inf
    examined = np.ones(len(nearest), dtype=bool)
    if exact is not None:
        examined = np.isin(np.arange(len(nearest)), exact.rows)
    return Outcome(
        attack=attack,
        nearest=nearest,
        moves=moves,
        asked=queries.asked.copy(),
        examined=examined,
        exact=exact,
        returned=len(rows),
        valid=int(valid.sum()),
        reached=reached,
    )


def smallest(outcomes: Sequence[Outcome]) -> tuple[np.ndarray, Moves]:
    """Per row the size and move of the smallest flip that any attack found."""
    import numpy as np

    sizes = np.stack([outcome.nearest for outcome in outcomes])
    winner, rows = sizes.argmin(axis=0), np.arange(sizes.shape[1])
    deltas = np.stack([outcome.moves.deltas for outcome in outcomes])[winner, rows]
    picks = np.stack([outcome.moves.picks for outcome in outcomes])[winner, rows]
    return sizes.min(axis=0), Moves(deltas, picks)
