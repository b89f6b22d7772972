"""The planted fault of `model_extraction`: a decision rule that the labels do not follow and a few queries reveal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.contract.check import SelfTest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Subject


def _decide_by_age(subject: Subject) -> Subject:
    """The subject with a model that decides by age only, which the true labels do not follow."""
    model = subject.require_model()

    def predict_proba(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        positive = np.where(frame["age"].to_numpy() > 54, 0.95, 0.05)
        return np.column_stack([1 - positive, positive])

    def predict(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        return np.array(model.classes)[predict_proba(frame).argmax(axis=1)]

    return replace(subject, model=replace(model, native=None, call=predict, call_proba=predict_proba))


SELF_TEST = SelfTest(
    description="a decision rule on age that the labels do not follow and a hundred queries reveal",
    threshold={"metric": "fidelity_gain", "key": "public@100", "less_than": 0.25},
    apply=_decide_by_age,
    params={"query_budgets": [100]},
)
