"""Whether features keep their rank: normalised discounted cumulative gain of the reference's attributions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.stats.intervals import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

NOTHING = 1e-12  # an attribution below this is rounding
BATCH = 1000
ENOUGH = 20


def ndcg(reference: np.ndarray, current: np.ndarray) -> float:
    """Gain of the reference's attributions (d,) in the order of current's, as a share of that in their own order.

    The definition of Amazon SageMaker Clarify's feature attribution drift: the gains are the reference's attributions
    as they are, discounted by log2(rank + 1). 1 where the order is kept. Equal attributions keep the order of the
    policy. NaN where the reference has no attribution at all.
    """
    import numpy as np

    discount = 1 / np.log2(np.arange(2, len(reference) + 2))
    best = float((np.sort(reference)[::-1] * discount).sum())
    if best <= NOTHING:
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
    """Percentile interval (Efron, 1979) of a statistic of mean attributions; rows (n, d), (m, d) redrawn per side."""
    import numpy as np

    generator = np.random.default_rng(seed)
    values = []
    for _ in range(resamples):
        sides = [one[generator.integers(0, len(one), size=len(one))].mean(axis=0) for one in (reference, current)]
        values.append(statistic(sides[0], sides[1]))
    kept = np.array(values)[np.isfinite(values)]
    if len(kept) < resamples / 2:
        return None
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(kept, [tail, 100 - tail])
    return float(low), float(high)


def permutation_p_value(reference: np.ndarray, current: np.ndarray, *, seed: int, permutations: int) -> float:
    """How often rows shuffled between the sides keep the order as badly or worse: evidence that it changed.

    One-sided. Shuffling stops early once that was seen `ENOUGH` times (Besag and Clifford, 1991): the p-value is
    then that number over the shuffles so far, else (count + 1) / (permutations + 1) (Phipson and Smyth, 2010).
    Both keep their level where rows of the two sides are alike.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    together, n = np.concatenate([reference, current]), len(reference)
    seen, total = ndcg(reference.mean(axis=0), current.mean(axis=0)), together.sum(axis=0)
    sides = np.zeros((BATCH, len(together)))
    sides[:, :n] = 1.0
    worse = done = 0
    while done < permutations:
        count = min(BATCH, permutations - done)
        first = generator.permuted(sides[:count], axis=1) @ together
        kept = np.array([ndcg(one / n, (total - one) / len(current)) for one in first])
        places = np.flatnonzero(kept <= seen + NOTHING)
        if worse + len(places) >= ENOUGH:
            return float(ENOUGH / (done + places[ENOUGH - worse - 1] + 1))
        worse, done = worse + len(places), done + count
    return (worse + 1) / (permutations + 1)


def change(reference: np.ndarray, current: np.ndarray) -> tuple[float, tuple[float, float] | None, float | None]:
    """Difference of two means (current minus reference), Welch's (1947) interval and two-sided p-value."""
    import numpy as np
    from scipy.stats import ttest_ind

    value = float(current.mean() - reference.mean())
    if max(float(np.ptp(reference)), float(np.ptp(current))) <= NOTHING:
        return value, None, 1.0 if abs(value) <= NOTHING else None
    test = ttest_ind(current, reference, equal_var=False)
    low, high = test.confidence_interval(CONFIDENCE)
    return value, (float(low), float(high)), float(test.pvalue)
