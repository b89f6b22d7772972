"""Gradients of a flip's loss with regard to the numeric features, from the gradients of the model's loader."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from model_governance.checks.robustness.evasion.moves import Moves
    from model_governance.checks.robustness.evasion.queries import Queries
    from model_governance.contract.subject import Columns, Model

    # Moves of rows (m,) and the sign (m,) that a regression is pushed to -> gradients (m, axes) per share of a range.
    Gradients = Callable[[Moves, np.ndarray, np.ndarray], np.ndarray]


def why_no_gradients(model: Model) -> str:
    """Why a model offers no gradients; empty where it does."""
    if model.call_gradient is not None and (model.call_logits is not None or model.task == "regression"):
        return ""
    return f"the model ({model.format}) offers no gradients"


def numeric_columns(queries: Queries, columns: Columns) -> list[int]:
    """The place of every axis among the numeric features, in whose order a model gives its gradients."""
    places = {name: place for place, name in enumerate(columns.of_kind("numeric", "integer"))}
    return [places[axis.feature] for axis in queries.space.axes]


def flip_gradients(queries: Queries, columns: Columns) -> Gradients:
    """The gradient of the best other logit minus the own one, or of a regression its value, up or down."""
    import numpy as np

    places = numeric_columns(queries, columns)
    model, answers = queries.model, queries.answers
    own = None if answers.tolerance is not None else answers.own(model)

    def gradients(moves: Moves, rows: np.ndarray, signs: np.ndarray) -> np.ndarray:
        frame = queries.space.rows(moves, queries.origins, rows)
        if own is None:
            weights = signs[:, None]
        else:
            weights = _towards_best_other(model.logits(frame), own[rows])
            np.add.at(queries.asked, rows, 1)
        np.add.at(queries.asked, rows, 1)
        scaled: np.ndarray = model.gradient(frame, weights)[:, places] * queries.space.spans
        return scaled

    return gradients


def _towards_best_other(logits: np.ndarray, own: np.ndarray) -> np.ndarray:
    import numpy as np

    rows = np.arange(len(own))
    others = logits.astype(np.float64, copy=True)
    others[rows, own] = -np.inf
    weights = np.zeros(logits.shape)
    weights[rows, others.argmax(axis=1)] = 1.0
    weights[rows, own] = -1.0
    return weights
