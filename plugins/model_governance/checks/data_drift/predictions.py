"""What the model answers on both sides, as one more column to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.data_drift.sides import as_categories, as_numbers
from model_governance.errors import CheckError, ModelMisbehaved

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import pandas as pd

    from model_governance.checks.data_drift.sides import Column
    from model_governance.subject import Model, Role, Subject


def predictions(subject: Subject, rows: Mapping[Role, np.ndarray]) -> tuple[Column | None, str]:
    """The model's answers on both sides, or why it gave none on tonight's rows.

    A model that fails on the reference is broken and raises. One that fails on current rows leaves the
    metric absent, which no threshold passes, so that the columns that made it fail are still shown.
    """
    model = subject.require_model()
    answers, family = _answers(subject, model)
    name = "prediction"
    while name in subject.columns.features:
        name += "_"
    reference = answers(subject.features("reference").iloc[rows["reference"]])
    try:
        current = answers(subject.features("current").iloc[rows["current"]])
    except ModelMisbehaved as error:
        return None, str(error)
    return family(name, reference, current), ""


def _answers(subject: Subject, model: Model) -> tuple[Callable[[pd.DataFrame], pd.Series], Callable[..., Column]]:
    """What stands for a prediction: the positive class's probability, the label, or the value."""
    import pandas as pd

    if subject.task in ("regression", "ranking"):
        return lambda frame: pd.Series(model.predict(frame)), as_numbers
    if subject.task == "multiclass_classification" or model.call_proba is None:
        return lambda frame: pd.Series(model.predict(frame)), as_categories
    positive = model.classes[-1] if subject.columns.positive is None else subject.columns.positive
    if positive not in model.classes:
        raise CheckError(
            f"columns.positive is {positive!r} and the model's classes are {', '.join(map(repr, model.classes))}"
        )
    place = model.classes.index(positive)
    return lambda frame: pd.Series(model.predict_proba(frame)[:, place]), as_numbers
