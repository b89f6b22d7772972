"""Limits of an estimate that errs roughly normally, from its 95% interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from model_governance.stats.limits.confidence import TAIL, Limits, quantile_of

_AT_95 = quantile_of(TAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretched(Limits):
    """The 95% limits moved in proportion to the standard normal quantile, on a plain or a logarithmic scale.

    Attributes:
        value: the estimate; above 0 on the logarithmic scale, where `low95` is too.
        low95: lower limit of its 95% interval.
        high95: upper limit of its 95% interval.
        scale: "log" for ratios, whose logarithm errs normally.
    """

    family: ClassVar[str] = "stretched"
    value: float
    low95: float
    high95: float
    scale: Literal["plain", "log"] = "plain"

    def low(self, tail: float) -> float:
        """Value less the distance to the lower 95% limit, as often as the quantile asks."""
        times = quantile_of(tail) / _AT_95
        if self.scale == "log":
            return self.value * (self.low95 / self.value) ** times
        return self.value - times * (self.value - self.low95)

    def high(self, tail: float) -> float:
        """Value and the distance to the upper 95% limit, as often as the quantile asks."""
        times = quantile_of(tail) / _AT_95
        if self.scale == "log":
            return self.value * (self.high95 / self.value) ** times
        return self.value + times * (self.high95 - self.value)

    def inflated(self, factor: float) -> Stretched:
        """Limits farther away by the root of the factor."""
        root = math.sqrt(factor)
        if self.scale == "log":
            low, high = (self.value * (limit / self.value) ** root for limit in (self.low95, self.high95))
        else:
            low, high = (self.value + root * (limit - self.value) for limit in (self.low95, self.high95))
        return replace(self, low95=low, high95=high)

    def detectable(self, bound: float, tail: float) -> float | None:
        """`bound` and as many standard errors as level and power ask; the standard error is taken as that of now."""
        steps = (quantile_of(tail) + quantile_of(0.05)) / _AT_95
        if self.scale == "log":
            return bound * (self.value / self.low95) ** steps if bound > 0 else None
        return bound + steps * (self.value - self.low95)
