"""The calibration of one threshold, or why it was not calibrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.result import label_of
from model_governance.verdict.words import describe

if TYPE_CHECKING:
    from model_governance.authoring.calibration.curve import Curve, Estimate, Proposal
    from model_governance.policy import Threshold

POWER = 0.95
POINTS = 41


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """One threshold: its curve over runs in which nothing changed, and the bound that keeps the budget.

    `curve` holds the windows as the judge sees them, `without_evidence` the same windows judged by their numbers
    alone (only where the metric carries evidence). `detectable` is the smallest change, in the metric's own unit, that
    the proposed bound fails in 95% of runs; `detectable_now` the same for the current bound.
    """

    check: str
    kind: str
    place: int
    threshold: Threshold
    level: float
    runs_per_year: int
    curve: Curve
    proposal: Proposal
    detectable: float | None
    detectable_now: float | None
    without_evidence: Curve | None = None
    limits: str = ""

    @property
    def label(self) -> str:
        """The metric with what it is demanded of."""
        return label_of(self.threshold.metric, self.threshold.key)

    @property
    def bound(self) -> float:
        """The current bound."""
        bound = self.threshold.bound
        return bound[0] if isinstance(bound, tuple) else bound

    @property
    def false_fails(self) -> Estimate:
        """False fails in a year of runs under the current bound."""
        return self.curve.rate(self.bound).times(self.runs_per_year)

    @property
    def requirement(self) -> str:
        """The current threshold in words."""
        threshold = self.threshold
        return describe(threshold.condition, threshold.bound, threshold.against if threshold.is_change else None)

    def points(self) -> list[tuple[float, float, float | None]]:
        """Bounds with the share of windows they fail: as judged, and by the numbers without their evidence."""
        return [
            (
                bound,
                self.curve.failing(bound) / self.curve.windows,
                self.without_evidence.failing(bound) / self.curve.windows if self.without_evidence else None,
            )
            for bound in self._bounds()
        ]

    def record(self) -> dict[str, Any]:
        """Everything as JSON types."""
        current, proposal = self.false_fails, self.proposal
        return {
            "check": self.check, "kind": self.kind, "metric": self.threshold.metric, "key": self.threshold.key,
            "condition": self.threshold.condition, "bound": self.bound, "level": self.level, "windows": self.curve.windows,
            "false_fails_per_year": {"value": current.value, "low": current.low, "high": current.high},
            "proposed": proposal.bound, "method": proposal.method, "reason": proposal.reason,
            "detectable": self.detectable, "detectable_now": self.detectable_now, "limits": self.limits,
            "curve": [list(point) for point in self.points()],
        }  # fmt: skip

    def _bounds(self) -> list[float]:
        """Evenly spread over the finite critical bounds, the current bound and the proposed one."""
        import numpy as np

        shown = self.without_evidence or self.curve
        finite = shown.critical[np.isfinite(shown.critical)]
        marks = [self.bound, *([self.proposal.bound] if self.proposal.bound is not None else [])]
        ends = [*marks, *(float(bound) for bound in (finite[[0, -1]] if len(finite) else ()))]
        return [float(bound) for bound in np.linspace(min(ends), max(ends), POINTS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCalibrated:
    """A check or threshold that was not calibrated, and why."""

    check: str
    label: str
    reason: str

    def record(self) -> dict[str, Any]:
        """The same as JSON types."""
        return {"check": self.check, "label": self.label, "reason": self.reason}


def detectable_shift(curve: Curve, bound: float) -> float | None:
    """The smallest shift of the numbers that this bound fails in 95% of runs, taking their scatter as it is.

    None where windows without evidence make that unanswerable.
    """
    import numpy as np

    slow = float(np.quantile(curve.critical, 1 - POWER if curve.side == "upper" else POWER, method="inverted_cdf"))
    if not np.isfinite(slow):
        return None
    return max(0.0, bound - slow if curve.side == "upper" else slow - bound)
