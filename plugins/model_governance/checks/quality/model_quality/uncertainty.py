"""95% intervals of quality metrics: closed forms where there is one, else the bootstrap over rows.

An interval of no width is dropped: it means that nothing varies in this sample, not that the number is known exactly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality.evaluation import ONE_ROW, too_few
from model_governance.contract.result import Estimate
from model_governance.stats.intervals import CONFIDENCE, bootstrap, clopper_pearson, on_scale
from model_governance.stats.limits import ExactShare
from model_governance.stats.tails import allow_for_tail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from model_governance.checks.quality.model_quality.evaluation import Interval
    from model_governance.stats.intervals import Scale

TAIL = (1 - CONFIDENCE) / 2


def mean_interval(values: np.ndarray, *, scale: Scale = "plain") -> Interval | None:
    """Student's t 95% interval of a mean of independent values.

    Args:
        values: The values (n,).
        scale: As `on_scale`; "logit" for values between 0 and 1.

    Returns:
        Lower and upper limit; None below two values, or where nothing varies.
    """
    import numpy as np

    if len(values) < 2:
        return None
    reach = t_reach(values)
    return on_scale(float(np.mean(values)), reach, scale) if reach > 0 else None


def positive_mean_interval(values: np.ndarray) -> Interval | None:
    """95% interval of a mean of independent values (n,) that cannot be negative and are therefore skewed.

    The t statistic is made symmetric by the cubic transformation of Hall (1992), which removes the skewness
    of the sample. None below two rows or without width.
    """
    import numpy as np
    from scipy.stats import t

    n = len(values)
    if n < 2:
        return None
    mean, deviation = float(np.mean(values)), float(np.std(values))
    if not 0 < deviation < math.inf:
        return None
    third = float(np.mean(((values - mean) / deviation) ** 3)) / 3
    quantile = float(t.ppf(1 - TAIL, n - 1)) / math.sqrt(n)
    unit = deviation * math.sqrt(n / (n - 1))
    low, high = (mean - unit * _untransformed(bound - third / (2 * n), third) for bound in (quantile, -quantile))
    return max(0.0, low), high


def error_mean(name: str, errors: np.ndarray, *, seed: int, root: bool = False) -> Estimate:
    """Mean of sizes of errors (n,) with Hall's interval, widened and marked where their tail is heavy.

    Args:
        name: Name of the metric.
        errors: Sizes of errors, or their squares.
        seed: Seed of the subsamples behind a heavy tail.
        root: Whether the metric is the root of the mean.
    """
    if len(errors) < 2:
        return too_few(name, ONE_ROW, n=len(errors))
    value, interval, remark = float(errors.mean()), positive_mean_interval(errors), ""
    if interval is not None:
        (low, high), remark = allow_for_tail(errors, interval, seed=seed)
        interval = max(0.0, low), high
    if root:
        value = math.sqrt(value)
        interval = interval and (math.sqrt(interval[0]), math.sqrt(interval[1]))
    return Estimate(name=name, value=value, n=len(errors), interval=interval, detail=remark)


def influence_reach(influence: np.ndarray, *, seed: int) -> tuple[Interval, str]:
    """Distances below and above a statistic to its 95% limits, from its influence function, and a remark on its tail.

    Student's t, widened where the tail of the influences is heavy.

    Args:
        influence: N times what each row adds to the statistic (n,), n above 1.
        seed: Seed of the subsamples behind a heavy tail.
    """
    reach = t_reach(influence)
    if not 0 < reach < math.inf:
        return (reach, reach), ""
    centred = influence - influence.mean()
    (low, high), remark = allow_for_tail(centred, (-reach, reach), seed=seed)
    return (-low, high), remark


def bounded_mean_interval(values: np.ndarray, *, largest: float) -> Interval:
    """95% interval of a mean of values (n,) between 0 and `largest`, of which few are far from 0.

    The limits of Clopper and Pearson (1934) for a share of mean / largest, which are conservative, as values between the
    ends scatter less than rows that count or do not.
    """
    limits = ExactShare(successes=min(float(values.sum()) / largest, len(values)), n=len(values))
    low, high = limits.interval()
    return low * largest, high * largest


def _untransformed(value: float, third: float) -> float:
    """The t that Hall's cubic takes to this value; `third` is a third of the skewness."""
    return value if abs(third) < 1e-9 else (math.cbrt(1 + 3 * third * value) - 1) / third


