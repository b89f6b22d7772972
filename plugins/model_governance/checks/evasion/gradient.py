"""A white-box attack: ART's projected gradient descent (Madry et al., 2018) on the model's own margin."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from model_governance.attack_library import quiet_attack
from model_governance.checks.evasion.row_space import Moves
from model_governance.errors import ModelMisbehaved

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

    from model_governance.checks.evasion.params import EvasionParams
    from model_governance.checks.evasion.queries import Queries
    from model_governance.subject import Model

    Margins = Callable[[pd.DataFrame], np.ndarray]

# Shares of a feature's range over which the preprocessing is differentiated.
DIFFERENCE = 0.01


def margins_of(model: Model, frame: pd.DataFrame) -> tuple[Margins | None, str]:
    """The model's class margins as a function of raw rows -> (n, classes), or None and the reason.

    They exist where the last step of a scikit-learn pipeline is linear in what it is given, or a
    support-vector machine. `frame` is used to make sure that the largest margin is the prediction.
    """
    import numpy as np

    native = model.native
    last = native.steps[-1][1] if hasattr(native, "steps") else native
    if not hasattr(native, "decision_function") or not (hasattr(last, "coef_") or hasattr(last, "support_vectors_")):
        return None, f"{type(last).__name__} offers no gradients"

    names = getattr(native, "feature_names_in_", None)

    def margins(rows: pd.DataFrame) -> np.ndarray:
        given = rows.to_numpy() if names is None else rows[list(names)]
        scores = np.asarray(native.decision_function(given), dtype=np.float64)
        return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores

    try:
        agree = np.asarray(native.classes_)[margins(frame).argmax(axis=1)] == model.predict(frame)
    except ModelMisbehaved:
        raise
    except Exception as error:
        return None, f"the margins of {type(last).__name__} cannot be read: {type(error).__name__}: {error}"
    if not np.all(agree):
        return None, f"the largest margin of {type(last).__name__} is not its prediction"
    return margins, ""


def attack(queries: Queries, margins: Margins, params: EvasionParams, *, seed: int) -> None:
    """Climb the margin of the best other class inside the budget; `queries` keeps what it finds.

    The margin does not saturate where probabilities do, so that sure predictions have a gradient
    too. Only numeric features move. Every end point is asked twice: rounded to the nearest valid
    row, and rounded inwards so that it stays within the budget.
    """
    import numpy as np
    from art.attacks.evasion import ProjectedGradientDescentNumpy

    n = len(queries.predicted)
    rows = np.arange(n)
    climber = ProjectedGradientDescentNumpy(
        _estimator()(queries, margins),
        norm=np.inf if params.norm == "linf" else 2,
        eps=params.epsilon,
        eps_step=params.epsilon / 4,
        max_iter=max(10, params.max_iterations),
        batch_size=n,
        verbose=False,
    )
    with quiet_attack(seed):
        points = climber.generate(x=queries.origins.encoded.copy(), y=np.tile([1.0, 0.0], (n, 1)))
    queries.flips(points, rows)
    queries.flips(points, rows, inward=True)
    queries.shrink()


@cache
def _estimator() -> type[Any]:
    """An ART classifier over encoded rows with a loss gradient; the i-th point belongs to the i-th row."""
    import numpy as np
    from art.estimators.classification.classifier import ClassifierMixin, LossGradientsMixin
    from art.estimators.estimator import BaseEstimator

    class MarginEstimator(LossGradientsMixin, ClassifierMixin, BaseEstimator):
        """Class 0 is the prediction as it was, class 1 any other; the loss is the margin between them."""

        def __init__(self, queries: Queries, margins: Margins) -> None:
            super().__init__(model=None, clip_values=(0.0, 1.0))
            self.nb_classes = 2
            self._queries, self._margins = queries, margins
            own = margins(queries.origins.frame).argmax(axis=1)
            self._own = own

        @property
        def input_shape(self) -> tuple[int, ...]:
            return (self._queries.space.width,)

        def predict(self, x: np.ndarray, **_options: Any) -> np.ndarray:
            return np.eye(2, dtype=np.float32)[self._queries.flips(x, np.arange(len(x))).astype(int)]

        def fit(self, x: np.ndarray, y: np.ndarray, **_options: Any) -> None:
            raise NotImplementedError("the model under attack is never trained")

        def loss_gradient(self, x: np.ndarray, _y: np.ndarray, **_options: Any) -> np.ndarray:
            """Central differences of the loss along every axis, on valid rows; zero for categories.

            Exact for preprocessing that is linear in the feature (scalers): the margin is linear in
            its output.
            """
            return loss_slopes(self._queries, self._margins, self._own, x)

    return MarginEstimator


def loss_slopes(queries: Queries, margins: Margins, own: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Gradient (n, width) of best other margin minus own margin, per share of a feature's range."""
    import numpy as np

    space, origins, n = queries.space, queries.origins, len(points)
    rows = np.arange(n)
    here = space.moves(points, origins, rows)
    slopes = np.zeros(points.shape)
    for column, axis in enumerate(space.axes):
        ends = []
        for side in (-1.0, 1.0):
            deltas = here.deltas.copy()
            deltas[:, column] += side * max(axis.step, DIFFERENCE * axis.span)
            ends.append(Moves(space.settle(deltas, origins, rows), here.picks))
        shares = (ends[1].deltas[:, column] - ends[0].deltas[:, column]) / axis.span
        low, high = (_loss(margins(space.rows(end, origins, rows)), own) for end in ends)
        slopes[:, column] = np.divide(high - low, shares, out=np.zeros(n), where=shares != 0)
    queries.asked += 2 * len(space.axes)
    return slopes.astype(np.float32)


def _loss(margins: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Best other class's margin minus the own class's, shape (n,): positive where the prediction flips."""
    import numpy as np

    rows = np.arange(len(own))
    others = margins.copy()
    others[rows, own] = -np.inf
    best: np.ndarray = others.max(axis=1) - margins[rows, own]
    return best
