"""Suggests starting thresholds for a new policy, the same for every model until calibration replaces them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from model_governance.checks.data.data_drift.category_shares import MOST_CATEGORIES
from model_governance.checks.data.data_drift.comparison import CATEGORY_KINDS
from model_governance.contract.check import Suggestion
from model_governance.contract.subject import NUMBER_KINDS
from model_governance.engine.cells import LEAST_EXPECTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from model_governance.contract.subject import Columns, Task

FEW_ROWS = 1000
CLASSES_OF_BINARY = 2
FACTORS = (1.5, 2.0, 3.0, 5.0, 10.0)


def suggest(reference: pd.DataFrame, columns: Columns, *, task: Task | None = None, **_: object) -> Suggestion:
    """Thresholds on effect sizes; the verdict requires evidence beside each.

    Args:
        reference: the reference rows; few of them add a warning to the comment.
        columns: the features; categories add thresholds on new ones and on single shares.
        task: what the model predicts; the rows of a forecast are other moments each time, so their drift only warns.
    """
    # The season and the trend of a forecast are in its features, and another moment has others.
    drifted = "warn" if task == "forecasting" else "error"
    thresholds: list[dict[str, Any]] = [
        {"metric": "psi", "less_than": 0.1, "severity": drifted},
        {"metric": "psi", "less_than": 0.02, "severity": "warn"},
        {"metric": "drift_share", "less_than": 0.3, "severity": drifted},
        {"metric": "prediction_drift", "less_than": 0.1, "severity": "warn"},
        {"metric": "joint_drift_auc", "less_than": 0.75, "severity": drifted},
        {"metric": "joint_drift_auc", "less_than": 0.6, "severity": "warn"},
        {"metric": "missing_increase", "less_than": 0.05, "severity": "error"},
    ]
    if columns.of_kind(*NUMBER_KINDS):
        thresholds.append({"metric": "nonfinite_share", "equal_to": 0, "severity": "error"})
        thresholds.append({"metric": "out_of_range_share", "less_than": 0.05, "severity": drifted})
        thresholds.append({"metric": "out_of_range_share", "less_than": 0.01, "severity": "warn"})
    categories = [name for name in columns.of_kind(*CATEGORY_KINDS) if name in reference]
    factor = _factor(reference, categories)
    if categories:
        thresholds.append({"metric": "new_category_share", "less_than": 0.01, "severity": "warn"})
        thresholds.append({"metric": "category_share_ratio", "less_than": factor, "severity": drifted})
    has_two = columns.target in reference and reference[columns.target].nunique() == CLASSES_OF_BINARY
    if has_two and task in (None, "binary_classification"):
        thresholds.append({"metric": "flagged_share_ratio", "between": [0.5, 2], "severity": "error"})
    rare = (
        " category_share_ratio concerns single categories, rare ones too: 1.5 is a share that went from 30% to 45% (a psi of "
        "0.1), or from 1% to 1.5% (a psi of 0.002). A run of as many rows as the reference can tell a factor of "
        f"{factor:g} from chance in the rarest category; give a column a smaller one by its key."
        if categories
        else ""
    )
    few = (
        f" The reference has only {len(reference):,} rows: small changes will stay invisible."
        if len(reference) < FEW_ROWS
        else ""
    )
    seasons = (
        " The rows of a forecast are other moments each time, so a changed distribution is a warning and no error; what fails "
        "is missing or impossible values, and forecasts that are off (model_quality)."
        if task == "forecasting"
        else ""
    )
    return Suggestion(
        thresholds=thresholds,
        comment=(
            "Starting values, to be calibrated on runs without incident. psi is corrected for chance and counts only "
            "with evidence, so its bounds concern size alone: a bell-shaped column that shifts by a third of a standard "
            "deviation has a PSI of 0.1, one that shifts by 0.15 has 0.02. The customary bound of 0.2 misses a shift of 0.4 "
            f"on any number of rows. joint_drift_auc is 0.6 where one such column shifts by a third of a standard deviation, and "
            f"0.75 at one standard deviation; it sees changes of several columns together too. flagged_share_ratio is judged "
            f"without labels: the model must not flag more than twice or less than half as many rows as in the reference.{rare}{few}{seasons}"
        ),
    )


def _factor(reference: pd.DataFrame, columns: Sequence[str]) -> float:
    """The smallest factor that an unchanged run of the reference's size stays surely below, in nearly all of its categories.

    The logarithm of the ratio of two counts of c rows has a standard error of sqrt(2 / c): two for its 95% interval and
    two for chance.
    """
    counts = [reference[name].value_counts().head(MOST_CATEGORIES) for name in columns]
    fewest = min((int(own[own >= LEAST_EXPECTED].min()) for own in counts if (own >= LEAST_EXPECTED).any()), default=1)
    return next((factor for factor in FACTORS if math.log(factor) >= 4 * math.sqrt(2 / fewest)), FACTORS[-1])
