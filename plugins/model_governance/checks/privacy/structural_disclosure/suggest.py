"""What `policy init` proposes for `structural_disclosure`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.structural_disclosure.hyperparameters import unnecessary_risk
from model_governance.checks.privacy.structural_disclosure.structure import structure_of, trained_parameters
from model_governance.contract.check import Suggestion

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns, Model


def suggest(_reference: pd.DataFrame, _columns: Columns, *, model: Model | None = None, **_: object) -> Suggestion:
    """An error for models that hold training rows, and warnings for rules that support a rejection.

    A rule that is not defined for the model is left out: its threshold would be uncertain in every run.
    """
    structure = None if model is None else structure_of(model)
    undefined = set()
    if structure is not None:
        undefined |= {"degrees_of_freedom"} if trained_parameters(structure) is None else set()
        undefined |= {"unnecessary_risk"} if unnecessary_risk(structure) is None else set()
    warned = [name for name in ("degrees_of_freedom", "unnecessary_risk", "class_disclosure") if name not in undefined]
    return Suggestion(
        thresholds=(
            {"metric": "recommendation", "key": "immediate_rejection", "equal_to": 0, "severity": "error"},
            *({"metric": "risk", "key": name, "equal_to": 0, "severity": "warn"} for name in warned),
        ),
        comment=(
            "Nothing is attacked: the model's structure and its answers to its own training rows are compared with the "
            "rules of trusted research environments. Nearest neighbours and support vectors hold training rows and are "
            "rejected. A model with many decimals fails k_anonymity and small_groups by itself; bound them where the "
            "model leaves such an environment."
        ),
    )
