"""Comparison of two attributions: nDCG of the order with its limits and p-value, difference of two means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.stats.intervals import CONFIDENCE

if TYPE_CHECKING:
    import numpy as np

    from model_governance.stats.limits import RankAgreement, StudentT

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


def agreement_limits(reference: np.ndarray, current: np.ndarray, *, seed: int, resamples: int) -> RankAgreement:
    """Limits of the nDCG: a percentile bootstrap (Efron, 1979) up to 95%, orders that are not excluded beyond it.

    Args:
        reference: Attributions (n, d), some above 0; rows are resampled.
        current: Attributions (m, d); rows are resampled independently.
        seed: Seed of the resampling.
        resamples: Number of resamples.
    """
    import numpy as np

    from model_governance.stats.limits import RankAgreement

    generator = np.random.default_rng(seed)
    values = []
    for _ in range(resamples):
        means = [
            attributions[generator.integers(0, len(attributions), size=len(attributions))].mean(axis=0)
            for attributions in (reference, current)
        ]
        values.append(ndcg(means[0], means[1]))
    finite = np.array(values)[np.isfinite(values)]
    value = ndcg(reference.mean(axis=0), current.mean(axis=0))
    tail = 100 * (1 - CONFIDENCE) / 2
    low, middle, high = np.percentile(finite, [tail, 50, 100 - tail]) if len(finite) else (0.0, value, 1.0)
    # Resampled rows can only disturb an order that agrees: the bias of the bootstrap is that of the value. It is
    # estimated too, so that the limits are moved outwards by it.
    bias = value - float(middle)
    centre = min(1.0, value + max(0.0, bias))
    low95, high95 = min(float(low), value) - abs(bias), min(1.0, max(float(high), centre) + abs(bias))
    gains, scores = (_means_and_errors(attributions) for attributions in (reference, current))
    return RankAgreement(
        value=value, middle=centre, low95=max(0.0, low95), high95=high95,
        gains=gains[0], gain_errors=gains[1], scores=scores[0], score_errors=scores[1],
    )  # fmt: skip


def _means_and_errors(attributions: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Means (d,) of attributions (n, d) and their standard errors (d,)."""
    means, errors = attributions.mean(axis=0), attributions.std(axis=0, ddof=1) / len(attributions) ** 0.5
    return tuple(map(float, means)), tuple(map(float, errors))


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


def mean_change(reference: np.ndarray, current: np.ndarray) -> tuple[float, StudentT | None, float | None]:
    """Difference of two means with Welch's (1947) t test.

    Args:
        reference: Values (n,).
        current: Values (m,).

    Returns:
        Mean of current minus mean of reference, its limits (None where nothing varies) and two-sided p-value.
    """
    import numpy as np
    from scipy.stats import ttest_ind

    from model_governance.stats.limits import StudentT

    value = float(current.mean() - reference.mean())
    if max(float(np.ptp(reference)), float(np.ptp(current))) <= NEGLIGIBLE:
        return value, None, 1.0 if abs(value) <= NEGLIGIBLE else None
    test = ttest_ind(current, reference, equal_var=False)
    error = float(np.sqrt(np.var(reference, ddof=1) / len(reference) + np.var(current, ddof=1) / len(current)))
    return value, StudentT(value=value, error=error, freedom=float(test.df)), float(test.pvalue)
