"""Copies of a model: families of surrogates that learn from answers, and the choice between them.

linear: least squares on log odds, which copies a linear model to the last digit from as many answers as it has
coefficients (Tramer et al., 2016). boosting: gradient boosting, for everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.attacks.surrogate import learn_classes, learn_values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    from model_governance.attacks.surrogate import Design

    Answering = Callable[[np.ndarray], np.ndarray]
    """A matrix (n, d) to labels as numbers (n,), or to values (n,)."""

SURE = 1e-12  # probabilities nearer to 0 or 1 say nothing about log odds in double precision
VOTES, VOTED = 1e-3, 0.01  # where more than a hundredth is 0 or 1, they are shares of votes, and no smaller than this
LEAST_TO_CHOOSE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A surrogate that was learnt, and the family that it is of."""

    family: str
    answers: Answering


def learn_copy(matrix: np.ndarray, taught: np.ndarray, *, design: Design, classes: int, seed: int) -> Copy:
    """The family that agrees best with a third of the answers held back, learnt anew from all of them.

    Args:
        matrix: rows as numbers, (n, d), in random order.
        taught: probabilities (n, classes), labels as numbers (n,), or values (n,) where `classes` is 0.
        design: how the matrix was made.
        classes: how many the model has, 0 for a regression.
        seed: of everything that is drawn.
    """
    kept = len(taught) - max(LEAST_TO_CHOOSE, len(taught) // 3)
    families = _families(design, classes, seed, graded=taught.ndim == 2)
    scores = {
        name: _agreement(learn(matrix[:kept], taught[:kept])(matrix[kept:]), taught[kept:], classes)
        for name, learn in families.items()
    }
    # Of equals the first: families stand in order of simplicity.
    best = max(scores, key=lambda name: scores[name])
    return Copy(family=best, answers=families[best](matrix, taught))


def _families(
    design: Design, classes: int, seed: int, *, graded: bool
) -> Mapping[str, Callable[[np.ndarray, np.ndarray], Answering]]:
    categories = design.categories

    def boosted_labels(matrix: np.ndarray, taught: np.ndarray) -> Answering:
        labels = (taught.argmax(axis=1) if graded else taught).astype(int)
        return learn_classes(matrix, labels, classes=classes, categories=categories, seed=seed).guesses

    def boosted_chances(matrix: np.ndarray, taught: np.ndarray) -> Answering:
        """Of two classes the second says it all; of more, each has its own learner."""
        import numpy as np

        wanted = [1] if classes == 2 else list(range(classes))
        learnt = [learn_values(matrix, taught[:, one], categories=categories, seed=seed) for one in wanted]
        if classes == 2:
            return lambda other: (learnt[0](other).round(12) > 0.5).astype(int)
        return lambda other: np.column_stack([one(other) for one in learnt]).round(12).argmax(axis=1)

    def boosted_values(matrix: np.ndarray, taught: np.ndarray) -> Answering:
        return learn_values(matrix, taught, categories=categories, seed=seed)

    def linear(matrix: np.ndarray, taught: np.ndarray) -> Answering:
        return _linear(matrix, taught, design=design, classes=classes)

    def linear_labels(matrix: np.ndarray, taught: np.ndarray) -> Answering:
        """Where probabilities are 0 or 1, as those of trees are, log odds say little."""
        return linear(matrix, taught.argmax(axis=1))

    if not classes:
        return {"linear": linear, "boosting": boosted_values}
    if graded:
        return {
            "linear": linear,
            "linear on labels": linear_labels,
            "boosting": boosted_chances,
            "boosting on labels": boosted_labels,
        }
    return {"linear": linear, "boosting": boosted_labels}


def _linear(matrix: np.ndarray, taught: np.ndarray, *, design: Design, classes: int) -> Answering:
    """Least squares on values or log odds; logistic regression where only labels are heard."""
    import numpy as np
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    spread = _Spread.key(matrix, design)
    if classes and taught.ndim == 1:
        return _logistic(spread, matrix, taught.astype(int))
    sure = VOTES if classes and np.mean((taught <= SURE) | (taught >= 1 - SURE)) > VOTED else SURE
    wanted = taught[:, None] if not classes else np.log(np.clip(taught, sure, 1 - sure))
    wanted = wanted if not classes else wanted - wanted.mean(axis=1, keepdims=True)
    with threadpool_limits(limits=1):
        weights = np.linalg.lstsq(spread(matrix), wanted, rcond=1e-10)[0]

    def answers(other: np.ndarray) -> np.ndarray:
        with threadpool_limits(limits=1):
            found = (spread(other) @ weights).round(9)
        return found.argmax(axis=1) if classes else found[:, 0]

    return answers


def _logistic(spread: _Spread, matrix: np.ndarray, labels: np.ndarray) -> Answering:
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    if len(np.unique(labels)) < 2:
        return lambda other: np.full(len(other), labels[0])
    with threadpool_limits(limits=1):
        fitted = LogisticRegression(C=10.0, max_iter=500, tol=1e-6).fit(spread(matrix), labels)

    def answers(other: np.ndarray) -> np.ndarray:
        with threadpool_limits(limits=1):
            found: np.ndarray = fitted.predict(spread(other))
        return found

    return answers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spread:
    """A design matrix with standardised numbers and one column per category; `1` in front."""

    centre: np.ndarray
    scale: np.ndarray
    kinds: tuple[int, ...]

    @classmethod
    def key(cls, matrix: np.ndarray, design: Design) -> _Spread:
        import numpy as np

        known = np.where(np.isnan(matrix), 0.0, matrix)
        counts = np.maximum(1, (~np.isnan(matrix)).sum(axis=0))
        centre = known.sum(axis=0) / counts
        scale = np.sqrt(np.where(np.isnan(matrix), 0.0, (matrix - centre) ** 2).sum(axis=0) / counts)
        kinds = tuple(0 if codes is None else len(codes) for codes in design.codes.values())
        return cls(centre=centre, scale=np.where(scale > 0, scale, 1.0), kinds=kinds)

    def __call__(self, matrix: np.ndarray) -> np.ndarray:
        """The rows spread out, (n, columns): an unknown number stands at the mean, an unknown category at none."""
        import numpy as np

        columns = [np.ones(len(matrix))]
        for place, kinds in enumerate(self.kinds):
            cells = matrix[:, place]
            if kinds:
                columns.extend(np.equal(cells, code).astype(float) for code in range(kinds))
            else:
                columns.append(np.nan_to_num((cells - self.centre[place]) / self.scale[place]))
        return np.column_stack(columns)


def _agreement(answers: np.ndarray, taught: np.ndarray, classes: int) -> float:
    """Share of rows on which both agree; for values the negative mean square of the difference."""
    import numpy as np

    if not classes:
        return -float(np.mean((answers - taught) ** 2).round(12))
    return float((answers == (taught.argmax(axis=1) if taught.ndim == 2 else taught)).mean())
