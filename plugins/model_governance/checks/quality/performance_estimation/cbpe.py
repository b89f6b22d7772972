"""Confidence-based performance estimation: the expected confusion matrix of calibrated probabilities.

Whether a row is a hit is a Bernoulli variable with the row's calibrated probability, so the counts of a confusion
matrix are sums of independent Bernoulli variables (Poisson-binomial). Expected accuracy is the mean confidence,
unbiased under calibration, with the variance of such a sum: Kivimäki, Białek, Nurminen and Kuberski,
*Confidence-based Estimators for Predictive Performance in Model Monitoring*, JAIR 82 (2025). The other metrics follow
from the expected confusion matrix as in Kivimäki, Białek, Kuberski and Nurminen, *Performance Estimation in Binary
Classification Using Calibrated Confidence* (2025), here at the expected counts with a delta-method variance. That
average confidence fails where the calibration does not carry over is the finding of Garg, Balakrishnan, Lipton,
Neyshabur and Sedghi, *Leveraging Unlabeled Data to Predict Out-of-Distribution Performance*, ICLR 2022.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from model_governance.checks.quality.performance_estimation.average_precision import expected_average_precision
from model_governance.checks.quality.performance_estimation.uncertainty import Estimated, variances_of_draws

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.quality.performance_estimation.calibration import Calibration

Ranking = tuple[float, "np.ndarray"]

SCORE_BINS = 2000  # per prediction: a bootstrap curve is evaluated on a quantile grid, not on every row


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """Scores and predictions of n rows for one class: the positive one, or in multiclass problems the predicted one.

    Attributes:
        score: Score of the class in [0, 1], shape (n,).
        predicted: Whether the class is predicted, (n,) bool; True everywhere in multiclass problems.
    """

    score: np.ndarray
    predicted: np.ndarray

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.score)

    def take(self, rows: np.ndarray) -> Predictions:
        """Some of the rows, by number or mask."""
        return Predictions(score=self.score[rows], predicted=self.predicted[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreBins:
    """Rows grouped by score: mean score, prediction and number of rows of each of k bins, all (k,)."""

    score: np.ndarray
    predicted: np.ndarray
    rows: np.ndarray


def bin_scores(predictions: Predictions) -> ScoreBins:
    """Group rows into at most `SCORE_BINS` bins of equal frequency per prediction; few rows stay single."""
    import numpy as np

    score, predicted, rows = [], [], []
    for prediction in (True, False):
        scores = np.sort(predictions.score[predictions.predicted == prediction])
        parts = np.array_split(scores, min(SCORE_BINS, len(scores))) if len(scores) else []
        score += [float(part.mean()) for part in parts]
        rows += [len(part) for part in parts]
        predicted += [prediction] * len(parts)
    return ScoreBins(score=np.array(score), predicted=np.array(predicted, dtype=bool), rows=np.array(rows, dtype=float))


def correctness(probability: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Probability (n,) that a row is classified correctly."""
    import numpy as np

    return np.where(predicted, probability, 1 - probability)


def estimate_metrics(
    predictions: Predictions, calibration: Calibration, *, binary: bool, effect: float = 1.0
) -> tuple[Estimated, ...]:
    """Estimate metrics without labels, with standard errors of sampling and calibration together.

    Args:
        predictions: Those of current.
        calibration: Learned on the reference.
        binary: Whether there are two classes.
        effect: Design effect of the labels, at least 1; that of independent ones is 1.

    Returns:
        Accuracy, and for binary problems those of precision, recall, F1, specificity, ROC AUC and
        average precision that are defined.
    """
    import numpy as np

    probability = calibration(predictions.score, predictions.predicted)
    values = expected_metrics(probability, predictions.predicted, np.ones(predictions.n))
    variances = bernoulli_variances(probability, predictions.predicted)
    bins = bin_scores(predictions)
    refits = [
        expected_metrics(curve(bins.score, bins.predicted), bins.predicted, bins.rows)
        for curve in calibration.resampled
    ]
    names = [name for name in values if binary or name == "accuracy"]
    drawn = variances_of_draws(partial(_on_rows, predictions, probability, binary=binary), predictions.n)
    estimates = [
        _estimate(
            name, values[name], effect * variances[name], [refit[name] for refit in refits if name in refit],
            drawn=effect * drawn.get(name, 0.0), n=predictions.n,
        )
        for name in names
    ]  # fmt: skip
    ranked = (
        _estimate_ranking(
            name, predictions, probability, calibration, bins, effect=effect, drawn=effect * drawn.get(name, 0.0)
        )
        for name in (RANKINGS if binary else ())
    )
    return (*estimates, *(estimate for estimate in ranked if estimate is not None))


def _on_rows(predictions: Predictions, probability: np.ndarray, rows: np.ndarray, *, binary: bool) -> dict[str, float]:
    """Every metric on some of the rows, by number; undefined ones are absent."""
    import numpy as np

    score, own = predictions.score[rows], probability[rows]
    metrics = expected_metrics(own, predictions.predicted[rows], np.ones(len(rows)))
    for name, expected_of in RANKINGS.items() if binary else ():
        expected = expected_of(score, own)
        metrics |= {} if expected is None else {name: expected[0]}
    return metrics


