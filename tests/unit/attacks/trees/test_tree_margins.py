"""What was read scores rows as the library does, thresholds, missing values and unknown codes among them."""

from __future__ import annotations

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, QuantileTransformer
from sklearn.tree import DecisionTreeClassifier

from model_governance.attacks.trees import NoExactAnswer, read_ensemble

DRAW = np.random.default_rng(3)
X = pd.DataFrame(DRAW.normal(size=(160, 4)).round(1), columns=list("abcd"))
MISSING = X.mask(DRAW.random(X.shape) < 0.2)
WORDS = X.assign(c=pd.Categorical(DRAW.choice(list("pqrstu"), len(X))))
Y3 = ((X["a"] + X["b"] > 0).astype(int) + (X["d"] > 1)).to_numpy()
Y = (Y3 > 0).astype(int)
YW = ((X["a"] > 0) ^ WORDS["c"].isin(["q", "s"])).astype(int).to_numpy()

QUIET = {"verbose": -1, "n_jobs": 1, "n_estimators": 6, "min_child_samples": 5}
SMALL = {"n_estimators": 6, "max_depth": 3, "n_jobs": 1}


def _xgboost(model, rows):
    return model.predict(rows, output_margin=True)


def _lightgbm(model, rows):
    return model.predict(rows, raw_score=True)


