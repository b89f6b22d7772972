"""Limits of an estimate that errs roughly normally, from its 95% interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from model_governance.stats.limits.confidence import AT_95, Limits, quantile_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretched(Limits):
    """The 95% limits moved in proportion to the standard normal quantile, on a scale on which the estimate errs normally.

    Attributes:
        value: the estimate; above 0 on the logarithmic scale, between 0 and 1 on that of the logit, and so are its limits.
        low95: lower limit of its 95% interval.
        high95: upper limit of its 95% interval.
        scale: "log" for ratios, "logit" for shares.
    """

    family: ClassVar[str] = "stretched"
    value: float
    low95: float
    high95: float
    scale: Literal["plain", "log", "logit"] = "plain"

    def low(self, tail: float) -> float:
        """Value less the distance to the lower 95% limit, as often as the quantile asks."""
        return self._moved(self.low95, quantile_of(tail) / AT_95)

    def high(self, tail: float) -> float:
        """Value and the distance to the upper 95% limit, as often as the quantile asks."""
        return self._moved(self.high95, quantile_of(tail) / AT_95)

    def inflated(self, factor: float) -> Stretched:
        """Limits farther away by the root of the factor."""
        root = math.sqrt(factor)
        return replace(self, low95=self._moved(self.low95, root), high95=self._moved(self.high95, root))

    def detectable(self, bound: float, tail: float) -> float | None:
        """`bound` and as many standard errors as level and power ask; the standard error is taken as that of now."""
        steps = (quantile_of(tail) + quantile_of(0.05)) / AT_95
        if (self.scale != "plain" and bound <= 0) or (self.scale == "logit" and bound >= 1):
            return None
        distance = self._onto(self.value) - self._onto(self.low95)
        return self._back(self._onto(bound) + steps * distance)

    def _moved(self, limit: float, times: float) -> float:
        """The value, moved that many times as far as to the limit."""
        start = self._onto(self.value)
        return self._back(start + times * (self._onto(limit) - start))

    def _onto(self, number: float) -> float:
        if self.scale == "plain":
            return number
        return math.log(number) if self.scale == "log" else math.log(number / (1 - number))

    def _back(self, number: float) -> float:
        if self.scale == "plain":
            return number
        if self.scale == "log":
            return math.exp(min(number, 700.0))
        return 1 / (1 + math.exp(-number)) if number > -700 else 0.0
