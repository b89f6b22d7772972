"""The planted fault of the evasion check: a model whose answer flips at very small changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from model_governance.contract.check import SelfTest
from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Subject

# Width of a stripe in shares of the feature's range: a change of this size always flips the answer.
STRIPE = 0.002


def make_fragile(subject: Subject) -> Subject:
    """The subject with a model that answers by stripes of one mutable numeric feature.

    Raises:
        CheckError: there is no mutable numeric feature.
    """
    model = subject.require_model()
    names = [
        name for name, feature in subject.columns.features.items() if feature.kind == "numeric" and feature.mutable
    ]
    if not names:
        raise CheckError("the planted fault needs one mutable numeric feature")
    values = subject.features("current")[names[0]].astype(float)
    low, width = values.min(), STRIPE * (values.max() - values.min())

    def predict(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        stripe = ((frame[names[0]].to_numpy(dtype=float) - low) // width).astype(int) % 2
        return np.array(model.classes)[stripe]

    def probabilities(frame: pd.DataFrame) -> Any:
        import numpy as np

        chosen = (predict(frame)[:, None] == np.array(model.classes)[None, :]).astype(float)
        return 0.8 * chosen + 0.2 / len(model.classes)

    fragile = replace(
        model, native=None, call=predict, call_proba=probabilities, call_logits=None, call_gradient=None
    )  # fmt: skip
    return replace(subject, model=fragile)


SELF_TEST = SelfTest(
    description="a model whose answer flips when one feature changes by a five-hundredth of its range",
    threshold={"metric": "attack_success_rate", "key": "hopskipjump", "less_than": 0.5},
    apply=make_fragile,
    params={"attacks": ["hopskipjump"], "samples": 24, "epsilon": 0.02, "max_iterations": 3, "max_evaluations": 30},
)
