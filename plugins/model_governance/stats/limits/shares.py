"""Limits of shares and of their differences, exact also where the counts are small."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from model_governance.stats.limits.confidence import MISSED, TAIL, Limits, quantile_of
from model_governance.stats.limits.folded import folded_low


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactShare(Limits):
    """A share by Clopper and Pearson (1934).

    Attributes:
        successes: rows that count; not whole where rows depend on one another and count for less than one.
        n: all rows, above 0.
    """

    family: ClassVar[str] = "exact_share"
    successes: float
    n: float

    @property
    def value(self) -> float:
        """The share."""
        return self.successes / self.n

    def low(self, tail: float) -> float:
        """Lower limit, 0 to 1."""
        return exact_low(self.successes, self.n, tail)

    def high(self, tail: float) -> float:
        """Upper limit, 0 to 1."""
        return 1 - exact_low(self.n - self.successes, self.n, tail)

    def inflated(self, factor: float) -> ExactShare:
        """The same share of fewer rows."""
        return replace(self, successes=self.successes / factor, n=self.n / factor)

    def detectable(self, bound: float, tail: float) -> float | None:
        """Exact: the fewest successes that exclude the bound, and the share that reaches them with probability 0.95."""
        from scipy.special import betaincinv

        if not 0 <= bound < 1:
            return None
        needed = fewest_beyond(math.floor(self.n), bound, tail) + 1
        return float(betaincinv(needed, self.n - needed + 1, 1 - MISSED)) if needed <= self.n else None

    def detectable_below(self, bound: float, tail: float) -> float | None:
        """As above, of the rows that do not count."""
        mirrored = ExactShare(successes=self.n - self.successes, n=self.n).detectable(1 - bound, tail)
        return None if mirrored is None else 1 - mirrored


@dataclass(frozen=True, slots=True, kw_only=True)
class PartlyKnownShare(Limits):
    """A share of rows of which some are undecided: the limits hold whether these count or not.

    Attributes:
        successes: rows that are known to count.
        undecided: rows of which nothing is known.
        n: all rows, above 0.
    """

    family: ClassVar[str] = "partly_known_share"
    successes: float
    undecided: float
    n: float

    def low(self, tail: float) -> float:
        """Lower limit where no undecided row counts, 0 to 1."""
        return exact_low(self.successes, self.n, tail)

    def high(self, tail: float) -> float:
        """Upper limit where each undecided row counts, 0 to 1."""
        return 1 - exact_low(self.n - self.successes - self.undecided, self.n, tail)

    def inflated(self, factor: float) -> PartlyKnownShare:
        """The same share of fewer rows."""
        return replace(self, successes=self.successes / factor, undecided=self.undecided / factor, n=self.n / factor)

    def detectable(self, bound: float, tail: float) -> float | None:
        """As if every row were decided."""
        return ExactShare(successes=self.successes, n=self.n).detectable(bound, tail)

    def detectable_below(self, bound: float, tail: float) -> float | None:
        """As above."""
        return ExactShare(successes=self.successes, n=self.n).detectable_below(bound, tail)


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceOfShares(Limits):
    """Second share less the first, of independent rows.

    The limits of both shares are combined as Newcombe (1998) does, method 10: Wilson's up to the 95% interval, and
    beyond it those of Clopper and Pearson, because Wilson's are far too narrow for rare rows at the levels of an alarm
    budget.

    Attributes:
        first: successes and rows of the first share, rows above 0.
        second: the same of the second.
    """

    family: ClassVar[str] = "difference_of_shares"
    first: tuple[float, float]
    second: tuple[float, float]

    @property
    def value(self) -> float:
        """The difference, -1 to 1."""
        return self.second[0] / self.second[1] - self.first[0] / self.first[1]

    def low(self, tail: float) -> float:
        """Lower limit, -1 to 1."""
        return _difference_low(self.first, self.second, tail)

    def high(self, tail: float) -> float:
        """Upper limit, -1 to 1."""
        return -_difference_low(self.second, self.first, tail)

    def inflated(self, factor: float) -> DifferenceOfShares:
        """The same shares of fewer rows."""
        first, second = ((count / factor, n / factor) for count, n in (self.first, self.second))
        return replace(self, first=first, second=second)

    def detectable(self, bound: float, tail: float) -> float | None:
        """Normal approximation at the shares of a change of this size."""
        count, n = self.first
        start = (count + 0.5) / (n + 1)
        steps, size = quantile_of(tail) + quantile_of(MISSED), bound
        for _ in range(20):
            moved = min(1.0, max(0.0, start + size))
            variance = start * (1 - start) / n + moved * (1 - moved) / self.second[1]
            size = bound + steps * math.sqrt(variance)
        return size if size < 1 else None

    def detectable_below(self, bound: float, tail: float) -> float | None:
        """As above, of the rows that do not count."""
        (a, n), (b, m) = self.first, self.second
        mirrored = DifferenceOfShares(first=(n - a, n), second=(m - b, m)).detectable(-bound, tail)
        return None if mirrored is None else -mirrored


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsoluteDifference(Limits):
    """The difference of two independent shares without its sign, 0 to 1.

    Attributes:
        first: successes and rows of the first share, rows above 0.
        second: the same of the second.
    """

    family: ClassVar[str] = "absolute_difference"
    first: tuple[float, float]
    second: tuple[float, float]

    @property
    def _signed(self) -> DifferenceOfShares:
        return DifferenceOfShares(first=self.first, second=self.second)

    def low(self, tail: float) -> float:
        """Lower limit; 0 where the limits of the signed difference lie on both sides of 0."""
        signed = self._signed
        return folded_low(signed.low if signed.value >= 0 else lambda level: -signed.high(level), tail)

    def high(self, tail: float) -> float:
        """Upper limit."""
        return max(-self._signed.low(tail), self._signed.high(tail))

    def inflated(self, factor: float) -> AbsoluteDifference:
        """The same shares of fewer rows."""
        wider = self._signed.inflated(factor)
        return replace(self, first=wider.first, second=wider.second)

    def detectable(self, bound: float, tail: float) -> float | None:
        """As the signed difference."""
        return self._signed.detectable(bound, tail)


def exact_low(successes: float, n: float, tail: float) -> float:
    """Lower limit of a share by Clopper and Pearson (1934), 0 to 1."""
    if successes >= n:  # in closed form, so that reading a policy needs no library
        return float(tail ** (1 / n))
    from scipy.special import betaincinv

    return 0.0 if successes <= 0 else float(betaincinv(successes, n - successes + 1, tail))


def fewest_beyond(n: int, share: float, tail: float) -> int:
    """The fewest successes of n rows that are exceeded with a chance of at most `tail`, from a binomial distribution.

    Args:
        n: rows, 0 or more.
        share: chance of a success, from 0 to less than 1.
        tail: chance, 0 to 0.5.
    """
    from scipy.special import betainc

    def is_exceeded(count: int) -> bool:
        return count < n and float(betainc(count + 1, n - count, share)) > tail

    # The quantile of Cornish and Fisher (1938) is seldom off by more than one.
    quantile = quantile_of(tail)
    near = n * share + quantile * math.sqrt(n * share * (1 - share)) + (quantile**2 - 1) * (1 - 2 * share) / 6
    count = min(max(0, round(near)), n)
    while is_exceeded(count):
        count += 1
    while count > 0 and not is_exceeded(count - 1):
        count -= 1
    return count


def wilson_limits(successes: float, n: float, tail: float) -> tuple[float, float]:
    """Score limits of a share (Wilson, 1927), in closed form."""
    quantile, share = quantile_of(tail), successes / n
    spread = quantile * math.sqrt(share * (1 - share) / n + quantile**2 / (4 * n**2))
    middle, scale = share + quantile**2 / (2 * n), 1 + quantile**2 / n
    low = 0.0 if successes <= 0 else (middle - spread) / scale
    return max(0.0, low), (1.0 if successes >= n else min(1.0, (middle + spread) / scale))


def _difference_low(first: tuple[float, float], second: tuple[float, float], tail: float) -> float:
    """Lower limit of the second share less the first."""
    (a, n), (b, m) = first, second
    if tail >= TAIL:
        high, low = wilson_limits(a, n, tail)[1], wilson_limits(b, m, tail)[0]
    else:
        high, low = 1 - exact_low(n - a, n, tail), exact_low(b, m, tail)
    return b / m - a / n - math.hypot(b / m - low, high - a / n)
