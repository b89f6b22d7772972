"""Smallest changes of rows with gaps against the list of all rows there are: gaps that stay, are made and are filled."""

from __future__ import annotations

import itertools

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from model_governance.attacks.trees import FeatureMoves, certified_at, lower_bound, minimal_change
from tree_cases import partition_of

LEVELS = {"a": 6, "b": 5, "c": 4}
WORLD = pd.DataFrame(
    list(itertools.product(*([*map(float, range(levels)), np.nan] for levels in LEVELS.values()))), columns=list(LEVELS)
)
MODELS = {
    "xgboost": lambda: xgboost.XGBClassifier(n_estimators=7, max_depth=3, n_jobs=1),
    "lightgbm": lambda: lightgbm.LGBMClassifier(
        n_estimators=7, num_leaves=6, min_child_samples=4, verbose=-1, n_jobs=1
    ),
    "histogram": lambda: HistGradientBoostingClassifier(max_iter=6, max_leaf_nodes=6, min_samples_leaf=4),
    "forest": lambda: RandomForestClassifier(7, max_depth=4, random_state=0),
    "tree": lambda: DecisionTreeClassifier(max_depth=5, random_state=0),
}


def living_on_gaps(name: str):
    """A model whose labels follow the gaps as much as the numbers, and rows of which a third of the cells are missing."""
    draw = np.random.default_rng(11)
    frame = pd.DataFrame({name: draw.integers(0, levels, 400).astype(float) for name, levels in LEVELS.items()})
    frame = frame.mask(draw.random(frame.shape) < 0.33)
    score = (
        2.0 * frame["a"].isna()
        + (frame["b"] > 2)
        - 1.5 * (frame["b"].isna() & frame["c"].notna())
        + frame["c"].fillna(1) / 4
    )
    labels = (score + draw.normal(0, 0.4, 400) > score.median()).astype(int)
    return MODELS[name]().fit(frame, labels), frame.drop_duplicates().head(14).reset_index(drop=True)


def moves() -> list[FeatureMoves]:
    """a: gaps are made and filled; b: they stay; c: they are made only, and it rises only."""
    span = {name: levels - 1.0 for name, levels in LEVELS.items()}
    line = {name: {"kind": "number", "step": 1, "low": 0, "high": span[name], "span": span[name]} for name in LEVELS}
    return [
        FeatureMoves(name="a", **line["a"], omittable=True, fills=(1.0, 4.0), gap_distance=0.1, gap_cost=0.3),
        FeatureMoves(name="b", **line["b"]),
        FeatureMoves(name="c", **line["c"], direction=1, omittable=True, gap_cost=0.8),
    ]


def listed(answers: np.ndarray, own: int, row: pd.Series, objective: str) -> float:
    """The smallest change over all rows that the moves allow."""
    allowed = answers != own
    distances, costs = [], []
    for move in moves():
        here, mine = WORLD[move.name].to_numpy(), row[move.name]
        gone, gap = np.isnan(here), np.isnan(mine)
        away = np.zeros(len(here)) if gap else np.nan_to_num(np.abs(here - mine)) / move.span
        made, filled = gone & (not gap), ~gone & gap
        allowed &= ~made | move.omittable
        allowed &= ~filled | np.isin(here, move.fills)
        if move.direction == 1 and not gap:
            allowed &= gone | (here >= mine)
        distances.append(np.where(made | filled, move.gap_distance, away))
        costs.append(np.where(made | filled, move.gap_cost, away * move.cost))
    parts = np.array(distances)
    sizes = {"linf": parts.max(axis=0), "l2": np.sqrt((parts**2).sum(axis=0)), "cost": np.array(costs).sum(axis=0)}
    return float(sizes[objective][allowed].min(initial=np.inf))


@pytest.mark.parametrize("objective", ["linf", "l2", "cost"])
@pytest.mark.parametrize("name", MODELS)
def test_the_smallest_change_agrees_with_the_list_of_all_rows(name, objective):
    native, rows = living_on_gaps(name)
    partition = partition_of(native, moves(), rows)
    answers, own = native.predict(WORLD), native.predict(rows)
    flipped = 0
    for number in range(len(rows)):
        truth = listed(answers, own[number], rows.iloc[number], objective)
        change = minimal_change(partition, number, objective=objective)
        assert lower_bound(partition, number, objective=objective) <= truth * (1 + 1e-9)
        assert not (certified_at(partition, number, limit=0.2, objective=objective) and truth <= 0.2)
        if np.isinf(truth):
            assert change.status == "impossible"
            continue
        assert change.distance == pytest.approx(truth)
        assert native.predict(change.witness)[0] != own[number]
        flipped += 1
    assert flipped > 4
