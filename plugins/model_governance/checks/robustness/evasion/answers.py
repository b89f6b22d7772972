"""Predictions of the rows under attack, what counts as a flip, and the margin of an answer to a flip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Predictions (n,) of the rows under attack; of a regression, a change beyond `tolerance` is a flip."""

    predicted: np.ndarray
    tolerance: float | None = None

    def flipped(self, predicted: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Which predictions (m,) are flips of those of the rows with these numbers (m,)."""
        import numpy as np

        before = self.predicted[rows]
        if self.tolerance is None:
            return np.asarray(predicted != before, dtype=bool)
        return np.abs(predicted.astype(np.float64) - before.astype(np.float64)) > self.tolerance

    def flip_margins(self, model: Model, frame: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
        """How near the answers to raw rows (m) are to a flip, shape (m,); above 0 they flip by their scores.

        Best other minus own score (`Model.scores`); of a regression the change
        of the prediction less the tolerance. A model that gives labels only tells 1 (it flips) or -1.
        """
        import numpy as np

        if self.tolerance is not None:
            values = model.predict(frame).astype(np.float64)
            return round_significant(np.abs(values - self.predicted[rows].astype(np.float64)) - self.tolerance)
        if model.call_proba is None and model.call_logits is None:
            return np.where(self.flipped(model.predict(frame), rows), 1.0, -1.0)
        own = self.own(model)[rows]
        return round_significant(margins(model.scores(frame), own))

    def own(self, model: Model) -> np.ndarray:
        """Column of the predicted class of every row, shape (n,).

        Raises:
            CheckError: a prediction is none of the model's classes.
        """
        import numpy as np

        places = {label: place for place, label in enumerate(model.classes)}
        try:
            return np.array([places[label] for label in self.predicted.tolist()], dtype=np.int64)
        except KeyError as error:
            raise CheckError(
                f"model {model.name!r} predicts a label that is none of its {len(model.classes)} classes; "
                "attacks by probability cannot use it: name hopskipjump in attacks, or repair the model's classes"
            ) from error


def round_significant(numbers: np.ndarray) -> np.ndarray:
    """Numbers (n,) to nine digits each, or (n, k) to nine digits of the largest of each row.

    The last bits depend on how many threads added up; what an attack does next must not.
    """
    import numpy as np

    sizes = np.abs(numbers).max(axis=1, keepdims=True) if numbers.ndim > 1 else np.abs(numbers)
    scale = np.exp2(np.ceil(np.log2(np.maximum(sizes, np.finfo(np.float64).tiny))))
    rounded: np.ndarray = np.round(numbers / scale, 9) * scale
    return rounded


def margins(scores: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Best other score minus that of the own class, shape (n,), of scores (n, k)."""
    import numpy as np

    rows = np.arange(len(own))
    others = scores.astype(np.float64, copy=True)
    others[rows, own] = -np.inf
    best: np.ndarray = others.max(axis=1) - scores[rows, own]
    return best
