"""Small tree models of every library over numbers and categories, and exhaustive answers about them."""

from __future__ import annotations

import itertools

import lightgbm
import numpy as np
import pandas as pd
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from model_governance.attacks.trees import FeatureMoves, partition_cells, read_ensemble

HOMES = ("owner", "parents", "rent")
NUMBERS = ["age", "income", "debt"]


def applicants(rows: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray]:
    """Three whole numbers and one category; noisy labels, so that trees grow ragged."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": draw.integers(0, 7, rows),
            "income": draw.integers(0, 9, rows),
            "debt": draw.integers(0, 5, rows),
            "home": draw.choice(HOMES, rows),
        }
    )
    score = frame["income"] - frame["debt"] + 2.0 * (frame["home"] == "owner") + np.sin(frame["age"] * 2.0) * 2
    return frame, (score + draw.normal(0, 2, rows) > score.median()).astype(int).to_numpy()


def moves(**changes: dict) -> list[FeatureMoves]:
    """Unlike spans, so that distances differ; `changes` overrule by column."""
    given = {
        "age": {"kind": "number", "step": 1, "low": 0, "high": 6, "span": 6.0},
        "income": {"kind": "number", "step": 1, "low": 0, "high": 8, "span": 8.0, "cost": 2.0},
        "debt": {"kind": "number", "step": 1, "low": 0, "high": 4, "span": 4.0},
        "home": {"kind": "category", "categories": HOMES, "category_distance": 0.3, "cost": 0.7},
    }
    return [FeatureMoves(name=name, **{**one, **changes.get(name, {})}) for name, one in given.items()]


def encoded(last, *, ordinal: bool = False):
    """A pipeline that scales numbers and encodes the category."""
    words = OrdinalEncoder() if ordinal else OneHotEncoder()
    scaler = MinMaxScaler() if ordinal else StandardScaler()
    return make_pipeline(ColumnTransformer([("number", scaler, NUMBERS), ("word", words, ["home"])]), last)


MODELS = {
    "xgboost": lambda seed: encoded(xgboost.XGBClassifier(n_estimators=8, max_depth=3, random_state=seed, n_jobs=1)),
    "lightgbm": lambda seed: encoded(
        lightgbm.LGBMClassifier(n_estimators=8, num_leaves=6, verbose=-1, random_state=seed, n_jobs=1), ordinal=True
    ),
    "forest": lambda seed: encoded(RandomForestClassifier(9, max_depth=4, random_state=seed)),
    "even forest": lambda seed: encoded(ExtraTreesClassifier(6, max_depth=5, random_state=seed), ordinal=True),
    "boosting": lambda seed: encoded(GradientBoostingClassifier(n_estimators=8, random_state=seed)),
    "histogram": lambda seed: encoded(HistGradientBoostingClassifier(max_iter=6, max_leaf_nodes=6, random_state=seed)),
    "tree": lambda seed: encoded(DecisionTreeClassifier(max_depth=6, random_state=seed)),
}


def fitted(name: str, seed: int = 0):
    frame, labels = applicants(220, seed)
    return MODELS[name](seed).fit(frame, labels)


def partition_of(native, moves_, rows: pd.DataFrame):
    model = read_ensemble(native, tuple(rows.columns))
    assert hasattr(model, "ensemble"), model
    found = partition_cells(model, moves_, rows)
    assert hasattr(found, "boxes"), found
    return found


GRID = pd.DataFrame(list(itertools.product(range(7), range(9), range(5), HOMES)), columns=[*NUMBERS, "home"])


def exhaustive(answers: np.ndarray, own, moves_: list[FeatureMoves], row: pd.Series, objective: str) -> float:
    """The smallest change over all allowed rows there are; `answers` are the real model's on GRID, `own` on the row."""
    by_name = {one.name: one for one in moves_}
    allowed = np.ones(len(GRID), dtype=bool)
    distances, costs, changed = [], [], []
    for name in GRID.columns:
        one, here = by_name[name], GRID[name].to_numpy()
        same = here == row[name]
        if one.kind == "category":
            targets = one.categories if one.allowed is None else one.allowed.get(row[name], ())
            allowed &= same | (np.isin(here, targets) & one.movable)
            distances.append(np.where(same, 0.0, one.category_distance))
            costs.append(np.where(same, 0.0, one.cost))
        else:
            away = here - row[name]
            inside = (here >= one.low) & (here <= one.high) & (here % one.step == 0)
            near = np.abs(away) <= (np.inf if one.most is None else one.most)
            allowed &= same | (inside & near & one.movable & (away * one.direction >= 0))
            distances.append(np.abs(away) / one.span)
            costs.append(np.abs(away) / one.span * one.cost)
        changed.append(~same)
    parts = np.array(distances)
    sizes = {
        "linf": parts.max(axis=0), "l1": parts.sum(axis=0), "l2": np.sqrt((parts**2).sum(axis=0)),
        "cost": np.array(costs).sum(axis=0), "count": np.array(changed).sum(axis=0).astype(float),
    }  # fmt: skip
    return float(sizes[objective][allowed & (answers != own)].min(initial=np.inf))
