"""Boosters trained again: their scores, and a recipe that grows the same trees from the same rows."""

from __future__ import annotations

import json

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost

from model_governance.contract.subject import Columns, Feature
from model_governance.errors import CheckError
from model_governance.subjects.loaders.xgboost_recipe import recipe_of
from synthetic import COLUMNS, rows

NUMBERS = ["income", "debt", "age"]
NUMERIC = Columns(features={name: Feature(kind="numeric") for name in NUMBERS}, target="label")
TRAIN, TODAY = rows(400, seed=1), rows(60, seed=2)
VALUES = TRAIN["income"] - 2 * TRAIN["debt"]
THREE = pd.Series(np.digitize(VALUES, [-20, 25]))
TARGETS = {"binary": TRAIN["label"], "many": THREE, "values": VALUES}
TASKS = {"binary": "binary_classification", "many": "multiclass_classification", "values": "regression"}


def grown(library, settings, labels, features=None):
    features = TRAIN[NUMBERS] if features is None else features
    if library == "xgboost":
        data = xgboost.DMatrix(features, labels, enable_categorical=True, nthread=1)
        return bytes(xgboost.train({**settings, "nthread": 1, "verbosity": 0}, data, 8).save_raw("ubj"))
    fixed = {"num_threads": 1, "verbosity": -1, "deterministic": True, "force_row_wise": True}
    return lightgbm.train({**settings, **fixed}, lightgbm.Dataset(features, labels), 8).model_to_string().encode()


SAME = [
    ("xgboost", "binary", {"objective": "binary:logistic", "eta": 0.13, "max_depth": 4, "lambda": 2.5}),
    ("xgboost", "binary", {"objective": "binary:logistic", "eta": 0.05, "max_depth": 1}),
    ("xgboost", "binary", {"objective": "binary:logistic", "max_depth": 2, "lambda": 0, "scale_pos_weight": 3}),
    ("xgboost", "binary", {"objective": "binary:logistic", "max_depth": 3, "base_score": 0.3}),
    ("xgboost", "many", {"objective": "multi:softprob", "num_class": 3, "eta": 0.2, "max_depth": 3}),
    ("xgboost", "values", {"objective": "reg:squarederror", "eta": 0.1, "max_depth": 3, "lambda": 5}),
    ("xgboost", "values", {"objective": "reg:squarederror", "eta": 1, "num_parallel_tree": 3, "max_depth": 3}),
    ("lightgbm", "binary", {"objective": "binary", "learning_rate": 0.13, "num_leaves": 9, "lambda_l2": 2.5}),
    ("lightgbm", "many", {"objective": "multiclass", "num_class": 3, "min_data_in_leaf": 5}),
    ("lightgbm", "values", {"objective": "quantile", "alpha": 0.8, "num_leaves": 5}),
]


@pytest.mark.parametrize(("library", "kind", "settings"), SAME)
def test_the_recipe_grows_the_same_trees_from_the_same_rows(load, library, kind, settings):
    content = grown(library, settings, TARGETS[kind])
    model = load(content, columns=NUMERIC, format=library, task=TASKS[kind])
    copy = model.fit(TRAIN, TARGETS[kind], seed=3)
    np.testing.assert_allclose(copy.logits(TODAY), model.logits(TODAY), rtol=1e-3, atol=1e-4)
    other = model.fit(TRAIN.iloc[:200], TARGETS[kind].iloc[:200], seed=3)
    assert np.abs(other.logits(TODAY) - model.logits(TODAY)).max() > 0.01
    assert copy.sha256 == f"derived:{model.sha256}"


@pytest.mark.parametrize(("library", "kind", "settings"), SAME)
def test_the_largest_logit_is_the_prediction(load, library, kind, settings):
    model = load(grown(library, settings, TARGETS[kind]), columns=NUMERIC, format=library, task=TASKS[kind])
    logits = model.logits(TODAY)
    if kind == "values":
        np.testing.assert_array_equal(logits[:, 0], model.predict(TODAY))
        return
    np.testing.assert_array_equal(logits.argmax(axis=1), model.predict(TODAY))
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(shares / shares.sum(axis=1, keepdims=True), model.predict_proba(TODAY), atol=1e-6)
    assert (logits[:, 0] == 0).all() == (kind == "binary")


