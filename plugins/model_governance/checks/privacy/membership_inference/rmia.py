"""RMIA: how much surer the target is of a record than models that may never have seen it.

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
TINY = 1e-12


def offline(target: Signals, references: References, *, a: float = PUBLISHED) -> np.ndarray:
    """Ratio of the target's confidence to q = ((1 + a) * mean outside + (1 - a)) / 2; a in 0 to 1.

    A record that every model was trained on takes the mean over all of them. The published score is the share
    of population points whose ratio is no larger; that share only renumbers this ratio (see `share_below`).
    """
    confidence = references.signals.confidence
    outside = outside_mean(confidence, references.inside, confidence.mean(axis=0))
    return _ratio(target.confidence, ((1 + a) * outside + (1 - a)) / 2)


def online(target: Signals, references: References) -> np.ndarray:
    """Ratio of the target's confidence to the mean of what models say with and without the record."""
    confidence = references.signals.confidence
    every = confidence.mean(axis=0)
    outside = outside_mean(confidence, references.inside, every)
    inside = inside_mean(confidence, references.inside, every)
    return _ratio(target.confidence, (outside + inside) / 2)


def tuned(references: References, *, fpr: float = 0.01) -> float:
    """The `a` that finds most of the members of the reference models themselves, each taken for the target once.

    Mean true-positive rate at `fpr` (at the smallest rate that few records can show); ties go to the value
    nearest the published one, which is also the answer for a single model.
    """
    import numpy as np

    if len(references) < 2:
        return PUBLISHED
    found = dict.fromkeys(GRID, 0.0)
    for number, inside in enumerate(references.inside):
        target, others = references.signals.rows(number), references.without(number)
        rate = max(fpr, 1 / max(1, int((~inside).sum())))
        for a in GRID:
            ratio = offline(target, others, a=a)
            point = operating_point(ratio[inside], ratio[~inside], fpr=rate) if 0 < inside.sum() < len(inside) else None
            found[a] += point.tpr if point else 0.0
    best = max(found.values())
    return min((a for a in GRID if np.isclose(found[a], best)), key=lambda a: abs(a - PUBLISHED))


def share_below(ratios: np.ndarray, population: np.ndarray) -> np.ndarray:
    """The published score: share of the population's ratios (z,) that are no larger; ties broken by the ratio."""
    import numpy as np

    return np.searchsorted(np.sort(population), ratios, side="right") / len(population) + 1e-9 * ratios


def _ratio(confidence: np.ndarray, expected: np.ndarray) -> np.ndarray:
    import numpy as np

    ratio: np.ndarray = confidence / np.maximum(expected, TINY)
    return ratio
