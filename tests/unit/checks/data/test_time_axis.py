"""Moments that a time axis lacks: a feed that lost half of them is seen, nights and weekends are not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from joint_cases import dataset, outcomes
from model_governance.checks.data.data_validation import CHECK
from model_governance.checks.data.data_validation.params import ValidationParams
from model_governance.checks.data.data_validation.suggest import suggest
from model_governance.checks.data.data_validation.time_axis import FEW_MOMENTS, INCREASE, NO_TIME, SHARE
from model_governance.contract.subject import Columns, Feature, Subject

PARAMS = ValidationParams(
    expectations=[{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "before"}}]
)
COLUMNS = Columns(features={"before": Feature(kind="numeric")}, target="sold", time="when")
HOURS = pd.date_range("2026-01-01", periods=600, freq="h")


def rows(moments, **more) -> pd.DataFrame:
    count = len(moments)
    draw = np.random.default_rng(count)
    return pd.DataFrame({"when": moments, "before": draw.gamma(2, 20, count), "sold": draw.gamma(2, 20, count), **more})


def measured(current, reference=None, columns=COLUMNS):
    given = {"current": current, "reference": reference}
    datasets = {role: dataset(role, frame) for role, frame in given.items() if frame is not None}
    subject = Subject(name="shop", task="forecasting", columns=columns, datasets=datasets)
    return subject, CHECK.measure(subject, PARAMS, 1)


def test_half_of_the_moments_lost_is_a_failure():
    later = HOURS + pd.Timedelta(days=30)
    kept = later[np.random.default_rng(1).random(600) < 0.5]
    subject, result = measured(rows(kept), rows(HOURS))
    assert result.metric(INCREASE).value == pytest.approx(0.5, abs=0.06)
    assert outcomes(CHECK, subject, result, INCREASE) == ["fail"]
    assert "0 of 600 in the reference" in result.metric(INCREASE).detail


@pytest.mark.parametrize(
    "moments",
    [
        HOURS,
        HOURS[HOURS.hour > 6],
        pd.bdate_range("2026-01-01", periods=300),
        pd.date_range("2000-01-31", periods=200, freq="ME"),
        pd.date_range("2026-01-01", periods=300, freq="h", tz="Europe/Berlin"),
        np.arange(500),
        [f"2026-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)],
    ],
)
def test_a_feed_of_the_same_habits_passes(moments):
    half = len(moments) // 2
    subject, result = measured(rows(moments[half:]), rows(moments[:half]))
    assert abs(result.metric(INCREASE).value) < 0.02
    assert outcomes(CHECK, subject, result, INCREASE) == ["pass"]


def test_months_of_different_lengths_and_every_series_of_its_own_have_no_gap():
    months = pd.date_range("2000-01-31", periods=100, freq="ME")
    both = pd.concat([rows(months, shop="a"), rows(months[20:50], shop="b")], ignore_index=True)
    grouped = COLUMNS.model_copy(update={"group": "shop"})
    _, result = measured(both, both, columns=grouped)
    assert (result.metric(SHARE).value, result.metric(SHARE).n) == (0, 130)
    _, result = measured(both[both.index % 2 == 0], both, columns=grouped)
    assert result.metric(SHARE).value == pytest.approx(0.5, abs=0.02)


def test_repeated_moments_and_their_order_do_not_count():
    mixed = HOURS.to_series().sample(frac=2, replace=True, random_state=1)
    complete = pd.concat([mixed, HOURS.to_series()])
    _, result = measured(rows(complete.to_numpy()), rows(HOURS))
    assert (result.metric(SHARE).value, result.metric(SHARE).n) == (0, 600)


@pytest.mark.parametrize(
    ("columns", "moments", "reason"),
    [(COLUMNS.model_copy(update={"time": None}), HOURS, NO_TIME), (COLUMNS, HOURS[:2], FEW_MOMENTS)],
)
def test_without_moments_there_is_a_reason_and_no_number(columns, moments, reason):
    _, result = measured(rows(moments), rows(HOURS), columns=columns)
    for name in (SHARE, INCREASE):
        assert (result.metric(name).value, result.metric(name).absence) == (None, "skipped")
        assert result.metric(name).reason == reason


def test_without_a_reference_there_is_no_increase():
    _, result = measured(rows(HOURS[::3]))
    assert result.metric(SHARE).value == 0
    assert "add datasets.reference" in result.metric(INCREASE).reason


def test_a_draft_asks_for_moments_and_for_numbers_that_vary():
    flat = rows(HOURS, rare=np.where(np.arange(600) % 20 == 0, np.arange(600), 0))
    columns = COLUMNS.model_copy(update={"features": {name: Feature(kind="numeric") for name in ("before", "rare")}})
    draft = suggest(flat, columns)
    assert {"metric": INCREASE, "less_than": 0.1, "severity": "error"} in draft.thresholds
    vary = [one for one in draft.params["expectations"] if "unique_value_count" in one["type"]]
    assert [(one["kwargs"], one["severity"]) for one in vary] == [({"column": "before", "min_value": 2}, "critical")]
    params = ValidationParams(expectations=draft.params["expectations"])
    datasets = {"current": dataset("current", flat.assign(before=7.0)), "reference": dataset("reference", flat)}
    subject = Subject(name="shop", task="forecasting", columns=columns, datasets=datasets)
    assert CHECK.measure(subject, params, 1).metric("critical_failures").value == 1
    assert not [one for one in suggest(flat.drop(columns="when"), columns).thresholds if one["metric"] == INCREASE]
