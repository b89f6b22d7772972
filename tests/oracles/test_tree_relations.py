"""Smallest changes under linear relations against the list of all rows there are: a sum, an inequality and a group of flags."""

from __future__ import annotations

import itertools

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.tree import DecisionTreeClassifier

from model_governance.attacks.trees import (
    FeatureMoves,
    LinearRelation,
    NoExactAnswer,
    lower_bound,
    minimal_change,
    partition_cells,
    read_ensemble,
)

FLAGS = ("own", "rent", "other")
MODELS = {
    "xgboost": lambda: xgboost.XGBClassifier(n_estimators=8, max_depth=3, n_jobs=1),
    "lightgbm": lambda: lightgbm.LGBMClassifier(
        n_estimators=8, num_leaves=6, min_child_samples=4, verbose=-1, n_jobs=1
    ),
    "histogram": lambda: HistGradientBoostingClassifier(max_iter=6, max_leaf_nodes=6, min_samples_leaf=4),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=6, random_state=0),
    "forest": lambda: RandomForestClassifier(7, max_depth=4, random_state=0),
    "even forest": lambda: ExtraTreesClassifier(6, max_depth=4, random_state=0),
    "tree": lambda: DecisionTreeClassifier(max_depth=5, random_state=0),
}
RELATIONS = (
    LinearRelation(weights={"total": 1.0, "open": -1.0, "closed": -1.0}, low=0.0, high=0.0),
    LinearRelation(weights={"open": 1.0, "closed": -1.0}, low=-np.inf, high=2.0),
    LinearRelation(weights=dict.fromkeys(FLAGS, 1.0), low=1.0, high=1.0),
)


def world() -> pd.DataFrame:
    """All rows in which the relations hold."""
    rows = [
        (a, b, a + b, *(int(flag == home) for flag in FLAGS), size)
        for a, b, home, size in itertools.product(range(7), range(6), FLAGS, range(4))
        if a - b <= 2
    ]
    return pd.DataFrame(rows, columns=["open", "closed", "total", *FLAGS, "size"])


WORLD = world()


def moves() -> list[FeatureMoves]:
    numbers = {"open": 6.0, "closed": 5.0, "size": 3.0}
    line = [
        FeatureMoves(name=name, kind="number", step=1, low=0, high=span, span=span, cost=cost)
        for (name, span), cost in zip(numbers.items(), (1.0, 2.0, 0.5), strict=True)
    ]
    total = FeatureMoves(name="total", kind="number", step=1, low=0, high=11, span=np.inf)
    flags = [
        FeatureMoves(name=name, kind="category", categories=(0, 1), category_distance=0.25, cost=0.3) for name in FLAGS
    ]
    return [line[0], line[1], total, *flags, line[2]]


def fitted(name: str, seed: int = 0):
    draw = np.random.default_rng(seed)
    frame = WORLD.iloc[draw.integers(0, len(WORLD), 350)].reset_index(drop=True)
    score = 2 * np.sin(frame["total"]) - 0.5 * frame["open"] + frame["rent"] + (frame["size"] == 2) * frame["own"]
    labels = (score + draw.normal(0, 0.8, len(frame)) > score.median()).astype(int)
    return MODELS[name]().fit(frame, labels), WORLD.iloc[draw.permutation(len(WORLD))[:10]].reset_index(drop=True)


def smallest(answers: np.ndarray, own: int, row: pd.Series, objective: str) -> float:
    """The smallest change over all rows there are."""
    spans = {"open": 6.0, "closed": 5.0, "size": 3.0}
    parts = {name: np.abs(WORLD[name] - row[name]) / span for name, span in spans.items()}
    changed = np.array([(WORLD[name] != row[name]).to_numpy(dtype=float) for name in FLAGS])
    if objective == "linf":
        sizes = np.maximum(np.max(list(parts.values()), axis=0), 0.25 * changed.max(axis=0))
    else:
        sizes = parts["open"] + 2.0 * parts["closed"] + 0.5 * parts["size"] + 0.3 * changed.sum(axis=0)
    return float(np.asarray(sizes)[answers != own].min(initial=np.inf))


@pytest.mark.parametrize("objective", ["linf", "cost"])
@pytest.mark.parametrize("name", MODELS)
def test_the_smallest_change_is_that_of_all_rows_in_which_the_relations_hold(name, objective):
    native, rows = fitted(name)
    model = read_ensemble(native, tuple(rows.columns))
    assert not isinstance(model, NoExactAnswer)
    partition = partition_cells(model, moves(), rows, RELATIONS)
    answers, own, larger, flips = native.predict(WORLD), native.predict(rows), 0, 0
    free = partition_cells(model, moves(), rows)
    for number in range(len(rows)):
        truth = smallest(answers, own[number], rows.iloc[number], objective)
        change = minimal_change(partition, number, objective=objective)
        assert lower_bound(partition, number, objective=objective) <= truth * (1 + 1e-9)
        if np.isinf(truth):
            assert change.status == "impossible"
            continue
        assert change.status == "found"
        assert change.distance == pytest.approx(truth, rel=1e-6)
        assert native.predict(change.witness)[0] != own[number]
        assert (change.witness.iloc[0] == WORLD).all(axis=1).any()
        flips += 1
        larger += minimal_change(free, number, objective=objective).distance < truth * (1 - 1e-6)
    assert flips > 5
    assert larger > 0


def test_a_row_without_a_tied_value_is_not_solved():
    native, rows = fitted("histogram")
    model = read_ensemble(native, tuple(rows.columns))
    gap = rows.astype({"open": float})
    gap.loc[0, "open"] = np.nan
    change = minimal_change(partition_cells(model, moves(), gap, RELATIONS), 0)
    assert change.status == "unsolved"
    assert change.distance is None
