"""What `policy init` proposes for the evasion check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from model_governance.checks.robustness.evasion.metrics import ALL
from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns, Task


def suggest(reference: pd.DataFrame, columns: Columns, *, task: Task | None = None, **_: object) -> Suggestion:
    """A budget of a tenth of each feature's range, a warning on the success rate, and an error on its change.

    A regression gets a tolerance too: half the standard deviation of its target.
    """
    mutable = [name for name, feature in columns.features.items() if feature.mutable]
    texts = columns.of_kind("text")
    params: dict[str, Any] = {"epsilon": 0.1, "samples": 100, "norm": "linf"}
    if task == "regression":
        params["tolerance"] = _half_a_deviation(reference, columns.target)
    return Suggestion(
        params=params,
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
            + (f" A text ({', '.join(texts)}) stays until threat_model.features names its edits." if texts else "")
        ),
    )


def _half_a_deviation(reference: pd.DataFrame, target: str | None) -> float:
    """Half the standard deviation of the target, to two digits; 1 where the reference does not tell."""
    deviation = float(reference[target].astype("float64").std()) if target in reference else 0.0
    return float(f"{deviation / 2:.2g}") if deviation > 0 else 1.0
