"""The planted fault of the corruption check: a model that memorised its rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from model_governance.contract.check import SelfTest

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Subject


def memorise_rows(subject: Subject) -> Subject:
    """The subject with a model that predicts clean rows of current as before, and any other row as one class."""
    import numpy as np
    import pandas as pd

    model, frame = subject.require_model(), subject.features("current")
    answers = model.predict(frame)
    known = dict(zip(pd.util.hash_pandas_object(frame, index=False).tolist(), answers.tolist(), strict=True))
    values, counts = np.unique(answers, return_counts=True)
    usual = values[counts.argmin()].item()

    def call(rows: pd.DataFrame) -> Any:
        # A type that changed (a whole number with a gap) changes the hash too: not known.
        return np.array([known.get(digest, usual) for digest in pd.util.hash_pandas_object(rows, index=False).tolist()])

    return replace(subject, model=replace(model, native=None, call=call, call_proba=None))


SELF_TEST = SelfTest(
    description="a model that memorised its rows and predicts one class for any other row",
    threshold={"metric": "drop", "key": "noise@2", "less_than": 0.1},
    apply=memorise_rows,
    params={"samples": 300, "severities": [1, 2, 3]},
)
