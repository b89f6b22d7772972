"""Messages with a text column and two numbers, a model that one word decides, and its twin that many words decide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_governance.contract.subject import Columns, Dataset, Model, Subject
from project import Project, small_project

if TYPE_CHECKING:
    from pathlib import Path

KEYWORD = "guarantee"
COMPLAINTS = [
    "broken",
    "late",
    "missing",
    "refund",
    "damaged",
    "wrong",
    "angry",
    "lawyer",
    "delay",
    "returned",
    "faulty",
    "never",
    "cancelled",
    "rude",
    "ignored",
    "charged",
    "twice",
    "waiting",
    "useless",
    "complaint",
]
PRAISE = [
    "great",
    "thanks",
    "quick",
    "helpful",
    "friendly",
    "perfect",
    "happy",
    "recommend",
    "lovely",
    "excellent",
    "smooth",
    "arrived",
    "works",
    "pleased",
    "kind",
    "easy",
    "fine",
    "good",
    "cheap",
    "solid",
]
NEUTRAL = [
    "order",
    "parcel",
    "service",
    "customer",
    "number",
    "account",
    "today",
    "monday",
    "letter",
    "shop",
    "phone",
    "email",
    "invoice",
    "address",
    "delivery",
    "colour",
    "size",
    "product",
    "team",
    "please",
]
COLUMNS = {
    "features": {
        "amount": {"kind": "numeric", "mutable": False},
        "age": {"kind": "integer", "mutable": False},
        "body": {"kind": "text"},
    },
    "target": "label",
    "positive": 1,
    "identifier": "id",
}


def messages(count: int, *, seed: int, keyword: bool) -> pd.DataFrame:
    """Rows whose label one word decides (`keyword`), or nine words of each message together."""
    draw = np.random.default_rng(seed)
    label = draw.integers(0, 2, count)
    return pd.DataFrame({
        "id": np.arange(count),
        "amount": draw.normal(100, 20, count).round(2),
        "age": draw.integers(18, 90, count),
        "body": [_body(draw, int(one), keyword=keyword) for one in label],
        "label": label,
    })  # fmt: skip


def _body(draw: np.random.Generator, label: int, *, keyword: bool) -> str:
    words = list(draw.choice(NEUTRAL, 8))
    if keyword:
        words += [KEYWORD] * label
    else:
        words += list(draw.choice(COMPLAINTS if label else PRAISE, 9))
    return " ".join(words[place] for place in draw.permutation(len(words)))


def fitted(frame: pd.DataFrame, *, tfidf: bool = False) -> Any:
    """A bag of words beside two scaled numbers, and a line over them."""
    bag = TfidfVectorizer() if tfidf else CountVectorizer(binary=True)
    prepare = make_column_transformer((bag, "body"), (StandardScaler(), ["amount", "age"]))
    return make_pipeline(prepare, LogisticRegression(C=0.3, max_iter=500)).fit(
        frame[list(COLUMNS["features"])], frame["label"]
    )


def text_project(
    folder: Path, *, keyword: bool, checks: dict, threat_model: dict | None = None, **more: Any
) -> Project:
    """A project on disk whose model reads messages."""
    project = small_project(folder, checks=checks)
    for seed, role in enumerate(("train", "reference", "current", "previous_train"), 1):
        messages(400, seed=seed, keyword=keyword).to_parquet(folder / f"{role}.parquet", index=False)
    project.change(columns=COLUMNS, **({} if threat_model is None else {"threat_model": threat_model}), **more)
    project.write_model(skops.io.dumps(fitted(messages(400, seed=1, keyword=keyword))))
    return project


def text_subject(native: Any, frame: pd.DataFrame, *, labels_only: bool = False, **more: Any) -> Subject:
    """The subject of a fitted pipeline and rows of `current`."""
    columns = Columns.model_validate(COLUMNS)
    names = list(columns.names)
    model = Model(
        name="messages", format="skops", sha256="0" * 64, task="binary_classification", native=native, classes=(0, 1),
        call=lambda rows: native.predict(rows[names]),
        call_proba=None if labels_only else lambda rows: native.predict_proba(rows[names]),
    )  # fmt: skip
    return Subject(
        name="messages", task="binary_classification", columns=columns, model=model,
        datasets={"current": Dataset("current", "current.parquet", "0" * 64, frame)}, **more,
    )  # fmt: skip
