"""Limits of an area under the ROC curve, by its score interval corrected for skewness."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from model_governance.stats.limits.confidence import MISSED, Limits, quantile_of

if TYPE_CHECKING:
    from collections.abc import Sequence

BISECTIONS = 60
EDGE = 1e-12
"""Nearest to 0 and 1 that odds are computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RocArea(Limits):
    """The mean of several ROC AUCs, each of rows of its own.

    A limit is the area whose distance from the estimate is `quantile` standard errors, the error taken at the limit
    (Newcombe, 2006, method 5; variance of Hanley and McNeil, 1982). At 0.5 that is the variance of Mann and Whitney
    (1947), so the evidence that scores separate at all is theirs, and an area of 1 still has a width.

    The area of few rows is skewed, away from the nearer end: a true 0.85 is seen far below more often than far above.
    A normal quantile misses that side several times too often at the levels of an alarm budget. There the distance
    grows by skewness * (quantile^2 - 1) / 6 standard errors (Cornish and Fisher, 1938; as in the score limits of Gart and
    Nam, 1988). The other side is not brought nearer.

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
        return self._limit(quantile_of(tail), end=0.0)

    def high(self, tail: float) -> float:
        """Upper limit, the value to 1."""
        return self._limit(quantile_of(tail), end=1.0)

    def inflated(self, factor: float) -> RocArea:
        """The same area of fewer rows."""
        return replace(self, rows=tuple((negative / factor, positive / factor) for negative, positive in self.rows))

    def detectable(self, bound: float, tail: float) -> float | None:
        """With the errors that areas of this size have."""
        if not 0 < bound < 1:
            return None
        least = bound + self._reach(quantile_of(tail), bound, end=0.0)
        return replace(self, value=least).high(MISSED) if least < 1 else None

    def detectable_below(self, bound: float, tail: float) -> float | None:
        """With the errors that areas of this size have."""
        if not 0 < bound < 1:
            return None
        most = bound - self._reach(quantile_of(tail), bound, end=1.0)
        return replace(self, value=most).low(MISSED) if most > 0 else None

    def _limit(self, quantile: float, *, end: float) -> float:
        near, far = self.value, end
        for _ in range(BISECTIONS):
            middle = (near + far) / 2
            if abs(self.value - middle) < self._reach(quantile, middle, end=end):
                near = middle
            else:
                far = middle
        return (near + far) / 2

    def _reach(self, quantile: float, limit: float, *, end: float) -> float:
        """How far from a limit, on the way to this end, the area may be seen."""
        error = standard_error(limit, self.rows)
        if error == 0:
            return 0.0
        # Towards 1 the limit lies above the area, which is then in its lower tail.
        skewed = third_moment(limit, self.rows) / error**2 * (1 if end == 0 else -1)
        return self.spread * (quantile * error + max(0.0, skewed * (quantile**2 - 1) / 6))


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


def third_moment(area: float, rows: Sequence[tuple[float, float]]) -> float:
    """Third central moment of the mean of independent ROC AUCs that are all this large, to the order 1 / rows^2.

    That of a U-statistic of two samples (Hoeffding, 1948) under the model of Hanley and McNeil (1982), in which one class
    has hazards `odds` times those of the other; as in `standard_error`, it is not said which class that is.

    Args:
        area: 0 to 1.
        rows: negative and positive rows of each.
    """
    odds = min(max(area, EDGE), 1 - EDGE) / min(max(1 - area, EDGE), 1 - EDGE)
    # Moments of what a row of either class adds, and of both with their pair.
    shape = 2 * odds * (1 - odds) / (odds + 1) ** 3
    one, other = shape / ((odds + 2) * (odds + 3)), shape * odds**2 / ((2 * odds + 1) * (3 * odds + 1))
    pair = shape * odds / (4 * (odds + 2) * (2 * odds + 1))
    total = 0.0
    for negative, positive in rows:
        total += (one + other) / 2 * (negative**-2 + positive**-2) + 6 * pair / (negative * positive)
    return total / len(rows) ** 3
