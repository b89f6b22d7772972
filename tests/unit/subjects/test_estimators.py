"""scikit-learn models through skops, joblib and pickle: the same answers, and nothing taken on trust."""

from __future__ import annotations

import pickle
import warnings
from io import BytesIO

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, StandardScaler
from sklearn.svm import LinearSVC

from model_governance.contract.subject import Columns, Feature
from model_governance.errors import ModelMisbehaved, SubjectError, UntrustedModel
from synthetic import COLUMNS, pipeline, rows

NUMBERS = ["income", "debt", "age"]
NUMERIC = Columns(features={name: Feature(kind="numeric") for name in NUMBERS}, target="label", positive=1)
TRAIN = rows(300, seed=1)
TODAY = rows(100, seed=2)


def pickled(model):
    return pickle.dumps(model)


def joblibbed(model, compress=0):
    sink = BytesIO()
    joblib.dump(model, sink, compress=compress)
    return sink.getvalue()


WAYS = {
    "skops": (skops.io.dumps, {"format": "skops"}),
    "pickle": (pickled, {"format": "pickle", "allow_pickle": True}),
    "joblib": (joblibbed, {"format": "joblib", "allow_pickle": True}),
    "joblib zlib": (lambda model: joblibbed(model, 3), {"format": "joblib", "allow_pickle": True}),
    "joblib xz": (lambda model: joblibbed(model, ("xz", 3)), {"format": "joblib", "allow_pickle": True}),
}
CLASSIFIERS = {
    "scaled logistic regression": (make_pipeline(StandardScaler(), LogisticRegression()), NUMERIC),
    "random forest": (RandomForestClassifier(8, random_state=0), NUMERIC),
    "histogram boosting": (HistGradientBoostingClassifier(max_iter=5, random_state=0), NUMERIC),
    "bagging on few features": (BaggingClassifier(n_estimators=3, max_features=2, random_state=0), NUMERIC),
    "function of numpy": (make_pipeline(FunctionTransformer(np.abs), LogisticRegression()), NUMERIC),
    "column transformer": (None, COLUMNS),
    "boosting over categories": (
        make_pipeline(
            make_column_transformer((OrdinalEncoder(), ["region", "channel"]), remainder="passthrough"),
            HistGradientBoostingClassifier(max_iter=5, categorical_features=[0, 1], random_state=0),
        ),
        COLUMNS,
    ),
}


