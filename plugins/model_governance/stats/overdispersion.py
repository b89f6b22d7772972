"""How much more a number varies between runs than its own intervals say: day effects, batches, seasons."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from model_governance.stats.limits import quantile_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

LEAST_RUNS = 10
"""Runs from which noise between runs is estimated at all."""
NEWEST = 10
"""The newest runs are not learnt from once enough older ones are there: a change must not hide behind its own spread while
the evidence of it adds up."""
NOTABLE = 0.5
"""p-value of homogeneous runs from which the excess is taken for noise, and not for chance.

A stricter test would overlook real noise now and then, and at the levels of an alarm budget that costs more than it
saves: with 30 runs of twice the variance, limits at 1 in 10,000 missed 8 times as often as stated under 0.05 with an
estimate drawn towards 1, and 1.5 times under 0.5 without.
"""
STEP = 25.0
"""F of a step from which it is taken for a change and not for noise: chance gives 15 in one of a thousand series of 30, noise
of which half stays from run to run 25 in one of fifty."""


def learnt_runs(runs: int) -> int:
    """How many of so many earlier runs, the oldest of them, noise is learnt from."""
    return max(runs - NEWEST, min(runs, LEAST_RUNS))


def variance_factor(values: Sequence[float], variances: Sequence[float], *, tail: float) -> float:
    """The factor on the variance of one run that covers the noise between runs too; 1 where there is none to speak of.

    The variance of the values around their linear trend, and around a step where there is one for sure, is compared with
    the mean of their own variances (Cochran, 1954), and raised by Student's t for the few runs behind it at the level that
    will be asked.

    Args:
        values: of the metric in earlier runs, oldest first, shape (runs,).
        variances: sampling variance of each, above 0.
        tail: level at which the widened limit will be compared with a bound, 0 to 0.5.
    """
    from scipy.stats import chi2, t

    runs = len(values)
    if runs < LEAST_RUNS or not all(variance > 0 for variance in variances):
        return 1.0
    squares, freedom = _unexplained(values)
    excess = squares * runs / sum(variances)
    if chi2.sf(excess, freedom) > NOTABLE:
        return 1.0
    factor = excess / freedom
    few = float(t.isf(max(tail, 1e-12), freedom)) / max(quantile_of(max(tail, 1e-12)), 1e-9)
    return max(1.0, factor) * (few**2 if math.isfinite(few) else 1.0)


def _unexplained(values: Sequence[float]) -> tuple[float, int]:
    """Sum of squares that is left, and its degrees of freedom: neither a slow decay nor a step hides behind its own spread."""
    import numpy as np

    runs = len(values)
    without_line, steps = _fits(runs)
    residuals = without_line @ np.asarray(values, dtype=float)
    squares = float(residuals @ residuals)
    gain = min(float(((residuals @ steps) ** 2).max()), squares)
    if gain > STEP * (squares - gain) / (runs - 3):
        return squares - gain, runs - 4
    return squares, runs - 2


@lru_cache(maxsize=64)
def _fits(runs: int) -> tuple[np.ndarray, np.ndarray]:
    """What removes a line from a series, (runs, runs), and all steps less their lines, of length 1, (runs, runs - 1)."""
    import numpy as np

    line = np.column_stack([np.ones(runs), np.arange(runs, dtype=float)])
    without_line = np.eye(runs) - line @ np.linalg.pinv(line)
    steps = without_line @ np.tril(np.ones((runs, runs)), -1)[:, :-1]
    return without_line, steps / np.sqrt((steps**2).sum(axis=0))
