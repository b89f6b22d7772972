"""Projected gradient descent (Madry et al., 2018) with repair in the loop: white box, valid rows at every step.

The climb goes on where it would be off the grid, but the slope is that of the nearest valid row, and every step is
asked about once more rounded inwards, so that what flips is valid and within the budget. The loss is a margin of
scores before the probabilities, which does not saturate where the model is sure. Only numbers move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.answers import steady
from model_governance.checks.robustness.evasion.row_space import ROUNDING, Moves

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.robustness.evasion.params import Norm
    from model_governance.checks.robustness.evasion.queries import Queries
    from model_governance.checks.robustness.evasion.slopes import Slopes

STARTS = 3
LEAST_STEPS = 10


def attack(queries: Queries, slopes: Slopes, budgets: Sequence[float], *, steps: int, seed: int) -> None:
    """Climb within every budget, the smallest first, then shrink what was found; `queries` keeps it."""
    import numpy as np

    for budget in sorted(budgets):
        for start in range(STARTS):
            open_ = np.flatnonzero(queries.nearest > budget + ROUNDING)
            if len(open_):
                _climb(queries, slopes, open_, budget, start=start, steps=max(LEAST_STEPS, steps), seed=seed)
    queries.shrink()


def _climb(
    queries: Queries, slopes: Slopes, rows: np.ndarray, budget: float, *, start: int, steps: int, seed: int
) -> None:
    """From the rows as they are (start 0) or random places; a regression is pushed up and down by turns."""
    import numpy as np

    space, origins = queries.space, queries.origins
    shares = np.zeros((len(rows), len(space.axes)))
    if start >= 2:
        streams = [np.random.Generator(np.random.SFC64([seed, start, int(row)])) for row in rows]
        shares = _inside(np.array([one.uniform(-budget, budget, len(space.axes)) for one in streams]), budget, queries)
    still = np.full((len(rows), len(space.choices)), -1)
    ways = np.full(len(rows), 1.0 if start % 2 == 0 else -1.0)
    if start == 1 and queries.answers.tolerance is None:
        return
    for _ in range(steps):
        here = Moves(space.settle(shares * space.spans, origins, rows), still)
        before = shares
        shares = _inside(
            before + budget / 4 * _steepest(steady(slopes(here, rows, ways)), queries.norm), budget, queries
        )
        inward = Moves(space.settle(shares * space.spans, origins, rows, inward=True), still)
        # Where a step leads nowhere, the next one would too.
        open_ = ~queries.flipped(inward, rows) & (np.abs(shares - before) > ROUNDING).any(axis=1)
        rows, shares, still, ways = rows[open_], shares[open_], still[open_], ways[open_]
        if len(rows) == 0:
            return


def _steepest(slopes: np.ndarray, norm: Norm) -> np.ndarray:
    """Steps (n, axes) of size 1 in the norm along slopes."""
    import numpy as np

    if norm == "linf":
        return np.sign(slopes)
    lengths = np.linalg.norm(slopes, axis=1, keepdims=True)
    return np.divide(slopes, lengths, out=np.zeros_like(slopes), where=lengths > 0)


def _inside(shares: np.ndarray, budget: float, queries: Queries) -> np.ndarray:
    """Changes (n, axes) in shares, pulled into the budget."""
    import numpy as np

    if queries.norm == "linf":
        return np.clip(shares, -budget, budget)
    no_picks = np.full((len(shares), len(queries.space.choices)), -1)
    sizes = queries.space.distance(Moves(shares * queries.space.spans, no_picks), queries.norm)
    return shares * np.minimum(1.0, np.divide(budget, sizes, out=np.ones(len(sizes)), where=sizes > 0))[:, None]
