"""What the model answers on both sides, as one more column to compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.column_drift import compare_columns, from_rows
from model_governance.contract.subject import Dataset
from model_governance.engine import open_relation
from model_governance.engine.profiles import profile_of
from model_governance.errors import CheckError, ModelMisbehaved

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pandas as pd

    from model_governance.checks.data.data_drift.column_drift import Compared
    from model_governance.checks.data.data_drift.sides import Sides
    from model_governance.contract.subject import Model, Role, Subject
    from model_governance.engine import Relation
    from model_governance.engine.profiles import Family

NAME = "prediction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """The answers compared, or why they are not, and how many rows were answered."""

    compared: Compared | None
    trouble: str
    rows: dict[str, int]


def compare_predictions(subject: Subject, sides: Sides, *, most_rows: int, seed: int, level: float) -> Predictions:
    """The model's answers on a seeded sample of each side.

    A model that fails on the reference is broken and raises. One that fails on current rows leaves the
    answers uncompared, which no threshold passes, so that the columns that made it fail are still shown.

    Raises:
        ModelMisbehaved: the model fails on the reference.
        CheckError: the positive class is none of the model's.
    """
    model = subject.require_model()
    answer, family = _answer(subject, model)
    name = NAME
    while name in subject.columns.features:
        name += "_"
    if sides.reference is None:
        return Predictions(
            compared=None, rows={}, trouble="a profile stands for the reference, whose rows the model cannot answer"
        )
    names = subject.columns.names
    count = {
        role: min(most_rows, one.rows) for role, one in (("reference", sides.reference), ("current", sides.current))
    }
    reference = answer(sides.reference.sample(count["reference"], seed=seed, names=names))
    try:
        current = answer(sides.current.sample(count["current"], seed=seed + 1, names=names))
    except ModelMisbehaved as error:
        return Predictions(compared=None, trouble=str(error), rows=count)
    compared = _compare(name, family, (reference, current), seed=seed, level=level)
    return Predictions(compared=compared, trouble="", rows=count)


def _compare(name: str, family: Family, answers: tuple[np.ndarray, np.ndarray], *, seed: int, level: float) -> Compared:
    reference, current = (
        _relation(name, role, one) for role, one in zip(("reference", "current"), answers, strict=True)
    )
    families: dict[str, Family] = {name: family}
    fixed = profile_of(reference, families)
    measured = profile_of(current, families, cells=fixed.cells)
    rows = from_rows(reference, current, families)
    (found,) = compare_columns(fixed, measured, rows=rows, seed=seed, level=level)
    return found


def _relation(name: str, role: str, answers: np.ndarray) -> Relation:
    import pandas as pd

    held: Role = "reference" if role == "reference" else "current"
    frame = pd.DataFrame({name: answers})
    return open_relation(Dataset(role=held, uri=f"predictions on {role}", sha256="derived", frame=frame))


def _answer(subject: Subject, model: Model) -> tuple[Callable[[pd.DataFrame], np.ndarray], Family]:
    """What stands for a prediction: the positive class's probability, the label, or the value."""
    if subject.task in ("regression", "ranking", "forecasting"):
        return model.predict, "numbers"
    if subject.task == "multiclass_classification" or model.call_proba is None:
        return model.predict, "categories"
    positive = model.classes[-1] if subject.columns.positive is None else subject.columns.positive
    if positive not in model.classes:
        raise CheckError(
            f"columns.positive is {positive!r} and the model's classes are {', '.join(map(repr, model.classes))}"
        )
    place = model.classes.index(positive)
    return lambda frame: model.predict_proba(frame)[:, place], "numbers"
