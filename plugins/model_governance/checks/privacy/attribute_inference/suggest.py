"""What `policy init` proposes for `attribute_inference`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.attribute_inference.params import MIN_ROWS_PER_VALUE
from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns

MIN_VALUES, MAX_VALUES = 2, 10


def suggest(reference: pd.DataFrame, columns: Columns, **_: object) -> Suggestion:
    """Attributes with few values, those first that a person cannot change; the owner must choose."""
    few = [
        name
        for name in columns.names
        if _frequent(reference[name]) >= MIN_VALUES and reference[name].nunique() <= MAX_VALUES
    ]
    fixed = [name for name in few if not columns.features[name].mutable]
    sensitive = (fixed or few or list(columns.names))[:2]
    bayes = [
        {"metric": "attack_gain", "key": f"bayes@{name}", "less_than": 0.1, "severity": "error"} for name in sensitive
    ]
    output = [
        {"metric": "attack_gain", "key": f"output@{name}", "less_than": 0.3, "severity": "warn"} for name in sensitive
    ]
    return Suggestion(
        params={"sensitive": sensitive},
        thresholds=({"metric": "member_gap", "less_than": 0.1, "severity": "error"}, *bayes, *output),
        comment=(
            f"Attacks {', '.join(sensitive)}, because they have few values: list the attributes that your customers keep "
            "private, and under unknown the features that reveal them and that no attacker knows. member_gap is what the "
            "model memorises of single rows, attack_gain what it reveals beyond imputation; ten percentage points fail. "
            "An output with many decimals reveals much of every feature that it depends on (attack output): set "
            "attacker_access.decimals to what your endpoint returns. Non-members should be held-out rows of the training "
            "distribution: provide them as datasets.population."
        ),
    )


def _frequent(column: pd.Series) -> int:
    """Values with enough rows in the half of the reference that is the attacker's."""
    return int((column.value_counts() >= 2 * MIN_ROWS_PER_VALUE).sum())
