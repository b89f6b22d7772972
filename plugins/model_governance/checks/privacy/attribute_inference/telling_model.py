"""The planted fault of the attribute check: a model that recognises its training rows, attribute and all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Subject

SURE = 0.999


def recognise(subject: Subject) -> Subject:
    """The subject with a model that is sure of the label of every training row, and doubtful once a cell is changed."""
    import pandas as pd

    model = subject.require_model()
    numbers = {value: number for number, value in enumerate(model.classes)}

    def keys(frame: pd.DataFrame) -> list[int]:
        return pd.util.hash_pandas_object(frame, index=False).tolist()

    known = dict(zip(keys(subject.features("train")), map(numbers.get, subject.target("train").tolist()), strict=True))

    def chances(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        count = len(model.classes)
        found = 0.5 * model.predict_proba(frame) + 0.5 / count
        own = np.array([known.get(one, -1) for one in keys(frame)])
        met = np.flatnonzero(own >= 0)
        found[met] = (1 - SURE) / (count - 1)
        found[met, own[met]] = SURE
        return found

    def answer(frame: pd.DataFrame) -> Any:
        import numpy as np

        return np.array(model.classes)[chances(frame).argmax(axis=1)]

    return replace(subject, model=replace(model, native=None, call=answer, call_proba=chances))
