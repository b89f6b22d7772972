"""Smallest changes beyond two classes and beyond whole numbers: classes, regressions, native categories, missing values."""

from __future__ import annotations

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from model_governance.attacks.trees import (
    FeatureMoves,
    NoExactAnswer,
    lower_bound,
    minimal_change,
    partition_cells,
    read_ensemble,
)
from tree_cases import applicants, encoded, fitted, moves, partition_of

DRAW = np.random.default_rng(5)
PLANE = pd.DataFrame(DRAW.integers(0, 12, (200, 2)), columns=["x", "y"])
THREE = ((PLANE["x"] > 4).astype(int) + (PLANE["y"] > 6)).to_numpy()
STEPS = [FeatureMoves(name=name, kind="number", step=1, low=0, high=11, span=11.0) for name in PLANE.columns]
EVERYWHERE = pd.DataFrame([(x, y) for x in range(12) for y in range(12)], columns=["x", "y"])


def _nearest(other: np.ndarray, row: pd.Series) -> float:
    return float((np.abs(EVERYWHERE - row).max(axis=1) / 11.0)[other].min())


@pytest.mark.parametrize(
    "native",
    [
        xgboost.XGBClassifier(n_estimators=6, max_depth=3, n_jobs=1),
        lightgbm.LGBMClassifier(n_estimators=6, verbose=-1, n_jobs=1),
        RandomForestClassifier(7, max_depth=4, random_state=0),
    ],
    ids=lambda one: type(one).__name__,
)
def test_of_three_classes_the_nearest_other_one_counts(native):
    noisy = np.where(DRAW.random(len(THREE)) < 0.2, DRAW.integers(0, 3, len(THREE)), THREE)
    native.fit(PLANE, noisy)
    rows = PLANE.head(8)
    partition = partition_of(native, STEPS, rows)
    answers = native.predict(EVERYWHERE)
    targets = set()
    for number, own in enumerate(native.predict(rows)):
        change = minimal_change(partition, number)
        assert change.distance == pytest.approx(_nearest(answers != own, rows.iloc[number]))
        assert native.predict(change.witness)[0] == change.target != own
        assert change.witness.dtypes.equals(rows.dtypes)
        targets.add(change.target)
    assert len(targets) > 1


@pytest.mark.parametrize("tolerance", [0.5, 3.0])
def test_a_prediction_must_move_by_more_than_the_tolerance(tolerance):
    native = RandomForestRegressor(5, max_depth=4, random_state=0).fit(PLANE, PLANE["x"] + 0.3 * PLANE["y"])
    rows = PLANE.head(6)
    partition = partition_of(native, STEPS, rows)
    answers, own = native.predict(EVERYWHERE), native.predict(rows)
    for number in range(len(rows)):
        truth = _nearest(np.abs(answers - own[number]) > tolerance, rows.iloc[number])
        change = minimal_change(partition, number, tolerance=tolerance)
        assert change.distance == pytest.approx(truth)
        moved = native.predict(change.witness)[0] - own[number]
        assert abs(moved) > tolerance
        assert np.sign(moved) == change.target
        assert lower_bound(partition, number, tolerance=tolerance) <= truth


def test_counts_behind_a_log_link_move_in_their_own_units():
    native = xgboost.XGBRegressor(objective="count:poisson", n_estimators=8, max_depth=3, n_jobs=1)
    native.fit(PLANE, PLANE["x"] + PLANE["y"])
    rows = PLANE.head(5)
    partition = partition_of(native, STEPS, rows)
    answers, own = native.predict(EVERYWHERE), native.predict(rows)
    for number in range(len(rows)):
        truth = _nearest(np.abs(answers - own[number]) > 2.0, rows.iloc[number])
        assert minimal_change(partition, number, tolerance=2.0).distance == pytest.approx(truth)


WORDS = pd.DataFrame({"n": DRAW.normal(size=240), "word": pd.Categorical(DRAW.choice(list("pqrst"), 240))})
WORD_LABELS = ((WORDS["n"] > 0) ^ WORDS["word"].isin(["q", "t"])).astype(int).to_numpy()


@pytest.mark.parametrize(
    "native",
    [
        xgboost.XGBClassifier(n_estimators=4, max_depth=2, enable_categorical=True, max_cat_to_onehot=1, n_jobs=1),
        lightgbm.LGBMClassifier(n_estimators=4, min_data_per_group=5, max_cat_to_onehot=2, verbose=-1, n_jobs=1),
        HistGradientBoostingClassifier(max_iter=4, min_samples_leaf=5),
    ],
    ids=lambda one: type(one).__name__,
)
def test_native_categories_are_moved_as_words(native):
    native.fit(WORDS, WORD_LABELS)
    rows = WORDS.head(6).reset_index(drop=True)
    number = FeatureMoves(name="n", kind="number", movable=False)
    word = FeatureMoves(name="word", kind="category", categories=tuple("pqrst"))
    partition = partition_of(native, [number, word], rows)
    for place in range(len(rows)):
        every = rows.iloc[[place] * 5].assign(word=pd.Categorical(list("pqrst"), categories=list("pqrst")))
        own = native.predict(rows.iloc[[place]])[0]
        flips = (native.predict(every) != own).any()
        change = minimal_change(partition, place)
        assert change.status == ("found" if flips else "impossible")
        if flips:
            assert native.predict(change.witness)[0] != own
            assert change.distance == 1.0
    assert flips


