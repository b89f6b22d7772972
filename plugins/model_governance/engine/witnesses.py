"""Functions whose means a Wasserstein distance bounds from above: what a column's middle and its spread say of the distance."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from model_governance.engine.dependence import Dependence
    from model_governance.engine.distances import Wasserstein
    from model_governance.engine.profiles import ColumnProfile

    Witness = tuple[float, float, float, float]

ENDS = 0.025
"""Share of the reference in each tail beyond which the functions no longer change: a few extreme values move no mean."""
LEAST_ROWS = 50
"""Rows of the smaller dataset that are not at a function's most frequent value, from which its mean is about normal."""


def with_witnesses(
    distance: Wasserstein, reference: ColumnProfile, current: ColumnProfile, *, dependence: Dependence
) -> Wasserstein:
    """The distance, with the lower limits that the means of two functions of the column give.

    The functions are the clipped values, and their distances to the reference's middle. Neither changes faster than its
    argument, so their means differ by no more than the distance (Kantorovich and Rubinstein, 1958), in the samples too.
    """
    found = tuple(
        (min(distance.value, difference), error, skewness, slope)
        for difference, error, skewness, slope in witnesses(reference, current, unit=distance.unit)
    )
    factor = math.sqrt(dependence.largest)
    inflated = tuple((gap, factor * error, factor * skewness, slope) for gap, error, skewness, slope in found)
    return replace(distance, limits=replace(distance.limits, witnesses=inflated))


def witnesses(reference: ColumnProfile, current: ColumnProfile, *, unit: float) -> tuple[Witness, ...]:
    """The functions' means, compared. A value counts as the lower edge of its cell of the fine grid.

    Args:
        reference: the column of the reference.
        current: the same column on the same cells.
        unit: of the distance, above 0.

    Returns:
        For each function the difference of its means, 0 or more, its standard error and skewness where nothing changed, and
        the part of a small shift of all values that it sees, 0 to 1. A function that hardly varies is left out.
    """
    import numpy as np

    edges = np.array(reference.cells.edges, dtype="float64")
    counts = tuple(np.array(column.counts, dtype="float64") for column in (reference, current))
    if len(edges) < 2 or min(side.sum() for side in counts) == 0:
        return ()
    below = np.cumsum(counts[0]) / counts[0].sum()
    values = np.concatenate([edges[:1], edges])
    low, middle, high = values[np.searchsorted(below, (ENDS, 0.5, 1 - ENDS)).clip(max=len(values) - 1)]
    clipped = np.clip(values, low, high) / unit
    inside = float(counts[0][(values > low) & (values < high)].sum() / counts[0].sum())
    found = (_witness(clipped, counts, slope=inside), _witness(np.abs(clipped - middle / unit), counts, slope=0.0))
    return tuple(one for one in found if one is not None)


def _witness(values: np.ndarray, counts: tuple[np.ndarray, ...], *, slope: float) -> Witness | None:
    """One function, given by its value in each cell."""
    import numpy as np

    if not np.isfinite(values).all():
        return None
    n, m = (float(side.sum()) for side in counts)
    both = (counts[0] + counts[1]) / (n + m)
    kinds, places = np.unique(values, return_inverse=True)
    if (1 - np.bincount(places, weights=both, minlength=len(kinds)).max()) * min(n, m) < LEAST_ROWS:
        return None
    means = [float((side * values).sum() / side.sum()) for side in counts]
    variances = [
        float((side * (values - mean) ** 2).sum() / side.sum()) for side, mean in zip(counts, means, strict=True)
    ]
    centred = values - float((both * values).sum())
    pooled, third = float((both * centred**2).sum()), float((both * centred**3).sum())
    error = math.sqrt(max(pooled * (1 / n + 1 / m), variances[0] / n + variances[1] / m))
    return abs(means[1] - means[0]), error, abs(third * (1 / m**2 - 1 / n**2)) / error**3, slope
