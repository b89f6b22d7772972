"""Cases of attacks on rows as the world makes them: narrow numbers, gaps, dependent columns, the class that matters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from xgboost import XGBClassifier

from model_governance.checks import find
from model_governance.contract.subject import Columns, Dataset, Feature, Model, Subject


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


NARROW = {
    "all in 32 bits": "float32",
    "beside whole numbers": {"a": "float32", "b": "float32", "c": "int16", "d": "float32"},
    "three widths": {"a": "float32", "b": "float64", "c": "int64", "d": "float16"},
    "nullable": {"a": "Float32", "c": "Int32"},
}


def scaled(last, scaler, dtypes) -> Subject:
    """Four numbers of unlike sizes behind a scaler, which calculates in the precision of the columns."""
    draw = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "a": draw.normal(40, 13, 300), "b": draw.gamma(2, 1000, 300), "c": draw.integers(0, 50, 300),
            "d": draw.uniform(0, 1, 300),
        }
    )  # fmt: skip
    score = (frame["a"] - 40) / 13 + (frame["b"] - 2000) / 1400 + (frame["c"] - 25) / 15
    frame, labels = frame.astype(dtypes), (score + draw.normal(0, 0.5, 300) > 0).astype(int).to_numpy()
    kinds = {name: {"kind": "integer" if name == "c" else "numeric"} for name in frame.columns}
    return subject_of(make_pipeline(scaler, last).fit(frame, labels), frame, labels, kinds)


@pytest.mark.parametrize("dtypes", NARROW.values(), ids=NARROW)
@pytest.mark.parametrize(
    ("last", "scaler"),
    [
        (XGBClassifier(n_estimators=10, max_depth=3, n_jobs=1), StandardScaler()),
        (RandomForestClassifier(6, max_depth=4, random_state=0), MinMaxScaler()),
    ],
    ids=["boosted", "forest"],
)
def test_t14_exact_finds_the_flips_of_narrow_columns_behind_a_scaler(last, scaler, dtypes):
    result = evasion(scaled(last, scaler, dtypes), attacks=["exact"], exact_rows=12, epsilon=0.2, samples=12)
    (attack,) = table(result, "attacks")
    assert attack["flipped at any distance"] == attack["rows attacked"] > 8
    assert attack["valid rows returned"] == attack["rows returned"]
    assert "undecided" not in result.metric("exact_attack_success_rate", key="exact@0.2").detail
