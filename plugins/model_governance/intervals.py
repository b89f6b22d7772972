"""95% intervals: exact where a closed form exists, a seeded bootstrap elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

CONFIDENCE = 0.95


def clopper_pearson(successes: int, n: int) -> tuple[float, float]:
    """Exact binomial interval of a share (Clopper and Pearson, 1934); n must be positive."""
    from scipy.stats import beta

    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"need 0 <= successes <= n and n > 0, got {successes} of {n}")
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, n - successes + 1))
    high = 1.0 if successes == n else float(beta.ppf(1 - tail, successes + 1, n - successes))
    return low, high


def bootstrap(
    statistic: Callable[[np.ndarray], float], n: int, *, seed: int, resamples: int = 200
) -> tuple[float, float] | None:
    """Percentile interval of a statistic of row numbers (Efron, 1979).

    `statistic` gets an int array of shape (n,), row numbers drawn with replacement, and returns a
    float; resamples on which it is undefined (NaN) are left out. None when most are undefined.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    values = np.array([statistic(generator.integers(0, n, size=n)) for _ in range(resamples)])
    values = values[np.isfinite(values)]
    if len(values) < resamples / 2:
        return None
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)
