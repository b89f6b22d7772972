"""The planted fault of `model_inversion`: a model whose confidence peaks at every training row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.attacks.gower import GowerDistance
from model_governance.contract.check import SelfTest

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Subject

BANDWIDTH = 0.05  # Gower's distance over which the confidence decays
# Lowers the confidence away from all rows, so that it is highest at a row and not between several.
REGULARISER = 0.3


def _memorise_rows(subject: Subject) -> Subject:
    """The subject with a nearest-neighbour model whose confidence peaks at every single training row."""
    model = subject.require_model()
    trained, labels = subject.features("train"), subject.target("train").tolist()
    distance = GowerDistance.fit(trained, subject.columns)
    numbers = {label: number for number, label in enumerate(model.classes)}

    def predict_proba(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        distances = distance.pairwise(frame, trained)
        own = np.array([numbers[label] for label in labels])
        nearest = np.column_stack([distances[:, own == number].min(axis=1) for number in range(len(numbers))])
        weights = np.exp(-nearest / BANDWIDTH)
        confidence = weights / (weights.sum(axis=1, keepdims=True) + REGULARISER)
        return confidence + (1 - confidence.sum(axis=1, keepdims=True)) / len(numbers)

    def predict(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        return np.array(model.classes)[predict_proba(frame).argmax(axis=1)]

    return replace(
        subject,
        model=replace(model, native=None, call=predict, call_proba=predict_proba, call_logits=None, call_gradient=None),
    )


SELF_TEST = SelfTest(
    description="a model whose confidence peaks at every training row",
    threshold={"metric": "nearest_training_distance_ratio", "geq_to": 0.4},
    apply=_memorise_rows,
)
