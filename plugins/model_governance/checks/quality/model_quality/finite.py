"""Targets and predictions as float64, refused where they are no numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.errors import CheckError, ModelMisbehaved

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.model_quality.labels import Labelled
    from model_governance.contract.subject import Model

# What databases and joins put into object columns; strings of digits are not among them.
NUMBERS = frozenset({"integer", "floating", "decimal", "mixed-integer-float", "boolean"})


def finite_numbers(values: pd.Series, *, what: str) -> np.ndarray:
    """The values as float64, shape (n,).

    Raises:
        CheckError: they are strings, dates or other objects, or missing or infinite.
    """
    import numpy as np

    numbers = plain_numbers(values, what=what)
    odd = int((~np.isfinite(numbers)).sum())
    if odd:
        kind = "infinite" if np.isinf(numbers).any() else "missing"
        raise CheckError(f"{odd:,} of {len(numbers):,} {what} in column {values.name!r} are {kind}")
    return numbers


def plain_numbers(values: pd.Series, *, what: str) -> np.ndarray:
    """The values as float64, shape (n,), NaN where one is missing.

    Raises:
        CheckError: they are strings, dates or other objects.
    """
    import numpy as np
    from pandas.api.types import infer_dtype

    kind = infer_dtype(values)
    if kind not in NUMBERS:
        raise CheckError(
            f"the {what} in column {values.name!r} must be numbers, found {kind}; cast the column upstream"
        )
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def finite_predictions(model: Model, labelled: Labelled) -> np.ndarray:
    """What the model predicts for the labelled rows, as float64 of shape (n,).

    Raises:
        ModelMisbehaved: it raised, or answered with anything but finite numbers.
    """
    import numpy as np

    answers = []
    for frame in labelled.frames():
        answer = model.predict(frame)
        if answer.dtype.kind not in "fiub":
            raise ModelMisbehaved(f"model {model.name!r} must predict numbers, found {answer.dtype}")
        answers.append(answer.astype(np.float64))
    return np.concatenate(answers)
