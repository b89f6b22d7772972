"""Effects of runs (days, feeds, batches) on a number: how likely each size and each memory makes earlier values.

A value is its truth, plus the error of its own rows, plus an effect of its run that resembles that of the run before: a first-order
autoregressive process. What is left after the mean, a trend or a step has the restricted likelihood (Patterson and Thompson,
1971), which knows how much of the noise they took with them and how little a run says that resembles the run before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

STEP = 1.2
"""Each factor of the grid is so many times the one before."""
BEYOND = 16.0
"""The grid goes so many times beyond the largest spread: few runs may have understated the noise by that much."""
MEMORIES = (0.0, 0.3, 0.6)
"""Correlations with the effect of the run before. Thirty runs hardly tell a longer memory from a trend: with 0.85 among them
limits of independent runs would be half as wide again."""
PRIOR_COLUMNS = 1.0
"""Columns that the first prior counts for."""
UPDATES = 3
"""Steps of the EM algorithm: until it converges the prior would have a few points and no doubt (Laird and Louis, 1991)."""
BISECTIONS = 40
NEARLY = 1 - 1e-9
"""Far enough from 1 for a limit to differ from the next one by more than rounding."""

Removed = Literal["mean", "trend"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunEffects:
    """A grid of sizes and memories of effects; the first point has none.

    Attributes:
        factors: variance of a value over that of its own rows, shape (points,).
        prior: probability of each point, shape (points,).
    """

    factors: np.ndarray
    prior: np.ndarray


def run_effects(largest: float, *, unchanged: float) -> RunEffects:
    """The grid that reaches beyond a spread of so many times the variance of independent rows.

    Args:
        largest: the spread, at least 0.
        unchanged: prior probability of no effects; the rest is spread evenly over sizes, on a logarithmic scale, and memories.
    """
    return _grid(_steps(largest), unchanged)


@lru_cache(maxsize=64)
def _grid(steps: int, unchanged: float) -> RunEffects:
    import numpy as np

    sizes = _sizes(steps)
    points = len(MEMORIES) * len(sizes)
    return RunEffects(
        factors=np.array([1.0, *np.tile(sizes, len(MEMORIES))]),
        prior=np.array([unchanged, *np.full(points, (1 - unchanged) / points)]),
    )


def _steps(largest: float) -> int:
    """How many sizes reach beyond the largest spread."""
    return math.ceil(math.log(BEYOND * max(1.0, largest), STEP))


def _sizes(steps: int) -> np.ndarray:
    import numpy as np

    return np.asarray(STEP ** np.arange(1, steps + 1))


def log_likelihoods(values: np.ndarray, *, largest: float, removed: Removed, step: int = 0) -> np.ndarray:
    """Of each point of the grid, relative to no effects, shape (series, points).

    Args:
        values: in standard errors of their own rows, oldest first, shape (series, runs).
        largest: as `run_effects`.
        removed: what is no noise.
        step: place of a run from which values have another level, which is no noise either; 0: none.
    """
    import numpy as np

    turned, explained, logarithms = _terms(values.shape[1], removed, step, _steps(largest))
    series = len(values)
    squares = ((values @ turned) ** 2).reshape(series, len(MEMORIES), -1)
    found = np.zeros((series, 1 + logarithms.size))
    found[:, 1:] = ((squares.swapaxes(0, 1) @ explained - logarithms) / 2).swapaxes(0, 1).reshape(series, -1)
    return found


@lru_cache(maxsize=256)
def _terms(runs: int, removed: Removed, step: int, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the likelihood has of the grid alone.

    The contrasts of all memories, (runs, memories * contrasts); for each size the share of a contrast's square that it
    explains, (memories, contrasts, sizes); and the logarithm of the variances' product, (memories, 1, sizes).
    """
    import numpy as np

    contrasts, spectra = _contrasts(runs, removed, step)
    variances = 1 + np.stack([np.outer(spectrum, _sizes(steps) - 1) for spectrum in spectra])
    return np.hstack(contrasts), 1 - 1 / variances, np.log(variances).sum(axis=1, keepdims=True)


@lru_cache(maxsize=64)
def _contrasts(runs: int, removed: Removed, step: int) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """For each memory the contrasts in which effects are uncorrelated, (runs, contrasts), and their variances there."""
    import numpy as np

    places = np.arange(runs, dtype=float)
    fixed = [np.ones(runs)]
    if removed == "trend":
        fixed.append(places)
    if step:
        fixed.append((places >= step).astype(float))
    basis, _ = np.linalg.qr(np.column_stack(fixed), mode="complete")
    left = basis[:, len(fixed) :]
    apart = np.abs(np.subtract.outer(places, places))
    contrasts, spectra = [], []
    for memory in MEMORIES:
        spectrum, turned = np.linalg.eigh(left.T @ memory**apart @ left)
        contrasts.append(left @ turned)
        spectra.append(np.maximum(spectrum, 0.0))
    return tuple(contrasts), tuple(spectra)


def predictive_factors(likelihoods: np.ndarray, effects: RunEffects, *, tail: float, notable: float) -> np.ndarray:
    """The factor on the variance of one more run of each column that limits at a level need, shape (columns,), at least 1.

    The columns teach one another (empirical Bayes): the prior of the grid is updated by the EM algorithm for mixtures
    (Laird, 1978; Efron, 2014), and a normal deviate exceeds its limit with the level's probability on average over the
    posterior. Columns that all vary alike need little more than what they have in common, a single one about what Student's t asks,
    and columns that do not vary next to nothing.

    Args:
        likelihoods: of each point, up to a factor of each column, shape (columns, points).
        effects: the grid.
        tail: level of the limits, one side, 0 to 0.5.
        notable: a smaller factor is none: it says that effects are unlikely, not that there are small ones.
    """
    import numpy as np

    posterior, plain = _posterior(likelihoods, effects.prior), _deviate(tail)
    # Of columns without effects one look shows it: the search would end below what is notable.
    if (posterior @ _exceeding(effects, plain * math.sqrt(notable) * NEARLY)).max() <= tail:
        return np.ones(len(posterior))
    from scipy.special import ndtr

    deviations = np.sqrt(effects.factors)
    low, high = np.full(len(posterior), plain), np.full(len(posterior), plain * float(deviations.max()))
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        too_near = (posterior * ndtr(-middle[:, None] / deviations)).sum(axis=1) > tail
        low, high = np.where(too_near, middle, low), np.where(too_near, high, middle)
    factors = (low / plain) ** 2
    return np.asarray(np.where(factors < notable, 1.0, factors))


@lru_cache(maxsize=256)
def _deviate(tail: float) -> float:
    """The standard normal deviate with this chance above it, above 0."""
    from scipy.special import ndtri

    return max(-float(ndtri(tail)), 1e-3)


@lru_cache(maxsize=256)
def _exceeding(effects: RunEffects, limit: float) -> np.ndarray:
    """Chance at each point of the grid that a run exceeds a limit in standard errors of its own rows, shape (points,)."""
    import numpy as np
    from scipy.special import ndtr

    return np.asarray(ndtr(-limit / np.sqrt(effects.factors)))


def _posterior(likelihoods: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Probability of each point for each column, shape (columns, points)."""
    prior = first
    for _ in range(UPDATES if len(likelihoods) > 1 else 0):
        counted = _shares(likelihoods * prior).sum(axis=0)
        prior = (PRIOR_COLUMNS * first + counted) / (PRIOR_COLUMNS + len(likelihoods))
    return _shares(likelihoods * prior)


def _shares(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum(axis=1, keepdims=True)
