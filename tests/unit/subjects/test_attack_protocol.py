"""What attacks ask of a loaded estimator beyond predictions: scores, gradients, and copies trained from scratch."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC

from model_governance.contract.subject import Columns, Feature
from model_governance.subjects.loaders.estimator import wrap_estimator
from synthetic import COLUMNS, rows

NUMBERS = ["income", "debt", "age"]
NUMERIC = Columns(features={name: Feature(kind="numeric") for name in NUMBERS}, target="label", positive=1)
UNSIGNED = NUMERIC.model_copy(update={"positive": None})
TRAIN, TODAY = rows(240, seed=1), rows(30, seed=2)
THREE = pd.cut(TRAIN["income"] - TRAIN["debt"], [-999, 20, 45, 999], labels=["low", "middle", "high"]).astype(str)


def network(kind=MLPClassifier, **keys):
    return kind(hidden_layer_sizes=(7, 5), max_iter=60, learning_rate_init=0.02, random_state=0, **keys)


def mixed(last, *, numbers=None, categories=None):
    prepare = make_column_transformer(
        (categories or OneHotEncoder(handle_unknown="ignore"), ["channel", "region"]),
        (numbers or StandardScaler(), ["age", "debt", "income"]),
    )
    return make_pipeline(prepare, last)


def wrapped(native, columns, stored, *, labels=None, task="binary_classification", frame=TRAIN):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        native.fit(frame[list(columns.names)], frame["label"] if labels is None else labels)
    return wrap_estimator(native, stored(b"PK", task=task), columns)


DIFFERENTIABLE = {
    "logistic regression": (lambda: LogisticRegression(max_iter=2000), NUMERIC),
    "linear machine in a pipeline": (lambda: make_pipeline(MinMaxScaler(), LinearSVC()), NUMERIC),
    "descent behind a robust scaler": (lambda: make_pipeline(RobustScaler(), SGDClassifier(random_state=0)), NUMERIC),
    "column transformer": (lambda: mixed(LogisticRegression()), COLUMNS),
    "imputer and scaler nested": (
        lambda: mixed(LogisticRegression(), numbers=make_pipeline(SimpleImputer(), StandardScaler())), COLUMNS
    ),
    "network, relu": (lambda: mixed(network()), COLUMNS),
    "network, tanh": (lambda: mixed(network(activation="tanh")), COLUMNS),
    "network, logistic": (lambda: mixed(network(activation="logistic")), COLUMNS),
    "radial machine": (lambda: mixed(SVC()), COLUMNS),
    "linear kernel": (lambda: mixed(SVC(kernel="linear")), COLUMNS),
    "preprocessing that bends": (
        lambda: make_pipeline(FunctionTransformer(np.log1p), PolynomialFeatures(2), StandardScaler(), LogisticRegression()),
        NUMERIC,
    ),
    "columns as a slice": (
        lambda: make_pipeline(
            make_column_transformer((StandardScaler(), slice("debt", "age")), remainder="passthrough"),
            LogisticRegression(max_iter=2000),
        ),
        NUMERIC,
    ),
    "a search": (lambda: GridSearchCV(mixed(LogisticRegression()), {"logisticregression__C": [0.1, 1]}, cv=2), COLUMNS),
}  # fmt: skip


def differences(model, frame, weights, names):
    """Central differences of the weighted logits: what the gradient must be."""
    result = np.zeros((len(frame), len(names)))
    for place, name in enumerate(names):
        step = 1e-4 * np.maximum(1, frame[name].abs().to_numpy(dtype=float))
        ends = [model.logits(frame.assign(**{name: frame[name] + side * step})) for side in (-1, 1)]
        result[:, place] = ((ends[1] - ends[0]) * weights).sum(axis=1) / (2 * step)
    return result


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_gradient_is_the_slope_of_the_logits_in_raw_units(stored, name):
    make, columns = DIFFERENTIABLE[name]
    model = wrapped(make(), columns, stored)
    weights = np.random.default_rng(0).normal(size=(len(TODAY), 2))
    gradient = model.gradient(TODAY, weights)
    assert np.abs(gradient).max() > 1e-4
    names = columns.of_kind("numeric", "integer")
    np.testing.assert_allclose(gradient, differences(model, TODAY, weights, names), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("last", [LogisticRegression(), network()])
def test_many_classes_have_a_gradient_each(stored, last):
    model = wrapped(
        make_pipeline(StandardScaler(), last), UNSIGNED, stored, labels=THREE, task="multiclass_classification"
    )
    weights = np.random.default_rng(0).normal(size=(len(TODAY), 3))
    expected = differences(model, TODAY, weights, NUMBERS)
    np.testing.assert_allclose(model.gradient(TODAY, weights), expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("last", [LinearRegression(), Ridge(), network(MLPRegressor), SVR(), SVR(kernel="linear")])
def test_the_logit_of_a_regressor_is_its_value(stored, last):
    native = make_pipeline(StandardScaler(), last)
    model = wrapped(native, NUMERIC, stored, labels=TRAIN["debt"] * 2 + TRAIN["income"], task="regression")
    np.testing.assert_array_equal(model.logits(TODAY)[:, 0], model.predict(TODAY))
    weights = np.full((len(TODAY), 1), 2.0)
    expected = differences(model, TODAY, weights, NUMBERS)
    np.testing.assert_allclose(model.gradient(TODAY, weights), expected, rtol=1e-3, atol=1e-6)


SCORED = {
    "logistic regression": LogisticRegression(max_iter=2000),
    "network": network(),
    "forest": RandomForestClassifier(10, random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=5, random_state=0),
    "bayes": GaussianNB(),
}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", SCORED)
def test_the_largest_logit_is_the_prediction(stored, name, classes):
    task, labels = ("multiclass_classification", THREE) if classes == 3 else ("binary_classification", TRAIN["label"])
    model = wrapped(SCORED[name], UNSIGNED, stored, labels=labels, task=task)
    logits = model.logits(TODAY)
    np.testing.assert_array_equal(np.asarray(model.classes)[logits.argmax(axis=1)], model.predict(TODAY))
    if name != "bayes":
        shown = np.exp(logits - logits.max(axis=1, keepdims=True))
        np.testing.assert_allclose(shown / shown.sum(axis=1, keepdims=True), model.predict_proba(TODAY), atol=1e-9)


@pytest.mark.parametrize(
    ("native", "lacks"),
    [
        (RandomForestClassifier(5, random_state=0), "call_gradient"),
        (SVC(kernel="poly"), "call_gradient"),
        (FixedThresholdClassifier(LogisticRegression(max_iter=2000), threshold=0.8), "call_logits"),
        (FixedThresholdClassifier(LogisticRegression(max_iter=2000), threshold=0.8), "call_gradient"),
        (CalibratedClassifierCV(FrozenEstimator(LogisticRegression().fit(TRAIN[NUMBERS], TRAIN["label"]))), "train"),
    ],
)
def test_what_a_model_does_not_have_is_not_made_up(stored, native, lacks):
    assert getattr(wrapped(native, NUMERIC, stored), lacks) is None


RECIPES = {
    "forest": lambda: mixed(RandomForestClassifier(8), categories=OrdinalEncoder()),
    "network": lambda: mixed(network()),
    "a search": lambda: GridSearchCV(
        mixed(RandomForestClassifier(5)), {"randomforestclassifier__max_depth": [2, 3]}, cv=2
    ),
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_copy_is_trained_on_other_rows_and_twice_the_same(stored, name):
    model = wrapped(RECIPES[name](), COLUMNS, stored)
    other, before = rows(150, seed=5), model.predict_proba(TODAY)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        copies = [model.fit(other, other["label"], seed=seed) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(model.predict_proba(TODAY), before)
    first, again, seeded = (one.predict_proba(TODAY) for one in copies)
    np.testing.assert_array_equal(first, again)
    assert (first != seeded).any()
    assert (first != model.predict_proba(TODAY)).any()
    assert copies[0].sha256 == f"derived:{model.sha256}"
    assert copies[0].classes == model.classes
    assert (copies[0].predict(other) == other["label"]).mean() > 0.7


def test_a_search_is_not_searched_again(stored):
    model = wrapped(RECIPES["a search"](), COLUMNS, stored)
    copy = model.fit(TRAIN, TRAIN["label"], seed=0)
    assert not isinstance(copy.native, GridSearchCV)
    found = model.native.best_params_["randomforestclassifier__max_depth"]
    assert copy.native.get_params()["randomforestclassifier__max_depth"] == found


@pytest.mark.parametrize("last", [RandomForestClassifier(5), LogisticRegression(max_iter=2000)])
def test_a_copy_that_never_saw_a_class_gives_it_no_chance(stored, last):
    model = wrapped(last, UNSIGNED, stored, labels=THREE, task="multiclass_classification")
    some = THREE != "middle"
    copy = model.fit(TRAIN[some], THREE[some], seed=0)
    assert copy.classes == model.classes == ("high", "low", "middle")
    assert (copy.predict_proba(TODAY)[:, 2] == 0).all()
    assert (copy.logits(TODAY).argmax(axis=1) != 2).all()


def test_a_model_from_a_file_has_the_same_calls(load):
    native = mixed(RandomForestRegressor(4, random_state=0)).fit(TRAIN[list(COLUMNS.names)], TRAIN["income"])
    model = load(skops.io.dumps(native), columns=COLUMNS.model_copy(update={"positive": None}), task="regression")
    copy = model.fit(TODAY, TODAY["debt"], seed=0)
    assert np.abs(copy.predict(TODAY) - TODAY["debt"]).mean() < 5
    assert np.abs(model.predict(TODAY) - TODAY["debt"]).mean() > 20
