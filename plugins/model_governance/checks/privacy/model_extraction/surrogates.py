"""Surrogate models: families that are trained on the outputs of a model, and the choice between them.

linear: least squares on log odds, which recovers a linear model exactly from as many outputs as it has coefficients
(Tramer et al., 2016). boosting: gradient boosting, for all other models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.surrogate import learn_classes, learn_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from model_governance.attacks.surrogate import Design

    Predict = Callable[[np.ndarray], np.ndarray]
    """A matrix (n, d) to labels as numbers (n,), or to values (n,)."""

MIN_PROBABILITY = 1e-12  # double precision cannot resolve the log odds of probabilities nearer to 0 or 1
# Where more than this share of the probabilities is 0 or 1, they are shares of votes and are clipped to VOTE_SHARE.
MAX_SATURATED, VOTE_SHARE = 0.01, 1e-3
MIN_VALIDATION = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Surrogate:
    """A trained surrogate and its family."""

    family: str
    predict: Predict


def fit_surrogate(matrix: np.ndarray, targets: np.ndarray, *, design: Design, classes: int, seed: int) -> Surrogate:
    """Fit every family, choose the one that agrees best with a validation third, and refit it on all rows.

    Args:
        matrix: rows as numbers, (n, d), in random order.
        targets: probabilities (n, classes), labels as numbers (n,), or values (n,) where `classes` is 0.
        design: how the matrix was made.
        classes: number of classes of the model, 0 for a regression.
        seed: of every random draw.

    Returns:
        The surrogate; its `predict` maps a matrix (m, d) to class numbers (m,), or to values (m,).
    """
    train = len(targets) - max(MIN_VALIDATION, len(targets) // 3)
    families = _families(design, classes, seed, has_probabilities=targets.ndim == 2)
    scores = {
        name: _agreement(fit(matrix[:train], targets[:train])(matrix[train:]), targets[train:], classes)
        for name, fit in families.items()
    }
    # A tie goes to the first: families are ordered by simplicity.
    best = max(scores, key=lambda name: scores[name])
    return Surrogate(family=best, predict=families[best](matrix, targets))


def _families(
    design: Design, classes: int, seed: int, *, has_probabilities: bool
) -> Mapping[str, Callable[[np.ndarray, np.ndarray], Predict]]:
    categories = design.categories

    def boosted_labels(matrix: np.ndarray, targets: np.ndarray) -> Predict:
        labels = (targets.argmax(axis=1) if has_probabilities else targets).astype(int)
        return learn_classes(matrix, labels, classes=classes, categories=categories, seed=seed).guesses

    def boosted_probabilities(matrix: np.ndarray, targets: np.ndarray) -> Predict:
        """One regressor per class; one alone where there are two classes."""
        import numpy as np

        numbers = [1] if classes == 2 else list(range(classes))
        learners = [learn_values(matrix, targets[:, number], categories=categories, seed=seed) for number in numbers]
        if classes == 2:
            return lambda other: (learners[0](other).round(12) > 0.5).astype(int)
        return lambda other: np.column_stack([learner(other) for learner in learners]).round(12).argmax(axis=1)

    def boosted_values(matrix: np.ndarray, targets: np.ndarray) -> Predict:
        return learn_values(matrix, targets, categories=categories, seed=seed)

    def linear(matrix: np.ndarray, targets: np.ndarray) -> Predict:
        return _linear(matrix, targets, design=design, classes=classes)

    def linear_labels(matrix: np.ndarray, targets: np.ndarray) -> Predict:
        """Probabilities of 0 or 1, as those of trees, have no finite log odds; their labels are used instead."""
        return linear(matrix, targets.argmax(axis=1))

    if not classes:
        return {"linear": linear, "boosting": boosted_values}
    if has_probabilities:
        return {
            "linear": linear,
            "linear on labels": linear_labels,
            "boosting": boosted_probabilities,
            "boosting on labels": boosted_labels,
        }
    return {"linear": linear, "boosting": boosted_labels}


def _linear(matrix: np.ndarray, targets: np.ndarray, *, design: Design, classes: int) -> Predict:
    """Least squares on values or log odds; logistic regression where only labels are known."""
    import numpy as np
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    scaler = _OneHotScaler.fit(matrix, design)
    if classes and targets.ndim == 1:
        return _logistic(scaler, matrix, targets.astype(int))
    if classes:
        saturated = np.mean((targets <= MIN_PROBABILITY) | (targets >= 1 - MIN_PROBABILITY))
        floor = VOTE_SHARE if saturated > MAX_SATURATED else MIN_PROBABILITY
        logs = np.log(np.clip(targets, floor, 1 - floor))
        responses = logs - logs.mean(axis=1, keepdims=True)
    else:
        responses = targets[:, None]
    with threadpool_limits(limits=1):
        weights = np.linalg.lstsq(scaler(matrix), responses, rcond=1e-10)[0]

    def predict(other: np.ndarray) -> np.ndarray:
        with threadpool_limits(limits=1):
            scores = (scaler(other) @ weights).round(9)
        return scores.argmax(axis=1) if classes else scores[:, 0]

    return predict


def _logistic(scaler: _OneHotScaler, matrix: np.ndarray, labels: np.ndarray) -> Predict:
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    if len(np.unique(labels)) < 2:
        return lambda other: np.full(len(other), labels[0])
    with threadpool_limits(limits=1):
        fitted = LogisticRegression(C=10.0, max_iter=500, tol=1e-6).fit(scaler(matrix), labels)

    def predict(other: np.ndarray) -> np.ndarray:
        with threadpool_limits(limits=1):
            labels: np.ndarray = fitted.predict(scaler(other))
        return labels

    return predict


@dataclass(frozen=True, slots=True, kw_only=True)
class _OneHotScaler:
    """A design matrix with an intercept, standardised numbers and one column per category."""

    centre: np.ndarray
    scale: np.ndarray
    kinds: tuple[int, ...]

    @classmethod
    def fit(cls, matrix: np.ndarray, design: Design) -> _OneHotScaler:
        """Mean and standard deviation of every column of numbers; missing cells are ignored."""
        import numpy as np

        known = np.where(np.isnan(matrix), 0.0, matrix)
        counts = np.maximum(1, (~np.isnan(matrix)).sum(axis=0))
        centre = known.sum(axis=0) / counts
        scale = np.sqrt(np.where(np.isnan(matrix), 0.0, (matrix - centre) ** 2).sum(axis=0) / counts)
        kinds = tuple(0 if codes is None else len(codes) for codes in design.codes.values())
        return cls(centre=centre, scale=np.where(scale > 0, scale, 1.0), kinds=kinds)

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """The design matrix (n, columns): a missing number becomes the mean, a missing category has no column."""
        import numpy as np

        columns = [np.ones(len(matrix))]
        for place, kinds in enumerate(self.kinds):
            cells = matrix[:, place]
            if kinds:
                columns.extend(np.equal(cells, code).astype(float) for code in range(kinds))
            else:
                columns.append(np.nan_to_num((cells - self.centre[place]) / self.scale[place]))
        return np.column_stack(columns)


def _agreement(predictions: np.ndarray, targets: np.ndarray, classes: int) -> float:
    """Share of rows on which both agree; for values the negative mean squared difference."""
    import numpy as np

    if not classes:
        return -float(np.mean((predictions - targets) ** 2).round(12))
    return float((predictions == (targets.argmax(axis=1) if targets.ndim == 2 else targets)).mean())
