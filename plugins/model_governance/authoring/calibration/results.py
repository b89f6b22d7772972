"""The calibration of one threshold, or why it was not calibrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from model_governance.contract.result import label_of
from model_governance.verdict.words import describe

if TYPE_CHECKING:
    from model_governance.authoring.calibration.curve import Curve, Estimate, Proposal
    from model_governance.policy import Threshold

UNCERTAIN_SHARE = 0.05
"""A proposed bound leaves at most this share of unchanged runs uncertain."""
POINTS = 41


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """One threshold: what it does to runs in which nothing changed, and the bound that keeps them quiet.

    Attributes:
        passes: bounds at which the drawn runs stop to pass.
        fails: bounds at which they begin to fail, at the level of the alarm budget.
        proposal: the bound nearest to the numbers that leaves at most `UNCERTAIN_SHARE` of unchanged runs
            uncertain, and whose false fails keep the level.
        detectable: the true value nearest to the proposed bound that fails a run with probability 0.95.
        detectable_now: the same for the current bound.
        seen_at_twice: the nearest bound that fails a change of twice its size in one run with probability 0.95; nearer ones
            are beyond doubt only after several runs.
        limits: what the numbers do not say.
    """

    check: str
    kind: str
    place: int
    threshold: Threshold
    level: float
    runs_per_year: int
    passes: Curve
    fails: Curve
    proposal: Proposal
    detectable: float | None
    detectable_now: float | None
    seen_at_twice: float | None
    limits: str = ""

    @property
    def label(self) -> str:
        """The metric with its key."""
        return label_of(self.threshold.metric, self.threshold.key)

    @property
    def bound(self) -> float:
        """The current bound."""
        bound = self.threshold.bound
        return bound[0] if isinstance(bound, tuple) else bound

    @property
    def failing(self) -> Estimate:
        """Probability that an unchanged run fails under the current bound."""
        return self.fails.rate(self.bound)

    @property
    def failing_windows(self) -> Estimate:
        """The same, counted over the drawn runs alone."""
        return self.fails.counted(self.bound)

    @property
    def not_passing(self) -> Estimate:
        """Probability that an unchanged run does not pass under the current bound: uncertain or a fail."""
        return self.passes.counted(self.bound)

    @property
    def false_fails(self) -> Estimate:
        """False fails in a year of runs under the current bound."""
        return self.failing.times(self.runs_per_year)

    @property
    def requirement(self) -> str:
        """The current threshold in words."""
        threshold = self.threshold
        return describe(threshold.condition, threshold.bound, threshold.against if threshold.is_change else None)

    def points(self) -> list[tuple[float, float, float]]:
        """Bounds with the share of windows that do not pass, and the share that fails."""
        windows = self.passes.windows
        return [
            (bound, self.passes.beyond(bound) / windows, self.fails.beyond(bound) / windows) for bound in self._bounds()
        ]

    def record(self) -> dict[str, Any]:
        """Everything as JSON types."""
        proposal, false_fails = self.proposal, self.false_fails
        proposed = None if proposal.bound is None else self._shares(proposal.bound)
        return {
            "check": self.check, "kind": self.kind, "metric": self.threshold.metric, "key": self.threshold.key,
            "condition": self.threshold.condition, "bound": self.bound, "level": self.level,
            "windows": self.passes.windows, "independent_windows": self.passes.independent,
            "unchanged_runs": self._shares(self.bound), "unchanged_runs_proposed": proposed,
            "false_fails_per_year": _interval(false_fails),
            "proposed": proposal.bound, "method": proposal.method, "reason": proposal.reason,
            "detectable": self.detectable, "detectable_now": self.detectable_now,
            "seen_at_twice": self.seen_at_twice, "limits": self.limits,
            "curve": [list(point) for point in self.points()],
        }  # fmt: skip

    def _shares(self, bound: float) -> dict[str, Any]:
        """Shares of unchanged runs by outcome under a bound, with 95% intervals."""
        beyond, failing = self.passes.counted(bound), self.fails.counted(bound)
        passing = {"value": 1 - beyond.value, "low": 1 - beyond.high, "high": 1 - beyond.low}
        return {"pass": passing, "uncertain": beyond.value - failing.value, "fail": _interval(failing)}

    def _bounds(self) -> list[float]:
        """Evenly spread over the finite critical bounds, the current bound and the proposed one."""
        import numpy as np

        ends = [self.bound, *([self.proposal.bound] if self.proposal.bound is not None else [])]
        for critical in (self.passes.critical, self.fails.critical):
            finite = critical[np.isfinite(critical)]
            ends += [float(bound) for bound in (finite[[0, -1]] if len(finite) else ())]
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


def quiet_bound(passes: Curve, fails: Curve, *, level: float) -> Proposal:
    """The bound nearest to the numbers that keeps unchanged runs quiet and their false fails within the level.

    Where a run can be uncertain, the limits of the metric already hold false fails at the level of the budget for any
    bound that an unchanged run does not exceed; the windows then add what they can show. Where outcomes follow from
    the bare number, they alone decide.
    """
    import numpy as np

    failing = fails.propose(level)
    if np.array_equal(passes.critical, fails.critical):
        return failing
    quiet = passes.propose(UNCERTAIN_SHARE)
    if quiet.bound is None or failing.bound is None:
        return quiet
    strict = max if passes.side == "upper" else min
    return quiet if strict(quiet.bound, failing.bound) == quiet.bound else failing


def _interval(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
