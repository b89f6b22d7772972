"""Confidence-based performance estimation: the confusion matrix that calibrated chances promise.

Whether a row is a hit is a coin with that row's chance, so the counts of a confusion matrix are sums of
independent coins (Poisson-binomial). Expected accuracy is the mean confidence, unbiased under calibration,
with the variance of such a sum: Kivimäki, Białek, Nurminen and Kuberski, *Confidence-based Estimators for
Predictive Performance in Model Monitoring*, JAIR 82 (2025). The other metrics follow from the estimated
confusion matrix as in Kivimäki, Białek, Kuberski and Nurminen, *Performance Estimation in Binary
Classification Using Calibrated Confidence* (2025), here at the expected counts with a delta-method variance.
That average confidence fails where the calibration does not carry over is the finding of Garg, Balakrishnan,
Lipton, Neyshabur and Sedghi, *Leveraging Unlabeled Data to Predict Out-of-Distribution Performance*, ICLR 2022.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.quality.performance_estimation.uncertainty import Expected

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.performance_estimation.calibration import Calibration

CELLS = 2000  # per predicted class: a refit curve is judged on a quantile grid, not on every row


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the model says: score (n,) in [0, 1] of the class in question, `said` (n,) where it names that class.

    In multiclass problems the class in question is the predicted one, so `said` holds everywhere.
    """

    score: np.ndarray
    said: np.ndarray

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.score)

    def part(self, rows: np.ndarray) -> Answers:
        """Some of the rows, by number or mask."""
        return Answers(score=self.score[rows], said=self.said[rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Rows of nearly equal score gathered: mean score, `said` and the number of rows of each cell (k,)."""

    score: np.ndarray
    said: np.ndarray
    rows: np.ndarray


def gather(answers: Answers) -> Cells:
    """At most `CELLS` cells of equal frequency per predicted class; few rows are kept one by one."""
    import numpy as np

    score, said, rows = [], [], []
    for answer in (True, False):
        mine = np.sort(answers.score[answers.said == answer])
        parts = np.array_split(mine, min(CELLS, len(mine))) if len(mine) else []
        score += [float(one.mean()) for one in parts]
        rows += [len(one) for one in parts]
        said += [answer] * len(parts)
    return Cells(score=np.array(score), said=np.array(said, dtype=bool), rows=np.array(rows, dtype=float))


def correctness(chance: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Chance that a row is classified right, shape (n,)."""
    import numpy as np

    return np.where(said, chance, 1 - chance)


def estimate_shares(answers: Answers, calibration: Calibration, *, binary: bool) -> tuple[Expected, ...]:
    """Estimated metrics with standard errors of chance and calibration together.

    Those without a denominator (no row predicted positive) are left out.
    """
    import numpy as np

    chance = calibration(answers.score, answers.said)
    everywhere = np.ones(answers.n)
    found = shares(chance, answers.said, everywhere)
    variance = coin_variances(chance, answers.said)
    cells = gather(answers)
    refits = [shares(curve(cells.score, cells.said), cells.said, cells.rows) for curve in calibration.resampled]
    names = [one for one in found if binary or one == "accuracy"]
    estimates = [_estimate(one, found, variance[one], refits, n=answers.n) for one in names]
    if binary and (area := _area(answers, chance, calibration, cells)) is not None:
        estimates.append(area)
    return tuple(estimates)


def _estimate(name: str, found: dict[str, float], coins: float, refits: list[dict[str, float]], *, n: int) -> Expected:
    import numpy as np

    values = [one[name] for one in refits if name in one]
    calibration = float(np.var(values, ddof=1)) if len(values) > 1 else 0.0
    return Expected(name=f"estimated_{name}", value=found[name], error=math.sqrt(coins + calibration), n=n)


def shares(chance: np.ndarray, said: np.ndarray, rows: np.ndarray) -> dict[str, float]:
    """Metrics of the expected confusion counts; `rows` (n,) weighs each chance."""
    hits = float((rows * chance)[said].sum())
    missed = float((rows * chance)[~said].sum())
    named, total = float(rows[said].sum()), float(rows.sum())
    negatives, refused = total - hits - missed, total - named
    found = {"accuracy": (hits + refused - missed) / total}
    if named:
        found["precision"] = hits / named
    if hits + missed:
        found["recall"] = hits / (hits + missed)
    if hits + missed + named:
        found["f1"] = 2 * hits / (hits + missed + named)
    if negatives:
        found["specificity"] = (refused - missed) / negatives
    return found


def coin_variances(chance: np.ndarray, said: np.ndarray) -> dict[str, float]:
    """Variance of each metric under independent coins: exact for accuracy and precision, else first order."""
    coin = chance * (1 - chance)
    of_hits, of_missed = float(coin[said].sum()), float(coin[~said].sum())
    hits, missed = float(chance[said].sum()), float(chance[~said].sum())
    named, total = int(said.sum()), len(said)
    positives, negatives = hits + missed, total - hits - missed
    both = hits + missed + named
    slopes = {
        "accuracy": (1 / total, -1 / total),
        "precision": (_over(1, named), 0.0),
        "recall": (_over(missed, positives**2), -_over(hits, positives**2)),
        "f1": (_over(2 * (missed + named), both**2), -_over(2 * hits, both**2)),
        "specificity": (_over(total - named - missed, negatives**2), -_over(named - hits, negatives**2)),
    }
    return {name: up**2 * of_hits + down**2 * of_missed for name, (up, down) in slopes.items()}


def _over(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _area(answers: Answers, chance: np.ndarray, calibration: Calibration, cells: Cells) -> Expected | None:
    import numpy as np

    whole = expected_auc(answers.score, chance)
    if whole is None:
        return None
    value, slope = whole
    coins = float((chance * (1 - chance) * slope**2).sum())
    refits = [
        expected_auc(cells.score, curve(cells.score, cells.said), rows=cells.rows) for curve in calibration.resampled
    ]
    values = [one[0] for one in refits if one is not None]
    calibrated = float(np.var(values, ddof=1)) if len(values) > 1 else 0.0
    return Expected(name="estimated_roc_auc", value=value, error=math.sqrt(coins + calibrated), n=answers.n)


def expected_auc(
    score: np.ndarray, chance: np.ndarray, *, rows: np.ndarray | None = None
) -> tuple[float, np.ndarray] | None:
    """Expected share of (positive, negative) pairs in the right order, and its slope in every chance (n,).

    Expected pairs in order over expected pairs; no row is paired with itself. None where no pair is expected.
    """
    import numpy as np

    rows = np.ones(len(score)) if rows is None else rows
    positive, negative = rows * chance, rows * (1 - chance)
    distinct, cell = np.unique(score, return_inverse=True)
    of_positives = np.bincount(cell, weights=positive, minlength=len(distinct))
    of_negatives = np.bincount(cell, weights=negative, minlength=len(distinct))
    beats = (np.cumsum(of_negatives) - of_negatives / 2)[cell]
    beaten = (of_positives.sum() - np.cumsum(of_positives) + of_positives / 2)[cell]
    own = chance * (1 - chance)
    pairs = positive.sum() * negative.sum() - (rows * own).sum()
    if pairs <= 1e-12:
        return None
    value = float(((positive * beats).sum() - (rows * own).sum() / 2) / pairs)
    slope = (beats - beaten - value * (negative.sum() - positive.sum())) / pairs
    return value, slope
