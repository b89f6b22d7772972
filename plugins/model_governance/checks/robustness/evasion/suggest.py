"""What `policy init` proposes for the evasion check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.robustness.evasion.metrics import ALL
from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns


def suggest(_reference: pd.DataFrame, columns: Columns, **_: object) -> Suggestion:
    """A budget of a tenth of each feature's range, a warning on the success rate, and an error on its change."""
    mutable = [name for name, feature in columns.features.items() if feature.mutable]
    return Suggestion(
        params={"epsilon": 0.1, "samples": 100, "norm": "linf"},
        thresholds=(
            {"metric": "attack_success_rate", "less_than": 0.5, "severity": "warn"},
            {"metric": "unattacked_share", "less_than": 0.5, "severity": "warn"},
            {"metric": "attack_success_rate", "key": ALL, "min_absolute_change": -0.2, "severity": "error"},
        ),
        comment=(
            "There is no universal limit for robustness: the first threshold only warns, the third compares with the "
            "approved run and leaves room for the interval of 100 rows. unattacked_share shows whether the attacks found "
            "flips at all: attacks that find none do not prove a robust model. First state in threat_model (mutable, "
            f"increase_only, features) which of {', '.join(mutable[:5])}{' ...' if len(mutable) > 5 else ''} an attacker can change, "
            "and how far."
        ),
    )
