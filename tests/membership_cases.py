"""A model that memorised its training rows, and how often copies of it are trained: for the tests of membership inference."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from model_governance.checks.privacy.membership_inference import CHECK
from model_governance.contract.subject import Columns, Dataset, Feature, Model, PreviousRun, Subject

NAMES = list("abcd")
ROWS = 300
FIRST_RUN = datetime(2026, 11, 24, tzinfo=UTC)


class Recipe:
    """How the model was trained, and how often copies of it were."""

    def __init__(self, make) -> None:
        self.make, self.fits, self.lock = make, 0, threading.Lock()

    def model(self, frame: pd.DataFrame, labels: pd.Series, seed: int) -> Model:
        native = self.make(seed).fit(frame[NAMES], labels)
        classes = tuple(native.classes_.tolist()) if hasattr(native, "classes_") else ()
        return Model(
            name="coin", format="skops", sha256="5" * 64, native=native, classes=classes,
            call=lambda frame: native.predict(frame[NAMES]),
            task="binary_classification" if classes else "regression",
            call_proba=(lambda frame: native.predict_proba(frame[NAMES])) if classes else None, train=self.train,
        )  # fmt: skip

    def train(self, frame: pd.DataFrame, labels: pd.Series, seed: int) -> Model:
        with self.lock:
            self.fits += 1
        return self.model(frame, labels, seed)


def forest(seed: int):
    return RandomForestClassifier(8, random_state=seed)


def careful(seed: int):
    return LogisticRegression(C=0.01, random_state=seed)


def rows(count: int, *, seed: int, values: bool = False) -> pd.DataFrame:
    """Features that say a little of the label, and a group; what a tree learns beyond that is the rows themselves."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(draw.normal(size=(count, 4)), columns=NAMES)
    score = frame["a"] + draw.normal(0, 1.5, count)
    return frame.assign(group=draw.choice(["x", "y"], count), label=score if values else (score > 0).astype(int))


def audited(make=forest, *, values: bool = False, trained_on: str = "train", **roles: int) -> Subject:
    frames = {name: rows(roles.get(name, ROWS), seed=number, values=values) for number, name in enumerate(
        ("train", "reference", "elsewhere"))}  # fmt: skip
    model = Recipe(make).model(frames[trained_on], frames[trained_on]["label"], 7)
    columns = Columns(features={name: Feature(kind="numeric") for name in NAMES}, target="label")
    data = {role: Dataset(role=role, uri=role, sha256=role, frame=frames[role]) for role in ("train", "reference")}
    return Subject(name="coin", task=model.task, columns=columns, datasets=data, model=model, logical_date=FIRST_RUN)


def measure(subject: Subject, **params):
    return CHECK.measure(
        subject, CHECK.params(**{"fpr": [0.05], "audit_guesses": 100, "attacks": ["rmia"], **params}), 1
    )


def fits(subject: Subject) -> int:
    return subject.require_model().train.__self__.fits


def the_run_after(subject: Subject, result, *, days: int = 1) -> Subject:
    """The same subject some days later, with what the check stored and asks to see again."""
    wanted = {one.artifact for one in CHECK.lookbacks(CHECK.params(budget={"rmia": {"every_runs": 7}}))}
    kept = tuple(
        PreviousRun(
            logical_date=subject.logical_date, name=one.name, key=one.name, sha256=one.sha256, content=one.content
        )
        for one in result.artifacts
        if one.name in wanted
    )
    return replace(subject, earlier=kept, logical_date=subject.logical_date + timedelta(days=days))
