"""Scores of fitted scikit-learn estimators before they become probabilities or labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.subjects.loaders.contract import with_zero
from model_governance.subjects.loaders.sklearn_network import network_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    Call = Callable[[Any], np.ndarray]

# Below it a probability says nothing more; the logarithm of 0 is no number.
LEAST = 1e-12
# The score of a class that a copy never saw: it is never the largest.
LOWEST_SCORE = -1e9


def scores_of(estimator: Any) -> Call | None:
    """Inputs -> (n, k), of which the largest is the prediction; None where no score decides it.

    The decision function where there is one, what goes into the last activation of a network, otherwise the
    logarithm of the probabilities. A regressor's score is its value.
    """
    import numpy as np
    from sklearn.base import is_classifier

    if not is_classifier(estimator):
        return lambda inputs: np.asarray(estimator.predict(inputs), dtype=np.float64).reshape(-1, 1)
    if not _largest_wins(estimator):
        return None
    steps, last = last_step(estimator)
    network = network_of(last)
    if network is not None:
        return lambda inputs: with_zero(network.scores(prepared(steps, inputs)))
    if hasattr(estimator, "decision_function"):
        return lambda inputs: with_zero(np.asarray(estimator.decision_function(inputs), dtype=np.float64))
    if hasattr(estimator, "predict_proba"):
        return lambda inputs: np.log(np.maximum(estimator.predict_proba(inputs), LEAST))
    return None


def _largest_wins(estimator: Any) -> bool:
    """Not where a threshold was moved, and not where pairs of classes vote."""
    from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
    from sklearn.svm import SVC, NuSVC

    _, last = last_step(estimator)
    if isinstance(last, (FixedThresholdClassifier, TunedThresholdClassifierCV)):
        return False
    return not (isinstance(last, (SVC, NuSVC)) and len(last.classes_) > 2)


def last_step(estimator: Any) -> tuple[list[Any], Any]:
    """The fitted steps before the one that decides, and that one; searches and pipelines are looked through."""
    steps: list[Any] = []
    while hasattr(estimator, "best_estimator_") or hasattr(estimator, "steps"):
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
            continue
        steps.extend(step for _, step in estimator.steps[:-1] if step not in (None, "passthrough"))
        estimator = estimator.steps[-1][1]
    return steps, estimator


def prepared(steps: list[Any], inputs: Any) -> np.ndarray:
    """What the steps make of the inputs: dense, (n, m)."""
    import numpy as np

    for step in steps:
        inputs = step.transform(inputs)
    return np.asarray(inputs.toarray() if hasattr(inputs, "toarray") else inputs, dtype=np.float64)
