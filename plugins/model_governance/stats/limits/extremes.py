"""Limits of the largest of several numbers, and of the range of several groups."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from model_governance.stats.limits.confidence import AT_95, MISSED, TAIL, Limits, quantile_of
from model_governance.stats.limits.shares import DifferenceOfShares, ExactShare

if TYPE_CHECKING:
    from model_governance.stats.limits.student import StudentT


@dataclass(frozen=True, slots=True, kw_only=True)
class LargestOf(Limits):
    """The largest of k numbers, each with limits of its own; nothing is assumed of how they depend on one another.

    The largest is surely above what any of them is surely above, each at its part of the level. It is above the
    largest upper limit only if the number that is truly largest is above its own, which needs no correction.

    Attributes:
        parts: limits of the numbers, at least one.
    """

    family: ClassVar[str] = "largest_of"
    parts: tuple[Limits, ...]

    def low(self, tail: float) -> float:
        """The largest lower limit, each at tail / k."""
        return max(part.low(tail / len(self.parts)) for part in self.parts)

    def high(self, tail: float) -> float:
        """The largest upper limit."""
        return max(part.high(tail) for part in self.parts)

    def p_above(self, bound: float) -> float:
        """The smallest p-value of the parts, times their number (Bonferroni)."""
        return min(1.0, len(self.parts) * min(part.p_above(bound) for part in self.parts))

    def inflated(self, factor: float) -> LargestOf:
        """The same with every variance larger."""
        return replace(self, parts=tuple(part.inflated(factor) for part in self.parts))

    def detectable(self, bound: float, tail: float) -> float | None:
        """What is detectable in the part that shows least: any of them may be the largest."""
        found = [part.detectable(bound, tail / len(self.parts)) for part in self.parts]
        known = [value for value in found if value is not None]
        return max(known) if len(known) == len(found) else None

    def record(self) -> dict[str, Any]:
        """The family and the records of the parts."""
        return {"family": self.family, "shared": self.shared, "parts": [part.record() for part in self.parts]}


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeOf(Limits):
    """The largest less the smallest of k groups.

    Up to the 95% interval the limits are those given, which know that the range of noisy groups lies too high. Beyond it
    they are at least as far as those of all pairs of groups: each pair's limits combine those of its two groups (method of
    variance estimates recovery, Zou and Donner, 2008), the lower ones at their part of the level (Bonferroni).

    Attributes:
        value: the observed range.
        middle: its median-unbiased estimate, at most the value: both limits at the tail 0.5.
        low95: lower limit of its 95% interval.
        high95: upper limit of its 95% interval.
        groups: limits of every group, at least two.
    """

    family: ClassVar[str] = "range_of"
    value: float
    middle: float
    low95: float
    high95: float
    groups: tuple[ExactShare | StudentT, ...]

    def low(self, tail: float) -> float:
        """Lower limit, at least 0."""
        near = self.middle - quantile_of(tail) / AT_95 * (self.middle - self.low95)
        if tail >= TAIL:
            return max(0.0, near)
        pairs = len(self.groups) * (len(self.groups) - 1)
        far = max(self._pair_lows(tail / pairs))
        return max(0.0, min(near, self.low95, far))

    def high(self, tail: float) -> float:
        """Upper limit."""
        near = self.middle + quantile_of(tail) / AT_95 * (self.high95 - self.middle)
        if tail >= TAIL:
            return near
        return max(near, self.high95, *self._pair_highs(tail))

    def inflated(self, factor: float) -> RangeOf:
        """The same with every variance larger."""
        root = math.sqrt(factor)
        return replace(
            self, low95=max(0.0, self.middle - root * (self.middle - self.low95)),
            high95=self.middle + root * (self.high95 - self.middle),
            groups=tuple(group.inflated(factor) for group in self.groups),
        )  # fmt: skip

    def detectable(self, bound: float, tail: float) -> float | None:
        """What is detectable between the two groups that show least: any two may be furthest apart."""
        level = tail / (len(self.groups) * (len(self.groups) - 1))
        found = [_detectable(first, second, bound, level) for first, second in itertools.permutations(self.groups, 2)]
        known = [size for size in found if size is not None]
        return max(known) if len(known) == len(found) else None

    def record(self) -> dict[str, Any]:
        """The family, its numbers, and the records of the groups."""
        numbers = {name: getattr(self, name) for name in ("shared", "value", "middle", "low95", "high95")}
        return {"family": self.family, **numbers, "groups": [group.record() for group in self.groups]}

    def _pair_lows(self, tail: float) -> list[float]:
        """Lower limit of first less second for every ordered pair of groups."""
        values = [group.value for group in self.groups]
        below = [group.value - group.low(tail) for group in self.groups]
        above = [group.high(tail) - group.value for group in self.groups]
        places = range(len(values))
        return [
            values[first] - values[second] - math.hypot(below[first], above[second])
            for first in places
            for second in places
            if first != second
        ]

    def _pair_highs(self, tail: float) -> list[float]:
        return [-low for low in self._pair_lows(tail)]


def _detectable(first: ExactShare | StudentT, second: ExactShare | StudentT, bound: float, tail: float) -> float | None:
    """The smallest detectable difference of two groups."""
    if isinstance(first, ExactShare) and isinstance(second, ExactShare):
        pair = DifferenceOfShares(first=(first.successes, first.n), second=(second.successes, second.n))
        return pair.detectable(bound, tail)
    reach = sum(math.hypot(*(group.value - group.low(at) for group in (first, second))) for at in (tail, MISSED))
    return bound + reach
