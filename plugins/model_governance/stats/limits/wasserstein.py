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


@dataclass(frozen=True, slots=True, kw_only=True)
class WassersteinLimits(Limits):
    """The distance of two samples, integral of |F - G|.

    The distance of the samples is at most the true one and that of two samples of one law (triangle inequality), which
    gives the lower limit. That chance distance is the L1 norm of a Brownian bridge: log-normal by its first two moments
    in the bulk, and farther out it grows no faster than a mean does (concavity by Ehrhard, 1983). The distance is also at
    least the mean of a function that nowhere changes faster than its argument (Kantorovich and Rubinstein, 1958), whose
    standard error is at most that of a difference of means: the upper limit.

    Attributes:
        value: distance of the samples, 0 or more.
        error: standard error of a difference of means, in the unit of the value, above 0.
        mean: of the chance distance, above 0.
        deviation: standard deviation of the chance distance, above 0.
    """

    family: ClassVar[str] = "wasserstein"
    value: float
    error: float
    mean: float
    deviation: float

    def low(self, tail: float) -> float:
        """The value less what two samples of one law exceed with this chance; 0 where that is more."""
        return max(0.0, self.value - self._by_chance(quantile_of(tail)))

    def high(self, tail: float) -> float:
        """The value and the quantile's number of standard errors."""
        return self.value + max(0.0, quantile_of(tail)) * self.error

    def p_above(self, bound: float) -> float:
        """The chance that two samples of one law are as far apart as the value is beyond the bound."""
        distance = self.value - max(bound, 0.0)
        if distance <= 0:
            return max(0.5, 1 - tail_of(-distance / self.error)) if bound > 0 else 1.0
        spread, median = self._log_normal
        near = RESERVE * median * math.exp(spread * NEAR)
        if distance > near:
            return tail_of(NEAR + (distance - near) / (FAR * self.error))
        return tail_of(math.log(distance / (RESERVE * median)) / spread)

    def inflated(self, factor: float) -> WassersteinLimits:
        """The same with a larger standard error; the chance distance grows as it does."""
        root = math.sqrt(factor)
        return replace(self, error=root * self.error, mean=root * self.mean, deviation=root * self.deviation)

    def detectable(self, bound: float, tail: float) -> float | None:
        """The distance of samples that is beyond the bound, and the standard errors of a shift that is missed."""
        return bound + self._by_chance(quantile_of(tail)) + quantile_of(MISSED) * self.error

    def _by_chance(self, quantile: float) -> float:
        spread, median = self._log_normal
        near = RESERVE * median * math.exp(spread * min(quantile, NEAR))
        return near + max(0.0, quantile - NEAR) * FAR * self.error

    @property
    def _log_normal(self) -> tuple[float, float]:
        """Standard deviation of the logarithm, and the median."""
        variation = 1 + (self.deviation / self.mean) ** 2
        return math.sqrt(math.log(variation)), self.mean / math.sqrt(variation)
