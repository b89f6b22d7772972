"""Limits of divergences between two sets of counts: noncentral chi-square, and likelihood ratios where cells are thin."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from model_governance.stats.limits.confidence import MISSED, Limits, crossing, quantile_of, tail_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

NORMAL_FROM = 400.0
"""Statistic from which its square root is normal to the accuracy needed (beyond four times the degrees of freedom)."""
SMALLEST_TAIL = 1e-10
"""Below, 1 - tail is too coarse in double precision for the exact inverse."""
Index = Literal["psi", "jensenshannon"]
Pair = tuple[float, float, float, float]
GRID = 60
BISECTIONS = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class NoncentralChiSquare(Limits):
    """A divergence whose multiple, divergence / unit, is noncentral chi-square with that divergence as noncentrality.

    The lower limit is the larger of two, each at half the level where there are thin cells: that of the cells that
    expect enough rows, and that of each thin cell against all others, by the signed root of the likelihood ratio with
    half a row of continuity correction. A divergence never grows when cells are merged, so each is one of the whole.

    Attributes:
        value: the estimate, less what chance alone gives.
        statistic: divergence / unit over the cells that expect enough rows; what they alone say.
        freedom: their number less one, 0 where there is one; not whole where rows depend on one another.
        unit: expected divergence of one degree of freedom: 1/n + 1/m, times what dependent rows add.
        whole: statistic and degrees of freedom over all cells, thin ones pooled; for the upper limit.
        spread: factor of the delta method on the distances from value to limits of independent rows, at least 1.
        uneven: the noncentrality has a variance this many times that of independent rows with this unit, at least 1.
            Customers differ more in one direction of the cells than in others, and a change may lie in it.
        independent: unit and degrees of freedom of independent rows; those above where rows depend on nothing.
        thin: (count, rows, count, rows) of each thin cell, reference first; rows that depend on one another count
            for less than one.
        index: which divergence the thin cells are judged by; the Jensen-Shannon distance is the root of its own.
    """

    family: ClassVar[str] = "noncentral_chi_square"
    value: float
    statistic: float
    freedom: float
    unit: float
    whole: tuple[float, float]
    spread: float = 1.0
    uneven: float = 1.0
    independent: tuple[float, float] | None = None
    thin: tuple[Pair, ...] = ()
    index: Index = "psi"

    def low(self, tail: float) -> float:
        """Lower limit, at least 0 and at most the value."""
        share = tail / 2 if self.thin else tail
        low = self._chi_square_low(share)
        if self.thin and self._thin_p_above(0.0, wanted=share) <= share:
            low = max(low, self._thin_low(share))
        return self._outside(min(self._inside(self.value), low))

    def high(self, tail: float) -> float:
        """Upper limit. Samples more alike than chance makes them do not prove that nothing changed."""
        statistic, freedom = self.whole
        value = self._inside(self.value)
        high = noncentrality_high(max(statistic, freedom), freedom, tail, uneven=self.uneven) * self.unit
        return self._outside(max(value, value + self.spread * (high - value)))

    def p_above(self, bound: float) -> float:
        """p-value of "the divergence is at most `bound`"."""
        if bound < 0:
            return 0.0
        inner = self._inside(bound)
        p_value = self._chi_square_p_above(inner)
        if not self.thin:
            return p_value
        return min(1.0, 2 * min(p_value, self._thin_p_above(inner, wanted=p_value)))

    def p_below(self, bound: float) -> float:
        """p-value of "the divergence is at least `bound`"."""
        statistic, freedom = self.whole
        value, inner = self._inside(self.value), self._inside(bound)
        moved = max(0.0, value + (inner - value) / self.spread) / self.unit
        return noncentral_share(max(statistic, freedom), freedom, moved, uneven=self.uneven)

    def inflated(self, factor: float) -> NoncentralChiSquare:
        """The same with a unit that many times as large: what chance gives is larger, so the value is smaller."""
        statistic, freedom = self.whole
        value = self._inside(self.value) - freedom * self.unit * (factor - 1)
        thin = tuple((a / factor, n / factor, b / factor, m / factor) for a, n, b, m in self.thin)
        return replace(
            self, value=self._outside(value), statistic=self.statistic / factor, unit=self.unit * factor,
            independent=self.independent or (self.unit, self.freedom),
            whole=(statistic / factor, freedom), thin=thin,
        )  # fmt: skip

    def detectable(self, bound: float, tail: float) -> float | None:
        """Exact for the cells that expect enough rows: the divergence whose statistic exceeds the critical one."""
        if self.freedom <= 0 or bound < 0:
            return None
        share = tail / 2 if self.thin else tail
        return self._outside(
            detectable_divergence(
                self._inside(bound), freedom=self.freedom, unit=self.unit, tail=share, uneven=self.uneven
            )
        )

    def _inside(self, number: float) -> float:
        """The divergence of a distance."""
        return number if self.index == "psi" else math.copysign(number**2, number)

    def _outside(self, number: float) -> float:
        """The distance of a divergence."""
        return number if self.index == "psi" else math.sqrt(max(number, 0.0))

    def _chi_square_low(self, tail: float) -> float:
        if self.freedom <= 0:
            return 0.0
        own = (self.statistic - self.freedom) * self.unit
        reach = own - noncentrality_low(self.statistic, self.freedom, tail, uneven=self.uneven) * self.unit
        if self.spread > 1:
            # What a large change adds to the error of independent rows does not grow with the noise between runs.
            unit, freedom = self.independent or (self.unit, self.freedom)
            statistic = self.statistic * self.unit / unit
            alone = (statistic - freedom - noncentrality_low(statistic, freedom, tail)) * unit
            reach += (self.spread - 1) * max(0.0, alone)
        return max(0.0, own - reach)

    def _chi_square_p_above(self, bound: float) -> float:
        if self.freedom <= 0:
            return 1.0
        own = (self.statistic - self.freedom) * self.unit
        # The bound, moved to where the limit without the delta method's factor would have to be.
        moved = max(0.0, own - (own - bound) / self.spread) / self.unit
        p_value = noncentral_tail(self.statistic, self.freedom, moved, uneven=self.uneven)
        if self.spread == 1 or self.independent is None:
            return p_value
        by_limit = crossing(lambda tail: self._chi_square_low(tail) - bound)
        if by_limit >= 0.5:
            return p_value
        # At a bound of 0 no limit is ever below it.
        return max(by_limit, noncentral_tail(self.statistic, self.freedom, bound / self.unit))

    def _thin_p_above(self, bound: float, *, wanted: float) -> float:
        """p-value of the most surprising thin cell times their number; where it is above `wanted`, only that it is."""
        count = len(self.thin)
        # A p-value grows with the bound, and without one it counts two sides: half of that is a floor, and cheap.
        floors = sorted((thin_cell_p_above(pair, 0.0, index=self.index) / 2, pair) for pair in self.thin)
        least = 1.0
        for floor, pair in floors:
            if floor >= least or count * floor > wanted:
                break
            least = min(least, thin_cell_p_above(pair, bound, index=self.index))
        return min(1.0, count * least)

    def _thin_low(self, tail: float) -> float:
        share = tail / len(self.thin)
        return max(thin_cell_low(pair, share, index=self.index) for pair in self.thin)


def noncentrality_low(statistic: float, freedom: float, tail: float, *, uneven: float = 1.0) -> float:
    """Lower confidence limit of the noncentrality of a chi-square statistic; 0 where no change explains it as well."""
    from scipy.special import chndtrinc

    if uneven > 1:
        return _smallest(lambda moved: noncentral_tail(statistic, freedom, moved, uneven=uneven) > tail, most=statistic)
    if statistic > max(NORMAL_FROM, 4 * freedom) or tail < SMALLEST_TAIL:
        # The root of a noncentral chi-square less half of (freedom - 1) has variance 1 (Sankaran, 1959).
        half = _half(freedom)
        return max(0.0, max(0.0, math.sqrt(max(0.0, statistic - half)) - quantile_of(tail)) ** 2 - half)
    return float(chndtrinc(statistic, freedom, 1 - tail))


def noncentrality_high(statistic: float, freedom: float, tail: float, *, uneven: float = 1.0) -> float:
    """Upper confidence limit of the noncentrality of a chi-square statistic."""
    from scipy.special import chndtrinc

    if uneven > 1:
        most = 2 * (statistic + freedom) + 4 * uneven * quantile_of(tail) ** 2
        return _smallest(lambda moved: noncentral_share(statistic, freedom, moved, uneven=uneven) < tail, most=most)
    if statistic > max(NORMAL_FROM, 4 * freedom):
        half = _half(freedom)
        return (math.sqrt(statistic - half) + quantile_of(tail)) ** 2 - half
    return float(chndtrinc(statistic, freedom, tail))


def noncentral_tail(statistic: float, freedom: float, moved: float, *, uneven: float = 1.0) -> float:
    """The probability that a noncentral chi-square variable exceeds the statistic; `moved` is its noncentrality."""
    from scipy.special import chdtrc, chndtr

    if moved == 0:
        return float(chdtrc(freedom, statistic))
    statistic = _as_if_even(statistic, freedom, moved, uneven=uneven)
    if statistic <= max(NORMAL_FROM, 4 * freedom):
        tail = 1 - float(chndtr(statistic, freedom, moved))
        if tail > SMALLEST_TAIL:
            return min(1.0, tail)
    half = _half(freedom)
    return tail_of(math.sqrt(max(0.0, statistic - half)) - math.sqrt(max(0.0, moved + half)))


def _half(freedom: float) -> float:
    """Half of what is beyond one degree of freedom; below one there is nothing, or no change would have a limit above 0."""
    return max(0.0, (freedom - 1) / 2)


def noncentral_share(statistic: float, freedom: float, moved: float, *, uneven: float = 1.0) -> float:
    """The probability that a noncentral chi-square variable is at most the statistic."""
    from scipy.special import chndtr

    return min(1.0, float(chndtr(_as_if_even(statistic, freedom, moved, uneven=uneven), freedom, moved)))


def _as_if_even(statistic: float, freedom: float, moved: float, *, uneven: float) -> float:
    """The statistic that lies as many standard deviations from its mean where no direction varies more than others."""
    if uneven <= 1:
        return statistic
    mean = freedom + moved
    part = math.sqrt((2 * freedom + 4 * moved) / (2 * freedom + 4 * uneven * moved))
    return max(0.0, mean + (statistic - mean) * part)


def _smallest(is_reached: Callable[[float], bool], *, most: float) -> float:
    """The smallest noncentrality at which something holds that holds from there on; `most` where it never does."""
    low, high = 0.0, most
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_reached(middle) else (middle, high)
    return high


def detectable_divergence(bound: float, *, freedom: float, unit: float, tail: float, uneven: float = 1.0) -> float:
    """The divergence that has its lower limit above `bound` with probability 0.95.

    Args:
        bound: the divergence that a limit must exceed, at least 0.
        freedom: degrees of freedom, above 0.
        unit: divergence of one degree of freedom.
        tail: level of the limit, 0 to 0.5.
        uneven: factor on the variance of the noncentrality, at least 1.
    """
    from scipy.special import chdtri, chndtrix

    start, half = bound / unit, _half(freedom)
    if start == 0:
        critical = float(chdtri(freedom, tail))
    elif start < NORMAL_FROM and tail > SMALLEST_TAIL:
        critical = float(chndtrix(1 - tail, freedom, start))
    else:
        critical = (math.sqrt(max(0.0, start + half)) + quantile_of(tail)) ** 2 + half
    mean = freedom + start
    critical = mean + (critical - mean) * math.sqrt((2 * freedom + 4 * uneven * start) / (2 * freedom + 4 * start))
    return noncentrality_high(critical, freedom, MISSED, uneven=uneven) * unit


def thin_cell_p_above(pair: Pair, bound: float, *, index: Index) -> float:
    """p-value of "the divergence between these two shares is at most `bound`", for one cell against all others.

    The signed root of the likelihood ratio, minimised over the pairs of shares whose divergence is the bound. Half a
    row is taken from the side that holds more, so that a single row is no evidence beyond its own rarity.
    """
    import numpy as np

    a, n, b, m = _rising(pair)
    if b / m <= a / n:
        return 1.0
    if bound <= 0:
        pooled = np.array([(a + b) / (n + m)])
        # Without a change a share may rise or fall: two sides.
        return min(1.0, 2 * tail_of(math.sqrt(2 * float(_surprise(a, n, pooled)[0] + _surprise(b, m, pooled)[0]))))
    if _divergence(np.array([a / n]), np.array([b / m]), index)[0] <= bound:
        return 1.0

    def surprise(shares: np.ndarray) -> np.ndarray:
        moved = _least_beyond(shares, 1.0, lambda share: _divergence(shares, share, index) > bound)
        return _surprise(a, n, shares) + _surprise(b, m, moved)

    return tail_of(math.sqrt(2 * max(0.0, _minimum(surprise, a / n / 50, b / m))))


def thin_cell_low(pair: Pair, tail: float, *, index: Index) -> float:
    """The smallest divergence of a pair of shares that these counts do not contradict: where the p-value is `tail`."""
    import numpy as np

    a, n, b, m = _rising(pair)
    allowed = quantile_of(tail) ** 2 / 2
    if b / m <= a / n or allowed <= 0:
        return 0.0

    def divergences(shares: np.ndarray) -> np.ndarray:
        left = allowed - _surprise(a, n, shares)
        moved = _least_beyond(shares, b / m, lambda share: _surprise(b, m, share) <= left)
        return np.where(left >= 0, _divergence(shares, moved, index), math.inf)

    return _minimum(divergences, a / n, b / m)


def _rising(pair: Pair) -> Pair:
    """The side with the larger share last, each moved by half a row towards the other."""
    a, n, b, m = pair
    if b / m < a / n:
        a, n, b, m = b, m, a, n
    return min(a + 0.5, n), n, max(b - 0.5, 0.0), m


def _minimum(function: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> float:
    """The smallest value of a function of shares between two, on a logarithmic grid and a finer one around its minimum."""
    import numpy as np

    grid = np.linspace(math.log(low), math.log(high), GRID)
    for _ in range(2):
        values = function(np.exp(grid))
        place = int(np.argmin(values))
        grid = np.linspace(grid[max(0, place - 1)], grid[min(GRID - 1, place + 1)], GRID)
    return float(values.min())


def _least_beyond(shares: np.ndarray, most: float, is_beyond: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """For each share the smallest larger one that is beyond, by bisection; `most` where none is."""
    import numpy as np

    low, high = shares.copy(), np.full_like(shares, most)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        beyond = is_beyond(middle)
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    return high


def _divergence(first: np.ndarray, second: np.ndarray, index: Index) -> np.ndarray:
    """The divergence of two cells with these shares and their complements."""
    import numpy as np

    p, q = (np.clip(share, 1e-300, 1 - 1e-15) for share in (first, second))
    if index == "psi":
        return np.asarray((q - p) * (np.log(q / p) - np.log((1 - q) / (1 - p))))
    half = (p + q) / 2
    return np.asarray(
        (
            p * np.log(p / half)
            + q * np.log(q / half)
            + (1 - p) * np.log((1 - p) / (1 - half))
            + (1 - q) * np.log((1 - q) / (1 - half))
        )
        / 2
    )


def _surprise(successes: float, n: float, shares: np.ndarray) -> np.ndarray:
    """Log likelihood ratio of the observed share against each of these, for a binomial count."""
    import numpy as np

    shares = np.clip(shares, 1e-300, 1 - 1e-15)
    seen, total = successes / n, np.zeros_like(shares)
    if successes > 0:
        total += successes * np.log(seen / shares)
    if n - successes > 0:
        total += (n - successes) * np.log((1 - seen) / (1 - shares))
    return np.maximum(total, 0.0)
