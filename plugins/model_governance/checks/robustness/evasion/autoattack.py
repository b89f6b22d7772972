"""AutoAttack and its members (APGD, FAB, Square; Croce and Hein, 2020) on valid raw rows.

The attacks move through continuous points; the model is evaluated at the nearest valid row that a point rounds to
towards the origin, so that every flip is valid and within the budget. Only numeric features move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.attacks.autoattack import AutoSettings, auto_attack
from model_governance.attacks.balls import Ball
from model_governance.checks.robustness.evasion.gradients import numeric_columns
from model_governance.checks.robustness.evasion.moves import ROUNDING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd

    from model_governance.attacks.autoattack import Member
    from model_governance.attacks.networks import Vjp
    from model_governance.checks.robustness.evasion.queries import Queries
    from model_governance.contract.subject import Columns

MEMBERS: Mapping[str, tuple[Member, ...]] = {
    "autoattack": ("apgd-ce", "apgd-t", "fab-t", "square"),
    "apgd": ("apgd-ce", "apgd-t"),
    "fab": ("fab-t",),
    "square": ("square",),
}


def attack(queries: Queries, columns: Columns, budgets: Sequence[float], *, name: str, seed: int) -> None:
    """Attack within every budget, the smallest first, then shrink the flips found; `queries` records them.

    Pixels of an image are sorted by channel, height and width, so that the blocks of Square are squares.

    The published settings: 100 gradient steps, 9 target classes, 5,000 queries of Square per row.
    """
    network, image = RowNetwork(queries, columns), queries.space.image
    origins = queries.origins.encoded[:, network.order].astype("float64")
    for budget in sorted(budgets):
        open_ = queries.nearest > budget + ROUNDING
        if open_.any():
            ball = Ball(norm="linf" if queries.norm == "linf" else "l2", epsilon=budget)
            settings = AutoSettings(members=MEMBERS[name])
            auto_attack(
                network, origins, network.own, ball=ball, settings=settings, seed=seed, rows=open_,
                shape=None if image is None else image.planes,
            )  # fmt: skip
    queries.shrink()


class RowNetwork:
    """The model as a network of the numeric features that may move, in shares of their ranges.

    Points (m, axes) of rows (m,) are evaluated at valid rows; flips are confirmed by the prediction and recorded.
    `order` (axes,) says which axis each coordinate of a point is.
    """

    def __init__(self, queries: Queries, columns: Columns) -> None:
        import numpy as np

        axes = np.arange(len(queries.space.axes))
        self.order = axes if queries.space.image is None else queries.space.image.order
        self.queries, self.places = queries, np.array(numeric_columns(queries, columns), dtype=int)[self.order]
        self.own = queries.answers.own(queries.model)

    def logits(self, points: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Logits (m, k), or probabilities of a model without logits."""
        return self._evaluated(points, rows)[1]

    def vjp(self, points: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, Vjp]:
        """The logits (m, k), and a function of weights (m, k) that returns gradients (m, axes)."""
        frame, logits = self._evaluated(points, rows)

        def back(weights: np.ndarray) -> np.ndarray:
            import numpy as np

            np.add.at(self.queries.asked, rows, 1)
            spans = self.queries.space.spans[self.order]
            scaled: np.ndarray = self.queries.model.gradient(frame, weights)[:, self.places] * spans
            return scaled

        return logits, back

    def _evaluated(self, points: np.ndarray, rows: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
        import numpy as np

        queries, model = self.queries, self.queries.model
        encoded = queries.origins.encoded[rows].astype(np.float64)
        encoded[:, self.order] = points
        moves = queries.space.moves(encoded, queries.origins, rows, inward=True)
        frame = queries.space.rows(moves, queries.origins, rows)
        scores = model.scores(frame)
        np.add.at(queries.asked, rows, 1)
        flips = np.flatnonzero(scores.argmax(axis=1) != self.own[rows])
        if len(flips) and model.decision is not None:
            # Logits need not be the log-odds of the probabilities that decide (Platt scaling), so the decision is asked.
            decided = queries.answers.flipped(model.predict(frame.iloc[flips]), rows[flips])
            np.add.at(queries.asked, rows[flips], 1)
            flips = flips[decided]
        if len(flips):
            queries.flipped(moves.take(flips), rows[flips])
        return frame, scores