def _estimate(name: str, value: float, variance: float, refits: Sequence[float], *, drawn: float, n: int) -> Estimated:
    """The estimate with the variance of the labels, of the learned probabilities and of the drawn rows."""
    learned = _variance(refits)
    return Estimated(
        name=f"estimated_{name}", value=value, error=math.sqrt(variance + learned),
        own_error=math.sqrt(drawn + learned), n=n,
    )  # fmt: skip


def _variance(values: Sequence[float]) -> float:
    import numpy as np

    return float(np.var(values, ddof=1)) if len(values) > 1 else 0.0


def expected_metrics(probability: np.ndarray, predicted: np.ndarray, rows: np.ndarray) -> dict[str, float]:
    """Metrics of the expected confusion counts; `rows` (n,) weighs each probability. Undefined ones are absent."""
    hits = float((rows * probability)[predicted].sum())
    misses = float((rows * probability)[~predicted].sum())
    positive, total = float(rows[predicted].sum()), float(rows.sum())
    negatives, negative = total - hits - misses, total - positive
    metrics = {"accuracy": (hits + negative - misses) / total}
    if positive:
        metrics["precision"] = hits / positive
    if hits + misses:
        metrics["recall"] = hits / (hits + misses)
    if hits + misses + positive:
        metrics["f1"] = 2 * hits / (hits + misses + positive)
    if negatives:
        metrics["specificity"] = (negative - misses) / negatives
    return metrics


def bernoulli_variances(probability: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Variance of each metric under independent Bernoulli labels: exact for accuracy and precision, else first order."""
    variance = probability * (1 - probability)
    of_hits, of_misses = float(variance[predicted].sum()), float(variance[~predicted].sum())
    hits, misses = float(probability[predicted].sum()), float(probability[~predicted].sum())
    positive, total = int(predicted.sum()), len(predicted)
    positives, negatives = hits + misses, total - hits - misses
    both = hits + misses + positive
    gradients = {
        "accuracy": (1 / total, -1 / total),
        "precision": (_ratio(1, positive), 0.0),
        "recall": (_ratio(misses, positives**2), -_ratio(hits, positives**2)),
        "f1": (_ratio(2 * (misses + positive), both**2), -_ratio(2 * hits, both**2)),
        "specificity": (_ratio(total - positive - misses, negatives**2), -_ratio(positive - hits, negatives**2)),
    }
    return {name: by_hits**2 * of_hits + by_misses**2 * of_misses for name, (by_hits, by_misses) in gradients.items()}


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _area(score: np.ndarray, probability: np.ndarray, rows: np.ndarray | None = None) -> Ranking | None:
    return expected_auc(score, probability, rows=rows)


def _precision(score: np.ndarray, probability: np.ndarray, rows: np.ndarray | None = None) -> Ranking | None:
    expected = expected_average_precision(score, probability, rows=rows)
    return None if expected is None else (expected.value, expected.by_probability)


RANKINGS = {"roc_auc": _area, "average_precision": _precision}
"""What a score's order is worth: the expectation and its gradient in the probabilities (n,); None where it is undefined."""


def _estimate_ranking(
    name: str,
    predictions: Predictions,
    probability: np.ndarray,
    calibration: Calibration,
    bins: ScoreBins,
    *,
    effect: float,
    drawn: float,
) -> Estimated | None:
    expected_of = RANKINGS[name]
    expected = expected_of(predictions.score, probability)
    if expected is None:
        return None
    value, gradient = expected
    variance = effect * float((probability * (1 - probability) * gradient**2).sum())
    refits = (expected_of(bins.score, curve(bins.score, bins.predicted), bins.rows) for curve in calibration.resampled)
    values = [refit[0] for refit in refits if refit is not None]
    return _estimate(name, value, variance, values, drawn=drawn, n=predictions.n)


def expected_auc(
    score: np.ndarray, probability: np.ndarray, *, rows: np.ndarray | None = None
) -> tuple[float, np.ndarray] | None:
    """Expected share of (positive, negative) pairs that the score orders correctly, no row paired with itself.

    Args:
        score: Scores (n,).
        probability: Probability (n,) that a row is positive.
        rows: Weight (n,) of each score; 1 by default.

    Returns:
        The area and its gradient (n,) in the probabilities; None where no pair is expected.
    """
    import numpy as np

    rows = np.ones(len(score)) if rows is None else rows
    positive, negative = rows * probability, rows * (1 - probability)
    distinct, number = np.unique(score, return_inverse=True)
    positives = np.bincount(number, weights=positive, minlength=len(distinct))
    negatives = np.bincount(number, weights=negative, minlength=len(distinct))
    negatives_below = (np.cumsum(negatives) - negatives / 2)[number]
    positives_above = (positives.sum() - np.cumsum(positives) + positives / 2)[number]
    own = probability * (1 - probability)
    pairs = positive.sum() * negative.sum() - (rows * own).sum()
    if pairs <= 1e-12:
        return None
    value = float(((positive * negatives_below).sum() - (rows * own).sum() / 2) / pairs)
    gradient = (negatives_below - positives_above - value * (negative.sum() - positive.sum())) / pairs
    return value, gradient
