"""Calibration of scores: the share of hits among reference rows of the same score.

Isotonic regression (Zadrozny and Elkan, 2002) or a logistic curve of the score's logit (Platt, 1999), cross-fitted:
every reference row is calibrated by a curve that was not fitted on it, every later row by the mean of all curves.
Rows predicted as the class in question get a curve of their own, as do the others: one isotonic curve lies too low
below any cut and too high above it (its sums are the convex minorant of the observed ones), which would promise too
few mistakes; with two curves the sums agree at the cut that the predictions use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from model_governance.checks.quality.performance_estimation.folds import folds_of, resampled_rows

if TYPE_CHECKING:
    import numpy as np

    from model_governance.stats.limits import Limits

Method = Literal["isotonic", "platt", "none"]
MethodParam = Literal["auto", "isotonic", "platt", "none"]

MINIMUM_ROWS = 50  # of either prediction, to fit a curve of its own
LOGIT_MARGIN = 1e-9  # scores nearer to 0 or 1 are clipped before their logit is taken
NEWTON_STEPS = 50
BINS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Probability by score: piecewise linear, logistic in the logit, or the score itself.

    Attributes:
        knots: Ascending scores (k,), or None.
        probability: Probabilities at the knots (k,), constant beyond them.
        slope: Slope of the logistic curve; 0 where there is none.
        intercept: Intercept of the logistic curve.
    """

    knots: np.ndarray | None = None
    probability: np.ndarray | None = None
    slope: float = 0.0
    intercept: float = 0.0

    def __call__(self, score: np.ndarray) -> np.ndarray:
        """Probabilities in [0, 1], shape (n,)."""
        import numpy as np
        from scipy.special import expit

        if self.knots is not None and self.probability is not None:
            return np.interp(score, self.knots, self.probability)
        if self.slope:
            return np.asarray(expit(self.slope * _logit(score) + self.intercept))
        return score


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePair:
    """A curve for the rows predicted as the class in question, and one for the others."""

    predicted: Curve
    other: Curve

    def __call__(self, score: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """Probabilities in [0, 1], shape (n,), of scores (n,) and predictions (n,) bool."""
        import numpy as np

        probability = np.empty(len(score))
        probability[predicted] = self.predicted(score[predicted])
        probability[~predicted] = self.other(score[~predicted])
        return probability


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Curves of the folds, those of the bootstrap, and the held-out probability of every reference row (n,)."""

    method: Method
    curves: tuple[CurvePair, ...]
    resampled: tuple[CurvePair, ...]
    held_out: np.ndarray

    def __call__(self, score: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """Mean over the curves of the folds, shape (n,)."""
        import numpy as np

        return np.mean([curve(score, predicted) for curve in self.curves], axis=0)


def calibrate(
    score: np.ndarray,
    predicted: np.ndarray,
    hit: np.ndarray,
    *,
    method: MethodParam,
    folds: int,
    resamples: int,
    seed: int,
    groups: np.ndarray | None = None,
) -> Calibration:
    """Fit calibration curves on reference rows.

    Args:
        score: Scores in [0, 1], shape (n,).
        predicted: Rows predicted as the class in question, (n,) bool.
        hit: Rows labelled as it, (n,) bool.
        method: `none` takes scores as they are. `auto` takes the logistic curve, unless isotonic regression has a
            smaller Brier score on held-out rows by more than the standard error of the difference: isotonic
            regression follows noise, and overestimates the ranking.
        folds: Number of folds.
        resamples: Number of bootstrap curves.
        seed: Seed of folds and bootstrap.
        groups: Rows with the same number (n,) share a fold and are drawn together; by default every row is its own.
    """
    import numpy as np

    if method == "none":
        identity = CurvePair(predicted=Curve(), other=Curve())
        return Calibration(method=method, curves=(identity,), resampled=(), held_out=score)
    generator = np.random.default_rng(seed)
    n = len(score)
    groups = np.arange(n) if groups is None else groups
    fold = folds_of(groups, folds, generator)
    candidates: tuple[Method, ...] = ("platt", "isotonic") if method == "auto" else (method,)
    fitted = {name: _cross_fit(name, score, predicted, hit, fold=fold) for name in candidates}
    chosen: Method = candidates[0]
    if method == "auto":
        gain = (fitted["platt"][1] - hit) ** 2 - (fitted["isotonic"][1] - hit) ** 2
        chosen = "isotonic" if gain.mean() > gain.std(ddof=1) / np.sqrt(n) else "platt"
    curves, held_out = fitted[chosen]
    drawn = (resampled_rows(groups, generator) for _ in range(resamples))
    resampled = tuple(_fit(chosen, score[rows], predicted[rows], hit[rows]) for rows in drawn)
    return Calibration(method=chosen, curves=curves, resampled=resampled, held_out=held_out)


def _cross_fit(
    method: Method, score: np.ndarray, predicted: np.ndarray, hit: np.ndarray, *, fold: np.ndarray
) -> tuple[tuple[CurvePair, ...], np.ndarray]:
    """A pair of curves per fold, and the held-out probabilities (n,)."""
    import numpy as np

    held_out, curves = np.empty(len(score)), []
    for number in np.unique(fold):
        train, test = fold != number, fold == number
        curves.append(_fit(method, score[train], predicted[train], hit[train]))
        held_out[test] = curves[-1](score[test], predicted[test])
    return tuple(curves), held_out


def _fit(method: Method, score: np.ndarray, predicted: np.ndarray, hit: np.ndarray) -> CurvePair:
    """A curve per prediction; where one prediction is too rare, both share the curve of all rows."""
    if min(int(predicted.sum()), int((~predicted).sum())) < MINIMUM_ROWS:
        shared = _curve(method, score, hit)
        return CurvePair(predicted=shared, other=shared)
    return CurvePair(
        predicted=_curve(method, score[predicted], hit[predicted]),
        other=_curve(method, score[~predicted], hit[~predicted]),
    )


def _curve(method: Method, score: np.ndarray, hit: np.ndarray) -> Curve:
    """A curve from rows, grouped by score first: equal scores must get equal probabilities."""
    import numpy as np

    knots, number = np.unique(score, return_inverse=True)
    rows, hits = np.bincount(number), np.bincount(number, weights=hit)
    return _isotonic(knots, rows, hits) if method == "isotonic" else _platt(knots, rows, hits)


def _isotonic(knots: np.ndarray, rows: np.ndarray, hits: np.ndarray) -> Curve:
    from sklearn.isotonic import isotonic_regression

    return Curve(knots=knots, probability=isotonic_regression(hits / rows, sample_weight=rows.astype(float)))


def _platt(knots: np.ndarray, rows: np.ndarray, hits: np.ndarray) -> Curve:
    """Newton's method on two parameters; one prior row of either class keeps separated scores finite."""
    import numpy as np
    from scipy.special import expit

    x = np.append(_logit(knots), [0.0, 0.0])
    weight, share = np.append(rows, [1.0, 1.0]), np.append(hits / rows, [0.0, 1.0])
    design = np.column_stack([x, np.ones(len(x))])
    beta = np.array([1.0, 0.0])
    for _ in range(NEWTON_STEPS):
        probability = expit(design @ beta)
        gradient = design.T @ (weight * (share - probability))
        curvature = (design * (weight * np.maximum(probability * (1 - probability), 1e-12))[:, None]).T @ design
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        beta = beta + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-10:
            break
    # A slope of exactly 0 would read as "no curve".
    return Curve(slope=float(beta[0]) or 1e-300, intercept=float(beta[1]))


def _logit(score: np.ndarray) -> np.ndarray:
    import numpy as np
    from scipy.special import logit

    return np.asarray(logit(np.clip(score, LOGIT_MARGIN, 1 - LOGIT_MARGIN)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBins:
    """Reference rows in k bins of equal frequency, ordered by held-out probability.

    Attributes:
        rows: Number of rows (k,).
        score: Mean score (k,).
        probability: Mean held-out probability (k,).
        observed: Share of hits (k,).
    """

    rows: np.ndarray
    score: np.ndarray
    probability: np.ndarray
    observed: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error (Naeini et al., 2015)."""
        import numpy as np

        return float((self.rows * np.abs(self.probability - self.observed)).sum() / self.rows.sum())

    @property
    def error_by_chance(self) -> float:
        """Mean calibration error of perfectly calibrated probabilities, from sampling noise alone."""
        import numpy as np

        noise = np.sqrt(self.probability * (1 - self.probability) / self.rows)
        return float((self.rows * noise).sum() / self.rows.sum() * np.sqrt(2 / np.pi))

    @property
    def limits(self) -> Limits:
        """Limits of the error: what chance alone gives is taken from the lower one, as if there were no other."""
        import numpy as np

        from model_governance.stats.limits import Stretched

        noise = np.sqrt((self.rows * self.probability * (1 - self.probability)).sum()) / self.rows.sum()
        centre = max(0.0, self.error - self.error_by_chance)
        return Stretched(value=centre, low95=max(0.0, centre - 1.96 * noise), high95=self.error + 1.96 * noise)


def calibration_bins(score: np.ndarray, hit: np.ndarray, held_out: np.ndarray) -> CalibrationBins:
    """Group rows by neighbouring held-out probabilities; equal frequency, so that no bin is small. All (n,)."""
    import numpy as np

    order = np.argsort(held_out, kind="stable")
    parts = np.array_split(order, BINS)
    return CalibrationBins(
        rows=np.array([len(part) for part in parts]),
        score=np.array([score[part].mean() for part in parts]),
        probability=np.array([held_out[part].mean() for part in parts]),
        observed=np.array([hit[part].mean() for part in parts]),
    )
