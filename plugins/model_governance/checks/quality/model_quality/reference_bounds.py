"""Bounds that the model's quality on the reference justifies: its value there, less two halves of its 95% interval.

Where the model is as good in a run as on the reference and both have as many rows, the difference of the two values has a
standard error of sqrt(2) times that of one. The 95% interval of the run then reaches over the bound where the reference was
luckier by one half, 1.39 standard errors: in 8% of the cases. The limit of the alarm budget is still farther away.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from model_governance.contract.subject import Dataset, Subject
from model_governance.errors import GovernanceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from model_governance.checks.quality.model_quality.params import QualityParams
    from model_governance.contract.result import Metric
    from model_governance.contract.subject import Columns, Model, Role, Task

    Measured = Mapping[tuple[str, str | None], Metric]

MOST_ROWS = 50_000
WIDTHS = 2.0
WITHOUT_INTERVAL = 0.1
DIGITS = 3


def quality_on_reference(
    reference: pd.DataFrame, columns: Columns, *, task: Task, model: Model | None, params: QualityParams
) -> tuple[Measured, str]:
    """The metrics of the model on the labelled rows of the reference, by name and key, and why there are none.

    Args:
        reference: rows of the reference with labels, shape (n, d).
        columns: the columns of the policy.
        task: what the model predicts.
        model: the loaded model; without one nothing is measured.
        params: the params that the policy will have.
    """
    from model_governance.checks.quality.model_quality.measure import measure

    if model is None:
        return {}, "the model was not asked"
    rows = reference[reference[str(columns.target)].notna()]
    if task not in ("ranking", "forecasting") and len(rows) > MOST_ROWS:
        rows = rows.sample(MOST_ROWS, random_state=0)
    roles: tuple[Role, ...] = ("current", "history")
    datasets = {role: Dataset(role=role, uri="reference", sha256="", frame=rows) for role in roles}
    subject = Subject(name=model.name, task=task, columns=columns, datasets=datasets, model=model)
    try:
        result = measure(subject, params, seed=0)
    except GovernanceError as error:
        return {}, f"the model could not be measured on the reference: {error}"
    return {(metric.name, metric.key): metric for metric in result.metrics if metric.value is not None}, ""


def floor_of(measured: Measured, name: str, key: str | None = None) -> float | None:
    """The largest sensible lower bound, rounded down; None where the metric was not measured or nothing lies below."""
    metric = measured.get((name, key))
    if metric is None or metric.value is None:
        return None
    value = float(metric.value)
    low = value - WITHOUT_INTERVAL * abs(value) if metric.low is None else float(metric.low)
    bound = _rounded(value - WIDTHS * (value - low), math.floor)
    return bound if bound > 0 else None


def ceiling_of(measured: Measured, name: str, key: str | None = None, *, spare: float = 0.0) -> float | None:
    """The smallest sensible upper bound, rounded up, and at least the share `spare` above the value."""
    metric = measured.get((name, key))
    if metric is None or metric.value is None:
        return None
    value = float(metric.value)
    high = value + WITHOUT_INTERVAL * abs(value) if metric.high is None else float(metric.high)
    bound = _rounded(max(value + WIDTHS * (high - value), value * (1 + spare)), math.ceil)
    return bound if bound > 0 else None


def band_of(measured: Measured, name: str, key: str | None = None, *, spare: float) -> list[float] | None:
    """A lower and an upper bound around the value, at least `spare` from it, within 0 and 1."""
    metric = measured.get((name, key))
    if metric is None or metric.value is None:
        return None
    value = float(metric.value)
    low = value if metric.low is None else float(metric.low)
    high = value if metric.high is None else float(metric.high)
    below = _rounded(max(0.0, value - max(spare, WIDTHS * (value - low))), math.floor)
    above = _rounded(min(1.0, value + max(spare, WIDTHS * (high - value))), math.ceil)
    return None if below <= 0 and above >= 1 else [below, above]


def told(measured: Measured, *names: str) -> str:
    """The measured values with their intervals, for a comment: `accuracy 0.82 (0.81 to 0.83)`."""
    found = [(metric.label, metric.formatted) for (name, _), metric in measured.items() if name in names]
    return ", ".join(f"{label} {text}" for label, text in found)


def _rounded(value: float, direction: Any) -> float:
    """To three digits behind the point, or three significant ones of a large or tiny number."""
    if value == 0 or not math.isfinite(value):
        return 0.0
    digits = DIGITS if 0.1 <= abs(value) <= 1 else DIGITS - 1 - math.floor(math.log10(abs(value)))
    scale = 10.0**digits
    return float(f"{direction(round(value * scale, 6)) / scale:.12g}")
