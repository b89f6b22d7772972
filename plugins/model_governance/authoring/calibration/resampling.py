"""Thresholds of a check that is measured anew on every window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.authoring.calibration.critical import critical_bound, side_of
from model_governance.authoring.calibration.curve import Curve
from model_governance.authoring.calibration.results import Calibrated, NotCalibrated, detectable_shift
from model_governance.authoring.calibration.windows import measure_windows
from model_governance.contract.result import label_of
from model_governance.verdict import baselines_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import numpy as np

    from model_governance.contract.check import Check, Params
    from model_governance.contract.result import CheckResult
    from model_governance.contract.subject import Subject
    from model_governance.policy import Policy, Threshold

LIMITS = "rows are drawn as if they were independent; people with several rows make real runs vary more than these"


def calibrate_resampled(
    policy: Policy,
    name: str,
    places: Sequence[int],
    *,
    check: Check,
    subject: Subject,
    params: Params,
    windows: int,
    rows: int,
    seed: int,
    level: float,
    moment: datetime,
) -> list[Calibrated | NotCalibrated]:
    """The thresholds of one check, by their places, over `windows` windows of `rows` rows.

    Raises:
        CheckError, SubjectError: the check cannot be measured on rows of the reference.
    """
    thresholds = policy.checks[name].thresholds
    paired = any(thresholds[place].is_change for place in places)
    results = list(measure_windows(check, subject, params, windows=windows, rows=rows, seed=seed, paired=paired))
    outcomes: list[Calibrated | NotCalibrated] = []
    for place in places:
        reason = _unfit(thresholds[place], results)
        if reason:
            outcomes.append(
                NotCalibrated(
                    check=name, label=label_of(thresholds[place].metric, thresholds[place].key), reason=reason
                )
            )
            continue
        critical = _critical(policy, name, place, results=results, moment=moment)
        outcomes.append(_calibrated(policy, name, place, kind=check.kind, critical=critical, level=level))
    return outcomes


def _unfit(threshold: Threshold, results: Sequence[CheckResult]) -> str:
    """Why a threshold cannot be calibrated on these windows; empty when it can."""
    if side_of(threshold) is None:
        return f"`{threshold.condition}` has no single bound to move"
    if threshold.is_change and threshold.against == "champion":
        return "the champion is not measured on drawn windows"
    return _absent(results, threshold.metric)


def _calibrated(policy: Policy, name: str, place: int, *, kind: str, critical: np.ndarray, level: float) -> Calibrated:
    threshold = policy.checks[name].thresholds[place]
    curve = Curve(critical=critical, side=side_of(threshold) or "upper")
    proposal, bound = curve.propose(level), threshold.bound
    if threshold.is_change and proposal.bound is not None and proposal.bound > 0:
        # The interval alone would keep the level there, but an unchanged model need not improve.
        proposal = replace(proposal, bound=0.0)
    return Calibrated(
        check=name, kind=kind, place=place, threshold=threshold, level=level, curve=curve, proposal=proposal,
        runs_per_year=policy.runs_per_year, limits=LIMITS,
        detectable=None if proposal.bound is None else detectable_shift(curve, proposal.bound),
        detectable_now=None if isinstance(bound, tuple) else detectable_shift(curve, bound),
    )  # fmt: skip


def _absent(results: Sequence[CheckResult], metric: str) -> str:
    """Why a metric cannot be judged on these windows; empty when every window has it."""
    for result in results:
        if result.status == "not_applicable":
            return f"not applicable on rows of the reference: {result.reason}"
        own = [each for each in result.metrics if each.name == metric]
        if not own:
            return "not measured on rows of the reference"
        if reason := next((each.reason for each in own if each.value is None), ""):
            return f"absent on rows of the reference: {reason}"
    return ""


def _critical(policy: Policy, name: str, place: int, *, results: Sequence[CheckResult], moment: datetime) -> np.ndarray:
    import numpy as np

    threshold = policy.checks[name].thresholds[place]
    if not threshold.is_change:
        bounds = [critical_bound(name, place, result, policy=policy, moment=moment) for result in results]
    else:
        # Each window of a pair is the baseline of the other.
        before = [results[min(number ^ 1, len(results) - 1)] for number in range(len(results))]
        bounds = [
            critical_bound(
                name, place, one, policy=policy, moment=moment, baselines={threshold.against: baselines_of(other)}
            )
            for one, other in zip(results, before, strict=True)
        ]
    return np.sort(np.array(bounds))
