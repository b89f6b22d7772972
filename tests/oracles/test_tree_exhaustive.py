"""Smallest changes against all rows there are: a small grid with a category, every library, every objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from model_governance.attacks.trees import lower_bound, minimal_change
from tree_cases import GRID, MODELS, applicants, exhaustive, fitted, moves, partition_of

if TYPE_CHECKING:
    import pandas as pd

ROWS = applicants(8, seed=77)[0]
RULES = {
    "free": {},
    "immutable": {"age": {"movable": False}, "home": {"movable": False}},
    "one-directional": {"age": {"direction": 1}, "debt": {"direction": -1}},
    "allowed moves": {"home": {"allowed": {"rent": ("owner",), "parents": ("rent",)}}},
    "short reach": {"income": {"most": 2}, "age": {"most": 1}, "home": {"category_distance": 0.0}},
    "even numbers": {"income": {"step": 2}, "debt": {"step": 2, "low": 1}},
}


def _agree(name: str, rule: str, objective: str, rows: pd.DataFrame) -> int:
    native, allowed = fitted(name), moves(**RULES[rule])
    partition = partition_of(native, allowed, rows)
    answers, own, flips = native.predict(GRID), native.predict(rows), 0
    for number in range(len(rows)):
        row = rows.iloc[number]
        truth = exhaustive(answers, own[number], allowed, row, objective)
        change = minimal_change(partition, number, objective=objective)
        assert lower_bound(partition, number, objective=objective) <= truth * (1 + 1e-9)
        if not np.isfinite(truth):
            assert change.status == "impossible"
            continue
        assert change.status == "found"
        assert change.exact
        assert change.distance == pytest.approx(truth, rel=1e-9)
        assert native.predict(change.witness)[0] != own[number]
        flips += 1
    return flips


@pytest.mark.parametrize("name", MODELS)
def test_the_smallest_change_is_that_of_the_whole_grid(name):
    assert _agree(name, "free", "linf", ROWS) > 0


@pytest.mark.parametrize("rule", list(RULES)[1:])
@pytest.mark.parametrize("name", ["xgboost", "forest"])
def test_it_keeps_every_rule_of_the_moves(name, rule):
    assert _agree(name, rule, "linf", ROWS) > 0


@pytest.mark.parametrize("objective", ["l1", "l2", "cost", "count"])
@pytest.mark.parametrize("name", ["lightgbm", "even forest"])
def test_it_is_the_smallest_by_every_measure(name, objective):
    assert _agree(name, "free", objective, ROWS.head(6)) > 0


@pytest.mark.parametrize("objective", ["linf", "l2"])
def test_a_single_tree_gives_what_its_leaves_give(objective):
    native, allowed = fitted("tree"), moves()
    partition = partition_of(native, allowed, ROWS)
    answers, own = native.predict(GRID), native.predict(ROWS)
    for number in range(len(ROWS)):
        truth = exhaustive(answers, own[number], allowed, ROWS.iloc[number], objective)
        assert minimal_change(partition, number, objective=objective).distance == pytest.approx(truth, rel=1e-9)