CASES = {
    "xgboost": (xgboost.XGBClassifier(**SMALL), X, Y, _xgboost),
    "xgboost, fixed base score": (xgboost.XGBClassifier(base_score=0.3, **SMALL), X, Y, _xgboost),
    "xgboost, missing": (xgboost.XGBClassifier(**SMALL), MISSING, Y, _xgboost),
    "xgboost, three classes": (xgboost.XGBClassifier(**SMALL), X, Y3, _xgboost),
    "xgboost, categories": (xgboost.XGBClassifier(enable_categorical=True, max_cat_to_onehot=1, **SMALL), WORDS, YW, _xgboost),
    "xgboost, dart": (xgboost.XGBClassifier(booster="dart", rate_drop=0.5, **SMALL), X, Y, _xgboost),
    "xgboost, counts": (xgboost.XGBRegressor(objective="count:poisson", **SMALL), X, Y3, _xgboost),
    "xgboost, regression": (xgboost.XGBRegressor(**SMALL), X, X["a"] * X["b"], _xgboost),
    "lightgbm": (lightgbm.LGBMClassifier(**QUIET), X, Y, _lightgbm),
    "lightgbm, missing": (lightgbm.LGBMClassifier(**QUIET), MISSING, Y, _lightgbm),
    "lightgbm, three classes": (lightgbm.LGBMClassifier(**QUIET), X, Y3, _lightgbm),
    "lightgbm, categories": (
        lightgbm.LGBMClassifier(min_data_per_group=5, max_cat_to_onehot=2, **QUIET), WORDS, YW, _lightgbm
    ),
    "lightgbm, forest": (
        lightgbm.LGBMClassifier(boosting_type="rf", bagging_freq=1, bagging_fraction=0.6, **QUIET), X, Y,
        lambda model, rows: _lightgbm(model, rows) / 6,
    ),
    "tree": (DecisionTreeClassifier(max_depth=4), X, Y3, lambda model, rows: model.predict_proba(rows)),
    "tree, missing": (DecisionTreeClassifier(max_depth=4), MISSING, Y, lambda model, rows: model.predict_proba(rows)),
    "forest": (RandomForestClassifier(6, max_depth=4), X, Y, lambda model, rows: model.predict_proba(rows)),
    "extra trees": (ExtraTreesRegressor(6, max_depth=4), X, X["a"], lambda model, rows: model.predict(rows)),
    "boosting": (GradientBoostingClassifier(n_estimators=6), X, Y, lambda model, rows: model.decision_function(rows)),
    "boosting, three classes": (
        GradientBoostingClassifier(n_estimators=4), X, Y3, lambda model, rows: model.decision_function(rows)
    ),
    "boosting, regression": (GradientBoostingRegressor(n_estimators=6), X, X["a"], lambda model, rows: model.predict(rows)),
    "histogram, missing": (
        HistGradientBoostingClassifier(max_iter=5), MISSING, Y, lambda model, rows: model.decision_function(rows)
    ),
    "histogram, categories": (
        HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5), WORDS, YW,
        lambda model, rows: model.decision_function(rows),
    ),
    "histogram, counts": (
        HistGradientBoostingRegressor(max_iter=5, loss="poisson"), X, Y3, lambda model, rows: np.log(model.predict(rows))
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_margin_is_the_library_s_own(case):
    native, rows, labels, raw = CASES[case]
    native.fit(rows, labels)
    model = read_ensemble(native, tuple(rows.columns))
    assert not isinstance(model, NoExactAnswer), model
    asked = _on_thresholds(model, rows)
    expected = np.asarray(raw(native, asked), dtype=float).reshape(len(asked), -1)
    assert model.margin(asked) == pytest.approx(expected, abs=2e-6 if model.ensemble.single_sum else 1e-12)
    assert len(np.unique(expected)) > 2
    if hasattr(native, "classes_"):
        clear = np.ptp(np.column_stack([expected, np.zeros(len(asked))]), axis=1) > 1e-5
        assert (model.decide(asked) == native.predict(asked))[clear].all()


def _on_thresholds(model, rows: pd.DataFrame) -> pd.DataFrame:
    """Each number of a row may be replaced by a threshold of its column or the next number on either side of it."""
    draw, asked = np.random.default_rng(0), rows.copy()
    for place, name in enumerate(rows.columns):
        known = model.ensemble.threshold[model.ensemble.feature == place]
        known = known[np.isfinite(known)]
        if not len(known) or not isinstance(rows[name].dtype, np.dtype) or len(model.ensemble.sets):
            continue
        near = np.concatenate([known, np.nextafter(known, np.inf), np.nextafter(known, -np.inf)])
        asked[name] = np.where(draw.random(len(rows)) < 0.5, draw.choice(near, len(rows)), rows[name])
    return asked


def test_only_the_rounds_up_to_the_best_one_answer():
    native = xgboost.XGBClassifier(n_estimators=40, max_depth=3, early_stopping_rounds=2, n_jobs=1)
    native.fit(X[:100], Y[:100], eval_set=[(X[100:], np.random.default_rng(0).integers(0, 2, 60))], verbose=False)
    assert native.best_iteration < 37
    model = read_ensemble(native, tuple(X.columns))
    assert model.margin(X)[:, 0] == pytest.approx(_xgboost(native, X), abs=2e-6)


@pytest.mark.parametrize(
    ("native", "why"),
    [
        (LogisticRegression(), "LogisticRegression"),
        (xgboost.XGBClassifier(booster="gblinear", n_jobs=1), "gblinear"),
        (xgboost.XGBClassifier(missing=-1.0, **SMALL), "missing"),
        (lightgbm.LGBMClassifier(linear_tree=True, **QUIET), "linear"),
        (lightgbm.LGBMClassifier(zero_as_missing=True, **QUIET), "zero_as_missing"),
        (GradientBoostingClassifier(n_estimators=3, init=LogisticRegression()), "no sum of trees"),
        (make_pipeline(PolynomialFeatures(2), RandomForestClassifier(3)), "PolynomialFeatures"),
        (make_pipeline(QuantileTransformer(n_quantiles=9), DecisionTreeClassifier()), "column by column"),
    ],
)
def test_what_cannot_be_read_says_why(native, why):
    native.fit(X, Y)
    found = read_ensemble(native, tuple(X.columns))
    assert isinstance(found, NoExactAnswer)
    assert why in found.reason


def test_a_wrong_reading_is_noticed(monkeypatch):
    from model_governance.attacks.trees import xgboost_trees

    monkeypatch.setattr(xgboost_trees, "_base", lambda *_: np.zeros(1))
    native = xgboost.XGBClassifier(base_score=0.9, **SMALL).fit(X, Y)
    found = read_ensemble(native, tuple(X.columns))
    assert isinstance(found, NoExactAnswer)
    assert "does" in found.reason
