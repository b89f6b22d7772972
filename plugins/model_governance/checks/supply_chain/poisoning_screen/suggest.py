"""What `policy init` proposes for `poisoning_screen`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns


def suggest(_reference: pd.DataFrame, _columns: Columns, **_: object) -> Suggestion:
    """Bounds on changes, each of which counts only with the evidence of an exact test."""
    return Suggestion(
        params={"samples": 5000},
        thresholds=(
            {"metric": "flip_rate_change", "less_than": 0.01, "severity": "error"},
            {"metric": "trigger_hits", "equal_to": 0, "severity": "error"},
            {"metric": "flood_share", "less_than": 0.01, "severity": "error"},
            {"metric": "class_flip_rate_change", "less_than": 0.03, "severity": "error"},
            {"metric": "class_share_change", "between": [-0.05, 0.05], "severity": "warn"},
            {"metric": "duplicate_share_change", "less_than": 0.02, "severity": "warn"},
        ),
        comment=(
            "Needs dataset previous_train: the training rows of the last accepted model. All bounds are on changes, because a raw "
            "count accuses an eighth of noisy but honest labels; each counts only with evidence of an exact test. Name the "
            "column that says where rows come from as params.source, and the columns whose values may be shown."
        ),
    )
