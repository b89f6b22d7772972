"""Functions whose means a Wasserstein distance bounds from above: what a column's middle and its spread say of the distance.

Neither changes faster than its argument, so the means of two datasets differ by no more than their distance (Kantorovich
and Rubinstein, 1958), in the samples too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from model_governance.stats.overdispersion import variance_factor

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.engine.dependence import Dependence
    from model_governance.engine.distances import Wasserstein
    from model_governance.engine.profiles import ColumnProfile

    Witness = tuple[float, float, float, float]

ENDS = 0.025
"""Share of the reference in each tail beyond which the functions no longer change: a few extreme values move no mean."""
LEAST_ROWS = 50
"""Rows of the smaller dataset that are not at a function's most frequent value, from which its mean is about normal."""
RARE = 5e-6
"""Level of one side at which the few runs behind the noise of a function are covered: that of one of fifty columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEffects:
    """What dependent rows and earlier runs say of the means of a column's functions.

    Attributes:
        all_directions: the largest that dependent rows and noise between runs add to the variance of any mean.
        clusters: what dependent rows alone add.
        runs: the column in the earlier runs that noise is learnt from, the newest first.
    """

    all_directions: Dependence
    clusters: Dependence
    runs: tuple[ColumnProfile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Function:
    """The values clipped to the ends, in units; or, with a middle, their distances to it."""

    low: float
    high: float
    unit: float
    middle: float | None = None

    def at(self, column: ColumnProfile) -> np.ndarray:
        """The value in each cell of a column: that of the cell's lower edge, shape (cells,)."""
        import numpy as np

        edges = np.array(column.cells.edges, dtype="float64")
        clipped: np.ndarray = np.clip(np.concatenate([edges[:1], edges]), self.low, self.high) / self.unit
        return clipped if self.middle is None else np.abs(clipped - self.middle / self.unit)


def with_witnesses(
    distance: Wasserstein, reference: ColumnProfile, current: ColumnProfile, *, effects: RowEffects
) -> Wasserstein:
    """The distance, with the lower limits that the means of the two functions of the column give.

    A level that moves from day to day is noise of the middle, and the spread need not have any: each has its own.
    """
    found = []
    for function, witness in compare_functions(reference, current, unit=distance.unit):
        effect = effects.all_directions.largest
        if function.middle is not None:
            effect = min(effect, effects.clusters.largest * _noise(function, effects))
        difference, error, skewness, slope = witness
        root = math.sqrt(effect)
        found.append((min(distance.value, difference), root * error, root * skewness, slope))
    return replace(distance, limits=replace(distance.limits, witnesses=tuple(found)))


def compare_functions(
    reference: ColumnProfile, current: ColumnProfile, *, unit: float
) -> tuple[tuple[_Function, Witness], ...]:
    """The functions of a column, each with its means of independent rows compared.

    Args:
        reference: the column of the reference.
        current: the same column on the same cells.
        unit: of the distance, above 0.

    Returns:
        With each function the difference of its means, 0 or more, its standard error and skewness where nothing changed, and
        the part of a small shift of all values that it sees, 0 to 1. A function that hardly varies is left out.
    """
    found = ((function, _compare_means(function, reference, current)) for function in _functions(reference, unit=unit))
    return tuple((function, witness) for function, witness in found if witness is not None)


def _functions(reference: ColumnProfile, *, unit: float) -> tuple[_Function, ...]:
    import numpy as np

    edges, counts = np.array(reference.cells.edges, dtype="float64"), np.array(reference.counts, dtype="float64")
    if len(edges) < 2 or counts.sum() == 0:
        return ()
    below = np.cumsum(counts) / counts.sum()
    values = np.concatenate([edges[:1], edges])
    places = np.searchsorted(below, (ENDS, 0.5, 1 - ENDS)).clip(max=len(values) - 1)
    low, middle, high = values[places].tolist()
    if not all(math.isfinite(end / unit) for end in (low, middle, high)):
        return ()
    return _Function(low=low, high=high, unit=unit), _Function(low=low, high=high, unit=unit, middle=middle)


def _compare_means(function: _Function, reference: ColumnProfile, current: ColumnProfile) -> Witness | None:
    """One function of independent rows; None where it hardly varies."""
    import numpy as np

    counts = tuple(np.array(column.counts, dtype="float64") for column in (reference, current))
    n, m = (float(side.sum()) for side in counts)
    if min(n, m) == 0:
        return None
    values, both = function.at(reference), (counts[0] + counts[1]) / (n + m)
    kinds, places = np.unique(values, return_inverse=True)
    if (1 - np.bincount(places, weights=both, minlength=len(kinds)).max()) * min(n, m) < LEAST_ROWS:
        return None
    (mean, variance), (other_mean, other_variance) = (_moments(values, side) for side in counts)
    centred = values - float((both * values).sum())
    pooled, third = float((both * centred**2).sum()), float((both * centred**3).sum())
    error = math.sqrt(max(pooled * (1 / n + 1 / m), variance / n + other_variance / m))
    edges = reference.cells.edges
    inside = np.array([function.low < edge < function.high for edge in (edges[0], *edges)])
    slope = float(counts[0][inside].sum() / n) if function.middle is None else 0.0
    return abs(other_mean - mean), error, abs(third * (1 / m**2 - 1 / n**2)) / error**3, slope


def _noise(function: _Function, effects: RowEffects) -> float:
    """How many times the variance of dependent rows a run's mean varies from run to run; 1 where too few runs tell."""
    import numpy as np

    runs: Sequence[ColumnProfile] = effects.runs[::-1]
    found = [(*_moments(function.at(run), np.array(run.counts, dtype="float64")), run.held) for run in runs]
    means = [mean for mean, _, _ in found]
    variances = [effects.clusters.largest * variance / held for _, variance, held in found]
    return variance_factor(means, variances, tail=RARE) if runs else 1.0


def _moments(values: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """Mean and variance of the rows in the cells."""
    mean = float((counts * values).sum() / counts.sum())
    return mean, float((counts * (values - mean) ** 2).sum() / counts.sum())
