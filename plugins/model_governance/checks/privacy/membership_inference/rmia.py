"""RMIA: the target's confidence in a record relative to that of reference models.

Robust membership inference of Zarifzadeh, Liu and Shokri (ICML 2024), at gamma = 1. Arrays in, scores (n,) out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference.rates import operating_point
from model_governance.checks.privacy.membership_inference.references import inside_mean, outside_mean

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.privacy.membership_inference.references import References
    from model_governance.checks.privacy.membership_inference.signals import Signals

PUBLISHED = 0.3
GRID = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
MIN_CONFIDENCE = 1e-12


def offline(target: Signals, references: References, *, a: float = PUBLISHED) -> np.ndarray:
    """Ratio of the target's confidence to q = ((1 + a) * mean outside + (1 - a)) / 2; a in 0 to 1.

    A record that every reference model was trained on takes the mean over all of them. The published score is the
    share of population points whose ratio is no larger, which has the same order.
    """
    confidence = references.signals.confidence
    outside = outside_mean(confidence, references.inside, confidence.mean(axis=0))
    return _ratio(target.confidence, ((1 + a) * outside + (1 - a)) / 2)


def online(target: Signals, references: References) -> np.ndarray:
    """Ratio of the target's confidence to the mean confidence of models with and without the record."""
    confidence = references.signals.confidence
    overall = confidence.mean(axis=0)
    outside = outside_mean(confidence, references.inside, overall)
    inside = inside_mean(confidence, references.inside, overall)
    return _ratio(target.confidence, (outside + inside) / 2)


def tuned(references: References, *, fpr: float = 0.01) -> float:
    """The `a` with the highest mean true-positive rate when each reference model takes the place of the target.

    The rate is read at `fpr`, or at the smallest rate that the number of records allows. Ties go to the value nearest
    to the published one, which is also the result for a single reference model.
    """
    import numpy as np

    if len(references) < 2:
        return PUBLISHED
    totals = dict.fromkeys(GRID, 0.0)
    for number, inside in enumerate(references.inside):
        target, others = references.signals.rows(number), references.without(number)
        rate = max(fpr, 1 / max(1, int((~inside).sum())))
        for a in GRID:
            ratio = offline(target, others, a=a)
            point = operating_point(ratio[inside], ratio[~inside], fpr=rate) if 0 < inside.sum() < len(inside) else None
            totals[a] += point.tpr if point else 0.0
    best = max(totals.values())
    return min((a for a in GRID if np.isclose(totals[a], best)), key=lambda a: abs(a - PUBLISHED))


def _ratio(confidence: np.ndarray, expected: np.ndarray) -> np.ndarray:
    import numpy as np

    ratio: np.ndarray = confidence / np.maximum(expected, MIN_CONFIDENCE)
    return ratio
