"""A suite derived from a reference: unchanged data violate it at most as often as its comment says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import synthetic
from model_governance.checks.data.data_validation import CHECK
from model_governance.checks.data.data_validation.suggest import LEVEL
from model_governance.contract.subject import Columns, Feature

if TYPE_CHECKING:
    import pandas as pd

RUNS = 40
COLUMNS = Columns(
    features={
        "income": Feature(kind="numeric"),
        "debt": Feature(kind="numeric", minimum=0),
        "age": Feature(kind="integer"),
        "region": Feature(kind="category"),
        "rare": Feature(kind="numeric"),
    },
    identifier="row",
)


def rows(seed: int) -> pd.DataFrame:
    frame = synthetic.rows(300, seed=seed)
    draw = np.random.default_rng([seed, 5])
    frame["rare"] = np.where(draw.random(300) < 0.01, np.nan, draw.standard_cauchy(300))
    frame["income"] = frame["income"].mask(draw.random(300) < 0.2)
    return frame


def is_met(one: dict, current: pd.DataFrame) -> bool:
    """What Great Expectations decides, in a line: many runs would take it minutes."""
    kwargs = one["kwargs"]
    if "column" not in kwargs or "of_type" in one["type"] or "unique" in one["type"]:
        return True
    column = current[kwargs["column"]]
    if "not_be_null" in one["type"]:
        return column.notna().mean() >= kwargs.get("mostly", 1)
    column = column.dropna()
    if "in_set" in one["type"]:
        return column.isin(kwargs["value_set"]).mean() >= kwargs.get("mostly", 1)
    inside = (column >= kwargs.get("min_value", -np.inf)) & (column <= kwargs.get("max_value", np.inf))
    return inside.mean() >= kwargs.get("mostly", 1)


def test_unchanged_data_violate_the_suggested_suite_at_most_as_often_as_it_says():
    broken = 0
    for run in range(RUNS):
        suggestion = CHECK.suggest(rows(2 * run), COLUMNS)
        broken += not all(is_met(one, rows(2 * run + 1)) for one in suggestion.params["expectations"])
    assert f"at most {LEVEL:.0%}" in suggestion.comment
    assert broken / RUNS <= LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / RUNS)
    changed = rows(1).assign(rare=rows(1)["rare"].mask(np.arange(300) < 40), age=rows(1)["age"] * 3)
    assert sum(not is_met(one, changed) for one in suggestion.params["expectations"]) == 2
