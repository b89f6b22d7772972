"""The `gradient` attack: projected gradient descent (Madry et al., 2018) with repair in the loop.

The ascent moves through continuous points, but gradients are those of the nearest valid row, and after every step the
model is asked about the valid row rounded towards the origin, so that a flip is valid and within the budget. The loss
is a margin of logits, which does not saturate where the model is confident. Only numeric features move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.pgd import pgd_ascent
from model_governance.checks.robustness.evasion.answers import round_significant
from model_governance.checks.robustness.evasion.moves import ROUNDING, Moves

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.robustness.evasion.gradients import Gradients
    from model_governance.checks.robustness.evasion.queries import Queries

STARTS = 3
LEAST_STEPS = 10


def attack(queries: Queries, gradients: Gradients, budgets: Sequence[float], *, steps: int, seed: int) -> None:
    """Ascend within every budget, the smallest first, then shrink the flips found; `queries` records them."""
    import numpy as np

    for budget in sorted(budgets):
        for start in range(STARTS):
            open_ = np.flatnonzero(queries.nearest > budget + ROUNDING)
            if len(open_):
                _ascend(queries, gradients, open_, budget, start=start, steps=max(LEAST_STEPS, steps), seed=seed)
    queries.shrink()


def _ascend(
    queries: Queries, gradients: Gradients, rows: np.ndarray, budget: float, *, start: int, steps: int, seed: int
) -> None:
    """From the rows as they are (start 0) or random points; a regression is pushed up and down by turns."""
    import numpy as np

    space, origins = queries.space, queries.origins
    # Without a tolerance there is no sign to turn, so the second start would repeat the first.
    if start == 1 and queries.answers.tolerance is None:
        return
    shares = np.zeros((len(rows), len(space.axes)))
    if start >= 2:
        streams = [np.random.Generator(np.random.SFC64([seed, start, int(row)])) for row in rows]
        drawn = np.array([stream.uniform(-budget, budget, len(space.axes)) for stream in streams])
        shares = _project(drawn, budget, queries)
    signs = np.full(len(rows), 1.0 if start % 2 == 0 else -1.0)

    def moves(points: np.ndarray, lines: np.ndarray, *, inward: bool) -> Moves:
        settled = space.settle(points * space.spans, origins, rows[lines], inward=inward)
        return Moves(settled, space.no_picks(len(points)))

    pgd_ascent(
        shares,
        gradients=lambda points, lines: round_significant(
            gradients(moves(points, lines, inward=False), rows[lines], signs[lines])
        ),
        project=lambda points, _: _project(points, budget, queries),
        flips=lambda points, lines: queries.flipped(moves(points, lines, inward=True), rows[lines]),
        norm="linf" if queries.norm == "linf" else "l2",
        step=budget / 4,
        steps=steps,
    )


def _project(shares: np.ndarray, budget: float, queries: Queries) -> np.ndarray:
    """Changes (n, axes) in shares of the ranges, projected into the budget."""
    import numpy as np

    if queries.norm == "linf":
        return np.clip(shares, -budget, budget)
    space = queries.space
    sizes = space.distance(Moves(shares * space.spans, space.no_picks(len(shares))), queries.norm)
    return shares * np.minimum(1.0, np.divide(budget, sizes, out=np.ones(len(sizes)), where=sizes > 0))[:, None]
