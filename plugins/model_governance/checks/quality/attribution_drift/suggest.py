"""What `policy init` proposes for `attribution_drift`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns


def suggest(_reference: pd.DataFrame, columns: Columns, **_: object) -> Suggestion:
    """Propose SageMaker Clarify's limit as a warning."""
    return Suggestion(
        params={"samples": 500, "draws": 4},
        thresholds=({"metric": "attribution_ndcg", "geq_to": 0.9, "severity": "warn"},),
        comment=(
            f"The order of {len(columns.names)} features by what they do to the answer, against that on the reference; "
            "below 0.9 is where SageMaker Clarify raises its alarm. It warns only: another order is a reason to look at "
            "the feed of the features that changed places, not a proof of harm. samples x draws x features x 2 rows "
            "are asked of the model in each run."
        ),
    )
