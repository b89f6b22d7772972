"""How much more a number varies between runs than its own intervals say: day effects, batches, seasons."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.stats.limits import quantile_of

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST_RUNS = 10
"""Runs from which noise between runs is estimated at all."""
NOTABLE = 0.5
"""p-value of homogeneous runs from which the excess is taken for noise, and not for chance.

A stricter test would overlook real noise now and then, and at the levels of an alarm budget that costs more than it
saves: with 30 runs of twice the variance, limits at 1 in 10,000 missed 8 times as often as stated under 0.05 with an
estimate drawn towards 1, and 1.5 times under 0.5 without.
"""


def variance_factor(values: Sequence[float], variances: Sequence[float], *, tail: float) -> float:
    """The factor on the variance of one run that covers the noise between runs too; 1 where there is none to speak of.

    The variance of the values around their linear trend is compared with the mean of their own variances (Cochran,
    1954), and raised by Student's t for the few runs behind it at the level that will be asked.

    Args:
        values: of the metric in earlier runs, oldest first, shape (runs,).
        variances: sampling variance of each, above 0.
        tail: level at which the widened limit will be compared with a bound, 0 to 0.5.
    """
    import numpy as np
    from scipy.stats import chi2, t

    runs = len(values)
    if runs < LEAST_RUNS or not all(variance > 0 for variance in variances):
        return 1.0
    place = np.arange(runs, dtype=float)
    # The trend is no noise: a slow decay must not hide behind the spread that it causes itself.
    residuals = np.asarray(values) - np.polyval(np.polyfit(place, np.asarray(values), 1), place)
    freedom = runs - 2
    own = float(np.mean(variances))
    excess = float((residuals**2).sum()) / own
    if chi2.sf(excess, freedom) > NOTABLE:
        return 1.0
    factor = excess / freedom
    few = float(t.isf(max(tail, 1e-12), freedom)) / max(quantile_of(max(tail, 1e-12)), 1e-9)
    return max(1.0, factor) * (few**2 if math.isfinite(few) else 1.0)
