"""What `policy init` proposes for `membership_inference`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference.rates import min_negatives
from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns

SAMPLES = 5000


def suggest(reference: pd.DataFrame, _columns: Columns, **_: object) -> Suggestion:
    """Limits near the values of guessing, at the lowest false-positive rate that the rows allow."""
    scored = min(len(reference), SAMPLES) // 2  # black_box and quantile may need the other half for training
    fpr = next((rate for rate in (0.01, 0.05, 0.1) if scored >= min_negatives(rate)), 0.2)
    return Suggestion(
        params={"samples": SAMPLES, "fpr": [fpr]},
        thresholds=(
            {"metric": "tpr_at_fpr", "less_than": min(0.9, 5 * fpr), "severity": "error"},
            {"metric": "attack_auc", "less_than": 0.6, "severity": "error"},
            {"metric": "overlap_share", "less_than": 0.5, "severity": "warn"},
        ),
        comment=(
            f"Guessing identifies {fpr:.0%} of the members at a false-positive rate of {fpr:.0%} and has an AUC of 0.5; the "
            "limits allow five times that and an AUC of 0.6. They hold for every attack that the model allows: a limit for "
            "one attack has a key, such as ensemble@0.01. If half of the held-out rows equal training rows, the check can no "
            "longer detect leakage. Non-members must be held-out rows of the training distribution: provide them as "
            "datasets.population."
        ),
    )
