"""XGBoost and LightGBM in their own formats: the same answers, columns by name, categories by word."""

from __future__ import annotations

import sys

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost

from model_governance.contract.subject import Columns, Feature
from model_governance.errors import ModelMisbehaved, SubjectError
from synthetic import COLUMNS, rows

NUMBERS = ["income", "debt", "age"]
NUMERIC = Columns(features={name: Feature(kind="numeric") for name in NUMBERS}, target="label", positive=1)
TRAIN, TODAY = rows(400, seed=1), rows(100, seed=2)
THREE = pd.cut(TRAIN["income"], 3, labels=False)
UNSIGNED = {"columns": NUMERIC.model_copy(update={"positive": None})}


def worded(frame):
    """Categories in the order of the training rows' words, whatever the frame holds."""
    features = frame[list(COLUMNS.names)]
    return features.astype({name: pd.CategoricalDtype(sorted(TRAIN[name].unique())) for name in ("region", "channel")})


def boosted(library, kind="Classifier", features=None, labels=None, **keys):
    prefix, quiet = ("XGB", {}) if library == "xgboost" else ("LGBM", {"verbose": -1})
    module = xgboost if library == "xgboost" else lightgbm
    model = getattr(module, prefix + kind)(n_estimators=6, max_depth=3, n_jobs=1, **quiet, **keys)
    fitting = {} if kind != "Ranker" else {"group": [100] * 4}
    model.fit(TRAIN[NUMBERS] if features is None else features, TRAIN["label"] if labels is None else labels, **fitting)
    return model


def saved(model, kind="ubj"):
    if isinstance(model, xgboost.XGBModel):
        return bytes(model.get_booster().save_raw(kind))
    return model.booster_.model_to_string().encode()


BOTH = pytest.mark.parametrize("library", ["xgboost", "lightgbm"])


@BOTH
def test_a_binary_classifier_answers_as_it_did(load, library):
    native = boosted(library)
    model = load(saved(native), columns=NUMERIC, format=library)
    np.testing.assert_array_equal(model.predict(TODAY), native.predict(TODAY[NUMBERS]))
    np.testing.assert_allclose(model.predict_proba(TODAY), native.predict_proba(TODAY[NUMBERS]), atol=1e-6)
    assert model.classes == (0, 1)


def test_xgboost_json_is_read_as_well(load):
    native = boosted("xgboost")
    model = load(saved(native, "json"), columns=NUMERIC, format="xgboost")
    np.testing.assert_array_equal(model.predict(TODAY), native.predict(TODAY[NUMBERS]))


@BOTH
def test_many_classes(load, library):
    native = boosted(library, labels=THREE)
    model = load(saved(native), format=library, task="multiclass_classification", **UNSIGNED)
    np.testing.assert_array_equal(model.predict(TODAY), native.predict(TODAY[NUMBERS]))
    np.testing.assert_allclose(model.predict_proba(TODAY), native.predict_proba(TODAY[NUMBERS]), atol=1e-6)
    assert model.classes == (0, 1, 2)


@BOTH
@pytest.mark.parametrize(
    ("kind", "task"), [("Regressor", "regression"), ("Ranker", "ranking"), ("Regressor", "ranking")]
)
def test_values_and_scores(load, library, kind, task):
    native = boosted(library, kind)
    model = load(saved(native), columns=NUMERIC, format=library, task=task)
    np.testing.assert_allclose(model.predict(TODAY), native.predict(TODAY[NUMBERS]), rtol=1e-6)


@BOTH
def test_categories_are_matched_by_word_and_not_by_number(load, library):
    keys = {"enable_categorical": True} if library == "xgboost" else {"min_data_per_group": 1, "cat_smooth": 1}
    native = boosted(library, features=worded(TRAIN), **keys)
    model = load(saved(native), format=library)
    for frame in (TODAY, TODAY[TODAY["region"] != "east"], TODAY.iloc[::-1]):
        expected = native.predict_proba(worded(frame))
        np.testing.assert_allclose(model.predict_proba(frame), expected, atol=1e-6)
    swapped = TODAY.assign(channel=TODAY["channel"].map({"web": "branch", "branch": "web"}))
    assert not np.allclose(model.predict_proba(swapped), model.predict_proba(TODAY))


def test_an_unknown_category_is_told_by_xgboost_and_missing_to_lightgbm(load):
    unknown = TODAY.assign(channel="pigeon")
    native = boosted("xgboost", features=worded(TRAIN), enable_categorical=True)
    for word in ("a pigeon", "pigeon", "x pigeon"):
        with pytest.raises(ModelMisbehaved, match=f"channel holds {word}; the model knows branch, web"):
            load(saved(native), format="xgboost").predict(TODAY.assign(channel=word))
    native = boosted("lightgbm", features=worded(TRAIN))
    model = load(saved(native), format="lightgbm")
    np.testing.assert_array_equal(model.predict_proba(unknown), model.predict_proba(TODAY.assign(channel=None)))