def fitted(name):
    model, columns = CLASSIFIERS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pipeline(TRAIN) if model is None else model.fit(TRAIN[list(columns.names)], TRAIN["label"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_answers_as_it_did_when_it_was_saved(load, name, way):
    native, columns = fitted(name), CLASSIFIERS[name][1]
    dump, keys = WAYS[way]
    model = load(dump(native), columns=columns, **keys)
    features = TODAY[list(columns.names)]
    np.testing.assert_array_equal(model.predict(TODAY), native.predict(features))
    np.testing.assert_allclose(model.predict_proba(TODAY), native.predict_proba(features), rtol=1e-11)
    assert model.classes == (0, 1)
    assert [type(one) for one in model.classes] == [int, int]
    assert (model.name, model.format, model.task) == ("synthetic", keys["format"], "binary_classification")


@pytest.mark.parametrize("way", WAYS)
def test_a_model_leaves_the_frame_as_it_was(load, way):
    def overwrite(values):
        values *= 2
        return values

    native = make_pipeline(StandardScaler(copy=False), LogisticRegression()).fit(TRAIN[NUMBERS].copy(), TRAIN["label"])
    dump, keys = WAYS[way]
    model = load(dump(native), columns=NUMERIC, **keys)
    frame = TODAY[NUMBERS].astype(float)
    before = frame.copy()
    model.predict(frame)
    model.predict_proba(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_columns_reach_the_model_in_the_order_it_was_trained_on(load):
    native = LinearRegression().fit(TRAIN[["age", "income", "debt"]], TRAIN["label"])
    model = load(skops.io.dumps(native), columns=NUMERIC, task="regression")
    np.testing.assert_array_equal(model.predict(TODAY), native.predict(TODAY[["age", "income", "debt"]]))


def test_a_model_trained_without_names_takes_the_order_of_the_policy(load):
    native = LinearRegression().fit(TRAIN[NUMBERS].to_numpy(), TRAIN["label"])
    model = load(skops.io.dumps(native), columns=NUMERIC, task="regression")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(model.predict(TODAY), native.predict(TODAY[NUMBERS].to_numpy()))


def test_ranking_takes_scores_and_regression_takes_values(load):
    content = skops.io.dumps(GradientBoostingRegressor(n_estimators=3).fit(TRAIN[NUMBERS], TRAIN["income"]))
    for task in ("regression", "ranking"):
        model = load(content, columns=NUMERIC, task=task)
        assert model.predict(TODAY).shape == (100,)
        assert model.call_proba is None


def three(frame):
    return pd.cut(frame["income"], 3, labels=["low", "middle", "high"]).astype(str)


def test_classes_of_text_stay_text(load):
    native = LogisticRegression(max_iter=500).fit(TRAIN[NUMBERS], three(TRAIN))
    columns = NUMERIC.model_copy(update={"positive": None})
    model = load(skops.io.dumps(native), columns=columns, task="multiclass_classification")
    assert model.classes == ("high", "low", "middle")
    assert set(model.predict(TODAY)) <= set(model.classes)


def test_a_classifier_without_probabilities_offers_none(load):
    assert load(skops.io.dumps(LinearSVC().fit(TRAIN[NUMBERS], TRAIN["label"])), columns=NUMERIC).call_proba is None


@pytest.mark.parametrize(
    ("native", "target", "keys", "told"),
    [
        (LogisticRegression(), "label", {"task": "regression"}, "says regression and the file holds a classifier"),
        (LogisticRegression(), "label", {"task": "ranking"}, "says ranking"),
        (LogisticRegression(), "label", {"task": "multiclass_classification"}, "set `model.task: binary_class"),
        (LogisticRegression(max_iter=500), "three", {}, "'high', 'low', 'middle'; set `model.task: multiclass_class"),
        (LinearRegression(), "label", {}, "says binary_classification and the file holds a regressor"),
        (IsolationForest(n_estimators=2), "label", {}, "outlier_detector"),
        (StandardScaler(), "label", {}, "not an estimator with predict"),
    ],
)
def test_task_and_model_must_agree(load, native, target, keys, told):
    labels = three(TRAIN) if target == "three" else TRAIN[target]
    content = skops.io.dumps(native.fit(TRAIN[NUMBERS], labels))
    with pytest.raises(SubjectError, match=told):
        load(content, columns=NUMERIC, **keys)


@pytest.mark.parametrize("positive", ["1", 2, "yes"])
def test_the_positive_label_must_be_a_class(load, positive):
    content = skops.io.dumps(LogisticRegression().fit(TRAIN[NUMBERS], TRAIN["label"]))
    with pytest.raises(SubjectError, match=r"columns\.positive .* classes 0, 1"):
        load(content, columns=NUMERIC.model_copy(update={"positive": positive}))


def test_columns_must_be_those_of_the_model(load):
    content = skops.io.dumps(LogisticRegression().fit(TRAIN[["income", "debt"]], TRAIN["label"]))
    features = {name: Feature(kind="numeric") for name in ("income", "age")}
    with pytest.raises(SubjectError, match=r"trained on debt.* names age, which the model does not know"):
        load(content, columns=Columns(features=features, target="label"))
    unnamed = skops.io.dumps(LogisticRegression().fit(TRAIN[NUMBERS].to_numpy(), TRAIN["label"]))
    with pytest.raises(SubjectError, match=r"takes 3 columns and columns.features names 2"):
        load(unnamed, columns=Columns(features=features, target="label"))


def test_a_frame_that_lacks_a_column_is_told_by_the_model(load):
    model = load(skops.io.dumps(LogisticRegression().fit(TRAIN[NUMBERS], TRAIN["label"])), columns=NUMERIC)
    with pytest.raises(ModelMisbehaved, match="age"):
        model.predict(TODAY[["income", "debt"]])


def test_types_that_nobody_reviewed_are_listed_and_not_loaded(load):
    native = make_pipeline(FunctionTransformer(warnings.warn), LogisticRegression())
    native.steps[1][1].fit(TRAIN[NUMBERS], TRAIN["label"])
    with pytest.raises(UntrustedModel, match=r"warn.*model\.trusted"):
        load(skops.io.dumps(native), columns=NUMERIC)


def test_reviewed_types_are_loaded(load):
    native = KNeighborsClassifier(3).fit(TRAIN[NUMBERS], TRAIN["label"])
    content = skops.io.dumps(native)
    with pytest.raises(UntrustedModel, match="KDTree"):
        load(content, columns=NUMERIC)
    model = load(content, columns=NUMERIC, trusted=tuple(skops.io.get_untrusted_types(data=content)))
    np.testing.assert_array_equal(model.predict(TODAY), native.predict(TODAY[NUMBERS]))


@pytest.mark.parametrize(
    "damage", [lambda one: one[:300], lambda one: b"junk", lambda one: b"PK" + one[:-30], pickle.dumps]
)
def test_a_damaged_skops_file_is_a_subject_error(load, damage):
    content = skops.io.dumps(LogisticRegression().fit(TRAIN[NUMBERS], TRAIN["label"]))
    with pytest.raises(SubjectError, match=r"model\.bin"):
        load(damage(content), columns=NUMERIC)