@pytest.mark.parametrize("library", ["xgboost", "lightgbm"])
def test_words_and_seeds_reach_the_copy(load, library):
    words = {name: pd.CategoricalDtype(sorted(TRAIN[name].unique())) for name in ("region", "channel")}
    features = TRAIN[list(COLUMNS.names)].astype(words)
    settings = {
        "xgboost": {"objective": "binary:logistic", "max_depth": 4},
        "lightgbm": {"objective": "binary", "bagging_fraction": 0.5, "bagging_freq": 1, "min_data_per_group": 1,
                     "cat_smooth": 1},
    }[library]  # fmt: skip
    training = {"subsample": 0.5} if library == "xgboost" else {}
    model = load(grown(library, settings, TRAIN["label"], features), format=library, training=training)
    first, again, seeded = (model.fit(TRAIN, TRAIN["label"], seed=seed).predict_proba(TODAY) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != seeded).any()
    copy = model.fit(TRAIN, TRAIN["label"], seed=1)
    swapped = TODAY.assign(channel=TODAY["channel"].map({"web": "branch", "branch": "web"}))
    assert not np.allclose(copy.predict_proba(swapped), copy.predict_proba(TODAY))


def test_what_xgboost_does_not_keep_is_asked_for_and_not_guessed(load):
    content = grown("xgboost", {"objective": "binary:logistic", "alpha": 3, "eta": 0.1}, TRAIN["label"])
    with pytest.raises(CheckError, match="cannot be retrained"):
        load(content, columns=NUMERIC, format="xgboost").fit(TRAIN, TRAIN["label"], seed=0)
    stated = {"alpha": 3, "eta": 0.1}
    model = load(content, columns=NUMERIC, format="xgboost", training=stated)
    copy = model.fit(TRAIN, TRAIN["label"], seed=0)
    np.testing.assert_allclose(copy.logits(TODAY), model.logits(TODAY), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("method", ["hist", "approx", "exact"])
def test_eta_and_lambda_are_found_however_the_trees_were_grown(method):
    data = xgboost.DMatrix(TRAIN[NUMBERS], TRAIN["label"], nthread=1)
    settings = {"objective": "binary:logistic", "eta": 0.07, "lambda": 1.7, "tree_method": method, "subsample": 0.7}
    found = recipe_of(xgboost.train({**settings, "nthread": 1}, data, 10), {})
    assert (found["eta"], found["lambda"]) == (0.07, pytest.approx(1.7, abs=0.01))


def test_a_tree_that_leads_back_to_itself_is_refused(load):
    document = json.loads(
        bytes(xgboost.Booster(model_file=bytearray(grown("xgboost", {"max_depth": 2}, VALUES))).save_raw("json"))
    )
    tree = document["learner"]["gradient_booster"]["model"]["trees"][0]
    tree["left_children"][1] = 0

    class Looped:
        def save_raw(self, _):
            return json.dumps(document).encode()

    with pytest.raises(ValueError, match="leads back to itself"):
        recipe_of(Looped(), {})


def test_seeds_paths_and_machines_of_a_lightgbm_file_stay_with_the_file(load, monkeypatch):
    content = grown("lightgbm", {"objective": "binary"}, TRAIN["label"])
    hostile = content.replace(b"[forcedsplits_filename: ]", b"[forcedsplits_filename: /etc/passwd]")
    assert hostile != content
    seen = {}
    train = lightgbm.train
    model = load(hostile, columns=NUMERIC, format="lightgbm")
    monkeypatch.setattr(lightgbm, "train", lambda settings, *rest: (seen.update(settings), train(settings, *rest))[1])
    model.fit(TRAIN, TRAIN["label"], seed=5)
    assert seen["seed"] == 5
    assert not [name for name in seen if name.endswith(("_seed", "filename", "machines"))]