def test_numbered_categories_of_xgboost_stay_numbers(load):
    codes = TRAIN[NUMBERS].assign(age=TRAIN["age"] // 10)
    kinds = ["q", "q", "c"]
    matrix = xgboost.DMatrix(codes.to_numpy(), TRAIN["label"], feature_types=kinds, enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 3}, matrix, 5)
    model = load(bytes(booster.save_raw("ubj")), columns=NUMERIC, format="xgboost")
    np.testing.assert_allclose(model.predict_proba(codes)[:, 1], booster.predict(matrix), atol=1e-7)


def test_only_the_best_rounds_of_an_early_stop_answer(load):
    native = xgboost.XGBClassifier(n_estimators=60, max_depth=6, early_stopping_rounds=3, n_jobs=1)
    native.fit(TRAIN[NUMBERS], TRAIN["label"], eval_set=[(TODAY[NUMBERS], TODAY["label"])], verbose=False)
    assert native.best_iteration + 1 < native.get_booster().num_boosted_rounds()
    model = load(saved(native), columns=NUMERIC, format="xgboost")
    np.testing.assert_allclose(model.predict_proba(TODAY), native.predict_proba(TODAY[NUMBERS]), atol=1e-7)


@BOTH
def test_columns_reach_the_model_by_name(load, library):
    native = boosted(library, features=TRAIN[["age", "income", "debt"]])
    model = load(saved(native), columns=NUMERIC, format=library)
    np.testing.assert_allclose(
        model.predict_proba(TODAY), native.predict_proba(TODAY[["age", "income", "debt"]]), atol=1e-6
    )


@BOTH
def test_a_model_without_names_takes_the_order_of_the_policy(load, library):
    native = boosted(library, features=TRAIN[NUMBERS].to_numpy())
    model = load(saved(native), columns=NUMERIC, format=library)
    np.testing.assert_allclose(model.predict_proba(TODAY), native.predict_proba(TODAY[NUMBERS].to_numpy()), atol=1e-6)
    with pytest.raises(SubjectError, match="takes 3 columns"):
        load(saved(native), format=library)


@BOTH
def test_other_columns_are_refused_and_both_sides_listed(load, library):
    content = saved(boosted(library, features=TRAIN[["income", "debt", "age"]].rename(columns={"age": "years"})))
    with pytest.raises(SubjectError, match=r"trained on years.* names age, which the model does not know"):
        load(content, columns=NUMERIC, format=library)


def test_lightgbm_writes_an_underscore_for_a_blank(load):
    columns = Columns(features={"net income": Feature(kind="numeric"), "debt": Feature(kind="numeric")}, positive=1)
    train, today = (one.rename(columns={"income": "net income"}) for one in (TRAIN, TODAY))
    native = boosted("lightgbm", features=train[["net income", "debt"]])
    model = load(saved(native), columns=columns, format="lightgbm")
    np.testing.assert_array_equal(model.predict(today), native.predict(today[["net income", "debt"]]))


@BOTH
@pytest.mark.parametrize(
    ("kind", "keys", "told"),
    [
        ("Classifier", {"task": "regression"}, "holds a classifier"),
        ("Classifier", {"task": "multiclass_classification", **UNSIGNED}, "classes 0, 1; set `model.task: binary"),
        ("Regressor", {}, "holds a regressor"),
        ("Ranker", {"task": "regression"}, "holds a ranker"),
        ("Classifier", {"columns": NUMERIC.model_copy(update={"positive": "yes"})}, "columns.positive is 'yes'"),
    ],
)
def test_task_and_model_must_agree(load, library, kind, keys, told):
    with pytest.raises(SubjectError, match=told):
        load(saved(boosted(library, kind)), **{"columns": NUMERIC, "format": library, **keys})


@pytest.mark.parametrize("objective", ["binary:logitraw", "binary:hinge"])
def test_an_objective_without_probabilities_is_refused(load, objective):
    with pytest.raises(SubjectError, match=f"{objective}, which gives no probabilities"):
        load(saved(boosted("xgboost", objective=objective)), columns=NUMERIC, format="xgboost")


def test_an_objective_of_somebody_else_has_no_task(load):
    data = lightgbm.Dataset(TRAIN[NUMBERS], TRAIN["label"])

    def own(predicted, given):
        return predicted - given.get_label(), np.ones(len(predicted))

    booster = lightgbm.train({"objective": own, "verbosity": -1}, data, 3)
    with pytest.raises(SubjectError, match="there is no task"):
        load(booster.model_to_string().encode(), columns=NUMERIC, format="lightgbm", task="regression")


@BOTH
def test_the_frame_stays_as_it_was(load, library):
    model = load(saved(boosted(library)), columns=NUMERIC, format=library)
    before = TODAY.copy()
    model.predict_proba(TODAY)
    pd.testing.assert_frame_equal(TODAY, before)


@BOTH
@pytest.mark.parametrize("damage", [lambda one: b"junk", lambda one: one[:150], lambda one: b"\xff\x00" + one])
def test_a_damaged_file_is_a_subject_error(load, library, damage):
    with pytest.raises(SubjectError, match=r"model\.bin"):
        load(damage(saved(boosted(library))), columns=NUMERIC, format=library)


@BOTH
def test_a_missing_library_names_the_extra(load, library, monkeypatch):
    content = saved(boosted(library))
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SubjectError, match=rf"airflow-model-governance\[{library}\]"):
        load(content, columns=NUMERIC, format=library)
