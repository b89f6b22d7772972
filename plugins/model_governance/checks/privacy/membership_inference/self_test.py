"""The planted fault of `membership_inference`: a model that memorises its training rows."""

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
    """The subject with a model that is certain of the label of every training row and uncertain elsewhere.

    This is the worst overfitting, on any data; a deep tree would not show it where labels have no noise. Rows that
    occur twice keep the label of the last one.
    """
    model = subject.require_model()
    memorised = dict(zip(_hashes(subject.features("train")), subject.target("train").tolist(), strict=True))
    numbers = {label: number for number, label in enumerate(model.classes)}

    def predict_proba(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        count = len(model.classes)
        probabilities = 0.5 * model.predict_proba(frame) + 0.5 / count
        for row, key in enumerate(_hashes(frame)):
            if key in memorised:
                probabilities[row] = (1 - CONFIDENCE) / (count - 1)
                probabilities[row, numbers[memorised[key]]] = CONFIDENCE
        return np.asarray(probabilities)

    def predict(frame: pd.DataFrame) -> Any:
        import numpy as np

        return np.array(model.classes)[predict_proba(frame).argmax(axis=1)]

    return replace(subject, model=replace(model, native=None, call=predict, call_proba=predict_proba))


def _hashes(frame: pd.DataFrame) -> list[int]:
    import pandas as pd

    hashes: list[int] = pd.util.hash_pandas_object(frame, index=False).tolist()
    return hashes


SELF_TEST = SelfTest(
    description="a model that is certain of the label of every training row and uncertain elsewhere",
    threshold={"metric": "attack_auc", "key": "black_box", "less_than": 0.7},
    apply=_memorise_rows,
    params={"samples": 400, "fpr": [0.05]},
)
