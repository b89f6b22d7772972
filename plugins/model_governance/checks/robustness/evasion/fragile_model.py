"""The planted fault of the evasion check: a model whose answer flips at the slightest push."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from model_governance.errors import CheckError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Subject

# Width of a stripe in shares of the feature's range: a push of this size always changes the answer.
STRIPE = 0.002


def make_fragile(subject: Subject) -> Subject:
    """The subject with a model that answers by stripes of one mutable numeric feature.

    Raises:
        CheckError: there is no mutable numeric feature.
    """
    model = subject.require_model()
    names = [name for name, one in subject.columns.features.items() if one.kind == "numeric" and one.mutable]
    if not names:
        raise CheckError("the planted fault needs one mutable numeric feature")
    values = subject.features("current")[names[0]].astype(float)
    low, width = values.min(), STRIPE * (values.max() - values.min())

    def answer(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        stripe = ((frame[names[0]].to_numpy(dtype=float) - low) // width).astype(int) % 2
        return np.array(model.classes)[stripe]

    def chances(frame: pd.DataFrame) -> Any:
        import numpy as np

        chosen = (answer(frame)[:, None] == np.array(model.classes)[None, :]).astype(float)
        return 0.8 * chosen + 0.2 / len(model.classes)

    return replace(subject, model=replace(model, native=None, call=answer, call_proba=chances))
