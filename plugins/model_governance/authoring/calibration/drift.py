"""Thresholds of data drift, over runs that are drawn cell by cell from the reference instead of row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.authoring.calibration.cells import drawable_columns, measure_cells
from model_governance.authoring.calibration.judged_windows import JudgedWindows
from model_governance.authoring.calibration.results import NotCalibrated
from model_governance.authoring.calibration.windows import plan_windows
from model_governance.contract.result import label_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model_governance.authoring.calibration.results import Calibrated
    from model_governance.checks.data.data_drift.params import DriftParams
    from model_governance.contract.subject import Subject
    from model_governance.policy import Policy, Threshold

MOST_COMPARISONS = 20_000
FEWEST_WINDOWS = 200
METHODS = frozenset({"psi", "jensenshannon"})
"""Distances that counts of cells determine without a simulation of their own."""
BY_METHOD = frozenset({"drift_share", "drifted_columns", "drift_score"})
BY_CELLS = frozenset({*METHODS, *BY_METHOD, "missing_increase", "new_category_share"})
LIMITS = (
    "rows are drawn as if they were independent, and so are columns (dependent columns raise false alarms less often, "
    "not more)"
)
FLOOR = "; a bound below {least:g} is not proposed, because smaller changes do not matter in practice"


def calibrate_drift(
    policy: Policy,
    name: str,
    places: Sequence[int],
    *,
    kind: str,
    subject: Subject,
    params: DriftParams,
    windows: int,
    rows: int,
    seed: int,
) -> list[Calibrated | NotCalibrated]:
    """The thresholds of a drift check, by their places, over at most `windows` runs; of many columns over fewer.

    Raises:
        SubjectError, CheckError: the reference lacks a column, or it cannot be cut into cells.
    """
    thresholds = {place: policy.checks[name].thresholds[place] for place in places}
    reasons = {place: _reason(threshold, params) for place, threshold in thresholds.items()}
    fit = [place for place in places if not reasons[place]]
    # Counting is cheap, so every run is dealt a reference of its own.
    plan = replace(plan_windows(reference_rows=subject.datasets["reference"].rows, rows=rows, compares=True), runs=1)
    judged = JudgedWindows(policy=policy, name=name, places=fit, plan=plan)
    columns = drawable_columns(subject, params) if fit else []
    if fit:
        count = min(windows, max(FEWEST_WINDOWS, MOST_COMPARISONS // len(columns)))
        wanted = frozenset(thresholds[place].metric for place in fit)
        for result in measure_cells(columns, params, plan=plan, windows=count, seed=seed, wanted=wanted):
            judged.add(result)
    outcomes: list[Calibrated | NotCalibrated] = []
    for place, threshold in thresholds.items():
        if reasons[place]:
            label = label_of(threshold.metric, threshold.key)
            outcomes.append(NotCalibrated(check=name, label=label, reason=reasons[place]))
            continue
        least = _least(threshold, params, columns=len(columns))
        limits = LIMITS + ("" if least is None else FLOOR.format(least=least))
        outcomes.append(judged.outcome(place, kind=kind, limits=limits, least=least))
    return outcomes


def _least(threshold: Threshold, params: DriftParams, *, columns: int) -> float | None:
    """The smallest bound that is proposed: the effect from which a column counts, or one column."""
    if threshold.metric in METHODS:
        return params.limit_for(threshold.metric)
    return {"drift_share": 1 / columns, "drifted_columns": 1.0}.get(threshold.metric)


def _reason(threshold: Threshold, params: DriftParams) -> str:
    """Why counts of cells do not calibrate a threshold; empty where they do."""
    if threshold.is_change:
        return "a change against another run is not drawn cell by cell"
    if threshold.metric in BY_METHOD and not {params.numeric_method, params.categorical_method} <= METHODS:
        return (
            f"columns count by {params.numeric_method}/{params.categorical_method}; counts of cells determine "
            f"{' and '.join(sorted(METHODS))} only"
        )
    if threshold.metric == "category_share_ratio":
        return (
            "a bound that the rarest category stays below by chance hides the others; its limits keep the alarm budget "
            "under any bound that holds"
        )
    if threshold.metric not in BY_CELLS:
        return "not determined by counts of cells; its limits keep the alarm budget under any bound that holds"
    return ""
