"""Subjects whose change no single column shows, and the outcome that the suggested thresholds give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject
from model_governance.policy import Threshold
from verdict_cases import verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from model_governance.contract.check import Check
    from model_governance.contract.result import CheckResult


def dataset(role: str, frame: pd.DataFrame) -> Dataset:
    """Rows in a role."""
    return Dataset(role=role, uri=f"{role}.parquet", sha256="0" * 64, frame=frame)


def unpredicted(frames: Mapping[str, pd.DataFrame], columns: Columns) -> Subject:
    """Datasets under a model that always answers 0, so that only columns count."""
    model = Model(
        name="constant", format="skops", sha256="0" * 64, task="regression", native=None,
        call=lambda frame: np.zeros(len(frame)),
    )  # fmt: skip
    datasets = {role: dataset(role, frame) for role, frame in frames.items()}
    return Subject(name="case", task="regression", model=model, columns=columns, datasets=datasets)


def scored(
    reference: pd.DataFrame, current: pd.DataFrame, probability: Callable | None = None, **features: str
) -> Subject:
    """A subject with these features (name: kind) and a model whose probability of class 1 is `probability` of the rows."""
    of_rows = probability or (lambda frame: np.full(len(frame), 0.25))
    model = Model(
        name="scores", format="skops", sha256="0" * 64, task="binary_classification", native=None,
        call=lambda frame: (of_rows(frame) >= 0.5).astype(int),
        call_proba=lambda frame: np.column_stack([1 - of_rows(frame), of_rows(frame)]), classes=(0, 1), train=None,
    )  # fmt: skip
    return Subject(
        name="scores", task="binary_classification", model=model,
        columns=Columns(features={name: Feature(kind=kind) for name, kind in features.items()}, target="label"),
        datasets={"reference": dataset("reference", reference), "current": dataset("current", current)},
    )  # fmt: skip


def outcomes(check: Check, subject: Subject, result: CheckResult, metric: str) -> list[str]:
    """The outcome of every threshold on a metric that `policy init` suggests for the reference."""
    reference = subject.frame("reference").assign(label=lambda frame: np.arange(len(frame)) % 2)
    suggested = check.suggest(reference, subject.columns).thresholds
    chosen = [Threshold(**threshold) for threshold in suggested if threshold["metric"] == metric]
    return [finding.outcome for finding in verdict(result.metrics, *chosen).findings]
