"""Limits of a mean, or of a difference of means, whose standard error is estimated."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from model_governance.stats.limits.confidence import MISSED, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentT(Limits):
    """An estimate with a standard error, by Student's t distribution (1908).

    Attributes:
        value: the estimate.
        error: its standard error, above 0.
        freedom: degrees of freedom of the standard error, above 0; Welch's (1947) for a difference.
    """

    family: ClassVar[str] = "student_t"
    value: float
    error: float
    freedom: float

    def low(self, tail: float) -> float:
        """The estimate less the quantile's number of standard errors."""
        return self.value - self._quantile(tail) * self.error

    def high(self, tail: float) -> float:
        """The estimate and the quantile's number of standard errors."""
        return self.value + self._quantile(tail) * self.error

    def inflated(self, factor: float) -> StudentT:
        """The same with a larger standard error."""
        return replace(self, error=self.error * math.sqrt(factor))

    def detectable(self, bound: float, tail: float) -> float | None:
        """`bound` and as many standard errors as level and power ask; the standard error is taken as that of now."""
        return bound + (self._quantile(tail) + self._quantile(MISSED)) * self.error

    def _quantile(self, tail: float) -> float:
        from scipy.special import stdtrit

        return -float(stdtrit(self.freedom, max(tail, 1e-300)))
