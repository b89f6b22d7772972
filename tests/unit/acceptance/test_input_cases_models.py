"""Models whose files say less than the policy: labels, missing values, outputs, batches."""

from __future__ import annotations

from functools import partial

import lightgbm
import numpy as np
import pytest
import xgboost
from pydantic import ValidationError

import model_files
import tree_mutants
from model_governance.errors import SubjectError

FRAME = tree_mutants.rows()
POSITIVE = (FRAME["a"] > 0).to_numpy()
THREE = np.digitize(FRAME["a"], [-0.5, 0.5])


@pytest.fixture
def load(tmp_path):
    return partial(model_files.load, tmp_path)


def native(kind: str, labels: np.ndarray, *, classes: int) -> bytes:
    """A native file of a classifier of numbered classes."""
    if kind == "xgboost":
        objective = (
            {"objective": "binary:logistic"} if classes == 2 else {"objective": "multi:softprob", "num_class": 3}
        )
        return bytes(xgboost.train(objective | {"max_depth": 3}, xgboost.DMatrix(FRAME, labels), 5).save_raw("json"))
    objective = {"objective": "binary"} if classes == 2 else {"objective": "multiclass", "num_class": 3}
    made = lightgbm.train(objective | {"verbosity": -1, "min_data_in_leaf": 5}, lightgbm.Dataset(FRAME, labels), 5)
    return made.model_to_string().encode()


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_the_policy_names_the_labels_of_a_native_file(load, kind):
    """M7: labels yes and no, classes: [no, yes]."""
    content = native(kind, POSITIVE.astype(int), classes=2)
    columns = model_files.columns("a", "b", "c", positive="yes")
    model = load(content, format=kind, classes=["no", "yes"], given=columns)
    assert model.classes == ("no", "yes")
    assert (model.predict(FRAME) == np.where(POSITIVE, "yes", "no")).mean() > 0.95
    assert model.position_of("yes") == 1
    numbered = load(content, format=kind)
    assert np.array_equal(numbered.predict_proba(FRAME), model.predict_proba(FRAME))
    assert np.array_equal(numbered.predict(FRAME) == 1, model.predict(FRAME) == "yes")


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
def test_three_labels_are_named_and_copies_learn_them(load, kind):
    """M7: the labels of copies that attacks train are the same words."""
    content = native(kind, THREE, classes=3)
    words = np.array(["low", "middle", "high"])
    keys = {"training": {"eta": 0.3}} if kind == "xgboost" else {}
    model = load(content, format=kind, classes=words.tolist(), task="multiclass_classification", **keys)
    assert (model.predict(FRAME) == words[THREE]).mean() > 0.9
    labels = FRAME["a"].map(lambda value: words[int(np.digitize(value, [-0.5, 0.5]))])
    copy = model.fit(FRAME, labels, seed=1)
    assert copy.classes == model.classes
    assert (copy.predict(FRAME) == labels).mean() > 0.9


@pytest.mark.parametrize("kind", ["xgboost", "lightgbm"])
@pytest.mark.parametrize("classes", [["no"], ["no", "yes", "maybe"], ["no", "no"]])
def test_another_number_of_labels_is_refused(load, kind, classes):
    """M7: the message says how many classes the file holds."""
    with pytest.raises(SubjectError, match="holds 2 classes, numbered from 0"):
        load(native(kind, POSITIVE.astype(int), classes=2), format=kind, classes=classes)


def test_xgboost_is_told_which_number_stands_for_missing(load):
    """M8: trained with missing=-999, probabilities off by .86 where the policy cannot say so."""
    rows = FRAME.copy()
    rows.loc[::3, "a"] = -999.0
    labels = np.where(rows["a"] == -999, 1, POSITIVE).astype(int)
    settings = {"objective": "binary:logistic", "max_depth": 3, "eta": 0.5}
    booster = xgboost.train(settings, xgboost.DMatrix(rows, labels, missing=-999), 10)
    expected = booster.predict(xgboost.DMatrix(rows, missing=-999))
    content = bytes(booster.save_raw("ubj"))
    told = load(content, format="xgboost", missing=-999).predict_proba(rows)[:, 1]
    assert np.abs(told - expected).max() < 1e-6
    untold = load(content, format="xgboost").predict_proba(rows)[:, 1]
    assert np.abs(untold - expected).max() > 0.5
    with pytest.raises(ValidationError, match="missing fits native XGBoost files"):
        load(content, format="lightgbm", missing=-999)
