"""Design effects: how many times larger a variance is because rows belong together (Kish, 1965).

Rows of one customer, machine or session depend on one another, and an interval that takes them as independent is too
narrow. The delete-a-group jackknife (Kott, 2001; Wolter, 2007) needs no formula of the estimate: it leaves out one random
group of entities at a time. The same with random groups of rows gives the variance that independence would have.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np

    Estimates = Callable[[np.ndarray], Mapping[str, float]]

GROUPS = 50
REPEATS = 2
FEWEST_ENTITIES = 3


def design_effect(
    estimates_of: Estimates, entities: np.ndarray, *, seed: int, groups: int = GROUPS
) -> dict[str, float]:
    """Variance of every estimate with whole entities left out, as a multiple of that with single rows left out.

    The ratio of two jackknife variances is itself noisy (about 20%), so the logarithms are drawn to their mean over the
    estimates as far as they differ by chance only. A design effect is at least 1, and at most that of rows of an entity
    that are all alike. Few entities, and few that hold most of the rows, leave their variance uncertain: Student's t with
    the effective number of entities (Carter, Schnepel and Steigerwald, 2017) raises the effect for it.

    Args:
        estimates_of: estimates by label from a mask of rows (n,); one that is not defined there is left out.
        entities: entity of each row (n,), of any type that can be compared.
        seed: of the groups.
        groups: groups of entities, and of rows; fewer where there are fewer entities.

    Returns:
        Design effect of each estimate, 1 or more.
    """
    import numpy as np

    codes, counts = np.unique(entities, return_inverse=True, return_counts=True)[1:]
    rows, count = len(codes), len(counts)
    labels = tuple(estimates_of(np.ones(rows, dtype=bool)))
    largest = float(np.square(counts).sum()) / rows
    if count < FEWEST_ENTITIES or largest <= 1:
        return dict.fromkeys(labels, max(1.0, largest))
    generator = np.random.default_rng(seed)
    parts = min(groups, count)
    clustered, independent = (
        [_variances(estimates_of, labels, units, parts, generator) for _ in range(REPEATS)]
        for units in (codes, np.arange(rows))
    )
    ratios = {
        label: math.log(above / below)
        for label in labels
        if (above := _mean(clustered, label)) > 0 and (below := _mean(independent, label)) > 0
    }
    smoothed = _drawn_together(ratios, noise=4 / (parts - 1) / REPEATS)
    few = _allowance(_effective(counts))
    return {label: min(largest, max(1.0, few * math.exp(smoothed.get(label, 0.0)))) for label in labels}


def linear_effect(influences: np.ndarray, entities: np.ndarray, *, deciding: int | None = None) -> float | None:
    """Design effect of an estimate that is, to first order, a sum over rows: by linearisation (Binder, 1983).

    Exact for means and shares, and for their differences and ratios to first order; neither drawing nor seed is needed.
    Few entities, and few that hold most of the rows, leave the variance uncertain; Student's t raises the effect for it.

    Args:
        influences: what each row adds to the error of the estimate, shape (n,), with a sum of 0.
        entities: entity of each row, shape (n,), of any type that can be compared.
        deciding: entities that decide how well the variance is known; all by default.

    Returns:
        The design effect, 1 or more; None where no row has an influence.
    """
    import numpy as np

    independent = float(np.square(influences).sum())
    if independent <= 0:
        return None
    codes, counts = np.unique(entities, return_inverse=True, return_counts=True)[1:]
    if int(counts.max()) == 1:
        return 1.0
    count = len(counts) if deciding is None else deciding
    if count < FEWEST_ENTITIES:
        return float(counts.max())
    clustered = float(np.square(np.bincount(codes, weights=influences)).sum()) * count / (count - 1)
    few = _allowance(min(count, _effective(counts)))
    return min(float(counts.max()), max(1.0, few * clustered / independent))


def _variances(
    estimates_of: Estimates, labels: tuple[str, ...], units: np.ndarray, parts: int, generator: np.random.Generator
) -> dict[str, float]:
    """Jackknife variance of each estimate; `units` (n,) number what is left out together, from 0."""
    import numpy as np

    count = int(units.max()) + 1
    part = generator.permutation(np.arange(count) % parts)[units]
    left_out = [estimates_of(part != number) for number in range(parts)]
    found = {}
    for label in labels:
        values = np.array([estimates[label] for estimates in left_out if label in estimates])
        if len(values) > parts / 2:
            found[label] = float(np.square(values - values.mean()).sum()) * (len(values) - 1) / len(values)
    return found


def _mean(variances: list[dict[str, float]], label: str) -> float:
    found = [variance[label] for variance in variances if label in variance]
    return sum(found) / len(found) if found else 0.0


def _drawn_together(ratios: Mapping[str, float], *, noise: float) -> dict[str, float]:
    """Numbers drawn to their mean, the more the less they differ beyond their noise (empirical Bayes)."""
    if not ratios:
        return {}
    mean = sum(ratios.values()) / len(ratios)
    spread = sum((ratio - mean) ** 2 for ratio in ratios.values()) / max(1, len(ratios) - 1)
    weight = max(0.0, 1 - noise / spread) if spread > 0 else 0.0
    return {label: mean + weight * (ratio - mean) for label, ratio in ratios.items()}


def _effective(counts: np.ndarray) -> float:
    """As many entities of one size know the variance between entities as well as these, by their rows."""
    import numpy as np

    squares = np.square(counts.astype(float))
    return float(squares.sum() ** 2 / np.square(squares).sum())


def _allowance(entities: float) -> float:
    """Square of Student's quantile over the normal one: a variance of so few entities may as well be larger."""
    from scipy.stats import norm, t

    return float(t.ppf(0.975, max(1.0, entities - 1)) / norm.ppf(0.975)) ** 2
