"""Thresholds of a check that is measured anew on every window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.authoring.calibration.judged_windows import JudgedWindows
from model_governance.authoring.calibration.windows import measure_windows, plan_windows
from model_governance.errors import GovernanceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.authoring.calibration.results import Calibrated, NotCalibrated
    from model_governance.contract.check import Check, Params
    from model_governance.contract.subject import Subject
    from model_governance.policy import Policy

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
) -> list[Calibrated | NotCalibrated]:
    """The thresholds of one check, by their places, over at most `windows` windows of `rows` rows.

    A window on which the check or the metric is an error counts as a fail: in a run it would be one.

    Raises:
        SubjectUnreachable: as the check.
    """
    thresholds = policy.checks[name].thresholds
    plan = plan_windows(
        reference_rows=subject.datasets["reference"].rows, rows=rows,
        compares="reference" in (*check.roles, *check.optional_roles),
        paired=any(thresholds[place].is_change for place in places),
    )  # fmt: skip
    judged = JudgedWindows(policy=policy, name=name, places=places, plan=plan)
    for result in measure_windows(check, subject, params, plan=plan, windows=windows, seed=seed):
        if isinstance(result, GovernanceError):
            judged.add_error(str(result))
        else:
            judged.add(result)
        if judged.are_enough:
            break
    return [judged.outcome(place, kind=check.kind, limits=LIMITS) for place in places]
