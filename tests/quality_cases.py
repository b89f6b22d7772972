"""Subjects of model quality whose answers are written in the rows: columns `score` and `says` are the model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from model_governance.checks.quality.model_quality import CHECK
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject

if TYPE_CHECKING:
    from model_governance.contract.result import CheckResult

SEED = 7
NO_FEATURES = ("label", "row", "group", "item", "time", "p10", "p90")


def measure(subject: Subject, **params: object) -> CheckResult:
    """The check's result under a fixed seed."""
    return CHECK.measure(subject, CHECK.params.model_validate(params), SEED)


def dataset(role: str, frame: pd.DataFrame) -> Dataset:
    """A frame in a role."""
    return Dataset(role=role, uri=f"{role}.parquet", sha256="0" * 64, frame=frame)


def model_of(task: str, *, classes: tuple = (), call=None, call_proba=None) -> Model:
    """A model that reads its answer from the columns `says` (labels, values) or `score`."""
    default = {"ranking": lambda rows: rows["score"].to_numpy()}.get(task, lambda rows: rows["says"].to_numpy())
    return Model(
        name="case", format="skops", sha256="0" * 64, task=task, native=None, call=call or default,
        call_proba=call_proba, classes=classes,
    )  # fmt: skip


def two_columns(rows: pd.DataFrame) -> np.ndarray:
    """Probabilities of two classes from the column `score`, that of the second."""
    return np.column_stack([1 - rows["score"], rows["score"]])


def subject_of(frame: pd.DataFrame, model: Model, *, labels: pd.DataFrame | None = None, **columns: object) -> Subject:
    """A subject whose current rows are `frame` (all columns but those in NO_FEATURES are features)."""
    features = {
        name: Feature(kind="numeric" if is_numeric_dtype(frame[name]) else "category")
        for name in frame.columns
        if name not in NO_FEATURES
    }
    datasets = {"current": dataset("current", frame)}
    if labels is not None:
        datasets["labels"] = dataset("labels", labels)
    spelled = Columns(features=features, **{"target": "label", **columns})
    return Subject(name="case", task=model.task, columns=spelled, datasets=datasets, model=model)


def binary(label, score, *, says=None, classes: tuple = (0, 1), proba: bool = True, **columns: object) -> Subject:
    """A binary subject; `says` defaults to the second class from a score of one half on."""
    score = np.asarray(score, dtype=float)
    frame = pd.DataFrame({"label": label, "score": score})
    if says is None:
        says = np.asarray(classes)[(score >= 0.5).astype(int)]
    frame["says"] = says
    model = model_of("binary_classification", classes=classes, call_proba=two_columns if proba else None)
    return subject_of(frame, model, **columns)


def drawn_binary(count: int = 300, *, seed: int = 1) -> Subject:
    """Calibrated scores and the labels drawn from them."""
    draw = np.random.default_rng(seed)
    score = draw.beta(1.2, 1.6, count)
    return binary((draw.random(count) < score).astype(int), score)


def three_classes(label, says, probabilities=None, *, classes: tuple = ("a", "b", "c")) -> Subject:
    """A multiclass subject."""
    frame = pd.DataFrame({"label": label, "says": says})
    call_proba = None
    if probabilities is not None:
        frame[list("xyz")] = probabilities
        call_proba = lambda rows: rows[list("xyz")].to_numpy()  # noqa: E731
    return subject_of(frame, model_of("multiclass_classification", classes=classes, call_proba=call_proba))


def regression(label, says) -> Subject:
    """A regression subject."""
    return subject_of(pd.DataFrame({"label": label, "says": says}), model_of("regression"))


def ranking(group, score, label, **more: object) -> Subject:
    """A ranking subject; `more` are further columns, of which `item` names what is offered."""
    frame = pd.DataFrame({"group": group, "score": np.asarray(score, dtype=float), "label": label, **more})
    return subject_of(frame, model_of("ranking"), group="group", item="item" if "item" in more else None)


def forecast(series: int = 4, moments: int = 90, *, seed: int = 1, off: float = 1.0, season: int = 7) -> Subject:
    """Weekly series, forecasts that miss by noise of size `off`, their 10% and 90% quantiles, and a history."""
    draw = np.random.default_rng(seed)
    day = np.tile(np.arange(2 * moments), series)
    owner = np.repeat([f"s{number}" for number in range(series)], 2 * moments)
    label = 10 * np.sin(2 * np.pi * day / season) + draw.normal(0, 1, len(day))
    centre = 10 * np.sin(2 * np.pi * day / season)
    frame = pd.DataFrame(
        {
            "group": owner, "time": pd.Timestamp("2025-01-01") + pd.to_timedelta(day, unit="D"), "label": label,
            "says": centre + draw.normal(0, off, len(day)), "p10": centre - 1.2815515655, "p90": centre + 1.2815515655,
        }
    )  # fmt: skip
    past, now = (frame[part].reset_index(drop=True) for part in (day < moments, day >= moments))
    subject = subject_of(now, model_of("forecasting"), group="group", time="time")
    return replace(subject, datasets={**subject.datasets, "history": dataset("history", past)})


def against(subject: Subject, column: str = "theirs", **call: object) -> Subject:
    """The same subject with a champion that answers from another column."""
    champion = replace(subject.require_model(), name="champion", call=lambda rows: rows[column].to_numpy(), **call)
    return replace(subject, champion=champion)
