"""The planted fault of `attribute_inference`: a model that memorises its training rows with all their cells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from model_governance.contract.check import SelfTest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Subject

CONFIDENCE = 0.999


def _memorise_rows(subject: Subject) -> Subject:
    """The subject with a model that is certain of every training row, and uncertain once a cell is changed."""
    import pandas as pd

    model = subject.require_model()
    numbers = {label: number for number, label in enumerate(model.classes)}

    def hashes(frame: pd.DataFrame) -> list[int]:
        return pd.util.hash_pandas_object(frame, index=False).tolist()

    labels = map(numbers.get, subject.target("train").tolist())
    memorised = dict(zip(hashes(subject.features("train")), labels, strict=True))

    def predict_proba(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        count = len(model.classes)
        probabilities = 0.5 * model.predict_proba(frame) + 0.5 / count
        own = np.array([memorised.get(key, -1) for key in hashes(frame)])
        rows = np.flatnonzero(own >= 0)
        probabilities[rows] = (1 - CONFIDENCE) / (count - 1)
        probabilities[rows, own[rows]] = CONFIDENCE
        return probabilities

    def predict(frame: pd.DataFrame) -> Any:
        import numpy as np

        return np.array(model.classes)[predict_proba(frame).argmax(axis=1)]

    return replace(subject, model=replace(model, native=None, call=predict, call_proba=predict_proba))


SELF_TEST = SelfTest(
    description="a model that is certain of every training row, and uncertain once the region is changed",
    threshold={"metric": "attack_gain", "key": "confidence@region", "less_than": 0.25},
    apply=_memorise_rows,
    params={"sensitive": ["region"]},
)
