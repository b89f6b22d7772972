"""Limits of the ratio of the smallest and the largest of several shares."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import ClassVar

from model_governance.stats.limits.confidence import MISSED, TAIL, Limits
from model_governance.stats.limits.folded import folded_low
from model_governance.stats.limits.shares import exact_low, wilson_limits

Counts = tuple[float, float]

BISECTIONS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallestRatio(Limits):
    """The smallest share of k groups over the largest, 0 to 1; independent rows.

    The ratio of two shares takes its limits from those of both (Donner and Zou, 2012): Wilson's up to the 95% interval,
    which hold for rare rows too, and Clopper and Pearson's beyond it. The smallest ratio is surely below what any pair of
    groups is surely below, each pair at its part of the level; that it is above the smallest lower limit needs no
    correction.

    Attributes:
        shares: successes and rows of every group, at least two; rows above 0, some success.
    """

    family: ClassVar[str] = "smallest_ratio"
    shares: tuple[Counts, ...]

    @property
    def value(self) -> float:
        """The observed ratio."""
        observed = [count / n for count, n in self.shares]
        return min(observed) / max(observed)

    def low(self, tail: float) -> float:
        """The smallest lower limit over the pairs of groups."""
        return min(low for low, _, _ in self._pairs(tail))

    def high(self, tail: float) -> float:
        """The upper limit of the pair that is furthest apart, at its part of the level; at most 1."""
        level = tail / math.comb(len(self.shares), 2)
        _, larger, smaller = max(self._pairs(level))
        return math.exp(-folded_low(lambda at: _log(ratio_low(self.shares[larger], self.shares[smaller], at)), level))

    def _pairs(self, tail: float) -> list[tuple[float, int, int]]:
        """Lower limit of first over second for every ordered pair of groups, and their places."""
        limits = [_limits(count, n, tail) for count, n in self.shares]
        return [
            (_ratio_low(limits[first], limits[second]), first, second)
            for first, second in itertools.permutations(range(len(limits)), 2)
        ]

    def inflated(self, factor: float) -> SmallestRatio:
        """The same shares of fewer rows."""
        return replace(self, shares=tuple((count / factor, n / factor) for count, n in self.shares))

    def detectable(self, bound: float, tail: float) -> float | None:
        """Unknown: a ratio that is demanded to be small is not known here."""
        del bound, tail
        return None

    def detectable_below(self, bound: float, tail: float) -> float | None:
        """With the errors that shares of this ratio have."""
        near, far = 0.0, min(1.0, bound)
        for _ in range(BISECTIONS):
            middle = (near + far) / 2
            if self._at(middle).high(tail) < bound:
                near = middle
            else:
                far = middle
        if near == 0:
            return None
        ends = sorted(self._at(near).shares, key=lambda group: group[0] / group[1])
        return ratio_low(ends[0], ends[-1], MISSED)

    def _at(self, ratio: float) -> SmallestRatio:
        """The groups with their smallest share at this ratio to the largest, and no other below it."""
        observed = [count / n for count, n in self.shares]
        least, smallest = ratio * max(observed), observed.index(min(observed))
        return replace(
            self,
            shares=tuple(
                ((least if place == smallest else max(share, least)) * n, n)
                for place, (share, (_, n)) in enumerate(zip(observed, self.shares, strict=True))
            ),
        )


def ratio_low(first: Counts, second: Counts, tail: float) -> float:
    """Lower limit of the first share over the second, 0 to infinity excluded; rows above 0."""
    return _ratio_low(_limits(*first, tail), _limits(*second, tail))


def _limits(count: float, n: float, tail: float) -> tuple[float, float, float]:
    """Lower limit, share and upper limit."""
    if tail >= TAIL:
        low, high = wilson_limits(count, n, tail)
    else:
        low, high = exact_low(count, n, tail), 1 - exact_low(n - count, n, tail)
    return low, count / n, high


def _ratio_low(first: tuple[float, float, float], second: tuple[float, float, float]) -> float:
    """Lower limit of the first share over the second, from the limits of both."""
    low, share, _ = first
    _, other, high = second
    # The root r of (share - r other)^2 = (share - low)^2 + r^2 (high - other)^2.
    middle, wide = share * other, low * (2 * share - low)
    root = math.sqrt(max(0.0, middle**2 - wide * high * (2 * other - high)))
    return wide / (middle + root) if middle + root > 0 else 0.0


def _log(ratio: float) -> float:
    return math.log(ratio) if ratio > 0 else -700.0
