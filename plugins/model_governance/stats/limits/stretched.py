"""Limits of an estimate that errs roughly normally, from its 95% interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from model_governance.stats.limits.confidence import AT_95, MISSED, Limits, quantile_of, tail_of

if TYPE_CHECKING:
    from collections.abc import Callable

Scale = Literal["plain", "log", "logit", "probit", "arcsine", "complement"]


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
    scale: Scale = "plain"

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
        """As if the limits kept their distances on the scale of the error."""
        return moved(bound, self.low(tail), self.high(MISSED), scale=self._error_scale)

    def detectable_below(self, bound: float, tail: float) -> float | None:
        """As if the limits kept their distances on the scale of the error."""
        return moved(bound, self.high(tail), self.low(MISSED), scale=self._error_scale)

    @property
    def _error_scale(self) -> Scale:
        """The scale on which the error is about the same everywhere."""
        return self.scale

    def _moved(self, limit: float, times: float) -> float:
        """The value, moved that many times as far as to the limit."""
        start = _onto(self.value, self.scale)
        return _back(start + times * (_onto(limit, self.scale) - start), self.scale)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowingError(Stretched):
    """Stretched limits of a number whose error changes with the number itself, as that of a loss or of an area does.

    The limits are those of `Stretched`. What is detectable is asked where the truth would be, so the error is that of
    there.

    Attributes:
        grows: scale on which the error is about the same everywhere: "log" where it is proportional to the number (a mean
            of losses), "arcsine" where it is that of a share (Anscombe, 1948), "probit" of an area under the ROC curve
            (binormal scores), "logit" of a mean precision, "complement" where it is proportional to 1 less the number
            (R2).
    """

    family: ClassVar[str] = "growing_error"
    grows: Scale

    @property
    def _error_scale(self) -> Scale:
        return self.grows


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast(Stretched):
    """Stretched limits of a number that a run will show later, from an estimate that errs less than that number varies.

    The limits hold what will be shown. What is detectable is asked of the estimate, which alone decides.

    Attributes:
        spread: standard error of the estimate as a share of that of the forecast, 0 to 1.
    """

    family: ClassVar[str] = "forecast"
    spread: float

    def inflated(self, factor: float) -> Forecast:
        """Limits farther away by the root of the factor; the estimate errs as much more."""
        root = math.sqrt(factor)
        return replace(self, low95=self._moved(self.low95, root), high95=self._moved(self.high95, root))

    def detectable(self, bound: float, tail: float) -> float | None:
        """As `Stretched`, with the chance that a run is missed from the error of the estimate."""
        return moved(bound, self.low(tail), self._missed(self.high95), scale=self.scale)

    def detectable_below(self, bound: float, tail: float) -> float | None:
        """As `Stretched`, with the chance that a run is missed from the error of the estimate."""
        return moved(bound, self.high(tail), self._missed(self.low95), scale=self.scale)

    def _missed(self, limit: float) -> float:
        return self._moved(limit, self.spread * quantile_of(MISSED) / AT_95)


def moved(bound: float, limit: float, opposite: float, *, scale: Scale) -> float | None:
    """The truth whose estimate has its limit at the bound but for the chance `MISSED`.

    Args:
        bound: where the limit must lie.
        limit: the limit of the present estimate, on the side of the bound.
        opposite: its limit on the other side at `MISSED`: the truth that reaches the present estimate.
        scale: on which both keep their distance when the estimate moves.

    Returns:
        None where the bound or a limit is not on the scale.
    """
    if any(not _is_on(number, scale) for number in (bound, limit, opposite)):
        return None
    return _back(_onto(bound, scale) + _onto(opposite, scale) - _onto(limit, scale), scale)


def _is_on(number: float, scale: Scale) -> bool:
    if scale == "plain":
        return True
    return (number > 0 or scale == "complement") and (number < 1 or scale == "log")


def _onto(number: float, scale: Scale) -> float:
    return _SCALES[scale][0](number)


def _back(number: float, scale: Scale) -> float:
    return _SCALES[scale][1](number)


_SCALES: dict[Scale, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "plain": (float, float),
    "log": (math.log, lambda number: math.exp(min(number, 700.0))),
    "logit": (
        lambda share: math.log(share / (1 - share)),
        lambda number: 1 / (1 + math.exp(-number)) if number > -700 else 0.0,
    ),
    "probit": (lambda share: quantile_of(1 - share), lambda number: tail_of(-number)),
    "arcsine": (
        lambda share: math.asin(math.sqrt(share)),
        lambda number: math.sin(min(max(number, 0.0), math.pi / 2)) ** 2,
    ),
    "complement": (lambda number: -math.log(1 - number), lambda number: 1 - math.exp(min(-number, 700.0))),
}
"""Of each scale: the number on it, and the number that lies there."""
