"""Comparison of two attributions: nDCG of the order with its interval and p-value, difference of two means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.stats.intervals import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

NEGLIGIBLE = 1e-12  # an attribution below this is rounding
BATCH = 1000
EXCEEDANCES = 20  # of the observed value, after which permuting stops


def ndcg(reference: np.ndarray, current: np.ndarray) -> float:
    """Normalised discounted cumulative gain of the reference's attributions (d,) in the order of current's (d,).

    The definition of Amazon SageMaker Clarify's feature attribution drift: the gains are the reference's attributions
    as they are, discounted by log2(rank + 1). Equal attributions keep the order of the policy.

    Returns:
        A number up to 1, which is reached where the order is the same; NaN where the reference has no attribution.
    """
    import numpy as np

    discount = 1 / np.log2(np.arange(2, len(reference) + 2))
    best = float((np.sort(reference)[::-1] * discount).sum())
    if best <= NEGLIGIBLE:
        return float("nan")
    order = np.argsort(-current, kind="stable")
    return min(1.0, float((reference[order] * discount).sum() / best))


def bootstrap_interval(
    statistic: Callable[[np.ndarray, np.ndarray], float],
    reference: np.ndarray,
    current: np.ndarray,
    *,
    seed: int,
    resamples: int,
) -> tuple[float, float] | None:
    """Percentile interval (Efron, 1979) of a statistic of two mean attributions.

    Args:
        statistic: Maps mean attributions (d,) and (d,) to a number or NaN.
        reference: Attributions (n, d); rows are resampled.
        current: Attributions (m, d); rows are resampled independently.
        seed: Seed of the resampling.
        resamples: Number of resamples.

    Returns:
        95% limits, or None where more than half of the resamples have no value.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    values = []
    for _ in range(resamples):
        means = [
            attributions[generator.integers(0, len(attributions), size=len(attributions))].mean(axis=0)
            for attributions in (reference, current)
        ]
        values.append(statistic(means[0], means[1]))
    finite = np.array(values)[np.isfinite(values)]
    if len(finite) < resamples / 2:
        return None
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(finite, [tail, 100 - tail])
    return float(low), float(high)


def permutation_p_value(reference: np.ndarray, current: np.ndarray, *, seed: int, permutations: int) -> float:
    """One-sided p-value of the nDCG under the hypothesis that rows of both datasets are exchangeable.

    Permuting stops early after `EXCEEDANCES` permutations whose nDCG is at most the observed one (Besag and Clifford,
    1991): the p-value is then that number over the permutations so far, else (count + 1) / (permutations + 1)
    (Phipson and Smyth, 2010). Both keep the level.

    Args:
        reference: Attributions (n, d).
        current: Attributions (m, d).
        seed: Seed of the permutations.
        permutations: Number of permutations at most.

    Returns:
        A probability above 0 and at most 1.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    pooled, n = np.concatenate([reference, current]), len(reference)
    observed, total = ndcg(reference.mean(axis=0), current.mean(axis=0)), pooled.sum(axis=0)
    membership = np.zeros((BATCH, len(pooled)))
    membership[:, :n] = 1.0
    exceedances = done = 0
    while done < permutations:
        count = min(BATCH, permutations - done)
        sums = generator.permuted(membership[:count], axis=1) @ pooled
        values = np.array([ndcg(first / n, (total - first) / len(current)) for first in sums])
        places = np.flatnonzero(values <= observed + NEGLIGIBLE)
        if exceedances + len(places) >= EXCEEDANCES:
            return float(EXCEEDANCES / (done + places[EXCEEDANCES - exceedances - 1] + 1))
        exceedances, done = exceedances + len(places), done + count
    return (exceedances + 1) / (permutations + 1)


def mean_change(reference: np.ndarray, current: np.ndarray) -> tuple[float, tuple[float, float] | None, float | None]:
    """Difference of two means with Welch's (1947) t test.

    Args:
        reference: Values (n,).
        current: Values (m,).

    Returns:
        Mean of current minus mean of reference, its 95% interval (None where nothing varies) and two-sided p-value.
    """
    import numpy as np
    from scipy.stats import ttest_ind

    value = float(current.mean() - reference.mean())
    if max(float(np.ptp(reference)), float(np.ptp(current))) <= NEGLIGIBLE:
        return value, None, 1.0 if abs(value) <= NEGLIGIBLE else None
    test = ttest_ind(current, reference, equal_var=False)
    low, high = test.confidence_interval(CONFIDENCE)
    return value, (float(low), float(high)), float(test.pvalue)
