"""Windows as the thresholds of a check judge them, and what follows for each threshold."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.authoring.calibration.critical import Critical, critical_bounds, judged_metrics, side_of
from model_governance.authoring.calibration.curve import Curve
from model_governance.authoring.calibration.detectable import READ, bound_seen_at_twice, smallest_detectable
from model_governance.authoring.calibration.results import Calibrated, NotCalibrated, quiet_bound
from model_governance.contract.result import label_of
from model_governance.verdict import baselines_of, budget_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.authoring.calibration.windows import WindowPlan
    from model_governance.contract.result import CheckResult
    from model_governance.policy import Policy, Threshold
    from model_governance.verdict import Baseline

log = logging.getLogger(__name__)

FIRST = 100
STEP = 50
TOLD = 50
"""Runs after which the log says how many were drawn."""
HOPELESS = 20
"""As many errors and nothing else end the drawing."""
TIGHT = 0.05
"""Width of the interval of the share that does not pass, from which more windows are not worth their cost."""


class JudgedWindows:
    """The windows of one check as its thresholds judge them.

    Args:
        policy: of the check.
        name: of the check in the policy.
        places: of the thresholds that are calibrated.
        plan: how the windows are drawn.
    """

    def __init__(self, *, policy: Policy, name: str, places: Sequence[int], plan: WindowPlan) -> None:
        self._policy, self._name, self._plan = policy, name, plan
        self._budget = budget_of(policy)
        self._thresholds = {place: policy.checks[name].thresholds[place] for place in places}
        self._read: list[CheckResult] = []
        self._last: CheckResult | None = None
        self._drawn = 0
        self._critical: dict[int, list[Critical]] = {}
        self._reasons: dict[int, str] = {}
        self._errors: dict[int, list[str]] = {}

    def add(self, result: CheckResult) -> None:
        """One more window; windows of a pair are judged against each other."""
        before, self._last = self._last, result
        self._count()
        if len(self._read) < READ:
            self._read.append(result)
        for place, threshold in self._thresholds.items():
            reason = self._reasons.get(place) or _unfit(threshold) or _absent(result, threshold)
            if reason:
                self._reasons[place] = reason
                continue
            found = self._critical.setdefault(place, [])
            if error := _error(result, threshold):
                self._count_error(place, error)
            elif not threshold.is_change:
                found.append(self._judge(threshold, result))
            elif before is not None and self._drawn % 2 == 0:
                found += [self._judge(threshold, before, result), self._judge(threshold, result, before)]

    def add_error(self, reason: str) -> None:
        """One more window, on which the check itself was an error."""
        self._last = None
        self._count()
        for place in self._thresholds:
            self._count_error(place, reason)

    def _count(self) -> None:
        self._drawn += 1
        if self._drawn % TOLD == 0:
            log.info("%s: %s runs drawn", self._name, f"{self._drawn:,}")

    def _count_error(self, place: int, reason: str) -> None:
        """An error fails a run under any bound."""
        worst = math.inf if side_of(self._thresholds[place]) == "upper" else -math.inf
        self._critical.setdefault(place, []).append(Critical(passes=worst, fails=worst))
        self._errors.setdefault(place, []).append(reason)

    @property
    def are_enough(self) -> bool:
        """Whether every threshold's share of passing windows is known well enough, looked at from time to time."""
        if len(self._reasons) == len(self._thresholds):
            return True
        if (
            self._drawn == HOPELESS
            and all(len(errors) == HOPELESS for errors in self._errors.values())
            and self._errors
        ):
            return len(self._errors) == len(self._thresholds)
        if self._drawn < FIRST or (self._drawn - FIRST) % STEP:
            return False
        open_places = [place for place in self._critical if place not in self._reasons]
        intervals = [self._curves(place)[0].counted(_bound(self._thresholds[place])) for place in open_places]
        return all(estimate.high - estimate.low <= TIGHT for estimate in intervals)

    def outcome(self, place: int, *, kind: str, limits: str, least: float | None = None) -> Calibrated | NotCalibrated:
        """The calibration of one threshold.

        Args:
            place: of the threshold.
            kind: of the check.
            limits: what its numbers do not say.
            least: smallest bound worth proposing, where smaller changes do not matter in practice.
        """
        threshold = self._thresholds[place]
        if place in self._reasons:
            label = label_of(threshold.metric, threshold.key)
            return NotCalibrated(check=self._name, label=label, reason=self._reasons[place])
        errors, windows = self._errors.get(place, []), len(self._critical[place])
        if len(errors) == windows:
            label = label_of(threshold.metric, threshold.key)
            reason = f"an error, which fails the run, on each of {windows:,} drawn runs without any change: {errors[0]}"
            return NotCalibrated(check=self._name, label=label, reason=reason)
        if errors:
            limits = (
                f"{len(errors):,} of {windows:,} drawn runs were an error and count as fails: {errors[0]}; {limits}"
            )
        passes, fails = self._curves(place)
        level = self._budget.level_for(threshold)
        proposal = quiet_bound(passes, fails, level=level)
        if least is not None and proposal.bound is not None:
            proposal = replace(proposal, bound=max(proposal.bound, least))
        if threshold.is_change and proposal.bound is not None and proposal.bound > 0:
            # The interval alone would keep the level there, but an unchanged model need not improve.
            proposal = replace(proposal, bound=0.0)
        seen = [(judged_metrics(result, threshold), self._before(number)) for number, result in enumerate(self._read)]
        return Calibrated(
            check=self._name, kind=kind, place=place, threshold=threshold, level=level,
            runs_per_year=self._policy.runs_per_year, passes=passes, fails=fails, proposal=proposal,
            detectable=smallest_detectable(seen, threshold, proposal.bound, budget=self._budget),
            detectable_now=smallest_detectable(seen, threshold, _bound(threshold), budget=self._budget),
            seen_at_twice=bound_seen_at_twice(
                seen, threshold, proposal.bound, budget=self._budget,
                reference_error=0.0 if threshold.is_change else self._plan.reference_error,
            ),
            limits=f"{self._plan.sentence}; {limits}",
        )  # fmt: skip

    def _before(self, number: int) -> Mapping[str, Baseline]:
        """The other window of a pair, as the run before."""
        return baselines_of(self._read[min(number ^ 1, len(self._read) - 1)])

    def _judge(self, threshold: Threshold, result: CheckResult, before: CheckResult | None = None) -> Critical:
        baselines = {} if before is None else baselines_of(before)
        metrics = judged_metrics(result, threshold)
        return critical_bounds(metrics, threshold, budget=self._budget, baselines=baselines)

    def _curves(self, place: int) -> tuple[Curve, Curve]:
        import numpy as np

        side = side_of(self._thresholds[place]) or "upper"
        passes, fails = (
            np.sort([getattr(critical, name) for critical in self._critical[place]]) for name in ("passes", "fails")
        )
        return (
            Curve(critical=passes, side=side, dependence=self._plan.dependence),
            Curve(critical=fails, side=side, dependence=self._plan.dependence),
        )


def _bound(threshold: Threshold) -> float:
    return threshold.bound[0] if isinstance(threshold.bound, tuple) else threshold.bound


def _unfit(threshold: Threshold) -> str:
    """Why a threshold cannot be calibrated on windows; empty when it can."""
    if side_of(threshold) is None:
        return f"`{threshold.condition}` has no single bound to move"
    if threshold.is_change and threshold.against == "champion":
        return "the champion is not measured on drawn windows"
    return ""


def _absent(result: CheckResult, threshold: Threshold) -> str:
    """Why a metric cannot be judged on this window; empty when it can."""
    if result.status == "not_applicable":
        return f"not applicable on rows of the reference: {result.reason}"
    return "" if judged_metrics(result, threshold) else "not measured on rows of the reference"


def _error(result: CheckResult, threshold: Threshold) -> str:
    """Why the threshold is an error on this window; empty where it is none."""
    metrics = judged_metrics(result, threshold)
    absent = [metric.reason for metric in metrics if metric.value is None and metric.absence == "error"]
    return f"absent on rows of the reference: {absent[0]}" if absent else ""
