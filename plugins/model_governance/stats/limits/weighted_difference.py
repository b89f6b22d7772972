"""Limits of a difference of shares that is averaged over strata."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from model_governance.stats.limits.confidence import MISSED, Limits
from model_governance.stats.limits.shares import DifferenceOfShares

Counts = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedDifference(Limits):
    """The second share less the first, stratum by stratum, and their weighted mean; independent rows.

    The distances to the limits of every stratum are added in squares (Yan and Su, 2010); those of a stratum are
    Newcombe's.

    Attributes:
        strata: weight of each stratum, and successes and rows of both shares; rows above 0, weights sum to 1.
    """

    family: ClassVar[str] = "weighted_difference"
    strata: tuple[tuple[float, Counts, Counts], ...]

    @property
    def _parts(self) -> list[tuple[float, DifferenceOfShares]]:
        return [(weight, DifferenceOfShares(first=first, second=second)) for weight, first, second in self.strata]

    @property
    def value(self) -> float:
        """The mean difference, -1 to 1; 0 without a stratum."""
        return math.fsum(weight * part.value for weight, part in self._parts)

    def low(self, tail: float) -> float:
        """Lower limit."""
        return self.value - math.hypot(*(weight * (part.value - part.low(tail)) for weight, part in self._parts))

    def high(self, tail: float) -> float:
        """Upper limit."""
        return self.value + math.hypot(*(weight * (part.high(tail) - part.value) for weight, part in self._parts))

    def inflated(self, factor: float) -> WeightedDifference:
        """The same shares of fewer rows."""
        wider = [(weight, part.inflated(factor)) for weight, part in self._parts]
        return replace(self, strata=tuple((weight, part.first, part.second) for weight, part in wider))

    def detectable(self, bound: float, tail: float) -> float | None:
        """As many distances to the limit as level and power ask, beyond the bound."""
        size = bound + 2 * self.value - self.low(tail) - self.low(MISSED)
        return size if size < 1 else None
