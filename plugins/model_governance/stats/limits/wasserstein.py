"""Limits of a Wasserstein distance between two samples, near 0 and far from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from model_governance.stats.limits.confidence import MISSED, Limits, quantile_of, tail_of

NEAR = quantile_of(0.01)
"""Normal quantile up to which the distance of two unchanged samples follows its first two moments."""
RESERVE = 1.1
"""Factor on that distance: 1.0 is exceeded up to 1.4 times as often as stated in 200 rows, 1.1 at most as often."""
FAR = 1.3
"""Factor on the standard error beyond `NEAR`: 1 holds for normal means, and the mean of 200 skewed rows is none."""
BY_CHANCE = 0.1
"""Part of a level for the chance distance beside witnesses, which share the rest (Bonferroni): it seldom sees more than they."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WassersteinLimits(Limits):
    """The distance of two samples, integral of |F - G|.

    The distance of the samples is at most the true one and that of two samples of one law (triangle inequality), which
    gives the lower limit. That chance distance is the L1 norm of a Brownian bridge: log-normal by its first two moments
    in the bulk, and farther out it grows no faster than a mean does (concavity by Ehrhard, 1983). The distance is also at
    least the mean of a function that nowhere changes faster than its argument (Kantorovich and Rubinstein, 1958), whose
    standard error is at most that of a difference of means: the upper limit. Known functions of that kind, the witnesses,
    give more lower limits: the difference of their means, less its error. Those see a change of the middle or of the spread
    sooner, because chance moves one mean less than it moves a distance.

    Attributes:
        value: distance of the samples, 0 or more.
        error: standard error of a difference of means, in the unit of the value, above 0.
        mean: of the chance distance, above 0.
        deviation: standard deviation of the chance distance, above 0.
        witnesses: for each function the difference of its means, 0 or more, its standard error, above 0, its skewness, 0 or
            more, and the part of a shift that it sees, 0 to 1.
    """

    family: ClassVar[str] = "wasserstein"
    value: float
    error: float
    mean: float
    deviation: float
    witnesses: tuple[tuple[float, float, float, float], ...] = ()

    def low(self, tail: float) -> float:
        """The largest of what the distance and the witnesses exceed by chance with this probability at most; 0 or more."""
        by_witness = (
            difference - error * _stretched(quantile_of(tail * self._part_of_witness), skewness)
            for difference, error, skewness, _ in self.witnesses
        )
        return max(0.0, self.value - self._by_chance(quantile_of(tail * self._part_of_chance)), *by_witness)

    def high(self, tail: float) -> float:
        """The value and the quantile's number of standard errors."""
        return self.value + max(0.0, quantile_of(tail)) * self.error

    def p_above(self, bound: float) -> float:
        """The chance that two samples of one law are as far apart as the value, or a witness, is beyond the bound."""
        bound = max(bound, 0.0)
        distance = self.value - bound
        if distance <= 0:
            return max(0.5, 1 - tail_of(-distance / self.error)) if bound > 0 else 1.0
        by_witness = (
            tail_of(_unstretched((difference - bound) / error, skewness)) / self._part_of_witness
            for difference, error, skewness, _ in self.witnesses
            if difference > bound
        )
        return min(1.0, self._p_by_chance(distance) / self._part_of_chance, *by_witness)

    def inflated(self, factor: float) -> WassersteinLimits:
        """The same with a larger standard error; the chance distance grows as it does."""
        root = math.sqrt(factor)
        witnesses = tuple(
            (difference, root * error, root * skewness, slope) for difference, error, skewness, slope in self.witnesses
        )
        return replace(
            self, error=root * self.error, mean=root * self.mean, deviation=root * self.deviation, witnesses=witnesses
        )

    def detectable(self, bound: float, tail: float) -> float | None:
        """The distance that a shift of all values needs: by the distance of samples or by a witness, which sees it sooner."""
        found = [bound + self._by_chance(quantile_of(tail * self._part_of_chance)) + quantile_of(MISSED) * self.error]
        for _, error, skewness, slope in self.witnesses:
            if slope > 0:
                steps = _stretched(quantile_of(tail * self._part_of_witness), skewness) + quantile_of(MISSED)
                found.append((bound + steps * error) / slope)
        return min(found)

    @property
    def _part_of_chance(self) -> float:
        return BY_CHANCE if self.witnesses else 1.0

    @property
    def _part_of_witness(self) -> float:
        """Of the level, for one side of one witness."""
        return (1 - BY_CHANCE) / (2 * len(self.witnesses))

    def _p_by_chance(self, distance: float) -> float:
        spread, median = self._log_normal
        near = RESERVE * median * math.exp(spread * NEAR)
        if distance > near:
            return tail_of(NEAR + (distance - near) / (FAR * self.error))
        return tail_of(math.log(distance / (RESERVE * median)) / spread)

    def _by_chance(self, quantile: float) -> float:
        spread, median = self._log_normal
        near = RESERVE * median * math.exp(spread * min(quantile, NEAR))
        return near + max(0.0, quantile - NEAR) * FAR * self.error

    @property
    def _log_normal(self) -> tuple[float, float]:
        """Standard deviation of the logarithm, and the median."""
        variation = 1 + (self.deviation / self.mean) ** 2
        return math.sqrt(math.log(variation)), self.mean / math.sqrt(variation)


def _stretched(quantile: float, skewness: float) -> float:
    """The quantile of a skewed mean (Cornish and Fisher, 1938, first term); no skewness makes it smaller."""
    return quantile + skewness * max(0.0, quantile**2 - 1) / 6


def _unstretched(deviate: float, skewness: float) -> float:
    """The normal quantile of which `_stretched` makes the deviate."""
    if skewness == 0 or deviate <= 1:
        return deviate
    slope = skewness / 6
    return (math.sqrt(1 + 4 * slope * (deviate + slope)) - 1) / (2 * slope)
