"""How often a bound fails although nothing has changed: the rate over the windows, with its uncertainty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    import numpy as np

SURE = 0.95
ENOUGH_BEYOND = 10
"""From this many windows expected beyond a bound, counting them is enough; below, a tail must be assumed."""
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
    """The critical bounds of windows in which nothing had changed, ascending, shape (windows,).

    A window fails a demand whose bound is on the wrong side of its critical bound: at or below it where numbers
    must stay under the bound ("upper"), above it where they must reach it ("lower"). A window that no bound can
    fail, because it holds no evidence, is infinite.
    """

    critical: np.ndarray
    side: Side

    @property
    def windows(self) -> int:
        """Number of windows."""
        return len(self.critical)

    def failing(self, bound: float) -> int:
        """Windows that this bound would fail."""
        import numpy as np

        if self.side == "upper":
            return self.windows - int(np.searchsorted(self.critical, bound, side="left"))
        return int(np.searchsorted(self.critical, bound, side="left"))

    def rate(self, bound: float) -> Estimate:
        """Probability of a false fail in one run: exact binomial where windows fail, the normal tail where none does.

        The tail needs critical bounds that look normal (Shapiro and Wilk, 1965); otherwise the exact upper limit of
        "none of so many" stands.
        """
        failing = self.failing(bound)
        low, high = clopper_pearson(failing, self.windows)
        if failing == 0 and self.is_normal:
            return self._tail(bound)
        return Estimate(value=failing / self.windows, low=low, high=high)

    def propose(self, level: float) -> Proposal:
        """The bound nearest to the numbers whose false-fail rate is at most `level`, with 95% confidence."""
        from scipy.stats import binom

        if level * self.windows >= ENOUGH_BEYOND:
            # As many windows beyond it as leave a 5% chance, were the true rate the level: an exact tolerance limit.
            beyond = int(binom.ppf(1 - SURE, self.windows, level)) - 1
            return Proposal(bound=self._beyond(max(beyond, 0)), method="counted")
        if self.is_normal:
            return Proposal(bound=self._tolerance_limit(level), method="normal tail")
        needed = math.ceil(ENOUGH_BEYOND / level)
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

    def _beyond(self, count: int) -> float:
        """The bound that exactly `count` windows lie beyond, just past the next one."""
        import numpy as np

        if self.side == "upper":
            return float(np.nextafter(self.critical[self.windows - 1 - count], np.inf))
        return float(self.critical[count])

    def _tolerance_limit(self, level: float) -> float:
        """One-sided normal tolerance limit: the non-central t of Johnson and Welch (1940)."""
        from scipy.stats import nct, norm

        root = math.sqrt(self.windows)
        factor = float(nct.ppf(SURE, self.windows - 1, norm.isf(level) * root)) / root
        mean, deviation = self._moments
        return mean + factor * deviation if self.side == "upper" else mean - factor * deviation

    def _tail(self, bound: float) -> Estimate:
        from scipy.optimize import brentq
        from scipy.stats import nct, norm

        mean, deviation = self._moments
        away = (bound - mean) / deviation if self.side == "upper" else (mean - bound) / deviation
        root = math.sqrt(self.windows)

        def limit(chance: float) -> float:
            spread = 2 + abs(away)
            return float(
                brentq(
                    lambda quantile: nct.cdf(away * root, self.windows - 1, quantile * root) - chance,
                    away - spread,
                    away + spread,
                )
            )

        value, low, high = (float(norm.sf(quantile)) for quantile in (away, limit(0.025), limit(0.975)))
        return Estimate(value=value, low=low, high=high)

    @property
    def _moments(self) -> tuple[float, float]:
        return float(self.critical.mean()), float(self.critical.std(ddof=1))