def test_a_number_flips_exactly_at_the_threshold_of_the_whole_pipeline():
    frame = pd.DataFrame({"n": DRAW.normal(40, 13, 300)})
    native = make_pipeline(StandardScaler(), xgboost.XGBClassifier(n_estimators=3, max_depth=1, n_jobs=1))
    native.fit(frame, (frame["n"] > 37.3).astype(int))
    rows = pd.DataFrame({"n": [30.0, 45.0]})
    partition = partition_of(native, [FeatureMoves(name="n", kind="number")], rows)
    up, down = (minimal_change(partition, number) for number in range(2))
    assert native.predict(up.witness)[0] == 1
    assert native.predict(down.witness)[0] == 0
    # Nothing fits between the two: one side's nearest number is the neighbour of the other's.
    assert np.nextafter(down.witness["n"][0], np.inf) == up.witness["n"][0]


def test_missing_values_stay_missing_and_others_move():
    frame, labels = applicants(200)
    frame = frame.astype({"age": float})
    frame.loc[::3, "age"] = np.nan
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    words = OneHotEncoder()
    native = make_pipeline(
        ColumnTransformer([("n", numbers, ["age", "income", "debt"]), ("w", words, ["home"])]),
        xgboost.XGBClassifier(n_estimators=8, max_depth=3, n_jobs=1),
    ).fit(frame, labels)
    rows = frame.head(6)
    partition = partition_of(native, moves(), rows)
    for number in range(len(rows)):
        change = minimal_change(partition, number)
        assert change.exact
        assert native.predict(change.witness)[0] != native.predict(rows.iloc[[number]])[0]
        assert change.witness["age"].isna()[0] == rows["age"].isna()[number]


def test_a_search_that_is_cut_short_is_no_result():
    partition = partition_of(fitted("forest"), moves(), applicants(8, seed=77)[0])
    cut = [minimal_change(partition, number, nodes=0) for number in range(8)]
    whole = [minimal_change(partition, number) for number in range(8)]
    assert all(one.status == "found" for one in whole)
    for short, full in zip(cut, whole, strict=True):
        assert short.lower <= full.distance * (1 + 1e-9)
        assert short.status == "unsolved" or short.distance == pytest.approx(full.distance)


def test_two_searches_agree_to_the_byte():
    rows = applicants(3, seed=77)[0]
    partitions = [partition_of(fitted("xgboost"), moves(), rows) for _ in range(2)]
    once, again = ([minimal_change(one, number, objective="l1") for number in range(3)] for one in partitions)
    assert [(one.distance, one.lower, one.nodes) for one in once] == [
        (one.distance, one.lower, one.nodes) for one in again
    ]
    assert pd.concat([one.witness for one in once]).equals(pd.concat([one.witness for one in again]))


def test_a_row_that_may_not_move_cannot_flip():
    still = {name: {"movable": False} for name in ("age", "income", "debt", "home")}
    partition = partition_of(fitted("xgboost"), moves(**still), applicants(3, seed=77)[0])
    assert minimal_change(partition, 0).status == "impossible"
    assert lower_bound(partition, 0) == np.inf


def test_a_number_that_the_model_takes_as_a_category_needs_a_grid():
    rows, labels = applicants(60)
    native = make_pipeline(OneHotEncoder(handle_unknown="ignore"), RandomForestClassifier(3, random_state=0))
    native.fit(rows, labels)
    model = read_ensemble(native, tuple(rows.columns))
    found = partition_cells(model, moves(age={"step": None}), rows)
    assert isinstance(found, NoExactAnswer)
    assert "age" in found.reason
    partition = partition_of(native, moves(), rows.head(3))
    change = minimal_change(partition, 0)
    assert native.predict(change.witness)[0] != native.predict(rows.head(1))[0]


def test_moves_of_every_column_are_needed_and_rows_too():
    rows, _ = applicants(5)
    model = read_ensemble(fitted("xgboost"), tuple(rows.columns))
    assert "home" in partition_cells(model, moves()[:3], rows).reason
    assert partition_cells(model, moves(), rows.head(0)).reason == "no rows are given"


@pytest.mark.parametrize("wrong", [{"span": 0.0}, {"step": -1}, {"cost": -1.0}, {"low": 2.0, "high": 1.0}])
def test_moves_without_meaning_are_refused(wrong):
    with pytest.raises(ValueError, match="income"):
        FeatureMoves(name="income", kind="number", **wrong)


@pytest.mark.parametrize(
    "last",
    [
        RandomForestClassifier(3, max_depth=3, random_state=0),
        lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_pipeline_of_one_column_after_another_is_read(last):
    native = encoded(last)
    frame, labels = applicants(80)
    native.fit(frame, labels)
    model = read_ensemble(native, tuple(frame.columns))
    assert [one.column for one in model.encoding.origins] == ["age", "income", "debt", "home", "home", "home"]
    assert (model.decide(frame) == native.predict(frame)).all()


def test_a_pipeline_that_was_trained_on_arrays_is_asked_with_arrays():
    native = make_pipeline(StandardScaler(), RandomForestClassifier(3, max_depth=3, random_state=0))
    native.fit(PLANE.to_numpy(), THREE > 0)
    rows = PLANE.head(4)
    partition = partition_of(native, STEPS, rows)
    answers, own = native.predict(EVERYWHERE.to_numpy()), native.predict(rows.to_numpy())
    for number in range(len(rows)):
        assert minimal_change(partition, number).distance == pytest.approx(
            _nearest(answers != own[number], rows.iloc[number])
        )
