"""Confidence limits of an estimate at any level: what a verdict compares with a bound.

A 95% interval answers one question. An alarm budget asks at levels of one in a thousand and less, and there the limits
of a rare share or of a distance are not those of a stretched 95% interval. Each family computes the limits from its own
sampling distribution, and is stored as plain numbers, so that an auditor can judge the same measurement again.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Callable

TAIL = 0.025
"""What a 95% interval leaves on each side."""
SEARCH_STEPS = 60
SECANT_STEPS = 8
NEAR = 1e-6
"""Quantiles that are no farther apart are taken for the same."""
FARTHEST = 37.0
"""Standard normal quantile beyond which a probability is no longer told from 0 in double precision."""
HALVINGS = math.ceil(math.log2(FARTHEST / NEAR))
FINEST = FARTHEST / 2**HALVINGS
"""Distance of two quantiles at the end of a bisection."""
_NORMAL = NormalDist()


def tail_of(quantile: float) -> float:
    """The probability above a standard normal quantile; accurate far out, where 1 - cdf is not."""
    return math.erfc(quantile / math.sqrt(2)) / 2


def quantile_of(tail: float) -> float:
    """The standard normal quantile with this probability above it; `FARTHEST` at and near 0.

    Args:
        tail: 0 to 1.
    """
    if tail >= 0.5:
        return max(-FARTHEST, _NORMAL.inv_cdf(1 - tail)) if tail < 1 else -FARTHEST
    return min(FARTHEST, -_NORMAL.inv_cdf(tail)) if tail > 1e-290 else FARTHEST


MISSED = 0.05
"""Probability that a change that is called detectable is missed."""
AT_95 = quantile_of(TAIL)
"""Distance of a 95% limit in standard errors, 1.96."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(ABC):
    """Lower and upper confidence limits of one number, at any level.

    Attributes:
        shared: part of the variance that all runs have in common because they are compared with the same
            reference, 0 to 1.
    """

    family: ClassVar[str]
    shared: float = 0.0

    @abstractmethod
    def low(self, tail: float) -> float:
        """The limit below which the truth lies with the chance `tail`, 0 to 0.5."""

    @abstractmethod
    def high(self, tail: float) -> float:
        """The limit above which the truth lies with the chance `tail`, 0 to 0.5."""

    def interval(self) -> tuple[float, float]:
        """The 95% interval."""
        return self.low(TAIL), self.high(TAIL)

    def p_above(self, bound: float) -> float:
        """p-value of "the truth is at most `bound`": small where it surely lies above, above 0.5 where it does not."""
        p_value = crossing(lambda tail: self.low(tail) - bound)
        return p_value if p_value < 0.5 else max(0.5, 1 - crossing(lambda tail: bound - self.high(tail)))

    def p_below(self, bound: float) -> float:
        """p-value of "the truth is at least `bound`": small where it surely lies below."""
        p_value = crossing(lambda tail: bound - self.high(tail))
        return p_value if p_value < 0.5 else max(0.5, 1 - crossing(lambda tail: self.low(tail) - bound))

    @abstractmethod
    def inflated(self, factor: float) -> Limits:
        """The same with a variance that many times as large, 1 or more."""

    @abstractmethod
    def detectable(self, bound: float, tail: float) -> float | None:
        """The smallest truth above `bound` that has its lower limit above it with probability 0.95; None if unknown.

        The least estimate that has its limit there, and the truth that reaches this estimate with that probability: its
        upper limit at `MISSED`.
        """

    def detectable_below(self, bound: float, tail: float) -> float | None:
        """The largest truth below `bound` that has its upper limit below it with probability 0.95; None if unknown.

        Here as if the limits moved with the estimate and kept their distances; a family that knows better says so.
        """
        return bound - (self.high(tail) - self.low(MISSED))

    def record(self) -> dict[str, Any]:
        """The family and its numbers as JSON types."""
        return {"family": self.family, **{name: _listed(value) for name, value in asdict(self).items()}}


def crossing(distance: Callable[[float], float]) -> float:
    """The smallest tail at which the limit is still beyond the bound, by bisection of its normal quantile; 0.5 if none.

    Args:
        distance: how far the limit at a tail lies beyond the bound, above 0 where it does; it falls with the tail.
    """

    def beyond(quantile: float) -> bool:
        return distance(tail_of(quantile)) > 0

    if not beyond(0.0):
        return 0.5
    if beyond(FARTHEST):
        return 0.0
    guess = _guess(distance)
    if guess is not None:
        near, far = _around(guess)
        if (near == 0 or beyond(near)) and (far == FARTHEST or not beyond(far)):
            return tail_of(near)
    return tail_of(_bisected(beyond)[0])


def _bisected(beyond: Callable[[float], bool]) -> tuple[float, float]:
    """The last quantile that is beyond, and the first that is not, as near to each other as the search goes."""
    near, far = 0.0, FARTHEST
    for _ in range(SEARCH_STEPS):
        middle = (near + far) / 2
        if beyond(middle):
            near = middle
        else:
            far = middle
        if far - near < NEAR:
            break
    return near, far


def _around(guess: float) -> tuple[float, float]:
    """What `_bisected` gives where all quantiles below the guess are beyond: the search ends on a grid that is exact."""
    steps = math.ceil(guess / FINEST)
    steps -= steps * FINEST >= guess
    steps += (steps + 1) * FINEST < guess
    steps = min(max(steps, 0), 2**HALVINGS - 1)
    return steps * FINEST, (steps + 1) * FINEST


def _guess(distance: Callable[[float], float]) -> float | None:
    """The quantile at which a limit crosses the bound, by the secant method; None where that finds none.

    Limits are smooth in their quantile, many straight: a few steps do, where bisection takes 26.
    """
    before, now = 0.0, 2.0
    height_before, height = distance(tail_of(before)), distance(tail_of(now))
    for _ in range(SECANT_STEPS):
        slope = height - height_before
        if slope == 0 or not math.isfinite(slope):
            return None
        step = height * (now - before) / slope
        before, height_before = now, height
        now = min(max(now - step, 0.0), FARTHEST)
        if abs(now - before) < NEAR / 100:
            return now
        height = distance(tail_of(now))
    return None


def _listed(value: Any) -> Any:
    """Tuples as the lists that JSON gives back."""
    return [_listed(part) for part in value] if isinstance(value, (list, tuple)) else value
