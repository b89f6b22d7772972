"""The fault that `fairness` must find: a model that rejects every row of one region."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.contract.check import SelfTest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Subject


def reject_one_group(subject: Subject) -> Subject:
    """Return the subject with a model that predicts its first class for every row of region north."""
    model = subject.require_model()
    rejected = model.classes[0]

    def predict(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        return np.where(frame["region"].to_numpy() == "north", rejected, model.predict(frame))

    return replace(subject, model=replace(model, native=None, call=predict))


SELF_TEST = SelfTest(
    description="the model refuses everybody from one region",
    threshold={"metric": "demographic_parity_difference", "key": "region", "less_than": 0.3},
    apply=reject_one_group,
    params={"groups": ["region"]},
)
