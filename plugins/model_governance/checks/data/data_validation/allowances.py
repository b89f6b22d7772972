"""How many rows of an unchanged night may break an expectation read off a reference, at a stated chance of more.

Each bound holds for a night of `night` rows and a reference of `reference` rows that are independent draws from one
distribution, whatever that distribution is; a larger night only makes it safer to apply the same share.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FEW = 1000


def of_gaps(gaps: int, reference: int, current: int, *, chance: float) -> int:
    """Rows without a value, where the reference has `gaps` of them.

    Up to 1,000 gaps the exact conditional bound: given all gaps of both, those of the night are hypergeometric (Thatcher,
    1964). Above, a Clopper-Pearson bound for the rate and a binomial one for the night, each at half the chance.
    """
    from scipy.stats import beta, binom, hypergeom

    if gaps > FEW:
        highest = float(beta.isf(chance / 2, gaps + 1, reference - gaps)) if gaps < reference else 1.0
        return int(binom.isf(chance / 2, current, highest))
    # scipy sums over its last argument: the gaps of both, which are few
    return _most(
        lambda found: float(hypergeom.sf(found - 1, reference + current, current, gaps + found)), current, chance=chance
    )


def of_excess(ends: int, reference: int, current: int, *, chance: float) -> int:
    """Values beyond the range of the reference, at `ends` (1 or 2) ends of it.

    What lies beyond is Beta(ends, n + 1 - ends) distributed for any continuous distribution and less for others, so the
    rows of the night beyond it are beta-binomial (Wilks, 1942).
    """
    from scipy.stats import betabinom

    if reference < ends:
        return current
    law = betabinom(current, ends, reference + 1 - ends)
    return _most(lambda found: float(law.sf(found - 1)), current, chance=chance)


def as_mostly(allowed: int, current: int) -> float:
    """The share that must keep an expectation so that `allowed` rows may not, rounded down to seven digits."""
    return math.floor(1e7 * (1 - allowed / current) + 1e-6) / 1e7


def _most(chance_of: Callable[[int], float], current: int, *, chance: float) -> int:
    """The largest number of rows whose chance to be reached is above `chance`; chances fall with the number."""
    low, high = 0, 1
    while high <= current and chance_of(high) > chance:
        low, high = high, 2 * high
    high = min(high, current + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if chance_of(middle) > chance else (low, middle)
    return low
