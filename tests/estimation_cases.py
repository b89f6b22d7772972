"""Subjects whose chances are known: labels drawn from a given chance, a model that says it well or badly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit

from model_governance.checks.quality.performance_estimation import CHECK
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject

if TYPE_CHECKING:
    from model_governance.contract.result import CheckResult

SEED = 7


def measure(subject: Subject, **params: object) -> CheckResult:
    """The check's result under a fixed seed."""
    return CHECK.measure(subject, CHECK.params.model_validate({"resamples": 50, **params}), SEED)


def subject_of(reference: pd.DataFrame, current: pd.DataFrame, model: Model, **features: str) -> Subject:
    """Reference and current in their roles; `features` names the kind of each column."""
    datasets = {
        role: Dataset(role=role, uri=f"{role}.parquet", sha256="0" * 64, frame=frame)
        for role, frame in (("reference", reference), ("current", current))
    }
    columns = Columns(features={name: Feature(kind=kind) for name, kind in features.items()}, target="label")
    return Subject(name="case", task=model.task, columns=columns, datasets=datasets, model=model)


def chance_of(frame: pd.DataFrame) -> np.ndarray:
    """The true chance of a positive."""
    return expit(1.5 * frame["x"].to_numpy())


def drawn(count: int, *, seed: int, centre: float = 0.0, spread: float = 1.0) -> pd.DataFrame:
    """Rows around a centre, labelled by the one true chance: moving the centre is a covariate shift."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": draw.normal(centre, spread, count)})
    frame["label"] = (draw.random(count) < chance_of(frame)).astype(int)
    return frame


def classifier(*, sharpness: float = 1.0) -> Model:
    """A model that ranks rows as the truth does; `sharpness` other than 1 makes it over- or underconfident."""

    def chances(frame: pd.DataFrame) -> np.ndarray:
        positive = expit(1.5 * sharpness * frame["x"].to_numpy())
        return np.column_stack([1 - positive, positive])

    return Model(
        name="case", format="skops", sha256="0" * 64, task="binary_classification", native=None, classes=(0, 1),
        call=lambda frame: (frame["x"].to_numpy() >= 0).astype(int), call_proba=chances,
    )  # fmt: skip


def spread_of(frame: pd.DataFrame) -> np.ndarray:
    """The true standard deviation of a regression's error."""
    return 0.5 + np.abs(frame["x"].to_numpy())


def measured(count: int, *, seed: int, centre: float = 0.0) -> pd.DataFrame:
    """Rows whose target is x plus noise that grows with the distance of x from 0."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": draw.normal(centre, 1, count), "site": draw.choice(["a", "b"], count)})
    frame["label"] = frame["x"] + spread_of(frame) * draw.normal(size=count)
    return frame


def regressor() -> Model:
    """A model that predicts the mean of the target."""
    return Model(
        name="case", format="skops", sha256="0" * 64, task="regression", native=None,
        call=lambda frame: frame["x"].to_numpy(),
    )  # fmt: skip
