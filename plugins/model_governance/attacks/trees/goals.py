"""Goals of the search: a flip as a weighted sum of the raw scores that must exceed 0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from model_governance.attacks.trees.ensemble import TreeEnsemble


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """`weights` · scores + `offset` > 0. `target` is the class that wins then, or +1 and -1 for a rise and a fall."""

    target: int
    weights: np.ndarray
    offset: float


def goals_of(ensemble: TreeEnsemble, scores: np.ndarray, *, tolerance: float = 0.0) -> tuple[Goal, ...]:
    """The ways in which the answer for these scores, shape (scores,), can become another.

    Args:
        ensemble: says how scores become an answer.
        scores: of the row itself.
        tolerance: by how much the prediction of a regression must move, in its own units.
    """
    import numpy as np

    if ensemble.decision == "margin":
        own = int(ensemble.decide(scores[None, :])[0])
        return (Goal(target=1 - own, weights=np.array([1.0 - 2.0 * own]), offset=0.0),)
    if ensemble.decision == "argmax":
        own = int(scores.argmax())
        unit = np.eye(len(scores))
        return tuple(
            Goal(target=other, weights=unit[other] - unit[own], offset=0.0)
            for other in range(len(scores))
            if other != own
        )
    prediction = float(ensemble.decide(scores[None, :])[0])
    rise, fall = (_linked(prediction + sign * tolerance, ensemble.link) for sign in (1, -1))
    found = []
    if rise is not None:
        found.append(Goal(target=1, weights=np.array([1.0]), offset=-rise))
    if fall is not None:
        found.append(Goal(target=-1, weights=np.array([-1.0]), offset=fall))
    return tuple(found)


def _linked(prediction: float, link: str) -> float | None:
    """The raw score of a prediction; None where no score gives it."""
    if link == "identity":
        return prediction
    if prediction <= 0 or (link == "logit" and prediction >= 1):
        return None
    return math.log(prediction) if link == "log" else math.log(prediction / (1 - prediction))
