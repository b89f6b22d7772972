"""Forecast metrics against loops written from the definitions, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from model_governance.checks.quality.model_quality.forecasting import interval_pairs, quantile_estimates
from model_governance.checks.quality.model_quality.moments import Moments, instants
from model_governance.checks.quality.model_quality.seasonal_naive import seasonal_scales
from model_governance.stats.intervals import block_interval, block_length
from quality_cases import forecast, measure


def test_mase_is_that_of_hyndman_and_koehler_series_by_series():
    subject = forecast(series=3, moments=40, season=7)
    past, now = (subject.datasets[role].frame for role in ("history", "current"))
    scaled = []
    for name, rows in now.groupby("group"):
        y = past[past["group"] == name].sort_values("time")["label"].to_numpy()
        naive = np.mean([abs(y[t] - y[t - 7]) for t in range(7, len(y))])
        scaled += [abs(f - a) / naive for f, a in zip(rows["says"], rows["label"], strict=True)]
    found = measure(subject, season_length=7).metric("mase")
    assert found.value == pytest.approx(np.mean(scaled))
    assert found.n == 120


def test_mase_does_not_hang_on_the_order_of_the_rows():
    subject = forecast(series=3, moments=40)
    shuffled = subject
    for role in ("history", "current"):
        frame = subject.datasets[role].frame
        shuffled = shuffled.with_frame(role, frame.sample(frac=1, random_state=1).reset_index(drop=True))
    one, other = (measure(each, season_length=7) for each in (subject, shuffled))
    for name in ("mase", "mae", "rmse", "bias"):
        ours, theirs = one.metric(name), other.metric(name)
        assert (ours.value, ours.low, ours.high) == pytest.approx((theirs.value, theirs.low, theirs.high)), name


def test_a_naive_forecast_on_the_history_itself_has_a_mase_of_one():
    draw = np.random.default_rng(4)
    value = np.cumsum(draw.normal(size=300))
    scale = seasonal_scales(value, np.arange(300.0), pd.Series(["a"] * 300), season_length=3)
    assert np.abs(value[3:] - value[:-3]).mean() / scale["a"] == pytest.approx(1)


def test_a_gap_in_the_history_leaves_out_the_two_differences_it_touches():
    value = np.array([1.0, 2, np.nan, 5, 9, 10])
    scale = seasonal_scales(value, np.arange(6.0), pd.Series(["a"] * 6), season_length=1)
    assert scale["a"] == pytest.approx((1 + 4 + 1) / 3)


def test_series_without_variation_or_of_one_season_have_no_scale():
    value = np.array([5.0, 5, 5, 1, 2, 9])
    names = pd.Series(["flat"] * 3 + ["short"] + ["good"] * 2)
    assert list(seasonal_scales(value, np.arange(6.0), names, season_length=1).index) == ["good"]


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_pinball_loss_is_scikit_learns(quantile):
    from sklearn.metrics import mean_pinball_loss

    draw = np.random.default_rng(1)
    truth, forecasts = draw.normal(size=200), draw.normal(size=200)
    moments = Moments(number=np.arange(200), length=5)
    found = quantile_estimates(truth, {quantile: forecasts}, moments)[0]
    assert found.value == pytest.approx(mean_pinball_loss(truth, forecasts, alpha=quantile))


def test_pairs_are_symmetric_and_the_widest_comes_first():
    assert interval_pairs((0.05, 0.1, 0.5, 0.9, 0.95)) == [(0.05, 0.95), (0.1, 0.9)]


def test_the_variance_of_blocks_is_that_of_the_moving_block_bootstrap():
    draw = np.random.default_rng(9)
    noise = draw.normal(size=400)
    # Neighbours that repel one another: no autoregression is removed, the moving blocks alone count.
    values = np.array([noise[i] - 0.4 * noise[i - 1] + 0.3 * noise[i - 2] for i in range(2, 400)])
    length, count = 10, len(values)
    starts = draw.integers(0, count - length + 1, size=(20_000, count // length))
    drawn = values[starts[..., None] + np.arange(length)].mean(axis=(1, 2))
    low, high = block_interval(values, length=length)
    from scipy.stats import t

    blocks = count / length
    spread = (high - low) / 2 / t.ppf(0.975, blocks - 1) * np.sqrt((blocks - 1) / blocks)
    centred = np.sqrt(drawn.var() + (drawn.mean() - values.mean()) ** 2)
    assert spread == pytest.approx(centred, rel=0.03)


def test_strong_dependence_is_found_although_blocks_are_short():
    from scipy.signal import lfilter
    from scipy.stats import t

    draw, count, rho, errors = np.random.default_rng(4), 200, 0.85, []
    for _ in range(60):
        low, high = block_interval(lfilter([1.0], [1.0, -rho], draw.normal(size=count + 100))[100:])
        errors.append((high - low) / 2 / t.ppf(0.975, count / block_length(count) - 1))
    assert np.median(errors) == pytest.approx(1 / (1 - rho) / np.sqrt(count), rel=0.15)


def test_blocks_need_three_of_them():
    assert block_interval(np.arange(8.0), length=3) is None
    assert block_interval(np.arange(9.0), length=3) is not None
    assert block_length(3) == 1
    assert block_length(1000) == 25


@pytest.mark.parametrize(
    "values",
    [
        ["2026-01-02", "2026-01-01T12:00:00", "2026-01-03"],
        pd.to_datetime(["2026-01-02T00:00", "2026-01-01T12:00", "2026-01-03T00:00"]),
        pd.to_datetime(["2026-01-02T00:00", "2026-01-01T12:00", "2026-01-03T00:00"]).tz_localize("Europe/Berlin"),
        [pd.Timestamp("2026-01-02").date(), pd.Timestamp("2026-01-01").date(), pd.Timestamp("2026-01-03").date()],
        [2, 1, 3],
    ],
    ids=["text", "naive", "zone", "date", "number"],
)
def test_moments_of_any_type_come_in_order(values):
    assert list(np.argsort(instants(pd.Series(values, name="time"), uri="here"))) == [1, 0, 2]
