"""Limits of the ratio of two shares, exact where the shares are rare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from model_governance.stats.limits.confidence import MISSED, Limits, quantile_of

HALF_A_ROW = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioOfShares(Limits):
    """Second share divided by the first, of independent rows.

    Given the sum of both counts, the second is binomial where shares are rare, and the limits of that binomial share
    (Clopper and Pearson, 1934) are those of the ratio (Przyborowski and Wilenski, 1940): they hold for a handful of
    counts at the levels of an alarm budget, where limits on the logarithm do not. Counts of shares that are not rare
    vary less than that by the share of the other rows, so both counts and rows are divided by it.

    Attributes:
        first: successes and rows of the first share, rows above 0; half a row stands for no success.
        second: the same of the second.
    """

    family: ClassVar[str] = "ratio_of_shares"
    first: tuple[float, float]
    second: tuple[float, float]

    @property
    def value(self) -> float:
        """The ratio, at least 0."""
        return (self.second[0] / self.second[1]) / (max(self.first[0], HALF_A_ROW) / self.first[1])

    def low(self, tail: float) -> float:
        """Lower limit, at least 0."""
        from scipy.special import betaincinv

        (a, n), (b, m) = _as_rare(*self.first), _as_rare(*self.second)
        share = float(betaincinv(b, a + 1, tail)) if b > 0 else 0.0
        return share / (1 - share) * n / m

    def high(self, tail: float) -> float:
        """Upper limit, finite also where the first share has no success."""
        from scipy.special import betaincinv

        (a, n), (b, m) = _as_rare(*self.first), _as_rare(*self.second)
        other = float(betaincinv(max(a, HALF_A_ROW), b + 1, tail))
        return (1 - other) / max(other, 1e-300) * n / m

    def inflated(self, factor: float) -> RatioOfShares:
        """The same shares of fewer rows."""
        first, second = ((count / factor, n / factor) for count, n in (self.first, self.second))
        return replace(self, first=first, second=second)

    def detectable(self, bound: float, tail: float) -> float | None:
        """Normal approximation of the logarithm at the counts that a ratio of this size gives."""
        import math

        (a, n), m = self.first, self.second[1]
        count = max(a, HALF_A_ROW)
        if bound <= 0:
            return None
        steps, size = quantile_of(tail) + quantile_of(MISSED), bound
        for _ in range(20):
            size = bound * math.exp(steps * math.sqrt(1 / count + n / (count * m * size)))
        return size if size * count / n < 1 else None


def _as_rare(count: float, n: float) -> tuple[float, float]:
    """Count and rows of the rare share with the same value and the same variance."""
    others = (n - count + 1) / (n + 1)
    return count / others, n / others
