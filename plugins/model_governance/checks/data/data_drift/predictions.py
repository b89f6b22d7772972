"""Compares the model's predictions on both datasets, as one more column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.data.data_drift.column_drift import compare_columns, row_statistics
from model_governance.contract.subject import Dataset
from model_governance.engine import open_relation
from model_governance.engine.profiles import profile_of
from model_governance.errors import CheckError, ModelMisbehaved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    import pandas as pd

    from model_governance.checks.data.data_drift.column_drift import ColumnDrift
    from model_governance.checks.data.data_drift.comparison import Comparison
    from model_governance.contract.subject import Model, Role, Subject
    from model_governance.engine import Relation
    from model_governance.engine.profiles import Family

NAME = "prediction"


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionDrift:
    """The drift of the predictions, or the reason why it is absent, and how many rows were predicted by role."""

    drift: ColumnDrift | None
    reason: str
    rows: dict[str, int]


def compare_predictions(
    subject: Subject, comparison: Comparison, *, max_rows: int, seed: int, level: float
) -> PredictionDrift:
    """Compare the model's predictions on a seeded sample of each dataset.

    A model that fails on the reference is broken and raises. One that fails on current rows leaves the predictions
    uncompared, which no threshold passes, so that the columns that made it fail are still shown.

    Args:
        subject: holds the model, its task and the positive class.
        comparison: both datasets.
        max_rows: most rows of each dataset that the model predicts.
        seed: of the samples.
        level: p-value that counts as evidence, 0 to 1.

    Raises:
        ModelMisbehaved: the model fails on the reference.
        CheckError: the positive class is none of the model's.
    """
    model = subject.require_model()
    predict, family = _prediction(subject, model)
    name = NAME
    while name in subject.columns.features:
        name += "_"
    if comparison.reference is None:
        return PredictionDrift(
            drift=None, rows={}, reason="a profile replaces the reference, so the model cannot predict its rows"
        )
    names = subject.columns.names
    rows = {
        "reference": min(max_rows, comparison.reference.rows),
        "current": min(max_rows, comparison.current.rows),
    }
    reference = _predicted(predict, comparison.reference.sample_frames(rows["reference"], seed=seed, names=names))
    try:
        current = _predicted(predict, comparison.current.sample_frames(rows["current"], seed=seed + 1, names=names))
    except ModelMisbehaved as error:
        return PredictionDrift(drift=None, reason=str(error), rows=rows)
    drift = _compare(name, family, (reference, current), seed=seed, level=level)
    return PredictionDrift(drift=drift, reason="", rows=rows)


def _predicted(predict: Callable[[pd.DataFrame], np.ndarray], frames: Iterable[pd.DataFrame]) -> np.ndarray:
    import numpy as np

    return np.concatenate([predict(frame) for frame in frames])


def _compare(
    name: str, family: Family, predictions: tuple[np.ndarray, np.ndarray], *, seed: int, level: float
) -> ColumnDrift:
    reference, current = _relation(name, "reference", predictions[0]), _relation(name, "current", predictions[1])
    families: dict[str, Family] = {name: family}
    frozen = profile_of(reference, families)
    current_profile = profile_of(current, families, cells=frozen.cells)
    statistics = row_statistics(reference, current, families)
    (drift,) = compare_columns(frozen, current_profile, statistics=statistics, seed=seed, level=level)
    return drift


def _relation(name: str, role: Role, predictions: np.ndarray) -> Relation:
    import pandas as pd

    frame = pd.DataFrame({name: predictions})
    return open_relation(Dataset(role=role, uri=f"predictions on {role}", sha256="derived", frame=frame))


def _prediction(subject: Subject, model: Model) -> tuple[Callable[[pd.DataFrame], np.ndarray], Family]:
    """What is compared: the probability of the positive class, the label, or the value."""
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
