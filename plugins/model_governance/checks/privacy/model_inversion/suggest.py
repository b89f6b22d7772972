"""What `policy init` proposes for `model_inversion`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns


def suggest(_reference: pd.DataFrame, _columns: Columns, **_: object) -> Suggestion:
    """Limits on training rows that are reconstructed, and on classes that can be reconstructed."""
    return Suggestion(
        params={"attacks": ["search"]},
        thresholds=(
            {"metric": "nearest_training_distance_ratio", "geq_to": 0.5, "severity": "error"},
            {"metric": "inversion_gain", "less_than": 0.25, "severity": "warn"},
        ),
        comment=(
            "A distance ratio of 1 means that the model memorises no single row; at one half training rows are "
            "reconstructed. A gain above a quarter means that a class resembles its reconstructions: harmless for wheat "
            "and barley, not for a class that is one person. Held-out rows must follow the training distribution: "
            "provide them as datasets.population."
        ),
    )
