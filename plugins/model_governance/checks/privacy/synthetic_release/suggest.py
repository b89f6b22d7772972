"""What `policy init` says of `synthetic_release`, and what the reference shows as its example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns


def suggest(_reference: pd.DataFrame, columns: Columns, **_: object) -> Suggestion:
    """Bounds near the values of a table that gives nothing away."""
    attribution = {"metric": "attribution_advantage", "leq_to": 0.1, "severity": "warn"}
    return Suggestion(
        params={"release": "releases/{{ ds }}.parquet"},
        thresholds=(
            {"metric": "nearer_to_training_share", "leq_to": 0.6, "severity": "error"},
            {"metric": "duplicate_excess", "leq_to": 0.02, "severity": "error"},
            {"metric": "membership_auc", "leq_to": 0.55, "severity": "error"},
            *((attribution,) if columns.target else ()),
        ),
        comment=(
            "For a synthetic table that is about to be shared. datasets.train must hold the rows that the generator was "
            "fitted on, datasets.reference (or population) rows of the same people that it never saw. A table that gives "
            "nothing away has half of its rows nearer to training rows and an area of one half."
        ),
    )
