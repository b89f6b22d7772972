"""Rows that a model would answer wrongly, or not at all: the columns and counts are named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import skops.io

from model_governance.checks.quality.model_quality.labels import labelled_rows
from model_governance.contract.connections import PlainConnections
from model_governance.contract.subject import Columns, Feature, Subject
from model_governance.errors import CheckError, ModelMisbehaved, SubjectError
from model_governance.policy import DatasetSpec, ModelSpec
from model_governance.subjects import load_dataset, load_model
from model_governance.subjects.digests import digest_bytes

ROWS = 200


def loaded(folder, content: bytes, *, form: str, features: dict[str, str]):
    """A model of these bytes."""
    (folder / "model.bin").write_bytes(content)
    spec = ModelSpec(name="m", uri="model.bin", sha256=digest_bytes(content), format=form, task="binary_classification")
    columns = Columns(features={name: Feature(kind=kind) for name, kind in features.items()}, target="y")
    return load_model(spec, columns, folder=folder, connections=PlainConnections())


def rows() -> pd.DataFrame:
    """A code that decides the label, and a number that does not."""
    code = np.arange(ROWS) % 4 + 1
    return pd.DataFrame({"code": code, "x": np.linspace(0, 1, ROWS), "y": (code > 2).astype(int)})


def lightgbm_bytes(frame: pd.DataFrame) -> bytes:
    lightgbm = pytest.importorskip("lightgbm")
    data = lightgbm.Dataset(frame[["code", "x"]].astype({"code": "category"}), frame["y"])
    settings = {
        "objective": "binary",
        "verbosity": -1,
        "num_threads": 1,
        "min_data_in_leaf": 1,
        "min_data_per_group": 1,
        "seed": 1,
    }
    return lightgbm.train(settings, data, 20).model_to_string().encode()


def xgboost_bytes(frame: pd.DataFrame, *, categorical: bool = True) -> bytes:
    xgboost = pytest.importorskip("xgboost")
    cells = frame[["code", "x"]].astype({"code": "category"} if categorical else {"code": "float64"})
    data = xgboost.DMatrix(cells, frame["y"], enable_categorical=categorical, nthread=1)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1, "seed": 1, "tree_method": "hist"}, data, 10)
    return bytes(booster.save_raw("json"))


def sklearn_bytes(frame: pd.DataFrame) -> bytes:
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    encoder = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    model = make_pipeline(
        make_column_transformer((encoder, ["code"]), remainder="passthrough"), LogisticRegression(max_iter=1000)
    )
    return skops.io.dumps(model.fit(frame[["code", "x"]], frame["y"]))


@pytest.mark.parametrize(
    ("form", "write"), [("lightgbm", lightgbm_bytes), ("xgboost", xgboost_bytes), ("skops", sklearn_bytes)]
)
@pytest.mark.parametrize("learned", ["numbers", "text"])
def test_categories_of_another_type_than_the_model_learned_are_refused(tmp_path, form, write, learned):
    """M6: a model of integer codes is given text, and the other way round; it would know none of them."""
    frame = rows()
    text = frame.assign(code=frame["code"].astype(str))
    own, other = (frame, text) if learned == "numbers" else (text, frame)
    model = loaded(tmp_path, write(own), form=form, features={"code": "category", "x": "numeric"})
    features = ["code", "x"]
    assert (model.predict(own[features]) == own["y"]).mean() == 1
    found = "text" if learned == "numbers" else "numbers"
    with pytest.raises(CheckError, match=rf"category 'code' holds {found} and the model learned {learned}"):
        model.predict(other[features])
    if learned == "numbers":
        gaps = own[features].assign(code=own["code"].astype(float))
        gaps.loc[0, "code"] = np.nan
        assert (model.predict(gaps)[1:] == own["y"].to_numpy()[1:]).all(), "a gap makes floats of integers"


@pytest.mark.parametrize(("form", "write"), [("xgboost", xgboost_bytes), ("skops", sklearn_bytes)])
def test_infinite_values_are_named_by_column_and_count(tmp_path, form, write):
    """D17: 5% of a feature are infinite; the sentence is ours and not that of a library in C++."""
    frame = rows()
    content = write(frame) if form == "skops" else xgboost_bytes(frame, categorical=False)
    model = loaded(tmp_path, content, form=form, features={"code": "category", "x": "numeric"})
    broken = frame[["code", "x"]].assign(x=np.where(np.arange(ROWS) % 20 == 0, np.inf, frame["x"]))
    with pytest.raises(ModelMisbehaved) as error:
        model.predict_proba(broken)
    assert f"column 'x' in 10 of {ROWS} rows" in str(error.value)
    assert "infinite" in str(error.value)
    assert "Check failed" not in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_values_that_a_model_does_not_take_are_named_by_column_and_count(tmp_path):
    """D18: a feature with gaps and an estimator without a use for them."""
    frame = rows()
    model = loaded(tmp_path, sklearn_bytes(frame), form="skops", features={"code": "category", "x": "numeric"})
    broken = frame[["code", "x"]].assign(x=frame["x"].where(np.arange(ROWS) % 50 > 0))
    with pytest.raises(ModelMisbehaved, match=rf"missing values.* column 'x' in 4 of {ROWS} rows"):
        model.predict(broken)


@pytest.mark.parametrize("kind", ["int64", "uint64", "decimal", "text"])
def test_late_labels_are_joined_on_nineteen_digit_keys_exactly(tmp_path, kind):
    """D6: Parquet without statistics, keys beyond 2^53, each row has its own label."""
    keys = [9_007_199_254_740_993 + row for row in range(ROWS)]
    types = {"int64": pa.int64(), "uint64": pa.uint64(), "decimal": pa.decimal128(25, 0), "text": pa.string()}
    cells = pa.array(list(map(str, keys)) if kind == "text" else keys).cast(types[kind])
    labels = pa.array(np.arange(ROWS) % 2)
    order = np.random.default_rng(1).permutation(ROWS)[: ROWS // 2]
    write = {"use_dictionary": False, "write_statistics": False}
    pq.write_table(
        pa.table({"id": cells, "x": pa.array(np.arange(ROWS, dtype=float))}), tmp_path / "rows.parquet", **write
    )
    pq.write_table(
        pa.table({"id": cells.take(pa.array(order)), "y": labels.take(pa.array(order))}),
        tmp_path / "late.parquet",
        **write,
    )
    datasets = {
        role: load_dataset(role, DatasetSpec(uri=uri), folder=tmp_path, connections=PlainConnections())
        for role, uri in (("current", "rows.parquet"), ("labels", "late.parquet"))
    }
    columns = Columns(features={"x": Feature(kind="numeric")}, target="y", identifier="id")
    found = labelled_rows(
        Subject(name="m", task="binary_classification", columns=columns, datasets=datasets), minimum_coverage=0.1
    )
    assert found.n == ROWS // 2
    assert found.truth.tolist() == (found.positions % 2).tolist()


def test_keys_that_float64_merged_are_not_joined(tmp_path):
    """D6: keys of one side are floats; those of the other lie beyond what a float can tell apart."""
    keys = [9_007_199_254_740_993 + row for row in range(ROWS)]
    pq.write_table(pa.table({"id": keys, "x": pa.array(np.arange(ROWS, dtype=float))}), tmp_path / "rows.parquet")
    pq.write_table(
        pa.table({"id": pa.array(keys[::4]).cast(pa.float64(), safe=False), "y": [0, 1] * (ROWS // 8)}),
        tmp_path / "late.parquet",
    )
    datasets = {
        role: load_dataset(role, DatasetSpec(uri=uri), folder=tmp_path, connections=PlainConnections())
        for role, uri in (("current", "rows.parquet"), ("labels", "late.parquet"))
    }
    columns = Columns(features={"x": Feature(kind="numeric")}, target="y", identifier="id")
    subject = Subject(name="m", task="binary_classification", columns=columns, datasets=datasets)
    with pytest.raises(SubjectError, match="merged into floats"):
        labelled_rows(subject, minimum_coverage=0.1)


@pytest.mark.parametrize(
    "chosen", [["code"], "code", [0], slice(0, 1), slice("code", "code"), [True, False], np.array([0])]
)
def test_the_columns_of_an_encoder_are_found_however_they_are_named(chosen):
    """M6: names, places, masks and slices of a ColumnTransformer."""
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OneHotEncoder

    from model_governance.subjects.loaders.category_types import learned_by_encoders

    frame = rows()[["code", "x"]]
    if isinstance(chosen, str):
        chosen = ["code"]
    fitted = make_column_transformer((OneHotEncoder(), chosen), remainder="passthrough").fit(frame)
    assert learned_by_encoders(fitted, ["code", "x"]) == {"code": [1, 2, 3, 4]}
