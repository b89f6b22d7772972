"""Limits of an area under the ROC curve, by its score interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from model_governance.stats.limits.confidence import Limits, quantile_of

if TYPE_CHECKING:
    from collections.abc import Sequence

BISECTIONS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RocArea(Limits):
    """The mean of several ROC AUCs, each of rows of its own.

    A limit is the area whose distance from the estimate is `quantile` standard errors, the error taken at the limit
    (Newcombe, 2006, method 5; variance of Hanley and McNeil, 1982). At 0.5 that is the variance of Mann and Whitney
    (1947), so the evidence that scores separate at all is theirs, and an area of 1 still has a width.

    Attributes:
        value: the mean area, 0 to 1.
        rows: negative and positive rows of each area, all above 0.
        spread: factor on the standard error where the rows vary more than the formula says, at least 1.
    """

    family: ClassVar[str] = "roc_area"
    value: float
    rows: tuple[tuple[float, float], ...]
    spread: float = 1.0

    def low(self, tail: float) -> float:
        """Lower limit, 0 to the value."""
        return self._limit(quantile_of(tail), 0.0)

    def high(self, tail: float) -> float:
        """Upper limit, the value to 1."""
        return self._limit(quantile_of(tail), 1.0)

    def inflated(self, factor: float) -> RocArea:
        """The same area of fewer rows."""
        return replace(self, rows=tuple((negative / factor, positive / factor) for negative, positive in self.rows))

    def detectable(self, bound: float, tail: float) -> float | None:
        """The area that has its lower limit above `bound` with probability 0.95."""
        if not 0 < bound < 1:
            return None
        size = bound + (quantile_of(tail) + quantile_of(0.05)) * self.spread * standard_error(bound, self.rows)
        return size if size < 1 else None

    def _limit(self, quantile: float, end: float) -> float:
        near, far = self.value, end
        for _ in range(BISECTIONS):
            middle = (near + far) / 2
            if abs(self.value - middle) < quantile * self.spread * standard_error(middle, self.rows):
                near = middle
            else:
                far = middle
        return (near + far) / 2


def standard_error(area: float, rows: Sequence[tuple[float, float]]) -> float:
    """Standard error of the mean of independent ROC AUCs that are all this large.

    Args:
        area: 0 to 1.
        rows: negative and positive rows of each.
    """
    total = 0.0
    for negative, positive in rows:
        others = max(0.0, (negative + positive) / 2 - 1)
        rivals = 1 + others * (1 - area) / (2 - area) + others * area / (1 + area)
        total += area * (1 - area) * rivals / (negative * positive)
    return math.sqrt(total) / len(rows)
