"""Limits of the largest factor by which one of several shares grew or shrank."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from model_governance.stats.limits.confidence import MISSED, Limits, quantile_of
from model_governance.stats.limits.ratio_of_shares import HALF_A_ROW

if TYPE_CHECKING:
    import numpy as np

NEARLY_ALL = 1 - 2.0**-53


@dataclass(frozen=True, slots=True, kw_only=True)
class LargestShareFactor(Limits):
    """The largest ratio of two shares of a category, the larger over the smaller, over several categories; at least 1.

    Each category gives two ratios, second over first and first over second. Given the sum of both counts, one of them is
    binomial where shares are rare, and the limits of that binomial share (Clopper and Pearson, 1934) are those of the ratio
    (Przyborowski and Wilenski, 1940). Counts of common shares vary less than that, so their limits are wider than they must
    be: scaled to their own variance, as those of `RatioOfShares`, they cry wolf where nearly all rows are of one category
    and the few others happen to be absent.

    The largest ratio is surely above what any of them is surely above, each at its part of the level, and nothing is assumed
    of how they depend on one another; that it is below the largest upper limit needs no correction (`LargestOf`). They
    share their rows, so they are stored as counts and computed together: thousands of columns have very many of them.

    Attributes:
        rows: rows of both datasets, above 0.
        counts: rows of every category in both datasets, at least one; half a row stands for none below the line.
    """

    family: ClassVar[str] = "largest_share_factor"
    rows: tuple[float, float]
    counts: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The largest observed factor."""
        return max(1.0, *(ratio for pair in self.counts for ratio in self.factors(*pair)))

    def factors(self, first: float, second: float) -> tuple[float, float]:
        """How many times as large the share is in the second dataset as in the first, and the reverse."""
        n, m = self.rows
        return (second / m) / (max(first, HALF_A_ROW) / n), (first / n) / (max(second, HALF_A_ROW) / m)

    def low(self, tail: float) -> float:
        """The largest lower limit, each at its part of the level; at least 1."""
        import numpy as np
        from scipy.special import betaincinv

        below, n, above, m = self._ratios()
        share = np.minimum(betaincinv(np.maximum(above, 1e-9), below + 1, tail / len(below)), NEARLY_ALL)
        return max(1.0, float(np.where(above > 0, share / (1 - share) * n / m, 0.0).max()))

    def high(self, tail: float) -> float:
        """The largest upper limit."""
        import numpy as np
        from scipy.special import betaincinv

        below, n, above, m = self._ratios()
        other = np.maximum(betaincinv(np.maximum(below, HALF_A_ROW), above + 1, tail), 1e-300)
        return max(1.0, float(((1 - other) / other * n / m).max()))

    def p_above(self, bound: float) -> float:
        """In closed form, the inverse of `low`: the smallest p-value of the ratios, times their number."""
        import numpy as np
        from scipy.special import betainc

        if bound < 1:
            return 0.0
        below, n, above, m = self._ratios()
        p_values = np.where(above > 0, betainc(np.maximum(above, 1e-9), below + 1, bound * m / (bound * m + n)), 1.0)
        return min(1.0, len(below) * float(p_values.min()))

    def p_below(self, bound: float) -> float:
        """In closed form, the inverse of `high`: the largest p-value of the ratios."""
        import numpy as np
        from scipy.special import betainc

        if bound <= 1:
            return 1.0
        below, n, above, m = self._ratios()
        return float(betainc(np.maximum(below, HALF_A_ROW), above + 1, n / (bound * m + n)).max())

    def inflated(self, factor: float) -> LargestShareFactor:
        """The same shares of fewer rows."""
        n, m = self.rows
        counts = tuple((first / factor, second / factor) for first, second in self.counts)
        return replace(self, rows=(n / factor, m / factor), counts=counts)

    def detectable(self, bound: float, tail: float) -> float | None:
        """As `RatioOfShares`, in the category that shows least; one whose share would pass 1 cannot be the largest."""
        import numpy as np

        if bound < 1:
            return None
        below, own, _, other = self._ratios()
        below = np.maximum(below, HALF_A_ROW)
        steps, size = quantile_of(tail / len(below)) + quantile_of(MISSED), np.full(len(below), float(bound))
        for _ in range(20):
            size = bound * np.exp(np.minimum(steps * np.sqrt(1 / below + own / (below * other * size)), 700.0))
        known = size[size * below / own < 1]
        return float(known.max()) if len(known) and math.isfinite(known.max()) else None

    def _ratios(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Count and rows below the line and above it, of every ratio."""
        import numpy as np

        counts = np.array(self.counts, dtype=float)
        below, above = (np.concatenate([counts[:, place], counts[:, 1 - place]]) for place in (0, 1))
        n, m = (np.repeat(rows, len(counts)) for rows in (self.rows, self.rows[::-1]))
        return below, n, above, m