def t_reach(influence: np.ndarray) -> float:
    """Half the width of Student's t 95% interval of a mean, or of a statistic from its influence function.

    Args:
        influence: Values (n,), or n times what each row adds to the statistic (Hampel, 1974); n above 1.
    """
    import numpy as np
    from scipy.stats import t

    n = len(influence)
    return float(t.ppf(1 - TAIL, n - 1)) * float(np.std(influence, ddof=1)) / math.sqrt(n)


def median_interval(values: np.ndarray) -> Interval | None:
    """Exact 95% interval of a median of values (n,) from two order statistics; None below six values or without width."""
    import numpy as np
    from scipy.stats import binom

    rank = int(binom.ppf(TAIL, len(values), 0.5))
    if rank == 0:
        return None
    ordered = np.sort(values)
    low, high = float(ordered[rank - 1]), float(ordered[len(values) - rank])
    return (low, high) if low < high else None


def average_interval(shares: Sequence[tuple[int, int]]) -> Interval:
    """95% interval of the mean of independent shares, each (successes, n) with n > 0.

    Distances to the exact limits of each share are added in squares: the method of variance
    estimates recovery (Zou and Donner, 2008). Unlike a bootstrap it stays open at 0% and 100%.
    """
    limits = [(successes / n, *clopper_pearson(successes, n)) for successes, n in shares]
    mean = sum(value for value, _, _ in limits) / len(limits)
    below = math.sqrt(sum((value - low) ** 2 for value, low, _ in limits)) / len(limits)
    above = math.sqrt(sum((high - value) ** 2 for value, _, high in limits)) / len(limits)
    return max(0.0, mean - below), min(1.0, mean + above)


def f1_interval(hits: int, misses: int) -> Interval:
    """Exact 95% interval of F1 = 2h / (2h + m), with h `hits` (TP) and m `misses` (FP + FN), h + m > 0.

    Given h + m, h is binomial with the share J (Jaccard), and F1 = 2J / (1 + J) grows with J: so the
    Clopper-Pearson limits of J carry over.
    """
    low, high = clopper_pearson(hits, hits + misses)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def resampled(statistic: Callable[[np.ndarray], float], n: int, *, seed: int, resamples: int) -> Interval | None:
    """Bootstrap 95% interval of a statistic of n row (or group) numbers; None below two rows or without width.

    Arguments as `bootstrap`.
    """
    if n < 2:
        return None
    interval = bootstrap(statistic, n, seed=seed, resamples=resamples)
    return interval if interval is not None and interval[0] < interval[1] else None


def resampled_counts(
    statistic: Callable[[np.ndarray], float], counts: np.ndarray, *, seed: int, resamples: int
) -> Interval | None:
    """Bootstrap interval of a statistic of cell counts, any shape: rows drawn again are counts drawn again.

    Its cost does not grow with the rows. None below two rows or without width.
    """
    import numpy as np

    n = int(counts.sum())
    if n < 2:
        return None
    draws = np.random.default_rng(seed).multinomial(n, counts.ravel() / n, size=resamples)
    values = np.array([statistic(draw.reshape(counts.shape)) for draw in draws])
    values = values[np.isfinite(values)]
    if len(values) < resamples / 2:
        return None
    low, high = (float(limit) for limit in np.quantile(values, [TAIL, 1 - TAIL]))
    return (low, high) if low < high else None
