"""Where the slopes of a model come from: its own gradients, or differences of a linear or support-vector pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.answers import margins
from model_governance.checks.robustness.evasion.row_space import Moves
from model_governance.errors import ModelMisbehaved

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

    from model_governance.checks.robustness.evasion.queries import Queries
    from model_governance.contract.subject import Columns, Model

    # Moves of rows (m,) and the way (m,) a regression is pushed -> slopes (m, axes) per share of a feature's range.
    Slopes = Callable[[Moves, np.ndarray, np.ndarray], np.ndarray]
    Scores = Callable[[pd.DataFrame], np.ndarray]

# Shares of a feature's range over which the preprocessing is differentiated.
DIFFERENCE = 0.01


def why_none(model: Model, frame: pd.DataFrame) -> str:
    """Why a model offers no slopes; empty where it does. `frame` holds rows to try it on."""
    if model.call_gradient is not None and (model.call_logits is not None or model.task == "regression"):
        return ""
    return _scores(model, frame)[1]


def slopes_of(queries: Queries, columns: Columns) -> Slopes:
    """The slope of a flip's loss: best other score minus own score, or of a regression its value, up or down."""
    model = queries.model
    if model.call_gradient is not None:
        return _own_gradients(queries, columns)
    scores, reason = _scores(model, queries.origins.frame)
    if scores is None:
        raise ModelMisbehaved(f"model {model.name!r} no longer offers the slopes it had: {reason}")
    return _differences(queries, scores)


def _own_gradients(queries: Queries, columns: Columns) -> Slopes:
    import numpy as np

    numbers = columns.of_kind("numeric", "integer")
    places = [numbers.index(axis.feature) for axis in queries.space.axes]
    model, answers = queries.model, queries.answers
    own = None if answers.tolerance is not None else answers.own(model)

    def slopes(moves: Moves, rows: np.ndarray, ways: np.ndarray) -> np.ndarray:
        frame = queries.space.rows(moves, queries.origins, rows)
        if own is None:
            weights = ways[:, None]
        else:
            scores = model.logits(frame)
            weights = _towards_best_other(scores, own[rows])
            np.add.at(queries.asked, rows, 1)
        np.add.at(queries.asked, rows, 1)
        found: np.ndarray = model.gradient(frame, weights)[:, places] * queries.space.spans
        return found

    return slopes


def _towards_best_other(scores: np.ndarray, own: np.ndarray) -> np.ndarray:
    import numpy as np

    rows = np.arange(len(own))
    others = scores.astype(np.float64, copy=True)
    others[rows, own] = -np.inf
    weights = np.zeros(scores.shape)
    weights[rows, others.argmax(axis=1)] = 1.0
    weights[rows, own] = -1.0
    return weights


def _differences(queries: Queries, scores: Scores) -> Slopes:
    """Central differences along every axis, on valid rows: exact for preprocessing linear in the feature (scalers)."""
    import numpy as np

    space, origins = queries.space, queries.origins
    own = scores(origins.frame).argmax(axis=1)

    def slopes(moves: Moves, rows: np.ndarray, _ways: np.ndarray) -> np.ndarray:
        found = np.zeros(moves.deltas.shape)
        for column, axis in enumerate(space.axes):
            ends = []
            for side in (-1.0, 1.0):
                deltas = moves.deltas.copy()
                deltas[:, column] += side * max(axis.step, DIFFERENCE * axis.span)
                ends.append(Moves(space.settle(deltas, origins, rows), moves.picks))
            shares = (ends[1].deltas[:, column] - ends[0].deltas[:, column]) / axis.span
            low, high = (margins(scores(space.rows(end, origins, rows)), own[rows]) for end in ends)
            found[:, column] = np.divide(high - low, shares, out=np.zeros(len(rows)), where=shares != 0)
        np.add.at(queries.asked, rows, 2 * len(space.axes))
        return found

    return slopes


def _scores(model: Model, frame: pd.DataFrame) -> tuple[Scores | None, str]:
    """Class margins (n, k) of raw rows from a scikit-learn pipeline whose last step is linear or a support-vector machine.

    None and the reason where there are none; `frame` makes sure that the largest is the prediction.
    """
    import numpy as np

    native = model.native
    last = native.steps[-1][1] if hasattr(native, "steps") else native
    if not hasattr(native, "decision_function") or not (hasattr(last, "coef_") or hasattr(last, "support_vectors_")):
        return None, f"{type(last).__name__} offers no gradients"
    names = getattr(native, "feature_names_in_", None)

    def scores(rows: pd.DataFrame) -> np.ndarray:
        given = rows.to_numpy() if names is None else rows[list(names)]
        found = np.asarray(native.decision_function(given), dtype=np.float64)
        return np.stack([-found, found], axis=1) if found.ndim == 1 else found

    try:
        agree = np.asarray(native.classes_)[scores(frame).argmax(axis=1)] == model.predict(frame)
    except ModelMisbehaved:
        raise
    except Exception as error:
        return None, f"the margins of {type(last).__name__} cannot be read: {type(error).__name__}"
    if not np.all(agree):
        return None, f"the largest margin of {type(last).__name__} is not its prediction"
    return scores, ""
