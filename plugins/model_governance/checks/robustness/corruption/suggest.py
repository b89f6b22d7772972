"""What `policy init` proposes for the corruption check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns


def suggest(_reference: pd.DataFrame, columns: Columns, **_: object) -> Suggestion:
    """Warnings for corruption of the size of a faulty feed, and an error on the change of the mean loss."""
    thresholds = [
        {"metric": "worst_drop", "key": "2", "less_than": 0.1, "severity": "warn"},
        {"metric": "mean_drop", "min_absolute_change": -0.05, "severity": "error"},
        {"metric": "refused_share", "key": "missing", "less_than": 0.05, "severity": "warn"},
    ]
    return Suggestion(
        params={"samples": 1000},
        thresholds=tuple(thresholds),
        comment=(
            f"Severity 2 corrupts 5% of all {len(columns.names)} x n cells, as a faulty feed does: ten points of loss are a "
            "warning. There is no universal limit for the mean loss, so the error compares with the approved run. If the "
            "model refuses rows with a missing value on purpose, remove the threshold of refused_share."
        ),
    )
