"""A small healthy subject: rows of one distribution, a regularised pipeline trained on some of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from model_governance.contract.subject import Columns, Dataset, Feature, Model, ModelFile, Subject

COLUMNS = Columns(
    features={
        "income": Feature(kind="numeric", minimum=0, maximum=200),
        "debt": Feature(kind="numeric", minimum=0, maximum=100),
        "age": Feature(kind="integer", minimum=18, maximum=90, mutable=False),
        "region": Feature(kind="category", mutable=False),
        "channel": Feature(kind="category"),
    },
    target="label",
    positive=1,
    identifier="row",
)


def rows(count: int = 400, *, seed: int) -> pd.DataFrame:
    """Applicants whose label follows income, debt and channel, with noise."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "row": np.arange(count) + 10_000 * seed,
            "income": draw.gamma(4.0, 15.0, count).clip(0, 200),
            "debt": draw.gamma(2.0, 12.0, count).clip(0, 100),
            "age": draw.integers(18, 91, count),
            "region": draw.choice(["north", "south", "east"], count, p=[0.5, 0.3, 0.2]),
            "channel": draw.choice(["branch", "web"], count, p=[0.4, 0.6]),
        }
    )
    score = (frame["income"] - 60) / 25 - (frame["debt"] - 24) / 15 + 0.6 * (frame["channel"] == "branch")
    frame["label"] = (score + draw.logistic(0, 0.6, count) > 0).astype(int)
    return frame


def pipeline(train: pd.DataFrame):
    """A logistic regression behind the preprocessing that a user would write."""
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    prepare = ColumnTransformer(
        [
            ("numbers", StandardScaler(), ["income", "debt", "age"]),
            ("categories", OneHotEncoder(handle_unknown="ignore"), ["region", "channel"]),
        ]
    )
    model = Pipeline([("prepare", prepare), ("classify", LogisticRegression(C=0.5))])
    return model.fit(train[list(COLUMNS.names)], train["label"])


def as_model(native: object, *, name: str = "synthetic") -> Model:
    """A scikit-learn classifier as checks see it."""
    from sklearn.base import clone

    def train(frame: pd.DataFrame, labels: pd.Series, seed: int) -> Model:
        copy = clone(native)
        copy.set_params(**{key: seed for key in copy.get_params() if key.split("__")[-1] == "random_state"})
        return as_model(copy.fit(frame, labels), name=name)

    return Model(
        name=name,
        format="skops",
        sha256="0" * 64,
        task="binary_classification",
        native=native,
        call=native.predict,
        call_proba=native.predict_proba,
        classes=tuple(native.classes_.tolist()),
        train=train,
    )


def with_gradients(given: Subject) -> Subject:
    """The subject whose scikit-learn model has the logits and gradients that its loader would give it."""
    from model_governance.subjects.loaders.sklearn_gradients import gradient_of
    from model_governance.subjects.loaders.sklearn_scores import scores_of

    model, names = given.require_model(), given.columns.names
    gradient = gradient_of(
        model.native, lambda frame: frame[list(names)], names, given.columns.of_kind("numeric", "integer")
    )
    return replace(given, model=replace(model, call_logits=scores_of(model.native), call_gradient=gradient))


def model_file(model: Model) -> ModelFile:
    """The model as skops saves it, under the model's digest: skops writes addresses, so its bytes never repeat."""
    import skops.io

    return ModelFile(uri="model.skops", format="skops", sha256=model.sha256, content=skops.io.dumps(model.native))


def subject(count: int = 400) -> Subject:
    """The healthy subject in roles train, reference, current and previous_train (the training rows of the model before)."""
    frames = {
        role: rows(count, seed=seed)
        for seed, role in enumerate(("train", "reference", "current", "previous_train"), start=1)
    }
    datasets = {
        role: Dataset(role=role, uri=f"{role}.parquet", sha256=f"{number:064x}", frame=frame)
        for number, (role, frame) in enumerate(frames.items())
    }
    model = as_model(pipeline(frames["train"]))
    return Subject(
        name="synthetic",
        task="binary_classification",
        columns=COLUMNS,
        datasets=datasets,
        model=model,
        logical_date=datetime(2026, 1, 1, tzinfo=UTC),
        model_file=model_file(model),
    )
