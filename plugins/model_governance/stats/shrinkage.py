"""Variances of many columns from few runs each: what one learns of its own, the others teach it (empirical Bayes)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

STEP = 1.2
"""Each factor of the grid is so many times the one before."""
BEYOND = 16.0
"""The grid goes so many times beyond the largest estimate: few runs may have understated the noise by that much."""
UNCHANGED = 0.5
"""Prior probability of a column without noise; the rest is spread over the factors of the grid."""
PRIOR_COLUMNS = 1.0
"""Columns that the first prior counts for."""
UPDATES = 3
"""Steps of the EM algorithm: until it converges the prior would have a few points and no doubt (Laird and Louis, 1991)."""
BISECTIONS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class VarianceRatios:
    """How much more a column varied between runs than its rows explain, in directions of which any may hold the noise.

    Attributes:
        ratios: variance over that of independent rows, shape (directions,), at least 0.
        weights: prior probability of each direction, shape (directions,), their sum is 1.
        freedoms: degrees of freedom behind each ratio, shape (directions,), above 0.
    """

    ratios: np.ndarray
    weights: np.ndarray
    freedoms: np.ndarray


def predictive_factors(columns: Sequence[VarianceRatios], *, tail: float) -> np.ndarray:
    """The factor on the variance of one more run of each column that limits at a level need, shape (columns,), at least 1.

    Factors have a prior that the columns themselves teach: half on none, half spread evenly on a logarithmic grid, then
    updated by the EM algorithm for mixtures (Laird, 1978; Efron, 2014). The answer makes a normal deviate exceed its limit with
    the level's probability on average over the posterior: columns that all vary alike need little more than what they
    have in common, a single one what Student's t asks, and columns that do not vary next to nothing.

    Args:
        columns: of one check.
        tail: level of the limits, two-sided, 0 to 0.5.
    """
    import numpy as np
    from scipy.special import ndtr, ndtri

    if not columns:
        return np.zeros(0)
    top = BEYOND * max(1.0, *(float(column.ratios.max()) for column in columns))
    factors = STEP ** np.arange(math.ceil(math.log(top, STEP)) + 1)
    posterior = _posterior(np.array([_likelihood(column, factors) for column in columns]))
    deviations, plain = np.sqrt(factors), -float(ndtri(tail / 2))
    low, high = np.full(len(columns), plain), np.full(len(columns), plain * deviations[-1])
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        is_exceeded = 2 * (posterior * ndtr(-middle[:, None] / deviations)).sum(axis=1) > tail
        low, high = np.where(is_exceeded, middle, low), np.where(is_exceeded, high, middle)
    return np.asarray((low / plain) ** 2)


def _likelihood(column: VarianceRatios, factors: np.ndarray) -> np.ndarray:
    """Of each factor, relative to the most likely one: that of a scaled chi-square, over directions by their weights."""
    import numpy as np

    gains = (1 - 1 / factors)[:, None] * column.ratios - np.log(factors)[:, None]
    logarithms = column.freedoms / 2 * gains + np.log(column.weights)
    logarithms -= logarithms.max()
    likelihood = np.exp(logarithms).sum(axis=1)
    return np.asarray(likelihood / likelihood.max())


def _posterior(likelihood: np.ndarray) -> np.ndarray:
    """Probability of each factor of each column, shape (columns, factors)."""
    import numpy as np

    columns, size = likelihood.shape
    first = np.array([UNCHANGED, *np.full(size - 1, (1 - UNCHANGED) / (size - 1))])
    prior = first
    for _ in range(UPDATES):
        counted = _shares(likelihood * prior).sum(axis=0)
        prior = (PRIOR_COLUMNS * first + counted) / (PRIOR_COLUMNS + columns)
    return _shares(likelihood * prior)


def _shares(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum(axis=1, keepdims=True)
