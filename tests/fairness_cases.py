"""Subjects whose answers are written in the rows: column `says` is the model, `group` need not be a feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from model_governance.checks.quality.fairness import CHECK
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject

if TYPE_CHECKING:
    from model_governance.contract.result import CheckResult

SEED = 7


def measure(subject: Subject, *groups: str, **params: object) -> CheckResult:
    """The check's result under a fixed seed."""
    spelled = {"groups": groups or ("group",), "resamples": 500, **params}
    return CHECK.measure(subject, CHECK.params.model_validate(spelled), SEED)


def subject_of(frame: pd.DataFrame, *, task: str = "binary_classification", classes: tuple = (0, 1)) -> Subject:
    """A subject whose current rows are `frame` and whose model answers `says`."""
    model = Model(
        name="case", format="skops", sha256="0" * 64, task=task, native=None, classes=classes,
        call=lambda rows: rows["says"].to_numpy(),
    )  # fmt: skip
    columns = Columns(
        features={"says": Feature(kind="numeric" if is_numeric_dtype(frame["says"]) else "category")}, target="label"
    )
    dataset = Dataset("current", "current.parquet", "0" * 64, frame)
    return Subject(name="case", task=task, columns=columns, datasets={"current": dataset}, model=model)


def drawn(sizes: dict[str, int], rates: dict[str, float], *, seed: int = 1) -> pd.DataFrame:
    """Groups of these sizes; the model says yes at these rates and is right in three of four cases."""
    draw = np.random.default_rng(seed)
    group = np.repeat(list(sizes), list(sizes.values()))
    says = (draw.random(len(group)) < np.array([rates[name] for name in group])).astype(int)
    label = np.where(draw.random(len(group)) < 0.75, says, 1 - says)
    frame = pd.DataFrame({"group": group, "says": says, "label": label, "side": draw.choice(["l", "r"], len(group))})
    return frame.sample(frac=1, random_state=seed, ignore_index=True)
