"""How much more a number varies between runs than its own intervals say: day effects, batches, seasons."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

from model_governance.stats.run_effects import log_likelihoods, predictive_factors, run_effects

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

LEAST_RUNS = 10
"""Runs from which noise between runs is estimated at all."""
NEWEST = 10
"""The newest runs are not learnt from once enough older ones are there: a change must not hide behind its own spread while
the evidence of it adds up."""
ENOUGH_RUNS = 20
"""Runs from which they may widen limits by a little, too."""
UNCHANGED = {False: 0.75, True: 0.5}
"""Prior probability that runs have no noise, by whether they are enough. Ten runs that show none would else widen limits so much that
weak evidence of the runs after them no longer adds up."""
NOTABLE = {False: 1.5, True: 1.2}
"""Smallest factor that is noise."""
RAREST = 1e-12
"""The posterior says nothing of rarer levels."""
STEP = 25.0
"""F of a step from which it is taken for a change and not for noise: chance gives 15 in one of a thousand series of 30, noise
of which half stays from run to run 25 in one of fifty."""


def learnt_runs(runs: int) -> int:
    """How many of so many earlier runs, the oldest of them, noise is learnt from."""
    return max(runs - NEWEST, min(runs, LEAST_RUNS))


def variance_factor(values: Sequence[float], variances: Sequence[float], *, tail: float) -> float:
    """The factor on the variance of one run that covers the noise between runs too; 1 where there is none to speak of.

    The values around their linear trend, and around a step where there is one for sure, are compared with their own
    variances: how likely each size of noise makes them, and each memory of it, follows from their restricted likelihood, and the
    factor from the posterior (`stats.run_effects`), which is the wider the fewer the runs and the rarer the level.

    Args:
        values: of the metric in earlier runs, oldest first, shape (runs,).
        variances: sampling variance of each, above 0.
        tail: level at which the widened limit will be compared with a bound, 0 to 0.5.
    """
    import numpy as np

    runs = len(values)
    if runs < LEAST_RUNS or min(variances) <= 0:
        return 1.0
    scaled = np.asarray(values, dtype=float) / math.sqrt(sum(variances) / runs)
    squares, freedom, step = _unexplained(scaled)
    largest = squares / freedom
    logarithms = log_likelihoods(scaled[None], largest=largest, removed="trend", step=step)
    likelihoods = np.exp(logarithms - logarithms.max())
    enough = runs >= ENOUGH_RUNS
    effects = run_effects(largest, unchanged=UNCHANGED[enough])
    return float(predictive_factors(likelihoods, effects, tail=max(tail, RAREST), notable=NOTABLE[enough])[0])


def _unexplained(values: np.ndarray) -> tuple[float, int, int]:
    """Sum of squares that is left, its degrees of freedom, and the place of a step, 0 without.

    Neither a slow decay nor a step hides behind its own spread.
    """
    without_line, steps = _fits(len(values))
    residuals = without_line @ values
    squares = float(residuals @ residuals)
    gains = (residuals @ steps) ** 2
    largest = int(gains.argmax())
    gain = min(float(gains[largest]), squares)
    if gain > STEP * (squares - gain) / (len(values) - 3):
        return squares - gain, len(values) - 4, largest + 1
    return squares, len(values) - 2, 0


@lru_cache(maxsize=64)
def _fits(runs: int) -> tuple[np.ndarray, np.ndarray]:
    """What removes a line from a series, (runs, runs), and all steps less their lines, of length 1, (runs, runs - 1)."""
    import numpy as np

    line = np.column_stack([np.ones(runs), np.arange(runs, dtype=float)])
    without_line = np.eye(runs) - line @ np.linalg.pinv(line)
    steps = without_line @ np.tril(np.ones((runs, runs)), -1)[:, :-1]
    return without_line, steps / np.sqrt((steps**2).sum(axis=0))
