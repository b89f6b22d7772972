"""Limits of the number of keys of which something holds, from one p-value for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from model_governance.stats.limits.confidence import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialConjunction(Limits):
    """How many of m keys lie beyond a limit, or which share of them.

    That at least u of m do has the p-value (m - u + 1) p(u), with p(u) the u-th smallest (Benjamini and Heller, 2008,
    in Bonferroni's form): nothing is assumed of how keys depend on one another.

    Attributes:
        beyond: p-values of "this key lies within the limit", ascending, shape (m,).
        within: p-values of "this key lies beyond the limit", ascending, shape (m,).
        as_share: whether the number is divided by m.
    """

    family: ClassVar[str] = "partial_conjunction"
    beyond: tuple[float, ...]
    within: tuple[float, ...]
    as_share: bool = True

    def low(self, tail: float) -> float:
        """How many lie beyond the limit at least."""
        return _proven(self.beyond, tail) * self._unit

    def high(self, tail: float) -> float:
        """How many lie beyond the limit at most."""
        return (len(self.within) - _proven(self.within, tail)) * self._unit

    def p_above(self, bound: float) -> float:
        """p-value of "no more keys than this lie beyond"."""
        return self._p_value(self.beyond, bound)

    def p_below(self, bound: float) -> float:
        """p-value of "no fewer keys than this lie beyond"."""
        return self._p_value(self.within, len(self.within) * self._unit - bound)

    def inflated(self, factor: float) -> PartialConjunction:
        """The same: the p-values of the keys hold their own noise."""
        del factor
        return self

    def detectable(self, bound: float, tail: float) -> float | None:
        """The smallest number above the bound; every further key has to be proven, whatever the level."""
        del tail
        return math.floor(bound / self._unit + 1 + 1e-12) * self._unit

    def detectable_below(self, bound: float, tail: float) -> float | None:
        """The largest number below the bound."""
        del tail
        return math.ceil(bound / self._unit - 1 - 1e-12) * self._unit

    @property
    def _unit(self) -> float:
        return 1 / len(self.beyond) if self.as_share else 1.0

    def _p_value(self, p_values: tuple[float, ...], bound: float) -> float:
        least = next((u for u in range(1, len(p_values) + 1) if u * self._unit > bound + 1e-12), None)
        if least is None:
            return 1.0
        m = len(p_values)
        return min(1.0, max((m - u + 1) * p_values[u - 1] for u in range(1, least + 1)))


def _proven(p_values: tuple[float, ...], tail: float) -> int:
    """The largest number of keys that the p-values prove, step by step from the smallest."""
    m = len(p_values)
    for place, p_value in enumerate(p_values):
        if (m - place) * p_value > tail:
            return place
    return m
