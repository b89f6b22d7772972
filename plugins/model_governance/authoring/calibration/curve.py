"""How often runs without any change lie beyond a bound: the rate over the windows, with its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from model_governance.stats.limits import ExactShare

if TYPE_CHECKING:
    import numpy as np

SURE = 0.95
NOT_NORMAL = 0.01

Side = Literal["upper", "lower"]
Method = Literal["counted", "normal tail", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number with its 95% interval."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> Estimate:
        """All three multiplied."""
        return Estimate(value=factor * self.value, low=factor * self.low, high=factor * self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A bound that keeps the accepted rate with 95% confidence, and its method; None where the windows do not suffice."""

    bound: float | None
    method: Method
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The critical bounds of windows in which nothing had changed.

    A window lies beyond a bound that is on the wrong side of its critical bound: at or below it where numbers must
    stay under the bound ("upper"), above it where they must reach it ("lower"). A window that no bound catches is
    infinite.

    Attributes:
        critical: critical bounds, ascending, shape (windows,).
        side: "upper" or "lower".
        dependence: factor by which windows that share rows carry less evidence than as many independent ones.
    """

    critical: np.ndarray
    side: Side
    dependence: float = 1.0

    @property
    def windows(self) -> int:
        """Number of windows."""
        return len(self.critical)

    @property
    def independent(self) -> float:
        """As many independent windows carry the same evidence."""
        return self.windows / self.dependence

    def beyond(self, bound: float) -> int:
        """Windows that lie beyond this bound."""
        import numpy as np

        below = int(np.searchsorted(self.critical, bound, side="left"))
        return self.windows - below if self.side == "upper" else below

    def counted(self, bound: float) -> Estimate:
        """Probability that a run lies beyond the bound, with the exact binomial interval (Clopper and Pearson)."""
        share = self.beyond(bound) / self.windows
        low, high = ExactShare(successes=share * self.independent, n=self.independent).interval()
        return Estimate(value=share, low=low, high=high)

    def rate(self, bound: float) -> Estimate:
        """As `counted`, by the normal tail where no window lies beyond the bound.

        The tail needs critical bounds that look normal (Shapiro and Wilk, 1965); otherwise the exact upper limit of
        "none of so many" stands.
        """
        if self.beyond(bound) == 0 and self.is_normal:
            return self._tail(bound)
        return self.counted(bound)

    def propose(self, level: float) -> Proposal:
        """The bound nearest to the numbers beyond which at most `level` of runs lie, with 95% confidence."""
        from scipy.stats import binom

        # As many windows beyond it as leave a 5% chance, were the true rate the level: an exact tolerance limit.
        beyond = float(binom.ppf(1 - SURE, math.floor(self.independent), level)) - 1
        if beyond >= 0:
            bound = self._past(math.floor(beyond * self.dependence))
            if math.isinf(bound):
                return Proposal(bound=None, method="none", reason="too many drawn runs lie beyond any bound")
            return Proposal(bound=bound, method="counted")
        if self.is_normal:
            return Proposal(bound=self._tolerance_limit(level), method="normal tail")
        needed = math.ceil(self.dependence * math.log(1 - SURE) / math.log1p(-level))
        reason = f"{self.windows:,} windows cannot show a rate of {level:.2g}, and their numbers are not normal"
        return Proposal(bound=None, method="none", reason=f"{reason}: {needed:,} windows would be needed")

    @property
    def is_normal(self) -> bool:
        """Whether a normal tail may stand in for windows that were not drawn."""
        import numpy as np
        from scipy.stats import shapiro

        if self.windows < 20 or not np.isfinite(self.critical).all() or np.ptp(self.critical) == 0:
            return False
        step = max(1, self.windows // 4000)  # the test's tables end at 5,000
        return float(shapiro(self.critical[::step]).pvalue) >= NOT_NORMAL

    def _past(self, count: int) -> float:
        """The bound that exactly `count` windows lie beyond, just past the next one."""
        import numpy as np

        if self.side == "upper":
            return float(np.nextafter(self.critical[self.windows - 1 - count], np.inf))
        return float(self.critical[count])

    def _tolerance_limit(self, level: float) -> float:
        """One-sided normal tolerance limit: the non-central t of Johnson and Welch (1940)."""
        from scipy.stats import nct, norm

        root = math.sqrt(self.independent)
        factor = float(nct.ppf(SURE, self.independent - 1, norm.isf(level) * root)) / root
        mean, deviation = self._moments
        return mean + factor * deviation if self.side == "upper" else mean - factor * deviation

    def _tail(self, bound: float) -> Estimate:
        from scipy.optimize import brentq
        from scipy.stats import nct, norm

        mean, deviation = self._moments
        away = (bound - mean) / deviation if self.side == "upper" else (mean - bound) / deviation
        root = math.sqrt(self.independent)

        def limit(chance: float) -> float:
            spread = 2 + abs(away)
            return float(
                brentq(
                    lambda quantile: nct.cdf(away * root, self.independent - 1, quantile * root) - chance,
                    away - spread,
                    away + spread,
                )
            )

        value, low, high = (float(norm.sf(quantile)) for quantile in (away, limit(0.025), limit(0.975)))
        return Estimate(value=value, low=low, high=high)

    @property
    def _moments(self) -> tuple[float, float]:
        return float(self.critical.mean()), float(self.critical.std(ddof=1))
