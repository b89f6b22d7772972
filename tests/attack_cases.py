"""Small subjects under attack, and what a run of the evasion check says about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks import find
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def evasion(subject, **params):
    check = find("evasion")
    return check.measure(subject, check.params.model_validate({"samples": 24} | params), 1)


def subject_of(native, frame: pd.DataFrame, labels: np.ndarray, features: dict[str, dict], **more) -> Subject:
    """A fitted scikit-learn classifier of 0 and 1 over these rows."""
    columns = Columns(features={name: Feature(**entry) for name, entry in features.items()}, target="y", positive=1)
    model = Model(
        name="case", format="skops", sha256="0" * 64, task="binary_classification", native=native, call=native.predict,
        call_proba=native.predict_proba, classes=(0, 1),
    )  # fmt: skip
    data = {"current": Dataset(role="current", uri="c", sha256="c", frame=frame.assign(y=labels))}
    return Subject(name="case", task="binary_classification", columns=columns, datasets=data, model=model, **more)


def table(result, name: str) -> list[dict]:
    found = next(one for one in result.tables if one.name == name)
    return [dict(zip(found.header, row, strict=True)) for row in found.rows]
