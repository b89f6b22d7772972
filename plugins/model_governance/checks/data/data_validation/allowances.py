"""How many rows of unchanged data may violate an expectation that was derived from a reference.

Each bound is exceeded with at most a stated probability, for `reference` and `current` rows drawn independently from one
distribution, whatever that distribution is. With more current rows the same share is exceeded less often.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_EXACT = 1000
"""Missing values up to which the exact conditional bound is computed."""


def allowed_missing(missing: int, reference: int, current: int, *, chance: float) -> int:
    """Rows without a value that are allowed in the current data.

    Up to 1,000 missing values the bound is exact: given the missing values of both datasets, those of the current data
    are hypergeometric (Thatcher, 1964). Above, a Clopper-Pearson bound for the rate and a binomial one for the current
    data, each at half the probability.

    Args:
        missing: rows of the reference without a value.
        reference: rows of the reference.
        current: rows of the current data.
        chance: probability that unchanged data exceed the bound, 0 to 1.
    """
    from scipy.stats import beta, binom, hypergeom

    if missing > MAX_EXACT:
        highest = float(beta.isf(chance / 2, missing + 1, reference - missing)) if missing < reference else 1.0
        return int(binom.isf(chance / 2, current, highest))
    # scipy sums over its last argument: the missing values of both datasets, which are few
    return _largest_likely(
        lambda rows: float(hypergeom.sf(rows - 1, reference + current, current, missing + rows)), current, chance=chance
    )


def allowed_outside_range(ends: int, reference: int, current: int, *, chance: float) -> int:
    """Values outside the range of the reference that are allowed in the current data.

    The probability outside the range is Beta(ends, n + 1 - ends) distributed for any continuous distribution and smaller
    for others, so the number of current rows outside it is beta-binomial (Wilks, 1942).

    Args:
        ends: ends of the range that count, 1 or 2.
        reference: values of the reference.
        current: values of the current data.
        chance: probability that unchanged data exceed the bound, 0 to 1.
    """
    from scipy.stats import betabinom

    if reference < ends:
        return current
    distribution = betabinom(current, ends, reference + 1 - ends)
    return _largest_likely(lambda rows: float(distribution.sf(rows - 1)), current, chance=chance)


def as_mostly(allowed: int, current: int) -> float:
    """Great Expectations' `mostly` that tolerates `allowed` of `current` rows, rounded down to seven digits."""
    return math.floor(1e7 * (1 - allowed / current) + 1e-6) / 1e7


def _largest_likely(chance_of: Callable[[int], float], current: int, *, chance: float) -> int:
    """The largest number of rows reached with a probability above `chance`; probabilities fall with the number."""
    low, high = 0, 1
    while high <= current and chance_of(high) > chance:
        low, high = high, 2 * high
    high = min(high, current + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if chance_of(middle) > chance else (low, middle)
    return low
