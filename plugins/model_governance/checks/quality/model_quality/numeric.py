"""Targets and predictions as finite float64."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.errors import CheckError, ModelMisbehaved

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.model_quality.labels import Labelled
    from model_governance.contract.subject import Model

# Types that databases and joins put into object columns; strings of digits are not among them.
NUMBERS = frozenset({"integer", "floating", "decimal", "mixed-integer-float", "boolean"})


def finite_numbers(values: pd.Series, *, what: str) -> np.ndarray:
    """The values as float64, shape (n,).

    Raises:
        CheckError: They are strings, dates or other objects, or missing or infinite.
    """
    import numpy as np

    numbers = to_numbers(values, what=what)
    wrong = int((~np.isfinite(numbers)).sum())
    if wrong:
        kind = "infinite" if np.isinf(numbers).any() else "missing"
        raise CheckError(f"{wrong:,} of {len(numbers):,} {what} in column {values.name!r} are {kind}")
    return numbers


def to_numbers(values: pd.Series, *, what: str) -> np.ndarray:
    """The values as float64, shape (n,), NaN where one is missing.

    Raises:
        CheckError: They are strings, dates or other objects.
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
    """Predict the labelled rows, as float64 of shape (n,).

    Raises:
        ModelMisbehaved: It raised, or answered with anything but finite numbers.
    """
    import numpy as np

    chunks = []
    for frame in labelled.frames():
        predicted = model.predict(frame)
        if predicted.dtype.kind not in "fiub":
            raise ModelMisbehaved(f"model {model.name!r} must predict numbers, found {predicted.dtype}")
        chunks.append(predicted.astype(np.float64))
    return np.concatenate(chunks)
