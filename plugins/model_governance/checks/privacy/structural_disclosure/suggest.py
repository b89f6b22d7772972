"""What `policy init` proposes for `structural_disclosure`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns


def suggest(_reference: pd.DataFrame, _columns: Columns, **_: object) -> Suggestion:
    """An error for models that hold training rows, and warnings for rules that support a rejection."""
    return Suggestion(
        thresholds=(
            {"metric": "recommendation", "key": "immediate_rejection", "equal_to": 0, "severity": "error"},
            {"metric": "risk", "key": "degrees_of_freedom", "equal_to": 0, "severity": "warn"},
            {"metric": "risk", "key": "unnecessary_risk", "equal_to": 0, "severity": "warn"},
            {"metric": "risk", "key": "class_disclosure", "equal_to": 0, "severity": "warn"},
        ),
        comment=(
            "Nothing is attacked: the model's structure and its answers to its own training rows are compared with the "
            "rules of trusted research environments. Nearest neighbours and support vectors hold training rows and are "
            "rejected. A model with many decimals fails k_anonymity and small_groups by itself; bound them where the "
            "model leaves such an environment."
        ),
    )
