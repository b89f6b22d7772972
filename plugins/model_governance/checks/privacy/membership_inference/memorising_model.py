"""The planted fault of the membership check: a model that knows its training rows by heart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.contract.subject import Subject

SURE = 0.999


def memorise(subject: Subject) -> Subject:
    """The subject with a model that is sure of the label of every training row and doubtful elsewhere.

    The worst an overfitted model can do, on any data: a deep tree would hide where labels carry no
    noise. Rows that occur twice keep the label of the last one.
    """
    model = subject.require_model()
    known = dict(zip(_keys(subject.features("train")), subject.target("train").tolist(), strict=True))
    numbers = {value: number for number, value in enumerate(model.classes)}

    def chances(frame: pd.DataFrame) -> np.ndarray:
        import numpy as np

        count = len(model.classes)
        doubtful = 0.5 * model.predict_proba(frame) + 0.5 / count
        for row, key in enumerate(_keys(frame)):
            if key in known:
                doubtful[row] = (1 - SURE) / (count - 1)
                doubtful[row, numbers[known[key]]] = SURE
        return np.asarray(doubtful)

    def answer(frame: pd.DataFrame) -> Any:
        import numpy as np

        return np.array(model.classes)[chances(frame).argmax(axis=1)]

    return replace(subject, model=replace(model, native=None, call=answer, call_proba=chances))


def _keys(frame: pd.DataFrame) -> list[int]:
    import pandas as pd

    keys: list[int] = pd.util.hash_pandas_object(frame, index=False).tolist()
    return keys
