"""Lags of a forecast that no longer repeat what they repeated, found without being told which columns are lags."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from joint_cases import dataset, outcomes
from model_governance.checks.data.data_validation import CHECK
from model_governance.checks.data.data_validation.lagged_columns import MISMATCH, Lag, find_lags
from model_governance.checks.data.data_validation.params import ValidationParams
from model_governance.checks.data.data_validation.suggest import suggest
from model_governance.contract.subject import Columns, Feature, Subject

PARAMS = ValidationParams(expectations=[{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "noise"}}])
FEATURES = ("before_1", "before_4", "noise", "flag")
COLUMNS = Columns(features={name: Feature(kind="numeric") for name in FEATURES}, target="sold", time="when")


def rows(count: int = 400, *, seed: int, shop: str = "a") -> pd.DataFrame:
    """Weeks of a walk with its lags of 1 and 4, noise, and a flag that is constant for long."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({"when": pd.date_range("2020-01-05", periods=count, freq="W"), "shop": shop})
    frame["sold"] = draw.normal(size=count).cumsum()
    frame["before_1"], frame["before_4"] = frame["sold"].shift(1), frame["sold"].shift(4)
    frame["noise"], frame["flag"] = draw.normal(size=count), (np.arange(count) // 50 % 2).astype(float)
    return frame.dropna().reset_index(drop=True)


def measured(current, reference, columns=COLUMNS):
    datasets = {"current": dataset("current", current), "reference": dataset("reference", reference)}
    subject = Subject(name="shop", task="forecasting", columns=columns, datasets=datasets)
    return subject, CHECK.measure(subject, PARAMS, 1)


def exchanged(frame):
    return frame.assign(before_1=frame["before_4"], before_4=frame["before_1"])


def late(frame):
    return frame.assign(before_4=frame["before_4"].shift(1)).iloc[1:]


def test_the_lags_of_the_reference_are_found():
    assert find_lags(rows(seed=1), COLUMNS) == [
        Lag(column="sold", later="before_1", moments=1),
        Lag(column="before_1", later="before_4", moments=3),
        Lag(column="sold", later="before_4", moments=4),
    ]


@pytest.mark.parametrize("fault", [exchanged, late])
def test_exchanged_and_late_lags_fail(fault):
    subject, result = measured(fault(rows(seed=2)), rows(seed=1))
    assert result.metric(MISMATCH).value > 0.5
    assert outcomes(CHECK, subject, result, MISMATCH) == ["fail"]
    assert "before_1 is sold 1 earlier" in result.metric(MISMATCH).detail


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame,
        lambda frame: frame.drop(columns="sold"),  # labels come later
        lambda frame: frame.sample(frac=0.6, random_state=1),
        lambda frame: pd.concat([frame, frame.iloc[:50]]),
        lambda frame: frame.mask(np.random.default_rng(3).random(frame.shape) < 0.05),
    ],
)
def test_lags_that_hold_pass_whichever_rows_are_there(change):
    subject, result = measured(change(rows(seed=2)), rows(seed=1))
    assert result.metric(MISMATCH).value == 0
    assert outcomes(CHECK, subject, result, MISMATCH) == ["pass"]


def test_series_are_followed_one_by_one():
    columns = COLUMNS.model_copy(update={"group": "shop"})
    both = pd.concat([rows(seed=4), rows(seed=5, shop="b")], ignore_index=True)
    _, result = measured(both, both, columns)
    assert (result.metric(MISMATCH).value, result.metric(MISMATCH).n) == (0, 2 * (395 + 393 + 392))
    mixed = both.assign(before_1=both["before_1"].where(both["shop"] == "a", both["before_4"]))
    assert measured(mixed, both, columns)[1].metric(MISMATCH).value == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize(
    "reference",
    [
        rows(seed=1).assign(before_1=0.5, before_4=1.5),
        rows(seed=1).drop(columns=["when"]).assign(when=pd.NaT),
        rows(seed=1).assign(when=lambda frame: frame["when"].where(frame.index > 0, pd.Timestamp("1700-01-01"))),
    ],
)
def test_where_nothing_repeats_there_is_a_reason(reference):
    _, result = measured(rows(seed=2), reference)
    assert (result.metric(MISMATCH).value, result.metric(MISMATCH).absence) == (None, "skipped")


def test_a_draft_asks_for_lags_where_there_are_some():
    wanted = {"metric": MISMATCH, "less_than": 0.01, "severity": "error"}
    assert wanted in suggest(rows(seed=1), COLUMNS).thresholds
    assert wanted not in suggest(rows(seed=1).assign(before_1=0.5, before_4=1.5), COLUMNS).thresholds
